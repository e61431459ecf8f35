package report

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParagraph(t *testing.T) {
	for _, c := range []struct {
		name             string
		width            int
		colour           bool
		head, text, want string
	}{
		{"short", 40, false, "  + ", "one two", "  + one two\n"},
		{"breaks at spaces", 40, false, "    ", "aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd", "    aaaaaaaaaa bbbbbbbbbb cccccccccc\n    dddddddddd\n"},
		{"a long word stays whole", 40, false, "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"},
		{"colours take no room", 40, true, "\x1b[32mok\x1b[0m ", "aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd", "\x1b[32mok\x1b[0m \x1b[2maaaaaaaaaa bbbbbbbbbb cccccccccc\x1b[0m\n   \x1b[2mdddddddddd\x1b[0m\n"},
		{"what a terminal would obey", 40, false, "", "a\x1b[2Jb\u202ec", "a [2Jb c\n"},
		{"a long head", 40, false, "  > phial checklist apps/shop --run  ", "aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd", "  > phial checklist apps/shop --run\n      aaaaaaaaaa bbbbbbbbbb cccccccccc\n      dddddddddd\n"},
		{"a long head, and a short text", 40, false, "  > phial checklist --run  ", "runs it", "  > phial checklist --run  runs it\n"},
		{"nothing", 40, false, "  ", "", "\n"},
	} {
		var out bytes.Buffer
		p := NewPage(&out, Style{Width: c.width, Colour: c.colour})
		p.Paragraph(c.head, c.text, Faint)
		if d := cmp.Diff(c.want, out.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for in, want := range map[string]string{"a|b": `a\|b`, "<b>": "&lt;b&gt;", "x_y": `x\_y`, "a\nb": "a b"} {
		if got := Markdown(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := MarkdownCode("a`|b"); got != "`a'\\|b`" {
		t.Errorf("code: %q", got)
	}
}
