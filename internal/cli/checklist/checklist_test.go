package checklist

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/cli/deployed"
	"github.com/phialdev/phial/internal/cli/initialize"
	"github.com/phialdev/phial/internal/cli/render"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
	"github.com/phialdev/phial/internal/manifest"
)

var update = flag.Bool("update", false, "write what is said into testdata")

func call(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	s := &term.IO{In: strings.NewReader(""), Out: &o, Err: &e, Width: 100}
	cmd := Command(s)
	cmd.SetArgs(args)
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err = cmd.ExecuteContext(t.Context())
	return o.String(), err
}

// Each case is a project, and what is said of it: want/text, and the exit status in the comment.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			path, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			var want []byte
			format := "text"
			status := 0
			if strings.Contains(string(a.Comment), "exits 1") {
				status = 1
			}
			kept := a.Files[:0:0]
			name := "want/text"
			for _, f := range a.Files {
				if rest, ok := strings.CutPrefix(f.Name, "want/"); ok {
					want, format, name = f.Data, rest, f.Name
					continue
				}
				kept = append(kept, f)
			}
			if err := txtar.Write(&txtar.Archive{Files: kept}, "."); err != nil {
				t.Fatal(err)
			}
			// Without the rules of phial check: what they say is theirs to test.
			var out bytes.Buffer
			err = run(t.Context(), &term.IO{Out: &out, Err: io.Discard, Width: 100}, options{dir: ".", format: format, rules: []*check.Rule{}})
			got := out.String()
			if code := term.Code(err); code != status {
				t.Errorf("exit status %d (%v), want %d", code, err, status)
			}
			if *update {
				a.Files = append(kept, txtar.File{Name: name, Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("(-want +got; -update writes it):\n%s", d)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"nowhere"}, "nowhere is not there"},
		{[]string{"file"}, "file is not a directory"},
		{[]string{}, "no mix project in .: there is no mix.exs; name its directory (phial checklist DIR)"},
		{[]string{"-o", "sarif"}, `unknown output format "sarif": use -o text, -o json or -o markdown`},
		{[]string{"--replicas", "3"}, "--replicas and --env-file are for --run: give it, too"},
		{[]string{"--env-file", ".env"}, "--replicas and --env-file are for --run: give it, too"},
		{[]string{"--base", "x"}, "--base is for --verify: give it, too"},
		{[]string{"--run", "--replicas", "1"}, "--replicas 1: several replicas are 2 to 50"},
	} {
		_, err := call(t, c.args...)
		if err == nil || err.Error() != c.want || term.Code(err) != term.Cannot {
			t.Errorf("%v: %v, want %s", c.args, err, c.want)
		}
	}
}

