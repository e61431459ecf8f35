package probe

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/phialdev/phial/internal/mesh"
)

// JoinView is what joiners go by: each replica as it says itself, and who reaches whom
// as seen from each replica's own network. It fills Members, Reach and Why of a
// mesh.JoinInput; the rest is the caller's. Only pairs that are not linked are walked.
func (p *Prober) JoinView(ctx context.Context, names []string) mesh.JoinInput {
	in := mesh.JoinInput{Reach: map[mesh.Link]mesh.Tri{}, Why: map[mesh.Link]string{}}
	w := p.newWalker()
	defer w.close()
	ends := make([]*end, len(names))
	var g errgroup.Group
	g.SetLimit(p.concurrency())
	for i, name := range names {
		g.Go(func() error {
			ends[i] = w.end(ctx, name)
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
	o := mesh.Observation{Expected: names}
	for _, e := range ends {
		in.Members = append(in.Members, mesh.Member{Name: e.node.Name, Status: e.node.Status, Peers: e.node.Peers,
			ConnectAll: e.node.Flags.ConnectAll, Hidden: e.node.Flags.Hidden})
		o.Nodes = append(o.Nodes, e.node)
	}
	graph := mesh.Build(o)
	var mu sync.Mutex
	for _, b := range ends {
		if f := b.failure; f != nil && p.Here != "" && b.node.Name != p.Here && !graph.Linked(p.Here, b.node.Name) {
			l := mesh.Link{A: p.Here, B: b.node.Name}
			in.Reach[l], in.Why[l] = mesh.No, string(f.Stage)+": "+f.Detail
		}
	}
	for _, a := range ends {
		for _, b := range ends {
			if a == b || a.node.Status == mesh.StatusUnknown || b.node.Status == mesh.StatusUnknown ||
				graph.Linked(a.node.Name, b.node.Name) {
				continue
			}
			g.Go(func() error {
				t := w.walk(ctx, a.node.Name, b.node.Name)
				mu.Lock()
				defer mu.Unlock()
				l := mesh.Link{A: t.From, B: t.To}
				in.Reach[l], in.Why[l] = reaches(t)
				return nil
			})
		}
	}
	_ = g.Wait() // the functions return nil
	return in
}

// reaches says whether a walk came through to the end of its checks: name, DNS, EPMD,
// port, handshake, cookie and flags passed. The reason is of what failed, or was not
// seen.
func reaches(t mesh.Trace) (mesh.Tri, string) {
	unseen := ""
	for _, s := range t.Steps {
		switch {
		case s.Kind == mesh.KindLink:
		case s.State == mesh.Failed:
			return mesh.No, string(s.Kind) + ": " + s.Evidence
		case s.State == mesh.Unseen && unseen == "":
			unseen = string(s.Kind) + ": " + s.Evidence
		}
	}
	if unseen != "" || len(t.Steps) == 0 {
		return mesh.Unknown, unseen
	}
	return mesh.Yes, ""
}
