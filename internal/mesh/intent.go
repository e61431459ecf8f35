package mesh

import (
	"cmp"
	"strings"

	"github.com/phialdev/phial/internal/beam"
)

// Intent is what is meant to run: every replica that could be in a mesh, with all that
// decides whom it finds, dials and lets in. It says nothing of where it was read: a plan
// and anybody's manifests are described alike.
type Intent struct {
	Domain   Setting // of the cluster's DNS: cluster.local
	Replicas []Replica
	Services []Service
	Policies []Policy
	// Scale is how many replicas a workload has, where those here stand for more of them.
	Scale map[string]int
}

// Setting is a text as it will be at run time, or why that is not known.
type Setting struct {
	Value string
	From  string // where it stands, for a person: FILE:LINE:COLUMN, or what gives it
	Why   string // it is not known; Value is empty
}

// Known reports whether the value is.
func (s Setting) Known() bool { return s.Why == "" }

// NotKnown is a Setting of which only this is said.
func NotKnown(why, from string) Setting { return Setting{From: from, Why: cmp.Or(why, "not known")} }

// Replica is one instance of an app.
type Replica struct {
	ID        string // as people call it, and told from all others: tally-0
	Pod       string // its own name, which another of another namespace may have as well
	Workload  string // what it is an instance of: "StatefulSet prod/tally"
	Namespace string
	IP        string // made up where there is none yet; every replica has another. Of IPv6 where it has no other
	Hostname  string // spec.hostname, which a StatefulSet sets; empty: DNS has no name for the pod
	Subdomain string
	Labels    map[string]string

	// NoNode says why there is no node that anybody could connect to: it does not boot,
	// or runs without distribution. Empty: there is one.
	NoNode string
	// Code is the finding's that NoNode is about, or that why the name is not known is
	// about, where it has one.
	Code string
	Slip Slip    // of NoNode, of why Node is not known, or of Node
	Node Setting // its full name, base@host
	// NamedBy says what its host is of, where Slip is OfMachine.
	NamedBy Flaw
	Long    Tri // whether it runs with long names
	Cookie  Cookie

	EPMD       uint16 // TCP port where it registers, and asks others' EPMD; 0: it runs without
	FixedPort  uint16 // -erl_epmd_port: the port where it dials everybody, without a question to EPMD; 0: it asks
	OtherEPMD  Flaw   // something that Phial does not follow answers in EPMD's place
	ListenMin  uint16 // of the distribution port; 0: any port, or not known
	ListenMax  uint16
	ListenWhy  string            // a ListenMin of 0 is not known, and why
	Ports      map[string]uint16 // of its containers, those that have names: TCP
	Proto      string            // -proto_dist; empty: inet_tcp
	NoTLS      Flaw              // Proto is of TLS, and nothing says which certificate it has
	ConnectAll Tri               // No: -connect_all false. Unknown counts as OTP's own default, Yes
	ConnectAt  string            // where it says so
	Hidden     bool
	HiddenAt   string // where it says so
	Deaf       Flaw   // no peer reaches its listener, whomever it dials itself: on loopback alone, or none
	// Twin is another node of its pod, which has the same place there: of the two one boots, and which one is not known.
	Twin     Flaw
	Resolver Resolver

	// ReadyAlone says whether it becomes ready without having joined anybody. A Service
	// that lists only what is ready never lists one that waits to be joined.
	ReadyAlone Tri
	ReadyWhy   string // that is not known, and why, where there is something to say
	Ways       []Way
}

// Flaw is something that keeps a node from others: a clause that says what, and where it
// stands. The zero Flaw is none.
type Flaw struct {
	Why, At string
	Unsure  bool // whether it is so is not known: Why says why
}

func (f Flaw) there() bool { return f.Why != "" }

// Resolver is whom a replica's lookups ask. The zero Resolver is the cluster's DNS.
type Resolver struct {
	// Machine says why it is the machine's, which knows no names of the cluster; Unclear why
	// it is not known which it is.
	Machine, Unclear string
	Cut              string // why it reaches no DNS at all: a policy
	At               string
}

// Slip tells a mistake from others of its code, which are mended otherwise.
type Slip uint8

// The slips; zero is what the code is about.
const (
	OtherShell   Slip = iota + 1 // the start script is written for another shell than sh
	SecondCookie                 // -setcookie is given beside the start script's own
	NoFullHost                   // a long name without a host, in a pod that has no full name
	OnLoopback                   // the distribution listens on loopback alone
	NoEPMDThere                  // -start_epmd false, and nothing starts EPMD or stands in for it
	OfMachine                    // the node is named by its machine's address
	MadeUpCookie                 // the start script makes the cookie up
	OverIPv6                     // distribution runs over IPv6 where the addresses are, or may be, of IPv4
)

