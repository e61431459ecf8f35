// Package cli is the command line: one directory per verb below it, flags in
// cmd.go, the work in <verb>.go. Nothing imports it but cmd/phial.
package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/advise"
	"github.com/phialdev/phial/internal/cli/build"
	"github.com/phialdev/phial/internal/cli/check"
	"github.com/phialdev/phial/internal/cli/checklist"
	"github.com/phialdev/phial/internal/cli/down"
	"github.com/phialdev/phial/internal/cli/explain"
	"github.com/phialdev/phial/internal/cli/fault"
	"github.com/phialdev/phial/internal/cli/initialize"
	"github.com/phialdev/phial/internal/cli/logs"
	"github.com/phialdev/phial/internal/cli/mesh"
	"github.com/phialdev/phial/internal/cli/remote"
	"github.com/phialdev/phial/internal/cli/render"
	"github.com/phialdev/phial/internal/cli/restart"
	"github.com/phialdev/phial/internal/cli/scale"
	"github.com/phialdev/phial/internal/cli/status"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/cli/try"
	"github.com/phialdev/phial/internal/cli/up"
	"github.com/phialdev/phial/internal/cli/why"
	"github.com/phialdev/phial/internal/version"
)

// Main runs the command line and gives the exit status.
func Main(args []string) int {
	ctx, stop := term.Interruptible(context.Background())
	defer stop()
	return Run(ctx, term.Std(), args)
}

// Run is Main with streams and a context of the caller's.
func Run(ctx context.Context, s *term.IO, args []string) int {
	root := Root(s)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return term.OK
	}
	var exit *term.ExitError
	if !errors.As(err, &exit) || exit.Err != nil {
		s.Notef("phial: %s", plainGroup(cmd, oneLine(err)))
	}
	return term.Code(err)
}

// oneLine keeps what cobra and libraries say to one line each.
func oneLine(err error) string {
	return strings.TrimSpace(strings.ReplaceAll(err.Error(), "\n\n", "\n"))
}

// What cobra says of flags that do not go together, or not without one another.
var (
	saysExclusive = regexp.MustCompile(`^if any flags in the group \[.*\] are set none of the others can be; \[(.*)\] were all set$`)
	saysTogether  = regexp.MustCompile(`^if any flags in the group \[(.*)\] are set they must all be set; missing \[(.*)\]$`)
)

// plainGroup says it in the words of a person who gave them.
func plainGroup(cmd *cobra.Command, text string) string {
	flags := func(names string) string { return "--" + strings.Join(strings.Fields(names), " and --") }
	if m := saysExclusive.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s do not go together: give one of them; see `%s --help`", flags(m[1]), cmd.CommandPath())
	}
	if m := saysTogether.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("%s go together, and %s was not given; see `%s --help`", flags(m[1]), flags(m[2]), cmd.CommandPath())
	}
	return text
}

// Root gives the whole tree of commands.
func Root(s *term.IO) *cobra.Command {
	root := &cobra.Command{
		Use:   "phial",
		Short: "Run Elixir on Kubernetes so that the cluster you think you have is the cluster you have",
		Long: `Phial runs Elixir (any BEAM release) so that the cluster you think you have is the
cluster you have. From one short spec it writes every Kubernetes object that has to
agree, and runs the same replicas on this machine as Kubernetes would; it joins them
into one mesh, shows who sees whom as the nodes themselves report it, and names the
cause of every link that is missing.

Exit status: 0 clean, 1 findings, 2 could not do what was asked.`,
		Example: `  phial init && phial render
  phial try examples/tally
  phial up examples/tally --detach && phial mesh
  phial mesh --node shop@10.0.0.7 --cookie-file /run/secrets/cookie`,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetVersionTemplate("phial {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%s; see `%s --help`", plainFlagError(err), cmd.CommandPath())
	})
	groups := []struct {
		id, title string
		verbs     []*cobra.Command
	}{
		{"write", "Describe an app, build it:", []*cobra.Command{
			advise.Command(s), initialize.Command(s), check.Command(s), build.Command(s), render.Command(s), checklist.Command(s)}},
		{"run", "Run an app on this machine:", []*cobra.Command{
			up.Command(s), try.Command(s), status.Command(s), logs.Command(s), remote.Command(s),
			scale.Command(s), restart.Command(s), down.Command(s)}},
		{"look", "See the mesh:", []*cobra.Command{
			mesh.Command(s), why.Command(s), explain.Command(s)}},
		{"break", "Break it on purpose:", []*cobra.Command{
			fault.Break(s), fault.Mend(s)}},
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, v := range g.verbs {
			v.GroupID = g.id
			root.AddCommand(v)
		}
	}
	return root
}

// plainFlagError leaves out what only the programmer of strconv understands.
func plainFlagError(err error) string {
	text := err.Error()
	if i := strings.Index(text, ": strconv."); i >= 0 {
		text = text[:i]
	}
	return text
}
