package envsh

import (
	"errors"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// A SyntaxError says why a script is not one that sh reads.
type SyntaxError struct {
	Pos     Pos
	Why     string
	Foreign bool // other shells than dash read it
	Sure    bool // no shell reads it, and one that is given it comes to this place
}

func (e *SyntaxError) Error() string { return e.Pos.String() + ": " + e.Why }

// Tags of EEx stand in the shell's text as signs that no text has: one for text that is not known, one for a condition.
const (
	firstHole    = '\U000F0000'
	firstControl = '\U000FA000'
	lastControl  = '\U000FFFFD'
)

// windowsEnd stands for a carriage return, which sh takes for a sign like any other, and the
// parser for part of a line's end. It is of one byte, so that places stay what they are.
const windowsEnd = "\x1c"

func isHole(c rune) bool { return c >= firstHole && c <= lastControl }

// A masked is a script with its tags masked, and the way back to where things stand in the source.
type masked struct {
	name    string
	src     string // as it stands in the file
	out     string // as it is parsed
	segs    []segment
	tags    []Tag
	release Release
	fixed   Pos // of what stands in no file: the place of the eval that runs it

	controls int
	starts   []int
}

// A segment says where a piece of out comes from: sign by sign, or as a whole.
type segment struct {
	out, src, end int
	literal       bool
}

// A Tag is a tag of EEx whose text is not known.
type Tag struct {
	Pos  Pos
	Text string
}

// mask reads the tags of a script.
func mask(src Source, rel Release) (*masked, error) {
	m := &masked{name: src.Name, src: string(src.Text), release: rel}
	if err := m.readable(); err != nil {
		return nil, err
	}
	nodes, err := m.read()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	m.render(&b, nodes)
	m.out = masksEnds.Replace(b.String())
	return m, nil
}

// readable says why a source is no text that can be followed.
func (m *masked) readable() error {
	bad := func(i int, why string) error { return &SyntaxError{Pos: m.posOf(i), Why: why} }
	switch {
	case len(m.src) > maxSource:
		return bad(0, "the script is larger than 64 KiB")
	case !utf8.ValidString(m.src):
		return bad(0, "the script is not UTF-8")
	}
	if i := strings.IndexByte(m.src, 0); i >= 0 {
		return bad(i, "the script holds a NUL")
	}
	if i := strings.IndexFunc(m.src, func(c rune) bool { return isHole(c) || string(c) == windowsEnd }); i >= 0 {
		return bad(i, "a sign stands here that no text has")
	}
	return nil
}

var masksEnds, showsEnds = strings.NewReplacer("\r", windowsEnd), strings.NewReplacer(windowsEnd, "\r")

// windows says whether a script has the line ends of Windows.
func windows(script string) bool { return strings.Contains(script, "\r\n") }

// brokenByEnds says whether a script is none for its line ends alone, and sh comes to where it stumbles.
func brokenByEnds(src Source, rel Release) bool {
	text := strings.ReplaceAll(string(src.Text), "\r\n", "\n")
	m, err := mask(Source{Name: src.Name, Text: []byte(text)}, rel)
	if err != nil || leaves.MatchString(text) {
		return false
	}
	_, err = m.parse()
	return err == nil
}

// leaves is a word that may end a script before its end.
var leaves = regexp.MustCompile(`\b(exit|return|exec|kill|trap)\b`)

// A node of a template: text, a tag, or a block between tags.
type node struct {
	start, end int
	kind       byte // 't' text, '=' what is printed, ' ' what prints nothing, '{' begins, '|' goes on, '}' ends a block
	expr       string
	body       []*node // of a block: what is in it, its own tags included
	alone      bool    // no other text stands on its lines
}

var (
	opens   = regexp.MustCompile(`(?s)(\bdo|->)$`)
	goesOn  = regexp.MustCompile(`(?s)^(else|after|catch|rescue)$|->$`)
	endsTag = regexp.MustCompile(`^end\b`)
)

// read takes a template apart. A block that is not closed is an error, as it is for EEx.
func (m *masked) read() ([]*node, error) {
	root := &node{}
	stack := []*node{root}
	add := func(n *node) { top := stack[len(stack)-1]; top.body = append(top.body, n) }
	for i := 0; i < len(m.src); {
		at := strings.Index(m.src[i:], "<%")
		if at < 0 {
			add(&node{kind: 't', start: i, end: len(m.src)})
			break
		}
		if at > 0 {
			add(&node{kind: 't', start: i, end: i + at})
		}
		i += at
		rest := m.src[i:]
		closer, n := "%>", len("<%")
		if strings.HasPrefix(rest, "<%!--") {
			closer, n = "--%>", len("<%!--")
		}
		if i := strings.Index(rest[n:], closer); i >= 0 {
			n += i
		} else {
			return nil, &SyntaxError{Pos: m.posOf(len(m.src) - len(rest)), Why: "a tag of EEx begins here and does not end"}
		}
		t := &node{start: i, end: i + n + len(closer)}
		inner := rest[2:n]
		switch {
		case strings.HasPrefix(rest, "<%%"):
			t.kind, t.expr = '%', "<"+rest[2:n+len(closer)]
		case strings.HasPrefix(rest, "<%#"), strings.HasPrefix(rest, "<%!--"):
			t.kind = ' '
		default:
			t.kind = ' '
			if strings.HasPrefix(inner, "=") {
				t.kind, inner = '=', inner[1:]
			}
			t.expr = strings.TrimSpace(inner)
		}
		i = t.end
		if t.alone = m.lonely(t); t.alone && t.kind != '%' {
			// EEx takes away the blanks around it, and leaves the line's end.
			if body := stack[len(stack)-1].body; len(body) > 0 && body[len(body)-1].kind == 't' {
				last := body[len(body)-1]
				last.end = last.start + len(strings.TrimRight(m.src[last.start:last.end], " \t"))
			}
			i += len(m.src[i:]) - len(strings.TrimLeft(m.src[i:], " \t"))
		}
		if err := nest(m, &stack, t, add); err != nil {
			return nil, err
		}
	}
	if len(stack) > 1 {
		return nil, &SyntaxError{Pos: m.posOf(stack[len(stack)-1].start), Why: "a block of EEx begins here and does not end"}
	}
	return root.body, nil
}

// nest puts a tag where it belongs.
func nest(m *masked, stack *[]*node, t *node, add func(*node)) error {
	inBlock := len(*stack) > 1
	switch {
	case t.expr == "" || t.kind == '%':
		add(t)
	case endsTag.MatchString(t.expr):
		if !inBlock {
			return &SyntaxError{Pos: m.posOf(t.start), Why: "end of no block"}
		}
		top := (*stack)[len(*stack)-1]
		t.kind = '}'
		add(t)
		top.end = t.end
		top.alone = top.alone && t.alone
		*stack = (*stack)[:len(*stack)-1]
	case inBlock && goesOn.MatchString(t.expr):
		top := (*stack)[len(*stack)-1]
		top.alone = top.alone && t.alone
		t.kind = '|'
		add(t)
	case opens.MatchString(t.expr):
		if len(*stack) > maxDepth {
			return &SyntaxError{Pos: m.posOf(t.start), Why: "blocks of EEx are nested too deep"}
		}
		b := &node{kind: '{', start: t.start, end: t.end, expr: t.expr, alone: t.alone}
		add(b)
		*stack = append(*stack, b)
		add(&node{kind: '(', start: t.start, end: t.end, expr: t.expr})
	default:
		add(t)
	}
	return nil
}

// lonely tells whether a tag is alone on its lines.
func (m *masked) lonely(t *node) bool {
	before := m.src[:t.start]
	before = before[strings.LastIndexByte(before, '\n')+1:]
	after, _, _ := strings.Cut(m.src[t.end:], "\n")
	return strings.TrimSpace(before+after) == ""
}

// render writes what sh would read.
func (m *masked) render(b *strings.Builder, nodes []*node) {
	for _, n := range nodes {
		switch n.kind {
		case 't':
			m.put(b, m.src[n.start:n.end], n, true)
		case '%':
			m.put(b, n.expr, n, false)
		case '=':
			m.put(b, m.printed(n), n, false)
		case '{':
			m.block(b, n)
		}
	}
}

func (m *masked) put(b *strings.Builder, s string, n *node, literal bool) {
	m.segs = append(m.segs, segment{out: b.Len(), src: n.start, end: n.end, literal: literal})
	b.WriteString(s)
}

// printed is what a tag prints.
func (m *masked) printed(n *node) string {
	known := ""
	switch n.expr {
	case "@release.name":
		known = m.release.Name
	case "@release.version":
		known = m.release.Version
	}
	if known != "" && strings.IndexFunc(known, isHole) < 0 && utf8.ValidString(known) {
		return known
	}
	return m.newHole(n)
}

func (m *masked) newHole(n *node) string {
	if firstHole+rune(len(m.tags)) >= firstControl {
		return string(rune(firstHole))
	}
	m.tags = append(m.tags, Tag{Pos: m.posOf(n.start), Text: oneLine([]byte(m.src[n.start:n.end]))})
	return string(firstHole + rune(len(m.tags)-1))
}

// block writes a block: as the shell's own if or loop where it stands on lines of its own, else as a text that is not
// known.
func (m *masked) block(b *strings.Builder, n *node) {
	word, _, _ := strings.Cut(n.expr, " ")
	loop := word == "for" || word == "Enum.each" || word == "Enum.map"
	fits := n.alone && (word == "if" || word == "unless" || loop)
	elses := 0
	for _, c := range n.body {
		if c.kind == '|' {
			elses++
			fits = fits && c.expr == "else" && !loop
		}
	}
	if !fits || elses > 1 || firstControl+rune(m.controls) > lastControl {
		m.put(b, m.newHole(n), n, false)
		return
	}
	c := string(firstControl + rune(m.controls))
	m.controls++
	head, tail := "if "+c+"; then :", "fi"
	if loop {
		head, tail = "while "+c+"; do :", "done"
	}
	for _, k := range n.body {
		switch k.kind {
		case '(':
			m.put(b, head, k, false)
		case '|':
			m.put(b, "else :", k, false)
		case '}':
			m.put(b, tail, k, false)
		default:
			m.render(b, []*node{k})
		}
	}
}

// hole says why the text of a tag is not known.
func (m *masked) hole(c rune) string {
	if i := int(c - firstHole); i < len(m.tags) {
		return "what `" + m.tags[i].Text + "` gives is not known"
	}
	return "what a tag gives is not known"
}

// control tells whether a command's name stands for a condition of EEx, and says why that is not known.
func (m *masked) control(name string) string {
	c, n := utf8.DecodeRuneInString(name)
	if n != len(name) || c < firstControl || c > lastControl {
		return ""
	}
	return "a condition of EEx is not known"
}

// parse reads the shell.
func (m *masked) parse() (*syntax.File, error) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(m.out), "")
	if err != nil {
		return nil, m.syntaxError(err)
	}
	// Each condition has to have become one. Elsewhere (in quotes, after <<) it would be taken for text.
	seen := 0
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.IfClause:
			seen += m.heads(n.Cond)
		case *syntax.WhileClause:
			seen += m.heads(n.Cond)
		}
		return true
	})
	if seen != m.controls {
		return nil, &SyntaxError{Pos: m.posOf(0), Why: "a block of EEx stands within a text"}
	}
	return f, nil
}

