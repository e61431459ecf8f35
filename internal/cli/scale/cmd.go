// Package scale is `phial scale N`.
package scale

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
)

// Command gives the verb.
func Command(s *term.IO) *cobra.Command {
	var app instance.Flag
	cmd := &cobra.Command{
		Use:   "scale N",
		Short: "Run N replicas: new ones join the mesh, the highest ones drain and go",
		Example: `  phial scale 5
  phial scale 2 --name tally`,
		Args: term.Args("N"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[0])
			if err != nil {
				return fmt.Errorf("%q is no number of replicas: give a whole number, for example `phial scale 3`", args[0])
			}
			c, err := app.Find()
			if err != nil {
				return err
			}
			return instance.Carry(cmd.Context(), s, c, func() error { return c.Scale(cmd.Context(), n) })
		},
	}
	app.Add(cmd)
	return cmd
}
