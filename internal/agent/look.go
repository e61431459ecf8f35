package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// The pace of looking. A boot is watched closely, so that the mesh stands
// soon after it; one look costs the node well under a millisecond.
const (
	paceBoot    = 50 * time.Millisecond
	paceSettled = time.Second
	paceDecide  = 500 * time.Millisecond
	viewStale   = 1500 * time.Millisecond // an older look says nothing of now: the next one waits for its answer
	paceLost    = 250 * time.Millisecond  // the node does not answer, and not because it boots
	lookTimeout = 2 * time.Second         // for one question; a node that is frozen must not stop the loop
	bootWatch   = 2 * time.Minute         // after that long a boot is watched at paceLost
	silentAfter = 3 * time.Second         // without an answer; one look that a busy machine delays is no silence
)

// look looks at the node until ctx ends.
func (a *Agent) look(ctx context.Context) {
	for ctx.Err() == nil {
		a.lookOnce(ctx)
		pace := a.pace()
		signal(a.wake)
		select {
		case <-ctx.Done():
		case <-a.again:
		case <-time.After(pace):
		}
	}
}

// lookOnce asks the node how it is, and the http port whether it accepts.
func (a *Agent) lookOnce(ctx context.Context) {
	began := time.Now()
	conn, view, err := a.ask(ctx)
	var portErr error
	ask := a.conf.HTTPAccepts != nil && a.bootedBy(view) && !a.State().Ready
	if ask {
		portErr = a.conf.HTTPAccepts(ctx)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n := &a.now
	n.conn, n.view, n.why, n.portErr = conn, view, err, portErr
	n.portAsked = n.portAsked || ask
	switch {
	case err == nil:
		n.refused, n.lostAt, n.seenAt = 0, time.Time{}, began
		a.incarnate(view.Incarnation)
		n.hasBooted = n.hasBooted || a.bootedBy(view)
	case refuses(err): // no is an answer
		n.refused++
		n.lostAt = time.Time{}
		if inc := refusedBy(err); inc != "" {
			a.incarnate(inc) // it gives its incarnation before it refuses
		}
	case gone(err): // and so is that nobody is there
		n.lostAt = time.Time{}
		if n.hasBooted {
			n.gone++
			a.incarnate(fmt.Sprintf("gone %d", n.gone))
		}
	case n.lostAt.IsZero():
		n.lostAt = began
	}
}

// ask asks the node how it is, over a connection that is kept.
func (a *Agent) ask(ctx context.Context) (conn Node, v View, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	a.mu.Lock()
	conn = a.now.conn
	a.mu.Unlock()
	if conn == nil {
		if conn, err = a.conf.Network.Open(ctx, a.conf.Node); err != nil {
			return nil, View{}, err
		}
	}
	if v, err = conn.Look(ctx); err != nil {
		conn.Close()
		return nil, View{}, err
	}
	return conn, v, nil
}

// incarnate forgets the node's former life where this is another. mu is held.
func (a *Agent) incarnate(incarnation string) {
	n := &a.now
	if n.incarnation == incarnation {
		return
	}
	former := n.incarnation
	n.incarnation = incarnation
	if former == "" {
		return
	}
	n.hasBooted, n.since, n.portAsked = false, time.Now(), false
	n.booted, n.found, n.peers = false, found{known: n.found.known}, nil
	a.conf.Board.Forget(a.conf.Node)
}

// bootedBy reports whether the node has started with all its applications.
func (a *Agent) bootedBy(v View) bool {
	return v.Status == mesh.Started && len(a.missing(v)) == 0
}

// missing lists the applications that do not run and should.
func (a *Agent) missing(v View) []string {
	return union(without(a.conf.Apps, v.Apps), v.Missing)
}

// pace is how soon to look again.
func (a *Agent) pace() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := &a.now
	switch {
	case n.why != nil && refuses(n.why):
		return slower(n.refused)
	case a.bootedBy(n.view) && n.portErr == nil:
		return paceSettled
	case n.why != nil && !booting(n.why), time.Since(n.since) > bootWatch:
		return paceLost
	}
	return paceBoot
}
