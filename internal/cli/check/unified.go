package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// unified writes a patch without the lines that must not be shown: they are left out of what
// stands around a change, and where one is changed itself, that is said in the patch's place.
func unified(name, before, after string, secret map[int]bool) []byte {
	var out bytes.Buffer
	var h hunk
	begun := false
	end := func(cut bool) {
		h.cut = h.cut || cut
		h.write(&out, name, &begun)
		h = hunk{was: h.was + h.count(' ', '-'), is: h.is + h.count(' ', '+'), cut: cut}
	}
	for line := range strings.Lines(string(diff.Diff("a/"+name, []byte(before), "b/"+name, []byte(after)))) {
		switch {
		case strings.HasPrefix(line, "@@ "):
			end(false)
			h.was, h.is = begins(line)
			continue
		case h.was == 0: // the head
			continue
		}
		at := h.was + h.count(' ', '-')
		switch {
		case line[0] == ' ' && secret[at]:
			end(true)
			h.was, h.is = h.was+1, h.is+1
			continue
		case line[0] == '-' && secret[at]:
			h.hidden = at
		}
		h.lines = append(h.lines, line)
	}
	end(false)
	return out.Bytes()
}

// hunk is one part of a patch.
type hunk struct {
	was, is int // lines where it begins, from 1
	lines   []string
	cut     bool // by a line that is not shown
	hidden  int  // a line that is changed and must not be shown; 0: none
}

// count counts the lines of two sorts.
func (h *hunk) count(one, other byte) int {
	n := 0
	for _, l := range h.lines {
		if l[0] == one || l[0] == other {
			n++
		}
	}
	return n
}

// even leaves as many lines before the first change as after the last: patch takes a part
// with fewer on one side for one at that end of the file.
func (h *hunk) even() {
	changed := func(l string) bool { return l[0] != ' ' }
	before := slices.IndexFunc(h.lines, changed)
	after := 0
	for ; !changed(h.lines[len(h.lines)-1-after]); after++ {
	}
	if drop := before - after; drop > 0 {
		h.lines, h.was, h.is = h.lines[drop:], h.was+drop, h.is+drop
	} else {
		h.lines = h.lines[:len(h.lines)+drop]
	}
}

func (h *hunk) write(out *bytes.Buffer, name string, begun *bool) {
	switch {
	case h.count('+', '-') == 0:
		return
	case h.hidden != 0:
		fmt.Fprintf(out, "# %s:%d: a change that is not shown, since a secret stands there\n", name, h.hidden)
		return
	case h.cut:
		shown := *h
		shown.even()
		h = &shown
	}
	if !*begun {
		fmt.Fprintf(out, "--- a/%s\n+++ b/%s\n", name, name)
		*begun = true
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", extent(h.was, h.count(' ', '-')), extent(h.is, h.count(' ', '+')))
	for _, l := range h.lines {
		out.WriteString(l)
	}
}

// extent is where a part begins, and how many lines it has: nothing begins before the next.
func extent(begin, lines int) string {
	if lines == 0 {
		begin--
	}
	return fmt.Sprintf("%d,%d", begin, lines)
}

// begins reads the head of a part: @@ -1,7 +1,8 @@.
func begins(head string) (was, is int) {
	var a, b int
	if n, err := fmt.Sscanf(head, "@@ -%d,%d +%d,%d @@", &was, &a, &is, &b); n != 4 || err != nil {
		return 0, 0
	}
	if a == 0 {
		was++
	}
	if b == 0 {
		is++
	}
	return was, is
}
