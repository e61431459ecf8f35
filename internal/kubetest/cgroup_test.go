package kubetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A node gets its share of the machine in the unit of the version that is there, and nothing where the hierarchy is one
// of another controller.
func TestWeigh(t *testing.T) {
	for has, want := range map[string]map[string]string{
		"cpu.shares": {"cpu.shares": nodeShares},
		"cpu.weight": {"cpu.weight": nodeWeight},
		"pids.max":   {"pids.max": "as it was"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, has), []byte("as it was"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := weigh(dir); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got[f.Name()] = string(text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", has, diff)
		}
	}
}
