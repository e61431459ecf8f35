package syntax_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
)

// tricky gives sources where it is easy to be wrong.
func tricky(tb testing.TB) (all []string) {
	tb.Helper()
	b, err := os.ReadFile("testdata/tricky.txt")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		s, err := strconv.Unquote(strings.TrimSpace(line))
		if err != nil {
			tb.Fatalf("%s: %v", line, err)
		}
		all = append(all, s)
	}
	return all
}

// Snippets, tricky and random, are what each Elixir makes of them, or unknown.
func TestSnippets(t *testing.T) {
	t.Parallel()
	corpus := onlyElixir(t, beamtest.Source(t, "bookworm", "elixir-lang"))
	dir := t.TempDir()
	for name, sources := range map[string][]string{"tricky": tricky(t), "random": random(t, randomSnippets, 1, corpus)} {
		if err := os.WriteFile(filepath.Join(dir, name+".snippets"), []byte(strings.Join(sources, "\x00")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, otp := range beamtest.OTPs(t) {
		t.Run(otp.Elixir(t), func(t *testing.T) {
			y := hold(t, version(t, otp), answers(t, otp, dir))
			t.Log(y)
			if y.files < 2000 || y.whole*1000 < y.files*995 {
				t.Error("want more of them read whole")
			}
		})
	}
}

// randomSnippets is how many there are of each kind.
const randomSnippets = 4000
