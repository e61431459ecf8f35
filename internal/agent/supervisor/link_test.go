package supervisor

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAttachWithoutASupervisor(t *testing.T) {
	if _, err := Attach(); !errors.Is(err, ErrNoSupervisor) {
		t.Errorf("it gives %v", err)
	}
}

func TestLink(t *testing.T) {
	words, say := io.Pipe()
	orders, order := io.Pipe()
	l := NewLink(say, orders)
	go order.Write([]byte("junk\n" + strings.Repeat("x", 2*maxOrder) + "\n" + `{"drain":{"id":"a","since":"2026-01-02T03:04:05Z"}}` + "\n" + `{"undo":true}` + "\n" + `{"undo":tr`))
	if o := <-l.Orders(); o.Drain == nil || o.Drain.ID != "a" || o.Drain.Since.Year() != 2026 {
		t.Errorf("the first order is %+v", o)
	}
	if o := <-l.Orders(); !o.Undo {
		t.Errorf("the second is %+v", o)
	}
	go l.Send(Word{Ready: true, Keep: json.RawMessage(`{"a":1}`)})
	line, err := newLineReader(words, MaxWord).next()
	if err != nil || string(line) != `{"ready":true,"keep":{"a":1}}` {
		t.Errorf("it says %s, %v", line, err)
	}
	if err := l.Send(Word{Reason: strings.Repeat("x", MaxWord)}); !errors.Is(err, errTooLong) {
		t.Errorf("a word that is too long gives %v", err)
	}
	order.Close()
	<-l.Done()
	if o, open := <-l.Orders(); open {
		t.Errorf("after the end comes %+v", o)
	}
}

// Whatever comes over a pipe, lines are bounded, and reading goes on behind what was not.
func FuzzLines(f *testing.F) {
	f.Add("a\nb\n", 4)
	f.Add(strings.Repeat("x", 100)+"\nafter\n", 1)
	f.Add("no end", 0)
	f.Fuzz(func(t *testing.T, text string, chunk int) {
		const limit = 16 // the least that bufio has
		r, w := io.Pipe()
		go func() {
			defer w.Close()
			step := max(1, chunk%7)
			for rest := text + "\nlast\n"; rest != ""; {
				n := min(step, len(rest))
				if _, err := w.Write([]byte(rest[:n])); err != nil {
					return
				}
				rest = rest[n:]
			}
		}()
		lines := newLineReader(r, limit)
		var got, want []string
		for {
			line, err := lines.next()
			if errors.Is(err, errTooLong) {
				continue
			}
			if err != nil {
				break
			}
			got = append(got, string(line))
		}
		for line := range strings.SplitSeq(text+"\nlast", "\n") {
			if len(line) < limit {
				want = append(want, line)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("of %q came %q", text, got)
		}
	})
}
