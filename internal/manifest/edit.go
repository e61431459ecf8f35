package manifest

import "strings"

// Edit puts a text in place of the bytes from Begin to End of a source.
type Edit struct {
	File  string `json:"file"`
	Begin int    `json:"begin"`
	End   int    `json:"end"`
	Text  string `json:"text"`
}

// Replace gives a scalar another value in place, quoted as it was. It is not ok where that can't be done safely: what an
// alias brought, blocks, and quotes with escapes in them.
func (s *Set) Replace(f Field, value string) (Edit, bool) {
	c := f.self()
	text, ok := s.Text(f.fileOf())
	if !ok || !f.Exists() || c.flags&copied != 0 || c.text == "" || strings.ContainsAny(value, "\n\"'\\") {
		return Edit{}, false
	}
	at := offset(text, int(c.line), int(c.column))
	if at < 0 {
		return Edit{}, false
	}
	if at < len(text) && (text[at] == '"' || text[at] == '\'') {
		at++
	}
	end := at + len(c.text)
	if end > len(text) || text[at:end] != c.text {
		return Edit{}, false
	}
	return Edit{f.of.File, at, end, value}, true
}

// Insert adds a field to a mapping that has one already, in front of its first: on a line of its own, or within the braces.
func (s *Set) Insert(mapping Field, name, value string) (Edit, bool) {
	c := mapping.self()
	text, ok := s.Text(mapping.fileOf())
	if !ok || !mapping.IsMap() || c.flags&hasBelow == 0 {
		return Edit{}, false
	}
	first := mapping.of.cells[mapping.cell+1]
	if (c.flags|first.flags)&copied != 0 {
		return Edit{}, false
	}
	at := offset(text, int(first.line), int(first.column))
	if at < 0 || !strings.HasPrefix(strings.TrimLeft(text[at:], `"'`), first.text) {
		return Edit{}, false
	}
	added := name + ": " + value + ", "
	if c.flags&flowStyle == 0 {
		line := strings.LastIndexByte(text[:at], '\n') + 1
		if strings.Trim(text[line:at], " -") != "" {
			return Edit{}, false
		}
		end := "\n"
		if i := strings.IndexByte(text[at:], '\n'); i > 0 && text[at+i-1] == '\r' {
			end = "\r\n"
		}
		added = name + ": " + value + end + strings.Repeat(" ", at-line)
	}
	return Edit{mapping.of.File, at, at, added}, true
}

func (f Field) fileOf() string {
	if f.of == nil {
		return ""
	}
	return f.of.File
}