// The JSON counts what it lists.
func TestJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("mix.exs", []byte("defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: \"1.0.0\"]\n  def application, do: [mod: {A, []}]\nend\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := call(t, "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Name != "a" || r.Failed != r.Count(checklist.Failed) || r.NotKnown != r.Count(checklist.NotKnown) || r.Passed+r.Failed+r.NotKnown != len(r.Lines) {
		t.Errorf("%+v", r)
	}
}

// The projects of the repository's examples, each by itself, have no line that failed; nor have they with what init and
// render write beside them.
func TestExample(t *testing.T) {
	dirs, err := filepath.Glob("../../../examples/*/mix.exs")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, mix := range dirs {
		from, to := os.DirFS(filepath.Dir(mix)), t.TempDir()
		for _, name := range []string{"mix.exs", "mix.lock", "phial.yaml", "config", "lib", "rel"} {
			if info, err := fs.Stat(from, name); err == nil && info.IsDir() {
				part, err := fs.Sub(from, name)
				if err == nil {
					err = os.CopyFS(filepath.Join(to, name), part)
				}
				if err != nil {
					t.Fatal(err)
				}
			} else if text, err := fs.ReadFile(from, name); err == nil {
				if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		check := func(what string) string {
			out, err := call(t, to)
			if err != nil {
				t.Errorf("%s, %s: %v\n%s", mix, what, err, out)
			}
			return out
		}
		check("as it is")
		work(t, initialize.Command, to, "--yes", "--ci", "github")
		rendered := work(t, render.Command, filepath.Join(to, "phial.yaml"), "--agent-image", deployed.AgentImage)
		if err := os.Mkdir(filepath.Join(to, "k8s"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, "k8s", "app.yaml"), rendered, 0o644); err != nil {
			t.Fatal(err)
		}
		if out := check("with init's files and render's objects"); !strings.Contains(out, "passed     CI builds") || strings.Contains(out, "rendered:") {
			t.Errorf("%s:\n%s", mix, out)
		}
	}
}

// work runs another verb, and gives what it writes.
func work(t *testing.T, verb func(*term.IO) *cobra.Command, args ...string) []byte {
	t.Helper()
	var o, e bytes.Buffer
	cmd := verb(&term.IO{In: strings.NewReader(""), Out: &o, Err: &e, Width: 100})
	cmd.SetArgs(args)
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, e.Bytes())
	}
	return o.Bytes()
}

// What keeps an app from running is not the app's failure.
func TestCouldNotRun(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"mix.exs":    "defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: \"1.0.0\"]\n  def application, do: [mod: {A, []}]\nend\n",
		"phial.yaml": "apiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: a}\nspec: {imgae: x}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := call(t, "--run")
	var exit *term.ExitError
	if !errors.As(err, &exit) || exit.Code != term.Findings {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"failed     clustering is decided", "did you mean image?", "? phial checklist --run could not run:"} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
}

func TestNoticed(t *testing.T) {
	was := local.Pod{Ready: true, Restarts: 1}
	for _, c := range []struct {
		is   local.Pod
		want string
	}{
		{was, ""},
		{local.Pod{Ready: true, Restarts: 2}, "started anew"},
		{local.Pod{Restarts: 1}, "out of traffic"},
		{local.Pod{Ready: true, Restarts: 1, SilentSince: time.Unix(1, 0)}, "gets traffic last"},
	} {
		if got := noticed(was, c.is); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%+v: %q, want %q", c.is, got, c.want)
		}
	}
}

// What phial check finds is in the line that it is about.
func TestCheckIsAsked(t *testing.T) {
	a, err := txtar.ParseFile("testdata/manifests.txtar")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := txtar.Write(a, "."); err != nil {
		t.Fatal(err)
	}
	in, _, err := look(t.Context(), options{dir: "."})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range checklist.New(in).Lines {
		for _, i := range l.Items {
			if i.Code == "COO-02" {
				if l.ID != "cookie" || i.State != checklist.Failed || i.At.File != "k8s/app.yaml" {
					t.Errorf("%s: %+v", l.ID, i)
				}
				return
			}
		}
	}
	t.Error("the cookie in the manifest was not found")
}

// What phial render wrote beside phial.yaml is the same workload, and what tests need is none.
func TestWorkloadsAreListedOnce(t *testing.T) {
	const app = "apiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: shop}\nspec:\n  image: registry.example.com/shop:1\n"
	rendered, err := deployed.Rendered([]manifest.Source{{Name: "phial.yaml", Text: []byte(app)}}, manifest.ReadObjects(nil))
	if err != nil || len(rendered) != 1 {
		t.Fatal(rendered, err)
	}
	t.Chdir(t.TempDir())
	err = txtar.Write(&txtar.Archive{Files: []txtar.File{
		{Name: "mix.exs", Data: []byte("defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop]\nend\n")},
		{Name: "phial.yaml", Data: []byte(app)},
		{Name: "test/k8s/other.yaml", Data: []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: other}\nspec: {template: {spec: {containers: [{name: shop, image: shop}]}}}\n")},
	}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	list := func() (all []string) {
		in, _, err := look(t.Context(), options{dir: ".", rules: []*check.Rule{}})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range in.Workloads {
			all = append(all, w.Label+" "+w.At.File)
		}
		return all
	}
	if d := cmp.Diff([]string{"Deployment shop phial.yaml"}, list()); d != "" {
		t.Errorf("of phial.yaml (-want +got):\n%s", d)
	}
	if err := txtar.Write(&txtar.Archive{Files: []txtar.File{{Name: "k8s/app.yaml", Data: rendered[0].Text}}}, "."); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"Deployment shop k8s/app.yaml"}, list()); d != "" {
		t.Errorf("rendered beside it (-want +got):\n%s", d)
	}
}
