package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/phialdev/phial/internal/check"
)

// Rule writes a rule's page.
func Rule(w io.Writer, r *check.Rule, s Style) {
	fmt.Fprintf(w, "%s %s\n", s.paint(bold, string(r.Code)), s.paint(bold, r.Title))
	fmt.Fprintf(w, "  in phial check: %s, %s\n", s.paint(severityColour(r.Severity), SeverityWord(r.Severity)), r.Confidence)
	paragraph(w, "  looks at: ", r.Looks, s)
	paragraph(w, "  why: ", r.Why, s)
	paragraph(w, "  fix: ", r.Fix, s)
	if r.Mends {
		paragraph(w, "  by itself: ", "phial check --fix mends it, where that is safe", s)
	}
	if names := r.Needs.Names(); len(names) > 0 {
		paragraph(w, "  needs: ", strings.Join(names, " and "), s)
	}
	var hides []string
	for _, c := range r.Hides {
		hides = append(hides, string(c))
	}
	if len(hides) > 0 {
		paragraph(w, "  what follows from it, and is shown beneath it: ", strings.Join(hides, ", "), s)
	}
	paragraph(w, "  leave it as it is: ", "# phial:ignore "+string(r.Code)+" REASON, on the line or above it; or phial-check.yaml", s)
}
