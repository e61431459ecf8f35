package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

// A Link is the worker's end of its two pipes. Its methods may be called by several
// goroutines.
type Link struct {
	orders chan Order
	done   chan struct{}

	mu    sync.Mutex
	words io.Writer
}

// ErrNoSupervisor says that this process was not started by a supervisor.
var ErrNoSupervisor = errors.New("there is no supervisor: the worker is started by `phial-agent run` only")

// Attach takes up the pipes that a worker inherits. It is called once.
func Attach() (*Link, error) {
	for _, fd := range []int{wordsFD, ordersFD} {
		var st syscall.Stat_t
		if err := syscall.Fstat(fd, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
			return nil, ErrNoSupervisor
		}
		syscall.CloseOnExec(fd)
	}
	return NewLink(os.NewFile(wordsFD, "words"), os.NewFile(ordersFD, "orders")), nil
}

// NewLink makes a link of any two pipes; for tests of a worker.
func NewLink(words io.Writer, orders io.Reader) *Link {
	l := &Link{orders: make(chan Order, 64), done: make(chan struct{}), words: words}
	go l.read(orders)
	return l
}

// read hands on orders until the supervisor's end closes. What is no order is skipped.
func (l *Link) read(r io.Reader) {
	defer close(l.done)
	defer close(l.orders)
	lines := newLineReader(r, maxOrder)
	for {
		line, err := lines.next()
		var o Order
		switch {
		case errors.Is(err, errTooLong):
			continue
		case err != nil:
			return
		case json.Unmarshal(line, &o) != nil:
			continue
		}
		l.orders <- o
	}
}

// Send says a Word. It fails where the Word is longer than MaxWord, which says nothing,
// and where the supervisor is gone.
func (l *Link) Send(w Word) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := writeLine(l.words, w, MaxWord); err != nil {
		return fmt.Errorf("the supervisor cannot be told: %w", err)
	}
	return nil
}

// Orders gives what the supervisor orders: first, at once, what the worker before left.
// It is closed when the supervisor is gone.
func (l *Link) Orders() <-chan Order { return l.orders }

// Done is closed when the supervisor is gone. The worker ends then.
func (l *Link) Done() <-chan struct{} { return l.done }
