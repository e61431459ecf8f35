// Package mesh is `phial mesh`.
package mesh

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/target"
	"github.com/phialdev/phial/internal/cli/term"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var (
		to  target.Flags
		out term.Output
		o   options
	)
	cmd := &cobra.Command{
		Use:   "mesh",
		Short: "Show who sees whom, the islands, and the cause of every missing link",
		Long: `Mesh asks every node whom it is connected to, and shows the nodes, a matrix of
who sees whom, the islands, and what is wrong: each finding with its code, cause,
fix and what was seen. It looks at the local app that is up, or with --node at any
BEAM nodes: those given and all that they know.

Phial connects as a hidden node, which changes nothing in the mesh.

Exit status: 0 one full mesh, 1 findings, 2 could not look.`,
		Example: `  phial mesh
  phial mesh --watch
  phial mesh -o json
  phial mesh --node shop@10.0.0.7 --cookie-file /run/secrets/cookie
  phial mesh --node rabbit@broker-0 --cookie-file /var/lib/rabbitmq/.erlang.cookie`,
		Args: term.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			o.json = out.JSON()
			return run(cmd.Context(), s, &to, o)
		},
	}
	to.Add(cmd)
	out.Flag(cmd)
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "look again and again, until Ctrl-C")
	cmd.Flags().DurationVar(&o.every, "interval", 2*time.Second, "how often --watch looks")
	return cmd
}
