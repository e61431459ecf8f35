package plan

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/internal/beam"
)

// headlessService lists the replicas of a Clustered app for whoever looks for peers. It
// lists them before they are ready, since they are ready when they have joined (DSC-07);
// it has named ports, since SRV records are of those (DSC-04); and it carries the labels
// that its pods have, since libcluster may ask for endpoints by them (DSC-08).
func headlessService(s *settings) *corev1.Service {
	if !s.clustered {
		return nil
	}
	svc := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: s.meta(s.headless(), ComponentNode),
		Spec: corev1.ServiceSpec{
			Type:                     corev1.ServiceTypeClusterIP,
			ClusterIP:                corev1.ClusterIPNone,
			Selector:                 s.selector(s.nodes),
			PublishNotReadyAddresses: true,
			IPFamilies:               s.spec.Network.IPFamilies,
			IPFamilyPolicy:           s.ipFamilyPolicy(),
		},
	}
	if s.epmd {
		svc.Spec.Ports = append(svc.Spec.Ports, servicePort(ServicePortEPMD, beam.EPMDPort, PortEPMD))
	}
	svc.Spec.Ports = append(svc.Spec.Ports, servicePort(ServicePortDist, s.first, PortDist))
	return svc
}

func servicePort(name string, port int32, target string) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Protocol: corev1.ProtocolTCP, Port: port, TargetPort: intstr.FromString(target)}
}