// Cookie stands for a cookie without holding it.
type Cookie struct {
	// ID is the same for the same cookie, and another for one that is known to be
	// another. It is made up by whoever fills it, and nothing of the cookie is in it.
	ID string
	// From says where it comes from, for a person. Two of unknown ID and the same From
	// are the same.
	From string
	// Before and After are what is put around the text that comes from there, in bytes.
	Before, After int
	// Around is the same for the same text around it, and holds nothing of it.
	Around string
	// Own says why each replica makes up one of its own, which no other has. Empty: it does not.
	Own  string
	Slip Slip // of Own
}

func (c Cookie) same(o Cookie) Tri {
	switch {
	case c.Own != "" || o.Own != "":
		return No
	case c.ID != "" && o.ID != "":
		return TriOf(c.ID == o.ID)
	case c.From == "" || c.From != o.From:
		return Unknown
	case c.Around == o.Around && c.Before == o.Before && c.After == o.After:
		return Yes
	case c.Before+c.After != o.Before+o.After: // of one text, two lengths
		return No
	}
	return Unknown
}

// DialForm is what a way puts after the @ of the names that it dials.
type DialForm uint8

// The forms.
const (
	DialAddress   DialForm = iota // the address that it found
	DialName                      // a name that it found: an SRV record's target, or a pod's hostname
	DialPodRecord                 // a-b-c-d.namespace.pod.domain
)

// Way is one way by which a replica finds others and dials them.
type Way struct {
	Name  string  // as people know it: "libcluster's Kubernetes.DNS"
	From  string  // where it is set up
	Query Setting // of DNS: the name that it asks for
	Looks beam.Lookup
	// Whole: it asks for the name as it stands, without the search list.
	Whole bool
	// Own: it asks by a function of the app's own, which may ask for records of another kind.
	Own   bool
	Dials DialForm
	Base  Setting // what it puts before the @; an agent takes the node's own

	// Of the Kubernetes API alone.
	Namespace Setting
	Selects   Selector
	Endpoints bool // it asks for endpoints, by the labels of their Service, and takes those that are ready
	Allowed   Tri  // whether its service account may ask
	Where     bool // it is told where the API is, and asks no DNS for that

	// Agent: Phial's agents look, and join a replica to all that it would meet or to
	// nobody, by the names that the nodes have.
	Agent bool
	// Static is what it dials whatever anybody answers: names in a configuration.
	Static []string
	// Idle says why it dials nobody, whatever there is: it is not set up. Empty: it does.
	Idle string
	Code string // the finding's code that Idle is about, where it has one
	// Unclear says what of it could not be read; whom it dials is not known then.
	Unclear string
}

// Service is a Kubernetes Service, as far as discovery goes.
type Service struct {
	Name, Namespace string
	Headless        bool
	Selector        map[string]string // empty: it lists nobody by itself
	Labels          map[string]string
	NotReadyToo     bool // publishNotReadyAddresses
	Ports           int  // without any there are no SRV records
	IPv6            bool // its only family: DNS has no A records of it
	IPv4            bool // its only family, as it says: DNS has no AAAA records of it
	From            string
}

// Selector is a Kubernetes label selector; the zero value selects everything.
type Selector struct {
	Labels map[string]string
	Exprs  []Requirement
}

// Requirement is one of a selector's matchExpressions.
type Requirement struct {
	Key, Op string // Op: In, NotIn, Exists, DoesNotExist
	Values  []string
}

// Selects reports whether labels satisfy the selector.
func (s Selector) Selects(labels map[string]string) bool {
	for k, v := range s.Labels {
		if labels[k] != v {
			return false
		}
	}
	for _, r := range s.Exprs {
		v, has := labels[r.Key]
		in := false
		for _, want := range r.Values {
			in = in || has && v == want
		}
		switch r.Op {
		case "In":
			if !in {
				return false
			}
		case "NotIn":
			if in {
				return false
			}
		case "Exists":
			if !has {
				return false
			}
		case "DoesNotExist":
			if has {
				return false
			}
		}
	}
	return true
}

// Host is the pod's own name in DNS, and empty where it has none.
func (r *Replica) Host(domain string) string {
	if r.Hostname == "" || r.Subdomain == "" || domain == "" {
		return ""
	}
	return strings.Join([]string{r.Hostname, r.Subdomain, r.Namespace, "svc", domain}, ".")
}
