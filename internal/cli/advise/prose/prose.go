// Package prose lays out what advise and checklist say: paragraphs on a terminal, and Markdown.
package prose

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/phialdev/phial/internal/cli/term"
)

// Colours of a terminal with the usual eight.
const (
	Red    = "31"
	Green  = "32"
	Yellow = "33"
	Bold   = "1"
	Faint  = "2"
)

// Page is where it is written, and how wide.
type Page struct {
	w      io.Writer
	colour bool
	width  int
}

// To gives a page on standard output.
func To(s *term.IO) Page {
	width := s.Width
	if width <= 0 {
		width = 100
	}
	return Page{s.Out, s.Colour, max(width, 40)}
}

// Paint colours a text where somebody looks.
func (p Page) Paint(code, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Line writes a line as it is, but for blanks at its end.
func (p Page) Line(format string, args ...any) {
	fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

// narrow is the least that a paragraph is broken to beside its head.
const narrow = 30

// Paragraph writes a text behind a head, and breaks it where the terminal ends. It begins below a head that leaves too
// little room. It is coloured in code, if there is one.
func (p Page) Paragraph(head, text, code string) {
	indent := strings.Repeat(" ", Columns(head))
	if p.width-len(indent) < narrow && len(indent)+Columns(text) > p.width {
		p.Line("%s", head)
		begin := len(head) - len(strings.TrimLeft(head, " "))
		indent = strings.Repeat(" ", begin+4)
		head = indent
	}
	for i, l := range wrap(text, p.width-len(indent)) {
		if i > 0 {
			head = indent
		}
		if code != "" {
			l = p.Paint(code, l)
		}
		p.Line("%s%s", head, l)
	}
}

// Columns is how many columns a text takes; colours take none.
func Columns(text string) int {
	n := 0
	for text != "" {
		if strings.HasPrefix(text, "\x1b[") {
			if i := strings.IndexByte(text, 'm'); i >= 0 {
				text = text[i+1:]
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(text)
		n, text = n+1, text[size:]
	}
	return n
}

// Pad fills a text up to so many columns.
func Pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(columns-Columns(text), 0))
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(Plain(text)) {
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

// Plain takes away what a terminal would obey: names of files and modules are others'.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' {
			return ' '
		}
		return r
	}, text)
}

// Markdown keeps a text from being anything else, in a table's cell too.
func Markdown(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "*", "\\*", "_", "\\_", "`", "\\`", "[", "\\[", "#", "\\#", "$", "\\$").Replace(Plain(text))
}

// Code is a text as code in Markdown, in a table's cell too.
func Code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "\\|").Replace(Plain(text)) + "`"
}
