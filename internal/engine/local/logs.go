package local

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	maxLogFile = 16 << 20 // bytes; then the file becomes .1 and a new one begins
	maxLine    = 64 << 10 // bytes; longer lines are cut into several
	maxWaiting = 4096     // lines that a slow terminal may be behind
)

// logFile is a file that never grows beyond a bound: one older part is kept.
type logFile struct {
	mu   sync.Mutex
	path string
	f    *os.File
	size int64
	max  int64
}

func openLog(path string) (*logFile, error) {
	l := &logFile{path: path, max: maxLogFile}
	return l, l.open()
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	l.f, l.size = f, fi.Size()
	return nil
}

// Write appends p whole, in a new file if the present one is full.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return 0, os.ErrClosed
	}
	if l.size > 0 && l.size+int64(len(p)) > l.max {
		l.f.Close()
		l.f = nil
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			return 0, err
		}
		if err := l.open(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(p)
	l.size += int64(n)
	return n, err
}

// Close ends the file; writes after it fail.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}

// screen puts the lines of all replicas in one stream. A stream that does not
// take them (a terminal stopped with Ctrl-S) holds nobody up: what it missed
// is counted and said.
type screen struct {
	out   io.Writer
	color bool
	lines chan []byte
	ended chan struct{}

	mu     sync.Mutex
	missed int
	closed bool
}

func newScreen(out io.Writer, color bool) *screen {
	s := &screen{out: out, color: color, lines: make(chan []byte, maxWaiting), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for line := range s.lines {
			if s.out != nil {
				s.out.Write(line) //nolint:errcheck // a terminal that is gone
			}
			s.mu.Lock()
			missed := 0
			if len(s.lines) == 0 {
				missed, s.missed = s.missed, 0
			}
			s.mu.Unlock()
			if missed > 0 {
				fmt.Fprintf(s.out, "(%d lines left out here; the log files have them)\n", missed)
			}
		}
	}()
	return s
}

// colours of replicas, by ordinal: bright ones that read on light and dark.
var podColours = []int{36, 33, 35, 32, 34, 31}

func (s *screen) line(pod string, n, width int, text []byte) {
	if s.out == nil || len(bytes.TrimSpace(text)) == 0 { // Logger's lines begin with an empty one
		return
	}
	b := make([]byte, 0, len(text)+len(pod)+24)
	if s.color {
		b = fmt.Appendf(b, "\x1b[%dm%-*s |\x1b[0m ", podColours[n%len(podColours)], width, pod)
	} else {
		b = fmt.Appendf(b, "%-*s | ", width, pod)
	}
	b = append(append(b, text...), '\n')
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	select {
	case s.lines <- b:
	default:
		s.missed++
	}
}

// close writes what waits, for at most a second: a stopped terminal must not
// keep the engine from ending.
func (s *screen) close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.lines)
	}
	s.mu.Unlock()
	select {
	case <-s.ended:
	case <-time.After(time.Second):
	}
}

// lineWriter cuts a stream into lines and hands each on, without its newline.
type lineWriter struct {
	each func(line []byte)
	buf  []byte
}

// Write takes any part of a stream; it never fails.
func (w *lineWriter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			w.buf = append(w.buf, p...)
			for len(w.buf) >= maxLine {
				w.each(w.buf[:maxLine])
				w.buf = append(w.buf[:0], w.buf[maxLine:]...)
			}
			break
		}
		line := p[:i]
		if len(w.buf) > 0 {
			w.buf = append(w.buf, line...)
			line = w.buf
		}
		for len(line) > maxLine {
			w.each(line[:maxLine])
			line = line[maxLine:]
		}
		w.each(bytes.TrimSuffix(line, []byte{'\r'}))
		w.buf = w.buf[:0]
		p = p[i+1:]
	}
	return total, nil
}

// flush hands on what stands behind the last newline.
func (w *lineWriter) flush() {
	if len(w.buf) > 0 {
		w.each(w.buf)
		w.buf = w.buf[:0]
	}
}
