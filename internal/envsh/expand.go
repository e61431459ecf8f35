package envsh

import (
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// A frag is a piece of a word after expansion.
type frag struct {
	t      text
	quoted bool // its signs mean nothing to patterns
	split  bool // it comes from an expansion that is not quoted, so it is split into fields
	params bool // it is "$@": t is not used
}

// word expands where nothing is split: in assignments, after case.
func (r *run) word(s *state, w *syntax.Word) text {
	if w == nil {
		return nil
	}
	t := text(nil)
	for _, f := range r.frags(s, w.Parts, true) {
		if f.params {
			t = t.add(gap("$@ in one word is not followed"))
			continue
		}
		t = t.add(f.t)
	}
	return t
}

// frags expands the parts of a word that is not quoted. one says that it stays one word, as in an assignment.
func (r *run) frags(s *state, parts []syntax.WordPart, one bool) (all []frag) {
	if len(parts) > 0 {
		if l, ok := parts[0].(*syntax.Lit); ok && (strings.HasPrefix(l.Value, "~") || one && strings.Contains(l.Value, ":~")) {
			for _, p := range parts {
				r.part(s, p, false)
			}
			return []frag{{t: gap("the directory ~ is not known"), quoted: true}}
		}
	}
	for i, p := range parts {
		if s.dead || r.unclear != "" {
			return all
		}
		fs := r.part(s, p, false)
		if l, ok := p.(*syntax.Lit); ok && i+1 < len(parts) && strings.HasSuffix(l.Value, "$") && !strings.HasSuffix(l.Value, `\$`) {
			fs = append(fs, frag{t: gap("$ before a quote is read by each shell in its own way"), quoted: true})
		}
		all = append(all, fs...)
	}
	return all
}

func (r *run) part(s *state, p syntax.WordPart, dq bool) []frag {
	switch p := p.(type) {
	case *syntax.Lit:
		if dq {
			return []frag{{t: r.holes(unescape(p.Value, "$`\"\\")), quoted: true}}
		}
		return r.bare(p.Value)
	case *syntax.SglQuoted:
		if p.Dollar {
			return []frag{{t: gap("$'…' is read by each shell in its own way"), quoted: true}}
		}
		return []frag{{t: r.holes(p.Value), quoted: true}}
	case *syntax.DblQuoted:
		if p.Dollar {
			return []frag{{t: gap(`$"…" is read by each shell in its own way`), quoted: true}}
		}
		all := []frag{{quoted: true}}
		for _, q := range p.Parts {
			all = append(all, r.part(s, q, true)...)
		}
		if len(p.Parts) == 1 && all[len(all)-1].params {
			return all[1:]
		}
		return all
	case *syntax.ParamExp:
		return r.param(s, p, dq)
	case *syntax.CmdSubst:
		return []frag{{t: r.substitute(s, p), quoted: dq, split: !dq}}
	case *syntax.ArithmExp:
		return []frag{{t: r.arithm(s, p), quoted: dq, split: !dq}}
	}
	r.giveUp(p, "no POSIX shell has this in a word")
	return nil
}

// bare is a literal that is not quoted: a backslash quotes the next sign.
func (r *run) bare(v string) (all []frag) {
	for v != "" {
		i := strings.IndexByte(v, '\\')
		if i < 0 || i+1 == len(v) {
			break
		}
		if i > 0 {
			all = append(all, frag{t: r.holes(v[:i])})
		}
		_, size := utf8.DecodeRuneInString(v[i+1:])
		all = append(all, frag{t: r.holes(v[i+1 : i+1+size]), quoted: true})
		v = v[i+1+size:]
	}
	if v != "" {
		all = append(all, frag{t: r.holes(v)})
	}
	return all
}

// unescape takes away the backslashes before the given signs.
func unescape(v, signs string) string {
	if !strings.Contains(v, `\`) {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) && strings.IndexByte(signs, v[i+1]) >= 0 {
			i++
		}
		b.WriteByte(v[i])
	}
	return b.String()
}

// holes are the tags of EEx in a literal.
func (r *run) holes(v string) (t text) {
	if strings.Contains(v, windowsEnd) {
		v = showsEnds.Replace(v)
	}
	for {
		i := strings.IndexFunc(v, isHole)
		if i < 0 {
			return t.add(known(v))
		}
		c, size := utf8.DecodeRuneInString(v[i:])
		t = t.add(known(v[:i])).add(gap(r.script.hole(c)))
		v = v[i+size:]
	}
}

// substitute runs $( ).
func (r *run) substitute(s *state, c *syntax.CmdSubst) text {
	if c.TempFile || c.ReplyVar {
		r.giveUp(c, "no POSIX shell has this in a word")
		return nil
	}
	if len(c.Stmts) == 1 && c.Stmts[0].Cmd == nil {
		return gap("what `" + r.script.text(c) + "` gives is not known")
	}
	out, end := r.captured(s, func(sub *state) *state { return r.list(sub, c.Stmts, false) })
	if len(c.Stmts) == 0 {
		end = s.fork()
		end.ok()
	}
	if end == nil {
		end = s.fork()
		end.unsure("a subshell does not come to its end")
	}
	s.in, s.inWhy = end.in, end.inWhy
	r.subst = &outcome{end.status, end.statusWhy}
	return out.trimmed()
}

// An outcome is a status, as far as it is known.
type outcome struct {
	status int
	why    string
}

// heredoc is the text of <<END.
func (r *run) heredoc(s *state, rd *syntax.Redirect) text {
	if rd.Hdoc == nil {
		return nil
	}
	raw := r.script.between(rd.Hdoc)
	if rd.Op == syntax.DashHdoc && strings.Contains(raw, "\t") {
		return gap("<<- is not followed")
	}
	quoted := false
	for _, p := range rd.Word.Parts {
		l, ok := p.(*syntax.Lit)
		quoted = quoted || !ok || strings.Contains(l.Value, `\`)
	}
	t := text(nil)
	for _, p := range rd.Hdoc.Parts {
		l, ok := p.(*syntax.Lit)
		switch {
		case ok && quoted:
			t = t.add(r.holes(l.Value))
		case quoted: // the parser looks at the last part of the word alone
			return gap("what the document of `" + r.script.text(rd.Word) + "` holds is not followed")
		case ok:
			t = t.add(r.holes(unescape(l.Value, "$`\\")))
		default:
			for _, f := range r.part(s, p, true) {
				if f.params {
					f.t = gap("$@ in a text is not followed")
				}
				t = t.add(f.t)
			}
		}
	}
	return t
}

