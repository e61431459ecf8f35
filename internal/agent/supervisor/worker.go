package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// worker is one that runs.
type worker struct {
	pid      int
	proc     *os.Process
	words    *os.File // it writes
	orders   *os.File // it reads
	todo     chan Order
	gone     chan struct{} // closed when it has ended
	heard    atomic.Bool   // it said a Word since this was looked at last
	heardAll chan struct{} // closed when its words have been read to their end
	wg       sync.WaitGroup

	mu     sync.Mutex
	killed string // why it was killed; empty: it was not
}

func newWorker(p *os.Process, words, orders *os.File) *worker {
	return &worker{pid: p.Pid, proc: p, words: words, orders: orders, todo: make(chan Order, 16), gone: make(chan struct{}), heardAll: make(chan struct{})}
}

// lastWords is how long the words are waited for that a worker said before it ended.
const lastWords = 200 * time.Millisecond

// end cleans up after a worker that has ended: what it started goes, too.
func (w *worker) end() {
	close(w.gone)
	syscall.Kill(-w.pid, syscall.SIGKILL) //nolint:errcheck // mostly there is nobody left
	select {
	case <-w.heardAll:
	case <-time.After(lastWords):
	}
	w.words.Close()
	w.orders.Close()
	w.wg.Wait()
	w.proc.Release() //nolint:errcheck // it was waited for
}

// why says why the worker was killed; empty: it was not.
func (w *worker) why() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.killed
}

// kill kills a worker and what it started, for a reason that is said when it has ended.
func (w *worker) kill(why string) {
	w.mu.Lock()
	if w.killed == "" {
		w.killed = why
	}
	w.mu.Unlock()
	syscall.Kill(-w.pid, syscall.SIGKILL) //nolint:errcheck // it may be gone already
}

// tell gives a worker an order. One that takes none is killed; the next one hears of it
// as its first.
func (w *worker) tell(o Order) {
	select {
	case w.todo <- o:
	default:
		w.kill("killed: it takes no orders")
	}
}

// write passes orders on.
func (w *worker) write() {
	for {
		select {
		case <-w.gone:
			return
		case o := <-w.todo:
			err := writeLine(w.orders, o, maxOrder)
			if errors.Is(err, errTooLong) { // it cannot be: a Word is shorter
				w.kill("killed: " + err.Error())
			}
		}
	}
}

// listen takes a worker's words until it ends. What is none is skipped, and said once.
func (s *supervisor) listen(w *worker) {
	defer close(w.heardAll)
	lines := newLineReader(w.words, MaxWord)
	var odd sync.Once
	for {
		line, err := lines.next()
		if err != nil && !errors.Is(err, errTooLong) {
			return
		}
		var word Word
		if err == nil {
			err = json.Unmarshal(line, &word)
		}
		if err != nil {
			odd.Do(func() { s.log.Warn("the worker said a line that is no word; it is skipped", "error", err.Error()) })
			continue
		}
		w.heard.Store(true)
		s.board.hear(w, word)
	}
}

// watch kills a worker that is silent for too long or grows too big, and ends it when
// ctx ends. Only time in which this process ran counts as silence: where the whole pod
// was frozen, the worker is not to blame.
func (s *supervisor) watch(ctx context.Context, w *worker) {
	tick := time.NewTicker(s.time.tick)
	defer tick.Stop()
	limit := memoryLimit()
	var silent time.Duration
	last := time.Now()
	for {
		select {
		case <-w.gone:
			return
		case <-ctx.Done():
			s.sayGoodbye(w)
			return
		case <-tick.C:
		}
		silent += min(time.Since(last), 2*s.time.tick)
		last = time.Now()
		if w.heard.Swap(false) {
			silent = 0
		}
		switch used := resident(w.pid); {
		case silent >= s.time.silence:
			w.kill(fmt.Sprintf("killed: it said nothing for %s", round(silent)))
			return
		case used > limit:
			w.kill(fmt.Sprintf("killed: it holds %d MiB of memory, %d are its limit", used>>20, limit>>20))
			return
		}
	}
}

// sayGoodbye gives a worker a little time to end by itself.
func (s *supervisor) sayGoodbye(w *worker) {
	w.proc.Signal(syscall.SIGTERM) //nolint:errcheck // it may be gone already
	select {
	case <-w.gone:
	case <-time.After(s.time.goodbye):
		w.kill("killed: it did not end in " + s.time.goodbye.String())
	}
}

// memoryLimit is what a worker may hold: a little more than what Go keeps itself below
// (GOMEMLIMIT). A container that exceeds its own limit is killed with all its processes.
func memoryLimit() int64 {
	soft := debug.SetMemoryLimit(-1)
	if soft > math.MaxInt64/2 {
		return math.MaxInt64
	}
	return soft + soft/16
}

// resident is how much memory of its own a process holds, in bytes; 0 where that
// cannot be read.
func resident(pid int) int64 {
	m, _ := statm(pid)
	return m.all - m.shared
}
