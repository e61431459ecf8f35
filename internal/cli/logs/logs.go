package logs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

type options struct {
	pods   []string
	follow bool
	tail   int
	engine bool
}

// pollEvery is how often a followed file is looked at.
const pollEvery = 100 * time.Millisecond

func show(ctx context.Context, s *term.IO, c *local.Client, o options) error {
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	pods := o.pods
	if len(pods) == 0 {
		for _, p := range st.Pods {
			pods = append(pods, p.Name)
		}
	}
	for _, p := range pods {
		if _, ok := st.Pod(p); !ok {
			return instance.NoPod(st, p)
		}
	}
	if o.engine {
		pods = []string{""}
	}
	tails := make([]*tail, 0, len(pods))
	defer func() {
		for _, t := range tails {
			t.close()
		}
	}()
	for _, p := range pods {
		t := &tail{path: c.LogPath(p)}
		if len(pods) > 1 {
			t.prefix = p + " | "
		}
		tails = append(tails, t)
		if err := t.start(s.Out, o.tail); err != nil {
			return err
		}
	}
	if !o.follow {
		return nil
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // Ctrl-C is how following ends
		case <-tick.C:
		}
		for _, t := range tails {
			if err := t.more(s.Out); err != nil {
				return err
			}
		}
		if _, err := c.Status(ctx); err != nil && ctx.Err() == nil {
			s.Notef("%s is down", st.Name)
			return nil
		}
	}
}

// A tail reads a log that grows and may be rotated away under it.
type tail struct {
	path, prefix string
	file         *os.File
	r            *bufio.Reader
	part         string // a last line without its end
}

func (t *tail) close() {
	if t.file != nil {
		t.file.Close()
		t.file = nil
	}
}

func (t *tail) open() error {
	t.close()
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has written nothing yet
	}
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	t.file, t.r = f, bufio.NewReader(f)
	return nil
}

// start writes the last n lines, or all when n is negative.
func (t *tail) start(w io.Writer, n int) error {
	if err := t.open(); err != nil || t.file == nil {
		return err
	}
	var last []string
	err := t.lines(func(l string) {
		last = append(last, l)
		if n >= 0 && len(last) > n {
			last = last[1:]
		}
	})
	for _, l := range last {
		fmt.Fprint(w, t.prefix, l, "\n")
	}
	return err
}

// more writes what has come since.
func (t *tail) more(w io.Writer) error {
	if t.file == nil {
		if err := t.open(); err != nil || t.file == nil {
			return err
		}
	}
	write := func(l string) { fmt.Fprint(w, t.prefix, l, "\n") }
	if err := t.lines(write); err != nil {
		return err
	}
	if !t.rotated() {
		return nil
	}
	if err := t.lines(write); err != nil { // what came before the rotation
		return err
	}
	return t.open()
}

// rotated: another file has the name now.
func (t *tail) rotated() bool {
	now, err := os.Stat(t.path)
	if err != nil {
		return false
	}
	mine, err := t.file.Stat()
	return err == nil && !os.SameFile(now, mine)
}

func (t *tail) lines(each func(string)) error {
	for {
		l, err := t.r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			t.part += l
			return nil
		}
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		// Elixir's Logger begins each entry with an empty line.
		if line := t.part + strings.TrimSuffix(l, "\n"); strings.TrimSpace(line) != "" {
			each(line)
		}
		t.part = ""
	}
}
