package deployed

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProject(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"file": "", "app/mix.exs": "defmodule A.MixProject do\n  def project, do: [app: :a]\nend\n"} {
		if name == "app/mix.exs" {
			if err := os.Mkdir("app", 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string]string{
		"nowhere": "nowhere is not there",
		"file":    "file is not a directory",
		".":       "no mix project in .: there is no mix.exs; name its directory (phial advise app)",
		"app":     "",
	} {
		p, err := Project(dir, "advise")
		switch {
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("%s: %v, want %s", dir, err, want)
		case want == "" && (err != nil || p.Mix.App.Value != "a"):
			t.Errorf("%s: %v, %+v", dir, err, p)
		}
	}
}

// A project is found where a monorepo has it, and in no place where others keep theirs.
func TestProjects(t *testing.T) {
	for _, c := range []struct {
		files, want []string
	}{
		{[]string{"mix.exs", "apps/a/mix.exs", "other/mix.exs"}, []string{"."}},
		{[]string{"backend/mix.exs", "backend/apps/a/mix.exs", "k8s/x.yaml"}, []string{"backend"}},
		{[]string{"services/b/mix.exs", "services/a/mix.exs", "README"}, []string{"services/a", "services/b"}},
		{[]string{"a/b/c/mix.exs"}, []string{"a/b/c"}},
		{[]string{"a/b/c/d/mix.exs"}, nil},
		{[]string{"deps/x/mix.exs", "_build/x/mix.exs", ".git/x/mix.exs", "test/x/mix.exs", "assets/node_modules/x/mix.exs"}, nil},
		{[]string{"mix.exs/file", "a/mix.exs/file"}, nil},
		{nil, nil},
	} {
		t.Chdir(t.TempDir())
		for _, name := range c.files {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(".", "loop"); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, Projects(".")); d != "" {
			t.Errorf("%v (-want +got):\n%s", c.files, d)
		}
	}
	if all := Projects("nowhere"); all != nil {
		t.Errorf("nowhere has %v", all)
	}
}