func (m *masked) heads(cond []*syntax.Stmt) int {
	if len(cond) == 1 {
		if c, ok := cond[0].Cmd.(*syntax.CallExpr); ok && len(c.Args) == 1 && m.control(c.Args[0].Lit()) != "" {
			return 1
		}
	}
	return 0
}

func (m *masked) syntaxError(err error) error {
	var lang syntax.LangError
	var parse syntax.ParseError
	switch {
	case errors.As(err, &lang):
		return &SyntaxError{Pos: m.pos(lang.Pos), Why: lang.Feature + ": sh does not have this", Foreign: true}
	case errors.As(err, &parse):
		return &SyntaxError{Pos: m.pos(parse.Pos), Why: parse.Text, Sure: m.surelyBroken(parse.Text)}
	}
	return &SyntaxError{Pos: m.posOf(0), Why: err.Error()}
}

// pos is where something stands in the file.
func (m *masked) pos(p syntax.Pos) Pos {
	if m.fixed != (Pos{}) {
		return m.fixed
	}
	return m.posOf(m.offset(int(p.Offset())))
}

func (m *masked) seg(out int) segment {
	i := sort.Search(len(m.segs), func(i int) bool { return m.segs[i].out > out })
	if i == 0 {
		return segment{literal: true}
	}
	return m.segs[i-1]
}

