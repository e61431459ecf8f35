package supervisor

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/beam"
)

// Bounds of the probe port, which anybody may reach.
const (
	maxProbes    = 64 // connections
	maxHeader    = 4 << 10
	headerWithin = 2 * time.Second
	answerWithin = 5 * time.Second
	idleWithin   = 5 * time.Second
)

// probeServer answers the kubelet and whoever scrapes metrics: open or closed, and how
// old that decision is; no names and no reasons.
func (s *supervisor) probeServer() *http.Server {
	mux := http.NewServeMux()
	probe := func(path string, yes, no string, which func(view) bool) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			v := s.board.view()
			status, word := http.StatusServiceUnavailable, no
			if which(v) {
				status, word = http.StatusOK, yes
			}
			when := "nothing decided yet"
			if v.decided {
				when = fmt.Sprintf("decided %.1f s ago", v.age.Seconds())
			}
			h := w.Header()
			h.Set("Content-Type", "text/plain; charset=utf-8")
			h.Set("Cache-Control", "no-store")
			w.WriteHeader(status)
			fmt.Fprintf(w, "%s, %s\n", word, when)
		})
	}
	probe(beam.AgentReadyPath, "open", "closed", func(v view) bool { return v.open })
	probe(beam.AgentBootedPath, "booted", "not booted", func(v view) bool { return v.booted })
	probe("/healthz", "up", "up", func(view) bool { return true })
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	return &http.Server{
		Handler: mux, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerWithin, ReadTimeout: answerWithin,
		WriteTimeout: answerWithin, IdleTimeout: idleWithin, ErrorLog: log.New(io.Discard, "", 0),
	}
}

// newest accepts connections, of which it keeps a number open: one more closes the
// oldest. A probe is answered within milliseconds, so whoever holds a connection for
// longer is the one that can be spared; and nobody keeps the kubelet out.
func newest(l net.Listener, most int) net.Listener { return &newestListener{Listener: l, most: most} }

type newestListener struct {
	net.Listener
	most int

	mu   sync.Mutex
	open []*countedConn // oldest first
}

// Accept waits for the next connection.
func (l *newestListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	counted := &countedConn{Conn: c, l: l}
	l.mu.Lock()
	var oldest *countedConn
	if len(l.open) >= l.most {
		oldest = l.open[0]
	}
	l.open = append(l.open, counted)
	l.mu.Unlock()
	if oldest != nil {
		oldest.Close()
	}
	return counted, nil
}

type countedConn struct {
	net.Conn
	l *newestListener
}

// Close closes the connection and makes room for another.
func (c *countedConn) Close() error {
	c.l.mu.Lock()
	for i, o := range c.l.open {
		if o == c {
			c.l.open = append(c.l.open[:i], c.l.open[i+1:]...)
			break
		}
	}
	c.l.mu.Unlock()
	return c.Conn.Close()
}
