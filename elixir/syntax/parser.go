package syntax

import "strings"

// bufferedTokens is how many tokens that were read are kept at most before they make room.
const bufferedTokens = 1024

// batch is how many tokens are read ahead.
const batch = 32

// parser makes nodes of tokens, by operator precedence. Its functions give nil where they fail, with the reason in wrong
// and the error noted; whoever holds a list of expressions makes an Unknown of it and goes on behind.
type parser struct {
	lexer
	i     int // the current token
	ready int // tokens before this one are settled

	depth, maxDepth int
	end             int32 // of the last token that was taken
	wrong           string
	simple          bool // the last expression has no operators between two, nor arguments without parentheses
	several         bool // what stands in the parenthesis at severalAt are several arguments, and on the stack
	context

	opens [tKinds]int32 // how many are open that end with this kind

	stack []*Node // nodes of lists that are being read
	nodes []Node
	ptrs  []*Node
}

// context is what the brackets around an expression say of it.
type context struct {
	noDo      bool // a do block belongs to a call around this one
	noArgs    bool // no calls without parentheses here: the name of a struct
	severalAt int  // one more than where on the stack the arguments are, if these may be those of a clause
}

// class tells how an expression may go on, as Elixir's grammar has it.
type class uint8

const (
	matched   class = iota
	unmatched       // ends with a do block
	many            // a call without parentheses that takes all commas that follow
)

// cur gives the current token. It is good until the next call.
func (p *parser) cur() *token {
	if p.i >= p.ready {
		p.fill()
	}
	return &p.toks[p.i]
}

func (p *parser) kind() tokenKind { return p.cur().kind }

// peek gives the kind of the token behind the current one.
func (p *parser) peek() tokenKind {
	p.i++
	k := p.cur().kind
	p.i--
	return k
}

func (p *parser) fill() {
	if p.i > bufferedTokens && len(p.open) == 0 {
		n := copy(p.toks, p.toks[p.i-1:])
		p.toks = p.toks[:n]
		p.i = 1
	}
	for p.ended || len(p.open) > 0 || p.settled() <= p.i+batch {
		if p.ended {
			// One behind the end is the end.
			for len(p.toks) <= p.i {
				p.push(tEOF, 0, "")
			}
			p.ready = len(p.toks)
			return
		}
		p.step()
	}
	p.ready = p.settled()
}

// settled counts the tokens that nothing that follows can change, outside of strings: all but the last, and before a
// "not" that an "in" may follow not the newline either.
func (p *parser) settled() int {
	n := len(p.toks) - 1
	if n > 0 && p.toks[n].kind == tUnaryOp && p.toks[n-1].kind == tEol {
		n--
	}
	return n
}

// next takes the current token.
func (p *parser) next() token {
	t := *p.cur()
	p.end = t.end
	if t.kind != tEOF {
		p.i++
	}
	return t
}

// skip takes a token of a kind, if it is there. What was taken before stays the last one.
func (p *parser) skip(k tokenKind) bool {
	if p.kind() != k {
		return false
	}
	p.i++
	return true
}

// skipEoe takes what ends an expression: a newline, a semicolon, or both.
func (p *parser) skipEoe() bool {
	eol := p.skip(tEol)
	return p.skip(tSemi) || eol
}

// isKw tells whether the current token is a key.
func (p *parser) isKw() bool {
	t := p.cur()
	return t.kind == tKw || t.kind == tStrBegin && t.sub == strKeyword
}

// failAt notes an error at a token.
func (p *parser) failAt(t *token, msg string) {
	p.wrong = msg
	p.errors.add(int(t.start), t.line, t.col, msg)
}

// unexpected says that the current token does not belong here.
func (p *parser) unexpected() {
	t := p.cur()
	switch t.kind {
	case tError:
		p.wrong = t.text // noted when it was read
	case tEOF:
		p.failAt(t, "syntax error: expression is incomplete")
	default:
		p.failAt(t, "syntax error before: "+p.show(t))
	}
}

func (p *parser) show(t *token) string {
	s := p.src[t.start:t.end]
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		s = s[:i]
	}
	if len(s) > 40 {
		s = s[:40]
	}
	return s
}

// enter counts one level of nesting; each has its leave.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > p.maxDepth {
		p.tooDeep()
		return false
	}
	return true
}

func (p *parser) tooDeep() { p.failAt(p.cur(), limitDepth) }

