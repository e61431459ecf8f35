package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// Trace walks the way from one node to another, step by step: name, dns, epmd, port,
// handshake, cookie, flags, link. The steps up to the port are taken by From itself, in
// its own network, by calls to it; the handshake is Phial's own with To; cookies are
// compared here, in memory, and never shown. Where From cannot be reached the walk is
// from Phial's place and says so.
func (p *Prober) Trace(ctx context.Context, from, to string) mesh.Trace {
	w := p.newWalker()
	defer w.close()
	return w.walk(ctx, from, to)
}

// walker keeps what several walks share: a connection to each node, made once.
type walker struct {
	p     *Prober
	names *interner
	mu    sync.Mutex
	ends  map[string]*end
}

// end is one node of a walk.
type end struct {
	once    sync.Once
	r       reached
	failure *mesh.Failure
	node    mesh.Node // as it says itself; zero but for its name when it was not reached
}

func (p *Prober) newWalker() *walker {
	return &walker{p: p, names: newInterner(), ends: map[string]*end{}}
}

func (w *walker) close() {
	for _, e := range w.ends {
		if e.r.Conn != nil {
			e.r.Close()
		}
	}
}

func (w *walker) end(ctx context.Context, name string) *end {
	w.mu.Lock()
	e := w.ends[name]
	if e == nil {
		e = &end{}
		w.ends[name] = e
	}
	w.mu.Unlock()
	e.once.Do(func() {
		e.node.Name = name
		if e.r, e.failure = w.p.connect(ctx, name); e.failure == nil {
			e.node = w.p.nodeOver(ctx, e.r, name, w.names)
		}
	})
	return e
}

func (w *walker) walk(ctx context.Context, from, to string) mesh.Trace {
	var a, b *end
	var wg sync.WaitGroup
	wg.Go(func() { a = w.end(ctx, from) })
	wg.Go(func() { b = w.end(ctx, to) })
	wg.Wait()
	t := mesh.Trace{From: from, To: to, Place: from}
	s := &steps{t: &t}
	if a.r.Conn == nil {
		t.Place = mesh.FromPhial
		w.fromPhial(s, a, b)
	} else {
		w.fromNode(ctx, s, a, b)
	}
	w.flags(s, a, b)
	w.link(s, a, b)
	return t
}

// steps collects the steps of one walk. After a failed one the later steps are not
// taken, but the link itself is still looked at.
type steps struct {
	t      *mesh.Trace
	failed bool
}

func (s *steps) pass(k mesh.Kind, evidence string, found ...string) {
	s.t.Steps = append(s.t.Steps, mesh.Step{Kind: k, State: mesh.Passed, Evidence: evidence, Found: found})
}

func (s *steps) fail(k mesh.Kind, c mesh.Cause, evidence string, found ...string) {
	s.t.Steps = append(s.t.Steps, mesh.Step{Kind: k, State: mesh.Failed, Cause: c, Evidence: evidence, Found: found})
	s.failed = true
}

func (s *steps) unseen(k mesh.Kind, evidence string) {
	s.t.Steps = append(s.t.Steps, mesh.Step{Kind: k, State: mesh.Unseen, Evidence: evidence})
}

// order is the order of the steps that a connection goes through.
var order = []mesh.Kind{mesh.KindName, mesh.KindDNS, mesh.KindEPMD, mesh.KindPort, mesh.KindHandshake, mesh.KindCookie}

// fromNode takes the steps up to the port by calls to the node a, and compares the
// rest from both ends.
func (w *walker) fromNode(ctx context.Context, s *steps, a, b *end) {
	to, ok := w.name(s, a, s.t.To)
	if !ok {
		w.rest(s, mesh.KindDNS)
		return
	}
	n := &inNode{w: w, conn: a.r.Conn, inet6: strings.Contains(a.node.Flags.Proto, "inet6")}
	addr, ok := n.dns(ctx, s, to)
	if !ok {
		w.rest(s, mesh.KindEPMD)
		return
	}
	port, ok := n.epmd(ctx, s, to, addr)
	if !ok {
		w.rest(s, mesh.KindPort)
		return
	}
	if !n.port(ctx, s, addr, port) {
		w.rest(s, mesh.KindHandshake)
		return
	}
	w.handshake(s, b)
	if s.failed {
		w.rest(s, mesh.KindCookie)
		return
	}
	w.cookie(ctx, s, a, b)
}

