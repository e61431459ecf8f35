package mesh

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
)

const a, b, c = "shop@10.0.0.1", "shop@10.0.0.2", "shop@10.0.0.3"

// walk is a walk that passes everything and finds no link; or, with a cause, one that
// fails there.
func walk(from, to string, k Kind, cause Cause, found ...string) Trace {
	t := Trace{From: from, To: to, Place: from}
	for _, kind := range []Kind{KindName, KindDNS, KindEPMD, KindPort, KindHandshake, KindCookie, KindFlags} {
		if kind == k {
			t.Steps = append(t.Steps, Step{Kind: kind, State: Failed, Cause: cause, Evidence: "as seen by the test", Found: found})
			break
		}
		t.Steps = append(t.Steps, Step{Kind: kind, State: Passed})
	}
	t.Steps = append(t.Steps, Step{Kind: KindLink, State: Failed, Cause: CauseUnlinked})
	return t
}

// passing walks every missing link of an observation both ways, without a fault.
func passing(o Observation) Observation {
	for _, l := range Build(o).Missing() {
		for _, w := range []Link{{l.A, l.B}, {l.B, l.A}} {
			if !slices.ContainsFunc(o.Traces, func(t Trace) bool { return t.From == w.A && t.To == w.B }) {
				o.Traces = append(o.Traces, walk(w.A, w.B, "", CauseNone))
			}
		}
	}
	return o
}

func with(n Node, change func(*Node)) Node { change(&n); return n }

func codes(fs []finding.Finding) []string {
	out := []string{}
	for _, f := range fs {
		out = append(out, string(f.Code)+" "+f.Subject)
	}
	return out
}

