package project

import (
	"slices"
	"strconv"
	"strings"
)

// ExprKind is what an [Expr] is.
type ExprKind int

// The kinds of expressions. Those before ExprEnv are literal where all that they hold is.
const (
	ExprAbsent   ExprKind = iota // nobody says it
	ExprUnknown                  // Text says why
	ExprText                     // Text
	ExprCharlist                 // Text
	ExprAtom                     // Text, without the colon; also true, false and nil
	ExprModule                   // Text is its name, aliases resolved
	ExprInteger                  // Text is in decimal digits
	ExprFloat                    // Text as written
	ExprFunction                 // fn or &: Text as written
	ExprList                     // Items
	ExprTuple                    // Items
	ExprMap                      // Items; of a struct, Text is its module
	ExprRaise                    // it raises: Text is the message
	ExprEnv                      // the variable Text of the environment that the node has; Args[0], if it is there, is the default
	ExprBuildEnv                 // the same of the environment in which the release is built
	ExprOp                       // Text says what is done with Args: see [Expr.Eval]
)

// Expr is an expression as far as it can be told without running it: a literal, or one that hangs on the environment
// by operations that are known here. What is computed in any other way is ExprUnknown, never guessed.
type Expr struct {
	Kind  ExprKind
	At    Pos // where it stands; of what the configuration says, where that says it
	Text  string
	Items []Item
	Args  []Expr

	size int
	once *byte // of ExprUnknown: what is computed in one place may be another each time
}

// Item is an element of a list, tuple or map. One of a keyword list has a key, which is an atom.
type Item struct {
	Key   string
	KeyAt Pos
	Value Expr
}

// Keyed says whether it has a key.
func (i Item) Keyed() bool { return i.KeyAt.File != "" }

// EnvValue is a variable of an environment. The zero value is one that is not set.
type EnvValue struct {
	Value   string
	Set     bool
	Unknown string // why it is not known whether and to what it is set; empty: it is
}

// Env looks a variable up.
type Env func(name string) EnvValue

func (e Expr) weight() int { return max(e.size, 1) }

// weigh sums up what an expression holds, so that what is used again and again counts each time.
func (e Expr) weigh() Expr {
	e.size = 1
	for _, i := range e.Items {
		e.size += i.Value.weight()
	}
	for _, a := range e.Args {
		e.size += a.weight()
	}
	return e
}

func unknownExpr(at Pos, why string) Expr {
	return Expr{Kind: ExprUnknown, At: at, Text: why, once: new(byte)}
}

func atomExpr(at Pos, name string) Expr { return Expr{Kind: ExprAtom, At: at, Text: name} }

func boolExpr(at Pos, b bool) Expr { return atomExpr(at, strconv.FormatBool(b)) }

func textExpr(at Pos, s string) Expr { return Expr{Kind: ExprText, At: at, Text: s} }

// maxOperands are in one operation, in all: what hangs on more is no longer followed. The parts of an expression are
// shared between expressions, so that without a bound small files could make ones that are for ever walked.
const maxOperands = 20_000

func op(at Pos, name string, args ...Expr) Expr {
	e := Expr{Kind: ExprOp, At: at, Text: name, Args: args}.weigh()
	if e.size > maxOperands {
		return unknownExpr(at, "it hangs on too much")
	}
	return e
}

// Absent says that nobody says it.
func (e Expr) Absent() bool { return e.Kind == ExprAbsent }

// Nil says that it is absent, or nil.
func (e Expr) Nil() bool { return e.Kind == ExprAbsent || e.Kind == ExprAtom && e.Text == "nil" }

// Literal says that nothing of it is computed.
func (e Expr) Literal() bool {
	switch e.Kind {
	case ExprUnknown, ExprRaise, ExprEnv, ExprBuildEnv, ExprOp:
		return false
	case ExprList, ExprTuple, ExprMap:
		return !slices.ContainsFunc(e.Items, func(i Item) bool { return !i.Value.Literal() })
	}
	return true
}

// AsText gives a literal text, or charlist.
func (e Expr) AsText() (string, bool) {
	if e.Kind != ExprText && e.Kind != ExprCharlist {
		return "", false
	}
	return e.Text, true
}

// AsInt gives a literal integer.
func (e Expr) AsInt() (int, bool) {
	if e.Kind != ExprInteger {
		return 0, false
	}
	n, err := strconv.Atoi(e.Text)
	return n, err == nil
}

// AsBool gives a literal true or false.
func (e Expr) AsBool() (value, ok bool) {
	if e.Kind == ExprAtom && (e.Text == "true" || e.Text == "false") {
		return e.Text == "true", true
	}
	return false, false
}

// Is says whether it is this atom.
func (e Expr) Is(atom string) bool { return e.Kind == ExprAtom && e.Text == atom }

// truth says whether a literal counts as true.
func (e Expr) truth() (truthy, ok bool) {
	switch e.Kind {
	case ExprAbsent:
		return false, true
	case ExprAtom:
		return e.Text != "nil" && e.Text != "false", true
	case ExprText, ExprCharlist, ExprModule, ExprInteger, ExprFloat, ExprFunction, ExprList, ExprTuple, ExprMap:
		return true, true
	}
	return false, false
}

