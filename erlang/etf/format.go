package etf

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds what Term.String writes.
const maxText = 4096

// String gives the term in Erlang's syntax, about as io_lib:format("~tp") does, on one line. It is
// for people: past 4 KiB it ends in "...", and pids, ports, references and funs have no syntax that
// could be read back. The zero Term is "<invalid>".
func (t Term) String() string { return t.Format(maxText) }

// Format is String with a bound of its own, in bytes.
func (t Term) Format(limit int) string {
	p := printer{limit: limit}
	p.term(t)
	if len(p.b) > limit {
		cut := max(limit, 0)
		for cut > 0 && !utf8.RuneStart(p.b[cut]) {
			cut--
		}
		return string(p.b[:cut]) + "..."
	}
	return string(p.b)
}

type printer struct {
	b     []byte
	limit int
}

// full says that nothing written from here on would be seen.
func (p *printer) full() bool { return len(p.b) > p.limit }

func (p *printer) str(s string)    { p.b = append(p.b, s...) }
func (p *printer) num(v uint64)    { p.b = strconv.AppendUint(p.b, v, 10) }
func (p *printer) dotted(v uint64) { p.str("."); p.num(v) }

func (p *printer) term(t Term) {
	if p.full() {
		return
	}
	n := t.node()
	switch n.kind {
	case kInt:
		p.b = strconv.AppendInt(p.b, int64(n.num), 10)
	case kBig:
		p.big(t, n)
	case kFloat:
		p.float(math.Float64frombits(n.num))
	case kAtom:
		a, _ := t.Atom()
		p.atom(string(a))
	case kBinary, kBits:
		p.binary(t, n)
	case kNil:
		p.str("[]")
	case kString, kList, kImproper:
		p.list(t)
	case kTuple:
		p.str("{")
		p.children(t, n, 0, n.n)
		p.str("}")
	case kMap:
		p.pairs(t)
	case kPid, kPort, kRef, kExport, kFun:
		p.opaque(t, n)
	default:
		p.str("<invalid>")
	}
}

func (p *printer) children(t Term, n node, from, to uint32) {
	for i := from; i < to && !p.full(); i++ {
		if i > from {
			p.str(",")
		}
		p.term(t.child(n, i))
	}
}

func (p *printer) pairs(t Term) {
	p.str("#{")
	sep := ""
	for k, v := range t.Pairs() {
		if p.full() {
			return
		}
		p.str(sep)
		p.term(k)
		p.str(" => ")
		p.term(v)
		sep = ","
	}
	p.str("}")
}

func (p *printer) opaque(t Term, n node) {
	switch n.kind {
	case kPid:
		v, _ := t.Pid()
		p.str("<")
		p.str(string(v.Node))
		p.dotted(uint64(v.ID))
		p.dotted(uint64(v.Serial))
	case kPort:
		v, _ := t.Port()
		p.str("#Port<")
		p.str(string(v.Node))
		p.dotted(v.ID)
	case kRef:
		v, _ := t.Ref()
		p.str("#Ref<")
		p.str(string(v.Node))
		for i := int(v.Len) - 1; i >= 0; i-- {
			p.dotted(uint64(v.Words[i]))
		}
	case kExport:
		v, _ := t.Export()
		p.str("fun ")
		p.atom(string(v.Module))
		p.str(":")
		p.atom(string(v.Function))
		p.str("/")
		p.num(uint64(v.Arity))
		return
	case kFun:
		_, _, index := t.doc.funFields(n)
		module, _ := t.child(n, 0).Atom()
		uniq, _ := t.child(n, 2).Uint()
		p.str("#Fun<")
		p.str(string(module))
		p.dotted(uint64(index))
		p.dotted(uniq)
	}
	p.str(">")
}

// big writes a decimal number; one of thousands of digits, which takes quadratic time, in base 16.
func (p *printer) big(t Term, n node) {
	v, _ := t.BigInt()
	if n.n <= 1024 {
		p.b = v.Append(p.b, 10)
		return
	}
	if v.Sign() < 0 {
		p.str("-")
		v.Neg(v)
	}
	p.str("16#")
	p.b = v.Append(p.b, 16)
}

