// Package mesh is `phial mesh`.
package mesh

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/agent/foreign"
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
fix and what was seen. It looks at

  the local app that is up, where nothing else is said;
  an app that Phial deployed on Kubernetes, with -n, --context, --kubeconfig or --app:
    each replica's agent says whether its gate is open and why not, and one of them
    looks at all nodes. Pods that leave or start are shown as such and do not count;
    one that does not start is a finding, with the kubelet's reason (HLT-14). It takes
    "list" on pods and "create" on pods/exec, and "list" on events to say which Secret
    a pod waits for;
  BEAM pods on Kubernetes that Phial did not deploy, with --selector: a pod is made
    beside them that looks at them once, and is removed again. It takes "create",
    "get" and "delete" on pods and "get" on pods/log. Where NetworkPolicies keep that
    pod out, a finding says so (NET-28) and, with "list" on networkpolicies, which.
    It has the label phial.dev/probe=true; a rule that lets it in lets in whoever sets
    that label, so it is for the time of a look. Pods that have agents are asked by
    those, which are let in;
  any BEAM nodes, with --node: those given and all that they know.

Phial connects as a hidden node, which changes nothing in the mesh.

Exit status: 0 one full mesh of the replicas that are neither starting nor leaving, and
their gates open; 1 not so; 2 could not look.`,
		Example: `  phial mesh
  phial mesh --watch
  phial mesh -o json
  phial mesh -n shop
  phial mesh -n shop --app checkout --context prod
  phial mesh -n legacy --selector app=cart --cookie-secret cart/cookie --agent-image registry.example.com/phial-agent:1.0
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
	fl := cmd.Flags()
	fl.StringVarP(&o.foreign.Selector, "selector", "l", "", "look at the pods on Kubernetes with these labels, which Phial did not deploy")
	fl.StringVar(&o.foreign.Cookie, "cookie-secret", "", "NAME/KEY: the Secret of their cookie, and the key in it; it goes into the pod that looks, and nowhere else")
	fl.StringVar(&o.foreign.Image, "agent-image", "", "the image of Phial's agent, for the pod that looks")
	fl.StringVar(&o.foreign.Base, "base", "", "the part of their names before the @, where they cannot be asked or a pod has several nodes")
	fl.StringVar(&o.foreign.Template, "node-template", "", "their names, of {base}, {ip} and {pod}, where they cannot be asked (default "+foreign.DefaultTemplate+")")
	for _, other := range []string{"name", "node"} {
		cmd.MarkFlagsMutuallyExclusive("selector", other)
	}
	fl.DurationVar(&o.every, "interval", 2*time.Second, "how often --watch looks")
	return cmd
}
