// Package restart is `phial restart [POD]`.
package restart

import (
	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var app instance.Flag
	cmd := &cobra.Command{
		Use:   "restart [POD]",
		Short: "Restart one replica, or each in turn as a rolling update does",
		Long: `Restart drains a replica (the ingress stops sending to it, requests under way
finish), ends it with SIGTERM, starts it again and waits until it is ready.
Without POD it does so with one replica after the other.`,
		Example: `  phial restart
  phial restart tally-1`,
		Args:              term.Args("[POD]"),
		ValidArgsFunction: app.CompletePods(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, pod, err := app.ForArgs(args)
			if err != nil {
				return err
			}
			return instance.Carry(cmd.Context(), s, c, func() error { return c.Restart(cmd.Context(), pod) })
		},
	}
	app.Add(cmd)
	return cmd
}
