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
	dir := filepath.Join(t.TempDir(), "deploy")
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
	shell("phial render --cookie-command examples/tally | sh -e")
	if n := shell("kubectl get secret tally-cookie -o jsonpath='{.data.cookie}' | base64 -d | wc -c"); strings.TrimSpace(n) != "64" {
		t.Errorf("the command makes a cookie of %s bytes", n)
	}

	// Files are applied as the stream is.
	shell("phial render examples/tally --output-dir " + dir + " 2>/dev/null && kubectl apply --server-side -k " + dir)
	if again := shell(versions); again != before {
		t.Errorf("applied as files it is\n%s, not\n%s", again, before)
	}
}
