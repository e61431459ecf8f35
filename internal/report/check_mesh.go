package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/spell"
)

// NoMesh is said where there is no prediction.
const NoMesh = "no mesh could be worked out: no workload that runs a release was found, or each is there more than once " +
	"under one name, as overlays are (give each its namespace, or exclude the others in phial-check.yaml)"

// CheckMeshes tells step by step what each replica would do, and the mesh that comes of it, in each environment.
func CheckMeshes(w io.Writer, all []check.Mesh, s Style) {
	if len(all) == 0 {
		fmt.Fprintln(w, strings.ToUpper(NoMesh[:1])+NoMesh[1:]+".")
	}
	for i, m := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if m.Environment != "" {
			fmt.Fprintf(w, "%s\n\n", s.paint(bold, "In "+m.Environment+":"))
		}
		checkMesh(w, m, s)
	}
}

func checkMesh(w io.Writer, m check.Mesh, s Style) {
	for _, r := range m.Replicas {
		fmt.Fprintln(w, s.paint(bold, r.ID))
		for _, step := range r.Steps {
			mark, colour := "+", green
			switch step.State {
			case mesh.Failed:
				mark, colour = "x", red
			case mesh.Unseen:
				mark, colour = "?", yellow
			case mesh.Passed:
			}
			for i, l := range wrap(step.Text, s.width()-4) {
				if i > 0 {
					mark = " "
				}
				fmt.Fprintf(w, "  %s %s\n", s.paint(colour, mark), l)
			}
		}
		fmt.Fprintln(w)
	}
	summarize(w, m, s)
	for _, d := range m.Doubts {
		paragraph(w, "  not known: ", d, s)
	}
}

// summarize writes the sentences.
func summarize(w io.Writer, m check.Mesh, s Style) {
	for _, text := range meshSummary(m) {
		for _, l := range wrap(text, s.width()) {
			fmt.Fprintln(w, l)
		}
	}
}

// meshSummary is the mesh in one sentence for each that there is.
func meshSummary(m check.Mesh) []string {
	var all []string
	in, boots := "", booting(m)
	if m.Environment != "" {
		in = " in " + m.Environment
	}
	for _, g := range m.Groups {
		n := 0
		var islands []string
		for _, i := range g.Islands {
			n += len(i)
			islands = append(islands, strings.Join(i, " "))
		}
		of := in
		if len(m.Groups) > 1 {
			of += " of " + spell.List(g.Workloads, "and", 4)
		}
		switch {
		case g.Meant == "" && n > 1 && len(g.Islands) == n:
			all = append(all, fmt.Sprintf("No mesh is meant%s: %s, each for itself.", of, count(max(n, g.Replicas), "replica")))
		case down(g, boots):
			all = append(all, "Predicted mesh"+of+": none, since no replica has a node that could be in one.")
		case n == 1:
			all = append(all, "Predicted mesh"+of+": one replica.")
		case len(g.Islands) == 1:
			all = append(all, fmt.Sprintf("Predicted mesh%s: one of %d%s.", of, max(n, g.Replicas), standing(n, g)))
		case len(g.Doubts) > 0:
			all = append(all, "Predicted mesh"+of+": not known, since "+g.Doubts[0]+".")
		default:
			all = append(all, fmt.Sprintf("Predicted mesh%s: %s: %s.", of, count(len(g.Islands), "island"), strings.Join(islands, " | ")+standing(n, g)))
		}
	}
	const most = 8
	if len(all) > most {
		all = append(all[:most-1], fmt.Sprintf("And %d meshes more: phial check --explain.", len(all)-most+1))
	}
	if n := len(m.Overlays); n > 0 && len(all) > 0 {
		o, more := m.Overlays[0], ""
		if n > 1 {
			more = fmt.Sprintf(" and %d more", n-1)
		}
		all = append(all, fmt.Sprintf("That is without what kustomizations change (%s at %s%s): kustomize build %s | phial check . - looks at what comes out.", o.Key, o.At, more, o.Dir))
	}
	return all
}

// standing is the end of a sentence about a mesh of which not every replica was followed.
func standing(followed int, g check.Group) string {
	if g.Replicas <= followed {
		return ""
	}
	return fmt.Sprintf("; %d of the %d replicas were followed, and stand for the others", followed, g.Replicas)
}

// booting are the replicas that have a node, or are meant to have none.
func booting(m check.Mesh) map[string]bool {
	all := make(map[string]bool, len(m.Replicas))
	for _, r := range m.Replicas {
		all[r.ID] = r.Node != "" || len(r.Steps) == 0 || r.Steps[0].State != mesh.Failed || r.Steps[0].Code == ""
	}
	return all
}

// down says whether no replica of a mesh is among those that boot.
func down(g check.Group, boots map[string]bool) bool {
	return !slices.ContainsFunc(g.Islands, func(ids []string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return boots[id] })
	})
}
