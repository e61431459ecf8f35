package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/cli/term"
)

var update = flag.Bool("update", false, "write the generated page anew")

const page = "../../docs/reference/cli.md"

// The page of commands is their own help, and nothing else.
func TestCommandPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Commands\n\nGenerated from the commands themselves; `phial VERB --help` shows the same.\n\nExit status of every verb: 0 clean, 1 findings, 2 could not do what was asked.\n")
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			return
		}
		long := c.Long
		if long == "" {
			long = c.Short
		}
		fmt.Fprintf(&b, "\n## %s\n\n```\n%s\n\n%s```\n", c.CommandPath(), strings.TrimSpace(long), c.UsageString())
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(Root(term.Std()))
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("%s is out of date; `go test ./internal/cli -run CommandPage -update` writes it (-file +now):\n%s", page, d)
	}
}
