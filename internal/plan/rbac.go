package plan

import (
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// role lets an app that asks the API server for its peers list them: Endpoints or
// pods, by libcluster's kubernetes_ip_lookup_mode. It asks by label selector, which is
// the verb list and no other (DSC-09).
func role(s *settings) *rbacv1.Role {
	if !s.asksAPI() {
		return nil
	}
	return &rbacv1.Role{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role"},
		ObjectMeta: s.meta(s.app.Name, ""),
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{corev1.GroupName},
			Resources: []string{"endpoints", "pods"},
			Verbs:     []string{"list"},
		}},
	}
}

// roleBinding gives the role to the account of the pods, also where that is the user's
// own.
func roleBinding(s *settings) *rbacv1.RoleBinding {
	if !s.asksAPI() {
		return nil
	}
	return &rbacv1.RoleBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding"},
		ObjectMeta: s.meta(s.app.Name, ""),
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: s.app.Name},
		Subjects: []rbacv1.Subject{{
			Kind:      rbacv1.ServiceAccountKind,
			Name:      s.serviceAccountName(),
			Namespace: s.subjectNamespace(),
		}},
	}
}

// subjectNamespace is where the account is. A RoleBinding's subject is the one place
// where the API wants a namespace spelt out; where the BeamApp names none, it is the
// one that kubectl takes, and a warning says so.
func (s *settings) subjectNamespace() string {
	if s.app.Namespace == "" {
		return metav1.NamespaceDefault
	}
	return s.app.Namespace
}
