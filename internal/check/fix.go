package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/manifest"
)

// Fixed is a file with its edits made.
type Fixed struct {
	File          string
	Before, After string
	Codes         []string // of the findings that were mended, in their order
}

// Fix makes the edits of a report's findings. Of edits that touch the same place the first is made, and no other of the same
// finding: the next run tells.
func Fix(in *Input, r Report) []Fixed {
	byFile := map[string][]manifest.Edit{}
	codes := map[string][]string{}
	var files []string
	var take func(f Finding)
	take = func(f Finding) {
		free := !slices.ContainsFunc(f.Edits, func(e manifest.Edit) bool {
			return slices.ContainsFunc(byFile[e.File], func(o manifest.Edit) bool { return touches(e, o) })
		})
		if free {
			for _, e := range f.Edits {
				if _, ok := byFile[e.File]; !ok {
					files = append(files, e.File)
				}
				byFile[e.File] = append(byFile[e.File], e)
				codes[e.File] = append(codes[e.File], string(f.Code))
			}
		}
		for _, below := range f.Beneath {
			take(below)
		}
	}
	for _, f := range r.Findings {
		take(f)
	}
	var all []Fixed
	for _, file := range files {
		if text, ok := in.Text(file); ok {
			all = append(all, Fixed{file, text, apply(text, byFile[file]), slices.Compact(codes[file])})
		}
	}
	return all
}

// touches says whether two edits overlap, or insert at one place.
func touches(a, b manifest.Edit) bool {
	return a.File == b.File && a.Begin <= b.End && b.Begin <= a.End
}

func apply(text string, edits []manifest.Edit) string {
	edits = slices.SortedFunc(slices.Values(edits), func(a, b manifest.Edit) int { return a.Begin - b.Begin })
	var out strings.Builder
	at := 0
	for _, e := range edits {
		out.WriteString(text[at:e.Begin])
		out.WriteString(e.Text)
		at = e.End
	}
	out.WriteString(text[at:])
	return out.String()
}
