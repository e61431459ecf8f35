package v1alpha1

// HTTPSpec is the port that the app serves HTTP on.
//
// +kubebuilder:validation:XValidation:rule="!(self.port in [4369, 9110, 9111])",message="4369 is the port of EPMD, 9110 and 9111 those of Phial's agent: choose another port",fieldPath=".port"
// +kubebuilder:validation:XValidation:rule="!has(self.ingress) || !has(self.gateway)",message="ingress and gateway are two ways in to the same Service: keep one of them",reason=FieldValueForbidden,fieldPath=".gateway"
type HTTPSpec struct {
	// port is the TCP port that the app listens on in its pod. It is told in PORT, with
	// PHX_SERVER=true, and in PHX_HOST the first host of ingress or gateway.
	// +kubebuilder:default=4000
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port int32 `json:"port,omitempty"`

	// servicePort is the port of the Service NAME.
	// +kubebuilder:default=80
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	ServicePort int32 `json:"servicePort,omitempty"`

	// ingress makes an Ingress. Not together with gateway.
	// +optional
	Ingress *IngressSpec `json:"ingress,omitempty"`

	// gateway makes an HTTPRoute of the Gateway API. Not together with ingress.
	// +optional
	Gateway *GatewaySpec `json:"gateway,omitempty"`
}

// Host is the DNS name of a virtual host; the first label may be *.
//
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule="self.matches('^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be a DNS name in lower case, such as shop.example.com or *.example.com, without scheme, port or path"
type Host = string

// IngressSpec is an Ingress for the app.
type IngressSpec struct {
	// className is the IngressClass; left out, the cluster's default.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ClassName *string `json:"className,omitempty"`
	// hosts are the names that it answers to.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	Hosts []Host `json:"hosts"`
	// tlsSecretName is a Secret of type kubernetes.io/tls for these hosts; left out, no TLS.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	TLSSecretName string `json:"tlsSecretName,omitempty"`
	// annotations for the ingress controller.
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// GatewaySpec is an HTTPRoute for the app.
type GatewaySpec struct {
	// parentRefs are the Gateways that the route hangs on.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	ParentRefs []GatewayReference `json:"parentRefs"`
	// hosts are the names that it answers to; none means those of the Gateway.
	// +kubebuilder:validation:MaxItems=16
	// +listType=set
	// +optional
	Hosts []Host `json:"hosts,omitempty"`
}

// GatewayReference names a Gateway, and a listener of it.
type GatewayReference struct {
	// name of the Gateway.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// namespace of the Gateway; left out, the app's own.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// sectionName is a listener of the Gateway; left out, all.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	SectionName string `json:"sectionName,omitempty"`
}

// AutoscalingSpec is a HorizontalPodAutoscaler.
//
// +kubebuilder:validation:XValidation:rule="self.minReplicas <= self.maxReplicas",message="minReplicas (2 if not set) is above maxReplicas",fieldPath=".minReplicas"
type AutoscalingSpec struct {
	// minReplicas is the lower bound.
	// +kubebuilder:default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MinReplicas int32 `json:"minReplicas,omitempty"`
	// maxReplicas is the upper bound.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxReplicas int32 `json:"maxReplicas"`
	// targetCPUUtilizationPercentage is the mean over replicas, in percent of their CPU
	// request, which has to be set in resources. 70 where neither this nor memory is given.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	TargetCPUUtilizationPercentage *int32 `json:"targetCPUUtilizationPercentage,omitempty"`
	// targetMemoryUtilizationPercentage is the same for memory.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	TargetMemoryUtilizationPercentage *int32 `json:"targetMemoryUtilizationPercentage,omitempty"`
}
