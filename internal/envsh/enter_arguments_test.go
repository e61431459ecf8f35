package envsh_test

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/envsh"
)

// "${@:-start}" is the arguments, or else start, where it is certain which.
func TestArgumentsOr(t *testing.T) {
	for _, c := range []struct{ script, args, want string }{
		{"exec bin/tally \"${@:-start}\"", "", "bin/tally|start"},
		{"exec bin/tally \"${@:-start}\"", "start", "bin/tally|start"},
		{"exec bin/tally \"${@:-start}\"", "eval 1", "bin/tally|eval|1"},
		{"exec bin/tally \"${@-start}\"", "", "bin/tally|start"},
		{"shift; exec bin/tally \"${@:-start}\"", "a", "bin/tally|start"},
		{"set -- ''; exec bin/tally \"${@:-start}\"", "a", "bin/tally|…"},
		{". /etc/env; exec bin/tally \"${@:-start}\"", "a", "bin/tally|…"},
	} {
		got, err := envsh.Enter(t.Context(), envsh.Entry{Source: envsh.Source{Name: "entry.sh", Text: []byte(c.script + "\n")}, Args: strings.Fields(c.args), Starts: startsTally}, envsh.Env{}, pod)
		if err != nil || len(got.Arrivals) != 1 || !got.Arrivals[0].InPlace {
			t.Errorf("%s with %q: %+v, %v", c.script, c.args, got, err)
		} else if argv := strings.Join(got.Arrivals[0].Argv, "|"); argv != c.want {
			t.Errorf("%s with %q: %s, want %s", c.script, c.args, argv, c.want)
		}
	}
}
