package advise

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/report"
	"github.com/phialdev/phial/internal/scaffold"
)

var update = flag.Bool("update", false, "write what is said into testdata")

// cases are the room's own.
var cases = func() string {
	dir, err := filepath.Abs("../../advise/testdata")
	if err != nil {
		panic(err)
	}
	return dir
}()

// unpack writes a case into a directory of its own and goes there.
func unpack(t *testing.T, name string) {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join(cases, name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := txtar.Write(a, "."); err != nil {
		t.Fatal(err)
	}
}

func call(t *testing.T, in io.Reader, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	s := &term.IO{In: in, Out: &o, Err: &e, Width: 100}
	cmd := Command(s)
	cmd.SetArgs(args)
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err = cmd.ExecuteContext(t.Context())
	return o.String(), e.String(), err
}

func TestTexts(t *testing.T) {
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		golden, project string
		args            []string
	}{
		{"stateless.txt", "stateless", nil},
		{"clustered.txt", "clustered", []string{"--kubernetes", "yes"}},
		{"machines.txt", "horde", []string{"--nodes", "fixed", "--count", "3", "--traffic", "heavy", "--kubernetes", "no"}},
		{"kafka.txt", "kafka", nil},
		{"ingest.txt", "ingest", nil},
		{"broadcast.txt", "broadcast", []string{"--traffic", "none"}},
		{"library.txt", "library", nil},
		{"computed.txt", "computed", []string{"--zones", "unknown"}},
		{"machines.md", "mnesia", []string{"--nodes", "fixed", "--count", "3", "--traffic", "heavy", "-o", "markdown"}},
		{"umbrella.md", "umbrella", []string{"--output", "markdown"}},
		{"clustered.json", "clustered", []string{"-o", "json"}},
	} {
		t.Run(c.golden, func(t *testing.T) {
			unpack(t, c.project)
			got, errs, err := call(t, strings.NewReader(""), append(c.args, "--yes")...)
			if err != nil || errs != "" {
				t.Fatalf("%v, %q", err, errs)
			}
			file := filepath.Join(testdata, c.golden)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
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
		{[]string{"."}, "no mix project in .: there is no mix.exs; name its directory (phial advise DIR)"},
		{[]string{"-o", "yaml"}, `unknown output format "yaml": use -o text, -o json or -o markdown`},
		{[]string{"--count", "few"}, "--count few: want a number of at least 1, or unknown"},
		{[]string{"--traffic", "lots"}, "--traffic lots: want none, some, heavy or unknown"},
	} {
		if _, _, err := call(t, strings.NewReader(""), c.args...); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.args, err, c.want)
		}
	}
}

// The questions are those that no flag has answered, in their order.
func TestAsk(t *testing.T) {
	for _, c := range []struct {
		name, typed string
		given       []string
		facts       advise.Facts
		want        advise.Answers
		asked       int
	}{
		{"all", "fixed\n3\nheavy\nstrict\n1\n2\nno\nyes\n", nil, advise.Facts{},
			advise.Answers{Nodes: "fixed", Count: 3, Traffic: "heavy", Latency: "strict", Regions: 1, Zones: 2, Kubernetes: "no", BinPacking: "yes"}, 8},
		{"beginnings of words", "F\n?\nh\n\n\n\ny\n", nil, advise.Facts{}, advise.Answers{Nodes: "fixed", Traffic: "heavy", Kubernetes: "yes"}, 8},
		{"again", "perhaps\nvarying\n-1\n2\n", nil, advise.Facts{}, advise.Answers{Nodes: "varying", Count: 2}, 5},
		{"the end", "", nil, advise.Facts{}, advise.Answers{}, 1},
		{"without a last newline", "fixed", nil, advise.Facts{}, advise.Answers{Nodes: "fixed"}, 2},
		{"what a flag has answered", "5\n", []string{"nodes", "traffic"}, advise.Facts{}, advise.Answers{Count: 5}, 2},
		{"what the project lets one expect", "\n\n\n\n\n\n\n\n", nil, advise.Facts{Seen: []advise.Seen{{Signal: "manifests"}}}, advise.Answers{Kubernetes: "yes"}, 8},
		{"which counts only when it is taken", "\n\n\n\n\n\n?\n\n", nil, advise.Facts{Seen: []advise.Seen{{Signal: "manifests"}}}, advise.Answers{}, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			o := options{answered: c.given}
			synctest.Test(t, func(t *testing.T) {
				s := &term.IO{In: strings.NewReader(c.typed), Err: &out, Width: 100}
				if err := ask(t.Context(), s, c.facts, &o); err != nil {
					t.Fatal(err)
				}
			})
			if d := cmp.Diff(c.want, o.answers); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			asked := strings.Count(out.String(), "] ")
			if strings.HasSuffix(c.name, "end") && asked != 1 || asked < c.asked-1 {
				t.Errorf("asked %d times, want %d:\n%s", asked, c.asked, out.String())
			}
		})
	}
}

func TestAskIsInterrupted(t *testing.T) {
	in, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ask(ctx, &term.IO{In: in, Err: io.Discard}, advise.Facts{}, &options{}); err != errInterrupted { //nolint:errorlint // it is that very one
		t.Errorf("%v", err)
	}
}