// fields expands words into fields. why says that it is not known which, or how many.
func (r *run) fields(s *state, words []*syntax.Word) (all []text, why string) {
	for _, w := range words {
		fs, y := r.fieldsOf(s, w)
		all = append(all, fs...)
		if y != "" && why == "" {
			why = y
		}
		if s.dead || r.unclear != "" {
			break
		}
		if len(all) > maxSteps {
			r.giveUp(w, "a command has too many words")
			break
		}
	}
	return all, why
}

// fieldsOf expands one word.
func (r *run) fieldsOf(s *state, w *syntax.Word) ([]text, string) {
	frags := r.frags(s, w.Parts, false)
	if len(frags) == 1 && frags[0].params {
		return s.params, s.paramsWhy
	}
	f := splitter{ifs: " \t\n"}
	if v := r.lookup(s, "IFS"); v.set != no {
		ifs, ok := v.val.plain()
		if !ok || v.set == maybe || !ascii(ifs) {
			f.why = "how words are split is not known"
		}
		f.ifs = ifs
	}
	glob, open := s.opts['f'] != yes, false
	for _, g := range frags {
		switch {
		case g.params:
			return nil, "$@ within a word is not followed"
		case g.split:
			f.split(g.t)
		default:
			f.whole(g.t, g.quoted)
		}
		if glob && !g.quoted && globs(g.t, &open) {
			return nil, "which files `" + r.script.text(w) + "` finds is not known"
		}
	}
	f.end()
	return f.all, f.bad
}

// globs tells whether a piece makes a word one that may name files by a pattern. open is whether a [ stood before it.
func globs(t text, open *bool) bool {
	for _, p := range t {
		if strings.ContainsAny(p.s, "*?") {
			return true
		}
		rest := p.s
		if i := strings.IndexByte(rest, '['); i >= 0 && !*open {
			*open, rest = true, rest[i+1:]
		}
		if *open && strings.Contains(rest, "]") {
			return true
		}
	}
	return false
}

// A splitter makes fields of fragments.
type splitter struct {
	ifs, why string // the separators, or why they are not known
	all      []text
	bad      string // why all is not what it is

	cur     text
	have    bool
	afterWS bool // the last field was ended by white space, which a separator that follows belongs to
}

func (f *splitter) emit() {
	f.all = append(f.all, f.cur)
	f.cur, f.have = nil, false
}

func (f *splitter) whole(t text, quoted bool) {
	f.cur = f.cur.add(t)
	if quoted || len(t) > 0 {
		f.have, f.afterWS = true, false
	}
}

func (f *splitter) split(t text) {
	plain, ok := t.plain()
	if !ok {
		f.bad = t.why()
		f.whole(t, true)
		return
	}
	if plain != "" && f.why != "" {
		f.bad = f.why
	}
	start := 0
	flush := func(i int) {
		if i > start {
			f.whole(known(plain[start:i]), false)
		}
		start = i + 1
	}
	for i := range len(plain) {
		c := plain[i]
		if strings.IndexByte(f.ifs, c) < 0 {
			continue
		}
		flush(i)
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			if f.have {
				f.emit()
				f.afterWS = true
			}
		case f.afterWS:
			f.afterWS = false
		default:
			f.emit()
		}
	}
	flush(len(plain))
}

func (f *splitter) end() {
	if f.have {
		f.emit()
	}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
