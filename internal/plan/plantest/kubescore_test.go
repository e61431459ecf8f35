package plantest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/plan/plantest"
)

// accepted are the critical findings of kube-score that stay, and why: each is about
// what the golden's team leaves out, or wants.
var accepted = []struct {
	golden, check, why string
}{
	{"minimal", "container-image-pull-policy", "names a version and no policy: Kubernetes' own default lets a pod start while the registry is away"},
	{"minimal", "container-resources", "says nothing of resources, and nobody else can know"},
	{"minimal", "container-ephemeral-storage-request-and-limit", "the same"},
	{"minimal", "pod-probes", "nothing to ask: neither agent nor HTTP"},
	{"agent-disabled-worker", "pod-probes", "nothing to ask: neither agent nor HTTP"},
	{"network-unmanaged", "pod-networkpolicy", "wants no policy"},
	{"pod", "container-image-pull-policy", "wants another policy, and its image is a digest"},
	{"security", "container-security-context-readonlyrootfilesystem", "wants to write to it"},
	{"spread", "deployment-has-poddisruptionbudget", "wants no budget"},
	{"vm-default", "container-resources", "wants no CPU limit: a BEAM may take what is idle"},
}

// critical is kube-score's grade of what it takes for wrong.
const critical = 1

// Nothing in a golden is critical in kube-score's eyes, but for what is accepted; and
// all that is accepted is still there.
func TestKubeScoreFindsNothingCritical(t *testing.T) {
	if testing.Short() {
		t.Skip("builds kube-score, and -short was asked for")
	}
	bin := kubeScore(t)
	for _, g := range plantest.Goldens(t, testdata) {
		t.Run(g.Name, func(t *testing.T) {
			var allowed []string
			for _, a := range accepted {
				if a.golden == g.Name {
					allowed = append(allowed, a.check)
				}
			}
			found := map[string]bool{}
			for _, o := range score(t, bin, g.Objects) {
				for _, c := range o.Checks {
					if c.Skipped || c.Grade != critical {
						continue
					}
					found[c.Check.ID] = true
					if !slices.Contains(allowed, c.Check.ID) {
						t.Errorf("%s: %s: %+v", o.ObjectName, c.Check.ID, c.Comments)
					}
				}
			}
			for _, check := range allowed {
				if !found[check] {
					t.Errorf("%s is accepted here, and is not found any more: take it off the list", check)
				}
			}
		})
	}
}

// kubeScore builds the tool, once for each content of Go's own cache, and says where it is.
func kubeScore(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "-C", "../../../test/kubescore", "tool", "-n", "kube-score")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("build kube-score: %v\n%s", err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// scored is one object as kube-score's JSON has it.
type scored struct {
	ObjectName string `json:"object_name"`
	Checks     []struct {
		Check struct {
			ID string `json:"id"`
		} `json:"check"`
		Grade    int  `json:"grade"`
		Skipped  bool `json:"skipped"`
		Comments []struct {
			Path, Summary, Description string
		} `json:"comments"`
	} `json:"checks"`
}

func score(t *testing.T, bin string, objects []byte) []scored {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), bin, "score", "--output-format", "json", "-")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(objects), &stderr
	out, err := cmd.Output()
	// Its status is 1 where something is critical: that is ours to judge.
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("kube-score: %v\n%s", err, stderr.String())
	}
	var all []scored
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("kube-score: %v\n%s%s", err, out, stderr.String())
	}
	if len(all) == 0 {
		t.Fatal("kube-score saw no object")
	}
	return all
}

// What `phial init` writes, and an example shows, is where teams begin: nothing of it is
// critical, and nothing is accepted.
func TestKubeScoreFindsNothingCriticalInTheExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("builds kube-score, and -short was asked for")
	}
	bin := kubeScore(t)
	files, err := filepath.Glob("../../../examples/*/phial.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no example has a phial.yaml: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var app v1alpha1.BeamApp
		if err := yaml.UnmarshalStrict(b, &app); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		p, err := plan.New(&app, plan.Options{})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var objects bytes.Buffer
		if err := plan.Encode(&objects, p.Objects()); err != nil {
			t.Fatal(err)
		}
		for _, o := range score(t, bin, objects.Bytes()) {
			for _, c := range o.Checks {
				if !c.Skipped && c.Grade == critical {
					t.Errorf("%s: %s: %s: %+v", file, o.ObjectName, c.Check.ID, c.Comments)
				}
			}
		}
	}
}
