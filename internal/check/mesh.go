package check

import (
	"maps"
	"slices"

	"github.com/phialdev/phial/internal/mesh"
)

// Mesh is what manifests and project would give: a mesh, or several of apps that have
// nothing to do with each other.
type Mesh struct {
	// Environment is whose it is, where there are several.
	Environment string `json:"environment,omitempty"`

	Groups   []Group          `json:"meshes"`
	Islands  [][]string       `json:"islands"` // of all replicas
	Doubts   []string         `json:"doubts"`  // what was not known and could make the islands others
	Replicas []mesh.Predicted `json:"replicas"`
}

// Group is one mesh that is meant, or workloads whose replicas are each for themselves.
type Group struct {
	Workloads []string   `json:"workloads"`
	Meant     string     `json:"meant,omitempty"` // why they are meant to meet; empty: nothing says so
	Islands   [][]string `json:"islands"`         // of replicas
	Doubts    []string   `json:"doubts"`          // what was not known and could make its islands others
}

// mesh is the prediction as it is told; nil: there is none.
func (in *Input) mesh() *Mesh {
	p := in.Predicted()
	if p == nil {
		return nil
	}
	return &Mesh{Environment: in.Environment, Groups: in.groups(), Islands: p.Islands, Doubts: append([]string{}, p.Doubts...), Replicas: p.Replicas}
}

// groups puts together the workloads between which one replica dials another, whatever
// comes of it.
func (in *Input) groups() []Group {
	x, p := in.predicted(), in.Predicted()
	if x.groups != nil {
		return x.groups
	}
	root := map[string]string{}
	find := func(w string) string {
		for root[w] != "" {
			w = root[w]
		}
		return w
	}
	join := func(a, b string) {
		if a, b = find(a), find(b); a != b {
			root[max(a, b)] = min(a, b)
		}
	}
	for _, l := range p.Links {
		if l.Up == mesh.Yes || slices.ContainsFunc(l.Why, func(o mesh.Obstacle) bool { return o.Dialled != "" }) {
			join(x.workload[l.A], x.workload[l.B])
		}
	}
	groups := map[string]*Group{}
	for _, w := range slices.Sorted(maps.Keys(x.of)) {
		g := groups[find(w)]
		if g == nil {
			g = &Group{Doubts: []string{}}
			groups[find(w)] = g
		}
		g.Workloads = append(g.Workloads, w)
		if b, ok := x.beams[w]; ok && g.Meant == "" {
			g.Meant = in.clustered(b)
		}
	}
	part := map[string]int{} // by replica
	for n, island := range p.Islands {
		g := groups[find(x.workload[island[0]])]
		g.Islands = append(g.Islands, island)
		for _, id := range island {
			part[id] = n
		}
	}
	for _, l := range p.Links {
		if l.Up != mesh.Unknown || part[l.A] == part[l.B] {
			continue
		}
		for _, id := range []string{l.A, l.B} {
			g := groups[find(x.workload[id])]
			for _, o := range l.Why {
				if !slices.Contains(g.Doubts, o.Text) {
					g.Doubts = append(g.Doubts, o.Text)
				}
			}
		}
	}
	x.groups, x.group = []Group{}, map[string]int{}
	for n, root := range slices.Sorted(maps.Keys(groups)) {
		x.groups = append(x.groups, *groups[root])
		for _, w := range groups[root].Workloads {
			x.group[w] = n
		}
	}
	return x.groups
}

// islandsOf are the islands of the meshes that workloads belong to, as evidence.
func (in *Input) islandsOf(workloads ...string) string {
	var all [][]string
	var told []int
	groups := in.groups()
	for _, w := range workloads {
		if n, ok := in.predicted().group[w]; ok && !slices.Contains(told, n) {
			told = append(told, n)
			all = append(all, groups[n].Islands...)
		}
	}
	return "islands: " + inOneLine(all)
}
