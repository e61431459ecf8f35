package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/test/e2e/stage"
)

// life is what was seen of a pod.
type life struct {
	Name, IP             string
	Ready, Leaving, Gone time.Time // first seen so; zero: never
}

// timeline watches the pods of an app come and go, so that a failure can be held against it.
type timeline struct {
	end   context.CancelFunc
	ended chan struct{}

	mu  sync.Mutex
	all []life
}

// follow watches until it is stopped or ctx ends.
func follow(ctx context.Context, a *stage.App) *timeline {
	ctx, end := context.WithCancel(ctx)
	t := &timeline{end: end, ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		for sleep(ctx, 500*time.Millisecond) == nil {
			if pods, err := a.Pods(ctx); err == nil {
				t.see(pods)
			}
		}
	}()
	return t
}

func (t *timeline) stop() {
	t.end()
	<-t.ended
}

func (t *timeline) see(pods []stage.Pod) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	first := func(at *time.Time) {
		if at.IsZero() {
			*at = now
		}
	}
	for _, p := range pods {
		i := slices.IndexFunc(t.all, func(l life) bool { return l.Name == p.Name })
		if i < 0 {
			i = len(t.all)
			t.all = append(t.all, life{Name: p.Name})
		}
		l := &t.all[i]
		l.IP = p.IP
		if p.Ready && !p.Leaving {
			first(&l.Ready)
		}
		if p.Leaving {
			first(&l.Leaving)
		}
	}
	for i := range t.all {
		if !slices.ContainsFunc(pods, func(p stage.Pod) bool { return p.Name == t.all[i].Name }) {
			first(&t.all[i].Gone)
		}
	}
}

func (t *timeline) lives() []life {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.all)
}

// around says which pods came or went at a time.
func (t *timeline) around(at time.Time) string {
	var all []string
	for _, l := range t.lives() {
		if !l.Leaving.IsZero() && l.Leaving.Before(at.Add(time.Second)) && (l.Gone.IsZero() || l.Gone.After(at.Add(-2*time.Second))) {
			all = append(all, fmt.Sprintf("%s told to stop %.1f s before", l.IP, at.Sub(l.Leaving).Seconds()))
		}
		if d := at.Sub(l.Ready); !l.Ready.IsZero() && d > -time.Second && d < 3*time.Second {
			all = append(all, fmt.Sprintf("%s ready %.1f s before", l.IP, d.Seconds()))
		}
	}
	return strings.Join(all, ", ")
}
