package apps

import (
	"errors"
	"fmt"
)

// App is what an .app file says. Lists are in the order of the file.
type App struct {
	Name         string
	Version      string
	Description  string
	Applications []string // that have to run before it
	Included     []string // that it starts itself
	Optional     []string // of Applications: those that need not be there
	Modules      []string
}

// Read reads the text of an .app file, {application, NAME, [{vsn, "…"}, …]}. It takes what
// it understands and passes over the rest; the error is that there is no such tuple.
func Read(text []byte) (App, error) {
	s := scanner{text: text}
	t, err := s.term(0)
	if err != nil {
		return App{}, err
	}
	if t.kind != aTuple || len(t.items) != 3 || !t.items[0].is("application") || t.items[1].kind != anAtom || t.items[2].kind != aList {
		return App{}, errors.New("it does not say {application, NAME, [...]}")
	}
	a := App{Name: t.items[1].text}
	for _, p := range t.items[2].items {
		if p.kind != aTuple || len(p.items) != 2 || p.items[0].kind != anAtom {
			continue
		}
		switch v := p.items[1]; p.items[0].text {
		case "vsn":
			a.Version = v.str()
		case "description":
			a.Description = v.str()
		case "applications":
			a.Applications = v.atoms()
		case "included_applications":
			a.Included = v.atoms()
		case "modules":
			a.Modules = v.atoms()
		case "optional_applications":
			a.Optional = v.atoms()
		}
	}
	return a, nil
}

// kind is the kind of a term; other is one of which no more is known than where it ends.
type kind int

const (
	other kind = iota
	anAtom
	aText
	aList
	aTuple
)

type term struct {
	kind  kind
	text  string
	items []term
}

func (t term) is(atom string) bool { return t.kind == anAtom && t.text == atom }

// str gives a text; the empty list is one as well.
func (t term) str() string {
	if t.kind == aText {
		return t.text
	}
	return ""
}

// atoms gives the atoms of a list.
func (t term) atoms() []string {
	var all []string
	for _, i := range t.items {
		if t.kind == aList && i.kind == anAtom {
			all = append(all, i.text)
		}
	}
	return all
}

// maxDepth bounds how deep terms may stand in one another.
const maxDepth = 64

var closers = map[byte]byte{'{': '}', '[': ']', '(': ')'}

// term reads the term that is next.
func (s *scanner) term(depth int) (term, error) {
	t := s.next()
	switch t.kind {
	case atomToken:
		return term{kind: anAtom, text: t.text}, nil
	case textToken:
		return term{kind: aText, text: t.text}, nil
	case otherToken:
		return term{}, nil
	}
	closer, opens := closers[t.mark]
	switch {
	case t.kind == endToken:
		return term{}, errors.New("it ends before its term does")
	case !opens:
		return term{}, fmt.Errorf("there is a %q where a term should begin, on line %d", t.mark, t.line)
	case depth >= maxDepth:
		return term{}, fmt.Errorf("terms stand more than %d deep in one another, on line %d", maxDepth, t.line)
	}
	out := term{kind: aTuple}
	if t.mark == '[' {
		out.kind = aList
	}
	for {
		switch p := s.peek(); {
		case p.kind == markToken && p.mark == closer:
			s.next()
			return out, nil
		case p.kind == markToken && separates(p.mark):
			s.next()
			continue
		}
		item, err := s.term(depth + 1)
		if err != nil {
			return term{}, err
		}
		out.items = append(out.items, item)
	}
}

// separates is what may stand between terms: commas, the bar of an improper list, what is
// in maps and functions. Only their terms count, so that this need not know more of them.
func separates(mark byte) bool {
	switch mark {
	case ',', '|', '=', '>', '<', '#', ':', '/', '-', '+':
		return true
	}
	return false
}
