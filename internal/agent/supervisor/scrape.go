package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/phialdev/phial/internal/agent/metrics"
)

// Bounds of the worker's metrics.
const (
	scrapeWithin = time.Second
	maxScrape    = 1 << 20
)

// workerClient speaks HTTP to the worker's socket.
func workerClient(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
	}}
}

// metrics are the worker's, if it gives them, and then the supervisor's.
func (s *supervisor) metrics(ctx context.Context) []byte {
	theirs, err := s.workerMetrics(ctx)
	return append(theirs, s.ownMetrics(err == nil)...)
}

var errBusy = errors.New("somebody else is being given them")

// workerMetrics fetches the worker's metrics, for one at a time.
func (s *supervisor) workerMetrics(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, scrapeWithin)
	defer cancel()
	select {
	case s.scrape <- struct{}{}:
		defer func() { <-s.scrape }()
	case <-ctx.Done():
		return nil, errBusy
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://worker/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxScrape+1))
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the worker answers %s", resp.Status)
	case len(text) == 0 || len(text) > maxScrape || text[len(text)-1] != '\n' || !utf8.Valid(text):
		return nil, errors.New("the worker's metrics are not whole")
	}
	return text, nil
}

// ownMetrics are the supervisor's. The worker gives none of these names.
func (s *supervisor) ownMetrics(scraped bool) []byte {
	v := s.board.view()
	var t metrics.Text
	t.Gauge("phial_agent_up", "Whether the agent's supervisor runs; 1.", metrics.Value(1))
	t.Gauge("phial_agent_start_time_seconds", "When the agent's supervisor started, since the Unix epoch.",
		metrics.Value(float64(s.began.UnixMilli())/1e3))
	t.Gauge("phial_agent_worker_up", "Whether a worker runs.", metrics.Bool(v.worker != 0))
	t.Gauge("phial_agent_worker_scraped", "Whether the worker's metrics are among these.", metrics.Bool(scraped))
	t.Counter("phial_agent_worker_restarts_total", "How often the worker was started again.", metrics.Value(float64(v.restarts)))
	if v.decided {
		t.Gauge("phial_agent_decision_age_seconds", "How long ago the worker decided about the gate.", metrics.Value(v.age.Seconds()))
	}
	t.Gauge("phial_agent_resident_memory_bytes", "Memory that the agent's processes hold, what they share included.", s.memory(v.worker)...)
	t.Gauge("phial_gate_open", "Whether the gate is open: the replica takes traffic.", metrics.Bool(v.open))
	t.Gauge("phial_node_booted", "Whether the node has booted, as the worker saw it last.", metrics.Bool(v.booted))
	t.Gauge("phial_draining", "Whether the replica was told to drain.", metrics.Bool(v.draining))
	return t.Bytes()
}

func (s *supervisor) memory(worker int) []metrics.Sample {
	var all []metrics.Sample
	for _, p := range []struct {
		name string
		pid  int
	}{{"supervisor", os.Getpid()}, {"worker", worker}} {
		if m, ok := statm(p.pid); ok {
			all = append(all, metrics.Value(float64(m.all), "process", p.name))
		}
	}
	return all
}

// memory of a process, in bytes.
type memory struct{ all, shared int64 }

func statm(pid int) (memory, bool) {
	if pid == 0 {
		return memory{}, false
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return memory{}, false
	}
	all, errA := strconv.ParseInt(fields[1], 10, 64)
	shared, errB := strconv.ParseInt(fields[2], 10, 64)
	page := int64(os.Getpagesize())
	return memory{all * page, shared * page}, errA == nil && errB == nil
}
