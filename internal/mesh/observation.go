// Package mesh is the graph of nodes and links as the nodes themselves report
// them: islands, missing links, the diagnosis of each, the plan of a join that
// cannot destroy, and the gate's decision. It is pure: no client, no clock, no
// randomness; what it is told is an Observation.
package mesh

import (
	"slices"
	"time"
)

// Observation is what was seen of some nodes at about one moment.
type Observation struct {
	Expected []string // node names that should be there; order does not matter
	// CookieCertain says that Phial's cookie is the one that these nodes should have,
	// as it is a local app's own: a node that refuses it has the wrong one.
	CookieCertain bool
	Followed      bool    // Expected are some of the nodes, and the others were found by asking those
	Nodes         []Node  // one for each node that was looked at, reached or not
	Traces        []Trace // walks along missing links
	Discovery     *Discovery
}

// Node is what one node says of itself. A field that was not answered is named in
// Unanswered and holds its zero value.
type Node struct {
	Name    string
	Reached bool     // handshake done and at least one call answered
	Failure *Failure // why it was not reached; nil when it was

	Peers   []string // connected visible peers: nodes(visible)
	Hidden  []string // connected hidden peers, Phial's own connections left out
	Pending []string // links being set up at this moment
	Lost    []Loss   // lost connections that global heard of in the last hour

	OTP, ERTS  string // "25", "13.1.5"
	Apps       []App
	Status     Status
	Uptime     time.Duration
	Memory     uint64 // bytes, erlang:memory(total)
	Processes  int
	RunQueue   int
	Addrs      []string // addresses that its host part resolved to
	Creation   uint32   // tells incarnations of a name apart
	Flags      Flags
	EPMD       *Failure // set when the node was reached, but past EPMD, which failed so
	Unanswered []string // what it was asked and did not answer in time; AskPeers and AskHidden among it
}

// AskPeers and AskHidden in Unanswered say that a node did not tell its visible, or its
// hidden, peers.
const (
	AskPeers  = "peers"
	AskHidden = "hidden peers"
)

// told reports whether the node itself said who its peers are.
func (n *Node) told() bool { return n.answered(AskPeers) }

func (n *Node) answered(question string) bool {
	return n != nil && n.Reached && !slices.Contains(n.Unanswered, question)
}

// Loss is a lost connection as one end reported it to the other nodes: global keeps
// what it hears for an hour.
type Loss struct {
	By, Node string // By lost Node
	Creation uint32 // incarnation of By that reported it
}

// App is a running application.
type App struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Status is the first element of init:get_status/0, which alone counts: the second
// says `started` while applications still start.
type Status uint8

// The states of a node.
const (
	StatusUnknown Status = iota
	Booting
	Started
	Stopping
)

func (s Status) String() string {
	switch s {
	case Booting:
		return "booting"
	case Started:
		return "started"
	case Stopping:
		return "stopping"
	}
	return "unknown"
}

// MarshalText gives the words of String.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText gives; what it does not know is unknown.
func (s *Status) UnmarshalText(b []byte) error {
	*s = StatusUnknown
	for _, v := range []Status{Booting, Started, Stopping} {
		if v.String() == string(b) {
			*s = v
		}
	}
	return nil
}

// Tri is yes, no or not known.
type Tri uint8

// The three answers.
const (
	Unknown Tri = iota
	Yes
	No
)

// TriOf makes a known answer.
func TriOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}

// MarshalText gives the words of String.
func (t Tri) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText gives; what it does not know is unknown.
func (t *Tri) UnmarshalText(b []byte) error {
	*t = Unknown
	for _, v := range []Tri{Yes, No} {
		if v.String() == string(b) {
			*t = v
		}
	}
	return nil
}

