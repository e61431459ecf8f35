package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

// Gate is what opens a replica for traffic.
// +kubebuilder:validation:Enum=Joined;Booted
type Gate string

// The gates.
const (
	GateJoined Gate = "Joined" // booted, answering, and joined to its peers once
	GateBooted Gate = "Booted" // booted and answering
)

// OnPartition is what a replica does that finds itself on an island.
// +kubebuilder:validation:Enum=Serve;LargestOnly;Quorum
type OnPartition string

// The answers to a partition.
const (
	PartitionServe       OnPartition = "Serve"
	PartitionLargestOnly OnPartition = "LargestOnly"
	PartitionQuorum      OnPartition = "Quorum"
)

// HealthSpec says when a replica takes traffic.
//
// +kubebuilder:validation:XValidation:rule="!has(self.path) || !has(self.livePath) || self.path != self.livePath",message="livePath is the same as path, so that whatever makes a replica unready would restart it too: use a path that asks nobody else, or take livePath out",reason=FieldValueForbidden,fieldPath=".livePath"
type HealthSpec struct {
	// gate is what the agent waits for before a replica takes traffic: that it has
	// joined its peers once, or only that it has booted. Stateless apps have no peers.
	// +kubebuilder:default=Joined
	// +optional
	Gate Gate `json:"gate,omitempty"`

	// path is the app's own readiness, an HTTP path on http.port that answers 200 to 399
	// when the app can serve. It must not depend on the mesh.
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^/`
	// +optional
	Path string `json:"path,omitempty"`

	// livePath is an HTTP path that answers as long as the app is worth keeping; six
	// failures 30 s apart restart the container. It must ask no database and no peer, and
	// is not the same as path. Left out, and with the agent disabled, there is no liveness probe.
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^/`
	// +optional
	LivePath string `json:"livePath,omitempty"`

	// startTimeoutSeconds is how long a replica may take to boot and answer, in seconds,
	// 10 to 3600.
	// +kubebuilder:default=120
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=3600
	// +optional
	StartTimeoutSeconds int32 `json:"startTimeoutSeconds,omitempty"`

	// onPartition is which replicas go on serving when the mesh is split: all, those of
	// the largest island (equal ones all serve), or those that see a majority.
	// +kubebuilder:default=LargestOnly
	// +optional
	OnPartition OnPartition `json:"onPartition,omitempty"`
}

// ShutdownSpec is how a replica leaves; each part in seconds. The pod's grace
// period is their sum.
type ShutdownSpec struct {
	// endpointDelaySeconds passes after a replica was taken out of its endpoints and
	// before anything in it is stopped: load balancers need that long to hear of it.
	// 3 to 5 for kube-proxy alone, 15 to 30 behind a cloud's load balancer.
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=600
	// +optional
	EndpointDelaySeconds *int32 `json:"endpointDelaySeconds,omitempty"`

	// drainTimeoutSeconds is how long work in flight, jobs and sockets may take to end.
	// +kubebuilder:default=25
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	// +optional
	DrainTimeoutSeconds *int32 `json:"drainTimeoutSeconds,omitempty"`

	// stopTimeoutSeconds is how long the VM may take from SIGTERM to its end.
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	// +optional
	StopTimeoutSeconds *int32 `json:"stopTimeoutSeconds,omitempty"`

	// hook is a function of the app that the agent calls when draining begins.
	// +optional
	Hook *HookSpec `json:"hook,omitempty"`
}

// HookSpec is a function without arguments, called on the node.
type HookSpec struct {
	// module as Elixir writes it, such as Shop.Drainer.
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[A-Z][A-Za-z0-9_]*(\.[A-Z][A-Za-z0-9_]*)*$`
	Module string `json:"module"`
	// function that takes no argument.
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[a-z_][A-Za-z0-9_]*[?!]?$`
	Function string `json:"function"`
}

// RolloutSpec is how a new version replaces the old one. No rollout takes the
// number of replicas below the wanted one where a Deployment runs them; a
// StatefulSet replaces one at a time.
//
// +kubebuilder:validation:XValidation:rule="!has(self.maxSurge) || string(self.maxSurge).matches('^([1-9][0-9]{0,3}|[1-9][0-9]?%|100%)$')",message="must be a number above 0, or a percentage of 1% to 100%: a rollout first starts a new replica and then stops an old one",fieldPath=".maxSurge"
type RolloutSpec struct {
	// minReadySeconds is how long a new replica must be ready before the next is
	// replaced.
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	// +optional
	MinReadySeconds *int32 `json:"minReadySeconds,omitempty"`

	// maxSurge is how many replicas above the wanted number a rollout may start, a number
	// or a percentage, above 0. Only where a Deployment runs them.
	// +kubebuilder:default=1
	// +kubebuilder:validation:XIntOrString
	// +optional
	MaxSurge *intstr.IntOrString `json:"maxSurge,omitempty"`
}

// MigrationSpec is a command that runs once before each rollout.
type MigrationSpec struct {
	// command in exec form, such as [bin/shop, eval, Shop.Release.migrate()].
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=4096
	// +listType=atomic
	Command []string `json:"command"`
	// timeoutSeconds is how long it may take.
	// +kubebuilder:default=600
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	// +optional
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
}
