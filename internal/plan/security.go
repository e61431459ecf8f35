package plan

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
)

// podSecurity is what Kubernetes' "restricted" standard asks for, said for the pod. The
// group owns the volumes, so that a process that is not root reads the Secrets.
func (s *settings) podSecurity() *corev1.PodSecurityContext {
	uid := s.spec.Security.RunAsUser
	return &corev1.PodSecurityContext{
		RunAsNonRoot: new(true),
		RunAsUser:    &uid,
		RunAsGroup:   &uid,
		FSGroup:      &uid,
		// A disk of a million files is not gone through at each start.
		FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch),
		SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// containerSecurity is the rest of it, said for each container.
func containerSecurity(readOnlyRoot bool) *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		ReadOnlyRootFilesystem:   &readOnlyRoot,
	}
}

func (s *settings) appSecurity() *corev1.SecurityContext {
	return containerSecurity(s.spec.Security.ReadOnlyRootFilesystem == v1alpha1.Enabled)
}
