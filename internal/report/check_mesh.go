package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/mesh"
)

// CheckMesh tells step by step what each replica would do, and the mesh that comes of it.
func CheckMesh(w io.Writer, m *check.Mesh, s Style) {
	if m == nil {
		fmt.Fprintln(w, "No mesh could be worked out: no workload that runs a release was found.")
		return
	}
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
	for _, l := range wrap(meshSummary(m), s.width()) {
		fmt.Fprintln(w, l)
	}
	for _, d := range m.Doubts {
		paragraph(w, "  not known: ", d, s)
	}
}

// meshSummary is the mesh in one sentence.
func meshSummary(m *check.Mesh) string {
	n := 0
	var islands []string
	for _, i := range m.Islands {
		n += len(i)
		islands = append(islands, strings.Join(i, " "))
	}
	switch {
	case n == 1:
		return "Predicted mesh: one replica."
	case len(m.Islands) == 1:
		return fmt.Sprintf("Predicted mesh: one of %d.", n)
	case len(m.Doubts) > 0:
		return "Predicted mesh: not known, since " + m.Doubts[0] + "."
	}
	return fmt.Sprintf("Predicted mesh: %s: %s.", count(len(m.Islands), "island"), strings.Join(islands, " | "))
}
