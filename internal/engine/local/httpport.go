package local

import (
	"fmt"
	"time"
)

// portPatience is how long a replica waits for its own http port. An engine that
// was killed leaves listeners behind for as long as its replicas take to die.
const portPatience = 2 * time.Second

// httpPort is replica n's own port. Many apps bind all addresses, so that no
// two replicas of any app on this machine may have the same.
func (w network) httpPort(n int) int { return httpPortBase + w.slot*maxPlaces + n }

// chooseHTTPPort gives a replica its own port, or another one where somebody else
// keeps that. It returns early when the replica is to stop.
func (e *engine) chooseHTTPPort(r *replica) (int, error) {
	own, had := e.net.httpPort(r.n), r.port()
	deadline := time.Now().Add(portPatience)
	for !e.takeHTTPPort(r, own) {
		if had != 0 && had != own || time.Now().After(deadline) { // who has it keeps it
			return e.otherHTTPPort(r)
		}
		select {
		case <-e.ctx.Done():
			return 0, e.ctx.Err()
		case <-r.stops:
			return 0, errGoingDown
		case <-time.After(portPatience / 40):
		}
	}
	return own, nil
}

// otherHTTPPort goes from the far end, which the others come to last.
func (e *engine) otherHTTPPort(r *replica) (int, error) {
	for n := maxPlaces - 1; n >= 0; n-- {
		if port := e.net.httpPort(n); e.takeHTTPPort(r, port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free http port for %s between %d and %d", r.name, e.net.httpPort(0), e.net.httpPort(maxPlaces-1))
}

// takeHTTPPort notes a port as the replica's, if no other replica has it and
// nothing listens on it, whichever address that is.
func (e *engine) takeHTTPPort(r *replica, port int) bool {
	e.choosing.Lock()
	defer e.choosing.Unlock()
	for _, other := range e.all() {
		if other != r && other.port() == port {
			return false
		}
	}
	ln, err := listenTCP(e.ctx, "0.0.0.0", port)
	if err != nil {
		return false
	}
	ln.Close()
	r.mu.Lock()
	r.httpPort = port
	r.mu.Unlock()
	return true
}
