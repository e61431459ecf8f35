// Package remote is `phial remote POD`.
package remote

import (
	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var app instance.Flag
	cmd := &cobra.Command{
		Use:   "remote POD [-- COMMAND [ARG...]]",
		Short: "Open an IEx console on a replica, or run a command of its release",
		Long: `Remote runs the release's own bin/NAME with the replica's environment: without
COMMAND an IEx console on the running node (leave it with Ctrl-\ or Ctrl-C twice;
the replica goes on), with COMMAND any other of its commands.`,
		Example: `  phial remote tally-0
  phial remote tally-0 -- rpc 'IO.inspect(Node.list())'
  phial remote tally-0 -- pid`,
		Args: func(cmd *cobra.Command, args []string) error {
			return term.Args("POD")(cmd, args[:min(len(args), 1)]) // the rest is COMMAND's
		},
		ValidArgsFunction: app.CompletePods(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := app.ForPod(args[0])
			if err != nil {
				return err
			}
			return open(cmd.Context(), s, c, args[0], args[1:])
		},
	}
	app.Add(cmd)
	return cmd
}