func (m *masked) offset(out int) int {
	s := m.seg(out)
	if s.literal {
		return min(s.src+out-s.out, len(m.src))
	}
	return s.src
}

func (m *masked) posOf(i int) Pos {
	if m.starts == nil {
		m.starts = []int{0}
		for j := range len(m.src) {
			if m.src[j] == '\n' {
				m.starts = append(m.starts, j+1)
			}
		}
	}
	line := sort.SearchInts(m.starts, i+1)
	return Pos{File: m.name, Line: line, Col: i - m.starts[line-1] + 1}
}

// text is how something stands in the file, its first line.
func (m *masked) text(n syntax.Node) string {
	from, to := int(n.Pos().Offset()), int(n.End().Offset())
	if m.fixed == (Pos{}) {
		last := m.seg(to - 1)
		from = m.offset(from)
		if last.literal {
			to = last.src + to - last.out
		} else {
			to = last.end
		}
	}
	if from > to || to > len(m.src) {
		return ""
	}
	return oneLine([]byte(strings.TrimRight(m.src[from:to], "; \t\r\n")))
}

// between is a node as it was parsed.
func (m *masked) between(n syntax.Node) string {
	from, to := int(n.Pos().Offset()), int(n.End().Offset())
	if from > to || to > len(m.out) {
		return "\t"
	}
	return m.out[from:to]
}
