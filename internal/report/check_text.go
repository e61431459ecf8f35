package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/spell"
)

// Texts gives the text of a file that was looked at, by the name that it is shown with.
type Texts func(file string) (string, bool)

// Check writes what a check has found, each finding with its line.
func Check(w io.Writer, r check.Report, texts Texts, s Style) {
	lines := newLines(texts)
	for i, f := range r.Findings {
		if i > 0 {
			fmt.Fprintln(w)
		}
		checkFinding(w, f, lines, s)
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(w)
	}
	sentence(w, CheckSummary(r), bold, s)
	for _, m := range r.Meshes {
		summarize(w, m, s)
	}
	for _, n := range notChecked(r) {
		sentence(w, n, faint, s)
	}
}

// sentence writes one that others read by the line, such as a script: it is broken for a
// narrow terminal alone.
func sentence(w io.Writer, text, colour string, s Style) {
	lines := []string{text}
	if s.width() < usualWidth {
		lines = wrap(text, s.width())
	}
	for _, l := range lines {
		fmt.Fprintln(w, s.paint(colour, l))
	}
}

// SeverityWord is what a severity is called to people: what is no more than worth knowing is a hint.
func SeverityWord(v finding.Severity) string {
	if v == finding.Info {
		return "hint"
	}
	return v.String()
}

func checkFinding(w io.Writer, f check.Finding, lines *lines, s Style) {
	colour := severityColour(f.Severity)
	fmt.Fprintf(w, "%s: %s %s\n", s.paint(bold, f.At.String()), s.paint(colour, SeverityWord(f.Severity)+" "+string(f.Code)), s.paint(bold, f.Title))
	said := f.Cause
	if f.Subject != "" && f.Subject != f.At.File {
		said = f.Subject + ": " + said
	}
	paragraph(w, "  ", said, s)
	frame(w, f.At, f.Masked, "", colour, lines, s)
	for _, also := range f.Related {
		if !samePlace(also.Span, f.At) {
			frame(w, also.Span, f.Masked, also.Text, faint, lines, s)
		}
	}
	for _, e := range f.Evidence {
		paragraph(w, "  seen: ", e, s)
	}
	if f.Origin != "" {
		paragraph(w, "  made from: ", f.Origin, s)
	}
	fix := "  fix: "
	if len(f.Edits) > 0 {
		fix = "  fix (phial check --fix): "
	}
	paragraph(w, fix, f.Fix, s)
	for _, b := range f.Beneath {
		paragraph(w, "  goes with it: ", fmt.Sprintf("%s %s: %s (%s)", b.Code, b.Title, b.Cause, b.At), s)
	}
}

func samePlace(a, b check.Span) bool { return a.File == b.File && a.Line == b.Line }

// paragraph writes text with a word in front, wrapped, what follows indented by four.
func paragraph(w io.Writer, before, text string, s Style) {
	for i, l := range wrap(before[len(before)-len(strings.TrimLeft(before, " ")):]+text, s.width()-4) {
		if i == 0 {
			fmt.Fprintf(w, "  %s\n", l)
		} else {
			fmt.Fprintf(w, "    %s\n", l)
		}
	}
}

// CheckSummary is what was found and looked at, in one sentence.
func CheckSummary(r check.Report) string {
	var found []string
	for _, c := range []struct {
		severity finding.Severity
		one      string
	}{{finding.Error, "error"}, {finding.Warning, "warning"}, {finding.Info, "hint"}} {
		if n := r.Count(c.severity); n > 0 {
			found = append(found, count(n, c.one))
		}
	}
	text := "nothing found"
	if len(found) > 0 {
		text = strings.Join(found, ", ")
	}
	text += " by " + count(r.Looked.Rules, "rule") + " in " + count(r.Looked.Objects, "object")
	if len(r.Looked.Beams)+r.Looked.Others > 0 {
		text += fmt.Sprintf(" (%s, %s)", count(len(r.Looked.Beams), "BEAM release"), count(r.Looked.Others, "other workload"))
	}
	if r.Looked.Project != "" {
		text += " and the project " + r.Looked.Project
	}
	if all := r.Looked.Environments; len(all) > 0 {
		text += ", " + spell.List(all, "and", len(all)) + " apart"
	}
	if n := len(r.Suppressed); n > 0 {
		text += "; " + count(n, "finding") + " suppressed"
	}
	return text
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// notChecked says which rules lack what, by what they lack.
func notChecked(r check.Report) []string {
	var order []string
	codes := map[string][]string{}
	for _, n := range r.NotChecked {
		what := strings.Join(n.Missing, " and ")
		if codes[what] == nil {
			order = append(order, what)
		}
		codes[what] = append(codes[what], string(n.Code))
	}
	var all []string
	for _, what := range order {
		c := codes[what]
		text := strings.Join(c, ", ")
		if len(c) > 6 {
			text = fmt.Sprintf("%d rules (%s …)", len(c), strings.Join(c[:4], ", "))
		}
		all = append(all, "not checked for want of "+what+": "+text)
	}
	return all
}
