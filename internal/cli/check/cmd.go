// Package check is `phial check [PATH...]`.
package check

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/spell"
)

// The output formats.
const (
	formatText     = "text"
	formatJSON     = "json"
	formatSARIF    = "sarif"
	formatJUnit    = "junit"
	formatMarkdown = "markdown"
	formatGitHub   = "github"
)

var formats = []string{formatText, formatJSON, formatSARIF, formatJUnit, formatMarkdown, formatGitHub}

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "check [PATH...]",
		Short: "Say before a deployment what will go wrong, where, and how to mend it",
		Long: `Check reads an Elixir project and its Kubernetes manifests, with or without a BeamApp,
and says what will go wrong: names that no shell expands, Services that list nobody,
ports within everybody's reach, probes that restart healthy nodes.

A PATH is a project (a directory with mix.exs, or with a single project below it), a
directory of manifests (with those below it), a file, or - for standard input:
helm template CHART | phial check . -
What lies in a mix project's test/ is no deployment, and is read only where it is named.
Without one it is the current directory. Rules about the BEAM speak only of
workloads that run a release; which those are, and why, is in the output of -o json.

An error is certain, a warning likely, and a hint may be meant so. What follows from a
mistake is shown beneath it. A rule whose input is missing is said to be not checked.

A comment leaves a finding as it is, on its line or above it or above its object:

  # phial:ignore NET-05 reached through the VPN alone until 2027-01-31

So does phial-check.yaml beside phial.yaml, a list ignore of {rule, path, object,
reason, expires}, and a list exclude of files and directories that are not looked at
(test, k8s/*.dev.yaml). What is ignored wants a reason. A baseline leaves alone what was
there when it was written.

The mesh is predicted from both: --explain tells what each replica will be named, what
its discovery looks up, whom it dials, and who refuses it and why. What can't be known
from the files is said to be not known.

--fix makes the changes that are safe, in place, and leaves comments and layout as they
are; --diff shows them instead. All others are for you: each finding says what to do.

Exit status: 0 clean or only hints, 1 an error or a warning, 2 could not run.`,
		Example: `  phial check
  phial check k8s/ app/ -o sarif > phial.sarif
  phial check --only NET,COO-02 --severity warning
  phial check . k8s/ --explain
  phial check --diff
  phial check --fix && phial check
  phial check --baseline .phial-baseline.json --write-baseline`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args); err != nil {
				return err
			}
			return run(cmd.Context(), s, &o)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&o.format, "output", "o", formatText, "output format: "+spell.List(formats, "or", len(formats)))
	fl.StringVar(&o.severityName, "severity", "hint", "the least that is shown and counted: error, warning or hint (info in JSON)")
	fl.StringSliceVar(&o.only, "only", nil, "only these rules: codes (NET-05) or families (NET), with commas between them")
	fl.StringSliceVar(&o.skip, "skip", nil, "all but these rules")
	fl.StringVar(&o.config, "config", "", "the file with decisions about findings (default "+check.ConfigFile+" in the first directory, if it is there)")
	fl.StringVar(&o.baseline, "baseline", "", "leave alone what is in this file")
	fl.BoolVar(&o.writeBaseline, "write-baseline", false, "write all that is found now into the baseline")
	fl.BoolVar(&o.explain, "explain", false, "tell step by step what each replica would be named, look up and dial, and the mesh that comes of it; -o text or json")
	fl.BoolVar(&o.fix, "fix", false, "make the changes that are safe, in place")
	fl.BoolVar(&o.diff, "diff", false, "show the changes that --fix would make, as a patch")
	// Each was just made, so this can't fail.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("severity", cobra.FixedCompletions([]cobra.Completion{"error", "warning", "hint"}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("only", completeCodes)
	_ = cmd.RegisterFlagCompletionFunc("skip", completeCodes)
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	_ = cmd.MarkFlagFilename("baseline", "json")
	cmd.MarkFlagsMutuallyExclusive("fix", "diff", "explain")
	return cmd
}

// completeCodes offers codes behind what stands there already.
func completeCodes(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	var all []cobra.Completion
	for _, r := range check.Rules() {
		all = append(all, cobra.CompletionWithDesc(before+string(r.Code), r.Title))
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

type options struct {
	paths                []string
	format, severityName string
	severity             finding.Severity
	only, skip           []string
	rules                []*check.Rule
	config, baseline     string
	writeBaseline        bool
	fix, diff, explain   bool

	decided check.Config
	mended  map[string]string // what is read in the place of these files: --diff writes none

	stdin     []byte
	stdinRead bool
	noted     bool // see once
}

// complete works out what the flags leave open, and refuses what contradicts itself.
func (o *options) complete(args []string) error {
	if o.paths = args; len(args) == 0 {
		o.paths = []string{"."}
	}
	for _, p := range o.paths {
		switch filepath.Ext(p) {
		case ".ex", ".exs":
			return fmt.Errorf("%s is a file of an Elixir project: name the directory with its mix.exs", p)
		}
		if p == "" {
			return errors.New("an empty PATH: name a project, a directory of manifests or a file; without any it is the current directory")
		}
	}
	if !slices.Contains(formats, o.format) {
		return fmt.Errorf("unknown output format %q%s: use -o %s", o.format, spell.Hint(o.format, formats), spell.List(formats, "or", len(formats)))
	}
	if o.severityName == "hint" { // as people are shown it
		o.severityName = finding.Info.String()
	}
	if err := o.severity.UnmarshalText([]byte(o.severityName)); err != nil {
		return fmt.Errorf("--severity %s: want error, warning or hint", o.severityName)
	}
	if o.writeBaseline && o.baseline == "" {
		return errors.New("--write-baseline wants the file as well: --baseline FILE")
	}
	if o.diff && o.format != formatText {
		return fmt.Errorf("--diff writes a patch: leave out -o %s", o.format)
	}
	if o.explain && o.format != formatText && o.format != formatJSON {
		return fmt.Errorf("--explain is for people or as JSON: -o text or -o json, not -o %s", o.format)
	}
	var err error
	o.rules, err = check.Select(o.only, o.skip)
	return err
}
