package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/agent/drain"
)

// reply is what became of a request.
type reply struct {
	code int
	body string
	err  error
}

// slow begins a request that takes its time, to a replica itself and not by the ingress,
// and returns when the node has it in flight.
func (a *app) slow(pod string, takes time.Duration) <-chan reply {
	a.t.Helper()
	p := a.pod(pod)
	out := make(chan reply, 1)
	url := fmt.Sprintf("http://%s:%d/slow?ms=%d", p.IP, p.HTTPPort, takes.Milliseconds())
	go func() {
		resp, err := http.Get(url)
		if err != nil {
			out <- reply{err: err}
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		out <- reply{resp.StatusCode, string(body), err}
	}()
	prober, _ := a.prober()
	s, err := prober.Session(a.t.Context(), p.Node)
	if err != nil {
		a.t.Fatal(err)
	}
	defer s.Close()
	d := s.Drain()
	in, err := d.Survey(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	eventually(a.t, "the request is in flight", func() error {
		got, err := d.InFlight(a.t.Context(), in.Servers, false)
		if err == nil && got.Requests == 0 {
			err = fmt.Errorf("%+v", got)
		}
		return err
	})
	return out
}

// log is what the engine has noted so far.
func (a *app) log() string {
	a.t.Helper()
	b, err := os.ReadFile(filepath.Join(a.Dir(), "engine.log"))
	if err != nil {
		a.t.Fatal(err)
	}
	return string(b)
}

// draining waits until a replica says that it has so much in flight.
func (a *app) draining(pod, what string) {
	a.t.Helper()
	eventually(a.t, pod+" is draining", func() error {
		if p := a.pod(pod); p.Phase != PhaseStopping || p.Ready || p.Reason != "draining: "+what {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
}

// A replica that is stopped finishes what it has, though its app waits for nothing, and
// nothing new goes to it. The app's hook is called first.
func TestDrainsBeforeTheStop(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t), EndpointDelay: -1, App: beamApp("tally", func(s *v1alpha1.BeamAppSpec) {
		s.HTTP = &v1alpha1.HTTPSpec{}
		s.Env = []corev1.EnvVar{{Name: "DRAIN_TIMEOUT_MS", Value: "0"}}
		s.Shutdown.Hook = &v1alpha1.HookSpec{Module: "Tally", Function: "tallies"}
	})})
	before := a.allReady(3)
	a.fullMesh(3)
	slow := a.slow("tally-1", 4*time.Second)
	restarted := make(chan error, 1)
	go func() { restarted <- a.Restart(context.WithoutCancel(t.Context()), "tally-1") }()
	a.draining("tally-1", "1 request in flight")
	there := fmt.Sprintf(`"node":%q`, before.Pods[1].Node)
	for waits := true; waits; {
		select {
		case got := <-slow:
			waits = false
			if got.err != nil || got.code != http.StatusOK || !strings.Contains(got.body, `"slept":4000`) {
				t.Errorf("the request that was in flight: %+v", got)
			}
		default:
			if code, body := get(t, before.URL); code != http.StatusOK || strings.Contains(body, there) && a.pod("tally-1").PID == before.Pods[1].PID {
				t.Errorf("while tally-1 drains: %d %s", code, body)
			}
		}
	}
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
	a.allReady(3)
	inOrder(t, a.log(), "restart tally-1", "tally-1: draining: hook Tally.tallies: done", "tally-1: draining: work: done", "tally-1 has booted")
	if strings.Contains(a.log(), "endpoint-delay") || strings.Contains(a.news.String(), "draining") {
		t.Errorf("there was no delay, and nothing went wrong:\n%s\n%s", a.news, a.log())
	}
}

// inOrder wants each text after the one before it.
func inOrder(t *testing.T, all string, texts ...string) {
	t.Helper()
	rest := all
	for _, text := range texts {
		_, after, ok := strings.Cut(rest, text)
		if !ok {
			t.Errorf("no %q after the one before it in:\n%s", text, all)
			return
		}
		rest = after
	}
}

// The second Ctrl-C skips the drain as well.
func TestSecondSignalSkipsTheDrain(t *testing.T) {
	t.Parallel()
	kill := make(chan struct{})
	a := up(t, Options{Dir: tally(t), Kill: kill, App: beamApp("tally", func(s *v1alpha1.BeamAppSpec) {
		s.HTTP, s.Replicas = &v1alpha1.HTTPSpec{}, new(int32(1))
		s.Shutdown.DrainTimeoutSeconds = new(int32(3600))
	})})
	a.allReady(1)
	slow := a.slow("tally-0", time.Minute)
	a.end()
	a.draining("tally-0", "1 request in flight")
	close(kill)
	<-a.done
	if got := <-slow; got.err == nil {
		t.Errorf("the request was waited for: %+v", got)
	}
}

// A node that can't be reached is stopped without a drain, and a hook that fails does
// not keep one that can: the person is told.
func TestDrainThatCannotBe(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t), EndpointDelay: -1, Grace: 4 * time.Second, App: beamApp("tally", func(s *v1alpha1.BeamAppSpec) {
		s.HTTP, s.Replicas = &v1alpha1.HTTPSpec{}, new(int32(1))
		s.Shutdown.Hook = &v1alpha1.HookSpec{Module: "Tally", Function: "nowhere"}
	})})
	pid := a.allReady(1).Pods[0].PID
	if err := a.Restart(t.Context(), "tally-0"); err != nil {
		t.Fatal(err)
	}
	if news := a.news.String(); !strings.Contains(news, "tally-0: draining: hook Tally.nowhere: failed") {
		t.Errorf("news:\n%s", news)
	}
	eventually(t, "ready again", func() error {
		if p := a.pod("tally-0"); !p.Ready || p.PID == pid {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	pid = a.pod("tally-0").PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "every thread of it stands still", func() error { return standsStill(pid) })
	if err := a.Restart(t.Context(), "tally-0"); err != nil {
		t.Fatal(err)
	}
	inOrder(t, a.log(), "restart tally-0", "restart tally-0", "tally-0: it is stopped without being drained: ")
	eventually(t, "a new process", func() error {
		if p := a.pod("tally-0"); !p.Ready || p.PID == pid {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
}

// standsStill says which thread of a stopped process still runs: they stop one after the
// other, and on a busy machine a node answers meanwhile.
func standsStill(pid int) error {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(tasks) == 0 {
		return fmt.Errorf("process %d has no threads: %w", pid, err)
	}
	for _, task := range tasks {
		stat, err := os.ReadFile(task)
		if err != nil {
			return err
		}
		if _, state, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(state, "T") {
			return fmt.Errorf("%s: %.1s", task, state)
		}
	}
	return nil
}

// A replica that is parted from the others closes while they are more and serve,
// opens when they are no longer, and joins and opens when the way is there again.
func TestIslandCloses(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t)})
	s := a.allReady(3)
	a.fullMesh(3)
	// tally-2 takes neither of the others in, whoever begins, and drops the links.
	keepCookie := func(cookie string) {
		for _, p := range s.Pods[:2] {
			a.rpc("tally-2", fmt.Sprintf(`:erlang.set_cookie(:"%s", %s)`, p.Node, cookie))
		}
	}
	part := func() { a.rpc("tally-2", `for n <- Node.list(), do: Node.disconnect(n)`) }
	keepCookie(":another")
	part()
	closed := func() error {
		if p := a.pod("tally-2"); p.Ready || !strings.Contains(p.Reason, "an island of 2 serves, larger than this one of 1") {
			return fmt.Errorf("%+v", p)
		}
		return nil
	}
	eventually(t, "the island closes", closed)
	url, there := s.URL, fmt.Sprintf(`"node":%q`, s.Pods[2].Node)
	for range 6 {
		if code, body := get(t, url); code != http.StatusOK || strings.Contains(body, there) {
			t.Errorf("with tally-2 closed: %d %s", code, body)
		}
	}
	// One against one: each serves. Then the other two are two again.
	opened := strings.Count(a.news.String(), "tally-2 is ready\n")
	if err := a.Restart(t.Context(), "tally-0"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the island opens", func() error {
		if strings.Count(a.news.String(), "tally-2 is ready\n") == opened {
			return errors.New(a.pod("tally-2").Reason)
		}
		return nil
	})
	eventually(t, "the island closes again", closed)
	keepCookie(":erlang.get_cookie()")
	a.allReady(3)
	a.fullMesh(3)
	if p := a.pod("tally-2"); p.PID != s.Pods[2].PID || p.Restarts != 0 {
		t.Errorf("%+v, want the same process as before (%d)", p, s.Pods[2].PID)
	}
}

