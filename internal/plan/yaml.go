package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// appendYAML appends a value that JSON knows (numbers as json.Number) as YAML in block
// style: keys in alphabetical order, lists not indented, long lines never folded. That
// is what sigs.k8s.io/yaml writes, but for the folding, in a quarter of the time:
// encoding is most of what a plan costs.
//
// The value begins where b ends; further lines begin with indent spaces.
func appendYAML(b []byte, v any, indent int) []byte {
	switch v := v.(type) {
	case map[string]any:
		return appendMap(b, v, indent)
	case []any:
		return appendList(b, v, indent)
	case string:
		return appendString(b, v, indent)
	case json.Number:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case nil:
		return append(b, "null"...)
	}
	panic(fmt.Sprintf("plan: %T is nothing that JSON knows", v))
}

func appendMap(b []byte, m map[string]any, indent int) []byte {
	if len(m) == 0 {
		return append(b, "{}"...)
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for i, k := range keys {
		if i > 0 {
			b = newLine(b, indent)
		}
		b = append(appendScalar(b, k), ':')
		switch v := m[k].(type) {
		case map[string]any:
			if len(v) == 0 {
				b = append(b, " {}"...)
				continue
			}
			b = appendMap(newLine(b, indent+2), v, indent+2)
		case []any:
			if len(v) == 0 {
				b = append(b, " []"...)
				continue
			}
			b = appendList(newLine(b, indent), v, indent)
		default:
			b = appendYAML(append(b, ' '), v, indent+2)
		}
	}
	return b
}

func appendList(b []byte, list []any, indent int) []byte {
	if len(list) == 0 {
		return append(b, "[]"...)
	}
	for i, v := range list {
		if i > 0 {
			b = newLine(b, indent)
		}
		b = appendYAML(append(b, "- "...), v, indent+2)
	}
	return b
}

func newLine(b []byte, indent int) []byte {
	b = append(b, '\n')
	for range indent {
		b = append(b, ' ')
	}
	return b
}

// appendString writes a text of several lines as such, where YAML can.
func appendString(b []byte, s string, indent int) []byte {
	text, ended := strings.CutSuffix(s, "\n")
	if !strings.Contains(s, "\n") || !isBlock(text) {
		return appendScalar(b, s)
	}
	b = append(b, '|')
	if !ended {
		b = append(b, '-')
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			b = append(b, '\n')
			continue
		}
		b = append(newLine(b, indent), line...)
	}
	return b
}

// isBlock tells whether a text, without its last line end, can be a literal block: it
// begins with what is neither space nor line end, which would need an indicator, and so
// it ends.
func isBlock(text string) bool {
	if text == "" || strings.ContainsRune(" \t\n", rune(text[0])) || text[len(text)-1] == '\n' {
		return false
	}
	for _, r := range text {
		if r != '\n' && !plainRune(r) {
			return false
		}
	}
	return true
}

// appendScalar writes a string in one line, between quotes where it could be taken for
// something else.
func appendScalar(b []byte, s string) []byte {
	if isPlain(s) {
		return append(b, s...)
	}
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case plainRune(r):
			b = append(b, string(r)...)
		case r > 0xffff:
			b = fmt.Appendf(b, `\U%08x`, r)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return append(b, '"')
}

// plainRune tells whether every reader of YAML takes a character as it is.
func plainRune(r rune) bool { return r >= ' ' && r < 0x7f || r > 0x9f && unicode.IsPrint(r) }

// isPlain tells whether a string may stand without quotes. It would rather quote too
// much: readers differ in what they take for a number, a date or a truth.
func isPlain(s string) bool {
	if s == "" || strings.HasSuffix(s, " ") || strings.HasSuffix(s, ":") || strings.Contains(s, ": ") || strings.Contains(s, " #") {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	switch c := s[0]; {
	case isLetter(c):
		return !isWord(s)
	case c == '/' || c == '_' || c == '$':
		return true
	case c == '-' || c == '+': // a flag
		return len(s) > 1 && isLetter(s[1]) && !isWord(s[1:])
	case c >= '0' && c <= '9':
		return strings.ContainsAny(s, "/gGhHiIjJkKlLmMnNpPqQrRsSuUvVwWyY") || isVersion(s)
	}
	return false
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// isWord tells whether some reader takes a word for a truth, for nothing, or for a number.
func isWord(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan", "infinity":
		return true
	}
	return false
}

// isVersion tells whether s is three numbers or more, with dots: no number itself.
func isVersion(s string) bool {
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return len(parts) > 2
}
