package remote

import (
	"testing"

	"github.com/phialdev/phial/internal/cli/term"
)

// POD is asked for by name; what comes after it is the release's.
func TestArguments(t *testing.T) {
	cmd := Command(&term.IO{})
	const want = "remote needs POD; see `remote --help`"
	if err := cmd.Args(cmd, nil); err == nil || err.Error() != want {
		t.Errorf("without POD: %v, not %s", err, want)
	}
	if err := cmd.Args(cmd, []string{"tally-0", "rpc", "1 + 1"}); err != nil {
		t.Errorf("with a command: %v", err)
	}
}
