package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const line = "----------\n"

// Each file of testdata/problems is a source, a line of dashes, and what is said of it.
// "# set: PATH=VALUE" lines at the top of the source are settings.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source, want, ok := strings.Cut(string(text), line)
			if !ok && !*update {
				t.Fatal("no line of dashes")
			}
			got := read(t, source)
			if *update {
				if err := os.WriteFile(file, []byte(source+line+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("of\n%s\n(-want +got):\n%s", source, d)
			}
		})
	}
}

func read(t *testing.T, source string) string {
	t.Helper()
	var o Options
	for l := range strings.Lines(source) {
		if argument, ok := strings.CutPrefix(l, "# set: "); ok {
			s, err := ParseSetting("--set", strings.TrimSpace(argument))
			if err != nil {
				t.Fatal(err)
			}
			o.Set = append(o.Set, s)
		}
	}
	result, err := Read([]Source{{Name: "phial.yaml", Text: []byte(source)}}, o)
	var b strings.Builder
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	for _, a := range result.Apps {
		fmt.Fprintf(&b, "BeamApp %s at %s\n", a.Name, a.Document.Position)
	}
	for _, d := range result.Others {
		fmt.Fprintf(&b, "%s at %s\n", d.Label(), d.Position)
	}
	return b.String()
}
