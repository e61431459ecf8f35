package peers

import "time"

// What one message may be. Both ends hold to it.
const (
	maxRequest = 64 << 10
	maxAnswer  = 256 << 10
	maxHeader  = 4 << 10
	maxText    = 1 << 10 // of an error
	// maxHandshake is what a handshake may send; one of ours takes less than 2 KiB.
	maxHandshake = 8 << 10
)

// callTime is how long a method may take, and writeTime how long until its answer is read.
const (
	callTime  = 10 * time.Second
	writeTime = callTime + 2*time.Second
)

// limits are what a server puts up with. The tests have smaller ones.
type limits struct {
	conns      int // connections in all
	perAddr    int // connections of one address
	handshakes int // connections that have not shown the key yet
	addrs      int // addresses remembered; more than conns, so that one can always be forgotten

	handshakeTime time.Duration
	yieldAfter    time.Duration // after that long a handshake makes way for a new one if it has to
	readTime      time.Duration // for a whole request
	idleTime      time.Duration

	hellos   rate // connections of one address
	signed   rate // handshakes in all whose caller knows the key: only those cost a signature
	requests rate // requests of one address
}

func defaultLimits() limits {
	return limits{
		conns: 256, perAddr: 8, handshakes: 32, addrs: 1024,
		handshakeTime: 2 * time.Second, yieldAfter: 250 * time.Millisecond,
		readTime: 2 * time.Second, idleTime: time.Minute,
		hellos: rate{10, 10}, signed: rate{100, 100}, requests: rate{100, 100},
	}
}

// rate is what a bucket lets through.
type rate struct{ perSecond, burst float64 }

// bucket is a token bucket, full at first.
type bucket struct {
	missing float64 // tokens until it is full
	at      time.Time
}

// take takes a token, if there is one.
func (b *bucket) take(now time.Time, r rate) bool {
	b.missing = max(0, b.missing-now.Sub(b.at).Seconds()*r.perSecond)
	b.at = now
	if b.missing+1 > r.burst {
		return false
	}
	b.missing++
	return true
}
