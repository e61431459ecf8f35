package plan

import (
	"strings"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
)

// Of the environment variables that hold flags, three are the plan's, each for
// what has to stand there:
//
//   - ELIXIR_ERL_OPTIONS, in front of vm.args: of two inet_dist_listen_min the first
//     counts. Not ERL_AFLAGS, which stands further in front, because images set that and
//     would lose what they set.
//   - ERL_ZFLAGS, behind everything: of two +Q the last counts, and of two net_ticktime.
//   - ERL_AFLAGS, but only with TLS or IPv6: -proto_dist may be given once. OTP 25 takes
//     plain inet_tcp where it is given twice, without a word, and an image that knows
//     IPv6 gives it in ERL_AFLAGS.
//
// All three reach bin/APP rpc and remote, which are nodes too.

// distOptions are where the node's distribution listens, for ELIXIR_ERL_OPTIONS.
func (s *settings) distOptions(w workload) string {
	var f []string
	kernel := []string{"-" + beam.Kernel}
	if !w.distributed {
		loopback := beam.LoopbackInterfaceIPv4
		if s.ipv6 {
			loopback = beam.LoopbackInterfaceIPv6
		}
		kernel = append(kernel, beam.KernelUseInterface, loopback)
	}
	first, last := s.distPorts()
	kernel = append(kernel, beam.KernelListenMin, itoa(first), beam.KernelListenMax, itoa(last))
	if w.distributed && !s.epmd {
		f = append(f, "-"+beam.FlagStartEPMD, "false", "-"+beam.FlagERLEPMDPort, itoa(first))
	}
	f = append(f, kernel...)
	if w.distributed && s.tls {
		f = append(f, "-"+beam.FlagTLSDistOptions, PathVM+"/"+FileTLSOptions)
	}
	return strings.Join(f, " ")
}

// protoFlags choose the carrier of the distribution where it is not OTP's default, for
// ERL_AFLAGS. They are empty where it is.
func (s *settings) protoFlags(w workload) string {
	if !w.node {
		return ""
	}
	var proto string
	switch tls := w.distributed && s.tls; {
	case tls && s.ipv6:
		proto = beam.ProtoTLS6
	case tls:
		proto = beam.ProtoTLS
	case s.ipv6:
		proto = beam.ProtoTCP6
	default:
		return ""
	}
	return "-" + beam.FlagProtoDist + " " + proto
}

// vmFlags are those of the emulator, for ERL_ZFLAGS.
func (s *settings) vmFlags(w workload) string {
	vm := s.spec.VM
	f := []string{beam.FlagMaxPorts, itoa(vm.MaxPorts)}
	if s.neverWaitsBusily(w) {
		for _, flag := range []string{beam.FlagSchedulerBusyWait, beam.FlagDirtyCPUBusyWait, beam.FlagDirtyIOBusyWait} {
			f = append(f, flag, "none")
		}
	}
	if t := s.cluster.Distribution.NetTicktimeSeconds; t != nil && w.distributed {
		f = append(f, "-"+beam.Kernel, beam.KernelNetTicktime, itoa(*t))
	}
	return strings.Join(append(f, vm.Flags...), " ")
}

// neverWaitsBusily: a scheduler that spins while it waits uses up the quota of a
// container with a CPU limit, and is throttled when there is work (CPU-01).
func (s *settings) neverWaitsBusily(w workload) bool {
	switch s.spec.VM.BusyWait {
	case v1alpha1.BusyWaitNever:
		return true
	case v1alpha1.BusyWaitDefault:
		return false
	}
	return !w.resources.Limits.Cpu().IsZero()
}

// ownedFlags are the flags that the plan gives where one more of them, in a place that
// is the team's, would win over it or undo it; and what to use instead.
var ownedFlags = []struct{ flag, instead string }{
	{beam.KernelListenMin, "set spec.clustered.distribution.portRange"},
	{beam.KernelListenMax, "set spec.clustered.distribution.portRange"},
	{beam.KernelUseInterface, "remove it: pods listen on their own address, and what is in no mesh on loopback"},
	{"-" + beam.FlagProtoDist, "set spec.network.ipFamilies or spec.clustered.distribution.tls"},
	{"-" + beam.FlagTLSDistOptions, "set spec.clustered.distribution.tls"},
	{"-" + beam.FlagStartEPMD, "set spec.clustered.distribution.epmd"},
	{"-" + beam.FlagERLEPMDPort, "set spec.clustered.distribution.epmd and portRange"},
	{"-" + beam.FlagDistListen, "remove it: a node that does not listen can't be reached"},
	{"-name", "set spec.releaseName and spec.clustered.identity"},
	{"-sname", "set spec.releaseName and spec.clustered.identity"},
	{"-setcookie", "put the cookie into the Secret that spec.clustered.cookie names"},
}

// ownedFlag finds one of them among flags as erl takes them.
func ownedFlag(flags string) (flag, instead string, found bool) {
	for word := range strings.FieldsSeq(flags) {
		for _, o := range ownedFlags {
			if strings.Trim(word, `"'`) == o.flag {
				return o.flag, o.instead, true
			}
		}
	}
	return "", "", false
}