// Each case is a mesh of three with one thing wrong; the finding that is wanted, and
// no other.
func TestDiagnose(t *testing.T) {
	all := []string{a, b, c}
	ab := []Node{node(a, b), node(b, a)} // c is out
	out := func(n Node) Observation { return Observation{Expected: all, Nodes: append(slices.Clone(ab), n)} }
	failed := func(cause Cause, change func(f *Failure)) Observation {
		n := unreached(c, cause)
		if change != nil {
			change(n.Failure)
		}
		return out(n)
	}
	apart := func(change func(nodes []Node)) Observation {
		nodes := []Node{node(a), node(b), node(c)}
		change(nodes)
		return passing(Observation{Expected: all, Nodes: nodes})
	}
	tests := []struct {
		name string
		o    Observation
		want []string
	}{
		{"full", Observation{Expected: all, Nodes: []Node{node(a, b, c), node(b, a, c), node(c, a, b)}}, nil},
		{"nobody looked", Observation{Expected: []string{a}}, []string{"NET-25 " + a}},
		{"bad name", failed(CauseBadName, nil), []string{"NAM-16 " + c}},
		{"cookie", failed(CauseCookie, nil), []string{"COO-01 " + c}},
		{"cookie with a line end", failed(CauseCookieSpace, nil), []string{"COO-03 " + c}},
		{"every cookie", Observation{Expected: all, Nodes: []Node{unreached(a, CauseCookie), unreached(b, CauseCookie), unreached(c, CauseCookie)}},
			[]string{"COO-10 shop@10.0.0.1, shop@10.0.0.2, shop@10.0.0.3"}},
		{"every cookie, where the cookie is certain", Observation{Expected: []string{a}, CookieCertain: true, Nodes: []Node{unreached(a, CauseCookie)}},
			[]string{"COO-01 " + a}},
		{"every cookie of those that can say", Observation{Expected: all, Nodes: []Node{unreached(a, CauseCookie), unreached(b, CauseCookie), unreached(c, CauseEPMDRefused)}},
			[]string{"COO-10 shop@10.0.0.1, shop@10.0.0.2", "NET-15 " + c}},
		{"one cookie, and nobody else is there", Observation{Expected: []string{a, c}, Nodes: []Node{unreached(a, CauseCookie), unreached(c, CauseFrozen)}},
			[]string{"COO-10 " + a, "NET-18 " + c}},
		{"a cookie that one took before it fell silent", Observation{Expected: []string{a, c}, Nodes: []Node{unreached(a, CauseCookie), unreached(c, CauseCalls)}},
			[]string{"COO-01 " + a, "NET-26 " + c}},
		{"one cookie differs by a line end, one altogether", Observation{Expected: []string{a, c}, Nodes: []Node{unreached(a, CauseCookie), unreached(c, CauseCookieSpace)}},
			[]string{"COO-10 " + a, "COO-03 " + c}},
		{"host name unknown", failed(CauseDNSNotFound, nil), []string{"DSC-25 " + c}},
		{"resolver silent", failed(CauseDNSSilent, nil), []string{"DSC-26 " + c}},
		{"dead: EPMD refuses", failed(CauseEPMDRefused, nil), []string{"NET-15 " + c}},
		{"dead: EPMD does not know it", failed(CauseNotRegistered, nil), []string{"NET-15 " + c}},
		{"EPMD filtered", failed(CauseEPMDFiltered, nil), []string{"NET-02 " + c}},
		{"EPMD mute", failed(CauseEPMDMute, nil), []string{"NET-16 " + c}},
		{"port closed", failed(CausePortRefused, nil), []string{"NET-01 " + c}},
		{"port filtered", failed(CausePortFiltered, nil), []string{"NET-02 " + c}},
		{"not distribution", failed(CauseNotDistributed, nil), []string{"NET-17 " + c}},
		{"TLS", failed(CauseTLS, nil), []string{"NET-19 " + c}},
		{"plain, where TLS is wanted", failed(CausePlain, nil), []string{"NET-19 " + c}},
		{"frozen", failed(CauseFrozen, nil), []string{"NET-18 " + c}},
		{"not allowed", failed(CauseNotAllowed, nil), []string{"NET-20 " + c}},
		{"versions", failed(CauseVersions, nil), []string{"NET-21 " + c}},
		{"no call answered", failed(CauseCalls, nil), []string{"NET-26 " + c}},
		{"anything else", failed(CauseOther, nil), []string{"NET-25 " + c}},
		{"another host part", failed(CauseNameMismatch, func(f *Failure) { f.PeerName = "shop@pod-3.internal" }), []string{"NAM-02 " + c}},
		{"a short name", failed(CauseNameMismatch, func(f *Failure) { f.PeerName = "shop@pod-3" }), []string{"NAM-01 " + c}},
		{"127.0.0.1", failed(CauseNameMismatch, func(f *Failure) { f.PeerName = "shop@127.0.0.1" }), []string{"NAM-08 " + c}},
		{"another app", failed(CauseNameMismatch, func(f *Failure) { f.PeerName = "store@10.0.0.3" }), []string{"NAM-13 " + c}},
		{"EPMD gone, node alive", Observation{Expected: all, Nodes: []Node{node(a, b, c), node(b, a, c),
			with(node(c, a, b), func(n *Node) { n.EPMD = &Failure{Cause: CauseEPMDRefused} })}}, []string{"NET-12 " + c}},
		{"EPMD gone, seen by peers alone", Observation{Expected: all, Nodes: []Node{node(a, b, c), node(b, a, c), unreached(c, CauseEPMDRefused)}},
			[]string{"NET-12 " + c}},
		{"frozen, still linked", Observation{Expected: all, Nodes: []Node{node(a, b, c), node(b, a, c), unreached(c, CauseFrozen)}}, []string{"NET-18 " + c}},
		{"linked, out of Phial's reach", Observation{Expected: all, Nodes: []Node{node(a, b, c), node(b, a, c), unreached(c, CausePortFiltered)}}, []string{"NET-28 " + c}},
		{"EPMD filtered, and others are connected to it", Observation{Expected: all, Nodes: []Node{node(a, b), node(b, a, c), unreached(c, CauseEPMDFiltered)}}, []string{"NET-28 " + c}},
		{"everything filtered", Observation{Expected: all, Nodes: []Node{unreached(a, CauseEPMDFiltered), unreached(b, CausePortFiltered), unreached(c, CauseEPMDFiltered)}},
			[]string{"NET-28 shop@10.0.0.1, shop@10.0.0.2, shop@10.0.0.3"}},
		{"filtered, and another refuses", Observation{Expected: []string{a, b}, Nodes: []Node{unreached(a, CauseEPMDFiltered), unreached(b, CauseEPMDRefused)}},
			[]string{"NET-02 " + a, "NET-15 " + b}},
		{"short names", apart(func(n []Node) { n[2].Flags.LongNames = No; n[0].Peers, n[1].Peers = []string{b}, []string{a} }), []string{"NAM-01 " + c}},
		{"TLS against plain", apart(func(n []Node) { n[2].Flags.Proto = "inet_tls"; n[0].Peers, n[1].Peers = []string{b}, []string{a} }), []string{"NET-19 " + c}},
		{"IPv6 against IPv4", apart(func(n []Node) { n[2].Flags.Proto = "inet6_tcp"; n[0].Peers, n[1].Peers = []string{b}, []string{a} }), []string{"NET-10 " + c}},
		{"allow list", apart(func(n []Node) {
			n[2].Flags.Allowed = []string{"shop@10.0.0.9"}
			n[0].Peers, n[1].Peers = []string{b}, []string{a}
		}), []string{"NET-20 " + c}},
		{"an allow list of hosts that holds them", apart(func(n []Node) { n[2].Flags.Allowed = []string{"10.0.0.1", "shop@"} }),
			[]string{"DSC-15 shop@10.0.0.1, shop@10.0.0.2, shop@10.0.0.3"}},
		{"nobody dials", apart(func([]Node) {}), []string{"DSC-15 shop@10.0.0.1, shop@10.0.0.2, shop@10.0.0.3"}},
		{"nobody dials one", passing(out(node(c))), []string{"DSC-15 " + c}},
		{"pg of OTP 25 and 29", Observation{Expected: []string{a, b}, Nodes: []Node{with(node(a, b), func(n *Node) { n.OTP = "25" }),
			with(node(b, a), func(n *Node) { n.OTP = "29" })}}, []string{"NET-27 pg"}},
		{"pg of OTP 27 and 29", Observation{Expected: []string{a, b}, Nodes: []Node{with(node(a, b), func(n *Node) { n.OTP = "27" }),
			with(node(b, a), func(n *Node) { n.OTP = "29" })}}, nil},
		{"not walked", out(node(c)), []string{"NET-22 " + c}},
		{"booting", passing(out(with(node(c), func(n *Node) { n.Status = Booting }))), []string{"HLT-13 " + c}},
		{"dialling each other at once", passing(Observation{Expected: []string{a, b}, Nodes: []Node{
			with(node(a), func(n *Node) { n.Pending = []string{b} }), with(node(b), func(n *Node) { n.Pending = []string{a} })}}), nil},
		{"one way", passing(Observation{Expected: []string{a, b}, Nodes: []Node{node(a, b), node(b)}}), []string{"NET-23 " + a + " -- " + b}},
		{"hidden", Observation{Expected: all, Nodes: append(slices.Clone(ab), with(node(c), func(n *Node) { n.Flags.Hidden = Yes }))}, []string{"NET-24 " + c}},
		{"connect_all false", Observation{Expected: all, Nodes: append(slices.Clone(ab), with(node(c), func(n *Node) { n.Flags.ConnectAll = No }))}, []string{"GLB-04 " + c}},
		{"net_ticktime", Observation{Expected: []string{a, b}, Nodes: []Node{with(node(a, b), func(n *Node) { n.Flags.NetTicktime = 60 }),
			with(node(b, a), func(n *Node) { n.Flags.NetTicktime = 15 })}}, []string{"NET-13 net_ticktime"}},
		{"foreign node", Observation{Expected: []string{a}, Nodes: []Node{node(a, "store@10.0.0.9", "rem-1-shop@10.0.0.1")}}, []string{"COO-06 store@10.0.0.9"}},
		{"another app's node, where nobody said who is expected", Observation{Expected: []string{a}, Followed: true,
			Nodes: []Node{node(a, "store@10.0.0.9"), node("store@10.0.0.9", a)}}, nil},
		{"some calls unanswered", Observation{Expected: []string{a, b}, Nodes: []Node{node(a, b), with(node(b, a), func(n *Node) { n.Unanswered = []string{"applications"} })}},
			[]string{"NET-26 " + b}},
		{"some calls unanswered while it boots", Observation{Expected: []string{a, b}, Nodes: []Node{node(a, b), with(node(b, a), func(n *Node) {
			n.Unanswered, n.Status = []string{"applications"}, Booting
		})}}, []string{"HLT-13 " + b}},
		{"its peers unanswered while it stops", Observation{Expected: []string{a, b}, Nodes: []Node{node(a), with(node(b), func(n *Node) {
			n.Unanswered, n.Status = []string{AskPeers}, Stopping
		})}}, []string{"HLT-13 " + b}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Diagnose(tt.o)
			if d := cmp.Diff(append([]string{}, tt.want...), codes(got)); d != "" {
				t.Errorf("(-want +got):\n%s\n%+v", d, got)
			}
		})
	}
}

