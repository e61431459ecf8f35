package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	pushed    = "registry.example.com/team/shop"
	newDigest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

var pinned = Pinned{Image: pushed + ":1.4.2@" + newDigest, From: []string{"tally:1.0.0", "local"}}

// Each file of testdata/pin is a source, a line of dashes, and the source as it becomes, with the number of references.
func TestPin(t *testing.T) {
	files, err := filepath.Glob("testdata/pin/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			all, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source, want, _ := strings.Cut(string(all), line)
			out, n, err := Pin(Source{Name: "x.yaml", Text: []byte(source)}, pinned)
			got := fmt.Sprintf("%s# references: %d\n", out, n)
			if err != nil {
				got = err.Error() + "\n"
				if string(out) != source || n != 0 {
					t.Errorf("with an error the text is %q, n %d", out, n)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(source+line+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if d := cmp.Diff(want, got); d != "" {
				t.Errorf("of\n%s\n(-want +got):\n%s", source, d)
			}
			// CRLF, a byte order mark and a missing end of the last line change nothing of it.
			for name, vary := range map[string]func(string) string{
				"CRLF":              func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
				"a byte order mark": func(s string) string { return "\ufeff" + s },
				"no last line end":  func(s string) string { return strings.TrimSuffix(s, "\n") },
			} {
				varied, m, varyErr := Pin(Source{Name: "x.yaml", Text: []byte(vary(source))}, pinned)
				if m != n || string(varied) != vary(string(out)) || (err == nil) != (varyErr == nil) {
					t.Errorf("with %s: %d references, %v:\n%s", name, m, varyErr, cmp.Diff(vary(string(out)), string(varied)))
				}
			}
			if again, m, _ := Pin(Source{Name: "x.yaml", Text: out}, pinned); m != n || !bytes.Equal(again, out) {
				t.Errorf("once more: %d references\n%s", m, cmp.Diff(string(out), string(again)))
			}
		})
	}
}

// Which references are the image's, and how they end.
func TestPinReferences(t *testing.T) {
	for name, c := range map[string]struct {
		pinned     Pinned
		text, want string // want "" is no reference to it
	}{
		"no tag is pushed":         {Pinned{Image: "a.example/x@" + newDigest}, "a.example/x:1", "a.example/x:1@" + newDigest},
		"a tag comes":              {Pinned{Image: "a.example/x:2@" + newDigest}, "a.example/x", "a.example/x:2@" + newDigest},
		"a digest goes":            {Pinned{Image: "a.example/x@" + newDigest}, "a.example/x@sha256:old", "a.example/x@" + newDigest},
		"the default registry":     {Pinned{Image: "docker.io/library/x@" + newDigest}, "x:1", "x:1@" + newDigest},
		"a port":                   {Pinned{Image: "localhost:5000/x@" + newDigest}, "localhost:5000/x", "localhost:5000/x@" + newDigest},
		"another port":             {Pinned{Image: "localhost:5000/x@" + newDigest}, "localhost:5001/x", ""},
		"another repository":       {Pinned{Image: "a.example/x@" + newDigest}, "a.example/y", ""},
		"the same name, elsewhere": {Pinned{Image: "a.example/x@" + newDigest}, "x", ""},
		"no reference":             {Pinned{Image: "a.example/x@" + newDigest}, "a.example/x:$(TAG)", ""},
		"from":                     {Pinned{Image: "a.example/x@" + newDigest, From: []string{"x:1"}}, "x:1", "a.example/x:1@" + newDigest},
		"from another tag":         {Pinned{Image: "a.example/x@" + newDigest, From: []string{"x:1"}}, "x:2", ""},
		"from latest":              {Pinned{Image: "a.example/x@" + newDigest, From: []string{"x:latest"}}, "x", ""},
		"from any tag":             {Pinned{Image: "a.example/x:3@" + newDigest, From: []string{"x"}}, "index.docker.io/library/x:2", "a.example/x:3@" + newDigest},
	} {
		source := "apiVersion: phial.dev/v1alpha1\nkind: BeamApp\nspec: {image: %s}\n"
		want, wantN := c.want, 1
		if want == "" {
			want, wantN = c.text, 0
		}
		got, n, err := Pin(Source{Name: "x", Text: fmt.Appendf(nil, source, c.text)}, c.pinned)
		if err != nil || n != wantN || string(got) != fmt.Sprintf(source, want) {
			t.Errorf("%s: %d, %v:\n%s", name, n, err, got)
		}
	}
	for want, p := range map[string]Pinned{
		`"a b" is no image reference: write it as registry.example.com/shop:1.4.2`:        {Image: "a b"},
		`"a/b:1" names no digest: write it as registry.example.com/shop@sha256:…`:         {Image: "a/b:1"},
		`"UPPER" is no image reference: write it as registry.example.com/shop:1.4.2`:      {Image: "a/b@" + newDigest, From: []string{"UPPER"}},
		`"a/b@sha256:12" names no digest: write it as registry.example.com/shop@sha256:…`: {Image: "a/b@sha256:12"},
	} {
		if _, _, err := Pin(Source{}, p); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A BeamApp whose image has a tag and a digest is a right one.
func TestPinnedIsRight(t *testing.T) {
	text, n, err := Pin(Source{Name: "x", Text: []byte(strings.Replace(named("a"), `"a:1"`, "tally:1.0.0", 1))}, pinned)
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
	result, err := Read([]Source{{Name: "x", Text: text}}, Options{})
	if err != nil || result.Apps[0].Spec.Image != pinned.Image {
		t.Errorf("%v\n%s", err, text)
	}
}

// Whatever surrounds references and however they are written, only they change, and the result means the same.
func TestPinChangesNothingElse(t *testing.T) {
	styles := []string{"%s", `"%s"`, `'%s'`, "%s # c: é", "&a%d %s", "!!str %s", "!!str '%s'", ">-\n        %s", "|\n        %s", "\n          %s"}
	others := []string{"- {a: b, \"c\" : [ d ]} # e", "- name:   é  # image: x", "- \"image: \\\"x\\\"\"", "-   args:   [a,b]\n    env: []", "- |\n    # no\n    containers: [{image: x}]", "", "# {{ no template }}"}
	rapid.Check(t, func(t *rapid.T) {
		images := []string{pushed, pushed + ":1", pushed + "@sha256:abc", pushed + ":1@" + newDigest, "tally:1.0.0", "tally:1.0.1", "nginx", "registry.example.com/team/shop2:1", "local:7"}
		before, n := "", 0
		var want strings.Builder
		for d := range rapid.IntRange(1, 3).Draw(t, "documents") {
			head := "kind: Pod\nspec:\n  containers:\n"
			if d > 0 {
				head = "--- # next\n" + head
			}
			before += head
			want.WriteString(head)
			for i := range rapid.IntRange(1, 4).Draw(t, "containers") {
				if o := rapid.SampledFrom(others).Draw(t, "other"); o != "" {
					o = "  " + strings.ReplaceAll(o, "\n", "\n  ") + "\n"
					before += o
					want.WriteString(o)
				}
				image := rapid.SampledFrom(images).Draw(t, "image")
				style := strings.Replace(rapid.SampledFrom(styles).Draw(t, "style"), "%d", fmt.Sprint(d*10+i), 1)
				m, err := newMatcher(pinned)
				if err != nil {
					t.Fatal(err)
				}
				becomes, ok := m.replace(image)
				if ok {
					n++
				} else {
					becomes = image
				}
				fmt.Fprintf(&want, "  - name: x\n    image: "+style+"\n    x: y\n", becomes)
				before += fmt.Sprintf("  - name: x\n    image: "+style+"\n    x: y\n", image)
			}
		}
		after := want.String()
		if rapid.Bool().Draw(t, "CRLF") {
			before, after = strings.ReplaceAll(before, "\n", "\r\n"), strings.ReplaceAll(after, "\n", "\r\n")
		}
		got, m, err := Pin(Source{Name: "x", Text: []byte(before)}, pinned)
		if err != nil || m != n || string(got) != after {
			t.Fatalf("%d references, want %d; %v\n%s", m, n, err, cmp.Diff(after, string(got)))
		}
	})
}

// FuzzPin: it never panics; with an error the text is as it was; what comes out is YAML, and stays as it is.
func FuzzPin(f *testing.F) {
	files, err := filepath.Glob("testdata/pin/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		source, _, _ := strings.Cut(string(text), line)
		f.Add([]byte(source))
	}
	f.Add([]byte("images: [{name: &a local, newTag: *a}]\na: &b {containers: [*b, {image: ? local}]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		kept := bytes.Clone(text)
		out, n, err := Pin(Source{Name: "x", Text: text}, pinned)
		if !bytes.Equal(kept, text) {
			t.Fatal("the source was written to")
		}
		var problems Problems
		if err != nil {
			if !bytes.Equal(out, text) || n != 0 || !errors.As(err, &problems) {
				t.Errorf("%v: %d references in %q", err, n, out)
			}
			return
		}
		if n == 0 && !bytes.Equal(out, text) {
			t.Errorf("without a reference %q became %q", text, out)
		}
		again, m, err := Pin(Source{Name: "x", Text: out}, pinned)
		if err != nil || m != n || !bytes.Equal(again, out) {
			t.Errorf("%q became %q, and that %q: %d and %d references, %v", text, out, again, n, m, err)
		}
	})
}
