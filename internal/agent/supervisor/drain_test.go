package supervisor

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// client is a drain as a hook runs it.
type client struct {
	done chan error

	mu    sync.Mutex
	lines []string
	took  time.Duration
}

func (r *rig) drain(ctx context.Context) *client {
	c := &client{done: make(chan error, 1)}
	began := time.Now()
	go func() {
		err := r.Drain(ctx, time.Time{}, func(line string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.lines = append(c.lines, line)
		})
		c.took = time.Since(began)
		c.done <- err
	}()
	return c
}

func (c *client) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines, "\n")
}

func (c *client) ends(t *testing.T) (time.Duration, error) {
	t.Helper()
	select {
	case err := <-c.done:
		return c.took, err
	case <-time.After(patience):
		t.Fatal("the drain does not end; it said\n" + c.said())
		return 0, nil
	}
}

func TestDrain(t *testing.T) {
	r := start(t, "ready", 1, 10)
	r.until("the gate to open", r.ready)
	c := r.drain(t.Context())
	r.until("the first line", func() bool { return c.said() != "" })
	if r.ready() {
		t.Error("the gate is open after the drain has begun")
	}
	took, err := c.ends(t)
	if err != nil || took < 980*time.Millisecond || took > 5*time.Second {
		t.Errorf("it took %s, %v", took, err)
	}
	for _, want := range []string{"the gate is closed; 1s for load balancers", "2 requests are in flight", "drained, after 1"} {
		if !strings.Contains(c.said(), want) {
			t.Errorf("no %q in\n%s", want, c.said())
		}
	}
	if g := r.gate(); g.Open || !g.Draining {
		t.Errorf("after the drain: %+v", g)
	}
	again := r.drain(t.Context())
	if took, err := again.ends(t); err != nil || took > 900*time.Millisecond || !strings.Contains(again.said(), "drained") {
		t.Errorf("once more took %s, %v\n%s", took, err, again.said())
	}
	r.match("drain begun")
	r.match(`msg=draining .*2 requests`)
	r.match(`drain is over".*outcome=drained`)
}

func TestDrainIsOverWithItsBudget(t *testing.T) {
	r := start(t, "slow", 1, 1)
	r.until("the gate to open", r.ready)
	c := r.drain(t.Context())
	if took, err := c.ends(t); err != nil || took < 1980*time.Millisecond || !strings.Contains(c.said(), "not all work has ended") {
		t.Errorf("it took %s, %v\n%s", took, err, c.said())
	}
}

func TestDrainWithoutAWorkerLeavesTheDelay(t *testing.T) {
	r := start(t, "crash", 1, 60)
	r.match("worker died")
	c := r.drain(t.Context())
	took, err := c.ends(t)
	if err != nil || took < 980*time.Millisecond || !strings.Contains(c.said(), "no worker answers") {
		t.Errorf("it took %s, %v\n%s", took, err, c.said())
	}
	r.script("ready") // and still the gate is closed
	r.until("the next worker to have the drain", func() bool {
		o := r.orders()
		return len(o) > 0 && o[0].Drain != nil
	})
	if r.ready() {
		t.Error("the next worker has opened the gate")
	}
}

func TestDrainIsRepeatedToTheNextWorker(t *testing.T) {
	r := start(t, "die at drain", 1, 30)
	r.until("the gate to open", r.ready)
	c := r.drain(t.Context())
	r.match(`how="exit status 4"`)
	if r.ready() {
		t.Error("the gate is open while the worker is away")
	}
	r.script("ready")
	if took, err := c.ends(t); err != nil || took < 980*time.Millisecond || !strings.Contains(c.said(), "drained") {
		t.Errorf("it took %s, %v\n%s", took, err, c.said())
	}
	ids := map[string]int{}
	for _, o := range r.orders() {
		if o.Drain != nil {
			ids[o.Drain.ID+o.Drain.Since.String()]++
		}
	}
	if len(ids) != 1 {
		t.Errorf("the drain was ordered as %v", ids)
	}
	for _, n := range ids {
		if n < 2 {
			t.Errorf("it was ordered %d times", n)
		}
	}
}

func TestUndo(t *testing.T) {
	r := start(t, "slow", 1, 30)
	r.until("the gate to open", r.ready)
	var said []string
	undo := func() {
		t.Helper()
		said = nil
		if err := r.Undrain(t.Context(), func(line string) { said = append(said, line) }); err != nil {
			t.Fatal(err)
		}
	}
	undo()
	if strings.Join(said, "") != "no drain is under way" {
		t.Errorf("undo of nothing says %q", said)
	}
	c := r.drain(t.Context())
	r.until("progress", func() bool { return strings.Contains(c.said(), "in flight") })
	undo()
	if strings.Join(said, "") != "the drain was undone" {
		t.Errorf("undo says %q", said)
	}
	if _, err := c.ends(t); err != nil || !strings.Contains(c.said(), "undone") {
		t.Errorf("who drained hears %v\n%s", err, c.said())
	}
	r.until("the gate to open again", r.ready)
	// Of another drain, what is said of the first is no news.
	r.script("stale")
	c = r.drain(t.Context())
	r.until("the worker to have the second drain", func() bool {
		o := r.orders()
		return o[len(o)-1].Drain != nil && o[len(o)-2].Undo
	})
	select {
	case err := <-c.done:
		t.Errorf("the second drain is over by word of the first: %v\n%s", err, c.said())
	case <-time.After(1500 * time.Millisecond):
	}
	r.script("ready")
	if _, err := c.ends(t); err != nil || !strings.Contains(c.said(), "drained") {
		t.Errorf("the second drain: %v\n%s", err, c.said())
	}
}

// The endpoint delay counts from when whoever asks began to.
func TestDrainThatBeganEarlier(t *testing.T) {
	r := start(t, "ready", 30, 30)
	r.until("the gate to open", r.ready)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := r.Drain(ctx, time.Now().Add(-29500*time.Millisecond), nil); err != nil {
		t.Error(err)
	}
}

func TestDrainersThatGoLeaveRoom(t *testing.T) {
	r := start(t, "slow", 30, 30)
	r.until("the gate to open", r.ready)
	for range 2 * maxVerbs {
		ctx, cancel := context.WithCancel(t.Context())
		c := r.drain(ctx)
		r.until("the first line", func() bool { return c.said() != "" })
		cancel()
		if _, err := c.ends(t); !errors.Is(err, context.Canceled) {
			t.Fatalf("who goes hears %v", err)
		}
		r.until("room", func() bool { _, err := r.Gate(t.Context()); return err == nil })
	}
	if g := r.gate(); !g.Draining {
		t.Error("the drain went with who ordered it")
	}
}

func TestDrainEndsWithTheSupervisor(t *testing.T) {
	r := start(t, "slow", 30, 30)
	r.until("the gate to open", r.ready)
	c := r.drain(t.Context())
	r.until("the first line", func() bool { return c.said() != "" })
	r.cmd.Process.Kill()
	if _, err := c.ends(t); !errors.Is(err, ErrBroken) {
		t.Errorf("it ends with %v", err)
	}
	r.ends()
	if err := r.Drain(t.Context(), time.Time{}, nil); !errors.Is(err, ErrAbsent) {
		t.Errorf("and then with %v", err)
	}
}
