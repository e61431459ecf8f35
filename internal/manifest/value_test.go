package manifest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apijson "k8s.io/apimachinery/pkg/util/json"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

// kubectl's gives what kubectl makes of a document on its way to the server.
func kubectls(text string) (any, error) {
	document, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return nil, err
	}
	var v any
	err = apijson.Unmarshal(document, &v)
	return v, err
}

func ours(t interface{ Fatalf(string, ...any) }, text string) (any, Problems) {
	documents, err := Documents("x", strings.NewReader(text))
	if err != nil || len(documents) != 1 {
		t.Fatalf("%q: %d documents, %v", text, len(documents), err)
	}
	return documents[0].Value()
}

var scalars = []string{
	`1`, `-1`, `+1`, `0`, `007`, `0x1f`, `0o17`, `0b11`, `1_000`, `1.5`, `3.0`, `1e3`, `1.0e+2`, `.5`, `9223372036854775807`, `1e21`,
	`yes`, `Yes`, `no`, `on`, `Off`, `y`, `N`, `true`, `True`, `FALSE`, `null`, `~`, `Null`, `"yes"`, `'on'`,
	`text`, `"1"`, `'1.5'`, `1.2.3`, `10.0.0.1`, `12:30:45`, `190:20:30`, `2026-11-24`, `2026-11-24T10:00:00Z`, `1Gi`, `500m`, `1s`, `a:b`, `"a\nb"`, `"\u00e9"`, `=`, `<`, `.`, `..`,
}

// Every word means to us what it means to kubectl.
func TestValueIsKubectls(t *testing.T) {
	for _, s := range scalars {
		text := fmt.Sprintf("a: %s\nb:\n- %s\n", s, s)
		want, err := kubectls(text)
		got, problems := ours(t, text)
		if err != nil {
			if len(problems) == 0 {
				t.Errorf("%s: kubectl refuses it (%v), and we have %v", s, err, got)
			}
			continue
		}
		if d := cmp.Diff(want, got); d != "" || len(problems) > 0 {
			t.Errorf("%s: %v (-kubectl +ours):\n%s", s, problems, d)
		}
	}
}

// So does every document, also with anchors and merges.
func TestDocumentsAreKubectls(t *testing.T) {
	for _, text := range []string{
		"a: &x {b: 1, c: 2}\nd: *x\n",
		"a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3\n",
		"a: &x {b: 1}\ne: &y {b: 2, f: 3}\nd:\n  <<: [*x, *y]\n",
		"a: |\n  one\n  two\nb: >-\n  one\n  two\n",
		"a:\nb: []\nc: {}\n",
		"{\"a\": [1, 2, {\"b\": null}]}\n",
	} {
		want, err := kubectls(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got, problems := ours(t, text)
		if d := cmp.Diff(want, got); d != "" || len(problems) > 0 {
			t.Errorf("%q: %v (-kubectl +ours):\n%s", text, problems, d)
		}
	}
}

// Whatever a value is, writing it as YAML or JSON and reading it again gives the value.
func TestValueRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := map[string]any{"v": values(3).Draw(t, "v")}
		text, err := yaml.Marshal(v)
		if err != nil {
			t.Skip(err)
		}
		want, err := kubectls(string(text))
		if err != nil {
			t.Fatal(err)
		}
		got, problems := ours(t, string(text))
		if !reflect.DeepEqual(want, got) || len(problems) > 0 {
			t.Fatalf("%s\nwant %v, got %v, %v", text, want, got, problems)
		}
	})
}

func values(depth int) *rapid.Generator[any] {
	plain := []*rapid.Generator[any]{
		rapid.Int64().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil), rapid.Float64Range(-1e6, 1e6).AsAny(),
		rapid.StringMatching(`[a-zA-Z0-9 .:#\-_\n"'äß€😀]{0,12}`).AsAny(), rapid.SampledFrom(scalars).AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(plain...)
	}
	// Names that YAML 1.1 takes for booleans are refused as keys; see key.
	name := rapid.StringMatching(`[a-z]{3,5}([./][a-z]{3,5})?`)
	return rapid.OneOf(append(plain,
		rapid.SliceOfN(values(depth-1), 0, 4).AsAny(),
		rapid.MapOfN(name, values(depth-1), 0, 4).AsAny(),
	)...)
}

// A path that is made of what is there leads there.
func TestFind(t *testing.T) {
	const text = `apiVersion: v1
kind: Thing
metadata:
  name: a
  annotations:
    example.com/a.b: x
    example.com/a: y
spec:
  env:
  - name: A
  - name: B
    value: {from: {c: 1}}
  empty:
`
	documents, err := Documents("f", strings.NewReader(text))
	if err != nil || len(documents) != 1 {
		t.Fatal(err)
	}
	d := documents[0]
	for path, want := range map[string]string{
		"":                                      "f:1:1",
		"kind":                                  "f:2:7",
		"metadata.name":                         "f:4:9",
		"metadata.annotations":                  "f:5:3",
		"metadata.annotations[example.com/a.b]": "f:6:22",
		"metadata.annotations.example.com/a.b":  "f:6:22",
		"metadata.annotations.example.com/a":    "f:7:20",
		"metadata.annotations.example.com/c":    "f:5:3",
		"spec.env":                              "f:9:3",
		"spec.env[0]":                           "f:10:5",
		"spec.env[1].value.from.c":              "f:12:23",
		"spec.env[2].name":                      "f:9:3",
		"spec.env[x]":                           "f:9:3",
		"spec.env[0].name.more":                 "f:10:11",
		"spec.nothing":                          "f:8:1",
		"spec.empty":                            "f:13:3",
		"nothing":                               "f:1:1",
	} {
		if got := d.Find(path).String(); got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
}
