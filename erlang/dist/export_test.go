package dist

// Pending is how many calls the connection still knows of.
func (c *Conn) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}

// Heard is how many bytes have come since the connection is up.
func (c *Conn) Heard() uint64 { return c.read.Load() }
