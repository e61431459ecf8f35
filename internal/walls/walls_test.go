package walls

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/phialdev/phial"

// A room is a folder of the module, with everything below it.
type room string

func (r room) holds(pkg string) bool {
	p := module + "/" + string(r)
	return pkg == p || strings.HasPrefix(pkg, p+"/")
}

// A wall says which rooms of ours a room's code (tests apart) may import, and
// why the wall stands where it does.
type wall struct {
	room room
	may  []room
	why  string
}

// walls has a row for every room. A package below none of them fails the test:
// a new room is a decision, and this table is its record.
var walls = []wall{
	{"erlang", []room{"erlang"},
		"a public library: useful to others without the rest of Phial, so it knows nothing of it"},
	{"elixir", nil,
		"a public library: Elixir's syntax for anybody, so it knows nothing of the rest of Phial"},
	{"api", nil,
		"the resource as a team writes it: types, defaults and rules, no logic, so that anybody may import it"},
	{"deploy/crd", nil,
		"generated from api, embedded as it is installed"},
	{"internal/apidoc", []room{"api"},
		"the reference page of the resource, written from its definition; part of no binary"},
	{"internal/plan", []room{"api", "internal/beam", "internal/finding", "internal/mesh", "internal/spell"},
		"pure: a BeamApp in, values out; every engine runs the same ones"},
	{"internal/spell", nil,
		"guesses what a misspelt name was meant to be, for whoever refuses one"},
	{"internal/manifest", []room{"api", "deploy/crd", "internal/beam", "internal/spell"},
		"reads files with positions; knows what a document says, not what follows from it"},
	{"internal/beam", nil,
		"the one home of the BEAM's strings: everybody reads it, it reads nobody"},
	{"internal/finding", nil,
		"the one catalogue of findings: every surface shows it, so it may depend on none"},
	{"internal/version", nil,
		"which build this is, for every program and whoever says it"},
	{"internal/host", nil,
		"what several rooms need of the machine they run on; knows none of them"},
	{"internal/release", []room{"internal/host"},
		"a release as mix makes it, read or built; what is made of it is others' business"},
	{"internal/image", []room{"internal/beam", "internal/finding", "internal/host", "internal/project", "internal/release", "internal/spell"},
		"turns a release into an image and brings it somewhere; prints nothing and knows no command line"},
	{"internal/mesh", []room{"internal/beam", "internal/finding"},
		"pure: the same graph serves prediction, observation and simulation, so nothing that dials may be near it"},
	{"internal/probe", []room{"erlang", "internal/beam", "internal/finding", "internal/mesh"},
		"the only room that dials the BEAM; it fills the mesh's types and knows no surface"},
	{"internal/agent", []room{"erlang", "internal/beam", "internal/finding", "internal/mesh", "internal/probe", "internal/version"},
		"runs beside a node in every pod: small, and ignorant of engines and terminals"},
	{"internal/engine/local", []room{"api", "erlang", "internal/beam", "internal/finding", "internal/host", "internal/mesh", "internal/plan", "internal/probe", "internal/agent", "internal/release"},
		"an engine runs what it is told; it prints nothing and knows no command line"},
	{"internal/project", []room{"elixir", "internal/beam"},
		"facts about a source tree, for whoever asks; it knows nothing of what is made of them"},
	{"internal/advise", []room{"internal/beam", "internal/project"},
		"weighs facts and answers: the same ones give the same advice, whoever asks"},
	{"internal/checklist", []room{"internal/advise", "internal/beam", "internal/finding", "internal/project"},
		"says what follows from what others have read and run: it opens no file and runs nothing"},
	{"internal/envsh", []room{"internal/beam"},
		"follows a script without running it: nothing of the machine is near it"},
	{"internal/intent", []room{"internal/beam", "internal/envsh", "internal/manifest", "internal/mesh", "internal/project"},
		"the one place where manifests and a source tree are read together; what comes of it is mesh's"},
	{"internal/scaffold", []room{"api", "internal/beam", "internal/project"},
		"turns facts into files, and neither reads nor writes one: the command line shows them first"},
	{"internal/check", []room{"internal/beam", "internal/envsh", "internal/finding", "internal/manifest", "internal/mesh", "internal/project", "internal/spell"},
		"rules over what others have read: it opens no file, so that an editor, an operator and a test can ask it alike"},
	{"internal/report", []room{"internal/beam", "internal/check", "internal/finding", "internal/manifest", "internal/mesh", "internal/spell"},
		"turns values into text; asks nobody for anything"},
	{"internal/cli", []room{"api", "deploy/crd", "erlang", "internal"},
		"the surface: it may call every room, and no room may call it"},
	{"internal/bench", []room{"api", "deploy/crd", "erlang", "internal", "test/e2e"},
		"measures the product from outside; nothing imports it"},
	{"internal/testkit", nil,
		"what the harnesses of real things share; knows none of them"},
	{"internal/kubetest", []room{"internal/testkit"},
		"a real Kubernetes for tests; it judges what others render, so it knows nothing of Phial's own; never part of a binary"},
	{"internal/beamtest", []room{"erlang", "internal/beam", "internal/testkit"},
		"real BEAM nodes for tests; never part of a binary"},
	{"test/e2e/load", nil,
		"a load generator for tests, from an empty image: the standard library alone"},
	{"test/e2e/ingress", []room{"internal/testkit"},
		"an ingress controller for tests; it is somebody else's, and knows nothing of Phial"},
	{"test/e2e", []room{"api", "deploy/crd", "erlang", "internal"},
		"the product as a team uses it, on a real Kubernetes; nothing imports it"},
	{"internal/walls", nil, "this test"},
	{"cmd/phial", []room{"internal/cli"},
		"one line that calls the command line"},
	{"cmd/phial-agent", []room{"internal/agent"},
		"one line that calls the agent"},
}

