package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// BeamApp is one application, built as an OTP release, and everything in the
// cluster that has to agree for it to run well.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=beam;beams,categories=all
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Ready",type=integer,JSONPath=`.status.readyReplicas`
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.spec.replicas`
// +kubebuilder:printcolumn:name="Mesh",type=string,JSONPath=`.status.conditions[?(@.type=="MeshFormed")].status`
// +kubebuilder:printcolumn:name="Available",type=string,JSONPath=`.status.conditions[?(@.type=="Available")].status`
// +kubebuilder:printcolumn:name="Islands",type=integer,JSONPath=`.status.mesh.islands`,priority=1
// +kubebuilder:printcolumn:name="Image",type=string,JSONPath=`.spec.image`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type BeamApp struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	Spec BeamAppSpec `json:"spec"`
	// Status is what was last seen. Written by the operator alone.
	// +optional
	Status BeamAppStatus `json:"status,omitempty"`
}

// BeamAppList is a list of BeamApps.
//
// +kubebuilder:object:root=true
type BeamAppList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []BeamApp `json:"items"`
}

// AppType says whether replicas know of one another.
// +kubebuilder:validation:Enum=Stateless;Clustered
type AppType string

// The types of app.
const (
	// Stateless replicas are nodes on their own: distribution listens on
	// loopback alone, for tools in the same container.
	Stateless AppType = "Stateless"
	// Clustered replicas are one mesh of distributed Erlang.
	Clustered AppType = "Clustered"
)

// Switch turns something on or off.
// +kubebuilder:validation:Enum=Enabled;Disabled
type Switch string

// The positions of a Switch.
const (
	Enabled  Switch = "Enabled"
	Disabled Switch = "Disabled"
)

// BeamAppSpec is what a team writes. Only image is required.
type BeamAppSpec struct {
	// Image is the OCI image with the release, by tag or, better, by digest.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image"`

	// ImagePullPolicy is when the kubelet pulls the image. Kubernetes' own default
	// (Always for :latest, otherwise IfNotPresent) holds where it is left out.
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	// +optional
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// ImagePullSecrets name Secrets in the same namespace for a private registry.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// ReleaseName is the release's name in mix.exs: the part of node names before
	// the @, and the script in bin/. Default: metadata.name with _ for -. Can't be
	// changed: nodes of two base names would be two meshes.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	// +optional
	ReleaseName string `json:"releaseName,omitempty"`

	// Type is Clustered for replicas that form one mesh, Stateless for replicas
	// that need not know of one another. Can't be changed.
	// +kubebuilder:default=Clustered
	// +optional
	Type AppType `json:"type,omitempty"`

	// Replicas is how many pods serve; 0 runs the pipelines alone. Left to the
	// autoscaler when there is one.
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// Paused holds rollouts: a changed template waits until it is false again.
	// +optional
	Paused bool `json:"paused,omitempty"`

	// Clustered says how the replicas find and name one another. Only with type
	// Clustered, where it may be left out for the defaults.
	// +optional
	Clustered *ClusteredSpec `json:"clustered,omitempty"`

	// HTTP is the port that the app serves HTTP on, and who may reach it. Left out,
	// the app serves none, and neither Service nor Ingress is made.
	// +optional
	HTTP *HTTPSpec `json:"http,omitempty"`

	// Health says when a replica takes traffic.
	// +kubebuilder:default={}
	// +optional
	Health HealthSpec `json:"health,omitempty"`

	// Agent puts Phial's agent beside each node: it joins the nodes, keeps a replica
	// out of traffic until it has joined, and drains it before it stops. Disabled, the
	// probes ask the app itself, and nobody joins or drains.
	// +kubebuilder:default=Enabled
	// +optional
	Agent Switch `json:"agent,omitempty"`

	// Shutdown is how a replica leaves. The grace period is the sum of its parts.
	// +kubebuilder:default={}
	// +optional
	Shutdown ShutdownSpec `json:"shutdown,omitempty"`

	// Rollout is how a new version replaces the old one.
	// +kubebuilder:default={}
	// +optional
	Rollout RolloutSpec `json:"rollout,omitempty"`

	// Autoscaling adds a HorizontalPodAutoscaler for the replicas.
	// +optional
	Autoscaling *AutoscalingSpec `json:"autoscaling,omitempty"`

	// Pipelines are workloads of their own from the same image, one for each
	// Broadway pipeline; PHIAL_PIPELINE tells a pod which one it is. They are not
	// members of the mesh.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	Pipelines []PipelineSpec `json:"pipelines,omitempty"`

	// Migration runs once before each rollout.
	// +optional
	Migration *MigrationSpec `json:"migration,omitempty"`

	// Network says which address families and which service mesh the cluster has.
	// +kubebuilder:default={}
	// +optional
	Network NetworkSpec `json:"network,omitempty"`

	// NetworkPolicy says which traffic is allowed.
	// +kubebuilder:default={}
	// +optional
	NetworkPolicy NetworkPolicySpec `json:"networkPolicy,omitempty"`

	// TopologySpread spreads the replicas.
	// +kubebuilder:default={}
	// +optional
	TopologySpread TopologySpreadSpec `json:"topologySpread,omitempty"`

	// DisruptionBudget adds a PodDisruptionBudget, so that at most one replica at a
	// time leaves for a node drain.
	// +kubebuilder:default=Enabled
	// +optional
	DisruptionBudget Switch `json:"disruptionBudget,omitempty"`

	// VM is how the BEAM fits the container.
	// +kubebuilder:default={}
	// +optional
	VM VMSpec `json:"vm,omitempty"`

	// Security is how the container is confined.
	// +kubebuilder:default={}
	// +optional
	Security SecuritySpec `json:"security,omitempty"`

	// Resources are the requests and limits of each replica's container.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty"`

	// Env is the app's own environment. RELEASE_* and what the plan itself sets are
	// refused by name.
	// +kubebuilder:validation:MaxItems=256
	// +listType=map
	// +listMapKey=name
	// +optional
	Env []corev1.EnvVar `json:"env,omitempty"`

	// EnvFrom takes the environment from ConfigMaps and Secrets.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	EnvFrom []corev1.EnvFromSource `json:"envFrom,omitempty"`

	// ServiceAccountName is the account to run as. Left out, one of the app's name is
	// made, without a token unless discovery needs one.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// NodeSelector limits the machines to those with these labels.
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// Tolerations allow tainted machines.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// PriorityClassName is the pods' priority class.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// PodTemplate is a strategic-merge patch over the pod template, for what has no
	// field here: volumes, sidecars, affinity, annotations. The result is checked
	// again: a patch that breaks the agreement of names, ports, environment or grace
	// is refused.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +optional
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`
}
