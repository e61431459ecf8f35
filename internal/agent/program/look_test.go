package program

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/internal/agent/foreign"
)

// A probe pod prints its answer and nothing else, and the cookie nowhere.
func TestProbe(t *testing.T) {
	const cookie = "a-cookie-that-must-not-be-seen"
	m := erltest.StartMesh(t, erltest.MeshOptions{Size: 2, Cookie: dist.NewCookie(cookie)})
	task := foreign.Task{EPMDPort: m.EPMD.Port(), TimeoutMS: 10_000}
	for _, n := range m.Names() {
		_, ip, _ := strings.Cut(n, "@")
		task.Pods = append(task.Pods, foreign.Pod{Name: "pod", IP: ip, Node: n})
	}
	text, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cookie")
	if status, out, err := call1(nil, "probe", "--cookie-file", file, string(text)); status != 2 || out != "" || !strings.Contains(err, "no such file") {
		t.Errorf("without the file: %d, %q, %q", status, out, err)
	}
	if err := os.WriteFile(file, []byte(cookie+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, stderr := call1(nil, "probe", string(text), "--cookie-file", file)
	var a foreign.Answer
	if err := json.Unmarshal([]byte(out), &a); err != nil || status != 0 || stderr != "" || !a.Report.Full() {
		t.Errorf("%d, %v, %q, %q", status, err, out, stderr)
	}
	if strings.Contains(out+stderr, cookie) {
		t.Error("the cookie is shown")
	}
	if status, out, stderr := call1(nil, "probe", `{"pods":[]}`, "--cookie-file", file); status != 2 || out != "" || !strings.Contains(stderr, "there is no pod") {
		t.Errorf("no pods: %d, %q, %q", status, out, stderr)
	}
}
