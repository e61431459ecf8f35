package deployed

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/manifest"
)

// What stands in several files under one name is not followed: it never runs together.
func TestPredict(t *testing.T) {
	const release = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: shop, namespace: prod}\nspec:\n  replicas: 2\n  template: {spec: {containers: [{name: a, image: a, env: [{name: RELEASE_DISTRIBUTION, value: name}]}]}}\n"
	source := func(name, text string) manifest.Source {
		return manifest.Source{Name: name, Text: []byte(text)}
	}
	for name, c := range map[string]struct {
		sources []manifest.Source
		want    []string
	}{
		"nothing":           {nil, nil},
		"no release":        {[]manifest.Source{source("a.yaml", config)}, nil},
		"a release":         {[]manifest.Source{source("a.yaml", release)}, []string{"shop-0", "shop-1"}},
		"overlays of one":   {[]manifest.Source{source("a.yaml", release), source("b.yaml", release)}, nil},
		"in two namespaces": {[]manifest.Source{source("a.yaml", in(workload, "a")), source("b.yaml", release)}, []string{"shop-0", "shop-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			given := &check.Input{Objects: manifest.ReadObjects(c.sources)}
			Predict(t.Context(), given)
			var got []string
			if given.Intent != nil {
				for _, r := range given.Intent.Replicas {
					got = append(got, r.ID)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
