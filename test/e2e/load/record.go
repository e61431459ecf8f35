package load

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Class is a sort of request that is counted apart.
type Class string

// The classes. Those of [Idle] and [Long] connections do not count as failed requests of the run.
const (
	New       Class = "new"       // on a connection of its own
	KeepAlive Class = "keepalive" // on a busy connection
	Slow      Class = "slow"      // the server was asked to take its time
	Idle      Class = "idle"      // on a connection that is mostly idle
	Long      Class = "long"      // on a long-lived connection
)

// apart: HTTP has no way to end an idle connection that cannot meet a request on its way.
func (c Class) apart() bool { return c == Idle || c == Long }

// outcome is what became of a request.
type outcome struct {
	conn       *conn // that it was sent on, if it got so far
	reuse      bool
	askedClose bool
	failure    *failure
}

// tally is what is counted of a class at a target.
type tally struct {
	sent, ok, failed   int
	askedClose, closed int
	kinds              map[Kind]int
	took               []time.Duration
	reopened           map[int]int // by the second of the run
}

// tallies is what is counted of a target.
type tallies struct {
	connects []time.Duration
	classes  map[Class]*tally
}

// recorder counts.
type recorder struct {
	start    time.Time
	progress io.Writer
	most     int // examples

	mu                 sync.Mutex
	targets            []tallies
	lookups            []time.Duration
	lookupsFailed      int
	latest             time.Duration // that a request was started after it was due
	inFlight, inAtMost int
	ended              time.Time
	examples           []Example
}

func newRecorder(cfg Config, progress io.Writer) *recorder {
	r := &recorder{start: time.Now(), progress: progress, most: cfg.Examples}
	for range cfg.Targets {
		r.targets = append(r.targets, tallies{classes: map[Class]*tally{}})
	}
	return r
}

// of gives the tally of a class. The caller holds the lock.
func (r *recorder) of(t *target, class Class) *tally {
	classes := r.targets[t.index].classes
	if classes[class] == nil {
		classes[class] = &tally{kinds: map[Kind]int{}, reopened: map[int]int{}}
	}
	return classes[class]
}

func (r *recorder) lookedUp(took time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lookups = append(r.lookups, took)
	if err != nil {
		r.lookupsFailed++
	}
}

func (r *recorder) connected(t *target, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := &r.targets[t.index]
	of.connects = append(of.connects, took)
}

func (r *recorder) late(by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest = max(r.latest, by)
}

func (r *recorder) stopped() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = time.Now()
}

// closed counts a connection that the server ended between two requests: no client takes that for a failure.
func (r *recorder) closed(t *target, class Class) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(t, class).closed++
}

func (r *recorder) reopened(t *target, class Class) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(t, class).reopened[int(time.Since(r.start).Seconds())]++
}

func (r *recorder) begin(j job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(j.target, j.class).sent++
	r.inFlight++
	r.inAtMost = max(r.inAtMost, r.inFlight)
}

// abandoned is the end of a request that we gave up ourselves, at the end of the run.
func (r *recorder) abandoned() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
}

func (r *recorder) end(j job, o outcome) {
	took := time.Since(j.due) - j.delay
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight--
	t := r.of(j.target, j.class)
	if o.askedClose {
		t.askedClose++
	}
	if o.failure == nil {
		t.ok++
		t.took = append(t.took, took)
		return
	}
	t.failed++
	t.kinds[o.failure.kind]++
	if len(r.examples) < r.most {
		e := r.example(j, o)
		r.examples = append(r.examples, e)
		fmt.Fprintln(r.progress, e)
	}
}

// tellEvery writes a line at every interval until it is stopped.
func (r *recorder) tellEvery(interval time.Duration) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				r.tell()
			}
		}
	}()
	return func() { close(end); <-ended }
}

func (r *recorder) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum, apart := r.totals()
	fmt.Fprintf(r.progress, "%4.0fs: sent %d, ok %d, failed %d; apart: sent %d, failed %d; in flight %d\n",
		time.Since(r.start).Seconds(), sum.Sent, sum.OK, sum.Failed, apart.Sent, apart.Failed, r.inFlight)
}