// closed lists what may not be reached at all, however far down, from a room.
var closed = []struct {
	from     room
	packages []string // import path prefixes
	why      string
}{
	{"internal/mesh", []string{"net", "net/http", "os", "time/tzdata", "math/rand", "math/rand/v2", "crypto/rand"},
		"pure: no client, no clock, no randomness"},
	{"internal/plan", []string{"k8s.io/client-go", "sigs.k8s.io/controller-runtime", "github.com/spf13/cobra"},
		"pure: no client"},
	{"internal/finding", []string{"net", "net/http", "os", "math/rand", "math/rand/v2"},
		"pure: values and texts"},
	{"internal/project", []string{"os", "net", "net/http", "os/exec", "k8s.io"},
		"it reads the tree that it is given, and runs nothing of it"},
	// os is reached by the shell's parser, through internal/envsh.
	{"internal/check", []string{"net/http", "os/exec", "k8s.io/client-go", "math/rand", "math/rand/v2"},
		"pure: it is handed texts and says what is wrong with them"},
	{"internal/advise", []string{"os", "net", "net/http", "os/exec", "k8s.io", "math/rand", "math/rand/v2"},
		"pure: the same facts and answers give the same advice"},
	{"internal/checklist", []string{"os", "net", "net/http", "os/exec", "k8s.io", "math/rand", "math/rand/v2"},
		"pure: it is told what was run"},
	{"internal/envsh", []string{"net/http", "os/exec", "math/rand", "math/rand/v2", "crypto/rand", "mvdan.cc/sh/v3/interp"},
		"pure: no command is run"},
	{"internal/scaffold", []string{"os", "net", "net/http", "os/exec", "math/rand", "math/rand/v2", "crypto/rand"},
		"pure: the same facts give the same files"},
	{"internal/agent", []string{"k8s.io", "sigs.k8s.io", module + "/internal/engine"},
		"the agent goes into every pod: it links no Kubernetes package"},
	{"internal/probe", []string{"k8s.io", "sigs.k8s.io"},
		"only operator, cli and tests hold a Kubernetes client"},
	{"cmd/phial", []string{module + "/internal/beamtest", module + "/erlang/erltest", "testing"},
		"no test support in the product's binary"},
	{"cmd/phial-agent", []string{"k8s.io", "sigs.k8s.io", "github.com/spf13/cobra", "os/exec", "testing",
		module + "/internal/beamtest", module + "/erlang/erltest", module + "/internal/engine", module + "/internal/cli"},
		"it goes into every pod: under 10 MB, no Kubernetes package, no shell, no test support"},
}

