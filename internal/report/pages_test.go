package report

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
)

var update = flag.Bool("update", false, "write the generated pages and goldens anew")

// The page of findings is the catalogue, and nothing else.
func TestFindingsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Findings\n\nGenerated from the catalogue in `internal/finding`; `phial explain CODE` shows one.\nWords in `<angle brackets>` are filled in by what was seen.\n")
	code := regexp.MustCompile(`<[a-z ]+>`) // in Markdown it would be an HTML element
	for _, e := range finding.Entries() {
		e = e.General()
		e.Cause, e.Fix = code.ReplaceAllString(e.Cause, "`$0`"), code.ReplaceAllString(e.Fix, "`$0`")
		fmt.Fprintf(&b, "\n## %s: %s\n\nSeverity: %s\n\n- Cause: %s\n- Fix: %s\n", e.Code, e.Title, e.Severity, e.Cause, e.Fix)
	}
	golden(t, "../../docs/reference/findings.md", b.String())
}

// golden holds got against a file; -update writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
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
		t.Errorf("%s is out of date; `go test ./internal/report -update` writes it (-file +now):\n%s", file, d)
	}
}
