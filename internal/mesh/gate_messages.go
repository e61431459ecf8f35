package mesh

import "time"

// OnPartition is what a replica does that finds itself on an island.
type OnPartition string

// The answers to a partition. An empty one is LargestOnly.
const (
	PartitionServe       OnPartition = "Serve"       // islands close nobody
	PartitionLargestOnly OnPartition = "LargestOnly" // a strictly larger serving island does
	PartitionQuorum      OnPartition = "Quorum"      // an island without a majority of the listed replicas does
)

// The times of islands.
const (
	// ViewFresh is how old a view may be that is judged by.
	ViewFresh = 3 * time.Second
	// PartitionFor is how long without a break a larger island has to be in sight, or
	// the majority to be missing, before that closes a gate: nodes that dial each other
	// at the same moment, and rolling restarts, part for shorter.
	PartitionFor = 3 * time.Second
	// GrantValid is how long after its asking a replica may close on a grant, and how
	// long it waits for the answer.
	GrantValid = 500 * time.Millisecond
	// GrantHold is how long an anchor asks nobody after it granted. What it has above
	// GrantValid is for a worker that is slow between deciding and answering probes.
	GrantHold = time.Second
	// GrantLook is how old a look at its own node an anchor may grant by.
	GrantLook = time.Second
	// DrainHold is how long an anchor that is told to drain waits at most for those who
	// lean on it: a message on its way, SwapFor, and the pause between two decisions.
	DrainHold = 2 * time.Second
	// SwapFor is how long a replica that lost its anchor looks for another before it opens.
	SwapFor = 750 * time.Millisecond
	// BlindFor is how long a replica stays closed that has no view from outside its island.
	BlindFor = 30 * time.Second
	// WorkerGrace is how long a restarted worker neither asks nor grants.
	WorkerGrace = 3 * time.Second
	// LookAtLeast is the longest pause between two decisions that counts as none.
	LookAtLeast = 2 * time.Second

	leanerFor = time.Minute // an anchor remembers who leans on it without hearing of it
)

// GateView is what one agent tells the others of its replica.
type GateView struct {
	Node     string   `json:"node"`
	Serving  bool     `json:"serving"`  // the gate is open, the node has started, nobody told it to drain
	Willing  bool     `json:"willing"`  // it opened and nobody told it to drain: closed for an island, or silent, it counts in its own
	Draining bool     `json:"draining"` // told to drain
	Peers    []string `json:"peers"`    // replicas of this app that the node is connected to
	LeansOn  string   `json:"leansOn,omitempty"`

	// Age is the time since the view was asked for, by the clock of who asked: the
	// time on the way counts.
	Age time.Duration `json:"-"`
}

func (v *GateView) fresh() bool { return v.Age <= ViewFresh }

// counts says that a member of the own island could serve, or may for all that is known.
func (v *GateView) counts() bool { return !v.fresh() || v.Willing && !v.Draining }

// LeanRequest asks a serving replica of a larger island whether From may close.
type LeanRequest struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Worker string `json:"worker"` // of From's agent
	ID     uint64 `json:"id"`     // counts the requests of one worker
	Own    int    `json:"own"`    // replicas of From's island that serve or could
}

// LeanAnswer answers a LeanRequest.
type LeanAnswer struct {
	From    string  `json:"from"` // who was asked
	To      string  `json:"to"`
	Worker  string  `json:"worker"`
	ID      uint64  `json:"id"`
	Refused Refusal `json:"refused,omitempty"` // empty: granted
}

// Refusal is why an anchor refuses.
type Refusal string

// The refusals.
const (
	RefusedDraining   Refusal = "draining"    // it is told to drain
	RefusedNotServing Refusal = "not serving" // its gate is closed, or its node does not answer
	RefusedRestarted  Refusal = "restarted"   // its worker restarted and does not know the others yet
	RefusedAsking     Refusal = "asking"      // it asks somebody itself
	RefusedLinked     Refusal = "linked"      // its node is connected to the asker's
	RefusedNotLarger  Refusal = "not larger"  // its island is not larger than the asker's
	RefusedQuorum     Refusal = "quorum"      // it follows another rule
)

// LeanLeave tells To that From does not lean on it, and will close on no grant of it
// that answers a request up to ID. It also acknowledges a release.
type LeanLeave struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Worker string `json:"worker"`
	ID     uint64 `json:"id"`
}
