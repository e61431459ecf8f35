package plan

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
)

// Volumes of a pod. Their names begin alike, so that a team's own don't meet them.
const (
	VolumeTmp      = "phial-tmp"
	VolumeCookie   = "phial-cookie"
	VolumeCrash    = "phial-crash"
	VolumeVM       = "phial-vm"
	VolumeTLS      = "phial-tls"
	VolumeAgentBin = "phial-agent-bin"
	VolumeAgentRun = "phial-agent-run"
	VolumeData     = "phial-data" // the claim of a Stable replica
)

// secretMode lets the pod's group read and nobody write: the kubelet owns the files, and
// fsGroup is the group.
const secretMode = 0o440

// A mount is a volume and where the app's container finds it.
type mount struct {
	volume   corev1.Volume // with no source: a claim of the StatefulSet's
	path     string
	readOnly bool
	agent    bool // the agent has it at the same place
	agentRW  bool // and writes to it
}

// mounts are all volumes of a workload's pods, in a fixed order.
func (s *settings) mounts(w workload) []mount {
	all := []mount{{volume: scratch(VolumeTmp), path: PathTmp}}
	if w.node {
		c := s.cookie()
		secret := &corev1.SecretVolumeSource{SecretName: c.SecretName, DefaultMode: new(int32(secretMode))}
		if !c.Required {
			secret.Optional = new(true)
		}
		// The whole Secret, and no single files of it: those would never change.
		all = append(all, mount{
			volume: corev1.Volume{Name: VolumeCookie, VolumeSource: corev1.VolumeSource{Secret: secret}},
			path:   PathCookie, readOnly: true, agent: true,
		})
	}
	if w.node && s.spec.VM.CrashDump.Mode == v1alpha1.Enabled {
		v := scratch(VolumeCrash)
		v.EmptyDir.SizeLimit = s.spec.VM.CrashDump.SizeLimit
		all = append(all, mount{volume: v, path: PathCrash})
	}
	if w.distributed && s.wantsConfigMap() {
		all = append(all, mount{
			volume: corev1.Volume{Name: VolumeVM, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: ConfigMapName(s.app.Name)},
				DefaultMode:          new(int32(0o444)),
			}}},
			path: PathVM, readOnly: true,
		})
	}
	if w.distributed && s.tls {
		all = append(all, mount{
			volume: corev1.Volume{Name: VolumeTLS, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
				SecretName: s.cluster.Distribution.TLS.SecretName, DefaultMode: new(int32(secretMode)),
			}}},
			path: PathTLS, readOnly: true, agent: true,
		})
	}
	if w.agent {
		all = append(all,
			mount{volume: scratch(VolumeAgentBin), path: PathAgentBin, readOnly: true, agent: true, agentRW: true},
			mount{volume: scratch(VolumeAgentRun), path: PathAgentRun, readOnly: true, agent: true, agentRW: true})
	}
	if w.distributed && s.stable && s.cluster.Storage != nil {
		all = append(all, mount{volume: corev1.Volume{Name: VolumeData}, path: s.cluster.Storage.MountPath})
	}
	for i, path := range s.spec.Security.WritablePaths {
		if slices.ContainsFunc(all, func(m mount) bool { return m.path == path }) {
			continue // it is writable already, and a path can be mounted once
		}
		all = append(all, mount{volume: scratch(fmt.Sprintf("phial-writable-%d", i)), path: path})
	}
	return all
}

// volumes are those that the pod itself brings.
func volumes(all []mount) []corev1.Volume {
	var v []corev1.Volume
	for _, m := range all {
		if m.volume.VolumeSource != (corev1.VolumeSource{}) {
			v = append(v, m.volume)
		}
	}
	return v
}

// appMounts are those of the app's container.
func appMounts(all []mount) []corev1.VolumeMount {
	var v []corev1.VolumeMount
	for _, m := range all {
		v = append(v, corev1.VolumeMount{Name: m.volume.Name, MountPath: m.path, ReadOnly: m.readOnly})
	}
	return v
}

// agentMounts are those of the agent's.
func agentMounts(all []mount) []corev1.VolumeMount {
	var v []corev1.VolumeMount
	for _, m := range all {
		if m.agent {
			v = append(v, corev1.VolumeMount{Name: m.volume.Name, MountPath: m.path, ReadOnly: m.readOnly && !m.agentRW})
		}
	}
	return v
}

func scratch(name string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
}
