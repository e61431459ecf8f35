package plan

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// service is what serves HTTP inside the cluster: the ready replicas alone. EPMD and
// the distribution are never ports of it (NET-05).
func service(s *settings) *corev1.Service {
	h := s.spec.HTTP
	if h == nil {
		return nil
	}
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: s.meta(s.app.Name, ComponentNode),
		Spec: corev1.ServiceSpec{
			Type:           corev1.ServiceTypeClusterIP,
			Selector:       s.selector(s.nodes),
			IPFamilyPolicy: s.ipFamilyPolicy(),
			IPFamilies:     slices.Clone(s.spec.Network.IPFamilies),
			Ports: []corev1.ServicePort{{
				Name:       PortHTTP,
				Protocol:   corev1.ProtocolTCP,
				Port:       h.ServicePort,
				TargetPort: intstr.FromString(PortHTTP),
			}},
		},
	}
}

// ipFamilyPolicy is that of the Services, nil for the cluster's default.
func (s *settings) ipFamilyPolicy() *corev1.IPFamilyPolicy {
	if s.spec.Network.IPFamilyPolicy == "" {
		return nil
	}
	return new(s.spec.Network.IPFamilyPolicy)
}
