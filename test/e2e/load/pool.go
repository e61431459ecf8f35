package load

import "sync"

// pool keeps connections for reuse. The one that has rested longest is the next, so that all of them stay busy.
type pool struct {
	most int

	mu   sync.Mutex
	free []*conn
}

// get gives one, or nil.
func (p *pool) get() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil
	}
	c := p.free[0]
	p.free = p.free[1:]
	return c
}

// put takes one back, and closes it if there are enough.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) >= p.most {
		c.Close()
		return
	}
	p.free = append(p.free, c)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.free {
		c.Close()
	}
	p.free = nil
}
