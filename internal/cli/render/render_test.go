package render

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/manifest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// input is a BeamApp of the plan's own cases.
type input struct{ name, text, agentImage string }

func inputs(t *testing.T) []input {
	t.Helper()
	files, err := filepath.Glob("../../plan/testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all []input
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		app, _, ok := strings.Cut(string(text), "\n----\n")
		if !ok {
			t.Fatalf("%s: no line of four dashes", file)
		}
		in := input{name: strings.TrimSuffix(filepath.Base(file), ".yaml"), text: app}
		for l := range strings.Lines(app) {
			if image, ok := strings.CutPrefix(l, "# agent image: "); ok {
				in.agentImage = strings.TrimSpace(image)
			}
		}
		all = append(all, in)
	}
	return all
}

// run renders as the command line does, and gives what it wrote.
func (in input) run(t *testing.T, o options) (stdout, stderr string, err error) {
	t.Helper()
	o.file, o.agentImage = manifest.Stdin, in.agentImage
	if err := o.complete(nil, nil); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	err = render(&term.IO{In: strings.NewReader(in.text), Out: &out, Err: &errs}, o)
	return out.String(), errs.String(), err
}

func (in input) must(t *testing.T, o options) string {
	t.Helper()
	stdout, stderr, err := in.run(t, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	return stdout
}

// The same input gives the same bytes, as a stream and as files; files that are right
// are not touched; and they differ in nothing from the stream.
func TestFilesAreTheStream(t *testing.T) {
	for _, in := range inputs(t) {
		t.Run(in.name, func(t *testing.T) {
			stream := in.must(t, options{})
			if again := in.must(t, options{}); again != stream {
				t.Fatal(cmp.Diff(stream, again))
			}
			dir := filepath.Join(t.TempDir(), "out")
			in.must(t, options{outputDir: dir})
			long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
			files, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if err := os.Chtimes(filepath.Join(dir, f.Name()), long, long); err != nil {
					t.Fatal(err)
				}
			}
			in.must(t, options{outputDir: dir})
			for _, f := range files {
				info, err := os.Stat(filepath.Join(dir, f.Name()))
				if err != nil {
					t.Fatal(err)
				}
				if !info.ModTime().Equal(long) {
					t.Errorf("%s was written again", f.Name())
				}
			}
			if out, errs, err := in.run(t, options{diff: dir}); err != nil || out != "" {
				t.Errorf("--diff finds %v\n%s%s", err, out, errs)
			}
			var found *term.ExitError
			changed := options{diff: dir, set: []manifest.Setting{{Flag: "--set image", Path: "image", Value: "registry.example.com/other:9"}}}
			if out, _, err := in.run(t, changed); !errors.As(err, &found) || found.Code != term.Findings || !strings.Contains(out, "+") {
				t.Errorf("--diff with another image finds %v\n%s", err, out)
			}
		})
	}
}

// kustomize makes of the directory what the stream has, in its order.
func TestKustomize(t *testing.T) {
	cluster := kubetest.Shared(t)
	for _, in := range inputs(t) {
		t.Run(in.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			in.must(t, options{outputDir: dir})
			made, _, err := cluster.Kubectl(t.Context(), nil, "kustomize", dir)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(objectsOf(t, in.must(t, options{})), objectsOf(t, string(made))); d != "" {
				t.Errorf("(-stream +kustomize):\n%s", d)
			}
		})
	}
}

func objectsOf(t *testing.T, stream string) []any {
	t.Helper()
	documents, err := manifest.Documents("stream", strings.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	var all []any
	for _, d := range documents {
		v, problems := d.Value()
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		all = append(all, v)
	}
	return all
}

// A write that fails leaves the directory as it was.
func TestNothingIsHalfWritten(t *testing.T) {
	in := inputs(t)[0]
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "kustomization.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := in.run(t, options{outputDir: dir}); err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("a directory in the way: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// Standard input has one name, and a file that is not there is said to be so.
func TestNames(t *testing.T) {
	_, stderr, err := input{text: "kind: BeamApp\n"}.run(t, options{})
	if err == nil || !strings.HasPrefix(stderr, "standard input:1:1: ") || err.Error() != "standard input: 1 problem; nothing was rendered" {
		t.Errorf("standard input: %s%v", stderr, err)
	}
	none := filepath.Join(t.TempDir(), "none.yaml")
	err = render(&term.IO{}, options{file: none, format: formatYAML})
	if err == nil || err.Error() != "there is no "+none+": phial init writes one for a project, and -f names another file" {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Colour is for terminals, and changes no character of what is said.
func TestColour(t *testing.T) {
	in := inputs(t)[0]
	o := options{diff: filepath.Join(t.TempDir(), "none.yaml")}
	if err := os.WriteFile(o.diff, []byte("# nothing yet\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	plain, _, _ := in.run(t, o)
	o.file, o.agentImage, o.format = manifest.Stdin, in.agentImage, formatYAML
	var out, errs bytes.Buffer
	_ = render(&term.IO{In: strings.NewReader(in.text), Out: &out, Err: &errs, Colour: true}, o)
	if !strings.Contains(out.String(), "\x1b[32m+kind: Deployment\x1b[0m\n") || strings.Contains(plain, "\x1b") {
		t.Errorf("with colour:\n%q\nwithout:\n%q", out.String(), plain)
	}
	if bare := regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(out.String(), ""); bare != plain {
		t.Error(cmp.Diff(plain, bare))
	}
}