// Get gives the value of a key of a keyword list, or of a map with atoms as keys; also where which list it is hangs on a
// condition. It is absent where the list does not have the key.
func (e Expr) Get(key string) Expr {
	switch e.Kind {
	case ExprList, ExprMap:
		for _, i := range e.Items {
			if i.Keyed() && i.Key == key {
				return i.Value
			}
			if !i.Keyed() && (i.Value.Kind == ExprUnknown || i.Value.Kind == ExprOp) {
				return unknownExpr(i.Value.At, "the list is computed in part")
			}
		}
		return Expr{}
	case ExprOp:
		if e.Text == "if" {
			yes, no := e.Args[1].Get(key), e.Args[2].Get(key)
			if yes.Absent() && no.Absent() {
				return Expr{}
			}
			return choose(e.At, e.Args[0], yes, no)
		}
		if e.Text == "||" {
			left, right := e.Args[0], e.Args[1]
			if l := left.Get(key); !l.Absent() {
				return choose(e.At, left, l, right.Get(key))
			}
			return right.Get(key)
		}
		return unknownExpr(e.At, "the list is computed")
	case ExprUnknown, ExprRaise:
		return e
	case ExprEnv, ExprBuildEnv:
		return unknownExpr(e.At, "it is taken from a text of the environment")
	}
	return Expr{}
}

// Has says whether a keyword list has a key as it stands there, and where.
func (e Expr) Has(key string) (Pos, bool) {
	for _, i := range e.Items {
		if i.Keyed() && i.Key == key {
			return i.KeyAt, true
		}
	}
	return Pos{}, false
}

// Keyword says whether it is a list of which every element has a key.
func (e Expr) Keyword() bool {
	return e.Kind == ExprList && !slices.ContainsFunc(e.Items, func(i Item) bool { return !i.Keyed() })
}

// choose is `if`, where it can't be told already.
func choose(at Pos, condition, yes, no Expr) Expr {
	if truthy, ok := condition.truth(); ok {
		if truthy {
			return yes
		}
		return no
	}
	if identical(yes, no) {
		return yes
	}
	return op(at, "if", condition, yes, no)
}

// identical says that two expressions are one, in the same place.
func identical(a, b Expr) bool {
	return a.Kind == b.Kind && a.At == b.At && a.Text == b.Text && a.size == b.size &&
		slices.EqualFunc(a.Items, b.Items, func(a, b Item) bool { return a.Key == b.Key && a.KeyAt == b.KeyAt && identical(a.Value, b.Value) }) &&
		slices.EqualFunc(a.Args, b.Args, identical)
}

// either is ||.
func either(at Pos, left, right Expr) Expr {
	if truthy, ok := left.truth(); ok {
		if truthy {
			return left
		}
		return right
	}
	return op(at, "||", left, right)
}

// Variables are the names of the environment's variables that it hangs on, at the node's start, each once.
func (e Expr) Variables() []string {
	var names []string
	e.each(func(x Expr) {
		if x.Kind == ExprEnv && !slices.Contains(names, x.Text) {
			names = append(names, x.Text)
		}
	})
	return names
}

// Find gives the first part of it of a kind, itself included.
func (e Expr) Find(k ExprKind) (Expr, bool) {
	var found Expr
	e.each(func(x Expr) {
		if x.Kind == k && found.Absent() {
			found = x
		}
	})
	return found, !found.Absent()
}

// HasNumber says whether a whole number stands anywhere in it.
func (e Expr) HasNumber(n int) (found bool) {
	e.each(func(x Expr) {
		v, ok := x.AsInt()
		found = found || ok && v == n
	})
	return found
}

// each visits an expression and its parts; of one that is very large, the first ones.
func (e Expr) each(visit func(Expr)) {
	left := 1 << 18
	var walk func(e Expr)
	walk = func(e Expr) {
		if left--; left < 0 {
			return
		}
		visit(e)
		for _, i := range e.Items {
			walk(i.Value)
		}
		for _, a := range e.Args {
			walk(a)
		}
	}
	walk(e)
}

// String writes it so that people can read it: much like Elixir, with $NAME for a variable of the environment.
func (e Expr) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

const maxWritten = 4000 // bytes of an expression that is written out

func (e Expr) write(b *strings.Builder) {
	if b.Len() > maxWritten {
		return
	}
	list := func(open, end string) {
		b.WriteString(open)
		for n, i := range e.Items {
			if b.Len() > maxWritten {
				b.WriteString("...")
				break
			}
			if n > 0 {
				b.WriteString(", ")
			}
			if i.Keyed() {
				b.WriteString(i.Key + ": ")
			}
			i.Value.write(b)
		}
		b.WriteString(end)
	}
	switch e.Kind {
	case ExprAbsent:
		b.WriteByte('-')
	case ExprUnknown:
		b.WriteString("?")
	case ExprText:
		b.WriteString(strconv.Quote(e.Text))
	case ExprCharlist:
		b.WriteString("~c" + strconv.Quote(e.Text))
	case ExprAtom:
		if e.Text != "true" && e.Text != "false" && e.Text != "nil" {
			b.WriteByte(':')
		}
		b.WriteString(e.Text)
	case ExprModule, ExprInteger, ExprFloat, ExprFunction:
		b.WriteString(e.Text)
	case ExprList:
		list("[", "]")
	case ExprTuple:
		list("{", "}")
	case ExprMap:
		list("%"+e.Text+"{", "}")
	case ExprRaise:
		b.WriteString("raise " + strconv.Quote(e.Text))
	case ExprEnv, ExprBuildEnv:
		b.WriteByte('$')
		if e.Kind == ExprBuildEnv {
			b.WriteString("BUILD:")
		}
		b.WriteString(e.Text)
		if len(e.Args) > 0 {
			b.WriteByte('(')
			e.Args[0].write(b)
			b.WriteByte(')')
		}
	case ExprOp:
		b.WriteString(e.Text + "(")
		for n, a := range e.Args {
			if n > 0 {
				b.WriteString(", ")
			}
			a.write(b)
		}
		b.WriteByte(')')
	}
}
