package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ingress sends HTTP to the replicas that are ready, in turn. One whose node
// does not answer gets a request only when no other takes it.
type ingress struct {
	app   string
	proxy *httputil.ReverseProxy

	mu       sync.Mutex
	backends []*backend
	turn     int
}

// backend is one life of a replica, as the ingress sees it. Its connections
// are its own, so that none outlives it.
type backend struct {
	pod       string
	host      string // ip:port
	transport *http.Transport
	silent    bool // its node does not answer; the ingress's mu guards it

	mu       sync.Mutex
	inFlight int
	idle     chan struct{} // made by wait, closed when inFlight gets to 0
}

func newIngress(app string) *ingress {
	g := &ingress{app: app}
	g.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetXForwarded()
			r.Out.Host = r.In.Host
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host = "replica" // the real one is chosen when the request is sent
		},
		Transport:     g,
		FlushInterval: -1,
		ErrorHandler:  g.fail,
	}
	return g
}

// listenIngress opens the ingress's port on 127.0.0.1: the one asked for, or
// else the first free one from the default on.
func listenIngress(ctx context.Context, asked int) (net.Listener, error) {
	if asked != 0 {
		ln, err := listenTCP(ctx, "127.0.0.1", asked)
		if inUse(err) {
			return nil, fmt.Errorf("port %d is taken: give another with --port, or none for the next free one", asked)
		}
		return ln, err
	}
	var last error
	for port := DefaultHTTPPort; port < DefaultHTTPPort+100; port++ {
		ln, err := listenTCP(ctx, "127.0.0.1", port)
		if err == nil || !inUse(err) {
			return ln, err
		}
		last = err
	}
	return nil, last
}

// add begins to send requests to a replica.
func (g *ingress) add(pod string, ip netip.Addr, port int) *backend {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	b := &backend{pod: pod, host: net.JoinHostPort(ip.String(), strconv.Itoa(port))}
	b.transport = &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, &dialError{err}
			}
			return conn, nil
		},
		MaxIdleConnsPerHost: 64,
		// Shorter than any server's own: a connection must not be closed
		// there at the moment in which a request is put on it.
		IdleConnTimeout:    2 * time.Second,
		DisableCompression: true, // what the client asked for is passed on
	}
	g.mu.Lock()
	g.backends = append(g.backends, b)
	g.mu.Unlock()
	return b
}

// remove sends no more requests to a replica; those under way go on.
func (g *ingress) remove(b *backend) {
	g.mu.Lock()
	for i, x := range g.backends {
		if x == b {
			g.backends = append(g.backends[:i:i], g.backends[i+1:]...)
			break
		}
	}
	g.mu.Unlock()
	b.transport.CloseIdleConnections()
}

// mark notes whether the replica's node answers.
func (g *ingress) mark(b *backend, silent bool) {
	g.mu.Lock()
	b.silent = silent
	g.mu.Unlock()
}

// wait returns when no request is under way at a replica that was removed, or ctx ends.
func (b *backend) wait(ctx context.Context) {
	b.mu.Lock()
	if b.inFlight == 0 {
		b.mu.Unlock()
		return
	}
	if b.idle == nil {
		b.idle = make(chan struct{})
	}
	idle := b.idle
	b.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

func (b *backend) begin() {
	b.mu.Lock()
	b.inFlight++
	b.mu.Unlock()
}

func (b *backend) end() {
	b.mu.Lock()
	if b.inFlight--; b.inFlight == 0 && b.idle != nil {
		close(b.idle)
		b.idle = nil
	}
	b.mu.Unlock()
}

// pick takes the next replica that was not tried yet, and counts the request
// there before anybody can see it removed and idle.
func (g *ingress) pick(tried []*backend) *backend {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, silent := range []bool{false, true} {
		for i := range g.backends {
			turn := (g.turn + 1 + i) % len(g.backends)
			b := g.backends[turn]
			if b.silent != silent || slices.Contains(tried, b) {
				continue
			}
			g.turn = turn
			b.begin()
			return b
		}
	}
	return nil
}

// held is where RoundTrip leaves the replica that a request went to, for as
// long as its answer is passed on.
type held struct{ b *backend }

func (h *held) release() {
	if h.b != nil {
		h.b.end()
		h.b = nil
	}
}

type heldKey struct{}

// maxReplay bounds the bodies that are kept so that a request whose
// connection turned out closed can be put on another.
const maxReplay = 64 << 10

// ServeHTTP passes one request on.
func (g *ingress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := new(held)
	defer h.release()
	r = r.WithContext(context.WithValue(r.Context(), heldKey{}, h))
	if r.ContentLength > 0 && r.ContentLength <= maxReplay {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "the request ended early", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	g.proxy.ServeHTTP(w, r)
}

var errNoneReady = errors.New("no replica is ready")

// RoundTrip sends the request to a replica; to another one if the connection
// could not be made, when nothing of the request has been sent.
func (g *ingress) RoundTrip(req *http.Request) (*http.Response, error) {
	h, _ := req.Context().Value(heldKey{}).(*held)
	var tried []*backend
	var last error
	for {
		b := g.pick(tried)
		if b == nil {
			if last != nil {
				return nil, last
			}
			return nil, errNoneReady
		}
		out := *req
		out.URL = new(url.URL)
		*out.URL = *req.URL
		out.URL.Host = b.host
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				b.end()
				return nil, err
			}
			out.Body = body
		} else if req.Body != nil && req.Body != http.NoBody {
			out.Body = io.NopCloser(req.Body) // a failed attempt closes it; the proxy closes the real one
		}
		resp, err := b.transport.RoundTrip(&out)
		var dial *dialError
		if errors.As(err, &dial) && req.Context().Err() == nil {
			b.end()
			tried, last = append(tried, b), fmt.Errorf("%s: %w", b.pod, err)
			continue
		}
		if err != nil {
			b.end()
			return nil, fmt.Errorf("%s: %w", b.pod, err)
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			b.end() // a WebSocket is a connection, not a request that ends: no drain waits for it
		} else {
			h.b = b
		}
		return resp, nil
	}
}

func (g *ingress) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	if errors.Is(err, errNoneReady) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "phial: no replica of "+g.app+" is ready", http.StatusServiceUnavailable)
		return
	}
	http.Error(w, "phial: "+strings.TrimSpace(err.Error()), http.StatusBadGateway)
}

type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }
