package checklist

import (
	"slices"
	"strings"
)

// Mesh is what manifests and project together would give. It is worked out, and not seen.
type Mesh struct {
	Groups []Group
}

// Group are workloads whose replicas dial one another, or one whose replicas are each for themselves.
type Group struct {
	Workloads []string // labels
	// Meant is why the replicas are meant to meet; empty: nothing says so.
	Meant   string
	Islands [][]string // of replicas
	Doubts  []Item     // what was not known, and could make them others
	// Steps are what the first replica of each workload does.
	Steps []Item
	// NoNodes says that no replica has a node that others could connect to, and that this is meant so; nil: one may have.
	NoNodes *Item
	// Dials says that something that was read looks for others; the app's own code may, where that is not so.
	Dials bool
	// Asks says that it needs no Service to find others: it asks the Kubernetes API.
	Asks bool
}

// of gives the group of a workload; nil: of that nothing was worked out.
func (m *Mesh) of(workload string) *Group {
	if m == nil {
		return nil
	}
	i := slices.IndexFunc(m.Groups, func(g Group) bool { return slices.Contains(g.Workloads, workload) })
	if i < 0 {
		return nil
	}
	return &m.Groups[i]
}

// followed gives the groups of the workloads, each once, and says whether there is one for every workload.
func (b *builder) followed() (all []*Group, every bool) {
	every = len(b.Workloads) > 0
	for _, w := range b.Workloads {
		g := b.Mesh.of(w.Label)
		if g == nil {
			every = false
		} else if !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	return all, every
}

// apart says that of every workload it was worked out that nothing connects its replicas.
func (b *builder) apart() bool {
	all, every := b.followed()
	return every && !slices.ContainsFunc(all, func(g *Group) bool { return g.Meant != "" })
}

// noNodes says the same of nodes: nobody has one that others could connect to.
func (b *builder) noNodes() (why []Item, all bool) {
	groups, every := b.followed()
	for _, g := range groups {
		if g.NoNodes != nil {
			why = append(why, *g.NoNodes)
		}
	}
	return why, every && len(why) == len(groups)
}

// foretell adds what would come of the workloads that are meant to be one mesh, with what their replicas do to get there.
func (b *builder) foretell() {
	all, _ := b.followed()
	for _, g := range all {
		switch {
		case g.NoNodes != nil:
			b.add(Passed, g.NoNodes.At, commas(g.Workloads)+": not needed: "+g.NoNodes.Text)
			continue
		case g.Meant == "":
			continue
		}
		for _, s := range g.Steps {
			if s.State != Failed || len(b.Checked.of(string(s.Code))) == 0 { // else it is said with its code
				b.items = append(b.items, s)
			}
		}
		b.islands(g)
	}
}

func (b *builder) islands(g *Group) {
	islands := make([]string, len(g.Islands))
	for i, ids := range g.Islands {
		islands[i] = commas(ids)
	}
	text := strings.Join(islands, " | ")
	switch {
	case len(islands) == 1 && len(g.Islands[0]) == 1:
		b.pass(nil, "worked out: one replica, "+text+", which has nobody to find")
	case len(islands) == 1:
		b.pass(nil, "worked out: one mesh of "+text)
	case !g.Dials:
		b.unknown("worked out: nothing that was read connects " + text + "; the app's own code may")
		b.settle("phial check", " --explain", "follows each replica, step by step")
		b.settle("phial try", b.trialFlags(), "shows whether the replicas find one another")
	case len(g.Doubts) > 0:
		if slices.ContainsFunc(g.Steps, func(i Item) bool { return i.State == NotKnown }) {
			b.unknown("whether the replicas are one mesh hangs on that")
		} else {
			for _, d := range g.Doubts {
				b.add(NotKnown, d.At, "whether the replicas are one mesh is not known: "+d.Text)
			}
		}
		b.settle("phial check", " --explain", "follows each replica, step by step")
		b.settle("phial try", b.trialFlags(), "shows whether the replicas find one another")
	default:
		b.fail(nil, "worked out: islands that never meet: "+text)
		b.settle("phial check", " --explain", "follows each replica, step by step")
	}
}

func commas(all []string) string { return strings.Join(all, ", ") }
