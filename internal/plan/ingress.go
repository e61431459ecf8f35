package plan

import (
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ingress leads every host, with all its paths, to the Service.
func ingress(s *settings) *networkingv1.Ingress {
	if s.spec.HTTP == nil || s.spec.HTTP.Ingress == nil {
		return nil
	}
	in := s.spec.HTTP.Ingress
	o := &networkingv1.Ingress{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"},
		ObjectMeta: s.meta(s.app.Name, ComponentNode),
		Spec:       networkingv1.IngressSpec{IngressClassName: in.ClassName},
	}
	o.Annotations = maps.Clone(in.Annotations)
	for _, host := range in.Hosts {
		o.Spec.Rules = append(o.Spec.Rules, networkingv1.IngressRule{
			Host: host,
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{
					Path:     "/",
					PathType: new(networkingv1.PathTypePrefix),
					Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
						Name: s.app.Name,
						Port: networkingv1.ServiceBackendPort{Name: PortHTTP},
					}},
				}},
			}},
		})
	}
	if in.TLSSecretName != "" {
		o.Spec.TLS = []networkingv1.IngressTLS{{Hosts: slices.Clone(in.Hosts), SecretName: in.TLSSecretName}}
	}
	return o
}
