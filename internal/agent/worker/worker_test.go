package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/agent/supervisor"
	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/testkit"
)

const (
	cookieOld = beamtest.Cookie("worker-test-old")
	cookieNew = beamtest.Cookie("worker-test-new")
	agentKey  = "0123456789abcdef0123456789abcdef"
)

// pod is a node and the worker beside it, without a supervisor.
type pod struct {
	t      *testing.T
	node   *beamtest.Node
	opts   beamtest.NodeOptions
	conf   settings.Settings
	others func() []string
	log    *lines
	orders *json.Encoder
	stop   func()

	mu   sync.Mutex
	last supervisor.Word
}

// lines is a log that tests read.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// pods starts n of them, of one OTP, whose workers run.
func pods(t *testing.T, o beamtest.OTP, n int) []*pod {
	t.Helper()
	slot := beamtest.FreeSlot(t)
	epmd := slot.EPMD(t, n)
	secret := t.TempDir()
	writeSecret(t, secret, "cookie", string(cookieOld), "agent-key", agentKey)
	var all []*pod
	for i := range n {
		p := &pod{t: t, opts: epmd.Options("shop", i, cookieOld), log: &lines{}}
		p.others = func() []string {
			var names []string
			for _, p := range all {
				names = append(names, p.opts.Name)
			}
			return names
		}
		p.conf = settings.Default()
		p.conf.Node, p.conf.Domain, p.conf.PodIP = p.opts.Name, "shop-headless.test", p.opts.Addr
		p.conf.EPMDPort = uint16(epmd.Port)
		p.conf.CookieFile, p.conf.KeyFile = filepath.Join(secret, "cookie"), filepath.Join(secret, "agent-key")
		p.conf.RunDir, p.conf.DelaySeconds, p.conf.DrainSeconds = t.TempDir(), 1, 10
		all = append(all, p)
	}
	for _, p := range all {
		p.boot(o)
		p.work(supervisor.Order{})
	}
	t.Cleanup(func() {
		for _, p := range all {
			p.stop()
			if t.Failed() {
				t.Logf("%s:\n%s", p.conf.Node, p.log)
			}
			if text := p.log.String(); strings.Contains(text, string(cookieOld)) || strings.Contains(text, agentKey) {
				t.Errorf("a secret is in the log of %s", p.conf.Node)
			}
		}
	})
	return all
}

func writeSecret(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *pod) boot(o beamtest.OTP) { p.node = o.StartNode(p.t, p.opts) }

// work starts the worker with what a supervisor would hand over.
func (p *pod) work(first supervisor.Order) {
	p.t.Helper()
	wordsR, wordsW := io.Pipe()
	ordersR, ordersW := io.Pipe()
	link := supervisor.NewLink(wordsW, ordersR)
	p.orders = json.NewEncoder(ordersW)
	log := slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w := newWorker(p.conf, link, log)
	w.discover = func(context.Context) ([]string, error) { return p.others(), nil }
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := w.run(ctx, first); err != nil && ctx.Err() == nil {
			p.t.Errorf("the worker of %s: %v", p.conf.Node, err)
		}
		wordsW.Close()
	})
	all.Go(func() {
		for dec := json.NewDecoder(wordsR); ; {
			var word supervisor.Word
			if dec.Decode(&word) != nil {
				return
			}
			p.mu.Lock()
			if word.Keep == nil {
				word.Keep = p.last.Keep
			}
			p.last = word
			p.mu.Unlock()
		}
	})
	p.stop = func() {
		cancel()
		all.Wait()
		ordersW.Close()
	}
}

func (p *pod) word() supervisor.Word {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// await waits until the worker says what is wanted.
func (p *pod) await(what string, want func(supervisor.Word) bool) {
	p.t.Helper()
	p.poll(what, func() error {
		if w := p.word(); !want(w) {
			w.Keep = nil
			return fmt.Errorf("%s: %+v", p.conf.Node, w)
		}
		return nil
	})
}

func (p *pod) poll(what string, try func() error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	if err := testkit.Poll(ctx, func() (bool, error) {
		err := try()
		return err == nil, err
	}); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// get asks the worker over its socket.
func (p *pod) get(path string, v any) string {
	p.t.Helper()
	c := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(p.conf.RunDir, supervisor.WorkerSocket))
	}}}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://worker"+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s: %v: %s", path, resp.Status, err, text)
	}
	if v != nil {
		if err := json.Unmarshal(text, v); err != nil {
			p.t.Fatalf("%s: %v: %s", path, err, text)
		}
	}
	return string(text)
}

func ready(w supervisor.Word) bool { return w.Booted && w.Ready }

// Three nodes that nothing else connects become one mesh, their gates open, and each
// agent knows what the others say; a look at all of it finds nothing wrong.
func TestThreeJoin(t *testing.T) {
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			all := pods(t, o, 3)
			for _, p := range all {
				p.await("ready", ready)
				p.node.Eventually(t, "length(nodes()).", "2")
			}
			p := all[0]
			p.poll("the others are heard", func() error {
				var m views.Mesh
				p.get("/mesh", &m)
				for _, h := range m.Others {
					if !h.Ready || !h.Joined || h.AgeSeconds < 0 || h.Error != "" || len(h.Gate.Peers) != 2 {
						return fmt.Errorf("%+v", h)
					}
				}
				if len(m.Others) != 2 || m.Self.Cookie != views.CookieExpected {
					return fmt.Errorf("%+v", m)
				}
				return nil
			})
			var m views.Mesh
			p.get("/mesh?observe=1", &m)
			if m.Report == nil || m.Report.Links.Up != 3 || len(m.Report.Nodes) != 3 {
				t.Errorf("observed %+v", m.Report)
			}
			p.poll("its metrics say so", func() error {
				text := p.get("/metrics", nil)
				if !strings.Contains(text, "phial_mesh_joined{") || !strings.Contains(text, "phial_gate_state{open=\"yes\",reason=\"serving\"} 1\n") {
					return fmt.Errorf("metrics:\n%s", text)
				}
				return nil
			})
			if text := p.get("/trace?from="+p.conf.Node+"&to="+all[1].conf.Node, nil); !strings.Contains(text, `"kind":"cookie","state":"passed"`) {
				t.Errorf("trace: %s", text)
			}
		})
	}
}