// A walk's failure on one link names the link; on two links of one node, the node; and
// a link that only waits for the broken one is its evidence.
func TestDiagnoseWalks(t *testing.T) {
	steps := []struct {
		kind  Kind
		cause Cause
		found []string
		code  finding.Code
	}{
		{KindName, CauseNames, nil, finding.ShortAgainstLong},
		{KindDNS, CauseDNSNotFound, nil, finding.HostUnknown},
		{KindDNS, CauseDNSSilent, nil, finding.ResolverSilent},
		{KindEPMD, CauseEPMDRefused, nil, finding.EPMDGone},
		{KindEPMD, CauseEPMDFiltered, []string{"10.0.0.3:4369"}, finding.PortFiltered},
		{KindEPMD, CauseEPMDMute, nil, finding.EPMDMute},
		{KindEPMD, CauseNotRegistered, []string{"store"}, finding.EPMDGone}, // Phial reached it by its name
		{KindEPMD, CauseNotRegistered, nil, finding.EPMDGone},
		{KindPort, CausePortRefused, []string{"9100"}, finding.PortClosed},
		{KindPort, CausePortFiltered, []string{"9100"}, finding.PortFiltered},
		{KindHandshake, CauseNotDistributed, []string{"9100"}, finding.NotDistribution},
		{KindHandshake, CauseTLS, nil, finding.TLSAgainstPlain},
		{KindHandshake, CausePlain, nil, finding.TLSAgainstPlain},
		{KindHandshake, CauseFrozen, nil, finding.NodeFrozen},
		{KindHandshake, CauseNameMismatch, []string{"shop@pod-3"}, finding.HostMismatch},
		{KindHandshake, CauseVersions, nil, finding.VersionsApart},
		{KindCookie, CauseCookie, nil, finding.CookieDiffers},
		{KindCookie, CauseCookieSpace, nil, finding.CookieWhitespace},
		{KindCookie, CauseCookiePerPeer, []string{a}, finding.CookiePerPeer},
		{KindFlags, CauseNotAllowed, nil, finding.NotAllowed},
	}
	for _, s := range steps {
		t.Run(fmt.Sprintf("%s %s", s.kind, s.cause), func(t *testing.T) {
			o := Observation{Expected: []string{a, b, c}, Nodes: []Node{node(a, b), node(b, a), node(c)},
				Traces: []Trace{walk(a, c, s.kind, s.cause, s.found...)}}
			got := Diagnose(passing(o))
			if d := cmp.Diff([]string{string(s.code) + " " + a + " -- " + c}, codes(got)); d != "" {
				t.Fatalf("one link (-want +got):\n%s", d)
			}
			if !strings.Contains(strings.Join(got[0].Evidence, "\n"), b+" -- "+c) {
				t.Errorf("the link that waits is not in the evidence: %q", got[0].Evidence)
			}
			o.Traces = append(o.Traces, walk(b, c, s.kind, s.cause, s.found...))
			if d := cmp.Diff([]string{string(s.code) + " " + c}, codes(Diagnose(passing(o)))); d != "" {
				t.Errorf("two links of c (-want +got):\n%s", d)
			}
		})
	}
}

