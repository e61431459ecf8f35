package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// archive reads a project and the manifests below k8s/ beside it.
func archive(t *testing.T, file string) (*Input, *txtar.Archive) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	var sources []manifest.Source
	for _, f := range a.Files {
		switch {
		case strings.HasPrefix(f.Name, "fires:"):
		case strings.HasPrefix(f.Name, "k8s/"):
			sources = append(sources, manifest.Source{Name: f.Name, Text: f.Data})
		default:
			files[f.Name] = string(f.Data)
		}
	}
	in := &Input{Now: today, Objects: manifest.ReadObjects(sources)}
	return withProject(t, in, files), a
}

// Rules that look at a project fire on their cases, on the very lines, and are silent on their twins: testdata/project/CODE.
// A file that is meant as a whole is named by an empty file fires:NAME.
func TestProjectCases(t *testing.T) {
	files, err := filepath.Glob("testdata/project/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	count := map[string][2]int{}
	for _, file := range files {
		code := filepath.Base(filepath.Dir(file))
		fires := strings.HasPrefix(filepath.Base(file), "fires")
		c := count[code]
		if c[1]++; fires {
			c[0]++
		}
		count[code] = c
		t.Run(code+"/"+filepath.Base(file), func(t *testing.T) {
			in, a := archive(t, file)
			var want []string
			for _, f := range a.Files {
				name := f.Name
				if !strings.HasPrefix(name, "k8s/") {
					name = in.ProjectFile(name)
				}
				for _, n := range marked(string(f.Data)) {
					want = append(want, fmt.Sprintf("%s:%d", name, n))
				}
				if whole, ok := strings.CutPrefix(f.Name, "fires:"); ok {
					want = append(want, in.ProjectFile(whole)+":0")
				}
			}
			if fires != (len(want) > 0) {
				t.Errorf("%d lines are marked with # fires", len(want))
			}
			var got, said []string
			note := func(f Finding) {
				if f.Code == finding.Code(code) {
					got = append(got, fmt.Sprintf("%s:%d", f.At.File, f.At.Line))
					said = append(said, fmt.Sprintf("%s: %s %s: %s", f.At, f.Severity, f.Subject, f.Cause))
				}
			}
			for _, f := range Run(in, Options{}).Findings {
				note(f)
				for _, b := range f.Beneath {
					note(b)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if d := cmp.Diff(want, slices.Compact(got)); d != "" {
				t.Errorf("-want +got:\n%s%s", d, strings.Join(said, "\n"))
			}
		})
	}
	for code, c := range count {
		if c[0] == 0 || c[0] == c[1] {
			t.Errorf("testdata/project/%s has %d cases and %d twins", code, c[0], c[1]-c[0])
		}
	}
}

// ofProjects says whether all cases of a rule are projects.
func ofProjects(code finding.Code) bool {
	_, manifests := os.Stat(filepath.Join("testdata", string(code)))
	_, projects := os.Stat(filepath.Join("testdata/project", string(code)))
	return manifests != nil && projects == nil
}
