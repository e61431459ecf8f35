package manifest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const small = "apiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: NAME}\nspec: {image: \"a:1\"}\n"

func named(name string) string { return strings.ReplaceAll(small, "NAME", name) }

// A directory is its manifests; what else lies there is nobody's mistake.
func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"b.yaml": named("b"), "a.yml": named("a"), "c.JSON": `{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}`,
		"compose.yaml": "services: {}\n", "list.yaml": "- a\n", "empty.yaml": "", "README.md": "not: [yaml", "below/d.yaml": named("d"),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, ".#b.yaml")); err != nil {
		t.Fatal(err)
	}
	apps, err := ReadApps(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range apps {
		got = append(got, a.Name+" "+a.Document.File)
	}
	want := []string{"a " + filepath.Join(dir, "a.yml"), "b " + filepath.Join(dir, "b.yaml")}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := ReadApps(filepath.Join(dir, "nowhere"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a path that is not there: %v", err)
	}
	if _, err := Open(t.TempDir(), nil); err == nil {
		t.Error("an empty directory is no error")
	}
}

// Problems come in the order of the sources, and by position in each.
func TestOrder(t *testing.T) {
	wrong := strings.Replace(small, "image", "imgae", 1)
	sources := []Source{{Name: "z.yaml", Text: []byte(wrong + "---\n" + strings.Replace(wrong, "NAME", "B", 1))}, {Name: "a.yaml", Text: []byte(wrong)}}
	_, err := Read(sources, Options{})
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	for i := 1; i < len(problems); i++ {
		a, b := problems[i-1], problems[i]
		if a.File == b.File && a.Line > b.Line || a.File == "a.yaml" && b.File == "z.yaml" {
			t.Errorf("%s comes before %s", a, b)
		}
	}
	if problems[0].File != "z.yaml" || problems[len(problems)-1].File != "a.yaml" {
		t.Error(problems)
	}
}

// Settings and the namespace reach the app, and positions say where values came from.
func TestSettings(t *testing.T) {
	var o Options
	for _, argument := range []string{"replicas=0", "env[B].value=2", "env[A].value=1", "env[B].value=3", "env[2].name=C", "metadata.labels.a.b/c=d", "podTemplate.metadata.annotations={a: b}", "imagePullSecrets[0].name=x", "paused=true", "spec.rollout.maxSurge=25%"} {
		s, err := ParseSetting("--set", argument)
		if err != nil {
			t.Fatal(err)
		}
		o.Set = append(o.Set, s)
	}
	o.Namespace = "prod"
	result, err := Read([]Source{{Name: "x", Text: []byte(named("a"))}}, o)
	if err != nil {
		t.Fatal(err)
	}
	a := result.Apps[0]
	env := ""
	for _, e := range a.Spec.Env {
		env += e.Name + "=" + e.Value + " "
	}
	got := []any{*a.Spec.Replicas, env, a.Labels["a.b/c"], string(a.Spec.PodTemplate.Raw), a.Spec.ImagePullSecrets[0].Name, a.Spec.Paused, a.Spec.Rollout.MaxSurge.String(), a.Namespace, a.Find("spec.env[0].value").File, a.Find("spec.image").String(), a.Find("metadata.namespace").File}
	want := []any{int32(0), "B=3 A=1 C= ", "d", `{"metadata":{"annotations":{"a":"b"}}}`, "x", true, "25%", "prod", "--set env[B].value", "x:4:15", "--namespace prod"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
