// Package worker does an agent's work: it looks at its node, joins it, decides about
// its gate, drains it, follows the cookie, and exchanges views with the agents of the
// other replicas. It puts together what the packages beside it do; the supervisor that
// started it answers for it meanwhile.
package worker

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/agent/cookies"
	"github.com/phialdev/phial/internal/agent/peers"
	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/agent/supervisor"
	"github.com/phialdev/phial/internal/agent/turns"
	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/version"
)

const (
	wordEvery   = 500 * time.Millisecond
	secretEvery = 2 * time.Second
)

type worker struct {
	conf     settings.Settings
	version  string
	link     *supervisor.Link
	log      *slog.Logger
	began    time.Time
	addr     string // where peers are listened for
	discover agent.Discovery

	cookies *cookies.Cookies
	keys    *peers.Keys
	network *network
	client  *peers.Client
	turns   *turns.Turns
	table   *views.Table
	agent   *agent.Agent
	drains  drains
	count   counters
	said    map[string]string // by subject: what is not logged twice
}

// Run works until ctx ends or the supervisor is gone.
func Run(ctx context.Context, s settings.Settings, link *supervisor.Link, log *slog.Logger) error {
	first, ok := <-link.Orders()
	if !ok {
		return nil
	}
	return newWorker(s, link, log).run(ctx, first)
}

func newWorker(s settings.Settings, link *supervisor.Link, log *slog.Logger) *worker {
	w := &worker{conf: s, version: version.String(), link: link, log: log, began: time.Now(),
		cookies: cookies.New(s.CookieFile), keys: &peers.Keys{}, said: map[string]string{}}
	w.count.changed = make(chan struct{}, 1)
	w.network = &network{conf: s, cookies: w.cookies}
	if s.PodIP.IsValid() {
		w.addr = net.JoinHostPort(s.PodIP.String(), strconv.Itoa(beam.AgentPeerPort))
	}
	w.discover = w.discovery()
	w.client = peers.NewClient(w.keys, beam.AgentPeerPort, w.network.resolve)
	w.turns = turns.New(s.Node, w.client)
	w.table = views.NewTable(s.Node, w.client, w.known, w.well, log)
	w.readSecret()
	if w.network.blind = !s.Clustered() && w.cookies.Expected(time.Now()).IsZero(); w.network.blind {
		log.Warn("there is no cookie to ask the node with: the gate goes by the http port alone, and draining is a delay", "file", s.CookieFile)
	}
	return w
}

// run works until the end.
func (w *worker) run(ctx context.Context, first supervisor.Order) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.agent = agent.New(w.agentConfig(restored(first, w.log)))
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	defer w.client.Close()
	stop, err := w.serveSocket()
	if err != nil {
		return err
	}
	defer stop()
	if w.conf.Clustered() {
		closePeers, err := w.servePeers()
		if err != nil {
			return err
		}
		defer closePeers()
		all.Go(func() { w.table.Run(ctx) })
	}
	all.Go(func() { w.agent.Run(ctx) })
	all.Go(func() { w.follow(ctx) })
	defer w.drains.stop()
	w.order(ctx, first)
	return w.talk(ctx)
}

// talk tells the supervisor how it is, and takes its orders, until either ends.
func (w *worker) talk(ctx context.Context) error {
	tick := time.NewTicker(wordEvery)
	defer tick.Stop()
	for {
		if err := w.link.Send(w.word()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case o, ok := <-w.link.Orders():
			if !ok {
				return nil
			}
			w.order(ctx, o)
		case <-w.count.changed:
		case <-tick.C:
		}
	}
}

// restored is the last decision of the worker before this one; nil: there was none.
func restored(o supervisor.Order, log *slog.Logger) *mesh.GateDecision {
	if len(o.Keep) == 0 || string(o.Keep) == "null" {
		return nil
	}
	var d mesh.GateDecision
	if err := json.Unmarshal(o.Keep, &d); err != nil {
		log.Warn("what the worker before left can't be read; starting over", "error", err)
		return nil
	}
	return &d
}

func (w *worker) agentConfig(last *mesh.GateDecision) agent.Config {
	s := w.conf
	c := agent.Config{
		Node: s.Node, Network: w.network, HTTPAccepts: httpAccepts(s),
		OnPartition: mesh.OnPartition(s.OnPartition), Worker: rand.Text()[:8], Restore: last,
		Never: true, Changed: w.changed, Log: w.joining,
	}
	if !s.Clustered() {
		return c
	}
	c.Never, c.Unjoined = s.Join == settings.JoinNever, s.Gate == settings.GateBooted
	c.Discover = w.discover
	c.Board, c.Peers, c.Up, c.Knock = w.turns, w.table, w.table.Up, w.network.knock
	c.Hold = func() bool { return w.cookies.Holding(time.Now()) }
	return c
}

