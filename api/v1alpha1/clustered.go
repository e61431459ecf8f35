package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// Identity says what a replica's node is named after.
// +kubebuilder:validation:Enum=Address;Stable
type Identity string

// The identities.
const (
	// Address: a Deployment, nodes are base@POD_IP.
	Address Identity = "Address"
	// Stable: a StatefulSet, nodes are base@pod.service.namespace.svc.domain.
	Stable Identity = "Stable"
)

// Join says whether the agents connect nodes.
// +kubebuilder:validation:Enum=Auto;Never
type Join string

// The ways to join.
const (
	JoinAuto  Join = "Auto"
	JoinNever Join = "Never"
)

// Discovery is who finds the peers. What each looks up and which names it dials is
// the table in internal/beam.
// +kubebuilder:validation:Enum=Phial;LibclusterDNS;LibclusterDNSSRV;LibclusterKubernetes;DNSCluster
type Discovery string

// The discoveries.
const (
	DiscoveryPhial                Discovery = "Phial"                // the agents, no library needed
	DiscoveryLibclusterDNS        Discovery = "LibclusterDNS"        // libcluster's Kubernetes.DNS and DNSPoll: dial base@IP
	DiscoveryLibclusterDNSSRV     Discovery = "LibclusterDNSSRV"     // libcluster's Kubernetes.DNSSRV: dials base@host name
	DiscoveryLibclusterKubernetes Discovery = "LibclusterKubernetes" // libcluster's Kubernetes: asks the API server
	DiscoveryDNSCluster           Discovery = "DNSCluster"           // dns_cluster, Phoenix's default: dials base@IP
)

// ClusteredSpec says how the replicas find and name one another.
//
// +kubebuilder:validation:XValidation:rule="self.discovery != 'LibclusterDNS' || self.identity != 'Stable'",message="libcluster's Kubernetes.DNS dials base@IP, and identity Stable names nodes by host name: they never meet. Use discovery LibclusterDNSSRV, or identity Address.",reason=FieldValueForbidden,fieldPath=".discovery"
// +kubebuilder:validation:XValidation:rule="self.discovery != 'LibclusterDNSSRV' || self.identity != 'Address'",message="libcluster's Kubernetes.DNSSRV dials base@host name, and identity Address names nodes by their address: they never meet. Use discovery LibclusterDNS, or identity Stable.",reason=FieldValueForbidden,fieldPath=".discovery"
// +kubebuilder:validation:XValidation:rule="self.discovery != 'DNSCluster' || self.identity != 'Stable'",message="dns_cluster dials base@IP, and identity Stable names nodes by host name: they never meet. Use discovery Phial, or identity Address.",reason=FieldValueForbidden,fieldPath=".discovery"
// +kubebuilder:validation:XValidation:rule="self.discovery != 'Phial' || self.join != 'Never'",message="with discovery Phial the agents join the nodes, and join Never forbids it, so that nobody would: say in discovery which library joins them, or leave join out",reason=FieldValueForbidden,fieldPath=".join"
// +kubebuilder:validation:XValidation:rule="!has(self.storage) || self.identity == 'Stable'",message="storage needs replicas that keep their names: set identity: Stable, or take storage out",reason=FieldValueForbidden,fieldPath=".storage"
type ClusteredSpec struct {
	// identity is what a node is named after. Address: a Deployment, base@POD_IP;
	// rollouts may surge. Stable: a StatefulSet, base@pod.service.namespace.svc.domain;
	// for disks, Mnesia, ra, SRV discovery. Can't be changed.
	// +kubebuilder:default=Address
	// +optional
	Identity Identity `json:"identity,omitempty"`

	// join is whether the agents connect nodes that discovery left apart. Never for
	// apps that want nobody else to dial: -connect_all false, Partisan.
	// +kubebuilder:default=Auto
	// +optional
	Join Join `json:"join,omitempty"`

	// discovery is who finds the peers: Phial's agents, or the library in the app.
	// Some dial names that one of the identities does not give; such pairs are refused.
	// +kubebuilder:default=Phial
	// +optional
	Discovery Discovery `json:"discovery,omitempty"`

	// distribution is how nodes talk.
	// +kubebuilder:default={}
	// +optional
	Distribution DistributionSpec `json:"distribution,omitempty"`

	// cookie is where the cookie is kept.
	// +kubebuilder:default={}
	// +optional
	Cookie CookieSpec `json:"cookie,omitempty"`

	// storage gives each replica a disk that stays. Only with identity Stable. Can't be
	// added, changed or removed.
	// +optional
	Storage *StorageSpec `json:"storage,omitempty"`
}

