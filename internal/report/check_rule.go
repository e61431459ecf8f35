package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/finding"
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
	if len(r.Covers) > 0 {
		paragraph(w, "  found under this code too: ", codes(r.Covers), s)
	}
	if len(r.Hides) > 0 {
		paragraph(w, "  what follows from it, and is shown beneath it: ", codes(r.Hides), s)
	}
	paragraph(w, "  leave it as it is: ", "# phial:ignore "+string(r.Code)+" REASON, on the line or above it; or phial-check.yaml", s)
}

func codes(all []finding.Code) string {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}