func TestDiagnoseOverlapCut(t *testing.T) {
	both := []Loss{{By: a, Node: b}, {By: b, Node: a}}
	cut := func(change func(n []Node)) Observation {
		nodes := []Node{node(a), node(b), node(c)}
		nodes[2].Lost = both
		change(nodes)
		return passing(Observation{Expected: []string{a, b, c}, Nodes: nodes})
	}
	abc := a + ", " + b + ", " + c
	tests := []struct {
		name string
		o    Observation
		want []string
	}{
		{"cut", cut(func([]Node) {}), []string{"GLB-01 " + abc}},
		{"without the protection it was nobody's cut", cut(func(n []Node) {
			for i := range n {
				n[i].Flags.PreventOverlapping = No
			}
		}), []string{"DSC-15 " + abc}},
		{"one report is enough where the lost node heard it itself", cut(func(n []Node) { n[2].Lost, n[1].Lost = nil, both[:1] }), []string{"GLB-01 " + abc}},
		{"or has run for as long as who heard it", cut(func(n []Node) {
			n[2].Lost = both[:1]
			n[1].Uptime, n[2].Uptime = 10*time.Minute, 10*time.Minute
		}), []string{"GLB-01 " + abc}},
		{"or for longer than anything is kept", cut(func(n []Node) {
			n[2].Lost = both[:1]
			n[1].Uptime, n[2].Uptime = 2*time.Hour, 200*time.Hour
		}), []string{"GLB-01 " + abc}},
		{"a node that was started again had died", cut(func(n []Node) {
			n[2].Lost = both[:1]
			n[1].Uptime, n[2].Uptime = time.Minute, 10*time.Minute
		}), []string{"DSC-15 " + abc}},
		{"a node that died reports nothing", cut(func(n []Node) { n[2].Lost = both[:1] }), []string{"DSC-15 " + abc}},
		{"what an earlier incarnation said is history", cut(func(n []Node) {
			n[2].Lost = []Loss{{By: a, Node: b, Creation: 1}, {By: b, Node: a, Creation: 1}}
			n[0].Creation = 2
		}), []string{"DSC-15 " + abc}},
		{"healed", cut(func(n []Node) { n[0].Peers, n[1].Peers, n[2].Peers = []string{b, c}, []string{a, c}, []string{a, b} }), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(append([]string{}, tt.want...), codes(Diagnose(tt.o))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	t.Run("a link that is broken still is the root", func(t *testing.T) {
		o := cut(func([]Node) {})
		o.Traces = slices.DeleteFunc(o.Traces, func(t Trace) bool { return t.From == a && t.To == b })
		o.Traces = append(o.Traces, walk(a, b, KindPort, CausePortFiltered))
		got := Diagnose(o)
		if d := cmp.Diff([]string{"NET-02 " + a + " -- " + b, "GLB-01 " + abc}, codes(got)); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
		if !strings.Contains(got[1].Cause, a+" -- "+b+" was lost") {
			t.Errorf("the root is not named: %s", got[1].Cause)
		}
	})
}

func TestDiagnoseDiscovery(t *testing.T) {
	const svc = "shop.prod.svc.cluster.local"
	at := func(n Node, addr string) Node { n.Addrs = []string{addr}; return n }
	full := Observation{Expected: []string{a, b}, Nodes: []Node{at(node(a, b), "10.0.0.1"), at(node(b, a), "10.0.0.2")}}
	tests := []struct {
		name string
		d    Discovery
		want []string
	}{
		{"all listed", Discovery{Addresses: []string{"10.0.0.2", "10.0.0.1"}}, nil},
		{"unknown", Discovery{Err: CauseDNSNotFound}, []string{"DSC-03 " + svc}},
		{"silent", Discovery{Err: CauseDNSSilent}, []string{"DSC-26 " + svc}},
		{"empty", Discovery{}, []string{"DSC-02 " + svc}},
		{"a virtual address", Discovery{Addresses: []string{"10.96.0.7"}}, []string{"DSC-01 " + svc}},
		{"one not listed", Discovery{Addresses: []string{"10.0.0.1"}}, []string{"DSC-27 " + b}},
		{"no SRV", Discovery{Addresses: []string{"10.0.0.1", "10.0.0.2"}, AskedSRV: true}, []string{"DSC-04 " + svc}},
		{"foreign", Discovery{Addresses: []string{"10.0.0.1", "10.0.0.2", "10.0.0.9"}, Answering: map[string]string{"10.0.0.9": "store@10.0.0.9"}},
			[]string{"DSC-18 " + svc}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := full
			tt.d.Service = svc
			o.Discovery = &tt.d
			if d := cmp.Diff(append([]string{}, tt.want...), codes(Diagnose(o))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Not to be listed is no fault yet while the links are there.
func TestNotListedAndLinked(t *testing.T) {
	nodes := []Node{node(a, b), node(b, a)}
	nodes[0].Addrs, nodes[1].Addrs = []string{"10.0.0.1"}, []string{"10.0.0.2"}
	got := Diagnose(Observation{Expected: []string{a, b}, Nodes: nodes, Discovery: &Discovery{Service: "shop", Addresses: []string{"10.0.0.1"}}})
	if len(got) != 1 || got[0].Code != finding.NotListed || got[0].Severity != finding.Warning {
		t.Errorf("%+v", got)
	}
}

// Who is not listed is not dialled: that nobody dials is then no finding of its own.
func TestDiscoveryExplainsWhatNobodyDials(t *testing.T) {
	nodes := []Node{node(a, b), node(b, a), node(c)}
	for i, addr := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		nodes[i].Addrs = []string{addr}
	}
	o := passing(Observation{Expected: []string{a, b, c}, Nodes: nodes,
		Discovery: &Discovery{Service: "shop", Addresses: []string{"10.0.0.1", "10.0.0.2"}}})
	got := Diagnose(o)
	if d := cmp.Diff([]string{"DSC-27 " + c}, codes(got)); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	if got[0].Severity != finding.Error {
		t.Errorf("links are missing for it, and it is a mere %s", got[0].Severity)
	}
	if last := got[0].Evidence[len(got[0].Evidence)-1]; !strings.HasPrefix(last, "2 missing links") {
		t.Errorf("evidence ends in %q, want the two missing links", last)
	}
}

// A node that has just started may be missing in what DNS still remembers: that is a
// finding only where links are missing for it.
func TestNotListedYet(t *testing.T) {
	young := func(peers ...string) Observation {
		nodes := []Node{node(a, peers...), node(b)}
		if len(peers) > 0 {
			nodes[1].Peers = []string{a}
		}
		nodes[0].Addrs, nodes[1].Addrs = []string{"10.0.0.1"}, []string{"10.0.0.2"}
		nodes[1].Uptime = 20 * time.Second
		return passing(Observation{Expected: []string{a, b}, Nodes: nodes, Discovery: &Discovery{Service: "shop", Addresses: []string{"10.0.0.1"}}})
	}
	if got := Diagnose(young(b)); len(got) > 0 {
		t.Errorf("linked, and young: %+v", got)
	}
	if d := cmp.Diff([]string{"DSC-27 " + b}, codes(Diagnose(young()))); d != "" {
		t.Errorf("not linked, and young (-want +got):\n%s", d)
	}
}

// What nobody could be asked about is not known, and no missing link.
func TestLinksOfWhichNothingIsKnown(t *testing.T) {
	o := Observation{Expected: []string{a, b, c}, Nodes: []Node{node(a), unreached(b, CauseCookie), unreached(c, CauseFrozen)}}
	r := NewReport(o)
	if r.Links != (ReportLinks{Expected: 3, Up: 0, Unknown: 1}) {
		t.Errorf("links: %+v", r.Links)
	}
	for _, f := range r.Findings {
		want := "link not known, since neither end could be asked: " + b + " -- " + c
		if last := f.Evidence[len(f.Evidence)-1]; last != want {
			t.Errorf("%s: evidence ends in %q, want %q", f.Code, last, want)
		}
		for _, e := range f.Evidence {
			if strings.HasPrefix(e, "missing link") && strings.Contains(e, b) && strings.Contains(e, c) {
				t.Errorf("%s: %s", f.Code, e)
			}
		}
	}
}
