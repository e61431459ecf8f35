package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The colours of a Page.
const (
	Red    = red
	Green  = green
	Yellow = yellow
	Bold   = bold
	Faint  = faint
)

// Page is where a verb writes sentences that are its own: lines, and paragraphs that end where the terminal does.
type Page struct {
	w     io.Writer
	style Style
}

// NewPage gives a page.
func NewPage(w io.Writer, s Style) Page { return Page{w, s} }

// Paint colours a text where somebody looks.
func (p Page) Paint(colour, text string) string { return p.style.paint(colour, text) }

// Line writes a line as it is, but for blanks at its end.
func (p Page) Line(format string, args ...any) {
	fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

// narrow is the least that a paragraph is broken to beside its head.
const narrow = 30

// Paragraph writes a text behind a head, and breaks it where the terminal ends. It begins below a head that leaves too
// little room. It has a colour, if there is one.
func (p Page) Paragraph(head, text, colour string) {
	width := p.style.width()
	indent := strings.Repeat(" ", columns(head))
	if width-len(indent) < narrow && len(indent)+columns(text) > width {
		p.Line("%s", head)
		begin := len(head) - len(strings.TrimLeft(head, " "))
		indent = strings.Repeat(" ", begin+4)
		head = indent
	}
	for i, l := range wrap(Plain(text), width-len(indent)) {
		if i > 0 {
			head = indent
		}
		p.Line("%s%s", head, p.Paint(colour, l))
	}
}

// columns is how many columns a text takes; colours take none.
func columns(text string) int {
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
func Pad(text string, to int) string {
	return text + strings.Repeat(" ", max(to-columns(text), 0))
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
func Markdown(text string) string { return markdown(Plain(text)) }

// MarkdownCode is a text as code in Markdown, in a table's cell too.
func MarkdownCode(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "\\|").Replace(Plain(text)) + "`"
}