func (p *parser) leave() { p.depth-- }

// Nodes and lists of nodes come from slabs: a tree has many, and all go at once.

func (p *parser) node(k Kind) *Node {
	if len(p.nodes) == cap(p.nodes) {
		p.nodes = make([]Node, 0, min(max(64, 2*cap(p.nodes)), 1024))
	}
	p.nodes = p.nodes[:len(p.nodes)+1]
	n := &p.nodes[len(p.nodes)-1]
	n.Kind, n.height = k, 1
	return n
}

// slots gives room for the arguments of a node.
func (p *parser) slots(n int) []*Node {
	if n == 0 {
		return nil
	}
	if len(p.ptrs)+n > cap(p.ptrs) {
		p.ptrs = make([]*Node, 0, max(n, min(max(64, 2*cap(p.ptrs)), 1024)))
	}
	i := len(p.ptrs)
	p.ptrs = p.ptrs[:i+n]
	return p.ptrs[i : i+n : i+n]
}

func (p *parser) args1(a *Node) []*Node {
	s := p.slots(1)
	s[0] = a
	return s
}

func (p *parser) args2(a, b *Node) []*Node {
	s := p.slots(2)
	s[0], s[1] = a, b
	return s
}

// take makes a list of what is on the stack from base on.
func (p *parser) take(base int) []*Node {
	s := p.slots(len(p.stack) - base)
	copy(s, p.stack[base:])
	p.stack = p.stack[:base]
	return s
}

// leaf makes a node of a token.
func (p *parser) leaf(k Kind, t *token, text string) *Node {
	n := p.node(k)
	n.Text, n.line, n.col, n.start, n.end, n.flags = text, t.line, t.col, t.start, t.end, noMeta
	if t.unsure != "" && k == Atom {
		n.Kind, n.Text = Unknown, t.unsure
	}
	return n
}

// call makes a call of a name, placed at a token, from start to the last token.
func (p *parser) call(name string, t *token, start int32, args []*Node) *Node {
	n := p.node(Call)
	n.Text, n.line, n.col, n.start, n.end, n.Args = name, t.line, t.col, start, p.end, args
	n.measure()
	return n
}

// implicit makes an atom that does not stand in the source.
func (p *parser) implicit(name string, t *token) *Node {
	n := p.leaf(Atom, t, name)
	n.end = n.start
	return n
}

// measure sets a node's height.
func (n *Node) measure() {
	h := int32(0)
	for _, a := range n.Args {
		h = max(h, a.height)
	}
	if n.Fun != nil {
		h = max(h, n.Fun.height)
	}
	n.height = h + 1
}

// list makes a list, or a tuple.
func (p *parser) list(k Kind, t *token, args []*Node) *Node {
	n := p.leaf(k, t, "")
	n.Args, n.end = args, p.end
	n.measure()
	return n
}

// unknown makes a node of what could not be read, from start to where the parser is now; the stack from base on are
// parts of it.
func (p *parser) unknown(t token, base int) *Node {
	n := p.leaf(Unknown, &t, p.wrong)
	n.Args = p.take(base)
	n.end = max(p.end, n.start)
	n.measure()
	return n
}

// wanted tells whether something that is open ends with a token of this kind.
func (p *parser) wanted(k tokenKind) bool { return p.opens[k] > 0 }

// closers are the tokens that end something.
var closers = [tKinds]bool{tRParen: true, tRBracket: true, tRCurly: true, tRBit: true, tEnd: true, tBlockIdent: true, tInterpEnd: true, tEOF: true}

// skipTo passes over what can't be read: up to the end of the expression, which is a newline, a semicolon or a comma, as
// stop says, outside of any brackets that open on the way; or what ends something around it.
func (p *parser) skipTo(stop func(tokenKind) bool) {
	depth := 0
	for {
		switch k := p.kind(); {
		case k == tEOF:
			return
		case depth == 0 && stop(k):
			return
		case k == tLParen || k == tLBracket || k == tLCurly || k == tLBit || k == tFn || k == tDo || k == tInterpBegin:
			depth++
		case k == tBlockIdent && depth > 0:
		case closers[k]:
			if depth > 0 {
				depth--
			} else if p.wanted(k) {
				return
			}
		}
		p.next()
	}
}

func stopAtLine(k tokenKind) bool  { return k == tEol || k == tSemi }
func stopAtComma(k tokenKind) bool { return k == tComma }
