package report

import (
	"fmt"
	"io"

	"github.com/phialdev/phial/internal/mesh"
)

// Trace writes a walk along one link, a line for each step.
func Trace(w io.Writer, tr mesh.Trace, s Style) {
	place := "seen from " + s.short(tr.Place) + "'s own network"
	if tr.Place == mesh.FromPhial {
		place = "seen from here: " + s.short(tr.From) + " could not be asked"
	}
	fmt.Fprintf(w, "%s  %s\n", s.paint(bold, s.full(tr.From)+" → "+s.full(tr.To)), s.paint(faint, place))
	for _, st := range tr.Steps {
		mark, colour := "?", yellow
		switch st.State {
		case mesh.Passed:
			mark, colour = "✓", green
		case mesh.Failed:
			mark, colour = "✗", red
		case mesh.Unseen:
		}
		for i, l := range wrap(st.Evidence, s.width()-15) {
			if i == 0 {
				fmt.Fprintf(w, "  %s %-9s  %s\n", s.paint(colour, mark), st.Kind, l)
			} else {
				fmt.Fprintf(w, "    %-9s  %s\n", "", l)
			}
		}
	}
}

// LinkVerdict says in a line whether two nodes are connected: "up", "down" or
// "unknown".
func LinkVerdict(w io.Writer, a, b, link string, s Style) {
	a, b = s.short(a), s.short(b)
	switch link {
	case "up":
		fmt.Fprintln(w, s.paint(green, fmt.Sprintf("%s and %s are connected.", a, b)))
	case "down":
		fmt.Fprintln(w, s.paint(red, fmt.Sprintf("%s and %s are not connected.", a, b)))
	default:
		fmt.Fprintln(w, s.paint(yellow, fmt.Sprintf("Whether %s and %s are connected is not known: neither could be asked.", a, b)))
	}
}
