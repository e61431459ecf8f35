package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/kubetest"
)

// What render writes, an API server takes, by the very line that people are shown; and it
// takes it again without a change.
func TestRenderedIsApplied(t *testing.T) {
	cluster := kubetest.Start(t)
	shell := func(script string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = append(os.Environ(), "KUBECONFIG="+cluster.Kubeconfig, "HOME="+t.TempDir(),
			"PATH="+filepath.Dir(cluster.Programs.Kubectl())+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
	out := shell("phial render -f examples/tally/phial.yaml | kubectl apply --dry-run=server -f -")
	if !strings.Contains(out, "deployment.apps/tally created (server dry run)") {
		t.Errorf("the Deployment was not judged:\n%s", out)
	}
	shell("phial render examples/tally | kubectl apply --server-side -f -")
	versions := "kubectl get serviceaccounts,services,deployments,networkpolicies,poddisruptionbudgets -o jsonpath='{range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{\"\\n\"}{end}'"
	before := shell(versions)
	shell("phial render examples/tally | kubectl apply --server-side -f -")
	if after := shell(versions); after != before || !strings.Contains(after, "Deployment tally ") {
		t.Errorf("applied again it is\n%s, not\n%s", after, before)
	}

	// The cookie's Secret is made by the line that render writes.
	line := ""
	for l := range strings.Lines(shell("phial render examples/tally 2>&1 >/dev/null")) {
		if _, command, ok := strings.Cut(l, "make it once: "); ok {
			line = command
		}
	}
	shell(line)
	if n := shell("kubectl get secret tally-cookie -o jsonpath='{.data.cookie}' | base64 -d | wc -c"); strings.TrimSpace(n) != "64" {
		t.Errorf("%s makes a cookie of %s bytes", line, n)
	}
}
