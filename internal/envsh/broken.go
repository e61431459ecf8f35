package envsh

import (
	"errors"
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

var (
	// refusals are what the parser says of what no shell reads.
	refusals = regexp.MustCompile("must end with `|must be followed by|can only be used to (end|close)|can only be used in an `if`|reached EOF without closing quote|reached EOF without matching")
	// comments are whole lines of them.
	comments = regexp.MustCompile(`(?m)^[ \t]*#.*$`)
	// plainTag is a tag whose text is a plain word, whatever it is.
	plainTag = regexp.MustCompile(`^<%=\s*@release\.(name|version)\s*%>$`)
)

// surelyBroken says whether a script is none for any shell, and whether sh comes to that place: it reads one command after the
// other, and runs each before it reads the next.
func (m *masked) surelyBroken(why string) bool {
	if !refusals.MatchString(why) || m.controls > 0 || strings.Contains(m.src, "\r") {
		return false
	}
	for _, t := range m.tags {
		if !plainTag.MatchString(t.Text) {
			return false
		}
	}
	before, refused := 0, false
	for st, err := range syntax.NewParser(syntax.Variant(syntax.LangBash)).StmtsSeq(strings.NewReader(m.out)) {
		if err != nil {
			refused = refusals.MatchString(err.Error())
			break
		}
		before = int(st.End().Offset())
	}
	if !refused {
		return false
	}
	return before <= len(m.out) && !leaves.MatchString(comments.ReplaceAllString(m.out[:before], ""))
}

// Broken says where no shell reads a script in which no tag of EEx stands. Nil: one may read it.
func Broken(src Source) *SyntaxError {
	var odd *SyntaxError
	if m, err := plainText(src); err == nil {
		if _, err = m.parse(); errors.As(err, &odd) && odd.Sure {
			return odd
		}
	}
	return nil
}
