package local

import "time"

// Phase is where a replica stands in its life.
type Phase string

// The phases of a replica, in the order in which one goes through them.
const (
	PhaseStarting Phase = "Starting"         // the process is there, the node has not booted
	PhaseRunning  Phase = "Running"          // the node has booted; Ready says whether it takes traffic
	PhaseStopping Phase = "Stopping"         // draining, or SIGTERM was sent
	PhaseBackOff  Phase = "CrashLoopBackOff" // it ended by itself and waits to be started again
	PhaseStopped  Phase = "Stopped"
)

// Pod is what the engine knows of one replica.
type Pod struct {
	Name string `json:"name"`
	IP   string `json:"ip"`
	Node string `json:"node"` // the node name that the replica should have
	// Pipeline is the one that the replica runs; empty: it serves.
	Pipeline string `json:"pipeline,omitempty"`
	PID      int    `json:"pid,omitempty"`
	Phase    Phase  `json:"phase"`
	Ready    bool   `json:"ready"`
	Reason   string `json:"reason,omitempty"` // why it is not ready, why it waits, or what is wrong though it is ready
	// SilentSince is since when the node of a replica that has booted does not
	// answer; zero: it answers. It stays ready, and gets requests last.
	SilentSince time.Time `json:"silentSince,omitzero"`
	Restarts    int       `json:"restarts"`
	HTTPPort    int       `json:"httpPort,omitempty"` // on IP
	StartedAt   time.Time `json:"startedAt,omitzero"`
	Version     string    `json:"version,omitempty"` // of the release
	Log         string    `json:"log"`               // path of the log file
}

// Age is how long the replica's present process has run.
func (p Pod) Age(now time.Time) time.Duration {
	if p.StartedAt.IsZero() {
		return 0
	}
	return now.Sub(p.StartedAt)
}

// Status is what an engine says about its instance.
type Status struct {
	Name      string    `json:"name"`
	Dir       string    `json:"dir"`
	Release   string    `json:"release"`
	Version   string    `json:"version"`
	Namespace string    `json:"namespace"`
	Identity  Identity  `json:"identity"`
	Type      string    `json:"type"` // Clustered or Stateless
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"startedAt"`
	URL       string    `json:"url,omitempty"` // of the ingress; empty without http
	Pods      []Pod     `json:"pods"`
	// Ignored is what the app's plan says and this engine leaves to Kubernetes: kinds of
	// object, fields of pods, volumes.
	Ignored []string `json:"ignored,omitempty"`
	// Settled says that nothing is on its way: every replica is ready, or has
	// stood long enough at what keeps it from being ready.
	Settled bool `json:"settled"`
}

// Ready counts the replicas that take traffic.
func (s Status) Ready() int {
	n := 0
	for _, p := range s.Pods {
		if p.Ready {
			n++
		}
	}
	return n
}

// Pod gives the replica of that name.
func (s Status) Pod(name string) (Pod, bool) {
	for _, p := range s.Pods {
		if p.Name == name {
			return p, true
		}
	}
	return Pod{}, false
}

// MeshTarget is what somebody who looks at the mesh from outside needs, and no
// more: nothing in it tells which replica was broken, or how.
type MeshTarget struct {
	Nodes      []string `json:"nodes"`      // expected node names, base@host
	Clustered  bool     `json:"clustered"`  // the nodes should be one mesh; otherwise each is for itself
	CookieFile string   `json:"cookieFile"` // readable by the instance's user only
	EPMDPort   int      `json:"epmdPort"`
	Resolver   string   `json:"resolver"` // host:port of the instance's DNS, UDP and TCP
	Service    string   `json:"service"`  // full name of the headless Service, without a dot at the end
	Identity   Identity `json:"identity"`
	// TLSDir has ca.crt, tls.crt and tls.key where the nodes speak distribution over TLS,
	// readable by the instance's user only; empty: they do not.
	TLSDir string `json:"tlsDir,omitempty"`
	// Ports are the distribution ports that replicas listen on: where to look
	// for a node whose EPMD does not answer.
	Ports []uint16 `json:"ports"`
}

// BreakReport says what break or mend did.
type BreakReport struct {
	Pods []string `json:"pods"` // what was broken; empty: nothing was broken
	Text string   `json:"text"` // one line for people
}