// direct lists what only the named rooms may import themselves, with everything below it.
var direct = []struct {
	pkg  string
	only []room
	why  string
}{
	{module + "/erlang/dist", []room{"erlang", "internal/probe", "internal/agent", "internal/engine/local", "internal/cli", "internal/bench"},
		"only probe, and what calls it, dials the BEAM (they name its Config and Cookie)"},
	{module + "/erlang/erltest", []room{"erlang", "internal/bench"},
		"fake nodes are for tests and measurements"},
	{"github.com/spf13/cobra", []room{"internal/cli", "cmd/phial"},
		"flags stay in the command line's room"},
	{"k8s.io/client-go", []room{"internal/cli/cluster", "internal/operator", "internal/kubetest", "test/e2e"},
		"only operator, cli and tests hold a Kubernetes client, and of the command line one room"},
	{"github.com/miekg/dns", []room{"internal/engine/local"},
		"one DNS server, in the engine that needs one"},
}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

func packages(t *testing.T) []pkg {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps,Standard", module+"/...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	for _, p := range packages(t) {
		i := slices.IndexFunc(walls, func(w wall) bool { return w.room.holds(p.ImportPath) })
		if i < 0 {
			t.Errorf("%s stands in no room of the table: give it one, with the reason", p.ImportPath)
			continue
		}
		r := walls[i]
		for _, imp := range p.Imports {
			if !strings.HasPrefix(imp, module+"/") || r.room.holds(imp) {
				continue
			}
			if !slices.ContainsFunc(r.may, func(m room) bool { return m.holds(imp) }) {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, r.why)
			}
		}
	}
}

func TestPublicLibrariesAreStandardLibraryOnly(t *testing.T) {
	for _, public := range []room{"erlang", "elixir"} {
		for _, p := range packages(t) {
			if !public.holds(p.ImportPath) {
				continue
			}
			for _, d := range p.Deps {
				first, _, _ := strings.Cut(d, "/")
				if strings.Contains(first, ".") && !public.holds(d) {
					t.Errorf("%s reaches %s: %s/ is public and stands on the standard library alone", p.ImportPath, d, public)
				}
			}
		}
	}
}

func TestClosedDoors(t *testing.T) {
	for _, p := range packages(t) {
		for _, c := range closed {
			if !c.from.holds(p.ImportPath) {
				continue
			}
			for _, bad := range c.packages {
				if reaches(p, bad, c.from) {
					t.Errorf("%s reaches %s: %s", p.ImportPath, bad, c.why)
				}
			}
		}
		for _, d := range direct {
			below := func(imp string) bool { return imp == d.pkg || strings.HasPrefix(imp, d.pkg+"/") }
			if slices.ContainsFunc(p.Imports, below) && !slices.ContainsFunc(d.only, func(r room) bool { return r.holds(p.ImportPath) }) {
				t.Errorf("%s imports %s: %s", p.ImportPath, d.pkg, d.why)
			}
		}
	}
}

// reaches looks as far down as there are packages of somebody else's making;
// the standard library's own needs are not followed: fmt imports os, and that
// is no door of ours.
func reaches(p pkg, bad string, from room) bool {
	match := func(imp string) bool {
		return imp == bad || strings.HasPrefix(imp, bad+"/") && strings.Contains(bad, ".")
	}
	if strings.Contains(bad, ".") || strings.HasPrefix(string(from), "cmd/") {
		return slices.ContainsFunc(p.Deps, match)
	}
	return slices.ContainsFunc(p.Imports, match)
}

// The pure rooms may speak of durations, but they may not ask what time it is.
func TestPureRoomsHaveNoClock(t *testing.T) {
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}
	for _, dir := range []string{"../beam", "../finding", "../mesh", "../project", "../scaffold", "../check", "../advise", "../checklist"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no Go files in %s (%v)", dir, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			src, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(src, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, sel.Sel.Name) {
					t.Errorf("%s calls time.%s: pure rooms are told the time", f, sel.Sel.Name)
				}
				return true
			})
		}
	}
}

func TestEveryWallHasItsReason(t *testing.T) {
	for _, w := range walls {
		if w.why == "" {
			t.Errorf("room %s: a wall without a reason", w.room)
		}
	}
}
