package kubetest

import (
	"os"
	"strconv"
	"time"
)

// patient is d, as many times over as PHIAL_PATIENCE says: a machine that is emulated takes twenty times as long as one
// that is not, and nothing is wrong with it.
func patient(d time.Duration) time.Duration {
	if times, err := strconv.Atoi(os.Getenv("PHIAL_PATIENCE")); err == nil && times > 1 {
		return time.Duration(times) * d
	}
	return d
}
