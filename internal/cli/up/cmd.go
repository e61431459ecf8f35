// Package up is `phial up [DIR]`.
package up

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/fault"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var o Flags
	var detach bool
	var notifyFD int
	cmd := &cobra.Command{
		Use:   "up [DIR]",
		Short: "Run a release as several replicas on this machine, as Kubernetes would",
		Long: `Up builds the release in DIR if that is needed (DIR is a mix project, or a
release's own directory; the current one if left out) and runs it as replicas
NAME-0 … NAME-(N-1), each with a loopback address, DNS names, EPMD, readiness
and an environment as in a pod.

Where DIR holds a phial.yaml, it runs that BeamApp, from the same plan that phial
render makes Kubernetes objects of: names, environment, probes, shutdown, pipelines
and the migration. Flags that are given win over the file. What only a cluster
has, such as limits and policies, is named once and left out. Values of Secrets and
ConfigMaps of the cluster come from your own environment, by the variable's name,
from --env-file or from --env.

It joins the nodes into one mesh, whether or not the app brings a clustering
library, and sends HTTP at the ingress only to replicas that are ready. Ctrl-C stops
everything; a second one does not wait.

Each replica gets in its environment, as in a pod: POD_NAME, POD_IP, POD_NAMESPACE,
HOSTNAME, PORT (where the app has to listen for HTTP: another for each replica),
PHX_SERVER, RELEASE_NODE, RELEASE_DISTRIBUTION=name and RELEASE_COOKIE. An app that
opens no HTTP port runs with --no-http. Other variables of yours reach it, too
(DATABASE_URL, SECRET_KEY_BASE).

--break POD=FAULT starts a replica broken; phial mend puts it right. Faults:
` + fault.Help(),
		Example: `  phial up
  phial up examples/tally --replicas 5 --identity stable
  phial up shop --env-file shop/.env
  phial up --detach && phial mesh && phial down`,
		Args: term.Args("[DIR]"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := o.Options(args)
			if err != nil {
				return err
			}
			switch {
			case detach:
				return detached(cmd.Context(), s, cmd.Flags(), opts)
			case notifyFD > 0:
				return background(cmd.Context(), opts, notifyFD)
			}
			return foreground(cmd.Context(), s, opts)
		},
	}
	o.Add(cmd)
	cmd.Flags().BoolVarP(&detach, "detach", "d", false, "go on in the background; return when the replicas are ready")
	cmd.Flags().IntVar(&notifyFD, notifyFlag, 0, "")
	_ = cmd.Flags().MarkHidden(notifyFlag)
	return cmd
}

// Flags are what up and try have in common.
type Flags struct {
	opts     local.Options
	cmd      *cobra.Command
	file     string
	env      []string
	envFile  string
	identity string
	breaks   []string
}

// Add adds them to a command.
func (f *Flags) Add(cmd *cobra.Command) {
	fl := cmd.Flags()
	f.cmd = cmd
	o := &f.opts
	fl.StringVarP(&f.file, "file", "f", "", "file with the BeamApp to run (default DIR/phial.yaml, if there is one)")
	fl.StringArrayVar(&f.env, "env", nil, "NAME=VALUE: a variable for the app, over what the file says; may be repeated")
	fl.StringVar(&f.envFile, "env-file", "", "file of NAME=VALUE lines, as --env")
	fl.IntVarP(&o.Replicas, "replicas", "r", 0, "how many replicas, 1 to 50 (default what the file says, or 3)")
	fl.StringVar(&f.identity, "identity", "", "what a node is named after: address (base@IP, as in a Deployment) or stable (base@pod.service.namespace.svc.cluster.local, as in a StatefulSet) (default what the file says, or address)")
	fl.StringVar(&o.Name, "name", "", "the app's name: replicas are NAME-0 …; where the file has several, which one (default the file's, or the release's name)")
	fl.StringVar(&o.Release, "release", "", "which release, where the project has several")
	fl.StringVar(&o.Namespace, "namespace", "", "the Kubernetes namespace to pretend (default the file's, or default)")
	fl.IntVarP(&o.HTTPPort, "port", "p", 0, "where the ingress listens on 127.0.0.1 (default 4000, or the next free port)")
	fl.BoolVar(&o.NoHTTP, "no-http", false, "the app opens no HTTP port: no ingress, and readiness does not ask for one")
	fl.DurationVar(&o.Grace, "grace", 0, "from the beginning of a replica's end to SIGKILL (default what the file says, or 30s)")
	fl.StringVar(&o.CookieFile, "cookie-file", "", "file with the cookie to use (default a random one)")
	fl.StringArrayVar(&f.breaks, "break", nil, "POD=FAULT: start that replica broken; may be repeated")
	_ = cmd.RegisterFlagCompletionFunc("identity", cobra.FixedCompletions([]cobra.Completion{"address", "stable"}, cobra.ShellCompDirectiveNoFileComp))
	for _, name := range []string{"cookie-file", "env-file", "file"} {
		_ = cmd.MarkFlagFilename(name)
	}
}

// Options gives what the flags ask for.
func (f *Flags) Options(args []string) (local.Options, error) {
	o := f.opts
	if len(args) == 1 {
		o.Dir = args[0]
	}
	if o.Replicas == 0 && f.cmd.Flags().Changed("replicas") {
		return o, errors.New("0 replicas: the local engine runs 1 to " + strconv.Itoa(local.MaxReplicas)) // to Options 0 is the default
	}
	o.Identity = local.Identity(f.identity)
	var err error
	if o.Values, err = f.values(); err != nil {
		return o, err
	}
	if err := f.readApp(&o); err != nil {
		return o, err
	}
	for _, b := range f.breaks {
		pod, what, err := local.ParseBreak(b)
		if err != nil {
			return o, err
		}
		if o.Break == nil {
			o.Break = map[string]local.Fault{}
		}
		o.Break[pod] = what
	}
	return o, nil
}
