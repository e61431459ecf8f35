package checklist

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/report"
)

var colours = map[checklist.State]string{checklist.Passed: report.Green, checklist.Failed: report.Red, checklist.NotKnown: report.Yellow}

// summary is the list in a line.
func summary(r Report) string {
	return fmt.Sprintf("%s: %d passed, %d failed, %d not known", r.Name, r.Passed, r.Failed, r.NotKnown)
}

// elsewhere says what else there is to mend.
func elsewhere(r Report) string {
	return fmt.Sprintf("phial check finds %d more that no line here is about.", r.Elsewhere)
}

// evidence is what was seen, and where.
func evidence(r Report, i checklist.Item) string {
	text := i.Text
	if i.Code != "" {
		text = string(i.Code) + " " + text
	}
	if i.At == nil {
		return text
	}
	at := *i.At
	at.File = filepath.ToSlash(filepath.Join(r.Dir, at.File))
	return at.String() + ": " + text
}

// text writes the list for a terminal.
func text(s *term.IO, r Report) {
	p := report.NewPage(s.Out, report.Style{Colour: s.Colour, Width: s.Width})
	const states = len("not known")
	for _, l := range r.Lines {
		p.Line("%s  %s", p.Paint(colours[l.State], report.Pad(string(l.State), states)), p.Paint(report.Bold, l.Title))
		for _, i := range l.Items {
			mark, code := "  ", report.Faint
			switch i.State {
			case checklist.Failed:
				mark, code = p.Paint(report.Red, "- "), ""
			case checklist.NotKnown:
				mark, code = p.Paint(report.Yellow, "? "), ""
			case checklist.Passed:
			}
			p.Paragraph(report.Pad("", states+2)+mark, evidence(r, i), code)
		}
		width := 0
		for _, c := range l.Commands {
			width = max(width, len(c.Command))
		}
		for _, c := range l.Commands {
			p.Paragraph(report.Pad("", states+2)+"> "+report.Pad(c.Command, width)+"  ", c.Why, "")
		}
	}
	p.Line("")
	p.Line("%s", p.Paint(report.Bold, report.Plain(summary(r))))
	if r.Elsewhere > 0 {
		p.Line("%s", elsewhere(r))
	}
}

// markdown writes the list as a page.
func markdown(w io.Writer, r Report) {
	fmt.Fprintf(w, "# Checklist of %s\n\n| | | evidence | what settles it |\n|---|---|---|---|\n", report.Markdown(summary(r)))
	for _, l := range r.Lines {
		items, commands := "", ""
		for i, e := range l.Items {
			if i > 0 {
				items += "<br>"
			}
			items += report.Markdown(evidence(r, e))
		}
		for i, c := range l.Commands {
			if i > 0 {
				commands += "<br>"
			}
			commands += report.MarkdownCode(c.Command) + " " + report.Markdown(c.Why)
		}
		fmt.Fprintf(w, "| **%s** | %s | %s | %s |\n", l.State, report.Markdown(l.Title), items, commands)
	}
	if r.Elsewhere > 0 {
		fmt.Fprintf(w, "\n%s\n", elsewhere(r))
	}
}
