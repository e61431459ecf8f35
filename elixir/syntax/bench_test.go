package syntax_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/phialdev/phial/elixir/syntax"
	"github.com/phialdev/phial/internal/beamtest"
)

// corpus reads the Elixir files of a directory.
func corpus(tb testing.TB, dir string) (all []string) {
	tb.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || !d.Type().IsRegular() || ext != ".ex" && ext != ".exs" {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, string(b))
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// Elixir's own sources, half of which are documentation.
func BenchmarkParse(b *testing.B) {
	all := corpus(b, beamtest.Source(b, "trixie", "elixir-lang"))
	size := 0
	for _, src := range all {
		size += len(src)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, src := range all {
			syntax.Parse(src, syntax.Options{})
		}
	}
	b.ReportMetric(float64(len(all)), "files/op")
}
