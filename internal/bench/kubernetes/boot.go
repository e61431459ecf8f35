package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
	"github.com/phialdev/phial/test/e2e/stage"
)

const (
	bootPoll = 20 * time.Millisecond
	mostMesh = 2 * time.Second // from the last boot to the full mesh
)

// boot is one cold start, in times from the order to scale up.
type boot struct{ booted, meshed, seen, open time.Duration }

// coldBoots measures cold starts with the node's own CoreDNS, and with one that caches as
// kubeadm's does.
func (w *world) coldBoots(ctx context.Context) (err error) {
	if !w.has("boot") {
		return nil
	}
	a, _, err := w.meshed(ctx, "bench-boot", w.tally("inets", "bench-boot", func(a *v1alpha1.BeamApp) {
		a.Spec.Shutdown.EndpointDelaySeconds = new(int32(1)) // it is started again and again
	}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(context.WithoutCancel(ctx), a)) }()
	busy := newAverage()
	plain, err := w.coldStarts(ctx, a, "no cache")
	if err != nil {
		return err
	}
	plainLoad := busy.String()
	undo, err := w.cacheDNS(ctx)
	if err != nil {
		return err
	}
	busy = newAverage()
	cached, err := w.coldStarts(ctx, a, "cache 30")
	err = errors.Join(err, undo(context.WithoutCancel(ctx)))
	if err != nil {
		return err
	}
	w.printBoots(plain, cached, plainLoad, busy.String())
	return nil
}

func (w *world) printBoots(plain, cached []boot, loads ...string) {
	fmt.Printf("\nFrom no replica to the mesh of %d, %d cold starts of each kind (median, min, max), counted from the order to scale up\n\n", replicas, len(plain))
	fmt.Println("| | median | min | max | load |\n|---|---|---|---|---|")
	for i, all := range [][]boot{plain, cached} {
		name := []string{"CoreDNS with ttl 5, no cache", "CoreDNS with ttl 30, cache 30"}[i]
		each := func(get func(boot) time.Duration) (ds []time.Duration) {
			for _, b := range all {
				ds = append(ds, get(b))
			}
			return ds
		}
		row(name+": last BEAM booted", each(func(b boot) time.Duration { return b.booted }), ms, loads[i])
		after := each(func(b boot) time.Duration { return b.meshed - b.booted })
		seen := each(func(b boot) time.Duration { return b.seen - b.booted })
		wanted := ""
		if i == 0 {
			worst := slices.Max(seen)
			wanted = " (at most 2 s: " + w.judge(worst <= mostMesh, "%s: all agents saw the mesh %s after the last boot, must be at most %s", name, worst, mostMesh) + ")"
		}
		row(name+": the nodes' own full mesh, after the last boot", after, ms, "")
		row(name+": all agents see it, after the last boot"+wanted, seen, ms, "")
		row(name+": all gates open, after the last boot", each(func(b boot) time.Duration { return b.open - b.booted }), ms, "")
	}
}

// coldStarts scales to nothing and back up.
func (w *world) coldStarts(ctx context.Context, a *stage.App, kind string) (all []boot, err error) {
	for i := range w.boots {
		if err := a.Scale(ctx, 0); err != nil {
			return nil, err
		}
		if _, err := a.AwaitReady(ctx, 0, 2*time.Minute); err != nil {
			return nil, err
		}
		b, err := coldStart(ctx, a)
		if err != nil {
			return nil, err
		}
		note("%s: start %d: booted after %s, mesh %s, seen %s, open %s; load %s", kind, i+1, b.booted, b.meshed-b.booted, b.seen-b.booted, b.open-b.booted, loadNow())
		all = append(all, b)
	}
	return all, nil
}

