package program

import (
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phialdev/phial/internal/beam"
)

// newLog makes the log of a process: lines of text, or of JSON where the environment
// asks for that. flush waits a little for what is not written yet.
func newLog(w io.Writer, env func(string) string, process string) (log *slog.Logger, flush func()) {
	behind := newBehind(w)
	var h slog.Handler = slog.NewTextHandler(behind, nil)
	if strings.EqualFold(env(beam.EnvPhialLogFormat), "json") {
		h = slog.NewJSONHandler(behind, nil)
	}
	return slog.New(h).With("process", process), behind.flush
}

// behind writes lines from a goroutine of its own: where whoever reads the log is stuck
// (the node's disk is full, say), probes are answered all the same. Lines that find no
// room are lost and counted.
type behind struct {
	lines chan []byte
	lost  atomic.Int64
	once  sync.Once
	done  chan struct{}
}

const maxBehind = 128 // lines

func newBehind(w io.Writer) *behind {
	b := &behind{lines: make(chan []byte, maxBehind), done: make(chan struct{})}
	go func() {
		defer close(b.done)
		for line := range b.lines {
			w.Write(line) //nolint:errcheck // there is nobody to tell
		}
	}()
	return b
}

// Write takes a line.
func (b *behind) Write(line []byte) (int, error) {
	select {
	case b.lines <- append([]byte(nil), line...):
	default:
		b.lost.Add(1)
	}
	return len(line), nil
}

// flush ends the writing. Nothing may be logged after it.
func (b *behind) flush() {
	b.once.Do(func() { close(b.lines) })
	select {
	case <-b.done:
	case <-time.After(500 * time.Millisecond):
	}
}
