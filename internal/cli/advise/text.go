package advise

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/report"
)

// headline is the advice in a sentence.
func headline(r Report) string {
	name := cmp.Or(r.Name, "the app")
	switch r.Recommended {
	case "":
		return cmp.Or(r.Name, r.Dir) + ": nothing to run."
	case advise.Clustered:
		return fmt.Sprintf("Run %s %s, with identity %s and discovery %s.", name, title(r, r.Recommended), r.Fit.Identity, r.Fit.Discovery)
	}
	return fmt.Sprintf("Run %s %s.", name, title(r, r.Recommended))
}

// title is what a way is called for this app.
func title(r Report, w advise.Way) string {
	for _, v := range r.Ways {
		if v.Way == w {
			return v.Title
		}
	}
	return string(w)
}

// decided says that points decide nothing here. They are not shown then: they would only say otherwise.
func decided(r Report) bool { return r.Recommended != "" && r.Ways[0].Decided }

const whyDecided = "These facts decide together, whatever speaks for another way; so no way has points here."

// text writes the advice for a terminal.
func text(s *term.IO, r Report) {
	p := report.NewPage(s.Out, report.Style{Colour: s.Colour, Width: s.Width})
	p.Paragraph("", headline(r), report.Bold)
	p.Paragraph("  ", fmt.Sprintf("Confidence: %s. %s", r.Confidence, r.Reason), "")
	if decided(r) {
		p.Paragraph("  ", whyDecided, "")
	}
	if r.Doubt != "" {
		p.Paragraph("  ", r.Doubt, report.Yellow)
	}
	if r.Recommended == advise.Clustered {
		p.Paragraph("  ", fmt.Sprintf("Identity %s: %s. Discovery %s: %s.", r.Fit.Identity, r.Fit.IdentityWhy, r.Fit.Discovery, r.Fit.DiscoveryWhy), report.Faint)
	}
	if r.Recommended != "" {
		for _, v := range r.Ways {
			verdict(p, r, v)
		}
		questions(p, r)
		if len(r.Changes) > 0 {
			p.Line("")
			p.Line("%s", p.Paint(report.Bold, "Each of these would change it:"))
			for _, c := range r.Changes {
				p.Paragraph("  ", change(r, c), "")
			}
		}
	}
	if len(r.Notes) > 0 {
		p.Line("")
		p.Line("%s", p.Paint(report.Bold, "Could not be read:"))
		for _, n := range r.Notes {
			p.Paragraph("  ", place(r.Dir, n.At)+": "+n.Text, "")
		}
	}
	if len(r.Next) > 0 {
		next(p, r.Next)
	}
	for _, sec := range r.Setup {
		title := sec.Title
		if sec.File != "" {
			title += ": " + sec.File
		}
		p.Line("")
		p.Line("%s", p.Paint(report.Bold, title))
		p.Paragraph("  ", sec.Why, report.Faint)
		for l := range strings.Lines(sec.Text) {
			p.Line("    %s", strings.TrimRight(l, "\n"))
		}
	}
}

func verdict(p report.Page, r Report, v advise.Verdict) {
	p.Line("")
	title := strings.ToUpper(v.Title[:1]) + v.Title[1:]
	switch {
	case v.Missing != "":
		p.Paragraph("  --  ", title+": "+v.Missing, report.Faint)
		return
	case v.Decided:
		p.Paragraph("   *  ", title+" (decided)", report.Bold)
	case decided(r):
		p.Paragraph("      ", title, report.Bold)
	default:
		p.Paragraph(fmt.Sprintf("%4d  ", v.Score), title, report.Bold)
	}
	if len(v.For)+len(v.Against) == 0 {
		p.Paragraph("      ", "nothing seen speaks for or against it", "")
	}
	side := func(sign, colour string, all []advise.Evidence) {
		for _, e := range all {
			p.Paragraph("      "+p.Paint(colour, sign+" "+report.Pad(e.Weight.String(), 7))+" ", e.Reason, "")
			for _, s := range e.Seen {
				p.Paragraph(strings.Repeat(" ", 16), sight(r, s), report.Faint)
			}
		}
	}
	side("+", report.Green, v.For)
	side("-", report.Red, v.Against)
}

// sight is what was seen, and where.
func sight(r Report, s advise.Sight) string {
	if len(s.At) == 0 {
		return s.What
	}
	var at []string
	for _, p := range s.At {
		at = append(at, place(r.Dir, p))
	}
	return s.What + ": " + strings.Join(at, ", ")
}

func questions(p report.Page, r Report) {
	p.Line("")
	p.Line("%s", p.Paint(report.Bold, "What only you know:"))
	flags, answers := 0, len(unanswered)
	for _, q := range r.Questions {
		flags = max(flags, len(flagOf(q)))
		answers = max(answers, len(q.Answer))
	}
	for _, q := range r.Questions {
		answer := p.Paint(report.Yellow, unanswered)
		if q.Answer != "" {
			answer = q.Answer
		}
		p.Paragraph("  "+report.Pad(flagOf(q), flags)+"  "+report.Pad(answer, answers)+"  ", q.Text, "")
	}
}

const unanswered = "not known"

func flagOf(q advise.Question) string {
	if q.Number {
		return "--" + q.Name + " N"
	}
	return "--" + q.Name + " " + strings.Join(q.Values(), "|")
}

func change(r Report, c advise.Change) string {
	text := c.If
	if c.Flag != "" {
		text = c.Flag + " (" + c.If + ")"
	}
	return text + ": run it " + title(r, c.To)
}

// next writes steps, commands in a column.
func next(p report.Page, steps []advise.Step) {
	p.Line("")
	p.Line("%s", p.Paint(report.Bold, "Next:"))
	width := 0
	for _, st := range steps {
		width = max(width, len(st.Command))
	}
	for _, st := range steps {
		if st.Command == "" {
			p.Paragraph("  ", st.Text, "")
			continue
		}
		p.Paragraph("  "+report.Pad(st.Command, width)+"  ", st.Text, "")
	}
}
