package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// The types of the conditions of a BeamApp.
const (
	ConditionAvailable     = "Available"     // enough replicas take traffic
	ConditionProgressing   = "Progressing"   // a rollout is on its way
	ConditionDegraded      = "Degraded"      // something is wrong that does not mend itself; finding codes in the message
	ConditionMeshFormed    = "MeshFormed"    // every replica sees every other
	ConditionCookieCurrent = "CookieCurrent" // every node has the expected cookie
)

// BeamAppStatus is what was last seen.
type BeamAppStatus struct {
	// observedGeneration is the generation of the spec that this speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// replicas is the number of pods that there are, pipelines apart.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`
	// readyReplicas is the number of those that take traffic.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`
	// selector selects these pods, as /scale wants it.
	// +optional
	Selector string `json:"selector,omitempty"`
	// agentImage is the image of the agents in the pods.
	// +optional
	AgentImage string `json:"agentImage,omitempty"`
	// mesh is the graph in numbers. Absent for type Stateless, or when nobody has looked.
	// +optional
	Mesh *MeshStatus `json:"mesh,omitempty"`
	// conditions are Available, Progressing, Degraded, MeshFormed and CookieCurrent.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// MeshStatus is the graph in numbers.
type MeshStatus struct {
	// nodes that were seen.
	Nodes int32 `json:"nodes"`
	// links between them.
	Links LinkStatus `json:"links"`
	// islands is the number of connected parts; 1 is right.
	Islands int32 `json:"islands"`
	// observedAt is when somebody last looked.
	ObservedAt metav1.Time `json:"observedAt"`
}

// LinkStatus counts links, each pair once.
type LinkStatus struct {
	// expected between all nodes.
	Expected int32 `json:"expected"`
	// up as both ends report it.
	Up int32 `json:"up"`
}
