package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/agent/metrics"
	"github.com/phialdev/phial/internal/beam"
)

// Bounds of the probe port, which anybody may reach.
const (
	maxProbes    = 64 // connections
	maxHeader    = 4 << 10
	headerWithin = 2 * time.Second
	answerWithin = 5 * time.Second
	acceptAgain  = 50 * time.Millisecond
)

// serveProbes answers the kubelet and whoever scrapes metrics, one request for each
// connection, until the listener is closed. A probe is asked for every second of a pod's
// life: what http.Server does beyond reading a request (a goroutine that waits for the
// next, contexts, routes) would be most of its cost.
func (s *supervisor) serveProbes(ctx context.Context, l net.Listener) error {
	for {
		c, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // there are no descriptors left, most likely
			select {
			case <-ctx.Done():
				return err
			case <-time.After(acceptAgain):
			}
			continue
		}
		go s.serveProbe(ctx, c)
	}
}

var probeReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, maxHeader) }}

func (s *supervisor) serveProbe(ctx context.Context, c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(headerWithin))
	r := probeReaders.Get().(*bufio.Reader)
	defer probeReaders.Put(r)
	r.Reset(io.LimitReader(c, maxHeader))
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	c.SetDeadline(time.Now().Add(answerWithin))
	a := s.probed(ctx, req)
	head := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
		a.status, http.StatusText(a.status), a.mime, len(a.text))
	if req.Method != http.MethodHead {
		head = append(head, a.text...)
	}
	if _, err := c.Write(head); err == nil {
		io.Copy(io.Discard, req.Body) //nolint:errcheck // what is not read would reset the connection, and the answer with it
	}
}

// probeAnswer is one answer: of probes open or closed, and how old that decision is; no names
// and no reasons.
type probeAnswer struct {
	status int
	mime   string
	text   []byte
}

func (s *supervisor) probed(ctx context.Context, r *http.Request) probeAnswer {
	const plain = "text/plain; charset=utf-8"
	v := s.board.view()
	yes, word := true, "up"
	switch r.URL.Path {
	case beam.AgentReadyPath:
		yes, word = v.open, either(v.open, "open", "closed")
	case beam.AgentBootedPath:
		yes, word = v.booted, either(v.booted, "booted", "not booted")
	case "/healthz", "/metrics":
	default:
		return probeAnswer{http.StatusNotFound, plain, []byte("not found\n")}
	}
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return probeAnswer{http.StatusMethodNotAllowed, plain, []byte("only GET\n")}
	case r.URL.Path == "/metrics":
		return probeAnswer{http.StatusOK, metrics.ContentType, s.metrics(ctx)}
	}
	when := "nothing decided yet"
	if v.decided {
		when = fmt.Sprintf("decided %.1f s ago", v.age.Seconds())
	}
	status := http.StatusServiceUnavailable
	if yes {
		status = http.StatusOK
	}
	return probeAnswer{status, plain, fmt.Appendf(nil, "%s, %s\n", word, when)}
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
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
