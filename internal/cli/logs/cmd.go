// Package logs is `phial logs [POD...]`.
package logs

import (
	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var (
		app instance.Flag
		o   options
	)
	cmd := &cobra.Command{
		Use:   "logs [POD...]",
		Short: "Show what the replicas wrote",
		Example: `  phial logs
  phial logs tally-0 --tail 100
  phial logs -f
  phial logs --engine`,
		ValidArgsFunction: app.CompletePods(local.MaxReplicas),
		RunE: func(cmd *cobra.Command, args []string) error {
			pod := ""
			if len(args) > 0 {
				pod = args[0]
			}
			c, err := app.ForPod(pod)
			if err != nil {
				return kept(err, app.Name)
			}
			o.pods = args
			return show(cmd.Context(), s, c, o)
		},
	}
	app.Add(cmd)
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on as they write, until Ctrl-C")
	cmd.Flags().IntVar(&o.tail, "tail", 20, "lines of each replica to begin with; -1 for all")
	cmd.Flags().BoolVar(&o.engine, "engine", false, "the engine's own log")
	return cmd
}
