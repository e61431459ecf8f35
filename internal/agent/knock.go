package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/probe"
)

const (
	knockEvery   = 5 * time.Second
	knockAtOnce  = 8 // peers tried in one round; the others have theirs later
	knockTimeout = 2 * time.Second
)

// knocker tries whether linked peers could be linked anew. A path that was cut
// while a link was up shows here seconds later; the BEAM itself needs a minute
// (net_ticktime) to say nodedown.
type knocker struct {
	next    time.Time
	after   string // the last peer of the former round
	blocked map[string]string
}

// round tries the next few peers, if it is time to, and says what is known to be
// in the way.
func (k *knocker) round(ctx context.Context, knock func(context.Context, string) error, peers []string) string {
	if knock == nil {
		return ""
	}
	if time.Now().After(k.next) {
		k.next = time.Now().Add(knockEvery)
		k.try(ctx, knock, peers)
	}
	for node := range k.blocked {
		if !slices.Contains(peers, node) {
			delete(k.blocked, node)
		}
	}
	var why []string
	for _, p := range peers {
		if text, blocked := k.blocked[p]; blocked {
			why = append(why, text)
		}
	}
	if len(why) == 0 {
		return ""
	}
	return fmt.Sprintf("%s could not be linked anew: %s", plural(len(why), "peer"), some(why))
}

func (k *knocker) try(ctx context.Context, knock func(context.Context, string) error, peers []string) {
	turn := k.turn(peers)
	var mu sync.Mutex
	each(turn, func(node string) {
		ctx, cancel := context.WithTimeout(ctx, knockTimeout)
		defer cancel()
		err := knock(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			delete(k.blocked, node)
			return
		}
		if k.blocked == nil {
			k.blocked = map[string]string{}
		}
		k.blocked[node] = knockText(node, err)
	})
}

// knockText says what is in the way to a node, with its name once.
func knockText(node string, err error) string {
	text := err.Error()
	var u *probe.Unreached
	if errors.As(err, &u) {
		text = u.Failure.Detail
	}
	if strings.Contains(text, node) {
		return text
	}
	return node + ": " + text
}

// turn chooses whom to try: all in turn, a few at a time.
func (k *knocker) turn(peers []string) []string {
	if len(peers) <= knockAtOnce {
		return peers
	}
	i, _ := slices.BinarySearch(peers, k.after)
	if i < len(peers) && peers[i] == k.after {
		i++
	}
	var out []string
	for n := range knockAtOnce {
		out = append(out, peers[(i+n)%len(peers)])
	}
	k.after = out[len(out)-1]
	return out
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
