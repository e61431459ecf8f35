package plan

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
)

// environment is that of the app's container: ours, then the team's own. The kubelet
// expands $(NAME) where NAME stands earlier in the list, so what others refer to comes
// first.
//
// Of the names that the team may set as well (teamsOwn) its values count.
func (s *settings) environment(w workload) []corev1.EnvVar {
	env := s.ownEnv(w)
	theirs := w.env
	if proto := s.protoFlags(w); proto != "" {
		env = append(env, corev1.EnvVar{Name: beam.EnvErlAFlags, Value: proto})
		theirs = withFlags(theirs, beam.EnvErlAFlags, proto)
	}
	return mergeEnv(env, theirs)
}

// ownEnv is what the plan sets, and nobody else may, but for the names of teamsOwn.
func (s *settings) ownEnv(w workload) []corev1.EnvVar {
	env := podEnv()
	set := func(name, value string) { env = append(env, corev1.EnvVar{Name: name, Value: value}) }
	set("LANG", "C.UTF-8")
	set("HOME", PathTmp)
	set(beam.EnvReleaseTmp, PathRelease)
	set(beam.EnvErlZFlags, s.vmFlags(w))
	set(beam.EnvPhialApp, s.app.Name)
	if !w.node {
		set(beam.EnvReleaseDistribution, beam.DistributionNone)
		return env
	}
	set(beam.EnvReleaseDistribution, beam.DistributionName)
	set(beam.EnvReleaseNode, s.nodeName(w))
	env = append(env, s.cookieEnv())
	set(beam.EnvPhialCookieFile, PathCookie+"/"+CookieKey)
	set(beam.EnvElixirErlOptions, s.distOptions(w))
	if !w.distributed {
		set(beam.EnvErlEPMDAddress, s.loopback().String())
	} else if !s.epmd {
		set(beam.EnvReleaseRemoteVMArgs, PathVM+"/"+FileRemoteVMArgs)
	}
	if d := s.spec.VM.CrashDump; d.Mode == v1alpha1.Enabled {
		set(beam.EnvErlCrashDump, FileCrashDump)
		set(beam.EnvErlCrashDumpSeconds, itoa(d.MaxSeconds))
	} else {
		set(beam.EnvErlCrashDumpSeconds, "0")
	}
	if w.http {
		set(beam.EnvPort, itoa(s.spec.HTTP.Port))
		set(beam.EnvPhoenixServer, "true")
		if h := s.host(); h != "" {
			set(beam.EnvPhoenixHost, h)
		}
	}
	if w.distributed {
		set(beam.EnvPhialService, s.headless())
		switch s.cluster.Discovery {
		case v1alpha1.DiscoveryDNSCluster:
			set(beam.EnvDNSClusterQuery, s.headlessDomain())
		case v1alpha1.DiscoveryLibclusterDNS, v1alpha1.DiscoveryLibclusterDNSSRV, v1alpha1.DiscoveryLibclusterKubernetes:
			set(beam.EnvLibclusterDomain, s.spec.Network.ClusterDomain)
		case v1alpha1.DiscoveryPhial:
		}
	}
	if p := w.pipeline; p != nil {
		set(beam.EnvPhialPipeline, p.Name)
		if k := p.Kafka; k != nil {
			set(beam.EnvPhialKafkaBrokers, strings.Join(k.Brokers, ","))
			set(beam.EnvPhialKafkaGroup, k.Group)
			set(beam.EnvPhialKafkaTopics, strings.Join(k.Topics, ","))
		}
	}
	return env
}

// podEnv is what a pod knows of itself.
func podEnv() []corev1.EnvVar {
	field := func(name, path string) corev1.EnvVar {
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path},
		}}
	}
	return []corev1.EnvVar{
		field(beam.EnvPodName, "metadata.name"),
		field(beam.EnvPodNamespace, "metadata.namespace"),
		field(beam.EnvPodIP, "status.podIP"),
	}
}

// cookieEnv is the cookie that the node starts with. The file beside it is the cookie of
// now.
func (s *settings) cookieEnv() corev1.EnvVar {
	c := s.cookie()
	ref := &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: c.SecretName}, Key: CookieKey,
	}
	if !c.Required {
		ref.Optional = new(true)
	}
	return corev1.EnvVar{Name: beam.EnvReleaseCookie, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: ref}}
}

// teamsOwn are the names that the plan gives a value to and the team may give another.
var teamsOwn = map[string]bool{
	"LANG": true, "HOME": true, beam.EnvPhoenixHost: true, beam.EnvErlAFlags: true,
}

// withFlags puts flags in front of what env gives for name, if it gives a value.
func withFlags(env []corev1.EnvVar, name, flags string) []corev1.EnvVar {
	env = append([]corev1.EnvVar(nil), env...)
	for i, e := range env {
		if e.Name == name && e.ValueFrom == nil {
			env[i].Value = strings.TrimSpace(flags + " " + e.Value)
		}
	}
	return env
}
