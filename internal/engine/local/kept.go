package local

import (
	"cmp"
	"os"
	"slices"
	"time"
)

// Kept is what the last run of an instance that is down has left.
type Kept struct {
	Name string
	Dir  string    // the state directory: logs/POD.log, engine.log, pods/POD
	Last time.Time // when its engine wrote last
}

// KeptLogs gives the instances of this user that are down and whose logs are still
// there, the one that ran last first.
func KeptLogs() ([]Kept, error) {
	states, err := listStates("")
	if err != nil {
		return nil, err
	}
	var all []Kept
	for _, st := range states {
		fi, err := os.Stat(st.logPath(""))
		if err != nil || st.held() {
			continue
		}
		all = append(all, Kept{Name: st.name, Dir: st.dir, Last: fi.ModTime()})
	}
	slices.SortStableFunc(all, func(a, b Kept) int { return cmp.Compare(b.Last.UnixNano(), a.Last.UnixNano()) })
	return all, nil
}
