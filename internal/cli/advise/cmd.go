// Package advise is `phial advise [DIR]`.
package advise

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/cli/term"
)

// The output formats.
const (
	formatText     = "text"
	formatJSON     = "json"
	formatMarkdown = "markdown"
)

var formats = []string{formatText, formatJSON, formatMarkdown}

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "advise [DIR]",
		Short: "Say how an app should run: stateless, clustered, as Kafka pipelines, or without Kubernetes",
		Long: `Advise reads the mix project in DIR (the current one if left out) and weighs four ways to
run it: stateless behind an ingress; clustered on Kubernetes; as Kafka pipelines; on plain
machines with the BEAM's own distribution. For each it shows what speaks for and against it,
with the place in the project, and says what would change the advice.

What only the team knows it asks on a terminal; elsewhere, and with --yes, it goes by the
flags. What nobody has answered counts for nothing. It may say to stay on machines, and does
so where a small fixed set of nodes talks all the time and holds state together.

It runs no code of the project, writes nothing and asks nobody but you.

Exit status: 0 advised, 2 could not.`,
		Example: `  phial advise
  phial advise examples/tally --yes
  phial advise --nodes fixed --count 3 --traffic heavy --kubernetes no
  phial advise --yes -o markdown > advice.md`,
		Args: term.Args("[DIR]"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(formats, o.format) {
				return fmt.Errorf("unknown output format %q: use -o text, -o json or -o markdown", o.format)
			}
			o.dir = "."
			if len(args) == 1 {
				o.dir = args[0]
			}
			for _, q := range advise.Questions(advise.Facts{}, advise.Answers{}) {
				if v := *o.given[q.Name]; cmd.Flags().Changed(q.Name) {
					if err := o.answers.Set(q.Name, v); err != nil {
						return fmt.Errorf("--%s %s: %w", q.Name, v, err)
					}
					o.answered = append(o.answered, q.Name)
				}
			}
			return run(cmd.Context(), s, o)
		},
	}
	o.given = map[string]*string{}
	for _, q := range advise.Questions(advise.Facts{}, advise.Answers{}) {
		values := append(q.Values(), advise.DontKnow)
		text := strings.ToLower(q.Text[:1]) + strings.TrimSuffix(q.Text[1:], "?") + ": " + strings.Join(values, ", ")
		if q.Number {
			text = strings.ToLower(q.Text[:1]) + strings.TrimSuffix(q.Text[1:], "?") + ": a number, or " + advise.DontKnow
		}
		o.given[q.Name] = cmd.Flags().String(q.Name, "", text)
		// The flag was just made, so this can't fail.
		_ = cmd.RegisterFlagCompletionFunc(q.Name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "ask nothing")
	cmd.Flags().StringVarP(&o.format, "output", "o", formatText, "output format: text, json or markdown")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

type options struct {
	dir      string
	given    map[string]*string
	answers  advise.Answers
	answered []string // the questions that a flag has answered, if only with unknown
	yes      bool
	format   string
}
