package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ServiceMesh is a proxy that the cluster puts beside pods.
// +kubebuilder:validation:Enum=None;Istio;Linkerd
type ServiceMesh string

// The service meshes.
const (
	MeshNone    ServiceMesh = "None"
	MeshIstio   ServiceMesh = "Istio"
	MeshLinkerd ServiceMesh = "Linkerd"
)

// NetworkSpec says which address families and service mesh the cluster has.
//
// +kubebuilder:validation:XValidation:rule="!has(self.ipFamilies) || size(self.ipFamilies) < 2 || self.ipFamilies[0] != self.ipFamilies[1]",message="the same family twice: leave one out, or name the other",reason=FieldValueForbidden,fieldPath=".ipFamilies"
// +kubebuilder:validation:XValidation:rule="!has(self.ipFamilies) || size(self.ipFamilies) < 2 || !has(self.ipFamilyPolicy) || self.ipFamilyPolicy != 'SingleStack'",message="two families are not SingleStack: set PreferDualStack or RequireDualStack, or leave one family out",fieldPath=".ipFamilyPolicy"
type NetworkSpec struct {
	// ipFamilyPolicy of the Services; left out, the cluster's default.
	// +kubebuilder:validation:Enum=SingleStack;PreferDualStack;RequireDualStack
	// +optional
	IPFamilyPolicy corev1.IPFamilyPolicy `json:"ipFamilyPolicy,omitempty"`
	// ipFamilies of the Services, the first is the one that nodes talk over: it must be
	// the pods' primary family, since POD_IP is of that. Left out, IPv4.
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:items:Enum=IPv4;IPv6
	// +listType=atomic
	// +optional
	IPFamilies []corev1.IPFamily `json:"ipFamilies,omitempty"`
	// clusterDomain is the DNS domain of the cluster.
	// +kubebuilder:default="cluster.local"
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +optional
	ClusterDomain string `json:"clusterDomain,omitempty"`
	// serviceMesh keeps EPMD and the distribution out of the mesh's proxy.
	// +kubebuilder:default=None
	// +optional
	ServiceMesh ServiceMesh `json:"serviceMesh,omitempty"`
}

// Managed says whether the plan looks after something.
// +kubebuilder:validation:Enum=Managed;Unmanaged
type Managed string

// The values of Managed.
const (
	IsManaged   Managed = "Managed"
	IsUnmanaged Managed = "Unmanaged"
)

// NetworkPolicySpec says which traffic is allowed.
//
// +kubebuilder:validation:XValidation:rule="self.ingress == 'Managed' || !has(self.ingressRules) || size(self.ingressRules) == 0",message="ingressRules are read only with ingress: Managed",reason=FieldValueForbidden,fieldPath=".ingressRules"
// +kubebuilder:validation:XValidation:rule="self.egress == 'Managed' || !has(self.egressRules) || size(self.egressRules) == 0",message="egressRules are read only with egress: Managed",reason=FieldValueForbidden,fieldPath=".egressRules"
type NetworkPolicySpec struct {
	// ingress Managed lets EPMD, distribution and agents in from the app's own pods
	// alone, and HTTP from everywhere. Unmanaged makes no rule.
	// +kubebuilder:default=Managed
	// +optional
	Ingress Managed `json:"ingress,omitempty"`
	// egress Managed allows DNS, the app's own pods, and egressRules, nothing else.
	// +kubebuilder:default=Unmanaged
	// +optional
	Egress Managed `json:"egress,omitempty"`
	// ingressRules are let in as well. Only with ingress Managed.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	IngressRules []networkingv1.NetworkPolicyIngressRule `json:"ingressRules,omitempty"`
	// egressRules are let out as well: the database, the brokers. Only with egress Managed.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	EgressRules []networkingv1.NetworkPolicyEgressRule `json:"egressRules,omitempty"`
}

// Spread says how hard replicas are kept apart.
// +kubebuilder:validation:Enum=ScheduleAnyway;DoNotSchedule;Disabled
type Spread string

// The values of Spread.
const (
	SpreadAnyway   Spread = "ScheduleAnyway"
	SpreadStrictly Spread = "DoNotSchedule"
	SpreadDisabled Spread = "Disabled"
)

// TopologySpreadSpec spreads replicas over zones and machines.
type TopologySpreadSpec struct {
	// zone spreads over topology.kubernetes.io/zone.
	// +kubebuilder:default=ScheduleAnyway
	// +optional
	Zone Spread `json:"zone,omitempty"`
	// node spreads over kubernetes.io/hostname.
	// +kubebuilder:default=ScheduleAnyway
	// +optional
	Node Spread `json:"node,omitempty"`
}

// BusyWait says whether schedulers spin while they have nothing to do.
// +kubebuilder:validation:Enum=Auto;Never;Default
type BusyWait string

// The values of BusyWait.
const (
	BusyWaitAuto    BusyWait = "Auto"    // Never under a CPU limit, otherwise Default
	BusyWaitNever   BusyWait = "Never"   // +sbwt none, +sbwtdcpu none, +sbwtdio none
	BusyWaitDefault BusyWait = "Default" // what vm.args says, or OTP
)

