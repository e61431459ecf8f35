// Package status is `phial status`.
package status

import (
	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var (
		app instance.Flag
		out term.Output
	)
	cmd := &cobra.Command{
		Use:     "status",
		Aliases: []string{"ps"},
		Short:   "Show the running apps and their replicas",
		Example: `  phial status
  phial status --name tally -o json`,
		Args: term.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			return show(cmd.Context(), s, app, out.JSON())
		},
	}
	app.Add(cmd)
	out.Flag(cmd)
	return cmd
}
