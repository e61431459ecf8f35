package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeRelease is a release whose start script is the shell's alone: what the
// engine does with processes needs no emulator.
func fakeRelease(t *testing.T, name, script string) string {
	t.Helper()
	root := t.TempDir()
	for path, text := range map[string]string{
		"releases/start_erl.data": "13.1.5 1.0.0",
		"releases/1.0.0/.keep":    "",
		"bin/" + name:             "#!/bin/sh\n# RELEASE_BOOT_SCRIPT start_erl.data\n" + script,
	} {
		p := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestCrashLoop(t *testing.T) {
	a := up(t, Options{Dir: fakeRelease(t, "flop", "echo going down\nexit 3\n"), Replicas: 1, NoHTTP: true})
	eventually(t, "two restarts", func() error {
		p := a.pod("flop-0")
		if p.Restarts < 2 || p.Phase != PhaseBackOff || p.Ready || p.PID != 0 || !strings.Contains(p.Reason, "exit status 3") {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	if out := a.out.String(); !strings.Contains(out, "flop-0 | going down\n") {
		t.Errorf("output: %q", out)
	}
	eventually(t, "settled while it crashes", func() error {
		if !a.status().Settled {
			return errors.New("not settled")
		}
		return nil
	})
	begin := time.Now()
	if err := a.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("going down took %v: it waits for the back-off", d)
	}
}

// A crash loop has settled with its second failure, and stays so while it
// starts again and again: whoever waits learns of it in seconds.
func TestCrashLoopSettlesSoon(t *testing.T) {
	a := up(t, Options{Dir: fakeRelease(t, "flop", "exit 1\n"), Replicas: 1, NoHTTP: true})
	s, err := a.WaitSettled(t.Context(), func(s Status) {
		if p := s.Pods[0]; p.Restarts < 2 && s.Settled {
			t.Errorf("settled while the first restart is to come: %+v", p)
		}
	})
	if p := s.Pods[0]; err != nil || p.Restarts != 2 {
		t.Errorf("settled with %+v, %v; want two failures", p, err)
	}
	eventually(t, "a fourth failure", func() error {
		if s = a.status(); !s.Settled {
			t.Fatalf("not settled any more: %+v", s.Pods)
		}
		if s.Pods[0].Restarts < 4 {
			return fmt.Errorf("%+v", s.Pods)
		}
		return nil
	})
	// Whoever restarts it by hand gives it another chance.
	before := a.pod("flop-0").Restarts
	if err := a.Restart(t.Context(), "flop-0"); err != nil {
		t.Fatal(err)
	}
	if s = a.status(); s.Settled && s.Pods[0].Restarts <= before+1 {
		t.Errorf("settled just after a restart: %+v", s.Pods)
	}
}

func TestGracePeriod(t *testing.T) {
	dir := fakeRelease(t, "stub", `trap 'echo no' TERM
echo up
sleep 1000 &
while :; do wait; done
`)
	state := t.TempDir()
	a := up(t, Options{Dir: dir, Replicas: 2, NoHTTP: true, StateDir: state, Grace: 300 * time.Millisecond})
	eventually(t, "both up", func() error {
		if n := strings.Count(a.out.String(), "| up\n"); n != 2 {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	if err := a.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-a.done
	for _, pod := range []string{"stub-0", "stub-1"} {
		if !strings.Contains(a.out.String(), pod+" | no\n") {
			t.Errorf("%s saw no SIGTERM before SIGKILL", pod)
		}
	}
	eventually(t, "nothing is left", func() error {
		if left := processesUnder(state); len(left) > 0 {
			return errors.New(strings.Join(left, ", "))
		}
		return nil
	})
}

func TestSecondSignalSkipsTheGracePeriod(t *testing.T) {
	kill := make(chan struct{})
	a := up(t, Options{Dir: fakeRelease(t, "stub", "trap '' TERM\necho up\nwhile :; do sleep 0.1; done\n"), Replicas: 1, NoHTTP: true,
		Grace: time.Hour, Kill: kill})
	eventually(t, "up", func() error {
		if !strings.Contains(a.out.String(), "| up") {
			return errors.New(a.out.String())
		}
		return nil
	})
	a.end()
	eventually(t, "stopping", func() error {
		if p := a.pod("stub-0"); p.Phase != PhaseStopping {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	close(kill)
	<-a.done
}

// Told to end while replicas are still being started, the engine starts no
// more of them, and those that run are stopped.
func TestEndsWhileStarting(t *testing.T) {
	state := t.TempDir()
	dir := fakeRelease(t, "many", "echo up\nsleep 1000\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out syncBuffer
	some := watcher(func(line []byte) {
		out.Write(line)
		if strings.Count(out.String(), "| up\n") == 3 {
			cancel()
		}
	})
	err := Run(ctx, Options{Dir: dir, Replicas: MaxReplicas, NoHTTP: true, StateDir: state, Out: some, Grace: time.Hour,
		Started: func(Status) { t.Error("it has started") }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v, want context.Canceled", err)
	}
	if left := processesUnder(state); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if all, _ := ListIn(state); len(all) > 0 {
		t.Error("the instance is listed")
	}
}

// An emulator drops the SIGTERM that comes while it starts. It is told again:
// nobody waits for the grace period.
func TestEndsWhileNodesBoot(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t), Replicas: 2, NoHTTP: true, Grace: time.Hour})
	eventually(t, "emulators that have just begun", func() error {
		for _, p := range a.status().Pods {
			comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.PID))
			if strings.TrimSpace(string(comm)) != "beam.smp" {
				return fmt.Errorf("%s is %q", p.Name, comm)
			}
		}
		return nil
	})
	a.end()
	select {
	case <-a.done:
	case <-time.After(patience):
		t.Error("it waits for nodes that did not hear")
		for _, p := range a.status().Pods {
			if p.PID > 0 {
				syscall.Kill(p.PID, syscall.SIGKILL)
			}
		}
	}
}

type watcher func(line []byte)

func (w watcher) Write(p []byte) (int, error) { w(p); return len(p), nil }

// The replicas' environment: what a pod has, and a hostname that answers as in one.
func TestPodEnvironment(t *testing.T) {
	dir := fakeRelease(t, "envy", `echo "h $(hostname) $(hostname -f) $(hostname -i) $(hostname -s) $(hostname -d)"
echo "n $RELEASE_NODE $POD_NAMESPACE ${RELEASE_NAME-unset} $KEEP"
[ -n "$RELEASE_COOKIE" ] && echo cookie given
cat "$ERL_INETRC"
sleep 1000
`)
	a := up(t, Options{Dir: dir, Replicas: 1, NoHTTP: true, Identity: IdentityStable, Namespace: "prod", Grace: time.Second,
		Env: append(os.Environ(), "RELEASE_NAME=other", "KEEP=kept")})
	ip := a.pod("envy-0").IP
	fqdn := "envy-0.envy-headless.prod.svc.cluster.local"
	for _, want := range []string{
		"h envy-0 " + fqdn + " " + ip + " envy-0 envy-headless.prod.svc.cluster.local",
		"n envy@" + fqdn + " prod unset kept",
		"cookie given",
		`{search,["prod.svc.cluster.local","svc.cluster.local","cluster.local"]}.`,
		"{nameserver,{" + strings.ReplaceAll(ip, ".", ",") + "},",
	} {
		eventually(t, want, func() error {
			if !strings.Contains(a.out.String(), "envy-0 | "+want) {
				return errors.New(a.out.String())
			}
			return nil
		})
	}
}

func TestBadInput(t *testing.T) {
	plain := t.TempDir()
	two := fakeRelease(t, "one", "exit 0")
	script, _ := os.ReadFile(filepath.Join(two, "bin", "one"))
	os.WriteFile(filepath.Join(two, "bin", "two"), script, 0o755)
	file := filepath.Join(plain, "file")
	os.WriteFile(file, nil, 0o644)
	project := t.TempDir()
	os.WriteFile(filepath.Join(project, "mix.exs"), []byte("defmodule X do end"), 0o644)
	taken, err := listenTCP(t.Context(), "127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var port int
	fmt.Sscanf(taken.Addr().String(), "127.0.0.1:%d", &port)
	good := fakeRelease(t, "good", "sleep 1000")
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Dir: plain}, "no mix project and no release in " + plain},
		{Options{Dir: filepath.Join(plain, "gone")}, "is not there"},
		{Options{Dir: file}, "is not a directory"},
		{Options{Dir: two}, "pick one with --release: one, two"},
		{Options{Dir: two, Release: "three"}, "no release three"},
		{Options{Dir: good, HTTPPort: port}, fmt.Sprintf("port %d is taken", port)},
		{Options{Dir: good, Break: map[string]Fault{"good-9": FaultDNS}}, `no replica "good-9"`},
		{Options{Dir: good, CookieFile: file}, "empty"},
		{Options{Dir: project, Env: []string{"PATH=" + plain}}, "elixir is not installed"},
	} {
		c.o.StateDir = t.TempDir()
		err := Run(t.Context(), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v:\n got %v\nwant one line with %q", c.o, err, c.want)
		}
		if left := processesUnder(c.o.StateDir); len(left) > 0 {
			t.Errorf("%q left %v", c.want, left)
		}
		if all, _ := ListIn(c.o.StateDir); len(all) > 0 {
			t.Errorf("%q left an instance", c.want)
		}
	}
}

func TestSecondUpIsRefused(t *testing.T) {
	dir, state := fakeRelease(t, "solo", "sleep 1000"), t.TempDir()
	up(t, Options{Dir: dir, Replicas: 1, NoHTTP: true, StateDir: state, Grace: time.Second})
	err := Run(t.Context(), Options{Dir: dir, Replicas: 1, NoHTTP: true, StateDir: state})
	if !errors.Is(err, errRunning) {
		t.Errorf("a second engine for the same app: %v", err)
	}
	// Under another name it has a slot, addresses and ports of its own.
	b := up(t, Options{Dir: dir, Name: "duo", Replicas: 1, NoHTTP: true, StateDir: state, Grace: time.Second})
	if ip := b.pod("duo-0").IP; ip == "" {
		t.Error("no address")
	}
	if _, err := FindIn(state, ""); err == nil || !strings.Contains(err.Error(), "duo, solo") {
		t.Errorf("which of two: %v", err)
	}
	if _, err := FindIn(state, "trio"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("one that is not there: %v", err)
	}
}
