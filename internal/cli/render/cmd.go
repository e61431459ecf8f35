// Package render is `phial render [DIR]`.
package render

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/manifest"
)

// envAgentImage names the agent's image where the flag does not.
const envAgentImage = "PHIAL_AGENT_IMAGE"

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var (
		o   options
		set []string
	)
	cmd := &cobra.Command{
		Use:   "render [DIR]",
		Short: "Write every Kubernetes object that a BeamApp stands for",
		Long: `Render reads the BeamApps of phial.yaml (in DIR, or the current directory) and writes
every object that they stand for as YAML, in the order to apply them: for a cluster
without Phial's operator, for GitOps, or to see what the operator would make. The same
input gives the same bytes.

A BeamApp is held against the same schema and rules as on an API server; what is wrong
is said with file, line and column, all at once, and nothing is written.

Apply them by server-side apply, as a stream or as files: it keeps to the fields that are
rendered, and leaves those to others that others own, such as an autoscaler's replicas.

What the objects can't bring along is said on standard error, a line each: the Secret with
the cookie, which you make once and which is never made up here (--cookie-command writes
the command for it, and nothing else), and what else only an operator would see to.
kubectl apply alone does not hold a rollout for the migration.

--output-dir writes a file for each object and a kustomization.yaml. Files that an
earlier render wrote there and that are no longer wanted go; others are never touched.

--set PATH=VALUE lays a value over every BeamApp that is read. Paths are below spec,
unless they begin with spec. or metadata.; the schema says which type the value has;
entries of a list go by index or, where they have names, by name: env[POOL_SIZE].value=20.
Fields with parts take YAML: http={port: 8080}.

--diff compares with what is in a file or directory, object by object, whatever the
order, the comments and the formatting there. No cluster is asked: the namespace is that
of -n or the BeamApp's own, and the last line says which.

Exit status: 0 done, and with --diff no difference; 1 differences; 2 could not.`,
		Example: `  phial render | kubectl apply --server-side -f -
  phial render examples/tally --set replicas=5 --set image=registry.example.com/tally:1.2.0
  phial render --cookie-command | sh
  phial render -f phial.yaml --output-dir deploy && kubectl apply --server-side -k deploy
  phial render --diff deploy
  phial render -f - -o json < phial.yaml`,
		Args: term.Args("[DIR]"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if err := o.complete(args, set); err != nil {
				return err
			}
			return render(s, o)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&o.file, "file", "f", "", "a file, a directory of manifests, or - for standard input (default DIR/"+defaultFile+")")
	fl.StringArrayVar(&set, "set", nil, "lay a value over the BeamApp: PATH=VALUE, such as replicas=5; can be repeated")
	fl.StringVar(&o.name, "name", "", "only the BeamApp of this name, where there are several")
	fl.StringVarP(&o.namespace, "namespace", "n", "", "the namespace of every object (default the BeamApp's own; if that has none, the objects have none)")
	fl.StringVar(&o.outputDir, "output-dir", "", "write a file for each object, and a kustomization.yaml, into this directory")
	fl.StringVar(&o.diff, "diff", "", "compare with what is in this file or directory, and write what differs")
	fl.BoolVar(&o.cookieCommand, "cookie-command", false, "write no objects but the shell's command that makes the Secret with the cookie")
	fl.StringVarP(&o.format, "output", "o", "yaml", "output format: yaml or json")
	fl.StringVar(&o.agentImage, "agent-image", os.Getenv(envAgentImage), "the image of Phial's agent, which make images makes; without one the pods have no agent (default $"+envAgentImage+")")
	// Each was just made, so this can't fail.
	_ = cmd.MarkFlagFilename("file", "yaml", "yml", "json")
	_ = cmd.MarkFlagDirname("output-dir")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]cobra.Completion{"yaml", "json"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("set", completeSet)
	_ = cmd.RegisterFlagCompletionFunc("name", func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return o.names(args), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// completeSet offers the fields of the level that is being typed.
func completeSet(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before, _, valued := strings.Cut(typed, "=")
	if valued {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	above := ""
	if i := strings.LastIndexByte(before, '.'); i >= 0 {
		above = before[:i]
	}
	fields, err := manifest.Fields(strings.TrimPrefix(strings.TrimPrefix(above, "spec"), "."))
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var all []cobra.Completion
	for _, f := range fields {
		if above != "" {
			f = above + "." + f
		}
		all = append(all, f)
	}
	return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// names are those of the BeamApps that would be read.
func (o options) names(args []string) []cobra.Completion {
	if o.file == manifest.Stdin || o.complete(args, nil) != nil {
		return nil
	}
	sources, err := manifest.Open(o.file, nil)
	if err != nil {
		return nil
	}
	result, _ := manifest.Read(sources, manifest.Options{}) // whatever is wrong, the names that are right help
	var all []cobra.Completion
	for _, a := range result.Apps {
		all = append(all, a.Name)
	}
	return all
}

// complete works out what the flags leave open, and refuses what contradicts itself.
func (o *options) complete(args, set []string) error {
	if o.format == "" {
		o.format = formatYAML
	}
	switch {
	case o.format != formatYAML && o.format != formatJSON:
		return fmt.Errorf("unknown output format %q: use -o yaml or -o json", o.format)
	case len(args) == 1 && o.file != "":
		return fmt.Errorf("both %s and -f %s were given: use one of them", args[0], o.file)
	case o.cookieCommand && (o.outputDir != "" || o.diff != "" || o.format != formatYAML):
		return errors.New("--cookie-command writes a command and no objects: leave out --output-dir, --diff and -o")
	case o.outputDir != "" && o.diff != "":
		return errors.New("--output-dir writes and --diff only compares: use one of them")
	case o.outputDir != "" && o.format != formatYAML:
		return fmt.Errorf("--output-dir writes YAML: leave out -o %s", o.format)
	case o.diff == manifest.Stdin && o.file == manifest.Stdin:
		return errors.New("-f and --diff can't both read standard input")
	}
	if o.file == "" {
		o.file = inDir(".")
		if len(args) == 1 {
			o.file = inDir(args[0])
		}
	}
	for _, argument := range set {
		setting, err := manifest.ParseSetting("--set", argument)
		if err != nil {
			return err
		}
		o.set = append(o.set, setting)
	}
	return nil
}
