// Package report turns observations, walks and findings into text for a
// terminal. It asks nobody for anything; JSON is the values' own.
package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Style is how text is to look.
type Style struct {
	Colour bool
	Width  int               // columns of the terminal; 0 = usualWidth
	Alias  map[string]string // node name -> the replica's name, where there is one
}

// Colours of a terminal with the usual eight.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
	bold   = "1"
	faint  = "2"
)

func (s Style) paint(code, text string) string {
	if !s.Colour || text == "" || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// usualWidth is the columns of what is no terminal.
const usualWidth = 100

func (s Style) width() int {
	if s.Width <= 0 {
		return usualWidth
	}
	return max(s.Width, 40)
}

// short is the shortest name that a person knows a node by.
func (s Style) short(node string) string {
	if a, ok := s.Alias[node]; ok {
		return a
	}
	return node
}

// full names the replica and the node.
func (s Style) full(node string) string {
	if a, ok := s.Alias[node]; ok {
		return a + " (" + node + ")"
	}
	return node
}

// plain writes a sentence with the replicas' names in place of their nodes'.
func (s Style) plain(text string) string {
	if len(s.Alias) == 0 {
		return text
	}
	// The longest first: one name may begin another.
	names := slices.SortedFunc(maps.Keys(s.Alias), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(names))
	for _, n := range names {
		pairs = append(pairs, n, s.Alias[n])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// subject is full for each node of "A -- B", or for the one node.
func (s Style) subject(text string) string {
	parts := strings.Split(text, " -- ")
	for i, p := range parts {
		parts[i] = s.full(p)
	}
	return strings.Join(parts, " -- ")
}

// A table is rows of cells, padded by what a person sees of them. A cell may
// have a colour; the last column is not padded. A table that is clipped ends no row
// behind the terminal's last column.
type table struct {
	rows [][]cell
	clip bool
}

type cell struct{ text, colour string }

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

func (t *table) write(w io.Writer, s Style) {
	var widths []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if i < len(r)-1 { // a row's last cell may be longer than its column
				widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
			}
		}
	}
	for _, r := range t.rows {
		var b strings.Builder
		at := 0
		for i, c := range r {
			if t.clip && i == len(r)-1 {
				c.text = clip(c.text, s.width()-at)
			}
			b.WriteString(s.paint(c.colour, c.text))
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
				at += widths[i] + 2
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// clip shortens text that is longer than width, and shows that it did; what is too narrow
// to say anything is left as it is.
func clip(text string, width int) string {
	const least = 16
	r := []rune(text)
	if width = max(width, least); len(r) <= width {
		return text
	}
	return strings.TrimRight(string(r[:width-1]), " :,;(") + "…"
}

// wrap breaks text at spaces, so that no line is longer than width where a
// single word is not.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// Bytes writes a size as people read it, in binary units.
func Bytes(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// Megabytes writes a size as registries and pulls are spoken of, in decimal units.
func Megabytes(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}
