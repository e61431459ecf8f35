// Package why is `phial why A B`.
package why

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/target"
	"github.com/phialdev/phial/internal/cli/term"
)

// two demands both ends.
func two(cmd *cobra.Command, args []string) error {
	got := "none"
	switch {
	case len(args) >= 2:
		return term.Args("A", "B")(cmd, args)
	case len(args) == 1:
		got = fmt.Sprintf("only %q", args[0])
	}
	return fmt.Errorf("%s takes two replicas or nodes, A and B, and got %s; see `%[1]s --help`", cmd.CommandPath(), got)
}

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var (
		to  target.Flags
		out term.Output
	)
	cmd := &cobra.Command{
		Use:   "why A B",
		Short: "Walk one link step by step: name, DNS, EPMD, port, handshake, cookie, flags",
		Long: `Why walks the link between two nodes, from A to B and back, each from the other's
own network where that node can be asked: what the name says, whether DNS knows it,
EPMD and the distribution port answer, the handshake and the cookie pass, and which
flags are set. A and B are replicas of a local app, or full node names; a node name
that belongs to no local app is looked for as with --node. With -n, --context,
--kubeconfig or --app they are pods of an app on Kubernetes, or their nodes: the
agent in each walks to the other. It takes "list" on pods and "create" on pods/exec.
What is found is what concerns the two; phial mesh has the rest.

Exit status: 0 the link is up and nothing is wrong at either end, 1 not so, 2 could
not look.`,
		Example: `  phial why tally-0 tally-2
  phial why checkout-5d8f9-x2k4p checkout-5d8f9-zz7qd -n shop
  phial why shop@10.0.0.7 shop@10.0.0.8 --cookie-file /run/secrets/cookie`,
		Args:              two,
		ValidArgsFunction: to.CompletePods(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			return walk(cmd.Context(), s, &to, args[0], args[1], out.JSON())
		},
	}
	to.Add(cmd)
	out.Flag(cmd)
	return cmd
}
