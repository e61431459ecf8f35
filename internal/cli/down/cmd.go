// Package down is `phial down`.
package down

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var app instance.Flag
	var all bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop a running app: drain, SIGTERM; nothing goes on running",
		Long: `Down takes the replicas out of the ingress, lets requests under way finish, ends
them with SIGTERM (SIGKILL after the grace period) and then the engine. Nothing
goes on running. Logs and crash dumps stay in ~/.local/state/phial/NAME
($XDG_STATE_HOME/phial/NAME), readable by you alone.`,
		Example: `  phial down
  phial down --name tally
  phial down --all`,
		Args: term.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !all {
				c, err := app.Find()
				if err != nil {
					return err
				}
				return stop(cmd.Context(), s, c)
			}
			clients, err := local.List()
			if err != nil {
				return err
			}
			for _, c := range clients {
				if err := stop(cmd.Context(), s, c); err != nil {
					return err
				}
			}
			if len(clients) == 0 {
				s.Notef("no app is up")
			}
			return nil
		},
	}
	app.Add(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "every app of this user")
	cmd.MarkFlagsMutuallyExclusive("all", "name")
	return cmd
}

func stop(ctx context.Context, s *term.IO, c *local.Client) error {
	if err := instance.While(ctx, s, c, func() error { return c.Down(ctx) }); err != nil {
		return err
	}
	s.Notef("%s is down", c.Name())
	return nil
}
