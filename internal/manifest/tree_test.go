package manifest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func objectsOf(texts ...string) *Set {
	var sources []Source
	for i, text := range texts {
		sources = append(sources, Source{Name: fmt.Sprintf("%c.yaml", 'a'+i), Text: []byte(text)})
	}
	return ReadObjects(sources)
}

// Fields know their values, where they stand and what they are called.
func TestFields(t *testing.T) {
	s := objectsOf(`# Source: shop/templates/a.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  labels: {app.kubernetes.io/name: shop, "quoted": 'yes'}
spec:
  replicas: 3
  paused: yes
  text: "3"
  none: ~
  empty: {}
  template: &t
    spec:
      containers:
      - name: ä
        image: "shop:1"
      - {image: b}
  again:
    <<: *t
    more: 1
  alias: *t
`)
	if len(s.Problems) > 0 || len(s.Objects) != 1 {
		t.Fatal(s.Problems, s.Objects)
	}
	o := s.Objects[0]
	field := func(f Field) string {
		said := []string{f.Path(), fmt.Sprintf("%s+%d", f.Position(), f.Width())}
		if text, ok := f.Text(); ok {
			said = append(said, "text="+text)
		}
		if n, ok := f.Int(); ok {
			said = append(said, fmt.Sprintf("int=%d", n))
		}
		if b, ok := f.Bool(); ok {
			said = append(said, fmt.Sprintf("bool=%v", b))
		}
		if !f.Exists() {
			said = append(said, "absent")
		}
		if f.Null() {
			said = append(said, "null")
		}
		if n := f.Len(); n > 0 {
			said = append(said, fmt.Sprintf("len=%d", n))
		}
		return strings.Join(said, " ")
	}
	first, second := Field{}, Field{}
	for c := range o.At("spec.template.spec.containers").Items() {
		if first.Exists() {
			second = c
		} else {
			first = c
		}
	}
	got := []string{
		o.Label(), o.Origin, fmt.Sprint(o.Position, " ", o.Begin, "-", o.End),
		field(o.At("spec.replicas")), field(o.At("spec.paused")), field(o.At("spec.text")), field(o.At("spec.none")), field(o.At("spec.empty")),
		field(o.At("spec.nowhere.at.all")), field(o.At("metadata.labels").Key("app.kubernetes.io/name")), field(o.At("metadata.labels.quoted")),
		field(first), field(first.Key("image")), field(second.Key("image")), field(o.At("spec.template.spec")),
		field(o.At("spec.again.more")), field(o.At("spec.again.spec.containers")), field(o.At("spec.alias.spec")), field(Field{}.Key("a")),
	}
	want := []string{
		"Deployment shop", "shop/templates/a.yaml", "a.yaml:2:1 1-22",
		"spec.replicas a.yaml:8:13+1 text=3 int=3",
		"spec.paused a.yaml:9:11+3 text=yes bool=true",
		"spec.text a.yaml:10:9+3 text=3",
		"spec.none a.yaml:11:9+1 null",
		"spec.empty a.yaml:12:3+5",
		"spec a.yaml:7:1+4 absent null",
		"metadata.labels.app.kubernetes.io/name a.yaml:6:36+4 text=shop",
		"metadata.labels.quoted a.yaml:6:52+5 text=yes",
		"spec.template.spec.containers[ä] a.yaml:16:9+4 len=2",
		"spec.template.spec.containers[ä].image a.yaml:17:16+8 text=shop:1",
		"spec.template.spec.containers[1].image a.yaml:18:17+1 text=b",
		"spec.template.spec a.yaml:14:5+4 len=1",
		"spec.again.more a.yaml:21:11+1 text=1 int=1",
		"spec.again.spec.containers a.yaml:15:7+10 len=2",
		"spec.alias.spec a.yaml:14:5+4 len=1",
		" +0 absent null",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Objects come out of streams, Lists and JSON with their own lines; the rest of a broken stream is read.
func TestObjects(t *testing.T) {
	list := "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n-   apiVersion: v1\n    kind: Secret\n    metadata: {name: b, namespace: n}\nkind: List\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"stream":      {"kind: A\napiVersion: v1\n---\n# none\n---\napiVersion: v1\nkind: B\n", []string{"A 1:1", "B 6:1"}},
		"broken":      {"kind: A\napiVersion: v1\n---\na: [\n---\napiVersion: v1\nkind: B\n", []string{"A 1:1", "B 6:1", "! 4:1"}},
		"list":        {list, []string{"Service a 3:3", "Secret n/b 6:5"}},
		"kind first":  {"kind: PodList\napiVersion: v1\nitems:\n  - {kind: Pod, apiVersion: v1}\n", []string{"Pod 4:5"}},
		"json":        {`{"kind": "A", "apiVersion": "v1"}`, []string{"A 1:1"}},
		"no kind":     {"apiVersion: v1\n", []string{"! 1:1"}},
		"text":        {"hello\n", []string{"! 1:1"}},
		"values":      {"a: 1\n", nil},
		"empty":       {"\n---\n# a\n", nil},
		"duplicate":   {"kind: A\napiVersion: v1\nkind: B\n", []string{"A 1:1", "! 3:1"}},
		"not UTF-8":   {"kind: A\napiVersion: \xff\n", []string{"! 2:13"}},
		"binary":      {"\x00\x01", []string{"! 1:1"}},
		"within self": {"kind: A\napiVersion: v1\nspec: &a {b: *a}\n", []string{"A 1:1", "! 3:14"}},
		"merge self":  {"kind: A\napiVersion: v1\nspec: &a {<<: *a, c: 1}\n", []string{"A 1:1", "! 3:15"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := objectsOf(c.text)
			var got []string
			for _, o := range s.Objects {
				got = append(got, fmt.Sprintf("%s %d:%d", o.Label(), o.Line, o.Column))
			}
			for _, p := range s.Problems {
				got = append(got, fmt.Sprintf("! %d:%d", p.Line, p.Column))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s\n%v", d, s.Problems)
			}
		})
	}
}

// A large List is read item by item, with the same places as the same List in one piece.
func TestLargeList(t *testing.T) {
	var yaml, json strings.Builder
	yaml.WriteString("apiVersion: v1\nitems:\n")
	json.WriteString("{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n")
	const n = 3000
	for i := range n {
		fmt.Fprintf(&yaml, "- apiVersion: v1\n  data:\n    text: |\n      - not an item\n      kind: x\n  kind: ConfigMap\n  metadata:\n    name: c%d\n    annotations: {long: %s}\n", i, strings.Repeat("x", 100))
		comma := ","
		if i == n-1 {
			comma = ""
		}
		fmt.Fprintf(&json, "        {\n            \"apiVersion\": \"v1\",\n            \"kind\": \"ConfigMap\",\n            \"data\": {\"a\": \"%s\"},\n            \"metadata\": {\n                \"name\": \"c%d\"\n            }\n        }%s\n", strings.Repeat("x", 100), i, comma)
	}
	yaml.WriteString("kind: List\nmetadata: {}\n")
	json.WriteString("    ],\n    \"kind\": \"List\"\n}\n")
	for name, c := range map[string]struct {
		text              string
		line, column, per int
	}{"yaml": {yaml.String(), 3, 3, 9}, "json": {json.String(), 4, 9, 8}} {
		text := []byte(c.text)
		if chunks := (chunk{text: text}).apart(); len(chunks) != n {
			t.Errorf("%s: taken apart into %d chunks, want %d", name, len(chunks), n)
		}
		s := ReadObjects([]Source{{Name: "x", Text: text}})
		if len(s.Objects) != n || len(s.Problems) > 0 {
			t.Fatalf("%s: %d objects, %v", name, len(s.Objects), s.Problems)
		}
		for i, o := range s.Objects {
			if o.Name != fmt.Sprintf("c%d", i) || o.Line != c.line+i*c.per || o.Column != c.column {
				t.Fatalf("%s: object %d is %s at %s", name, i, o.Label(), o.Position)
			}
		}
	}
}

// Whatever is read, it ends soon, in objects or in problems that have a place.
func TestHostile(t *testing.T) {
	bomb := "kind: A\napiVersion: v1\na: &a [x,x,x,x,x,x,x,x,x]\n"
	merges := "kind: A\napiVersion: v1\nm0: &m0 {k: 1}\n"
	for i := 'b'; i < 'z'; i++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", i-1), 9), ","))
	}
	for i := range 30 {
		merges += fmt.Sprintf("m%d: &m%d {<<: [%s]}\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*m%d,", i), 9), ","))
	}
	var wide strings.Builder
	wide.WriteString("kind: A\napiVersion: v1\nspec:\n")
	for i := range 100_000 {
		fmt.Fprintf(&wide, "  k%d: 1\n", i)
	}
	for name, text := range map[string]string{
		"aliases": bomb, "merges": merges,
		"deep flow":    "kind: A\napiVersion: v1\na: " + strings.Repeat("[", 200_000),
		"deep block":   "kind: A\napiVersion: v1\n" + deep(20_000),
		"one document": "kind: A\napiVersion: v1\na: \"" + strings.Repeat("x", 4<<20) + "\"\n",
		"long broken":  "kind: A\napiVersion: v1\n" + strings.Repeat("a: b\n", 200_000) + "a: [\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := objectsOf(text)
			if len(s.Problems) == 0 && name != "deep block" {
				t.Error("no problem is told")
			}
			for _, p := range s.Problems {
				if p.Line < 1 || p.Text == "" {
					t.Errorf("%+v", p)
				}
			}
		})
	}
	if s := objectsOf(wide.String()); len(s.Problems) > 0 || s.Objects[0].At("spec").Len() != 100_000 {
		t.Error("many keys", s.Problems)
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		if b.Len() > 2<<20 {
			break
		}
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// A tree of directories is its manifests: hidden ones, dependencies and what is built apart; links are not followed, and
// templates are told from manifests.
func TestTree(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"a.yaml": named("a"), "k8s/b.yml": named("b"), "k8s/deep/c.json": `{"kind": "A", "apiVersion": "v1"}`, "k8s/readme.md": "x",
		".git/x.yaml": "a: [", "deps/x/x.yaml": "apiVersion: [", "_build/x.yaml": "apiVersion: [", "node_modules/x.yaml": "apiVersion: [",
		"chart/Chart.yaml": "apiVersion: v2\nname: chart\n", "chart/templates/a.yaml": "a: {{ .Values.x }}\n", "chart/templates/b.yaml": named("chart"),
		"other/t.yaml": "{{- if .x }}\na: 1\n{{- end }}\n", "ansible.yaml": "- hosts: '{{ x }}'\n", "broken.yaml": "x: [\n", "ours.yaml": "apiVersion: v1\nkind: [\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"k8s/loop": "..", "k8s/self.yaml": "self.yaml", "k8s/gone.yaml": "nowhere", "k8s/again.yaml": "../a.yaml"} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	big, err := os.Create("big.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := big.Truncate(100 << 20); err != nil {
		t.Fatal(err)
	}
	big.Close()
	var tree Tree
	for _, p := range []string{".", "k8s"} {
		if err := tree.Add(p, nil); err != nil {
			t.Fatal(err)
		}
	}
	s := tree.Objects()
	var got []string
	for _, o := range s.Objects {
		got = append(got, o.Label()+" "+filepath.ToSlash(o.File))
	}
	for _, x := range s.Templates {
		got = append(got, "template "+x.Name+" of "+x.Chart)
	}
	for _, p := range append(s.Problems, s.Skipped...) {
		got = append(got, "! "+p.Position.String())
	}
	want := []string{
		"BeamApp a a.yaml", "BeamApp chart chart/templates/b.yaml", "BeamApp a k8s/again.yaml", "BeamApp b k8s/b.yml", "A k8s/deep/c.json",
		"template chart/templates/a.yaml of chart", "template other/t.yaml of other",
		"! ours.yaml:2:1", "! big.yaml", "! k8s/self.yaml",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, path := range []string{"nowhere", "k8s/self.yaml"} {
		if err := new(Tree).Add(path, nil); err == nil {
			t.Errorf("%s is read", path)
		}
	}
}

// The nearest of several objects of one name is meant: each overlay has its own.
func TestNearest(t *testing.T) {
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	var sources []Source
	for _, name := range []string{"k8s/base/s.yaml", "k8s/prod/s.yaml", "k8s/prod/app.yaml", "k8s/dev/app.yaml"} {
		text := service
		if filepath.Base(name) == "app.yaml" {
			text = named("a")
		}
		sources = append(sources, Source{Name: name, Text: []byte(text)})
	}
	s := ReadObjects(sources)
	prod, dev := s.Objects[2], s.Objects[3]
	if at := s.Find(prod, "Service", "a").File; at != "k8s/prod/s.yaml" {
		t.Errorf("production's Service is %s", at)
	}
	if s.Find(dev, "Service", "b") != nil || s.Find(dev, "Service", "a") == nil {
		t.Error("a Service that is there is not found, or one that is not")
	}
}

// FuzzObjects: whatever the text is, reading it ends, every field's place is in it, and edits are within it.
func FuzzObjects(f *testing.F) {
	for _, text := range []string{"kind: A\napiVersion: v1\n", "kind: List\nitems: [{kind: A, apiVersion: v1}]\n", "a: &a {<<: *a}", "? [a]\n: b\n", "{kind: A, apiVersion: \"v1\\u00e4\"}", "apiVersion: v1\nitems:\n- kind: A\n  apiVersion: v1\nkind: List\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := objectsOf(text)
		for _, p := range s.Problems {
			if p.Line < 1 || p.Text == "" {
				t.Errorf("%+v", p)
			}
		}
		for _, o := range s.Objects {
			if o.Line < 1 || o.Begin > o.End+1 {
				t.Errorf("%s: %d to %d", o.Position, o.Begin, o.End)
			}
			visit(o.Root(), func(f Field) {
				if f.Position().Line < 1 || f.Width() < 1 {
					t.Errorf("%s is %d wide", f.Position(), f.Width())
				}
				if e, ok := s.Replace(f, "x"); ok && (e.Begin < 0 || e.End < e.Begin || e.End > len(text)) {
					t.Errorf("%+v", e)
				}
				if e, ok := s.Insert(f, "x", "y"); ok && (e.Begin < 0 || e.End > len(text)) {
					t.Errorf("%+v", e)
				}
			})
		}
	})
}

func visit(f Field, do func(Field)) {
	do(f)
	for _, below := range f.Fields() {
		visit(below, do)
	}
	for below := range f.Items() {
		visit(below, do)
	}
}
