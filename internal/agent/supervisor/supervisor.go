package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/beam"
)

// Files in the run directory.
const (
	AgentSocket  = "agent.sock"  // of the supervisor, for Client
	WorkerSocket = "worker.sock" // of the worker: HTTP, GET /metrics, /state, /mesh and so on
)

// Config is what a supervisor is told.
type Config struct {
	Settings settings.Settings
	Log      *slog.Logger
	// Binary is the agent's own program, which is copied to Settings.BinDir; "": this
	// process's.
	Binary string
	// Worker is the command line of the worker; nil: this process's program and "worker".
	Worker []string

	timing *timing // nil: the real one
}

// timing is how long things take; tests cannot wait for all of it.
type timing struct {
	tick      time.Duration // how often the worker is looked at
	silence   time.Duration // without a Word, until it is killed
	backOff   time.Duration // before it is started again, doubled each time
	backOffTo time.Duration
	settled   time.Duration // a worker that lived that long has not failed to start
	goodbye   time.Duration // from SIGTERM to SIGKILL
	sayAgain  time.Duration // between two lines of the log about one thing
}

var realTiming = timing{
	tick: time.Second, silence: Silence, backOff: 100 * time.Millisecond, backOffTo: 5 * time.Second,
	settled: 30 * time.Second, goodbye: 2 * time.Second, sayAgain: 10 * time.Second,
}

// supervisor is one that runs.
type supervisor struct {
	conf   Config
	time   timing
	log    *slog.Logger
	board  board
	client *http.Client   // of the worker
	scrape chan struct{}  // holds a token while the worker's metrics are fetched
	drains sync.WaitGroup // those that are followed
	began  time.Time
	size   int64 // of the binary
}

// Run copies the binary, answers probes and verbs, and keeps a worker running until ctx
// ends. An error means that it could not begin, or cannot answer any more.
func Run(ctx context.Context, c Config) error {
	if c.Binary == "" {
		own, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find the own program: %w", err)
		}
		c.Binary = own
	}
	if len(c.Worker) == 0 {
		c.Worker = []string{c.Binary, "worker"}
	}
	s, set := newSupervisor(c), c.Settings
	size, err := install(c.Binary, set.Binary())
	if err != nil {
		return err
	}
	s.size = size
	if err := set.Write(set.RunDir); err != nil {
		return err
	}
	// A probe's connection lives for milliseconds: four calls for its keep-alive would be
	// more than those that answer it.
	quick := net.ListenConfig{KeepAlive: -1}
	probes, err := quick.Listen(ctx, "tcp", ":"+strconv.Itoa(int(set.ProbePort)))
	if err != nil {
		return fmt.Errorf("listen for probes: %w", err)
	}
	defer probes.Close()
	verbs, err := Listen(filepath.Join(set.RunDir, AgentSocket), 0o660)
	if err != nil {
		return err
	}
	defer verbs.Close()
	s.log.Info("started", "node", set.Node, "probes", probes.Addr().String(), "binary", set.Binary())
	return s.serve(ctx, probes, verbs)
}

func newSupervisor(c Config) *supervisor {
	s := &supervisor{conf: c, time: realTiming, log: c.Log, began: time.Now(), scrape: make(chan struct{}, 1)}
	if c.timing != nil {
		s.time = *c.timing
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.board.init(s.log, s.time.sayAgain)
	s.client = workerClient(filepath.Join(c.Settings.RunDir, WorkerSocket))
	return s
}

// serve answers until ctx ends, or until one of the listeners fails.
func (s *supervisor) serve(ctx context.Context, probes, verbs net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 2)
	kept := make(chan struct{})
	go func() { failed <- s.serveProbes(ctx, newest(probes, maxProbes)) }()
	go func() { failed <- s.serveVerbs(ctx, verbs) }()
	go func() {
		defer close(kept)
		s.keep(ctx)
	}()
	var err error
	select {
	case <-ctx.Done():
		s.log.Info("told to end")
	case err = <-failed:
		cancel()
	}
	<-kept
	probes.Close()
	s.drains.Wait()
	if err != nil {
		return fmt.Errorf("the supervisor cannot answer any more: %w", err)
	}
	return nil
}

// Listen opens a unix socket for the mode given, in the place of one that an agent
// before has left.
func Listen(path string, mode os.FileMode) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("make way for a socket: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	if err := os.Chmod(path, mode); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	return l, nil
}

// environment is the worker's: the supervisor's own, and where it finds its sockets.
func (s *supervisor) environment() []string {
	return append(os.Environ(), beam.EnvPhialAgentRun+"="+s.conf.Settings.RunDir)
}
