// Package try is `phial try [DIR]`.
package try

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/fault"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/cli/up"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var (
		run up.Flags
		out term.Output
		o   options
	)
	cmd := &cobra.Command{
		Use:   "try [DIR]",
		Short: "Start, wait for the mesh, show it, send a request to each replica, stop",
		Long: `Try runs an app as phial up does, waits until its replicas have settled, shows the
mesh, sends a request to each replica, and stops everything. It stands beside an
app of the same name that is up.

Exit status: 0 one full mesh and every request answered, 1 not, 2 could not start.
An app of type Stateless is no mesh: there, every replica has to be ready.

--break POD=FAULT starts a replica broken. Faults:
` + fault.Help(),
		Example: `  phial try
  phial try examples/tally --replicas 5 -o json
  phial try examples/tally --break tally-2=cookie`,
		Args: term.Args("[DIR]"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Check(); err != nil {
				return err
			}
			if !strings.HasPrefix(o.path, "/") {
				return errors.New("--path must begin with /")
			}
			if o.wait <= 0 {
				return errors.New("--wait must be more than nothing, for example 1m")
			}
			eng, err := run.Options(args)
			if err != nil {
				return err
			}
			o.json = out.JSON()
			return try(cmd.Context(), s, eng, o)
		},
	}
	run.Add(cmd)
	out.Flag(cmd)
	cmd.Flags().StringVar(&o.path, "path", "/", "what to ask each replica for")
	cmd.Flags().DurationVar(&o.wait, "wait", time.Minute, "how long the replicas may take to settle")
	cmd.Flags().BoolVar(&o.logs, "logs", false, "show what the replicas write")
	return cmd
}
