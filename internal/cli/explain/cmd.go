// Package explain is `phial explain [CODE]`.
package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/report"
	"github.com/phialdev/phial/internal/spell"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var out term.Output
	cmd := &cobra.Command{
		Use:   "explain [CODE | FAMILY]",
		Short: "Say what the code of a finding means and what to do about it",
		Example: `  phial explain COO-01
  phial explain NAM
  phial explain`,
		Args: term.Args("[CODE | FAMILY]"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var all []cobra.Completion
			for _, e := range entries() {
				all = append(all, cobra.CompletionWithDesc(string(e.Code), e.Title))
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			style := report.Style{Colour: s.Colour, Width: s.Width}
			all := entries()
			if len(args) == 1 {
				code := strings.ToUpper(args[0])
				if all = family(all, code); len(all) == 0 {
					return one(s, out, code, style)
				}
			}
			if out.JSON() {
				return s.WriteJSON(all)
			}
			rows := [][]string{{"CODE", "SEVERITY", "WHAT"}}
			for _, e := range all {
				rows = append(rows, []string{string(e.Code), report.SeverityWord(e.Severity), e.Title})
			}
			report.Table(s.Out, rows, style)
			return nil
		},
	}
	out.Flag(cmd)
	return cmd
}

// entry is what one code means: to a running mesh or an image, to `phial check`, or to both.
type entry struct {
	Code     finding.Code     `json:"code"`
	Title    string           `json:"title"`
	Severity finding.Severity `json:"severity"`
	Cause    string           `json:"cause,omitempty"`
	Fix      string           `json:"fix,omitempty"`
	Rule     *rule            `json:"rule,omitempty"`
}

// rule is what `phial check` looks for under the code.
type rule struct {
	Title      string           `json:"title"`
	Severity   finding.Severity `json:"severity"`
	Confidence check.Confidence `json:"confidence"`
	Looks      string           `json:"looks"`
	Why        string           `json:"why"`
	Fix        string           `json:"fix"`
	Mends      bool             `json:"mends,omitempty"` // by phial check --fix, where that is safe
	Needs      []string         `json:"needs"`
	Hides      []finding.Code   `json:"hides,omitempty"`
	Covers     []finding.Code   `json:"covers,omitempty"` // codes that stand for what it finds as well
}

// entries are all codes, each once, the catalogue's families in its order.
func entries() []entry {
	var all []entry
	for _, e := range finding.Entries() {
		e = e.General()
		all = append(all, entry{e.Code, e.Title, e.Severity, e.Cause, e.Fix, nil})
	}
	for _, r := range check.Rules() {
		own := &rule{r.Title, r.Severity, r.Confidence, r.Looks, r.Why, r.Fix, r.Mends, r.Needs.Names(), r.Hides, r.Covers}
		if i := slices.IndexFunc(all, func(e entry) bool { return e.Code == r.Code }); i >= 0 {
			all[i].Rule = own
			continue
		}
		all = append(all, entry{Code: r.Code, Title: r.Title, Severity: r.Severity, Rule: own})
	}
	order := map[string]int{}
	for i, e := range all {
		if f := e.Code.Family(); order[f] == 0 {
			order[f] = i + 1
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(order[a.Code.Family()], order[b.Code.Family()]), strings.Compare(string(a.Code), string(b.Code)))
	})
	return all
}

// family leaves those of one family: NAM.
func family(all []entry, name string) []entry {
	return slices.DeleteFunc(all, func(e entry) bool { return e.Code.Family() != name })
}

func one(s *term.IO, out term.Output, code string, style report.Style) error {
	all := entries()
	asked := code
	if r, ok := check.Lookup(code); ok {
		code = string(r.Code)
	}
	i := slices.IndexFunc(all, func(e entry) bool { return string(e.Code) == code })
	if i < 0 {
		var codes []string
		for _, e := range all {
			codes = append(codes, string(e.Code))
		}
		return fmt.Errorf("no finding has the code %q%s; `phial explain` lists them all", code, spell.Hint(code, codes))
	}
	if out.JSON() {
		return s.WriteJSON(all[i : i+1])
	}
	if asked != code {
		fmt.Fprintf(s.Out, "What %s stands for is found as %s.\n\n", asked, code)
	}
	if e, ok := finding.Lookup(all[i].Code); ok {
		report.Entry(s.Out, e.General(), style)
	}
	if r, ok := check.Lookup(code); ok {
		if all[i].Cause != "" {
			fmt.Fprintln(s.Out)
		}
		report.Rule(s.Out, r, style)
	} else {
		fmt.Fprintln(s.Out, "  in phial check: nothing, for no file shows it; "+elsewhere(all[i].Code))
	}
	return nil
}

// elsewhere is what shows a finding that no file does.
func elsewhere(code finding.Code) string {
	if code.Family() == "IMG" {
		return "phial build looks for it in the image"
	}
	return "phial mesh and phial why see it while the nodes run"
}
