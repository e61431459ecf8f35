package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/host"
	"github.com/phialdev/phial/internal/release"
)

// engine runs one instance.
type engine struct {
	ctx  context.Context // ends when the instance is to go down
	opts Options

	state   *state
	release release.Release
	cast    *cast    // what is run, as the plan says
	told    []string // what the options replaced in the caller's BeamApp
	ignored []string // what the plan says and the engine leaves to Kubernetes
	cookie  dist.Cookie
	tls     *distTLS // nil: the nodes speak without
	net     network
	url     string
	started time.Time

	slot    *slot
	epmd    *epmd.Server
	zone    *zone
	dns     *dnsServer
	ingress *ingress // nil without http
	spawner *spawner
	screen  *screen
	log     *logFile
	board   agent.Board  // of the replicas' agents
	room    *agent.Room  // where they hear one another
	lives   atomic.Int64 // agents made so far

	background sync.WaitGroup // what run has started and waits for

	freezeLater []*replica  // to be frozen when the mesh stands
	freezing    atomic.Bool // that is still to come

	downOnce sync.Once
	goDown   context.CancelFunc

	op sync.Mutex // one operation at a time: scale, restart, break, mend, going down

	choosing sync.Mutex // of http ports, one replica at a time

	mu       sync.Mutex
	replicas []*replica    // the serving ones, by ordinal
	workers  []*replica    // of the pipelines, by place
	ports    map[int]*port // by place: what answers on a replica's address
	change   chan struct{} // closed and made anew at each change
}