// rest marks the steps from k on as not taken.
func (w *walker) rest(s *steps, k mesh.Kind) {
	for _, k := range order[slices.Index(order, k):] {
		s.unseen(k, "an earlier step failed")
	}
}

// name: the name itself, and short against long names.
func (w *walker) name(s *steps, a *end, to string) (beam.Name, bool) {
	b, err := beam.ParseName(to)
	if err != nil {
		s.fail(mesh.KindName, mesh.CauseBadName, err.Error())
		return b, false
	}
	long := a.node.Flags.LongNames
	if long == mesh.Unknown {
		if self, err := beam.ParseName(s.t.From); err == nil {
			long = mesh.TriOf(self.Long())
		}
	}
	if long != mesh.Unknown && (long == mesh.Yes) != b.Long() {
		kinds := map[bool]string{true: "long", false: "short"}
		s.fail(mesh.KindName, mesh.CauseNames, fmt.Sprintf("%s runs with %s names and %s is a %s name",
			s.t.From, kinds[long == mesh.Yes], to, kinds[b.Long()]))
		return b, false
	}
	s.pass(mesh.KindName, to+" is a name that "+s.t.From+" can dial")
	return b, true
}

// handshake is Phial's own with the other node: another one from a would be a link.
func (w *walker) handshake(s *steps, b *end) {
	f := b.failure
	switch {
	case f == nil:
		s.pass(mesh.KindHandshake, passedText(mesh.KindHandshake, s.t.To, b)+" (seen from Phial)")
	case f.Stage == mesh.KindHandshake && f.Cause != mesh.CauseNotAllowed:
		s.fail(mesh.KindHandshake, f.Cause, f.Detail+" (seen from Phial)", found(f)...)
	case f.Stage == mesh.KindCookie || f.Stage == mesh.KindCall:
		s.pass(mesh.KindHandshake, passedText(mesh.KindHandshake, s.t.To, b)+" (seen from Phial)")
	default:
		s.unseen(mesh.KindHandshake, "Phial itself could not: "+f.Detail)
	}
}

// cookie compares what each end would use towards the other (erlang:get_cookie/1).
func (w *walker) cookie(ctx context.Context, s *steps, a, b *end) {
	here, herePeer, err := w.cookies(ctx, a, s.t.To)
	if err != nil {
		s.unseen(mesh.KindCookie, s.t.From+" did not say: "+firstLine(err))
		return
	}
	if f := b.failure; f != nil {
		switch {
		case f.Cause != mesh.CauseCookie && f.Cause != mesh.CauseCookieSpace:
			s.unseen(mesh.KindCookie, s.t.To+" could not be asked")
		case herePeer.Equal(w.p.Cookie):
			s.fail(mesh.KindCookie, f.Cause, s.t.To+" has another cookie than "+s.t.From)
		default:
			s.unseen(mesh.KindCookie, s.t.To+" refuses Phial's cookie; "+s.t.From+" keeps another for it")
		}
		return
	}
	there, therePeer, err := w.cookies(ctx, b, s.t.From)
	switch {
	case err != nil:
		s.unseen(mesh.KindCookie, s.t.To+" did not say: "+firstLine(err))
	case herePeer.Equal(therePeer):
		s.pass(mesh.KindCookie, "both ends use the same cookie")
	case !here.Equal(herePeer):
		s.fail(mesh.KindCookie, mesh.CauseCookiePerPeer, s.t.From+" keeps a cookie of its own for "+s.t.To, s.t.From)
	case !there.Equal(therePeer):
		s.fail(mesh.KindCookie, mesh.CauseCookiePerPeer, s.t.To+" keeps a cookie of its own for "+s.t.From, s.t.To)
	case strings.TrimSpace(here.Reveal()) == strings.TrimSpace(there.Reveal()):
		s.fail(mesh.KindCookie, mesh.CauseCookieSpace, "the two cookies differ by white space alone")
	default:
		s.fail(mesh.KindCookie, mesh.CauseCookie, s.t.To+" has another cookie than "+s.t.From)
	}
}

