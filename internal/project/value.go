package project

import "slices"

// valueKind is the kind of a literal.
type valueKind int

const (
	computed valueKind = iota // anything that is no literal
	aText
	anAtom // an atom, true, false, nil, or a module's name
	aNumber
	aList
	aTuple
)

// value is a literal of Elixir, or something computed of which only the place is known.
type value struct {
	kind  valueKind
	text  string
	items []item // of lists and tuples
	at    Pos
}

// item is an element; one of a keyword list has a key.
type item struct {
	key   string
	keyAt Pos
	value value
}

// get gives the value of a key, and whether the list has it.
func (v value) get(name string) (value, bool) {
	for _, it := range v.items {
		if it.key == name && it.keyAt.File != "" {
			return it.value, true
		}
	}
	return value{}, false
}

// str gives a text as a fact.
func (v value) str() Fact[string] {
	if v.kind != aText {
		return unknown[string](v.at)
	}
	return known(v.text, v.at)
}

// name gives an atom as a fact.
func (v value) name() Fact[string] {
	if v.kind != anAtom || v.text == "nil" {
		return unknown[string](v.at)
	}
	return known(v.text, v.at)
}

const (
	maxDepth  = 30      // of functions and attributes that lead to one another
	maxValues = 20_000  // read of one file, so that no file can make us read for ever
	maxSteps  = 1 << 22 // over tokens that are passed over
)

// source is a file of Elixir, cut into tokens.
type source struct {
	file        string
	tokens      []token
	left, steps int // values that may still be read, and tokens that may be passed over

	functions  map[string][]int // where `def name` or `defp name` has its name
	attributes map[string][]int // where `@name` begins
}

func newSource(file, src string) *source {
	s := &source{file: file, tokens: lex(src), left: maxValues, steps: maxSteps, functions: map[string][]int{}, attributes: map[string][]int{}}
	for i := 0; i+1 < len(s.tokens); i++ {
		name := s.tokens[i+1]
		switch t := s.tokens[i]; {
		case name.kind != word:
		case t.is(word, "def") || t.is(word, "defp"):
			s.functions[name.text] = append(s.functions[name.text], i+1)
		case t.is(mark, "@"):
			s.attributes[name.text] = append(s.attributes[name.text], i)
		}
	}
	return s
}

func (s *source) at(i int) Pos {
	if i >= len(s.tokens) {
		return Pos{File: s.file}
	}
	return Pos{s.file, s.tokens[i].line, s.tokens[i].col}
}

func (s *source) is(i int, k kind, text string) bool {
	return i >= 0 && i < len(s.tokens) && s.tokens[i].is(k, text)
}

func (s *source) kind(i int, k kind) bool {
	return i >= 0 && i < len(s.tokens) && s.tokens[i].kind == k
}

// expression is read, with lists put together by ++. What of them is computed becomes one element that is.
func (s *source) expression(i, depth int) (value, int) {
	at := s.at(i)
	v, next := s.read(i, depth)
	for s.is(next, mark, "++") {
		var more value
		if more, next = s.read(next+1, depth); v.kind != aList {
			v = value{kind: aList, at: at, items: []item{{value: v}}}
		}
		if more.kind == aList {
			v.items = slices.Concat(v.items, more.items)
		} else {
			v.items = append(slices.Clip(v.items), item{value: more})
		}
	}
	return v, next
}

// read reads the value at token i, and gives the token behind it. Whether the value is all of the expression is for the
// caller to see: what follows it has to end one.
func (s *source) read(i, depth int) (value, int) {
	s.left--
	if i >= len(s.tokens) || depth > maxDepth || s.left < 0 {
		return value{at: s.at(i)}, s.past(i)
	}
	t, at := s.tokens[i], s.at(i)
	switch {
	case t.kind == text:
		return value{kind: aText, text: t.text, at: at}, i + 1
	case t.kind == atom:
		return value{kind: anAtom, text: t.text, at: at}, i + 1
	case t.kind == alias && !s.is(i+1, mark, "."):
		return value{kind: anAtom, text: t.text, at: at}, i + 1
	case t.kind == number:
		return value{kind: aNumber, text: t.text, at: at}, i + 1
	case t.is(opening, "["):
		return s.items(i, "]", aList, depth)
	case t.is(opening, "{"):
		return s.items(i, "}", aTuple, depth)
	case t.is(word, "true") || t.is(word, "false") || t.is(word, "nil"):
		return value{kind: anAtom, text: t.text, at: at}, i + 1
	case t.is(mark, "@") && s.kind(i+1, word):
		return s.attribute(s.tokens[i+1].text, at, depth), i + 2
	case t.kind == word && s.is(i+1, opening, "(") && s.is(i+2, closing, ")"):
		return s.function(t.text, at, depth), i + 3
	case t.kind == word && !s.is(i+1, opening, "("):
		return s.function(t.text, at, depth), i + 1
	}
	return value{at: at}, s.past(i)
}

