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

	// Overlays would change the objects that this was worked out from.
	Overlays []Overlay `json:"overlays,omitempty"`
}

// Group is one mesh that is meant, or workloads whose replicas are each for themselves.
type Group struct {
	Workloads []string   `json:"workloads"`
	Meant     string     `json:"meant,omitempty"` // why they are meant to meet; empty: nothing says so
	Replicas  int        `json:"replicas"`        // how many there are; those of the islands stand for all
	Islands   [][]string `json:"islands"`         // of replicas
	Doubts    []string   `json:"doubts"`          // what was not known and could make its islands others
}

// mesh is the prediction as it is told; nil: there is none.
func (in *Input) mesh(o Options) *Mesh {
	if in.Predicted() == nil {
		return nil
	}
	p := in.told(o)
	return &Mesh{
		Environment: in.Environment, Groups: in.groupsOf(p), Islands: p.Islands, Doubts: append([]string{}, p.Doubts...), Replicas: p.Replicas,
		Overlays: in.overlays(slices.Concat(rename, layOver)...),
	}
}

// groups are those of the prediction that rules look at.
func (in *Input) groups() []Group {
	x := in.predicted()
	if x.groups == nil {
		x.groups, x.group = in.groupsOf(in.Predicted()), map[string]int{}
		for n, g := range x.groups {
			for _, w := range g.Workloads {
				x.group[w] = n
			}
		}
	}
	return x.groups
}

// groupsOf puts together the workloads between which one replica dials another, or would if
// it booted, whatever comes of it.
func (in *Input) groupsOf(p *mesh.Prediction) []Group {
	x := in.predicted()
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
	for _, l := range in.Predicted().Links {
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
		g.Replicas += max(len(x.of[w]), in.Intent.Scale[w])
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
	all := []Group{}
	for _, root := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, *groups[root])
	}
	return all
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