// float always writes a point, without which it would read as an integer.
func (p *printer) float(v float64) {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if mantissa, exp, ok := strings.Cut(s, "e"); ok {
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		sign := ""
		if exp[0] == '-' {
			sign = "-"
		}
		s = mantissa + "e" + sign + strings.TrimLeft(exp[1:], "0")
	} else if !strings.Contains(s, ".") {
		s += ".0"
	}
	p.str(s)
}

var reserved = map[string]bool{
	"after": true, "and": true, "andalso": true, "band": true, "begin": true, "bnot": true, "bor": true,
	"bsl": true, "bsr": true, "bxor": true, "case": true, "catch": true, "cond": true, "div": true,
	"else": true, "end": true, "fun": true, "if": true, "let": true, "maybe": true, "not": true,
	"of": true, "or": true, "orelse": true, "receive": true, "rem": true, "try": true, "when": true,
	"xor": true,
}

func (p *printer) atom(s string) {
	if plainAtom(s) && !reserved[s] {
		p.str(s)
		return
	}
	p.quoted(s, '\'')
}

func plainAtom(s string) bool {
	for i, r := range s {
		if i == 0 {
			if !unicode.IsLower(r) || r > 0xff {
				return false
			}
			continue
		}
		if r != '_' && r != '@' && (r > 0xff || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

func (p *printer) quoted(s string, quote byte) {
	p.b = append(p.b, quote)
	for _, r := range s {
		if p.full() {
			return
		}
		switch {
		case r == rune(quote) || r == '\\':
			p.b = append(p.b, '\\', byte(r))
		case r == '\n':
			p.str(`\n`)
		case r == '\r':
			p.str(`\r`)
		case r == '\t':
			p.str(`\t`)
		case !unicode.IsPrint(r):
			p.str(`\x{`)
			p.b = strconv.AppendInt(p.b, int64(r), 16)
			p.str("}")
		default:
			p.b = utf8.AppendRune(p.b, r)
		}
	}
	p.b = append(p.b, quote)
}

func (p *printer) binary(t Term, n node) {
	b := t.doc.text(n)
	p.str("<<")
	defer p.str(">>")
	if head := p.head(b); n.kind == kBinary && len(b) > 0 && printable(head) {
		p.quoted(head, '"')
		for _, c := range []byte(head) {
			if c >= utf8.RuneSelf {
				p.str("/utf8")
				break
			}
		}
		return
	}
	for i, c := range b {
		if p.full() {
			return
		}
		if i > 0 {
			p.str(",")
		}
		if used := uint8(n.num >> 32); n.kind == kBits && i == len(b)-1 {
			p.num(uint64(c >> (8 - used)))
			p.str(":")
			p.num(uint64(used))
			return
		}
		p.num(uint64(c))
	}
}

// head is as much of b as there is room for, to the end of a character.
func (p *printer) head(b []byte) string {
	if len(b) <= p.limit {
		return string(b)
	}
	b = b[:max(p.limit, 0)+1]
	for i := len(b) - 1; i >= 0 && i > len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				b = b[:i]
			}
			break
		}
	}
	return string(b)
}

// charlist gives as much of a list of printable code points as there is room for.
func (p *printer) charlist(t Term) (string, bool) {
	var b []byte
	for e := range t.Elems() {
		v := e.node()
		if v.kind != kInt || v.num > unicode.MaxRune || !printableRune(rune(v.num)) {
			return "", false
		}
		if b = utf8.AppendRune(b, rune(v.num)); len(b) > p.limit {
			break
		}
	}
	_, improper := t.Tail()
	return string(b), !improper
}

// list writes printable text as such, as Erlang's shell does.
func (p *printer) list(t Term) {
	if s, ok := p.charlist(t); ok {
		p.quoted(s, '"')
		return
	}
	p.str("[")
	sep := ""
	for e := range t.Elems() {
		if p.full() {
			return
		}
		p.str(sep)
		p.term(e)
		sep = ","
	}
	if tail, ok := t.Tail(); ok {
		p.str("|")
		p.term(tail)
	}
	p.str("]")
}

func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !printableRune(r) {
			return false
		}
	}
	return true
}

func printableRune(r rune) bool { return r == '\n' || r == '\t' || r == '\r' || unicode.IsPrint(r) }