func TestDrainIsThePlans(t *testing.T) {
	app := beamApp("shop", func(s *v1alpha1.BeamAppSpec) {
		s.HTTP = &v1alpha1.HTTPSpec{}
		s.Shutdown = v1alpha1.ShutdownSpec{EndpointDelaySeconds: new(int32(3)), DrainTimeoutSeconds: new(int32(10)), StopTimeoutSeconds: new(int32(30)),
			Hook: &v1alpha1.HookSpec{Module: "Shop.Drainer", Function: "drain!"}}
		s.Pipelines = []v1alpha1.PipelineSpec{{Name: "orders", DrainTimeoutSeconds: new(int32(60))}, {Name: "mails"}}
	})
	c := mustPlan(t, Options{App: app})
	for i, want := range []time.Duration{10 * time.Second, time.Minute, 10 * time.Second} {
		w := c.all()[i]
		if w.drain != want || w.budget(w.delay) != want || w.stop != 30*time.Second || w.hook == nil || *w.hook != (drain.Hook{Module: "Shop.Drainer", Function: "drain!"}) {
			t.Errorf("%s: drain %v, budget %v, stop %v, hook %v", w.name, w.drain, w.budget(w.delay), w.stop, w.hook)
		}
	}
	if all := strings.Join(c.ignored(), " "); strings.Contains(all, "hook") || strings.Contains(all, "shutdown") || len(c.warnings()) != 0 {
		t.Errorf("ignored: %s; warnings %v", all, c.warnings())
	}
	w := mustPlan(t, Options{App: app, Grace: 5 * time.Second, EndpointDelay: time.Second}).serving
	if got := w.budget(w.delay); got != time.Second {
		t.Errorf("of a short grace period %v are for the drain, want 1s: a quarter of what the delay leaves", got)
	}
	if got := w.budget(time.Hour); got != 0 {
		t.Errorf("with a delay longer than the grace period: %v", got)
	}
	app.Spec.Agent = v1alpha1.Disabled
	if w := mustPlan(t, Options{App: app}).serving; w.drain != 0 || w.hook != nil {
		t.Errorf("without an agent: drain %v, hook %v", w.drain, w.hook)
	}
}
