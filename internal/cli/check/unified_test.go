package check

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whatever lines are secret, none of them is in the patch, and the patch gives what --fix
// would write, but for changes of secret lines.
func TestUnified(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range 100 {
		var before, after []string
		secret := map[int]bool{}
		inserts := 0
		for i := range 1 + rnd.IntN(40) {
			line := fmt.Sprintf("line %d of %d\n", i, n)
			if rnd.IntN(6) == 0 {
				line = fmt.Sprintf("hush %d\n", i)
				secret[i+1] = true
			}
			before = append(before, line)
			switch rnd.IntN(12) {
			case 0:
				if !secret[i+1] {
					after = append(after, strings.ToUpper(line))
					continue
				}
			case 1:
				inserts++
				after = append(after, fmt.Sprintf("new %d\n", inserts))
			case 2:
				if !secret[i+1] {
					continue
				}
			}
			after = append(after, line)
		}
		was, is := strings.Join(before, ""), strings.Join(after, "")
		got := string(unified("f", was, is, secret))
		if strings.Contains(got, "hush") {
			t.Fatalf("a secret is shown:\n%s", got)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(was), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "git", "apply", "--unidiff-zero", "--allow-empty")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(got)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git apply: %v\n%s\n%s\n%s", err, said, got, was)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(text) != is {
			t.Fatalf("%v, patched:\n%s\nwant:\n%s\npatch:\n%s", err, text, is, got)
		}
		if slices.Equal(before, after) && got != "" {
			t.Errorf("nothing is changed: %s", got)
		}
	}
}

// A change of a secret line is said and not shown.
func TestUnifiedHides(t *testing.T) {
	got := string(unified("a.yaml", "a\nhush\nb\n", "a\nother\nb\n", map[int]bool{2: true}))
	if want := "# a.yaml:2: a change that is not shown, since a secret stands there\n"; got != want {
		t.Errorf("%q", got)
	}
}
