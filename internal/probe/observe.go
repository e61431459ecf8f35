package probe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/phialdev/phial/internal/mesh"
)

// Observe looks at every expected node (and, with Follow, at those that they report),
// and walks missing links from both ends. What cannot be reached is part of what was
// seen; the error is only for a look that could not be taken: ctx ended, or there is no
// cookie.
func (p *Prober) Observe(ctx context.Context, expected []string) (mesh.Observation, error) {
	if p.Cookie.IsZero() {
		return mesh.Observation{}, errors.New("no cookie was given to look at nodes with")
	}
	expected = slices.Compact(slices.Sorted(slices.Values(expected)))
	o := mesh.Observation{Expected: expected, Followed: p.Follow, CookieCertain: p.CookieCertain}
	names := newInterner()
	seen := map[string]bool{}
	for next := expected; len(next) > 0; {
		for _, n := range next {
			seen[n] = true
		}
		o.Nodes = append(o.Nodes, p.look(ctx, next, names)...)
		next = nil
		if p.Follow {
			next = unseenPeers(o.Nodes, seen)
		}
	}
	if p.Service != "" {
		o.Discovery = p.discover(ctx, o)
	}
	p.traceMissing(ctx, &o, names)
	slices.SortFunc(o.Nodes, func(a, b mesh.Node) int { return strings.Compare(a.Name, b.Name) })
	return o, ctx.Err()
}

func unseenPeers(nodes []mesh.Node, seen map[string]bool) []string {
	var out []string
	for i := range nodes {
		for _, peer := range nodes[i].Peers {
			if !seen[peer] && !passing(peer) {
				seen[peer] = true
				out = append(out, peer)
			}
		}
	}
	slices.Sort(out)
	return out
}

// passing: nodes of a release's own commands come and go.
func passing(node string) bool {
	return strings.HasPrefix(node, "rpc-") || strings.HasPrefix(node, "rem-")
}

// look looks at nodes, several at a time.
func (p *Prober) look(ctx context.Context, names []string, in *interner) []mesh.Node {
	out := make([]mesh.Node, len(names))
	var g errgroup.Group
	g.SetLimit(p.concurrency())
	for i, name := range names {
		g.Go(func() error {
			out[i] = p.node(ctx, name, in)
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
	return out
}

// node looks at one node.
func (p *Prober) node(ctx context.Context, name string, in *interner) mesh.Node {
	r, failure := p.connect(ctx, name)
	if failure != nil {
		return mesh.Node{Name: in.name(name), Failure: failure}
	}
	defer r.Close()
	return p.nodeOver(ctx, r, name, in)
}

// nodeOver asks a connected node.
func (p *Prober) nodeOver(ctx context.Context, r reached, name string, in *interner) mesh.Node {
	n := mesh.Node{Name: in.name(name), EPMD: r.epmd}
	answered, err := p.ask(ctx, r.Conn, &n, in)
	settle(&n, r.Peer())
	if n.Reached = answered; !answered {
		n.Failure = &mesh.Failure{Stage: mesh.KindCall, Cause: mesh.CauseCalls, PeerName: r.Peer().Name,
			Addr: r.Peer().Addr, Port: portOf(r.Peer().Addr), Detail: "the handshake passed and no call was answered"}
		if err != nil {
			n.Failure.Detail += ": " + firstLine(err)
		}
	}
	return n
}

func firstLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}

// traceMissing walks missing links whose two ends were reached, and then looks at
// their nodes once more where every step passed: a link that has come up in the
// meantime was never missing.
func (p *Prober) traceMissing(ctx context.Context, o *mesh.Observation, in *interner) {
	byName := make(map[string]*mesh.Node, len(o.Nodes))
	for i := range o.Nodes {
		byName[o.Nodes[i].Name] = &o.Nodes[i]
	}
	var links []mesh.Link
	for _, l := range spread(mesh.Build(*o), p.maxTraces()) {
		if a, b := byName[l.A], byName[l.B]; a != nil && b != nil && a.Reached && b.Reached {
			links = append(links, l)
		}
	}
	if len(links) == 0 {
		return
	}
	w := p.newWalker()
	defer w.close()
	traces := make([][2]mesh.Trace, len(links))
	var g errgroup.Group
	g.SetLimit(p.concurrency())
	for i, l := range links {
		g.Go(func() error {
			traces[i][0] = w.walk(ctx, l.A, l.B)
			return nil
		})
		g.Go(func() error {
			traces[i][1] = w.walk(ctx, l.B, l.A)
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
	again := map[string]bool{}
	for i, l := range links {
		o.Traces = append(o.Traces, traces[i][:]...)
		if !faulty(traces[i][0]) && !faulty(traces[i][1]) {
			again[l.A], again[l.B] = true, true
		}
	}
	var mu sync.Mutex
	for name := range again {
		g.Go(func() error {
			n := p.node(ctx, name, in)
			mu.Lock()
			defer mu.Unlock()
			if n.Reached {
				*byName[name] = n
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
}

// faulty: a step failed that is a cause, not the missing link itself.
func faulty(t mesh.Trace) bool {
	s, failed := t.FirstFailed()
	return failed && s.Cause != mesh.CauseUnlinked
}

// spread chooses which missing links to walk where there are too many: one between
// each two islands first, then as they come.
func spread(g *mesh.Graph, most int) []mesh.Link {
	missing := g.Missing()
	if len(missing) <= most {
		return missing
	}
	island := map[string]int{}
	for i, names := range g.Islands() {
		for _, n := range names {
			island[n] = i
		}
	}
	var first, rest []mesh.Link
	have := map[[2]int]bool{}
	for _, l := range missing {
		k := [2]int{min(island[l.A], island[l.B]), max(island[l.A], island[l.B])}
		if have[k] {
			rest = append(rest, l)
			continue
		}
		have[k] = true
		first = append(first, l)
	}
	return append(first, rest...)[:most]
}
