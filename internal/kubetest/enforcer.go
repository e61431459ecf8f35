package kubetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/phialdev/phial/internal/testkit"
)

// enforcer keeps the node's rules in step with its NetworkPolicies. A watch of each kind of object that matters says
// that something has changed, and then all is read anew. Of new pods it hears before the API server does, from a network
// plugin that waits until their policies are in force.
type enforcer struct {
	node    *Node
	cancel  context.CancelFunc
	running sync.WaitGroup
	changed chan struct{} // holds one, however much has

	mu  sync.Mutex
	err error // of the last try

	current string // the rules in force
}

// What is watched.
const (
	policyPath    = "/apis/networking.k8s.io/v1/networkpolicies"
	namespacePath = "/api/v1/namespaces"
	podPath       = "/api/v1/pods"
)

// settle is how long changes are collected, and retry how long a failure may last before it is the node's.
const (
	settle = 50 * time.Millisecond
	retry  = 10 * time.Second
)

// startPolicies puts the first rules in force, so that the kernel follows connections from the first on, and keeps at it.
func (n *Node) startPolicies(ctx context.Context) error {
	e := &enforcer{node: n, changed: make(chan struct{}, 1)}
	if err := e.enforce(ctx); err != nil {
		return err
	}
	ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, path := range []string{policyPath, namespacePath, podPath} {
		e.running.Go(func() { e.watch(ctx, path) })
	}
	e.running.Go(func() { e.listen(ctx) })
	e.running.Go(func() { e.run(ctx) })
	n.policies = e
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watches = append(n.watches, e.failure)
	return nil
}

func (e *enforcer) stop() {
	e.cancel()
	e.running.Wait()
}

func (e *enforcer) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// run brings the rules up to date whenever something has changed.
func (e *enforcer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.changed:
		}
		tries, cancel := context.WithTimeout(ctx, retry)
		err := testkit.Poll(tries, func() (bool, error) {
			err := e.enforce(tries)
			return err == nil, err
		})
		cancel()
		if ctx.Err() != nil {
			return
		}
		e.mu.Lock()
		e.err = err
		e.mu.Unlock()
	}
}

// enforce puts in force what the API server says now.
func (e *enforcer) enforce(ctx context.Context) error {
	var w world
	err := errors.Join(
		list(ctx, e.node.Cluster, policyPath, &w.policies),
		list(ctx, e.node.Cluster, namespacePath, &w.namespaces),
		list(ctx, e.node.Cluster, podPath, &w.pods))
	if err != nil {
		return fmt.Errorf("read what NetworkPolicies are about: %w", err)
	}
	fresh, err := newPods(e.node.newPods())
	if err != nil {
		return err
	}
	fresh = w.learn(fresh)
	guards, err := w.guards()
	if err != nil {
		return err
	}
	rules := ruleset(guards)
	if rules != e.current {
		if err := e.node.nft(ctx, rules); err != nil {
			return fmt.Errorf("put NetworkPolicies in force: %w", err)
		}
		e.current = rules
	}
	return acknowledge(e.node.newPods(), fresh)
}

// nft changes the rules of the node's network, all or nothing.
func (n *Node) nft(ctx context.Context, rules string) error {
	_, err := n.Exec(ctx, strings.NewReader(rules), "nft", "-f", "-")
	return err
}

func list[T networkingv1.NetworkPolicy | corev1.Namespace | corev1.Pod](ctx context.Context, c *Cluster, path string, items *[]T) error {
	answer, _, err := c.request(ctx, http.MethodGet, c.URL+path, "", nil)
	if err != nil {
		return err
	}
	var l struct{ Items []T }
	if err := json.Unmarshal(answer, &l); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	*items = l.Items
	return nil
}

// watch says so whenever an object at a path changes. The server ends a watch after some minutes: then the next begins
// with what there is, so that nothing is missed in between.
func (e *enforcer) watch(ctx context.Context, path string) {
	for ctx.Err() == nil {
		e.follow(ctx, path)
		pause(ctx, settle)
	}
}

func (e *enforcer) follow(ctx context.Context, path string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.node.URL+path+"?watch=1&allowWatchBookmarks=false", nil)
	if err != nil {
		return
	}
	resp, err := e.node.client.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	for events := json.NewDecoder(resp.Body); ; {
		var event json.RawMessage
		if err := events.Decode(&event); err != nil {
			return
		}
		e.tell()
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
