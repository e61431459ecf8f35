package syntax

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Version is a version of Elixir: 14 is 1.14.
type Version int

// Versions whose trees are known. Of others the nearest is taken.
const (
	Oldest Version = 14
	Newest Version = 20
)

// Options say how to read; the zero value is good.
type Options struct {
	Elixir   Version // whose trees are wanted; 0 is [Newest]
	MaxDepth int     // of expressions in one another; 0 is [DefaultMaxDepth]
	MaxBytes int     // of the source; 0 is [DefaultMaxBytes]
}

const (
	// DefaultMaxDepth is far more than people write.
	DefaultMaxDepth = 4096
	// DefaultMaxBytes is far more than people write into one file. A tree takes up to forty times the memory of its source.
	DefaultMaxBytes = 16 << 20
)

const maxErrors = 100

// File is a source that was read.
type File struct {
	// Root is what Code.string_to_quoted gives for the whole source.
	Root *Node
	// Errors says why there are Unknown nodes, in the order of the source. Where it is empty, there are none, and the
	// source is Elixir. At most a hundred are kept.
	Errors []*Error

	src   string
	lines func() []int32 // where lines begin, worked out once somebody asks
}

// Error is a mistake in the source, or something of it that is not read.
type Error struct {
	Offset int // in bytes
	Position
	Message string
	Limit   bool // it may be Elixir, and is beyond what this package reads: no mistake of the source's
}

// What is beyond it, by how the messages begin.
const (
	limitBreak   = "a line break behind ? is not read"
	limitRune    = "a character that is not read in identifiers: "
	limitScripts = "identifiers of more than one script are not read"
	limitStrings = "strings are nested too deeply to be read"
	limitJoins   = "a character that joins what follows it is not read"
	limitDepth   = "expressions are nested too deeply to be read"
)

func isLimit(msg string) bool {
	switch msg {
	case limitBreak, limitScripts, limitStrings, limitJoins, limitDepth:
		return true
	}
	return strings.HasPrefix(msg, limitRune)
}

// Error gives position and message.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// errorList collects errors.
type errorList struct {
	list    []*Error
	further int // errors that were not kept
}

func (e *errorList) add(offset int, line, col int32, msg string) {
	if len(e.list) >= maxErrors {
		e.further++
		return
	}
	e.list = append(e.list, &Error{Offset: offset, Position: Position{int(line), int(col)}, Message: msg, Limit: isLimit(msg)})
}

func (e *errorList) len() int { return len(e.list) }

func (e *errorList) truncate(n int) { e.list = e.list[:min(n, len(e.list))] }

// Parse reads a source. It always gives a tree; what of it could not be read is [Unknown] there, and in [File.Errors].
func Parse(src string, o Options) *File {
	f := &File{src: src, lines: sync.OnceValue(func() []int32 { return lineStarts(src) })}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.MaxDepth == 0 {
		o.MaxDepth = DefaultMaxDepth
	}
	if o.Elixir == 0 {
		o.Elixir = Newest
	}
	o.Elixir = min(max(o.Elixir, Oldest), Newest)
	if limit := min(o.MaxBytes, math.MaxInt32-1); len(src) > limit {
		msg := fmt.Sprintf("source of %d bytes: at most %d are read", len(src), limit)
		f.Errors = []*Error{{Position: Position{1, 1}, Message: msg}}
		f.Root = &Node{Kind: Unknown, Text: msg, line: 1, col: 1, end: int32(min(len(src), math.MaxInt32)), height: 1}
		return f
	}
	errors := &errorList{}
	p := &parser{lexer: lexer{src: src, line: 1, v: o.Elixir, retry: 8, errors: errors}, maxDepth: o.MaxDepth}
	p.toks = make([]token, 0, min(len(src)/4+16, bufferedTokens*2))
	invalid := -1
	if !utf8.ValidString(src) {
		// Elixir reads nothing of it then; what can be told is told all the same.
		for i, r := range src {
			if _, size := utf8.DecodeRuneInString(src[i:]); r == utf8.RuneError && size == 1 {
				invalid = i
				break
			}
		}
	}
	f.Root = p.file()
	if invalid >= 0 {
		at := f.Position(invalid)
		errors.list = append(errors.list, &Error{Offset: invalid, Position: at, Message: "invalid encoding: the source is not UTF-8"})
	}
	slices.SortStableFunc(errors.list, func(a, b *Error) int { return cmp.Compare(a.Offset, b.Offset) })
	f.Errors = errors.list
	return f
}

// Source gives the text of a node.
func (f *File) Source(n *Node) string { return f.src[n.start:n.end] }

// Position gives the line and column of a byte offset. Columns count characters.
func (f *File) Position(offset int) Position {
	offset = min(max(offset, 0), len(f.src))
	lines := f.lines()
	line, found := slices.BinarySearch(lines, int32(offset))
	if !found {
		line--
	}
	return Position{line + 1, utf8.RuneCountInString(f.src[lines[line]:offset]) + 1}
}

func lineStarts(src string) []int32 {
	starts := []int32{0}
	for i := 0; ; {
		j := strings.IndexByte(src[i:], '\n')
		if j < 0 {
			return starts
		}
		i += j + 1
		starts = append(starts, int32(i))
	}
}
