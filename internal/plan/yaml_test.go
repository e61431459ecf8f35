package plan

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	yamlv3 "go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

// What is written is read as the same by both readers of YAML that Kubernetes' tools
// have: kubectl's, which knows YAML 1.1, and kustomize's, which knows 1.2.
func sameWhenRead(t interface {
	Helper()
	Fatalf(string, ...any)
}, v any,
) {
	t.Helper()
	text := append(appendYAML(nil, v, 0), '\n')
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var first any
	d := json.NewDecoder(bytes.NewReader(asJSON))
	d.UseNumber()
	if err := d.Decode(&first); err != nil {
		t.Fatalf("%v in\n%s", err, asJSON)
	}
	if !reflect.DeepEqual(first, v) {
		t.Fatalf("%#v is read as %#v from\n%s", v, first, text)
	}
	var second any
	if err := yamlv3.Unmarshal(text, &second); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	b, err := json.Marshal(second)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	want, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%v", err)
	}
	if !bytes.Equal(b, want) {
		t.Fatalf("%s is read as %s from\n%s", want, b, text)
	}
}

func TestYAMLStrings(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", `""`},
		{"shop", "shop"},
		{"shop@$(POD_IP)", "shop@$(POD_IP)"},
		{"$(POD_NAME)", "$(POD_NAME)"},
		{"/health/ready", "/health/ready"},
		{"registry.example.com/shop:1.4.2", "registry.example.com/shop:1.4.2"},
		{"1.4.2", "1.4.2"},
		{"127.0.0.1", "127.0.0.1"},
		{"512Mi", "512Mi"},
		{"500m", "500m"},
		{"-kernel inet_dist_use_interface {127,0,0,1}", "-kernel inet_dist_use_interface {127,0,0,1}"},
		{"+Q 65536 +sbwt none", "+Q 65536 +sbwt none"},
		{strings.Repeat("long ", 40) + "line", strings.Repeat("long ", 40) + "line"},
		{"10", `"10"`},
		{"1.4", `"1.4"`},
		{"1e3", `"1e3"`},
		{"0x1f", `"0x1f"`},
		{"0o17", `"0o17"`},
		{"1_000", `"1_000"`},
		{"1:30", `"1:30"`},
		{"2026-11-24", `"2026-11-24"`},
		{"2026-11-24T10:00:00Z", `"2026-11-24T10:00:00Z"`},
		{".inf", `".inf"`},
		{"-.inf", `"-.inf"`},
		{"NaN", `"NaN"`},
		{"true", `"true"`},
		{"No", `"No"`},
		{"y", `"y"`},
		{"null", `"null"`},
		{"~", `"~"`},
		{"-", `"-"`},
		{"- item", `"- item"`},
		{"key: value", `"key: value"`},
		{"ends:", `"ends:"`},
		{"a #comment", `"a #comment"`},
		{"*alias", `"*alias"`},
		{"&anchor", `"&anchor"`},
		{"!tag", `"!tag"`},
		{"{flow}", `"{flow}"`},
		{" space", `" space"`},
		{"space ", `"space "`},
		{`say "so"`, `say "so"`},
		{"\"so\"\\", `"\"so\"\\"`},
		{"tab\there", `"tab\u0009here"`},
		{"höst", `"höst"`},
		{"\u0085\u2028\ufeff", `"\u0085\u2028\ufeff"`},
		{"one\ntwo\n", "|\n  one\n  two"},
		{"one\n\ntwo", "|-\n  one\n\n  two"},
		{"one\n\n", `"one\n\n"`},
		{"  one\ntwo", `"  one\ntwo"`},
	}
	for _, tt := range tests {
		if got := string(appendYAML(nil, tt.in, 2)); got != tt.want {
			t.Errorf("%q is written as\n%s\nwant\n%s", tt.in, got, tt.want)
		}
		sameWhenRead(t, map[string]any{"key": tt.in, tt.in: []any{tt.in, map[string]any{"a": tt.in}}})
	}
}

// values are what JSON knows, with strings that lead readers astray.
func values() *rapid.Generator[any] {
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[-+]?[0-9a-fxobTZe_:.]{0,12}`),
		rapid.StringMatching(`[-+.]?[ynYN~<=][eEoOfFsSuUlL<]{0,4}`),
		rapid.StringMatching(`[ -~]{0,10}`),
		rapid.StringMatching(`[ \t]?[a-z:# -]{0,6}(\n[ \t]?[a-z:# -]{0,6}){0,4}\n?`),
	)
	return rapid.Deferred(func() *rapid.Generator[any] {
		return rapid.OneOf(
			rapid.Map(text, func(s string) any { return s }),
			rapid.Map(rapid.Int32(), func(n int32) any { b, _ := json.Marshal(n); return json.Number(b) }),
			rapid.Map(rapid.Bool(), func(v bool) any { return v }),
			rapid.Just[any](nil),
			rapid.Map(rapid.SliceOfN(values(), 0, 4), func(l []any) any { return append([]any{}, l...) }),
			rapid.Map(rapid.MapOfN(text, values(), 0, 4), func(m map[string]any) any { return m }),
		)
	})
}

func TestYAMLIsReadAsItWasMeant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values().Draw(t, "value")
		sameWhenRead(t, map[string]any{"value": v, "list": []any{v, v}})
	})
}

func FuzzYAMLStrings(f *testing.F) {
	for _, s := range []string{"", "shop", "1e3", "- x", "a: b", "one\ntwo\n", "\x00", "~", "0.0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "\ufffd") // as encoding/json makes it
		sameWhenRead(t, map[string]any{"value": s, "list": []any{s}})
	})
}
