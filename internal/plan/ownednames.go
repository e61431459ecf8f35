package plan

import "github.com/phialdev/phial/internal/beam"

// instead says where a value that a name stands for is set.
func instead(name string) string {
	switch name {
	case beam.EnvReleaseNode, beam.EnvReleaseDistribution:
		return "set spec.releaseName and spec.clustered.identity"
	case beam.EnvReleaseCookie, beam.EnvPhialCookieFile:
		return "put the cookie into the Secret that spec.clustered.cookie names"
	case beam.EnvElixirErlOptions, beam.EnvReleaseRemoteVMArgs, beam.EnvErlEPMDAddress:
		return "set spec.clustered.distribution, and further flags in spec.vm.flags"
	case beam.EnvErlZFlags:
		return "set spec.vm"
	case beam.EnvErlCrashDump, beam.EnvErlCrashDumpSeconds:
		return "set spec.vm.crashDump"
	case beam.EnvPort, beam.EnvPhoenixServer:
		return "set spec.http"
	case beam.EnvLibclusterDomain:
		return "set spec.network.clusterDomain"
	case beam.EnvDNSClusterQuery, beam.EnvPhialService:
		return "set spec.clustered.discovery"
	case beam.EnvReleaseTmp:
		return "it is on a volume that can be written to"
	}
	return "remove it"
}

// refusedName is what is wrong with a name that the plan does not set in these pods and
// that would still undo what it does.
func refusedName(name string) string {
	switch name {
	case beam.EnvErlEPMDPort:
		return name + " would have the nodes ask where no EPMD is; remove it: Services and policies have 4369"
	case beam.EnvReleaseNode, beam.EnvReleaseDistribution, beam.EnvReleaseCookie, beam.EnvErlEPMDAddress,
		beam.EnvElixirErlOptions, beam.EnvReleaseRemoteVMArgs, beam.EnvPhialCookieFile:
		return name + " is the plan's; " + instead(name)
	}
	return ""
}
