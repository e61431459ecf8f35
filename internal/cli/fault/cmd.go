// Package fault is `phial break` and its undoing, `phial mend`.
package fault

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

// What each fault does, as help shows it.
var texts = map[local.Fault]string{
	local.FaultCookie: "restarts it with another cookie",
	local.FaultName:   "restarts it under a name with another host part",
	local.FaultEPMD:   "EPMD no longer answers on its address",
	local.FaultPort:   "EPMD names a distribution port where nobody listens",
	local.FaultDNS:    "its DNS records are gone and its own lookups fail",
	local.FaultFreeze: "stops the process (SIGSTOP)",
	local.FaultKill:   "kills the process (SIGKILL), once",
}

// Help lists the faults, a line each.
func Help() string {
	var b strings.Builder
	for _, f := range local.Faults() {
		fmt.Fprintf(&b, "  %-7s  %s\n", f, texts[f])
	}
	return strings.TrimRight(b.String(), "\n")
}

// Break gives the verb `break`.
func Break(s *term.IO) *cobra.Command {
	var app instance.Flag
	cmd := &cobra.Command{
		Use:   "break POD FAULT",
		Short: "Break a replica on purpose, as it breaks in the field",
		Long: `Break makes one fault at one replica of a running app; phial mend puts it right.
phial mesh and phial why are not told: they see only the network and the nodes.

Faults:
` + Help(),
		Example: `  phial break tally-2 cookie
  phial mesh
  phial mend`,
		Args: term.Args("POD", "FAULT"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) != 1 {
				return app.CompletePods(1)(cmd, args, toComplete)
			}
			var all []cobra.Completion
			for _, f := range local.Faults() {
				all = append(all, cobra.CompletionWithDesc(string(f), texts[f]))
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := local.ParseFault(args[1])
			if err != nil {
				return err
			}
			c, err := app.ForPod(args[0])
			if err != nil {
				return err
			}
			rep, err := c.Break(cmd.Context(), args[0], f)
			if err != nil {
				return err
			}
			s.Notef("%s", rep.Text)
			_, err = instance.Wait(cmd.Context(), s, c, instance.DefaultWait) // until it stands where it will stay
			return err
		},
	}
	app.Add(cmd)
	return cmd
}

// Mend gives the verb `mend`.
func Mend(s *term.IO) *cobra.Command {
	var app instance.Flag
	cmd := &cobra.Command{
		Use:   "mend [POD]",
		Short: "Put right whatever phial break did",
		Example: `  phial mend
  phial mend tally-2`,
		Args:              term.Args("[POD]"),
		ValidArgsFunction: app.CompletePods(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, pod, err := app.ForArgs(args)
			if err != nil {
				return err
			}
			return instance.Carry(cmd.Context(), s, c, func() error {
				rep, err := c.Mend(cmd.Context(), pod)
				if err == nil {
					s.Notef("%s", rep.Text)
				}
				return err
			})
		},
	}
	app.Add(cmd)
	return cmd
}