// cookies gives a node's own cookie and the one that it uses towards a peer.
func (w *walker) cookies(ctx context.Context, e *end, peer string) (own, forPeer dist.Cookie, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.p.timeout())
	defer cancel()
	t, err := e.r.ERPC(ctx, "erlang", "get_cookie")
	if err != nil {
		return own, forPeer, err
	}
	c, _ := t.Atom()
	own = dist.NewCookie(string(c))
	t, err = e.r.ERPC(ctx, "erlang", "get_cookie", etf.Atom(peer))
	if err != nil { // get_cookie/1 is younger than OTP 24.1
		return own, own, nil
	}
	c, _ = t.Atom()
	return own, dist.NewCookie(string(c)), nil
}

// flags compares the settings of both ends.
func (w *walker) flags(s *steps, a, b *end) {
	switch fa, fb := a.node.Flags, b.node.Flags; {
	case s.failed:
		s.unseen(mesh.KindFlags, "an earlier step failed")
	case fa.Allowed != nil && !mesh.Allows(fa.Allowed, s.t.To):
		s.fail(mesh.KindFlags, mesh.CauseNotAllowed, s.t.From+" allows only "+strings.Join(fa.Allowed, ", "))
	case fb.Allowed != nil && !mesh.Allows(fb.Allowed, s.t.From):
		s.fail(mesh.KindFlags, mesh.CauseNotAllowed, s.t.To+" allows only "+strings.Join(fb.Allowed, ", "))
	case fa.Proto != "" && fb.Proto != "" && fa.Proto != fb.Proto:
		s.fail(mesh.KindFlags, mesh.CauseTLS, "-proto_dist "+fa.Proto+" against "+fb.Proto)
	case !a.node.Reached || !b.node.Reached || fa.Proto == "" || fb.Proto == "":
		s.unseen(mesh.KindFlags, "both ends would have to say")
	default:
		s.pass(mesh.KindFlags, flagsText(s.t.From, fa)+"; "+flagsText(s.t.To, fb))
	}
}

func flagsText(name string, f mesh.Flags) string {
	text := name + ": " + f.Proto
	if f.ConnectAll == mesh.No {
		text += ", -connect_all false"
	}
	if f.Hidden == mesh.Yes {
		text += ", hidden"
	}
	if f.PreventOverlapping == mesh.Yes {
		text += ", prevents overlapping partitions"
	}
	return text
}

// link: is it there?
func (w *walker) link(s *steps, a, b *end) {
	says := func(e *end, other string) mesh.Tri {
		if !e.node.Reached || slices.Contains(e.node.Unanswered, mesh.AskPeers) {
			return mesh.Unknown
		}
		return mesh.TriOf(slices.Contains(e.node.Peers, other) || slices.Contains(e.node.Hidden, other))
	}
	ab, ba := says(a, s.t.To), says(b, s.t.From)
	said := map[mesh.Tri]string{mesh.Yes: " says yes", mesh.No: " says no", mesh.Unknown: " could not say"}
	text := s.t.From + said[ab] + ", " + s.t.To + said[ba]
	switch {
	case ab == mesh.Unknown && ba == mesh.Unknown:
		s.unseen(mesh.KindLink, "neither end could be asked")
	case ab != mesh.No && ba != mesh.No:
		s.pass(mesh.KindLink, "connected: "+text)
	default:
		s.fail(mesh.KindLink, mesh.CauseUnlinked, "not connected: "+text)
	}
}

// badRPC reports that a call ran on the node and failed there.
func badRPC(err error) bool {
	var e *dist.Error
	return errors.As(err, &e) && e.Cause == dist.CauseCallFailed
}

func addrTerm(a netip.Addr) etf.Tuple {
	var out etf.Tuple
	if a.Is4() {
		for _, b := range a.As4() {
			out = append(out, int(b))
		}
		return out
	}
	b := a.As16()
	for i := 0; i < 16; i += 2 {
		out = append(out, int(b[i])<<8|int(b[i+1]))
	}
	return out
}
