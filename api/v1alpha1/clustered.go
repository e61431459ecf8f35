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
type ClusteredSpec struct {
	// Identity is what a node is named after. Address: a Deployment, base@POD_IP;
	// rollouts may surge. Stable: a StatefulSet, base@pod.service.namespace.svc.domain;
	// for disks, Mnesia, ra, SRV discovery. Can't be changed.
	// +kubebuilder:default=Address
	// +optional
	Identity Identity `json:"identity,omitempty"`

	// Join is whether the agents connect nodes that discovery left apart. Never for
	// apps that want nobody else to dial: -connect_all false, Partisan.
	// +kubebuilder:default=Auto
	// +optional
	Join Join `json:"join,omitempty"`

	// Discovery is who finds the peers: Phial's agents, or the library in the app.
	// Some dial names that one of the identities does not give; such pairs are refused.
	// +kubebuilder:default=Phial
	// +optional
	Discovery Discovery `json:"discovery,omitempty"`

	// Distribution is how nodes talk.
	// +kubebuilder:default={}
	// +optional
	Distribution DistributionSpec `json:"distribution,omitempty"`

	// Cookie is where the cookie is kept.
	// +kubebuilder:default={}
	// +optional
	Cookie CookieSpec `json:"cookie,omitempty"`

	// Storage gives each replica a disk that stays. Only with identity Stable. Can't be
	// added, changed or removed.
	// +optional
	Storage *StorageSpec `json:"storage,omitempty"`
}

// DistributionSpec is how nodes talk to one another.
type DistributionSpec struct {
	// PortRange is FIRST-LAST, TCP: the node listens on the first, bin/APP rpc and
	// remote, which are nodes too, on the next free ones. At least 2 ports, 1024 to
	// 65535. With EPMD disabled every node listens on the first.
	// +kubebuilder:default="9100-9107"
	// +kubebuilder:validation:MaxLength=11
	// +kubebuilder:validation:Pattern=`^[1-9][0-9]{3,4}-[1-9][0-9]{3,4}$`
	// +optional
	PortRange string `json:"portRange,omitempty"`

	// EPMD is the port mapper, TCP 4369 in each pod. Disabled, all nodes listen on the
	// first port of the range and nobody asks.
	// +kubebuilder:default=Enabled
	// +optional
	EPMD Switch `json:"epmd,omitempty"`

	// TLS encrypts and authenticates the links.
	// +kubebuilder:default={}
	// +optional
	TLS DistributionTLSSpec `json:"tls,omitempty"`

	// NetTicktimeSeconds is how long a silent peer is believed, in seconds, 5 to 3600;
	// a dead one is noticed after 0.75 to 1.25 of it. OTP's default is 60. The same on
	// all nodes.
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=3600
	// +optional
	NetTicktimeSeconds *int32 `json:"netTicktimeSeconds,omitempty"`
}

// DistributionTLSSpec is TLS between nodes.
type DistributionTLSSpec struct {
	// Mode is Enabled for inet_tls_dist with certificates verified on both sides. The
	// release must contain the application ssl.
	// +kubebuilder:default=Disabled
	// +optional
	Mode Switch `json:"mode,omitempty"`

	// SecretName is a Secret of type kubernetes.io/tls with tls.crt, tls.key and
	// ca.crt. Required with mode Enabled.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	SecretName string `json:"secretName,omitempty"`
}

// CookieSpec is where the cookie is kept.
type CookieSpec struct {
	// SecretRef names the Secret with the key "cookie" (and, during a rotation, "next"
	// and "switchAt"). Default: the Secret NAME-cookie, which the operator makes when it
	// is not there; without an operator you make it, and `phial render` says how.
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`
}

// SecretReference names a Secret in the same namespace.
type SecretReference struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// StorageSpec is a disk for each replica.
type StorageSpec struct {
	// Size of the disk.
	Size resource.Quantity `json:"size"`
	// StorageClassName is the class; left out, the cluster's default.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
	// MountPath is where the app finds it.
	// +kubebuilder:default="/data"
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^/.+$`
	// +optional
	MountPath string `json:"mountPath,omitempty"`
}
