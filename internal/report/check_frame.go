package report

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/phialdev/phial/internal/check"
)

// lines finds lines of files; what was split once is kept for the file at hand.
type lines struct {
	texts Texts
	file  string
	all   []string
}

func newLines(texts Texts) *lines { return &lines{texts: texts} }

func (l *lines) line(file string, n int) (string, bool) {
	if file != l.file || l.all == nil {
		text, ok := "", false
		if l.texts != nil {
			text, ok = l.texts(file)
		}
		if !ok {
			return "", false
		}
		l.file, l.all = file, strings.Split(text, "\n")
	}
	if n < 1 || n > len(l.all) {
		return "", false
	}
	return strings.TrimRight(l.all[n-1], "\r"), true
}

// frame shows the line of a place, with what is meant underlined. Of a masked one nothing is shown at the place and behind
// it: it may be a secret.
func frame(w io.Writer, at check.Span, masked bool, said, colour string, l *lines, s Style) {
	text, ok := l.line(at.File, at.Line)
	if !ok {
		return
	}
	runes := []rune(strings.ToValidUTF8(strings.ReplaceAll(text, "\t", " "), "\uFFFD"))
	column, end := at.Column, at.EndColumn
	if masked {
		runes, column, end = masks(runes, column, end)
	} else {
		runes = scrub(runes)
	}
	// A line that is longer than the terminal is shown around the place.
	room := max(s.width()-10, 20)
	if len(runes) > room {
		from := max(0, min(column-1-room/3, len(runes)-room))
		runes = runes[from:min(from+room, len(runes))]
		column, end = column-from, end-from
	}
	number := strconv.Itoa(at.Line)
	margin := strings.Repeat(" ", len(number))
	fmt.Fprintf(w, "  %s %s %s\n", s.paint(faint, number), s.paint(faint, "|"), control(string(runes)))
	if column < 1 || column > len(runes)+1 {
		if said != "" {
			fmt.Fprintf(w, "  %s %s %s\n", margin, s.paint(faint, "|"), said)
		}
		return
	}
	width := max(1, min(end, len(runes)+1)-column)
	mark := strings.Repeat("^", width)
	if said != "" {
		mark = strings.Repeat("-", width) + " " + said
	}
	fmt.Fprintf(w, "  %s %s %s%s\n", margin, s.paint(faint, "|"), strings.Repeat(" ", column-1), s.paint(colour, mark))
}

const stars = "******"

// masks hides what stands at a place and behind it, or, where the place is a name, behind the colon.
func masks(line []rune, column, end int) ([]rune, int, int) {
	if column < 1 || column > len(line) {
		return []rune(stars), 1, 1 + len(stars)
	}
	if end = min(end, len(line)+1); end <= len(line) && line[end-1] == ':' {
		shown := scrub(line[:end])
		if strings.TrimSpace(string(line[end:])) != "" {
			shown = append(shown, []rune(" "+stars)...)
		}
		return shown, column, end
	}
	shown := scrub(line[:column-1])
	return append(shown, []rune(stars)...), column, column + len(stars)
}

// secrets are values on a line that are called as secrets are, passwords in URLs, and cookies among flags.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`(?i)[\w.-]*(?:cookie|secret|passw|passphrase|token|key_base|api_?key|credential)[\w.-]*["']?\s*(?:[:=]|,\s*["']?value["']?\s*:)\s*(["']?\$\(.*\)["']?|["']?\$\(.*|"[^"]*"?|'[^']*'?|[^\s,{}\[\]][^\s,}\]]*)`),
	regexp.MustCompile(`://[^/@\s:]*:([^@\s]+)@`),
	regexp.MustCompile(`(?i)-{1,2}(?:set)?cookie["',\s=]+([^\s"',]+)`),
}

// named is where no secret stands, but what one is called.
var named = regexp.MustCompile(`(?i)^["']?(secretKeyRef|secretRef|secretName)\b`)

// scrub puts stars in the place of secrets, as many as they have characters, so that all else stays where it is. It is for
// what stands on the line of a finding that is about something else.
func scrub(line []rune) []rune {
	text := string(line)
	for _, re := range secrets {
		var b strings.Builder
		at := 0
		for _, m := range re.FindAllStringSubmatchIndex(text, -1) {
			if named.MatchString(text[m[0]:]) {
				continue
			}
			b.WriteString(text[at:m[2]])
			b.WriteString(strings.Repeat("*", utf8.RuneCountInString(text[m[2]:m[3]])))
			at = m[3]
		}
		text = b.String() + text[at:]
	}
	return []rune(text)
}

// control takes out what would move a terminal's cursor.
func control(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}
