package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/manifest"
)

// SecretLines are the lines of a file that must not be shown, because what stands there is
// a secret, or may be one. Of what is no manifest, those that speak of one.
func SecretLines(in *Input, file string) map[int]bool {
	text, ok := in.Text(file)
	if !ok {
		return nil
	}
	last := strings.Count(text, "\n") + 1
	type field struct {
		line   int
		secret bool
	}
	var fields []field
	var visit func(f manifest.Field, hidden bool)
	visit = func(f manifest.Field, hidden bool) {
		hidden = hidden || secret(f)
		fields = append(fields, field{f.KeyPosition().Line, hidden && !f.IsMap() && !f.IsList()}, field{f.Position().Line, hidden && !f.IsMap() && !f.IsList()})
		for _, below := range f.Fields() {
			visit(below, hidden)
		}
		for below := range f.Items() {
			visit(below, hidden)
		}
	}
	manifests := false
	if in.Objects != nil {
		for _, o := range in.Objects.Objects {
			if o.File == file {
				manifests = true
				visit(o.Root(), false)
			}
		}
	}
	all := map[int]bool{}
	if !manifests {
		for n, l := range numbered(text) {
			if secretName.MatchString(l) || setCookie.MatchString(l) {
				all[n] = true
			}
		}
		return all
	}
	slices.SortStableFunc(fields, func(a, b field) int { return cmp.Compare(a.line, b.line) })
	for i, f := range fields {
		if !f.secret || f.line == 0 {
			continue
		}
		// A value of several lines goes on until something else begins.
		end := last
		for _, next := range fields[i+1:] {
			if next.line > f.line {
				end = next.line - 1
				break
			}
		}
		for n := f.line; n <= end; n++ {
			all[n] = true
		}
	}
	return all
}
