package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/manifest"
)

// filesOf reads manifests by their files' names.
func filesOf(files map[string]string) *Input {
	var all []manifest.Source
	for name, text := range files {
		all = append(all, manifest.Source{Name: name, Text: []byte(text)})
	}
	slices.SortFunc(all, func(a, b manifest.Source) int { return strings.Compare(a.Name, b.Name) })
	return &Input{Objects: manifest.ReadObjects(all), Now: today}
}

// Workloads with one selector are a mistake where they are applied together. Directories may be alternatives.
func TestSameSelector(t *testing.T) {
	release := func(name, image string) string {
		return strings.Replace(workload(name, image, "        command: [bin/shop, start]\n"), "spec:\n", "spec:\n  replicas: 1\n  selector: {matchLabels: {app: shop}}\n", 1)
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"one file":              {map[string]string{"k8s/a.yaml": release("a", "shop:1") + release("b", "shop:1")}, []string{"k8s/a.yaml:21 warning K8S-02"}},
		"one directory":         {map[string]string{"k8s/a.yaml": release("a", "shop:1"), "k8s/b.yaml": release("b", "shop:1")}, []string{"k8s/b.yaml:7 warning K8S-02"}},
		"one stream":            {map[string]string{manifest.StdinName: release("a", "shop:1") + release("b", "shop:1")}, []string{manifest.StdinName + ":21 warning K8S-02"}},
		"a stream, and a file":  {map[string]string{manifest.StdinName: release("a", "shop:1"), "b.yaml": release("b", "shop:1")}, nil},
		"alternatives":          {map[string]string{"k8s/minikube/a.yaml": release("a", "shop:1"), "k8s/gke/a.yaml": release("shop", "shop:2")}, nil},
		"one name":              {map[string]string{"k8s/minikube/a.yaml": release("a", "shop:1"), "k8s/gke/a.yaml": release("a", "other:2")}, nil},
		"other images":          {map[string]string{"k8s/shop/a.yaml": release("a", "shop:1"), "k8s/mailer/a.yaml": release("b", "mailer:1")}, []string{"k8s/shop/a.yaml:7 info K8S-02"}},
		"both":                  {map[string]string{"k8s/gke/a.yaml": release("a", "shop:1"), "k8s/mini/a.yaml": release("a", "shop:1") + release("b", "shop:1")}, []string{"k8s/mini/a.yaml:21 warning K8S-02"}},
		"twice in one file":     {map[string]string{"k8s/a.yaml": release("a", "shop:1") + release("a", "shop:2")}, []string{"k8s/a.yaml:18 warning K8S-02"}},
		"twice in a directory":  {map[string]string{"k8s/a.dev.yaml": release("a", "shop:1"), "k8s/a.prod.yaml": release("a", "shop:2")}, nil},
		"twice, in namespaces":  {map[string]string{"k8s/a.yaml": release("a", "shop:1") + strings.Replace(release("a", "shop:1"), "{name: a}", "{name: a, namespace: b}", 1)}, nil},
		"of kinds of their own": {map[string]string{"k8s/a.yaml": release("a", "shop:1") + strings.Replace(release("a", "shop:1"), "Deployment", "StatefulSet", 1)}, []string{"k8s/a.yaml:21 warning K8S-02"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := found(Run(filesOf(c.files), Options{Rules: rules(t, "K8S-02")}))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
