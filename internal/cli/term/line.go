package term

import "fmt"

// Line is one line of progress on a terminal, written over again and again.
// Where standard error is no terminal it writes nothing.
type Line struct {
	s    *IO
	last string
}

// Line starts a line of progress. Clear it before anything else is written, but
// for Notef, which writes above it.
func (s *IO) Line() *Line { return &Line{s: s} }

// Set shows a new text.
func (l *Line) Set(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if !l.s.Progress || text == l.last && l.s.line == l {
		return
	}
	fmt.Fprintf(l.s.Err, "\r\x1b[K%s", text)
	l.last, l.s.line = text, l
}

// Clear takes the line away.
func (l *Line) Clear() {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.s.line == l {
		l.s.clearLine()
	}
}

// clearLine takes away whatever line is shown; mu is held.
func (s *IO) clearLine() {
	if s.line != nil {
		fmt.Fprint(s.Err, "\r\x1b[K")
		s.line = nil
	}
}
