package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/internal/cli/term"
)

const nodesCookie = "a-cookie-that-must-not-be-seen"

// nodes are three fake nodes, and what makes phial look at them.
func nodes(t *testing.T) (*erltest.Mesh, []string) {
	t.Helper()
	m := erltest.StartMesh(t, erltest.MeshOptions{Size: 3, Cookie: dist.NewCookie(nodesCookie)})
	file := filepath.Join(t.TempDir(), "cookie")
	if err := os.WriteFile(file, []byte(nodesCookie+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return m, []string{"--cookie-file", file, "--epmd-port", strconv.Itoa(m.EPMD.Port()), "--timeout", "10s"}
}

// phial runs the command line in this process.
func phial(t *testing.T, args ...string) (code int, out, stderr string) {
	t.Helper()
	var o, e safeBuffer
	code = Run(t.Context(), &term.IO{In: strings.NewReader(""), Out: &o, Err: &e, Width: 100}, args)
	if strings.Contains(o.String()+e.String(), nodesCookie) {
		t.Errorf("phial %v shows the cookie", args)
	}
	return code, o.String(), e.String()
}

// safeBuffer may be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestMeshOfNodesElsewhere(t *testing.T) {
	m, flags := nodes(t)
	names := m.Names()
	mesh := func(more ...string) []string {
		return append(append([]string{"mesh", "--node", names[0]}, flags...), more...)
	}
	schema, err := jsonschema.NewCompiler().Compile("../../docs/reference/mesh.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	holds := func(text string) {
		t.Helper()
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}

	// One is given, and all that it knows are looked at.
	code, out, stderr := phial(t, mesh("-o", "json")...)
	if code != term.OK {
		t.Errorf("full mesh: status %d\n%s%s", code, out, stderr)
	}
	holds(out)
	for _, n := range names {
		if !strings.Contains(out, n) {
			t.Errorf("%s is not in\n%s", n, out)
		}
	}
	if code, out, _ := phial(t, mesh()...); code != term.OK || !strings.Contains(out, "One full mesh of 3") {
		t.Errorf("status %d\n%s", code, out)
	}

	m.Cut(names[1], names[2])
	code, out, _ = phial(t, mesh("-o", "json")...)
	if code != term.Findings {
		t.Errorf("a link cut: status %d", code)
	}
	holds(out)
	args := append([]string{"why", names[1], names[2], "-o", "json"}, flags...)
	var why struct{ Link string }
	code, out, stderr = phial(t, args...)
	if err := json.Unmarshal([]byte(out), &why); err != nil || code != term.Findings || why.Link != "down" {
		t.Errorf("why: status %d, %v\n%s%s", code, err, out, stderr)
	}

	if err := m.Node(names[2]).Fail(erltest.Faults{Refused: true}); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := phial(t, append(mesh("-o", "json"), "--node", names[2])...); code != term.Findings || !strings.Contains(out, `"reached": false`) {
		t.Errorf("one that refuses: status %d\n%s", code, out)
	} else {
		holds(out)
	}
}

func TestAloneIsSaid(t *testing.T) {
	m, flags := nodes(t)
	names := m.Names()
	for _, other := range names[1:] {
		m.Cut(names[0], other)
	}
	code, _, stderr := phial(t, append([]string{"mesh", "--node", names[0]}, flags...)...)
	if code != term.OK || !strings.Contains(stderr, "connected to nobody") {
		t.Errorf("status %d: %s", code, stderr)
	}
}

// --watch looks until it is interrupted, and its status is that of the last look.
func TestWatch(t *testing.T) {
	m, flags := nodes(t)
	names := m.Names()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, stderr safeBuffer
	done := make(chan int, 1)
	go func() {
		args := append([]string{"mesh", "--watch", "--interval", "50ms", "-o", "json", "--node", names[0], "--node", names[1], "--node", names[2]}, flags...)
		done <- Run(ctx, &term.IO{In: strings.NewReader(""), Out: &out, Err: &stderr}, args)
	}()
	lines := func(text string) int { return strings.Count(out.String(), text) }
	wait := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: never\n%s%s", what, out.String(), stderr.String())
			}
		}
	}
	const whole, broken = `"links":{"expected":3,"up":3,`, `"links":{"expected":3,"up":2,`
	wait("two whole looks", func() bool { return lines(whole) >= 2 })
	m.Cut(names[0], names[1])
	wait("a look that finds it", func() bool { return lines(broken) >= 1 })
	cancel()
	if code := <-done; code != term.Findings {
		t.Errorf("status %d, want that of the last look", code)
	}
	for line := range strings.Lines(out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a document: %s", line)
		}
	}
}
