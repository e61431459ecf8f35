package peers

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// tallyEvery is how often refusals are logged at most.
const tallyEvery = 10 * time.Second

// tally logs refusals: the first at once, and those that follow as one line with their
// number, at most every ten seconds.
type tally struct {
	log *slog.Logger

	mu     sync.Mutex
	counts map[string]int // by reason
	last   netip.Addr
	at     time.Time // of the last line
	timer  *time.Timer
	closed bool
}

func (t *tally) note(why string, from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[why]++
	t.last = from
	if t.timer != nil {
		return
	}
	if wait := tallyEvery - time.Since(t.at); wait > 0 {
		t.timer = time.AfterFunc(wait, t.flush)
		return
	}
	t.write()
}

func (t *tally) flush() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = nil
	if !t.closed {
		t.write()
	}
}

// close writes what is left, and nothing after it.
func (t *tally) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	if !t.closed {
		t.closed = true
		t.write()
	}
}

func (t *tally) write() {
	if len(t.counts) == 0 {
		return
	}
	total := 0
	var why []string
	for _, w := range slices.Sorted(maps.Keys(t.counts)) {
		total += t.counts[w]
		why = append(why, fmt.Sprintf("%s: %d", w, t.counts[w]))
	}
	t.log.Warn("refused on the agents' port", "count", total, "why", strings.Join(why, "; "), "last", t.last.String())
	clear(t.counts)
	t.at = time.Now()
}
