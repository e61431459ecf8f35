// Package explain is `phial explain [CODE]`.
package explain

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/report"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var out term.Output
	cmd := &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Say what the code of a finding means and what to do about it",
		Example: `  phial explain COO-01
  phial explain`,
		Args: term.Args("[CODE]"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			var all []cobra.Completion
			for _, e := range finding.Entries() {
				all = append(all, cobra.CompletionWithDesc(string(e.Code), e.Title))
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			entries := finding.Entries()
			if len(args) == 1 {
				e, ok := finding.Lookup(finding.Code(strings.ToUpper(args[0])))
				if !ok {
					return fmt.Errorf("no finding has the code %q; `phial explain` lists them all", args[0])
				}
				entries = []finding.Entry{e}
			}
			for i, e := range entries {
				entries[i] = e.General()
			}
			style := report.Style{Colour: s.Colour, Width: s.Width}
			switch {
			case out.JSON():
				return s.WriteJSON(entries)
			case len(args) == 1:
				report.Entry(s.Out, entries[0], style)
			default:
				rows := [][]string{{"CODE", "SEVERITY", "WHAT"}}
				for _, e := range entries {
					rows = append(rows, []string{string(e.Code), e.Severity.String(), e.Title})
				}
				report.Table(s.Out, rows, style)
			}
			return nil
		},
	}
	out.Flag(cmd)
	return cmd
}
