// Package foreign looks at BEAM nodes in pods that Phial did not deploy, from a pod that
// is made for it and lives for one look: what that pod is told, and what it answers.
package foreign

import (
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// A Task says which pods to look at. It holds no secret: it stands in the pod's
// arguments.
type Task struct {
	Pods []Pod `json:"pods"`
	// Base is the base name of the nodes that are meant, where a pod has several. Empty:
	// whatever its EPMD has.
	Base string `json:"base,omitempty"`
	// Template makes the name of a node that cannot be asked for it, of {base}, {ip} and
	// {pod}.
	Template string `json:"template,omitempty"`
	EPMDPort int    `json:"epmdPort,omitempty"` // 0: 4369
	// DistPort is every node's distribution port where there is no EPMD. 0: there is.
	DistPort  int   `json:"distPort,omitempty"`
	TimeoutMS int64 `json:"timeoutMs,omitempty"` // for each step; 0: that of package probe
}

// A Pod is one pod of a Task.
type Pod struct {
	Name string `json:"name"`
	IP   string `json:"ip"`
	// Node is the name that the pod's own spec gives its node, where it gives one.
	Node string `json:"node,omitempty"`
}

// An Answer is what was seen.
type Answer struct {
	Report mesh.Report       `json:"report"`
	Pods   map[string]string `json:"pods"` // node -> the pod that it is in
}

// DefaultTemplate is what most teams name their nodes.
const DefaultTemplate = "{base}@{ip}"

// Within is the most that a look takes.
const Within = 75 * time.Second
