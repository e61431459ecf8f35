// Package views is what the agents of one app tell one another of their replicas, and
// the table in which each keeps what it heard. It is also what `phial-agent state` and
// `phial-agent mesh` print, and what `phial mesh` reads of a cluster.
package views

import (
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// A View is what an agent says of its replica.
type View struct {
	Node        string   `json:"node"`
	Pod         string   `json:"pod,omitempty"`
	Version     string   `json:"version"`               // of the agent
	Incarnation string   `json:"incarnation,omitempty"` // of the node
	Status      string   `json:"status"`                // of the node: booting, started, stopping, unknown
	Booted      bool     `json:"booted"`
	Ready       bool     `json:"ready"` // the gate is open
	Reason      string   `json:"reason"`
	Joined      bool     `json:"joined"`
	Join        string   `json:"join,omitempty"` // what joining says
	Peers       []string `json:"peers"`          // connected visible nodes
	Draining    bool     `json:"draining,omitempty"`
	Drained     bool     `json:"drained,omitempty"`
	// SilentSeconds is for how long the node has not answered; 0: it answers.
	SilentSeconds float64 `json:"silentSeconds,omitempty"`
	// Cookie says whether the node has the cookie that the Secret says: expected,
	// another, or unknown.
	Cookie string `json:"cookie"`
	// CookieSwitchAt is for when a change of the cookie is announced here.
	CookieSwitchAt *time.Time `json:"cookieSwitchAt,omitempty"`
	// AgentSeconds is for how long this agent has run.
	AgentSeconds float64 `json:"agentSeconds"`

	Gate mesh.GateView `json:"gate"` // by which islands are judged
}

// What is known of a node's cookie.
const (
	CookieExpected = "expected"
	CookieAnother  = "another"
	CookieUnknown  = "unknown"
)

// Heard is a View and how it was come by.
type Heard struct {
	View
	AgeSeconds float64 `json:"ageSeconds"`      // since it was asked for; -1: never heard
	Error      string  `json:"error,omitempty"` // why the last question had no answer
}

// Mesh is what one agent knows of all replicas.
type Mesh struct {
	Self   View         `json:"self"`
	Others []Heard      `json:"others"`
	Report *mesh.Report `json:"report,omitempty"` // of an observation, where one was asked for
}
