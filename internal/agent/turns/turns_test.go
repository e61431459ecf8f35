package turns

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// network is agents that call one another.
type network struct {
	mu   sync.Mutex
	all  map[string]*Turns // by host
	gone map[string]bool   // hosts that do not answer
}

func (n *network) Call(ctx context.Context, host, method string, in, out any) error {
	n.mu.Lock()
	t, gone := n.all[host], n.gone[host]
	n.mu.Unlock()
	if t == nil || gone {
		<-ctx.Done()
		return errors.New("no answer")
	}
	time.Sleep(time.Millisecond)
	switch v := in.(type) {
	case Ask:
		*out.(*Answer) = t.Give(v)
	case Done:
		t.Over(v)
	}
	return nil
}

func agents(n int) (*network, []*Turns, []string) {
	net := &network{all: map[string]*Turns{}, gone: map[string]bool{}}
	var all []*Turns
	var names []string
	for i := range n {
		host := fmt.Sprintf("10.0.0.%d", i+1)
		t := New("shop@"+host, net)
		net.all[host] = t
		all, names = append(all, t), append(names, "shop@"+host)
	}
	return net, all, names
}

// Of many that want it at once, one at a time has the turn, and all get theirs.
func TestOneAtATime(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7} {
		synctest.Test(t, func(t *testing.T) {
			_, all, names := agents(n)
			var mu sync.Mutex
			joining, turns := 0, 0
			var wg sync.WaitGroup
			for _, a := range all {
				wg.Go(func() {
					for range 5 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						if !a.Lock(ctx, names) {
							t.Errorf("%s never had its turn", a.self)
						}
						mu.Lock()
						if joining++; joining > 1 {
							t.Errorf("%d at one time", joining)
						}
						mu.Unlock()
						time.Sleep(20 * time.Millisecond)
						mu.Lock()
						joining--
						turns++
						mu.Unlock()
						a.Unlock(false)
						cancel()
					}
				})
			}
			wg.Wait()
			if turns != 5*n {
				t.Errorf("%d turns of %d agents", turns, n)
			}
		})
	}
}

// Who has died with the turn holds nobody up for longer than its time; who does not
// answer holds up nobody but once.
func TestTheDeadHoldNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all, names := agents(4)
		if !all[1].Lock(t.Context(), names) {
			t.Fatal("the first has no turn")
		}
		net.mu.Lock()
		net.gone["10.0.0.2"] = true
		net.mu.Unlock()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if !all[3].Lock(ctx, names) || time.Since(began) > holds+time.Second {
			t.Errorf("waited %v", time.Since(began))
		}
		all[3].Unlock(false)
		began = time.Now()
		if !all[0].Lock(ctx, names) || time.Since(began) > 2*callTime {
			t.Errorf("waited %v for one that does not answer", time.Since(began))
		}
		all[0].Unlock(false)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		all[2].Give(Ask{"shop@10.0.0.9"})
		if all[3].Lock(short, names) {
			t.Error("a turn that somebody else has")
		}
	})
}

// Who joins wakes the others, and what it was told is heard of.
func TestOthersHear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, all, names := agents(5)
		changed := all[4].Changed()
		all[0].Lock(t.Context(), names)
		all[0].Told(all[0].self, names[1:])
		all[0].Unlock(true)
		select {
		case <-changed:
		default:
			t.Error("the last one was not woken")
		}
		time.Sleep(time.Second)
		all[3].Lock(t.Context(), names)
		list := all[3].List()
		if len(list) != 1 || list[0].By != all[0].self || len(list[0].Targets) != 4 || list[0].Ago < time.Second {
			t.Errorf("heard %+v", list)
		}
		all[3].Unlock(false)
		time.Sleep(2 * time.Minute)
		if list := all[3].List(); len(list) != 0 {
			t.Errorf("still %+v", list)
		}
	})
}
