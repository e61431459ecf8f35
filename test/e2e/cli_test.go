package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/phialdev/phial/internal/cli"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/report"
	"github.com/phialdev/phial/test/e2e/stage"
)

// said is what a run of the command line wrote.
type said struct {
	code     int
	out, err string
}

// shared is written to and read by several.
type shared struct {
	mu    sync.Mutex
	b     bytes.Buffer
	heard func(text string) // of each write
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard != nil {
		s.heard(string(p))
	}
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// run is a run of `phial` in this process, as whom a kubeconfig says.
func run(ctx context.Context, kubeconfig string, heard func(string), args ...string) said {
	var out shared
	stderr := shared{heard: heard}
	args = append(args, "--kubeconfig", kubeconfig)
	code := cli.Run(ctx, &term.IO{In: strings.NewReader(""), Out: &out, Err: &stderr, Width: 120}, args)
	return said{code, out.String(), stderr.String()}
}

// sight reads the JSON of `phial mesh`, and holds it against the schema.
func sight(t *testing.T, r said) report.Sight {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(ready.root, "docs/reference/mesh.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(r.out))
	if err != nil {
		t.Fatalf("status %d: %v\n%s%s", r.code, err, r.out, r.err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, r.out)
	}
	var s report.Sight
	if err := json.Unmarshal([]byte(r.out), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// lookWithin is the time for a look to show what there is, on a machine that is busy with other tests.
const lookWithin = 2 * time.Minute

// lacks says where a run ended otherwise or did not say something.
func (r said) lacks(code int, parts ...string) error {
	if r.code != code || !contains(r.out+r.err, parts...) {
		return fmt.Errorf("status %d, want %d and %q:\n%s%s", r.code, code, parts, r.out, r.err)
	}
	return nil
}

// wants fails the test where a run ended otherwise or did not say something.
func (r said) wants(t *testing.T, code int, parts ...string) {
	t.Helper()
	if err := r.lacks(code, parts...); err != nil {
		t.Error(err)
	}
}

// noCookie fails the test where a secret of the app's is shown.
func (r said) noCookie(t *testing.T, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(r.out+r.err, s) {
			t.Error("a secret is shown")
		}
	}
}

// as is a kubeconfig of somebody else, by impersonation.
func as(t *testing.T, s *stage.Stage, user string) string {
	t.Helper()
	text, err := os.ReadFile(s.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text = bytes.Replace(text, []byte("user: {client-certificate-data"), []byte("user: {as: "+user+", client-certificate-data"), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// `phial mesh` and `phial why` by the agents of an app: whole, seen by people who may
// not, and with one replica cut off.
func TestCLIByAgents(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	phial := func(args ...string) said {
		r := run(t.Context(), s.Kubeconfig, nil, append(args, "-n", a.Namespace)...)
		r.noCookie(t, a.Secrets...)
		return r
	}

	begun := time.Now()
	r := phial("mesh")
	t.Logf("phial mesh took %.1f s:\n%s", time.Since(begun).Seconds(), r.out)
	r.wants(t, term.OK, "One full mesh of 3", "GATE", "open", pods[0].Name, pods[1].Name, pods[2].Name)
	whole := sight(t, phial("mesh", "-o", "json", "--app", "tally"))
	if len(whole.Agents) != 3 || whole.From == "" || len(whole.Nodes) != 3 || whole.Nodes[0].Replica == "" {
		t.Errorf("%+v", whole)
	}
	for i, g := range whole.Agents {
		if g.Gate != report.GateOpen || !g.Joined || g.Cookie != "expected" || g.Replica != pods[i].Name || g.Node != "tally@"+pods[i].IP || g.AgentSeconds <= 0 {
			t.Errorf("%+v", g)
		}
	}
	var why struct {
		Link   string
		Traces []mesh.Trace
	}
	r = phial("why", pods[0].Name, "tally@"+pods[1].IP, "-o", "json")
	if err := json.Unmarshal([]byte(r.out), &why); err != nil || r.code != term.OK || why.Link != "up" || len(why.Traces) != 2 ||
		why.Traces[0].Place != "tally@"+pods[0].IP || why.Traces[1].Place != "tally@"+pods[1].IP {
		t.Errorf("status %d, %v: %s%s", r.code, err, r.out, r.err)
	}
	phial("why", pods[0].Name, pods[1].Name).wants(t, term.OK, "are connected", pods[0].Name+"'s own network", pods[1].Name+"'s own network")
	watched(t, a)
	completed(t, a, pods)
	refusals(t, a)
	cutPair(t, a, pods, phial)
	cutOff(t, a, pods, phial)
}

// watched looks again and again, a document a line, until it is interrupted: here at the
// third.
func watched(t *testing.T, a *stage.App) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	const want = 3
	lines := 0
	out := shared{heard: func(text string) {
		if lines += strings.Count(text, "\n"); lines >= want {
			cancel()
		}
	}}
	var stderr shared
	args := []string{"mesh", "-n", a.Namespace, "--watch", "--interval", "500ms", "-o", "json", "--kubeconfig", a.Kubeconfig}
	code := cli.Run(ctx, &term.IO{In: strings.NewReader(""), Out: &out, Err: &stderr, Width: 120}, args)
	documents := strings.Split(strings.TrimSpace(out.String()), "\n")
	if code != term.OK || len(documents) < want {
		t.Errorf("status %d, %d documents: %s", code, len(documents), stderr.String())
	}
	for _, d := range documents {
		if s := sight(t, said{out: d}); !s.Good() {
			t.Errorf("%s", d)
		}
	}
}

// completed asks what the shell asks at the Tab key.
func completed(t *testing.T, a *stage.App, pods []stage.Pod) {
	t.Helper()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"mesh", "--kubeconfig", a.Kubeconfig, "--namespace", ""}, a.Namespace},
		{[]string{"mesh", "--kubeconfig", a.Kubeconfig, "-n", a.Namespace, "--app", ""}, "tally"},
		{[]string{"why", "--kubeconfig", a.Kubeconfig, "--context", ""}, "phial-test"},
		{[]string{"why", "--kubeconfig", a.Kubeconfig, "-n", a.Namespace, pods[0].Name, ""}, pods[1].Name},
	} {
		var out, stderr shared
		cli.Run(t.Context(), &term.IO{In: strings.NewReader(""), Out: &out, Err: &stderr}, append([]string{"__complete"}, tt.args...))
		if !slices.Contains(strings.Split(out.String(), "\n"), tt.want) {
			t.Errorf("%q: %s%s", tt.args, out.String(), stderr.String())
		}
	}
}

// refusals are what people are told who may not look, or look in the wrong place.
func refusals(t *testing.T, a *stage.App) {
	t.Helper()
	run(t.Context(), a.Kubeconfig, nil, "mesh", "-n", "nowhere").wants(t, term.Cannot, "there is no namespace nowhere")
	run(t.Context(), a.Kubeconfig, nil, "mesh", "-n", a.Namespace, "--app", "shop").wants(t, term.Cannot, "no pods of an app shop; it has pods of tally")
	run(t.Context(), a.Kubeconfig, nil, "mesh", "--context", "prod").wants(t, term.Cannot, `no context "prod"; there are phial-test`)
	nobody := as(t, a.Stage, "nobody")
	run(t.Context(), nobody, nil, "mesh", "-n", a.Namespace).wants(t, term.Cannot, "nobody is not allowed to", a.Namespace, `"list" on "pods"`)
	const role = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: watcher}
rules: [{apiGroups: [""], resources: [pods], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: watcher}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: watcher}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: watcher}]
`
	if _, _, err := a.Kubectl(t.Context(), []byte(role), "apply", "-n", a.Namespace, "-f", "-"); err != nil {
		t.Fatal(err)
	}
	watcher := as(t, a.Stage, "watcher")
	run(t.Context(), watcher, nil, "mesh", "-n", a.Namespace).wants(t, term.Cannot, "watcher is not allowed to", `"create" on "pods/exec"`)
}

// cutPair cuts one pair, which a third replica reaches, and looks.
func cutPair(t *testing.T, a *stage.App, pods []stage.Pod, phial func(...string) said) {
	t.Helper()
	one, other := pods[0], pods[1]
	mend := cut(t, a.Stage, kubetest.Cut{From: one.IP, To: other.IP, Ports: distribution})
	dropLinks(t, a, one, pods[1:2])
	r := phial("mesh")
	t.Log(r.out)
	r.wants(t, term.Findings, "No full mesh", "tally@"+one.IP, "tally@"+other.IP, "gives no answer")
	seen := sight(t, phial("mesh", "-o", "json"))
	for _, n := range seen.Nodes {
		if !n.Reached { // the third looks, and it reaches both
			t.Errorf("%s was not reached from %s", n.Name, seen.From)
		}
	}
	if seen.From != pods[2].Name {
		t.Errorf("%s looked, which does not reach all", seen.From)
	}
	phial("why", one.Name, other.Name).wants(t, term.Findings, "are not connected", "✗ epmd", one.Name+"'s own network", other.Name+"'s own network")
	mend()
	meshed(t, a, 3)
}

// cutOff cuts one replica's distribution off, and looks.
func cutOff(t *testing.T, a *stage.App, pods []stage.Pod, phial func(...string) said) {
	t.Helper()
	one, rest := pods[2], pods[:2]
	mend := cut(t, a.Stage, kubetest.Cut{From: one.IP, To: rest[0].IP, Ports: distribution}, kubetest.Cut{From: one.IP, To: rest[1].IP, Ports: distribution})
	dropLinks(t, a, one, rest)
	await(t, "the smaller island closes", 30*time.Second, func(ctx context.Context) error {
		v, err := view(ctx, a, one.Name)
		if err == nil && v.Ready {
			err = context.DeadlineExceeded
		}
		return err
	})
	// A node that a busy machine keeps from answering is looked past, and the gate opens meanwhile: so the looks are
	// taken again.
	var seen report.Sight
	await(t, "the closed gate is shown", lookWithin, func(context.Context) error {
		r := phial("mesh")
		if err := r.lacks(term.Findings, one.Name+": gate closed: ", "No full mesh", "does not answer"); err != nil {
			return err
		}
		t.Log(r.out)
		seen = sight(t, phial("mesh", "-o", "json"))
		i := slices.IndexFunc(seen.Agents, func(g report.Agent) bool { return g.Replica == one.Name })
		if i < 0 || seen.Agents[i].Gate != report.GateClosed || seen.Agents[i].Reason == "" {
			return fmt.Errorf("%+v", seen)
		}
		return nil
	})
	if len(seen.Findings) == 0 || !slices.Contains(seen.Findings[0].Replicas, one.Name) {
		t.Errorf("%+v", seen)
	}
	r := phial("why", one.Name, rest[0].Name)
	t.Log(r.out)
	r.wants(t, term.Findings, "are not connected", "✗ epmd")
	mend()
	meshed(t, a, 3)
}
