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
		return fmt.Sprintf("Run %s %s, with identity %s and discovery %s.", name, r.Recommended.Title(), r.Fit.Identity, r.Fit.Discovery)
	}
	return fmt.Sprintf("Run %s %s.", name, r.Recommended.Title())
}

// text writes the advice for a terminal.
func text(s *term.IO, r Report) {
	p := report.NewPage(s.Out, report.Style{Colour: s.Colour, Width: s.Width})
	p.Line("%s Confidence: %s.", p.Paint(report.Bold, report.Plain(headline(r))), r.Confidence)
	p.Paragraph("  ", r.Reason, "")
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
			p.Line("%s", p.Paint(report.Bold, "Each of these alone would change it:"))
			for _, c := range r.Changes {
				p.Paragraph("  ", change(c), "")
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
		p.Line("%s", p.Paint(report.Faint, fmt.Sprintf("  --  %s: %s", title, v.Missing)))
		return
	case v.Decided:
		p.Line("%3d  %s", v.Score, p.Paint(report.Bold, title+" (decided)"))
	default:
		p.Line("%3d  %s", v.Score, p.Paint(report.Bold, title))
	}
	if len(v.For)+len(v.Against) == 0 {
		p.Line("     nothing seen speaks for or against it")
	}
	side := func(sign, colour string, all []advise.Evidence) {
		for _, e := range all {
			p.Paragraph("     "+p.Paint(colour, sign+" "+report.Pad(e.Weight.String(), 7))+" ", e.Reason, "")
			p.Paragraph(strings.Repeat(" ", 15), evidence(r, e), report.Faint)
		}
	}
	side("+", report.Green, v.For)
	side("-", report.Red, v.Against)
}

// evidence is what was seen, and where.
func evidence(r Report, e advise.Evidence) string {
	if len(e.At) == 0 {
		return e.What
	}
	var at []string
	for _, p := range e.At {
		at = append(at, place(r.Dir, p))
	}
	return e.What + ": " + strings.Join(at, ", ")
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
		p.Line("  %s  %s  %s", report.Pad(flagOf(q), flags), report.Pad(answer, answers), q.Text)
	}
}

const unanswered = "not known"

func flagOf(q advise.Question) string {
	if q.Number {
		return "--" + q.Name + " N"
	}
	return "--" + q.Name + " " + strings.Join(q.Values(), "|")
}

func change(c advise.Change) string {
	text := c.If
	if c.Flag != "" {
		text = c.Flag + " (" + c.If + ")"
	}
	return text + ": run it " + c.To.Title()
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
