package deployed

import (
	"os"
	"testing"
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
		".":       "no mix project in .: there is no mix.exs; name its directory (phial advise DIR)",
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