// discovery finds the replicas by the headless Service. Nodes that are named by their
// address are found by address, others by name.
func (w *worker) discovery() agent.Discovery {
	n, err := beam.ParseName(w.conf.Node)
	if err == nil {
		if _, is := n.Addr(); !is {
			return agent.ByTarget(net.DefaultResolver, w.conf.Domain, n.Base)
		}
	}
	return agent.ByAddress(net.DefaultResolver, w.conf.Domain, beam.BaseOf(w.conf.Node))
}

func (w *worker) known() []string { return w.agent.Known() }

// well says that every listed replica is linked, and the gate is open: views decide
// about nothing.
func (w *worker) well() bool {
	s := w.agent.State()
	return s.Ready && s.Joined
}

// word is what the supervisor is told.
func (w *worker) word() supervisor.Word {
	s, d := w.agent.State(), w.agent.Decision()
	word := supervisor.Word{Booted: s.Booted, Ready: s.Ready, Reason: s.Reason}
	if d.Reason != "" { // there was a decision of this worker, or of the one before
		keep, err := json.Marshal(d)
		if err == nil {
			word.Keep = keep
		}
	}
	w.drains.fill(&word)
	return word
}

// follow reads the Secret again and again, and sees that the node has its cookie.
func (w *worker) follow(ctx context.Context) {
	had := w.cookies.Expected(time.Now())
	tick := time.NewTicker(secretEvery)
	defer tick.Stop()
	for {
		pause := time.Until(w.nextSwitch())
		if pause <= 0 {
			pause = secretEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-time.After(pause):
		}
		w.readSecret()
		want := w.cookies.Expected(time.Now())
		if want.Equal(had) || want.IsZero() {
			continue
		}
		if err := w.network.assert(ctx); err != nil {
			w.once("cookie", "the node was not given the cookie of now yet: "+err.Error(), slog.LevelWarn)
			continue
		}
		had = want
		w.count.cookies.Add(1)
		w.once("cookie", "", 0)
		w.log.Info("the node has the cookie of now")
	}
}

// nextSwitch is when the cookie changes next, far away if that is not known.
func (w *worker) nextSwitch() time.Time {
	at, announced := w.cookies.Rotation()
	if !announced || time.Now().After(at) {
		return time.Now().Add(time.Hour)
	}
	return at
}

func (w *worker) readSecret() {
	text := ""
	if err := w.cookies.Load(); err != nil {
		text = "the cookie can't be read: " + err.Error()
	}
	w.once("secret", text, slog.LevelWarn)
	if !w.conf.Clustered() {
		return
	}
	text = ""
	if _, err := w.keys.Load(w.conf.KeyFile); err != nil {
		text = "the agents can't talk to one another, and islands close nobody: " + err.Error()
	}
	w.once("key", text, slog.LevelWarn)
}

// once logs a text when it is another than the last about this; the empty one is not
// logged. It is called by one goroutine at a time.
func (w *worker) once(about, text string, level slog.Level) {
	if w.said[about] == text {
		return
	}
	w.said[about] = text
	if text != "" {
		w.log.Log(context.Background(), level, text)
	}
}

// changed takes every new state of the agent.
func (w *worker) changed(s agent.State) {
	w.count.see(s)
	w.tell()
}

// tell has the supervisor hear of what is new.
func (w *worker) tell() {
	select {
	case w.count.changed <- struct{}{}:
	default:
	}
}

// joining takes what joining says when that changes.
func (w *worker) joining(line string) {
	w.count.join(line)
	w.log.Info("joining: " + line)
}

// servePeers answers the other agents.
func (w *worker) servePeers() (func(), error) {
	if w.addr == "" {
		return nil, errors.New("POD_IP is not set: other agents could not reach this one")
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", w.addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the other agents: %w", err)
	}
	srv := peers.NewServer(w.keys, w.methods(), w.log)
	go func() {
		if err := srv.Serve(l); err != nil {
			w.log.Error("the other agents are not listened to any longer", "error", err)
		}
	}()
	return srv.Close, nil
}
