package peers

import "time"

// begin gives the host of a name for a call, and has it remembered until done.
func (c *Client) begin(name string) (*host, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end.Err() != nil {
		return nil, errClosed
	}
	h := c.hosts[name]
	if h == nil {
		if len(c.hosts) >= maxHosts && !c.forgetOne() {
			return nil, errTooMany
		}
		h = &host{slots: make(chan struct{}, perHost)}
		c.hosts[name] = h
	}
	h.calls++
	return h, nil
}

// done ends a call.
func (c *Client) done(h *host) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.calls--
	h.used = time.Now()
	if c.timer == nil && c.end.Err() == nil {
		c.timer = time.AfterFunc(sweepEvery, c.sweep)
	}
}

// forgetOne forgets the host that was not called for longest.
func (c *Client) forgetOne() bool {
	var oldest string
	for name, h := range c.hosts {
		if h.calls == 0 && (oldest == "" || h.used.Before(c.hosts[oldest].used)) {
			oldest = name
		}
	}
	if oldest == "" {
		return false
	}
	c.hosts[oldest].drop()
	delete(c.hosts, oldest)
	return true
}

// sweep ends connections that are idle for long and forgets hosts that nobody calls,
// and comes again while there is something left.
func (c *Client) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end.Err() != nil {
		return
	}
	for name, h := range c.hosts {
		kept := h.idle[:0]
		for _, l := range h.idle {
			if time.Since(l.since) < keepFor {
				kept = append(kept, l)
				continue
			}
			l.close()
		}
		clear(h.idle[len(kept):])
		h.idle = kept
		if h.calls == 0 && time.Since(h.used) >= rememberFor {
			h.drop()
			delete(c.hosts, name)
		}
	}
	c.timer = nil
	if len(c.hosts) > 0 {
		c.timer = time.AfterFunc(sweepEvery, c.sweep)
	}
}
