package deployed

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/manifest"
)

func TestParted(t *testing.T) {
	for _, c := range []struct {
		places [][]string
		roots  map[string]string
		names  []string
	}{
		{nil, map[string]string{}, nil},
		{
			[][]string{{"k8s/prod/app.yaml", "k8s/staging/app.yaml"}},
			map[string]string{"k8s/prod": "prod", "k8s/staging": "staging"}, []string{"prod", "staging"},
		},
		{
			[][]string{{"a/prod/app.yaml", "a/dev/app.yaml"}, {"b/prod/k8s/x.yaml", "b/dev/k8s/x.yaml"}},
			map[string]string{"a/prod": "prod", "a/dev": "dev", "b/prod": "prod", "b/dev": "dev"}, []string{"dev", "prod"},
		},
		{[][]string{{"prod.yaml", "staging.yml"}}, map[string]string{"prod.yaml": "prod", "staging.yml": "staging"}, []string{"prod", "staging"}},
		{[][]string{{"app.yaml", "prod/app.yaml"}}, map[string]string{"app.yaml": "app", "prod": "prod"}, []string{"app", "prod"}},
		{[][]string{{"prod/app.yaml", "prod.yaml"}}, nil, nil},                   // of one name
		{[][]string{{"all.yaml", "all.yaml"}}, nil, nil},                         // twice in one file
		{[][]string{{"prod/a.yaml", "prod/b.yaml", "staging/a.yaml"}}, nil, nil}, // twice in one environment
		{[][]string{{"1/x", "2/x", "3/x", "4/x", "5/x", "6/x", "7/x", "8/x", "9/x"}}, nil, nil},
	} {
		roots, names := parted(c.places)
		if d := cmp.Diff(c.roots, roots) + cmp.Diff(c.names, names); d != "" {
			t.Errorf("%v (-want +got):\n%s", c.places, d)
		}
	}
}

const ofEnvironment = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: shop}
spec:
  serviceName: shop-headless
  template:
    spec:
      containers:
      - name: app
        image: shop:1
        env: [{name: RELEASE_DISTRIBUTION, value: name}, {name: STAGE, value: %s}]
`

// Each environment has what is its own and what is everybody's, and a prediction of its own.
func TestEnvironments(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"k8s/prod/app.yaml":    fmt.Sprintf(ofEnvironment, "prod"),
		"k8s/staging/app.yaml": fmt.Sprintf(ofEnvironment, "staging"),
		"k8s/common.yaml":      "apiVersion: v1\nkind: Service\nmetadata: {name: shop-headless}\nspec: {clusterIP: None, selector: {app: shop}}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var tree manifest.Tree
	if err := tree.Add(".", nil); err != nil {
		t.Fatal(err)
	}
	in := &check.Input{}
	var err error
	if in.Objects, in.Refused, err = Objects(&tree, []string{"."}, check.Config{}); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, e := range Environments(t.Context(), in) {
		for _, o := range e.Objects.Objects {
			got[e.Environment] = append(got[e.Environment], filepath.ToSlash(o.File))
		}
		if e.Intent == nil {
			t.Errorf("%s has no prediction", e.Environment)
		}
	}
	want := map[string][]string{"prod": {"k8s/common.yaml", "k8s/prod/app.yaml"}, "staging": {"k8s/common.yaml", "k8s/staging/app.yaml"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
