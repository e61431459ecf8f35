package local

import "time"

// A replica that ends by itself is started again after a pause that doubles.
// The kubelet's pauses (10 s to 5 min) spare a cluster; nobody waits for them
// at a terminal.
const (
	backoffFirst = time.Second
	backoffMax   = 30 * time.Second
	ranWell      = 60 * time.Second // a life this long starts the count anew
)

type backoff struct{ failures int }

// next gives the pause after a life of that length.
func (b *backoff) next(life time.Duration) time.Duration {
	if life >= ranWell {
		b.failures = 0
	}
	pause := backoffMax
	if b.failures < 5 { // 1, 2, 4, 8, 16, then 30
		pause = backoffFirst << b.failures
	}
	b.failures++
	return pause
}
