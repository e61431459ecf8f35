// Package initialize is `phial init [DIR]`.
package initialize

import (
	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/scaffold"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var (
		o   options
		out term.Output
	)
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write what a project needs to run on Kubernetes: phial.yaml, image, CI",
		Long: `Init reads the mix project in DIR (the current one if left out) and writes what is
missing of

  phial.yaml                    the app as phial render and phial up take it
  Dockerfile, .dockerignore     an image that holds the OTP release, and nothing else
  rel/env.sh.eex                names the node, and reads the cookie from its file
  rel/vm.args.eex               a VM that fits a container
  .github/workflows/phial.yml   or .gitlab-ci.yml: test, build, push

It shows what it will write and asks first. A file that is there is kept, unless
--force is given. It runs no code of the project: what mix.exs computes it does not
know, and it says, with the place, what it could not tell and what it assumed.

Exit status: 0 written, or nothing to write; 2 nothing written.`,
		Example: `  phial init
  phial init examples/tally --dry-run --diff
  phial init --yes --image registry.example.com/shop --ci gitlab
  phial init --base alpine --force`,
		Args: term.Args("[DIR]"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			o.dir, o.json = ".", out.JSON()
			if len(args) == 1 {
				o.dir = args[0]
			}
			return initialize(cmd.Context(), s, o)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&o.Name, "name", "", "the app's name in Kubernetes (default the release's, with - for _)")
	fl.StringVar(&o.Release, "release", "", "which release, where mix.exs has several")
	fl.StringVar(&o.Image, "image", "", "the image, with its registry; a tag is added from mix.exs's version (default the name that manifests or a pipeline give, or the app's)")
	enum(cmd, &o.Type, "type", scaffold.Types, "whether replicas are one mesh: ", " (default that of phial.yaml, else by the dependencies)")
	enum(cmd, &o.Discovery, "discovery", scaffold.Discoveries, "who finds the peers: ", " (default by the dependencies)")
	enum(cmd, &o.CI, "ci", scaffold.CIs, "which CI to write a workflow for: ", " (default the one that is there)")
	enum(cmd, &o.Base, "base", scaffold.Bases, "what the image stands on: ", " (default debian)")
	fl.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	fl.BoolVar(&o.force, "force", false, "overwrite files that are there")
	fl.BoolVar(&o.dryRun, "dry-run", false, "only show what would be written")
	fl.BoolVar(&o.diff, "diff", false, "show what is in the files, and what would change")
	out.Flag(cmd)
	return cmd
}

// enum adds a flag that takes one of some words.
func enum(cmd *cobra.Command, into *string, name string, of []string, before, after string) {
	text := before
	for i, w := range of {
		switch {
		case i > 0 && i == len(of)-1:
			text += " or "
		case i > 0:
			text += ", "
		}
		text += w
	}
	cmd.Flags().StringVar(into, name, "", text+after)
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(of, cobra.ShellCompDirectiveNoFileComp))
}