// coldStart starts all replicas at once and watches each from outside: its node, by the
// protocol of the distribution, and its agent, by its port of probes and metrics.
func coldStart(ctx context.Context, a *stage.App) (boot, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	begin := time.Now()
	if err := a.Scale(ctx, replicas); err != nil {
		return boot{}, err
	}
	ips, err := addresses(ctx, a)
	if err != nil {
		return boot{}, err
	}
	each := make([]boot, len(ips))
	p := &probe.Prober{Cookie: dist.NewCookie(a.Cookie()), CookieCertain: true, Timeout: time.Second, Ports: []uint16{}}
	g, ctx := errgroup.WithContext(ctx)
	for i, ip := range ips {
		g.Go(func() (err error) {
			each[i].booted, each[i].meshed, err = followNode(ctx, p, a.Name+"@"+ip, begin)
			return err
		})
		g.Go(func() (err error) {
			if each[i].open, err = until(ctx, begin, func() bool { return ready(ctx, ip) }); err != nil {
				return err
			}
			each[i].seen, err = until(ctx, begin, func() bool { return peersSeen(ctx, ip) == replicas-1 })
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return boot{}, err
	}
	var all boot
	for _, b := range each {
		all.booted, all.meshed = max(all.booted, b.booted), max(all.meshed, b.meshed)
		all.seen, all.open = max(all.seen, b.seen), max(all.open, b.open)
	}
	return all, nil
}

// addresses waits for those of all replicas.
func addresses(ctx context.Context, a *stage.App) (ips []string, err error) {
	err = stage.Await(ctx, time.Minute, func(ctx context.Context) error {
		pods, err := a.Pods(ctx)
		ips = nil
		for _, p := range pods {
			if p.IP != "" && !p.Leaving {
				ips = append(ips, p.IP)
			}
		}
		if err == nil && len(ips) < replicas {
			err = fmt.Errorf("%d replicas have addresses", len(ips))
		}
		return err
	})
	return ips, err
}

// until polls, and gives the time at which it was true.
func until(ctx context.Context, begin time.Time, try func() bool) (time.Duration, error) {
	for !try() {
		if err := sleep(ctx, bootPoll); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// followNode asks one node until it has booted and sees its peers.
func followNode(ctx context.Context, p *probe.Prober, node string, begin time.Time) (booted, meshed time.Duration, err error) {
	var s *probe.Session
	if _, err = until(ctx, begin, func() bool { s, err = p.Session(ctx, node); return err == nil }); err != nil {
		return 0, 0, err
	}
	defer s.Close()
	if booted, err = until(ctx, begin, func() bool { st, err := s.Status(ctx); return err == nil && st == mesh.Started }); err != nil {
		return 0, 0, err
	}
	meshed, err = until(ctx, begin, func() bool { peers, err := s.Peers(ctx); return err == nil && len(peers) == replicas-1 })
	return booted, meshed, err
}

var once = &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// ask gives the status and the text of an answer of an agent; of another server where
// the address has a port.
func ask(ctx context.Context, c *http.Client, addr, path string) (int, string, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(addr, strconv.Itoa(beam.AgentProbePort))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func ready(ctx context.Context, ip string) bool {
	status, _, err := ask(ctx, once, ip, beam.AgentReadyPath)
	return err == nil && status == http.StatusOK
}

// peersSeen is how many peers an agent says that its node has; -1: it does not say.
func peersSeen(ctx context.Context, ip string) int {
	_, text, err := ask(ctx, once, ip, "/metrics")
	if err != nil {
		return -1
	}
	for line := range strings.Lines(text) {
		if rest, is := strings.CutPrefix(line, "phial_mesh_peers{"); is {
			_, value, _ := strings.Cut(strings.TrimSpace(rest), "} ")
			if n, err := strconv.Atoi(value); err == nil {
				return n
			}
		}
	}
	return -1
}

// cacheDNS has CoreDNS cache for 30 s, as kubeadm's configuration does.
func (w *world) cacheDNS(ctx context.Context) (undo func(context.Context) error, err error) {
	before, _, err := w.Kubectl(ctx, nil, "get", "configmap", "coredns", "-n", "kube-system", "-o", "yaml")
	if err != nil {
		return nil, err
	}
	after := strings.Replace(string(before), "ttl 5\n", "ttl 30\n", 1)
	after = strings.Replace(after, "    loadbalance\n", "    cache 30\n        loadbalance\n", 1)
	if strings.Count(after, "cache 30") != 1 || after == string(before) {
		return nil, fmt.Errorf("CoreDNS is not configured as expected:\n%s", before)
	}
	set := func(ctx context.Context, text string) error {
		for _, step := range [][]string{
			{"replace", "--force", "-f", "-"},
			{"rollout", "restart", "-n", "kube-system", "deployment/coredns"},
			{"rollout", "status", "-n", "kube-system", "deployment/coredns", "--timeout=1m"},
		} {
			if _, _, err := w.Kubectl(ctx, []byte(text), step...); err != nil {
				return err
			}
		}
		return nil
	}
	return func(ctx context.Context) error { return set(ctx, string(before)) }, set(ctx, after)
}
