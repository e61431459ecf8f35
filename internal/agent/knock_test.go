package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

// A way that is cut under a link that is up is said within seconds, keeps the gate open,
// and is said no more when it is mended.
func TestACutUnderALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(3)
		w := newWorld(t, all...)
		var mu sync.Mutex
		cut := false
		agents, stop := w.run(func(c *Config) {
			self := c.Node
			c.Knock = func(_ context.Context, node string) error {
				mu.Lock()
				defer mu.Unlock()
				if !cut || self != all[2] && node != all[2] {
					return nil
				}
				return &probe.Unreached{Node: node, Failure: mesh.Failure{Detail: node + " (10.0.0.9:4369): no answer"}}
			}
		})
		defer stop()
		for _, n := range all {
			w.boot(n)
		}
		time.Sleep(5 * time.Second)
		mu.Lock()
		cut = true
		mu.Unlock()
		time.Sleep(10 * time.Second)
		for i, want := range []string{"1 peer could", "1 peer could", "2 peers could"} {
			if s := agents[all[i]].State(); !s.Ready || !s.Joined || !strings.Contains(s.Join, want) || strings.Count(s.Join, "no answer") != max(1, i) {
				t.Errorf("%s: %+v", all[i], s)
			}
		}
		mu.Lock()
		cut = false
		mu.Unlock()
		time.Sleep(10 * time.Second)
		for _, n := range all {
			if s := agents[n].State(); s.Join != saysJoined {
				t.Errorf("%s: %+v", n, s)
			}
		}
	})
}

// All peers are tried in turn, a few at a time.
func TestKnockTurns(t *testing.T) {
	var k knocker
	peers := names(2*knockAtOnce + 3)
	slices.Sort(peers)
	seen := map[string]int{}
	for range 3 {
		for _, p := range k.turn(peers) {
			seen[p]++
		}
	}
	if len(seen) != len(peers) {
		t.Errorf("%d of %d were tried in three rounds", len(seen), len(peers))
	}
	if got := k.turn(peers[:2]); len(got) != 2 {
		t.Errorf("of two: %v", got)
	}
}

func TestKnockText(t *testing.T) {
	const node = "shop@10.0.0.1"
	for want, err := range map[string]error{
		node + " (10.0.0.1:9100): frozen": fmt.Errorf("knock: %w", &probe.Unreached{Node: node, Failure: mesh.Failure{Detail: node + " (10.0.0.1:9100): frozen"}}),
		node + ": no such host":           errors.New("no such host"),
	} {
		if got := knockText(node, err); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