// past gives the token behind the expression at i: the comma or bracket that ends it.
func (s *source) past(i int) int {
	depth := 0
	for ; i < len(s.tokens) && s.steps > 0; i++ {
		s.steps--
		switch t := s.tokens[i]; {
		case t.kind == opening || t.is(word, "do") || t.is(word, "fn"):
			depth++
		case t.kind == closing || t.is(word, "end"):
			if depth == 0 {
				return i
			}
			depth--
		case t.is(mark, ",") && depth == 0:
			return i
		}
	}
	return len(s.tokens)
}

// items reads the elements of a list or tuple.
func (s *source) items(i int, end string, k valueKind, depth int) (value, int) {
	v := value{kind: k, at: s.at(i)}
	for i++; i < len(s.tokens); {
		if s.is(i, closing, end) {
			return v, i + 1
		}
		begin := i
		var it item
		if s.kind(i, key) {
			it.key, it.keyAt = s.tokens[i].text, s.at(i)
			i++
		}
		start := i
		it.value, i = s.expression(i, depth+1)
		if !s.is(i, mark, ",") && !s.is(i, closing, end) {
			it.value = value{at: s.at(start)}
			i = s.past(start)
		}
		v.items = append(v.items, it)
		switch {
		case s.is(i, mark, ","):
			i++
		case s.is(i, closing, end):
		case i <= begin || s.kind(i, closing) || s.is(i, word, "end"):
			return value{at: v.at}, i + 1 // brackets that do not match
		}
	}
	return value{at: v.at}, i
}

// attribute gives what @name stands for, where it is set once.
func (s *source) attribute(name string, at Pos, depth int) value {
	found := -1
	for _, i := range s.attributes[name] {
		if s.sets(i + 2) {
			if found >= 0 {
				return value{at: at}
			}
			found = i + 2
		}
	}
	if found < 0 {
		return value{at: at}
	}
	v, next := s.expression(found, depth+1)
	if next < len(s.tokens) && s.tokens[next].line == s.tokens[next-1].line {
		return value{at: v.at}
	}
	return v
}

// sets says whether a value that an attribute is set to begins at i, on the attribute's own line.
func (s *source) sets(i int) bool {
	if i >= len(s.tokens) || s.tokens[i].line != s.tokens[i-1].line {
		return false
	}
	t := s.tokens[i]
	return t.kind != mark && t.kind != closing && t.kind != key && !t.is(word, "do") && !t.is(word, "end") || t.is(mark, "@")
}

// function gives the literal that a function without arguments consists of, where there is one such function.
func (s *source) function(name string, at Pos, depth int) value {
	body := -1
	for _, i := range s.functions[name] {
		j := i + 1
		if s.is(j, opening, "(") {
			if !s.is(j+1, closing, ")") {
				continue // it takes arguments
			}
			j += 2
		}
		switch {
		case body >= 0:
			return value{at: at}
		case s.is(j, word, "do"):
			body = j + 1
		case s.is(j, mark, ",") && s.is(j+1, key, "do"):
			body = j + 2
		default:
			return value{at: at}
		}
	}
	if body < 0 {
		return value{at: at}
	}
	v, next := s.expression(body, depth+1)
	if s.is(body-1, word, "do") && !s.is(next, word, "end") {
		return value{at: v.at}
	}
	if next < len(s.tokens) && s.tokens[next].line == s.tokens[next-1].line && !s.is(next, word, "end") {
		return value{at: v.at}
	}
	return v
}
