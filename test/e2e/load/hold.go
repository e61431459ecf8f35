package load

import (
	"context"
	"net/http"
	"time"
)

// holder keeps one connection and uses it now and then.
type holder struct {
	*client
	target *target
	class  Class
	path   string
	first  time.Duration // when it opens
	every  time.Duration // when it is used again
	eager  bool          // opens anew as soon as the connection is lost, not at the next use

	opened, failed bool
}

// idler is a client that keeps a connection much longer than it uses it.
func (c *client) idler(t *target, i int) *holder {
	return &holder{
		client: c, target: t, class: Idle, path: c.Path, every: c.IdleEvery,
		first: c.IdleEvery * time.Duration(i) / time.Duration(c.Idle),
	}
}

// longLived is a client that wants a connection at all times.
func (c *client) longLived(t *target, i int) *holder {
	return &holder{
		client: c, target: t, class: Long, path: c.LongPath, every: c.LongEvery, eager: true,
		first: time.Second * time.Duration(i) / time.Duration(c.Long),
	}
}

func (h *holder) run(ctx context.Context) {
	var cn *conn
	for pause(ctx, h.first); ctx.Err() == nil; {
		cn = h.use(ctx, cn)
		cn = h.rest(ctx, cn)
	}
	if cn != nil {
		cn.Close()
	}
}

// use sends one request. It gives the connection if that can be used again.
func (h *holder) use(ctx context.Context, cn *conn) *conn {
	j := job{target: h.target, class: h.class, method: http.MethodGet, path: expand(h.path, 0, 0), due: time.Now()}
	h.rec.begin(j)
	if cn == nil {
		var f *failure
		if cn, f = h.open(h.target); f != nil {
			h.failed = true
			h.rec.end(j, outcome{failure: f})
			return nil
		}
		if h.opened {
			h.rec.reopened(h.target, h.class)
		}
		h.opened = true
	}
	if h.class == Long { // it may be amid an answer that never ends
		defer context.AfterFunc(ctx, func() { cn.Close() })()
	}
	o := h.send(cn, j, h.class == Long)
	if h.failed = o.failure != nil; h.failed && ctx.Err() != nil && h.class == Long {
		h.rec.abandoned()
		return nil
	}
	h.rec.end(j, o)
	if !o.reuse {
		cn.Close()
		return nil
	}
	return cn
}

// rest waits for the next use, and gives the connection if the server has let it live.
func (h *holder) rest(ctx context.Context, cn *conn) *conn {
	next := time.Now().Add(h.every)
	if cn != nil {
		if !cn.idle(ctx, h.every) || ctx.Err() != nil {
			return cn
		}
		cn.Close()
		h.rec.closed(h.target, h.class)
	}
	switch {
	case !h.eager:
		pause(ctx, time.Until(next))
	case h.failed:
		pause(ctx, 200*time.Millisecond)
	}
	return nil
}

// pause lets some time pass, less if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
