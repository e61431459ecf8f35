package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A set without some sources is what is read without them, patches and what is broken included.
func TestWithout(t *testing.T) {
	tree := Tree{
		Sources: []Source{
			{Name: "base/app.yaml", Text: []byte("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")},
			{Name: "base/more.yaml", Text: []byte("apiVersion: v1\nkind: Service\nmetadata: {name: b}\n")},
			{Name: "prod/kustomization.yaml", Text: []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\npatches: [{path: ../base/more.yaml}]\n")},
			{Name: "staging/broken.yaml", Text: []byte("apiVersion: v1\nkind: [\n")},
			{Name: "staging/app.yaml", Text: []byte("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n")},
		},
		Templates: []Template{{Source: Source{Name: "prod/templates/a.yaml"}}, {Source: Source{Name: "staging/templates/a.yaml"}}},
	}
	whole := tree.Objects()
	for _, dir := range []string{"prod/", "staging/", "base/", "nowhere/", ""} {
		drop := func(name string) bool { return strings.HasPrefix(name, dir) }
		var sub Tree
		for _, s := range tree.Sources {
			if !drop(s.Name) {
				sub.Sources = append(sub.Sources, s)
			}
		}
		for _, s := range tree.Templates {
			if !drop(s.Name) {
				sub.Templates = append(sub.Templates, s)
			}
		}
		if d := cmp.Diff(summary(sub.Objects()), summary(whole.Without(drop))); d != "" {
			t.Errorf("without %s (-read +kept):\n%s", dir, d)
		}
	}
}

// summary is what stands in a set, and what is found in it.
func summary(s *Set) map[string][]string {
	all := map[string][]string{}
	for _, o := range s.Objects {
		all["objects"] = append(all["objects"], o.File+" "+o.Label())
		if s.Find(o, o.Kind, o.Name) == nil {
			all["not found"] = append(all["not found"], o.Label())
		}
	}
	for _, o := range s.Patches {
		all["patches"] = append(all["patches"], o.File+" "+o.Label())
	}
	for _, p := range s.Problems {
		all["problems"] = append(all["problems"], p.Position.String()+" "+p.Text)
	}
	for _, t := range s.Templates {
		all["templates"] = append(all["templates"], t.Name)
	}
	for _, name := range []string{"base/app.yaml", "prod/kustomization.yaml", "staging/broken.yaml", "prod/templates/a.yaml"} {
		if _, ok := s.Text(name); ok {
			all["texts"] = append(all["texts"], name)
		}
	}
	return all
}
