package check

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
)

var update = flag.Bool("update", false, "write the generated pages anew")

const pages = "../../docs/rules"

// The pages of rules are the registry, and nothing else.
func TestPages(t *testing.T) {
	want := map[string]string{"README.md": index()}
	for _, f := range Families() {
		want[f.Name+".md"] = page(f)
	}
	if *update {
		if err := os.MkdirAll(pages, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range want {
		file := filepath.Join(pages, name)
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(got), text); d != "" {
			t.Errorf("%s is out of date; `go test ./internal/check -run Page -update` writes it (-file +now):\n%s", file, d)
		}
	}
	entries, err := os.ReadDir(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := want[e.Name()]; !ok {
			t.Errorf("%s/%s is no family's page", pages, e.Name())
		}
	}
}

const generated = "Generated from the rules in `internal/check`; `phial explain CODE` shows one.\n"

func index() string {
	var b strings.Builder
	b.WriteString("# Rules\n\n" + generated + `
An error is certain, a warning likely, and a hint may be meant so. The severity and the
confidence below are the most that a finding has by what the rule reads; what a prediction
finds in the way of replicas that are meant to meet may be an error under the same code.

| rule | what | severity | confidence |
|---|---|---|---|
`)
	for _, f := range Families() {
		for _, r := range f.Rules {
			fmt.Fprintf(&b, "| [%s](%s.md#%s) | %s | %s | %s |\n", r.Code, f.Name, anchor(r.Code, r.Title), r.Title, word(r.Severity), r.Confidence)
		}
	}
	return b.String()
}

func word(s finding.Severity) string {
	if s == finding.Info {
		return "hint"
	}
	return s.String()
}

// anchor is how a heading is linked to.
func anchor(code finding.Code, title string) string {
	text := strings.ToLower(string(code) + ": " + title)
	text = strings.Map(func(r rune) rune {
		if r == ' ' {
			return '-'
		}
		if r == '-' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return -1
	}, text)
	return text
}

func page(f Family) string {
	var b strings.Builder
	b.WriteString("# " + f.Title + "\n\n" + generated)
	for _, r := range f.Rules {
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s, %s\n\n- Looks at: %s\n- Why: %s\n- Fix: %s\n", r.Code, r.Title, word(r.Severity), r.Confidence, markdown(r.Looks), markdown(r.Why), markdown(r.Fix))
		if r.Mends {
			b.WriteString("- Mended by `phial check --fix`, where that is safe\n")
		}
		if names := r.Needs.Names(); len(names) > 0 {
			fmt.Fprintf(&b, "- Needs: %s\n", strings.Join(names, " and "))
		}
		if len(r.Covers) > 0 {
			fmt.Fprintf(&b, "- Found under this code too: %s\n", codesOf(r.Covers))
		}
		if len(r.Hides) > 0 {
			fmt.Fprintf(&b, "- What follows from it, and is shown beneath it: %s\n", codesOf(r.Hides))
		}
	}
	return b.String()
}

func codesOf(all []finding.Code) string {
	var codes []string
	for _, c := range slices.Sorted(slices.Values(all)) {
		codes = append(codes, string(c))
	}
	return strings.Join(codes, ", ")
}

func markdown(text string) string {
	return strings.NewReplacer("<", "&lt;", "*", "\\*", "`", "\\`").Replace(text)
}