// PortRange is FIRST-LAST, both TCP ports.
//
// +kubebuilder:validation:MaxLength=11
// +kubebuilder:validation:XValidation:rule="self.matches('^[1-9][0-9]{3,4}-[1-9][0-9]{3,4}$') && int(self.split('-')[0]) >= 1024 && int(self.split('-')[0]) < int(self.split('-')[1]) && int(self.split('-')[1]) <= 65535",message="must be FIRST-LAST, such as 9100-9107: two ports or more of 1024 to 65535, since the node listens on the first and bin/APP rpc and remote, nodes too, on the next"
// +kubebuilder:validation:XValidation:rule="!self.matches('^[0-9]{4,5}-[0-9]{4,5}$') || int(self.split('-')[1]) - int(self.split('-')[0]) < 1000",message="holds more than 1000 ports, and all of them are opened between the pods: one for the node and a few for bin/APP rpc and remote are enough"
// +kubebuilder:validation:XValidation:rule="!self.matches('^[0-9]{4,5}-[0-9]{4,5}$') || int(self.split('-')[0]) > 4369 || int(self.split('-')[1]) < 4369",message="holds 4369, the port of EPMD: choose another range"
// +kubebuilder:validation:XValidation:rule="!self.matches('^[0-9]{4,5}-[0-9]{4,5}$') || int(self.split('-')[0]) > 9111 || int(self.split('-')[1]) < 9110",message="holds 9110 or 9111, the ports of Phial's agent: choose another range"
type PortRange = string

// DistributionSpec is how nodes talk to one another.
type DistributionSpec struct {
	// portRange is FIRST-LAST, TCP: the node listens on the first, bin/APP rpc and
	// remote, which are nodes too, on the next free ones. 2 to 1000 ports, 1024 to
	// 65535. With EPMD disabled every node listens on the first.
	// +kubebuilder:default="9100-9107"
	// +optional
	PortRange PortRange `json:"portRange,omitempty"`

	// epmd is the port mapper, TCP 4369 in each pod. Disabled, all nodes listen on the
	// first port of the range and nobody asks.
	// +kubebuilder:default=Enabled
	// +optional
	EPMD Switch `json:"epmd,omitempty"`

	// tls encrypts and authenticates the links.
	// +kubebuilder:default={}
	// +optional
	TLS DistributionTLSSpec `json:"tls,omitempty"`

	// netTicktimeSeconds is how long a silent peer is believed, in seconds, 5 to 3600;
	// a dead one is noticed after 0.75 to 1.25 of it. OTP's default is 60. The same on
	// all nodes.
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=3600
	// +optional
	NetTicktimeSeconds *int32 `json:"netTicktimeSeconds,omitempty"`
}

// DistributionTLSSpec is TLS between nodes.
//
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode == 'Disabled' || (has(self.secretName) && size(self.secretName) > 0)",message="TLS needs certificates: name in secretName a Secret with tls.crt, tls.key and ca.crt",reason=FieldValueRequired,fieldPath=".secretName"
// +kubebuilder:validation:XValidation:rule="self.mode == 'Enabled' || !has(self.secretName) || size(self.secretName) == 0",message="certificates are given and TLS is not on: set mode: Enabled, or take secretName out",reason=FieldValueForbidden,fieldPath=".mode"
type DistributionTLSSpec struct {
	// mode is Enabled for inet_tls_dist with certificates verified on both sides. The
	// release must contain the application ssl.
	// +kubebuilder:default=Disabled
	// +optional
	Mode Switch `json:"mode,omitempty"`

	// secretName is a Secret of type kubernetes.io/tls with tls.crt, tls.key and
	// ca.crt. Required with mode Enabled.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	SecretName string `json:"secretName,omitempty"`
}

// CookieSpec is where the cookie is kept.
type CookieSpec struct {
	// secretRef names the Secret with the key "cookie" (and, during a rotation, "next"
	// and "switchAt"). Default: the Secret NAME-cookie, which the operator makes when it
	// is not there; without an operator you make it, and `phial render` says how.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`
}

// SecretReference names a Secret in the same namespace.
type SecretReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// StorageSpec is a disk for each replica.
//
// +kubebuilder:validation:XValidation:rule="quantity(string(self.size)).isGreaterThan(quantity('0'))",message="must be above 0, such as 10Gi",fieldPath=".size"
type StorageSpec struct {
	// size of the disk.
	Size resource.Quantity `json:"size"`
	// storageClassName is the class; left out, the cluster's default.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
	// mountPath is where the app finds it.
	// +kubebuilder:default="/data"
	// +optional
	MountPath MountPath `json:"mountPath,omitempty"`
}
