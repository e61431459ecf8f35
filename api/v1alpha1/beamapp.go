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
// +kubebuilder:validation:XValidation:rule="has(self.metadata.name) && size(self.metadata.name) <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be at most 40 characters of a to z, 0 to 9 and -, beginning with a letter: the names of Services, pods and nodes are made from it"
// +kubebuilder:validation:XValidation:rule="(has(self.spec.releaseName) ? self.spec.releaseName : self.metadata.name.replace('-', '_')) == (has(oldSelf.spec.releaseName) ? oldSelf.spec.releaseName : oldSelf.metadata.name.replace('-', '_'))",message="releaseName can't be changed: nodes of two base names would be two meshes during the rollout. Make another BeamApp, move the traffic, and delete this one",reason=FieldValueForbidden,fieldPath=".spec.releaseName"
type BeamApp struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what is wanted.
	Spec BeamAppSpec `json:"spec"`
	// status is what was last seen. Written by the operator alone.
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
//
// +kubebuilder:validation:XValidation:rule="self.type == oldSelf.type",message="type can't be changed: replicas of both types would run side by side during the rollout. Make another BeamApp, move the traffic, and delete this one",reason=FieldValueForbidden,fieldPath=".type"
// +kubebuilder:validation:XValidation:rule="self.type != oldSelf.type || (has(self.clustered) ? self.clustered.identity : 'Address') == (has(oldSelf.clustered) ? oldSelf.clustered.identity : 'Address')",message="identity can't be changed: a Deployment does not become a StatefulSet. Make another BeamApp, move the traffic, and delete this one",reason=FieldValueForbidden,fieldPath=".clustered.identity"
// +kubebuilder:validation:XValidation:rule="(has(self.clustered) && has(self.clustered.storage)) == (has(oldSelf.clustered) && has(oldSelf.clustered.storage)) && (!has(self.clustered) || !has(self.clustered.storage) || self.clustered.storage == oldSelf.clustered.storage)",message="storage can't be added, changed or removed: Kubernetes fixes a StatefulSet's volume claims when it is made. Resize the PersistentVolumeClaims themselves, or make another BeamApp",reason=FieldValueForbidden,fieldPath=".clustered.storage"
// +kubebuilder:validation:XValidation:rule="self.type == 'Clustered' || !has(self.clustered)",message="clustered is only for type Clustered: take it out, or set type: Clustered",reason=FieldValueForbidden,fieldPath=".clustered"
// +kubebuilder:validation:XValidation:rule="!has(self.autoscaling) || self.replicas > 0",message="replicas 0 and autoscaling contradict each other, since an autoscaler keeps to minReplicas: leave replicas out, or take autoscaling out to scale to zero",reason=FieldValueForbidden,fieldPath=".replicas"
// +kubebuilder:validation:XValidation:rule="!has(self.http) || !(has(self.clustered) ? self.clustered.distribution.portRange : '9100-9107').matches('^[0-9]{4,5}-[0-9]{4,5}$') || self.http.port < int((has(self.clustered) ? self.clustered.distribution.portRange : '9100-9107').split('-')[0]) || self.http.port > int((has(self.clustered) ? self.clustered.distribution.portRange : '9100-9107').split('-')[1])",message="http.port lies within the ports of the distribution (9100-9107 if not set): choose another port, or another clustered.distribution.portRange",fieldPath=".http.port"
// +kubebuilder:validation:XValidation:rule="!has(self.health.path) || has(self.http)",message="path is asked for on http.port: set http, or take path out",reason=FieldValueRequired,fieldPath=".http"
// +kubebuilder:validation:XValidation:rule="!has(self.health.livePath) || has(self.http)",message="livePath is asked for on http.port: set http, or take livePath out",reason=FieldValueRequired,fieldPath=".http"
// +kubebuilder:validation:XValidation:rule="self.agent == 'Enabled' || !has(self.shutdown.hook)",message="the hook is called by the agent: set agent: Enabled, or take the hook out",reason=FieldValueForbidden,fieldPath=".shutdown.hook"
// +kubebuilder:validation:XValidation:rule="self.agent == 'Enabled' || self.health.onPartition != 'Quorum'",message="Quorum is watched over by the agent: set agent: Enabled, or leave onPartition out",reason=FieldValueForbidden,fieldPath=".health.onPartition"
// +kubebuilder:validation:XValidation:rule="self.type == 'Clustered' || self.health.onPartition != 'Quorum'",message="Quorum needs replicas that know of one another: set type: Clustered, or leave onPartition out",reason=FieldValueForbidden,fieldPath=".health.onPartition"
// +kubebuilder:validation:XValidation:rule="!has(self.env) || !has(self.clustered) || self.clustered.discovery != 'DNSCluster' || !self.env.exists(e, e.name == 'DNS_CLUSTER_QUERY')",message="DNS_CLUSTER_QUERY is set by discovery DNSCluster: leave it out",reason=FieldValueForbidden,fieldPath=".env"
// +kubebuilder:validation:XValidation:rule="!has(self.env) || !has(self.clustered) || !self.clustered.discovery.startsWith('Libcluster') || !self.env.exists(e, e.name == 'CLUSTER_DOMAIN')",message="CLUSTER_DOMAIN is set by discovery Libcluster*: set network.clusterDomain in its place",reason=FieldValueForbidden,fieldPath=".env"
// +kubebuilder:validation:XValidation:rule="!has(self.pipelines) || self.pipelines.all(p, !has(p.kafka) || self.pipelines.exists_one(q, has(q.kafka) && q.kafka.group == p.kafka.group))",message="two pipelines share a consumer group, so each would get a part of the other's messages: give each kafka.group of its own",reason=FieldValueForbidden,fieldPath=".pipelines"
// +kubebuilder:validation:XValidation:rule="!has(self.clustered) || !has(self.clustered.storage) || !has(self.security.writablePaths) || !(self.clustered.storage.mountPath in self.security.writablePaths)",message="the disk of clustered.storage is writable already: take its mountPath out of writablePaths",reason=FieldValueForbidden,fieldPath=".security.writablePaths"
type BeamAppSpec struct {
	// image is the OCI image with the release, by tag or, better, by digest.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^\S+$`
	Image string `json:"image"`

	// imagePullPolicy is when the kubelet pulls the image. Kubernetes' own default
	// (Always for :latest, otherwise IfNotPresent) holds where it is left out.
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	// +optional
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets name Secrets in the same namespace for a private registry.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// releaseName is the release's name in mix.exs: the part of node names before
	// the @, and the script in bin/. Default: metadata.name with _ for -. Can't be
	// changed: nodes of two base names would be two meshes.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	// +optional
	ReleaseName string `json:"releaseName,omitempty"`

	// type is Clustered for replicas that form one mesh, Stateless for replicas
	// that need not know of one another. Can't be changed.
	// +kubebuilder:default=Clustered
	// +optional
	Type AppType `json:"type,omitempty"`

	// replicas is how many pods serve; 0 runs the pipelines alone. Left to the
	// autoscaler when there is one.
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// paused holds rollouts: a changed template waits until it is false again.
	// +optional
	Paused bool `json:"paused,omitempty"`

	// clustered says how the replicas find and name one another. Only with type
	// Clustered, where it may be left out for the defaults.
	// +optional
	Clustered *ClusteredSpec `json:"clustered,omitempty"`

	// http is the port that the app serves HTTP on, and who may reach it. Left out,
	// the app serves none, and neither Service nor Ingress is made.
	// +optional
	HTTP *HTTPSpec `json:"http,omitempty"`

	// health says when a replica takes traffic.
	// +kubebuilder:default={}
	// +optional
	Health HealthSpec `json:"health,omitempty"`

	// agent puts Phial's agent beside each node: it joins the nodes, keeps a replica
	// out of traffic until it has joined, and drains it before it stops. Disabled, the
	// probes ask the app itself, and nobody joins or drains.
	// +kubebuilder:default=Enabled
	// +optional
	Agent Switch `json:"agent,omitempty"`

	// shutdown is how a replica leaves. The grace period is the sum of its parts.
	// +kubebuilder:default={}
	// +optional
	Shutdown ShutdownSpec `json:"shutdown,omitempty"`

	// rollout is how a new version replaces the old one.
	// +kubebuilder:default={}
	// +optional
	Rollout RolloutSpec `json:"rollout,omitempty"`

	// autoscaling adds a HorizontalPodAutoscaler for the replicas.
	// +optional
	Autoscaling *AutoscalingSpec `json:"autoscaling,omitempty"`

	// pipelines are workloads of their own from the same image, one for each
	// Broadway pipeline; PHIAL_PIPELINE tells a pod which one it is. They are not
	// members of the mesh.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	Pipelines []PipelineSpec `json:"pipelines,omitempty"`

	// migration runs once before each rollout.
	// +optional
	Migration *MigrationSpec `json:"migration,omitempty"`

	// network says which address families and which service mesh the cluster has.
	// +kubebuilder:default={}
	// +optional
	Network NetworkSpec `json:"network,omitempty"`

	// networkPolicy says which traffic is allowed.
	// +kubebuilder:default={}
	// +optional
	NetworkPolicy NetworkPolicySpec `json:"networkPolicy,omitempty"`

	// topologySpread spreads the replicas.
	// +kubebuilder:default={}
	// +optional
	TopologySpread TopologySpreadSpec `json:"topologySpread,omitempty"`

	// disruptionBudget adds a PodDisruptionBudget, so that at most one replica at a
	// time leaves for a node drain.
	// +kubebuilder:default=Enabled
	// +optional
	DisruptionBudget Switch `json:"disruptionBudget,omitempty"`

	// vm is how the BEAM fits the container.
	// +kubebuilder:default={}
	// +optional
	VM VMSpec `json:"vm,omitempty"`

	// security is how the container is confined.
	// +kubebuilder:default={}
	// +optional
	Security SecuritySpec `json:"security,omitempty"`

	// resources are the requests and limits of each replica's container.
	// +kubebuilder:validation:XValidation:rule="!has(self.requests) || !has(self.limits) || !('cpu' in self.requests) || !('cpu' in self.limits) || quantity(string(self.requests['cpu'])).compareTo(quantity(string(self.limits['cpu']))) <= 0",message="the request for cpu is above its limit: lower the request, or raise the limit",fieldPath=".requests"
	// +kubebuilder:validation:XValidation:rule="!has(self.requests) || !has(self.limits) || !('memory' in self.requests) || !('memory' in self.limits) || quantity(string(self.requests['memory'])).compareTo(quantity(string(self.limits['memory']))) <= 0",message="the request for memory is above its limit: lower the request, or raise the limit",fieldPath=".requests"
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitempty"`

	// env is the app's own environment. RELEASE_* and what the plan itself sets are
	// refused by name, with the field to use instead.
	// +kubebuilder:validation:MaxItems=256
	// +listType=map
	// +listMapKey=name
	// +optional
	Env EnvVars `json:"env,omitempty"`

	// envFrom takes the environment from ConfigMaps and Secrets.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	EnvFrom []corev1.EnvFromSource `json:"envFrom,omitempty"`

	// serviceAccountName is the account to run as. Left out, one of the app's name is
	// made, without a token unless discovery needs one.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// nodeSelector limits the machines to those with these labels.
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations allow tainted machines.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// priorityClassName is the pods' priority class.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// podTemplate is a strategic-merge patch over the pod template, for what has no
	// field here: volumes, sidecars, affinity, annotations. The result is checked
	// again: a patch that breaks the agreement of names, ports, environment or grace
	// is refused.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +optional
	PodTemplate *runtime.RawExtension `json:"podTemplate,omitempty"`
}
