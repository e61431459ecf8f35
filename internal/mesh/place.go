package mesh

import (
	"fmt"
	"strconv"
	"strings"
)

// Place is a place in a file. Lines and columns begin at 1.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String writes it as a Setting's From has it.
func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// ParsePlace reads FILE:LINE:COLUMN. Not ok is what stands in no file, such as "the
// container runtime".
func ParsePlace(from string) (p Place, ok bool) {
	from, column, ok := cutLast(from)
	file, line, ok2 := cutLast(from)
	if !ok || !ok2 || file == "" {
		return Place{}, false
	}
	return Place{file, line, column}, true
}

// cutLast takes a number behind a colon off the end of a text.
func cutLast(text string) (before string, n int, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return text, 0, false
	}
	number, err := strconv.ParseUint(text[i+1:], 10, 31)
	return text[:i], int(number), err == nil && number > 0
}

// Plain is what a step tells, without the place where that stands.
func (n Narration) Plain() string {
	if n.At == (Place{}) {
		return n.Text
	}
	return strings.Replace(n.Text, at(n.At.String()), "", 1)
}

// firstPlace is the first of those that is a place in a file; empty: none is.
func firstPlace(all []string) string {
	for _, at := range all {
		if _, ok := ParsePlace(at); ok {
			return at
		}
	}
	return ""
}
