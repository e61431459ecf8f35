package deployed

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/manifest"
)

const (
	app      = "apiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: shop}\nspec:\n  image: registry.example.com/shop:1\n"
	config   = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n"
	workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {template: {spec: {containers: [{name: a, image: a}]}}}\n"
)

func in(text, namespace string) string {
	return strings.Replace(text, "{name: shop}", "{name: shop, namespace: "+namespace+"}", 1)
}

// An app is rendered where nobody has done it already.
func TestRendered(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"no app":                    {map[string]string{"a.yaml": workload}, nil},
		"an app":                    {map[string]string{"phial.yaml": app, "a.yaml": config}, []string{"phial.yaml, rendered: shop"}},
		"rendered beside it":        {map[string]string{"phial.yaml": app, "k8s/app.yaml": workload}, nil},
		"in another namespace":      {map[string]string{"phial.yaml": in(app, "a"), "k8s/app.yaml": in(workload, "b")}, []string{"phial.yaml, rendered: shop"}},
		"in the app's namespace":    {map[string]string{"phial.yaml": in(app, "a"), "k8s/app.yaml": in(workload, "a")}, nil},
		"in a namespace, maybe its": {map[string]string{"phial.yaml": app, "k8s/app.yaml": in(workload, "a")}, nil},
		"in none, maybe its":        {map[string]string{"phial.yaml": in(app, "a"), "k8s/app.yaml": workload}, nil},
		"two of a file":             {map[string]string{"phial.yaml": app + "---\n" + strings.Replace(app, "name: shop", "name: mailer", 1)}, []string{"phial.yaml, rendered: shop", "phial.yaml, rendered: mailer"}},
		"one of two refused":        {map[string]string{"phial.yaml": app + "---\n" + strings.NewReplacer("image:", "imag:", "name: shop", "name: mailer").Replace(app)}, []string{"phial.yaml, rendered: shop"}},
		"beside what is broken":     {map[string]string{"phial.yaml": app + "---\n" + config + "data: {a: \"b\n"}, []string{"phial.yaml, rendered: shop"}},
		"refused":                   {map[string]string{"phial.yaml": strings.Replace(app, "image:", "imag:", 1)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var sources []manifest.Source
			for file, text := range c.files {
				sources = append(sources, manifest.Source{Name: file, Text: []byte(text)})
			}
			more, err := Rendered(sources, manifest.ReadObjects(sources))
			if err != nil {
				t.Fatal(err)
			}
			names := map[string]bool{}
			var got []string
			for _, s := range more {
				if file, ok := RenderedFrom(s.Name); !ok || c.files[file] == "" || names[s.Name] {
					t.Errorf("a source is called %q", s.Name)
				}
				names[s.Name] = true
			}
			set := manifest.ReadObjects(more)
			if err := set.Problems.Err(); err != nil {
				t.Error(err)
			}
			for w := range set.Workloads() {
				got = append(got, w.File+": "+w.Name)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// What is found in a mix project's test directory is left out, and what is named there is read.
func TestLeaveTestsOut(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []string{
		"k8s/app.yaml", "test/fixtures/a.yaml", "apps/web/test/b.yaml", "apps/web/k8s/c.yaml", "k8s/test/d.yaml", "chart/test/templates/e.yaml",
		"test/chart/templates/f.yaml",
	} {
		write(t, filepath.Join(dir, file), config)
	}
	write(t, filepath.Join(dir, "test/chart/Chart.yaml"), "name: chart\n")
	write(t, filepath.Join(dir, "test/chart/templates/f.yaml"), "{{ if .Values.a }}\n"+config+"{{ end }}\n")
	for _, project := range []string{"", "apps/web"} {
		write(t, filepath.Join(dir, project, "mix.exs"), "")
	}
	t.Chdir(dir)
	all := []string{"apps/web/k8s/c.yaml", "chart/test/templates/e.yaml", "k8s/app.yaml", "k8s/test/d.yaml"}
	for name, c := range map[string]struct{ paths, want []string }{
		"the project":             {[]string{"."}, all},
		"the same by its path":    {[]string{dir}, all},
		"around it":               {[]string{".."}, all},
		"a directory of tests":    {[]string{"test"}, []string{"test/chart/Chart.yaml", "test/chart/templates/f.yaml", "test/fixtures/a.yaml"}},
		"one below it":            {[]string{"test/fixtures"}, []string{"test/fixtures/a.yaml"}},
		"a file of them":          {[]string{"test/fixtures/a.yaml"}, []string{"test/fixtures/a.yaml"}},
		"an app of the umbrella":  {[]string{"apps/web"}, []string{"apps/web/k8s/c.yaml"}},
		"its tests":               {[]string{"apps/web/test"}, []string{"apps/web/test/b.yaml"}},
		"the project, and a file": {[]string{".", "test/fixtures/a.yaml"}, append(slices.Clone(all), "test/fixtures/a.yaml")},
	} {
		t.Run(name, func(t *testing.T) {
			var tree manifest.Tree
			for _, p := range c.paths {
				if err := tree.Add(p, nil); err != nil {
					t.Fatal(err)
				}
			}
			leaveTestsOut(&tree, c.paths)
			var got []string
			note := func(s manifest.Source) {
				file, err := filepath.Abs(s.Name)
				if err == nil {
					file, err = filepath.Rel(dir, file)
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, filepath.ToSlash(file))
			}
			for _, s := range tree.Sources {
				note(s)
			}
			for _, s := range tree.Templates {
				note(s.Source)
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
