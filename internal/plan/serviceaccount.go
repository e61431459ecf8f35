package plan

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// serviceAccount is the account of the app's pods, nil where the user names one. It
// hands out no token: a pod that needs one mounts it itself.
func serviceAccount(s *settings) *corev1.ServiceAccount {
	if s.spec.ServiceAccountName != "" {
		return nil
	}
	return &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   s.meta(s.serviceAccountName(), ""),
		AutomountServiceAccountToken: new(false),
	}
}