func (t Tri) String() string {
	switch t {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// Flags are the distribution settings in effect, read back from the node.
type Flags struct {
	LongNames          Tri      `json:"longNames"`             // net_kernel:get_state name_domain
	ConnectAll         Tri      `json:"connectAll"`            // No: -connect_all false
	PreventOverlapping Tri      `json:"preventOverlapping"`    // in effect: OTP 25 or later, not switched off, connect_all on
	Hidden             Tri      `json:"hidden"`                // started with -hidden
	NetTicktime        int      `json:"netTicktime,omitempty"` // seconds; 0 = not known
	ListenMin          uint16   `json:"listenMin,omitempty"`   // inet_dist_listen_min; 0 = not set
	ListenMax          uint16   `json:"listenMax,omitempty"`   // inet_dist_listen_max; 0 = not set
	DistPort           uint16   `json:"distPort,omitempty"`    // port of the listener; 0 = not known
	Proto              string   `json:"proto,omitempty"`       // -proto_dist; inet_tcp when it is not given; "" = not known
	Allowed            []string `json:"allowed,omitempty"`     // net_kernel:allow/1; nil = everybody
}

// Failure says where and why something could not be reached.
type Failure struct {
	Stage    Kind     `json:"stage"` // the step of the walk where it ended
	Cause    Cause    `json:"cause"`
	Detail   string   `json:"detail"`             // for a person; never holds a cookie
	PeerName string   `json:"peerName,omitempty"` // the name that answered, if one did
	Creation uint32   `json:"creation,omitempty"` // the incarnation that answered, if one did
	Known    []string `json:"known,omitempty"`    // base names that EPMD has, where it does not have this one
	Addr     string   `json:"addr,omitempty"`     // what was dialled, host:port, if it came so far
	Port     uint16   `json:"port,omitempty"`     // the distribution port that EPMD gave
	Others   []string `json:"others,omitempty"`   // names of the nodes that answered in its place, where EPMD does not give its port
	Tried    []uint16 `json:"tried,omitempty"`    // distribution ports tried without EPMD
}

// Cause is what went wrong on the way to a node.
type Cause string

// The causes, in the order of the walk.
const (
	CauseNone           Cause = ""
	CauseBadName        Cause = "bad-name"
	CauseDNSNotFound    Cause = "dns-not-found"
	CauseDNSSilent      Cause = "dns-silent"
	CauseEPMDRefused    Cause = "epmd-refused"
	CauseEPMDFiltered   Cause = "epmd-filtered"
	CauseEPMDMute       Cause = "epmd-mute"
	CauseNotRegistered  Cause = "not-registered"
	CausePortRefused    Cause = "port-refused"
	CausePortFiltered   Cause = "port-filtered"
	CauseNotDistributed Cause = "not-distribution"
	CauseTLS            Cause = "tls"   // it speaks TLS, and who dials does not; or TLS itself failed
	CausePlain          Cause = "plain" // it speaks plain distribution, and who dials TLS
	CauseFrozen         Cause = "frozen"
	CauseNameMismatch   Cause = "name-mismatch"
	CauseNotAllowed     Cause = "not-allowed"
	CauseVersions       Cause = "versions"
	CauseCookie         Cause = "cookie"
	CauseCookieSpace    Cause = "cookie-space" // differs by white space alone
	CauseCookiePerPeer  Cause = "cookie-per-peer"
	CauseNames          Cause = "short-against-long"
	CauseUnlinked       Cause = "unlinked" // everything passed, and there is no link
	CauseCalls          Cause = "calls"
	CauseOther          Cause = "other"
)

// Link is a pair of nodes. In a Graph's answers A sorts before B, but for one-way
// links, where A says it is connected to B.
type Link struct{ A, B string }

func (l Link) String() string { return l.A + " -- " + l.B }

// LinkOf gives the link of two nodes, the lesser name first.
func LinkOf(a, b string) Link {
	if b < a {
		a, b = b, a
	}
	return Link{a, b}
}

// Kind names a step of a walk along a link.
type Kind string

// The steps, in order.
const (
	KindName      Kind = "name"
	KindDNS       Kind = "dns"
	KindEPMD      Kind = "epmd"
	KindPort      Kind = "port"
	KindHandshake Kind = "handshake"
	KindCookie    Kind = "cookie"
	KindFlags     Kind = "flags"
	KindLink      Kind = "link"
	KindCall      Kind = "call" // of a Failure alone: the handshake passed and no call was answered
)

// State is how a step ended.
type State string

// Unseen is the third answer: the step could not be looked at.
const (
	Passed State = "passed"
	Failed State = "failed"
	Unseen State = "unknown"
)

// Step is one step of a Trace.
type Step struct {
	Kind     Kind     `json:"kind"`
	State    State    `json:"state"`
	Cause    Cause    `json:"cause,omitempty"` // of a failed step
	Evidence string   `json:"evidence"`        // what was seen, for a person
	Found    []string `json:"found,omitempty"` // names or addresses that the step found
}

// Trace is a walk from one node to another: each step from From's own network where
// From could be asked, from Phial's place where it could not.
type Trace struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Place string `json:"place"` // the node it was seen from, or "phial"
	Steps []Step `json:"steps"`
}

// FromPhial is the Place of a walk from Phial's own network.
const FromPhial = "phial"

// FirstFailed gives the first failed step.
func (t Trace) FirstFailed() (Step, bool) {
	for _, s := range t.Steps {
		if s.State == Failed {
			return s, true
		}
	}
	return Step{}, false
}

// Discovery is what the headless Service lists.
type Discovery struct {
	Service   string   // the DNS name that was asked
	Err       Cause    // CauseDNSNotFound, CauseDNSSilent; CauseNone when it answered
	Detail    string   // of Err
	Addresses []string // A and AAAA
	Targets   []string // of SRV, sorted
	AskedSRV  bool
	Answering map[string]string // address listed -> node name that answers there, where it was looked at
}
