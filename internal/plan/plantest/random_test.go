package plantest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/plan/plantest"
)

// Whatever options come together: the server takes the BeamApp, and every object that it
// stands for.
func TestServerTakesRandomApps(t *testing.T) {
	c, ctx := server(t), t.Context()
	rapid.Check(t, func(t *rapid.T) {
		app := plantest.Apps().Draw(t, "app")
		input, err := json.Marshal(app)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(app, plan.Options{AgentImage: rapid.SampledFrom([]string{"", "phial-agent:1"}).Draw(t, "agent image")})
		if err != nil {
			t.Fatal(err)
		}
		var objects bytes.Buffer
		if err := plan.Encode(&objects, p.Objects()); err != nil {
			t.Fatal(err)
		}
		for _, stream := range [][]byte{input, objects.Bytes()} {
			if _, err := c.Apply(ctx, stream, true); err != nil {
				t.Fatalf("%v\n%s", err, stream)
			}
		}
	})
}

// The command that makes the cookie's Secret works as it stands in the warning: a shell
// runs it, with a cookie of the test's own in place of a random one.
func TestCookieCommandMakesTheSecret(t *testing.T) {
	c := kubetest.Shared(t)
	bin := t.TempDir()
	if err := os.Symlink(c.Programs.Kubectl(), filepath.Join(bin, "kubectl")); err != nil {
		t.Fatal(err)
	}
	const random, cookie = "openssl rand -hex 32", "0123456789abcdef"
	line := plan.CookieSource{SecretName: "made-by-hand", AgentKey: true}.Command("default")
	if strings.Count(line, random) != 2 {
		t.Fatalf("the command does not make two random values with %s: %s", random, line)
	}
	sh := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, random, "echo "+cookie))
	sh.Env = []string{"KUBECONFIG=" + c.Kubeconfig, "PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + bin}
	if out, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const made = "/api/v1/namespaces/default/secrets/made-by-hand"
	defer func() {
		if _, _, err := c.Do(t.Context(), http.MethodDelete, made, "", nil); err != nil {
			t.Error(err)
		}
	}()
	answer, err := c.Get(t.Context(), made)
	if err != nil {
		t.Fatal(err)
	}
	var secret struct{ Data map[string]string }
	if err := json.Unmarshal(answer, &secret); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{plan.CookieKey, plan.AgentKey} {
		if got, err := base64.StdEncoding.DecodeString(secret.Data[key]); err != nil || string(got) != cookie {
			t.Errorf("the Secret holds %d characters under %s, want the %d that were made (%v)", len(got), key, len(cookie), err)
		}
	}
}