// VMFlag is a flag of erl with its value, or a part of one.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=1024
// +kubebuilder:validation:XValidation:rule="!self.matches('(^|[[:space:]])-(name|sname|setcookie)([[:space:]]|$)')",message="node names and the cookie are the plan's: set releaseName, clustered.identity and clustered.cookie in place of -name, -sname and -setcookie",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!self.matches('inet_dist_(listen_min|listen_max|use_interface)|(^|[[:space:]])-(start_epmd|erl_epmd_port|dist_listen)([[:space:]]|$)')",message="where nodes listen is the plan's: set clustered.distribution.portRange and clustered.distribution.epmd in place of inet_dist_*, -start_epmd, -erl_epmd_port and -dist_listen",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!self.matches('(^|[[:space:]])-(proto_dist|ssl_dist_opt|ssl_dist_optfile)([[:space:]]|$)')",message="how nodes talk is the plan's: set clustered.distribution.tls and network.ipFamilies in place of -proto_dist and -ssl_dist_*",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!self.matches('(^|[[:space:]])net_ticktime([[:space:]]|$)')",message="set clustered.distribution.netTicktimeSeconds in place of net_ticktime",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!self.matches('(^|[[:space:]])[+]Q')",message="set vm.maxPorts in place of +Q",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!self.matches('(^|[[:space:]])[+]sbwt')",message="set vm.busyWait in place of +sbwt, +sbwtdcpu and +sbwtdio",reason=FieldValueForbidden
type VMFlag = string

// VMSpec is how the BEAM fits the container.
type VMSpec struct {
	// maxPorts is +Q, 1024 to 134217727: files and sockets that the VM may hold. Without
	// it the VM sizes a table by the limit on open files, which can cost gigabytes.
	// +kubebuilder:default=65536
	// +kubebuilder:validation:Minimum=1024
	// +kubebuilder:validation:Maximum=134217727
	// +optional
	MaxPorts int32 `json:"maxPorts,omitempty"`
	// busyWait is whether schedulers spin while they wait, which counts against a CPU limit.
	// +kubebuilder:default=Auto
	// +optional
	BusyWait BusyWait `json:"busyWait,omitempty"`
	// flags are further flags of erl, such as "+P 2000000". Of emulator flags that stand in
	// vm.args too, these win. What the plan itself sets is refused.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Flags []VMFlag `json:"flags,omitempty"`
	// crashDump keeps erl_crash.dump on a volume that outlives the container.
	// +kubebuilder:default={}
	// +optional
	CrashDump CrashDumpSpec `json:"crashDump,omitempty"`
}

// CrashDumpSpec is where a crash dump goes. A dump holds the memory of the node,
// the cookie included.
//
// +kubebuilder:validation:XValidation:rule="!has(self.sizeLimit) || quantity(string(self.sizeLimit)).isGreaterThan(quantity('0'))",message="must be above 0, such as 1Gi",fieldPath=".sizeLimit"
type CrashDumpSpec struct {
	// mode is whether a dump is written.
	// +kubebuilder:default=Enabled
	// +optional
	Mode Switch `json:"mode,omitempty"`
	// maxSeconds is how long writing may take (ERL_CRASH_DUMP_SECONDS); it delays the restart.
	// +kubebuilder:default=30
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=600
	// +optional
	MaxSeconds int32 `json:"maxSeconds,omitempty"`
	// sizeLimit of the volume.
	// +kubebuilder:default="1Gi"
	// +optional
	SizeLimit *resource.Quantity `json:"sizeLimit,omitempty"`
}

// MountPath is a directory in the container that something is mounted on.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=255
// +kubebuilder:validation:XValidation:rule="self.matches('^(/[^/:]+)+$') && !self.split('/').exists(p, p == '.' || p == '..')",message="must be an absolute path without '.', '..', ':' and a slash at the end, and not / itself"
// +kubebuilder:validation:XValidation:rule="!self.matches('^/(phial|etc/phial|var/run/phial|var/crash/phial|proc|sys|dev)(/|$)')",message="/phial, /etc/phial, /var/run/phial and /var/crash/phial are Phial's, /proc, /sys and /dev the kernel's: choose another directory",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!self.matches('^/tmp(/|$)')",message="/tmp and all below it can be written to already, and are gone with the pod: leave it out, or choose another directory",reason=FieldValueForbidden
type MountPath = string

// SecuritySpec is how the container is confined. Always: not root, no
// capabilities, no privilege escalation, seccomp RuntimeDefault.
type SecuritySpec struct {
	// runAsUser is the uid, and the group; not 0.
	// +kubebuilder:default=65532
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	// +optional
	RunAsUser int64 `json:"runAsUser,omitempty"`
	// readOnlyRootFilesystem mounts the image read-only; /tmp, RELEASE_TMP and
	// writablePaths stay writable.
	// +kubebuilder:default=Enabled
	// +optional
	ReadOnlyRootFilesystem Switch `json:"readOnlyRootFilesystem,omitempty"`
	// writablePaths are directories that the app writes to; what it writes is gone with the pod.
	// +kubebuilder:validation:MaxItems=32
	// +listType=set
	// +optional
	WritablePaths []MountPath `json:"writablePaths,omitempty"`
}
