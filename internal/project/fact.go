package project

import "strconv"

// Pos is a place in a file of the project. Line and Col begin at 1 and Col counts bytes; 0 is the file as a whole.
type Pos struct {
	File      string // slash-separated, from the project's root
	Line, Col int
}

func (p Pos) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Col > 0 {
			s += ":" + strconv.Itoa(p.Col)
		}
	}
	return s
}

// State says how much is known of a fact.
type State int

// Absent is the zero value, so that what nobody set is not there.
const (
	Absent  State = iota // the project does not say it
	Known                // it stands there literally
	Unknown              // it is said, but computed: At is where
)

// Fact is one thing that the project says. Of a list that is computed in part, Value has the elements that stand there.
type Fact[T any] struct {
	Value T
	State State
	At    Pos
}

// Known says whether the value can be used.
func (f Fact[T]) Known() bool { return f.State == Known }

func known[T any](v T, at Pos) Fact[T] { return Fact[T]{Value: v, State: Known, At: at} }

func unknown[T any](at Pos) Fact[T] { return Fact[T]{State: Unknown, At: at} }
