package check

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/cli/term"
)

// However many apps are read together, the mesh of each is worked out.
func TestPredictsManyApps(t *testing.T) {
	t.Chdir(t.TempDir())
	const apps = 100
	var text strings.Builder
	for i := range apps {
		fmt.Fprintf(&text, "---\napiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: app%d, namespace: prod}\nspec: {image: \"app%d:1\", replicas: 3, http: {}}\n", i, i)
	}
	if err := os.WriteFile("apps.yaml", []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	in, err := (&options{paths: []string{"."}}).read(t.Context(), &term.IO{})
	if err != nil {
		t.Fatal(err)
	}
	if in.Intent == nil {
		t.Fatal("nothing was predicted")
	}
	p := in.Predicted()
	if len(in.Intent.Replicas) != 3*apps || len(p.Islands) != apps || len(p.Beyond) > 0 {
		t.Fatalf("%d replicas in %d islands of %d apps; beyond what is followed: %q", len(in.Intent.Replicas), len(p.Islands), apps, p.Beyond)
	}
	for _, island := range p.Islands {
		app, _, _ := strings.Cut(island[0], "-")
		for _, id := range island {
			if len(island) != 3 || !strings.HasPrefix(id, app+"-") {
				t.Errorf("an island of %q", island)
			}
		}
	}
}