func run(ctx context.Context, o Options) (err error) {
	if err := release.CheckDir(o.Dir); err != nil {
		return err
	}
	if o.Env == nil {
		o.Env = os.Environ()
	}
	root, err := rootOf(o.StateDir)
	if err != nil {
		return err
	}
	// What can be refused is refused before anything is built.
	serves := !o.NoHTTP
	if o.App != nil {
		c, _, err := planOf(o, "")
		if err != nil {
			return err
		}
		if err := c.complete(o); err != nil {
			return err
		}
		serves = c.serving.serves()
		o.Name = c.plan.App.Name
		if err := checkName(o.Name); err != nil {
			return err
		}
		if o.Release == "" {
			o.Release = o.App.Spec.ReleaseName
		}
	}
	var web net.Listener
	if serves {
		if web, err = listenIngress(ctx, o.HTTPPort); err != nil {
			return err
		}
		defer web.Close()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	e := &engine{ctx: ctx, goDown: cancel, opts: o, started: time.Now(),
		board: agent.NewShared(), room: agent.NewRoom(), ports: map[int]*port{}, change: make(chan struct{})}
	if o.Name != "" {
		if err := e.acquire(root); err != nil {
			return err
		}
	}
	defer func() {
		if e.state != nil {
			e.state.release()
		}
	}()
	if e.release, err = e.getRelease(ctx, root); err != nil {
		return err
	}
	if e.cast, e.told, err = planOf(e.opts, e.release.Name); err != nil {
		return err
	}
	e.opts.Namespace = e.cast.plan.App.Namespace
	if err := e.checkBreak(); err != nil {
		return err
	}
	return e.run(web)
}

// getRelease opens the release, or builds it and takes a copy. Where no name was
// given, the release gives the instance its name.
func (e *engine) getRelease(ctx context.Context, root string) (release.Release, error) {
	named := func(r release.Release) error {
		if e.state != nil {
			return nil
		}
		e.opts.Name = labelOf(r.Name)
		if err := checkName(e.opts.Name); err != nil {
			return fmt.Errorf("%w: give one with --name", err)
		}
		return e.acquire(root)
	}
	if !release.IsProject(e.opts.Dir) {
		r, err := release.Open(e.opts.Dir, e.opts.Release)
		if err == nil {
			err = named(r)
		}
		return r, err
	}
	// What was built is remembered per user: an engine with a state directory of
	// its own must not build again what another one has.
	memory, err := StateRoot()
	if err != nil {
		memory = root
	}
	b := release.Builder{Dir: e.opts.Dir, Want: e.opts.Release, Memory: memory, Env: e.opts.Env, Progress: e.opts.Progress}
	// The next build puts its files where this one's are, and the app that runs
	// must not notice: it runs from links of its own to them.
	b.Keep = func(r release.Release) (release.Release, error) {
		if err := named(r); err != nil {
			return r, err
		}
		return copyRelease(r, e.state.releasePath())
	}
	return b.Build(ctx)
}

func (e *engine) acquire(root string) error {
	s := openState(root, e.opts.Name)
	if err := s.acquire(); err != nil {
		return err
	}
	e.state = s
	return nil
}

// run starts everything, waits for the end and stops everything.
func (e *engine) run(web net.Listener) (err error) {
	if e.log, err = openLog(e.state.logPath("")); err != nil {
		return err
	}
	defer e.log.Close()
	if err := e.makeCookie(); err != nil {
		return err
	}
	if err := os.WriteFile(e.state.path("bin", "hostname"), []byte(hostnameScript), 0o700); err != nil {
		return err
	}
	if e.slot, err = acquireSlot(e.ctx); err != nil {
		return err
	}
	defer e.slot.close()
	e.net = e.cast.network(e.slot.number)
	if err := e.makeTLS(); err != nil {
		return err
	}
	e.screen = newScreen(e.opts.Out, e.opts.Color)
	defer e.screen.close()
	e.spawner = newSpawner()
	defer e.spawner.close()

	defer e.background.Wait()
	stopNet := e.serveNetwork()
	defer stopNet()
	if web != nil {
		e.ingress = newIngress(e.net.app)
		e.url = "http://" + web.Addr().String()
		srv := &http.Server{Handler: e.ingress, ReadHeaderTimeout: 30 * time.Second}
		e.background.Go(func() { srv.Serve(web) }) //nolint:errcheck // ends with Close
		defer srv.Close()
	}
	ln, err := e.state.listenControl(e.ctx)
	if err != nil {
		return err
	}
	control := controlServer(e.ctx, e)
	e.background.Go(func() { control.Serve(ln) }) //nolint:errcheck // ends with Close
	defer closeServer(control)

	defer e.stopAll()
	e.introduce()
	if err := e.migrate(); err != nil {
		return err
	}
	if err := e.startAll(); err != nil {
		return err
	}
	if len(e.freezeLater) > 0 {
		e.background.Go(func() { e.freezeWhenSettled(e.ctx) })
	}
	info := engineInfo{Name: e.net.app, PID: os.Getpid(), Dir: e.opts.Dir}
	if err := e.state.writeInfo(info); err != nil {
		return err
	}
	e.opts.Started(e.status())
	<-e.ctx.Done()
	e.say("stopping")
	return nil
}

// closeServer lets answers under way get out.
func closeServer(s *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.Shutdown(ctx) //nolint:errcheck // Close follows
	s.Close()
}

// makeCookie takes the cookie given, or makes one of 130 random bits.
func (e *engine) makeCookie() error {
	if e.opts.CookieFile == "" {
		e.cookie = dist.NewCookie(newCookie())
	} else {
		c, err := dist.CookieFromFile(e.opts.CookieFile)
		if err != nil {
			return err
		}
		e.cookie = c
	}
	return host.WriteFile(e.state.cookiePath(), []byte(e.cookie.Reveal()))
}

// newCookie is text of base32, 26 characters of 5 bits.
func newCookie() string { return rand.Text() }

func (e *engine) startAll() error {
	for _, w := range e.cast.all() {
		for n := range w.replicas {
			if err := e.addReplica(w, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// addReplica opens a replica's address, lists it and starts its first process.
func (e *engine) addReplica(w *workload, ordinal int) error {
	if err := e.ctx.Err(); err != nil {
		return err
	}
	r := newReplica(e, w, ordinal)
	if err := e.open(r.n); err != nil {
		return err
	}
	e.zone.set(r.n, r.addr)
	if !w.member {
		e.zone.unlist(r.n)
	}
	if f, ok := e.opts.Break[r.name]; ok {
		delete(e.opts.Break, r.name)
		if err := e.atStart(r, f); err != nil {
			return err
		}
	}
	e.mu.Lock()
	if w == e.cast.serving {
		e.replicas = append(e.replicas, r)
	} else {
		e.workers = append(e.workers, r)
	}
	e.mu.Unlock()
	if err := <-r.begin(); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

// dropReplica drains and stops the last replica and closes its address.
func (e *engine) dropReplica(r *replica) {
	r.stop()
	e.zone.set(r.n)
	e.shut(r.n)
	e.mu.Lock()
	e.replicas = e.replicas[:len(e.replicas)-1]
	e.mu.Unlock()
}

// stopAll stops every replica at once.
func (e *engine) stopAll() {
	e.goDown() // no operation starts anything from here on
	e.op.Lock()
	defer e.op.Unlock()
	var all sync.WaitGroup
	for _, r := range e.all() {
		all.Go(r.stop)
	}
	all.Wait()
}

// all gives every replica, the serving ones first.
func (e *engine) all() []*replica {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Concat(e.replicas, e.workers)
}

// serving gives the replicas that are no pipeline's.
func (e *engine) serving() []*replica {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.replicas)
}

// changed wakes whoever waits for a replica to change.
func (e *engine) changed() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.change)
	e.change = make(chan struct{})
}

func (e *engine) nextChange() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.change
}

// say tells a line of news to the log and to whoever runs the engine.
func (e *engine) say(line string) {
	e.note(line)
	e.opts.Progress(line)
}

// note writes a line to the engine's log alone.
func (e *engine) note(line string) {
	fmt.Fprintf(e.log, "%s %s\n", time.Now().Format("2006-01-02T15:04:05.000Z07:00"), line)
}

// line takes one line of a replica's output.
func (e *engine) line(n int, name string, text []byte) {
	e.mu.Lock()
	p := e.ports[n]
	width := len(podName(e.net.app, max(len(e.replicas)-1, 0)))
	for _, other := range e.net.others {
		width = max(width, len(other))
	}
	e.mu.Unlock()
	if p != nil {
		if _, err := p.log.Write(append(append([]byte(nil), text...), '\n')); err != nil && !errors.Is(err, os.ErrClosed) {
			e.say(fmt.Sprintf("the log of %s: %v", name, err))
		}
	}
	e.screen.line(name, n, width, text)
}
