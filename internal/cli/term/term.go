// Package term is what the verbs of the command line share about the terminal:
// streams that a test can replace, colour only where somebody looks, progress
// for long work, and the exit status.
package term

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/mattn/go-isatty"
	xterm "golang.org/x/term"
)

// Exit statuses of every verb (docs/reference/cli.md).
const (
	OK       = 0 // clean
	Findings = 1 // looked, and found something
	Cannot   = 2 // could not look, or could not do what was asked
)

// IO is what a verb reads from and writes to.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	// Colour and Width describe Out; Progress says whether Err is a terminal on
	// which a line may be written over.
	Colour   bool
	Progress bool
	Width    int

	mu   sync.Mutex // of what is written to Err
	line *Line      // shown there now
}

// Std gives the process's own streams. NO_COLOR (no-color.org) and TERM=dumb
// switch colour off.
func Std() *IO {
	s := &IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Width: 100}
	plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
	s.Colour = !plain && isatty.IsTerminal(os.Stdout.Fd())
	s.Progress = os.Getenv("TERM") != "dumb" && isatty.IsTerminal(os.Stderr.Fd())
	if w, _, err := xterm.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 {
		s.Width = w
	}
	return s
}

// ExitError carries an exit status past cobra. Without Err nothing more is
// printed: the verb has said it all.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit status %d", e.Code)
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// Found is the error of a verb that has looked and found something.
func Found() error { return &ExitError{Code: Findings} }

// Code gives the exit status that an error of a verb stands for.
func Code(err error) int {
	var exit *ExitError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &exit):
		return exit.Code
	}
	return Cannot
}

// Notef writes one line for the person, on standard error, so that standard
// output holds only what was asked for.
func (s *IO) Notef(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clearLine()
	fmt.Fprintf(s.Err, format+"\n", args...)
}
