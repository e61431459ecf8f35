package advise

import (
	"fmt"
	"io"
	"strings"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/report"
)

// markdown writes the advice as a page.
func markdown(w io.Writer, r Report) {
	fmt.Fprintf(w, "# %s\n\nConfidence: %s. %s\n", report.Markdown(strings.TrimSuffix(headline(r), ".")), r.Confidence, report.Markdown(r.Reason))
	if decided(r) {
		fmt.Fprintf(w, "\n%s\n", report.Markdown(whyDecided))
	}
	if r.Doubt != "" {
		fmt.Fprintf(w, "\n%s\n", report.Markdown(r.Doubt))
	}
	if r.Recommended == advise.Clustered {
		fmt.Fprintf(w, "\n- Identity %s: %s\n- Discovery %s: %s\n", r.Fit.Identity, report.Markdown(r.Fit.IdentityWhy), r.Fit.Discovery, report.Markdown(r.Fit.DiscoveryWhy))
	}
	if r.Recommended != "" {
		fmt.Fprint(w, "\n## For and against\n\n| way | | weight | why | seen |\n|---|---|---|---|---|\n")
		for _, v := range r.Ways {
			rows(w, r, v)
		}
		fmt.Fprint(w, "\n## What only the team knows\n\n| question | answer | flag |\n|---|---|---|\n")
		for _, q := range r.Questions {
			answer := unanswered
			if q.Answer != "" {
				answer = "**" + q.Answer + "**"
			}
			fmt.Fprintf(w, "| %s | %s | %s |\n", report.Markdown(q.Text), answer, report.MarkdownCode(flagOf(q)))
		}
		if len(r.Changes) > 0 {
			fmt.Fprint(w, "\n## What would change it\n\n")
			for _, c := range r.Changes {
				fmt.Fprintf(w, "- %s\n", report.Markdown(change(r, c)))
			}
		}
	}
	if len(r.Notes) > 0 {
		fmt.Fprint(w, "\n## What could not be read\n\n")
		for _, n := range r.Notes {
			fmt.Fprintf(w, "- %s: %s\n", report.MarkdownCode(place(r.Dir, n.At)), report.Markdown(n.Text))
		}
	}
	if len(r.Next) > 0 {
		fmt.Fprint(w, "\n## Next\n\n")
		for _, st := range r.Next {
			if st.Command == "" {
				fmt.Fprintf(w, "- %s\n", report.Markdown(st.Text))
				continue
			}
			fmt.Fprintf(w, "- %s: %s\n", report.MarkdownCode(st.Command), report.Markdown(st.Text))
		}
	}
	for _, sec := range r.Setup {
		fmt.Fprintf(w, "\n## %s\n\n%s\n", report.Markdown(sec.Title), report.Markdown(sec.Why))
		if sec.File != "" {
			fmt.Fprintf(w, "\n%s:\n", report.MarkdownCode(sec.File))
		}
		fmt.Fprint(w, "\n")
		for l := range strings.Lines(sec.Text) {
			fmt.Fprintf(w, "    %s", l)
		}
	}
}

func rows(w io.Writer, r Report, v advise.Verdict) {
	name := fmt.Sprintf("**%s** (%d)", v.Way, v.Score)
	if decided(r) {
		name = fmt.Sprintf("**%s**", v.Way)
	}
	if v.Missing != "" {
		fmt.Fprintf(w, "| %s | | | %s | |\n", v.Way, report.Markdown(v.Missing))
		return
	}
	if len(v.For)+len(v.Against) == 0 {
		fmt.Fprintf(w, "| %s | | | nothing seen speaks for or against it | |\n", name)
	}
	for _, side := range []struct {
		word string
		all  []advise.Evidence
	}{{"for", v.For}, {"against", v.Against}} {
		for _, e := range side.all {
			var seen []string
			for _, s := range e.Seen {
				seen = append(seen, sight(r, s))
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", name, side.word, e.Weight, report.Markdown(e.Reason), report.Markdown(strings.Join(seen, "; ")))
			name = ""
		}
	}
}
