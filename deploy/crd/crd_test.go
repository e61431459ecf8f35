package crd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGenerated runs what go generate runs, into another directory, and asks that the
// checkout holds just that.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("builds controller-gen, and -short was asked for")
	}
	source, err := os.ReadFile("crd.go")
	if err != nil {
		t.Fatal(err)
	}
	// go test keeps a result until a file changes that the test itself has opened.
	sources, err := filepath.Glob("../../api/v1alpha1/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range sources {
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	runs := 0
	for line := range strings.Lines(string(source)) {
		command, ok := strings.CutPrefix(strings.TrimSpace(line), "//go:generate ")
		if !ok {
			continue
		}
		args := slices.DeleteFunc(strings.Fields(command), func(arg string) bool { return strings.HasPrefix(arg, "output:") })
		args = append(args, "output:dir="+dir)
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
		runs++
	}
	if runs == 0 {
		t.Fatal("crd.go has no go:generate line")
	}
	for name, home := range map[string]string{
		"phial.dev_beamapps.yaml":  ".",
		"zz_generated.deepcopy.go": "../../api/v1alpha1",
	} {
		fresh, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join(home, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(kept), string(fresh)); diff != "" {
			t.Errorf("%s is out of date (run make generate); -there +generated:\n%s", name, diff)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("generated %v: a file that this test knows nothing of", files)
	}
}
