// Package checklist is `phial checklist [DIR]`.
package checklist

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

// The output formats.
const (
	formatText     = "text"
	formatJSON     = "json"
	formatMarkdown = "markdown"
)

var formats = []string{formatText, formatJSON, formatMarkdown}

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "checklist [DIR]",
		Short: "Say whether a team is ready to run its app: passed, failed, not known",
		Long: `Checklist goes through what has to be so before an app runs on Kubernetes: release, image,
clustering, discovery, probes, grace period, cookie, CI. It reads the mix project in DIR (the
current one if left out), phial.yaml with the objects that follow from it, and the manifests
that lie there, and asks the rules of phial check.

What files can't tell is not known, with the command that would settle it:

  --run     runs the app on this machine with several replicas, looks at the mesh, breaks a
            replica (killed, frozen, and with another cookie where it is Clustered), looks
            whether that was noticed, mends it, and stops everything
  --verify  builds the image twice with phial build, and compares the digests

Exit status: 0 no line failed, also where some are not known; 1 a line failed; 2 could not
look.`,
		Example: `  phial checklist
  phial checklist examples/tally --run
  phial checklist --run --env-file .env --verify
  phial checklist -o markdown > checklist.md`,
		Args: term.Args("[DIR]"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.dir = "."; len(args) == 1 {
				o.dir = args[0]
			}
			if err := o.complete(cmd); err != nil {
				return err
			}
			return run(cmd.Context(), s, o)
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&o.run, "run", false, "run the app here with several replicas, and break some")
	fl.IntVarP(&o.replicas, "replicas", "r", 0, fmt.Sprintf("with --run: how many, 2 to %d (default what phial.yaml says, or 3)", local.MaxReplicas))
	fl.StringVar(&o.envFile, "env-file", "", "with --run: file of NAME=VALUE lines for the app")
	fl.BoolVar(&o.verify, "verify", false, "build the image twice, and compare")
	fl.StringVar(&o.base, "base", "", "with --verify: what the release is put upon, as phial build has it")
	fl.StringVarP(&o.format, "output", "o", formatText, "output format: text, json or markdown")
	// The flags were just made, so these can't fail.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagFilename("env-file")
	return cmd
}

type options struct {
	dir           string
	run, verify   bool
	replicas      int
	envFile, base string
	format        string
	rules         []*check.Rule // of phial check; nil = all
}

// complete refuses what contradicts itself.
func (o *options) complete(cmd *cobra.Command) error {
	switch {
	case !slices.Contains(formats, o.format):
		return fmt.Errorf("unknown output format %q: use -o text, -o json or -o markdown", o.format)
	case !o.run && (o.envFile != "" || cmd.Flags().Changed("replicas")):
		return errors.New("--replicas and --env-file are for --run: give it, too")
	case !o.verify && o.base != "":
		return errors.New("--base is for --verify: give it, too")
	case cmd.Flags().Changed("replicas") && (o.replicas < 2 || o.replicas > local.MaxReplicas):
		return fmt.Errorf("--replicas %d: several replicas are 2 to %d", o.replicas, local.MaxReplicas)
	}
	return nil
}