// A BEAM that ends and boots again in its pod is out of traffic meanwhile, and joins anew.
func TestTheNodeRestarts(t *testing.T) {
	o := beamtest.OTPs(t)[1]
	all := pods(t, o, 2)
	for _, p := range all {
		p.await("ready", ready)
	}
	all[1].node.Kill(9)
	all[1].await("closed", func(w supervisor.Word) bool { return !w.Booted && !w.Ready })
	all[1].boot(o)
	all[1].await("open again", ready)
	all[1].node.Eventually(t, "length(nodes()).", "1")
	if !all[0].word().Ready {
		t.Error("the other one has closed")
	}
}

// A worker that takes over from one that died leaves the gate as it was, at once.
func TestTheNextWorkerGoesOn(t *testing.T) {
	all := pods(t, beamtest.OTPs(t)[0], 2)
	p := all[0]
	p.await("ready", ready)
	p.stop()
	keep := p.word().Keep
	p.mu.Lock()
	p.last = supervisor.Word{Keep: keep}
	p.mu.Unlock()
	p.work(supervisor.Order{Keep: keep})
	p.await("open", func(w supervisor.Word) bool {
		if w.Reason != "" && !w.Ready {
			t.Fatalf("it closed: %s", w.Reason)
		}
		return ready(w)
	})
}

// A change of the cookie that is announced happens on every node at its time, without a
// link lost, and a node that boots later with the former one is given the new one.
func TestTheCookieChanges(t *testing.T) {
	o := beamtest.OTPs(t)[2]
	all := pods(t, o, 3)
	for _, p := range all {
		p.await("ready", ready)
		p.node.Eventually(t, "length(nodes()).", "2")
	}
	at := time.Now().Add(5 * time.Second)
	writeSecret(t, filepath.Dir(all[0].conf.CookieFile), "next", string(cookieNew), "switchAt", at.UTC().Format(time.RFC3339))
	for _, p := range all {
		p.node.Eventually(t, "erlang:get_cookie().", fmt.Sprintf("'%s'", string(cookieNew)))
		if n := p.node.Eval(t, "length(nodes())."); n != "2" {
			t.Errorf("%s has %s peers after the change", p.conf.Node, n)
		}
	}
	all[2].node.Kill(9)
	all[2].boot(o) // with the former cookie
	all[2].node.Eventually(t, "erlang:get_cookie().", fmt.Sprintf("'%s'", string(cookieNew)))
	all[2].node.Eventually(t, "length(nodes()).", "2")
}

// A drain closes the gate, leaves the delay, says when it is over, and can be taken back.
func TestADrain(t *testing.T) {
	all := pods(t, beamtest.OTPs(t)[1], 2)
	p := all[0]
	p.await("ready", ready)
	since := time.Now()
	order := &supervisor.DrainOrder{ID: "one", Since: since}
	if err := p.orders.Encode(supervisor.Order{Drain: order}); err != nil {
		t.Fatal(err)
	}
	p.await("closed", func(w supervisor.Word) bool { return w.Draining && !w.Ready && w.DrainID == "one" })
	p.await("drained", func(w supervisor.Word) bool { return w.Drained })
	if took := time.Since(since); took < p.conf.EndpointDelay() {
		t.Errorf("drained after %v, and the endpoint delay is %v", took, p.conf.EndpointDelay())
	}
	var told Progress
	if err := json.Unmarshal(p.word().Drain, &told); err != nil || !strings.HasPrefix(told.Line, "drained in ") || told.Report == nil {
		t.Errorf("%v: %s", err, p.word().Drain)
	}
	if err := p.orders.Encode(supervisor.Order{Undo: true}); err != nil {
		t.Fatal(err)
	}
	p.await("open again", func(w supervisor.Word) bool { return ready(w) && !w.Draining })
	if !all[1].word().Ready {
		t.Error("the other one has closed")
	}
}

// The node whose cookie is another is told so, is not joined, and closes nobody else.
func TestAnotherCookie(t *testing.T) {
	o := beamtest.OTPs(t)[1]
	all := pods(t, o, 3)
	for _, p := range all {
		p.await("ready", ready)
	}
	all[2].node.Kill(9)
	all[2].opts.Cookie = "worker-test-strange"
	all[2].boot(o)
	all[2].await("closed", func(w supervisor.Word) bool { return !w.Ready && strings.Contains(w.Reason, "cookie") })
	var m views.Mesh
	all[2].get("/mesh", &m)
	if m.Self.Cookie != views.CookieAnother {
		t.Errorf("%+v", m.Self)
	}
	for _, p := range all[:2] {
		if !p.word().Ready || slices.Contains(strings.Fields(p.node.Eval(t, "nodes().")), all[2].conf.Node) {
			t.Errorf("%s: %s", p.conf.Node, p.word().Reason)
		}
	}
}