// An interrupt comes by another way than the Enter that was typed after it: the later of the two still counts.
func TestNothingIsAskedAfterAnInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(late/2, cancel)
		var out bytes.Buffer
		in := strings.NewReader("\n\n\n\n\n\n\n\n")
		if err := ask(ctx, &term.IO{In: in, Err: &out, Width: 100}, advise.Facts{}, &options{}); err != errInterrupted { //nolint:errorlint // it is that very one
			t.Errorf("%v", err)
		}
		if n := strings.Count(out.String(), "?)"); n != 1 {
			t.Errorf("asked %d times:\n%s", n, out.String())
		}
	})
}

// On a narrow terminal no line is longer than it, but for words, commands and texts of files that are.
func TestNarrow(t *testing.T) {
	const width = 60
	for _, c := range []struct {
		project string
		args    []string
	}{
		{"platform", nil}, {"clustered", nil}, {"ingest", nil}, {"computed", nil}, {"library", nil},
		{"horde", []string{"--nodes", "fixed", "--count", "3", "--traffic", "heavy"}},
	} {
		unpack(t, c.project)
		var out bytes.Buffer
		s := &term.IO{In: strings.NewReader(""), Out: &out, Err: io.Discard, Width: width}
		cmd := Command(s)
		cmd.SetArgs(append(c.args, "--yes"))
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(out.String(), "\nNames: ") // what follows are files
		for l := range strings.Lines(text) {
			l = strings.TrimRight(l, "\n")
			if n := utf8.RuneCountInString(l); n > width && !strings.Contains(l, "phial init ") {
				t.Errorf("%s: %d columns: %s", c.project, n, l)
			}
		}
	}
	for _, q := range advise.Questions(advise.Facts{}, advise.Answers{}) {
		var out bytes.Buffer
		s := &term.IO{Err: &out, Width: width}
		prompt(s, report.NewPage(&out, report.Style{Width: width}), q)
		for l := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(l, "\n")); n > width {
				t.Errorf("%d columns: %s", n, l)
			}
		}
	}
}

// Where facts decide, the text says so in words, and shows no points that say otherwise.
func TestDecidedShowsNoPoints(t *testing.T) {
	unpack(t, "platform")
	for _, format := range []string{"text", "markdown"} {
		out, _, err := call(t, strings.NewReader(""), "--yes", "--nodes", "fixed", "--count", "3", "--traffic", "heavy", "-o", format)
		if err != nil {
			t.Fatal(err)
		}
		if m := regexp.MustCompile(`(?m)^ *-?\d+  \S|\(-?\d+\) \|`).FindString(out); m != "" || !strings.Contains(strings.Join(strings.Fields(out), " "), whyDecided) {
			t.Errorf("%s: %q stands in\n%s", format, m, out)
		}
	}
}

// What is advised and what `phial init` then writes are the same.
func TestInitAgrees(t *testing.T) {
	for _, dir := range []string{cases, "../../scaffold/testdata"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no cases in %s: %v", dir, err)
		}
		for _, file := range files {
			fsys, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tree := fstest.MapFS{}
			for _, f := range fsys.Files {
				tree[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
			p, err := project.Read(tree)
			if err != nil {
				t.Fatal(err)
			}
			f := advise.FactsOf(p)
			made, err := scaffold.Generate(p, scaffold.Options{Type: "Clustered"})
			if err != nil {
				continue // init refuses such a project
			}
			text := ""
			for _, g := range made.Files {
				if g.Path == "phial.yaml" {
					text = string(g.Content)
				}
			}
			stable := strings.Contains(text, "identity: Stable")
			if stable != (f.Fit.Identity == "Stable") || !strings.Contains(text, "discovery: "+string(f.Fit.Discovery)) {
				t.Errorf("%s: advised identity %s, discovery %s; init writes\n%s", file, f.Fit.Identity, f.Fit.Discovery, text)
			}
		}
	}
}

// The commands that are advised have flags that there are.
func TestCommandsAreReal(t *testing.T) {
	for _, dir := range []string{"stateless", "clustered", "kafka"} {
		unpack(t, dir)
		out, _, err := call(t, strings.NewReader(""), "--yes", "-o", "json")
		if err != nil {
			t.Fatal(err)
		}
		var r Report
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		for _, st := range r.Next {
			words := strings.Fields(st.Command)
			for i, w := range words {
				switch {
				case w == "--type" && !slices.Contains(scaffold.Types, words[i+1]), w == "--discovery" && !slices.Contains(scaffold.Discoveries, words[i+1]):
					t.Errorf("%s: %s is none of init's", st.Command, words[i+1])
				case strings.HasPrefix(w, "--") && w != "--type" && w != "--discovery":
					t.Errorf("%s: flag %s is not looked at by this test", st.Command, w)
				}
			}
		}
	}
}

// What the manifests set counts where the project looks at it, as long as they are somebody's own.
func TestEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"app/mix.exs":         "defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, deps: [{:dns_cluster, \"~> 0.2\"}]]\n  def application, do: [mod: {A.Application, []}]\nend\n",
		"app/lib/app.ex":      "defmodule A.Application do\n  use Application\n  def start(_, _), do: Supervisor.start_link([{DNSCluster, query: System.get_env(\"DNS_CLUSTER_QUERY\") || :ignore}], strategy: :one_for_one)\nend\n",
		"app/k8s/app.yaml":    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        env:\n        - {name: RELEASE_DISTRIBUTION, value: name}\n        - name: DNS_CLUSTER_QUERY\n          value: a-headless\n",
		"app/k8s/broken.yaml": "{{{",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, _, err := call(t, nil, "app", "-y")
	if err != nil || !strings.Contains(out, "dns_cluster asks for a-headless") || !strings.Contains(out, "app/k8s/app.yaml:12:") {
		t.Errorf("%v\n%s", err, out)
	}
}
