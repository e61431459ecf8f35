package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a source.
type Problem struct {
	Position
	// Path is the field, such as spec.env[0].name. Empty where it is about the document
	// or the file.
	Path string `json:"path,omitempty"`
	// Text says what was found, what was expected, and the nearest right name. Values
	// that may be secret (environment, annotations, podTemplate) are not in it.
	Text string `json:"text"`
}

// String is one line: file:line:column: path: text.
func (p Problem) String() string {
	if p.Path == "" {
		return fmt.Sprintf("%s: %s", p.Position, p.Text)
	}
	return fmt.Sprintf("%s: %s: %s", p.Position, p.Path, p.Text)
}

// Problems are all that was found, by position. They are an error with a line for
// each.
type Problems []Problem

func (all Problems) Error() string {
	lines := make([]string, len(all))
	for i, p := range all {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Count says how many there are: 1 problem, 3 problems.
func (all Problems) Count() string {
	if len(all) == 1 {
		return "1 problem"
	}
	return fmt.Sprintf("%d problems", len(all))
}

// Err is nil where there is none, unlike an interface around an empty list.
func (all Problems) Err() error {
	if len(all) == 0 {
		return nil
	}
	return all
}

// about tells whether there is a problem with a path.
func (all Problems) about(path string) bool {
	return path != "" && slices.ContainsFunc(all, func(p Problem) bool { return p.Path == path })
}

// sorted brings problems into the order of the sources, without repetitions.
func (all Problems) sorted(sources []Source) Problems {
	order := map[string]int{}
	for i, s := range sources {
		if _, ok := order[s.Name]; !ok {
			order[s.Name] = i - len(sources) // flags, which are no source, come last
		}
	}
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(order[a.File], order[b.File]), strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			strings.Compare(a.Path, b.Path), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(all)
}
