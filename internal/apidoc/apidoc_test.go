package apidoc_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/deploy/crd"
	"github.com/phialdev/phial/internal/apidoc"
)

var update = flag.Bool("update", false, "write the generated page anew")

const file = "../../docs/reference/beamapp.md"

func TestPage(t *testing.T) {
	got, err := apidoc.Page(crd.YAML)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it: go test ./internal/apidoc -update)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date (write it anew: go test ./internal/apidoc -update); -there +generated:\n%s", file, diff)
	}
}

// TestPageIsComplete: every message that a person may be shown is on the page, and every
// row of a table has as many cells as its head.
func TestPageIsComplete(t *testing.T) {
	page, err := apidoc.Page(crd.YAML)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"portRange", "lagPerReplica", "writablePaths", "observedAt", "netTicktimeSeconds", "can't be changed: a Deployment"} {
		if !strings.Contains(string(page), word) {
			t.Errorf("no %s on the page", word)
		}
	}
	for link := range strings.SplitSeq(string(page), "(#") {
		anchor, _, ok := strings.Cut(link, ")")
		if !ok || strings.HasPrefix(link, "# ") {
			continue
		}
		if !strings.Contains(strings.NewReplacer(".", "", "[]", "").Replace(strings.ToLower(string(page))), "\n## "+anchor+"\n") {
			t.Errorf("a link to #%s, and no such section", anchor)
		}
	}
	columns := 0
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if columns == 0 {
			columns = n
		}
		if n != columns {
			t.Errorf("%d cells under a head of %d: %s", n-1, columns-1, line)
		}
	}
}

func TestPageOfNothing(t *testing.T) {
	if _, err := apidoc.Page([]byte("spec: [")); err == nil {
		t.Error("no error for what is not YAML")
	}
}
