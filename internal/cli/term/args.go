package term

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Args demands arguments and names them: "POD FAULT". Those in brackets may be
// left out.
func Args(names ...string) cobra.PositionalArgs {
	least := 0
	for _, n := range names {
		if !strings.HasPrefix(n, "[") {
			least++
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s needs %s; see `%s --help`", cmd.CommandPath(), strings.Join(names[len(args):least], " and "), cmd.CommandPath())
		case len(args) > len(names) && len(names) == 0 && cmd.Flags().Lookup("namespace") != nil && cmd.Flags().Lookup("app") != nil:
			return fmt.Errorf("%s takes no argument, and got %q; a namespace is named with -n, an app in it with --app, and one on this machine with --name; see `%[1]s --help`", cmd.CommandPath(), args[0])
		case len(args) > len(names) && len(names) == 0 && cmd.Flags().Lookup("name") != nil:
			return fmt.Errorf("%s takes no argument, and got %q; an app is named with --name; see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
		case len(args) > len(names) && len(names) == 0:
			return fmt.Errorf("%s takes no argument, and got %q; see `%s --help`", cmd.CommandPath(), args[0], cmd.CommandPath())
		case len(args) > len(names):
			return fmt.Errorf("%s takes %s, and %q is too much; see `%s --help`", cmd.CommandPath(), strings.Join(names, " "), args[len(names)], cmd.CommandPath())
		}
		return nil
	}
}
