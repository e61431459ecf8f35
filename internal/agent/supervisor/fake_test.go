package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phialdev/phial/internal/agent/settings"
)

// The supervisor and its worker are this binary, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case "supervise":
			os.Exit(supervise())
		case "worker":
			os.Exit(fakeWorker())
		}
	}
	os.Exit(m.Run())
}

// quick is the timing of the tests' supervisors.
var quick = timing{
	tick: 50 * time.Millisecond, silence: 600 * time.Millisecond, backOff: 50 * time.Millisecond,
	backOffTo: 400 * time.Millisecond, settled: 5 * time.Second, goodbye: 500 * time.Millisecond,
}

// supervise runs a supervisor as process 1 would: it gets the orphans.
func supervise() int {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := settings.FromEnv(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	s.ProbePort = 0 // a free one; the log says which
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := Run(ctx, Config{Settings: s, Log: log, timing: &quick}); err != nil {
		log.Error("ends", "error", err)
		return 1
	}
	return 0
}

// fakeWorker does what the file "script" in the run directory says, which may change.
// The orders that it gets stand in the file "orders".
func fakeWorker() int {
	dir := os.Getenv("PHIAL_AGENT_RUN")
	if script(dir) == "crash" {
		return 3
	}
	link, err := Attach()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	f := &fake{dir: dir, link: link, first: true}
	f.serve()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case o, open := <-link.Orders():
			if !open {
				return 0
			}
			f.take(o)
		case <-tick.C:
		}
		if done, status := f.act(n); done {
			return status
		}
	}
}

func script(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "script"))
	if err != nil {
		return ""
	}
	return string(text)
}

type fake struct {
	dir   string
	link  *Link
	first bool
	drain *DrainOrder
	since time.Time // of the drain, here
	grown []byte
}

func (f *fake) serve() {
	l, err := Listen(filepath.Join(f.dir, WorkerSocket), 0o600)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(script(f.dir), "mute") {
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, "# HELP fake_up Whether.\n# TYPE fake_up gauge\nfake_up 1\n")
	})
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "{\n \"query\": %q\n}\n", r.URL.RawQuery)
	})
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "there is no node", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("GET /half", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"a": [`) })
	go http.Serve(l, mux)
}

func (f *fake) take(o Order) {
	line, _ := json.Marshal(o)
	log, err := os.OpenFile(filepath.Join(f.dir, "orders"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer log.Close()
	fmt.Fprintf(log, "%s\n", line)
	switch {
	case o.Undo:
		f.drain = nil
	case o.Drain != nil:
		f.drain, f.since = o.Drain, time.Now()
	}
}

func (f *fake) act(n int) (done bool, status int) {
	w := Word{Booted: true, Ready: true, Reason: "all is well", Keep: json.RawMessage(`{"kept":7}`)}
	s := script(f.dir)
	switch {
	case s == "die", s == "die at drain" && f.drain != nil:
		return true, 4
	case s == "silent":
		return false, 0
	case s == "grow" && f.grown == nil:
		f.grown = make([]byte, 600<<20)
		for i := 0; i < len(f.grown); i += 4096 {
			f.grown[i] = 1
		}
	case s == "closed":
		w.Ready, w.Reason = false, "the node is booting"
	case s == "orphan" && n == 5:
		orphan := exec.Command("sleep", "0.3")
		orphan.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := orphan.Start(); err != nil {
			panic(err)
		}
		return true, 5
	case s == "deaf":
		signal.Ignore(syscall.SIGTERM)
	case s == "hostile":
		hostile(f.link)
	}
	if f.drain != nil {
		w.Ready, w.Draining, w.DrainID, w.Reason = false, true, f.drain.ID, "draining"
		w.Drain = json.RawMessage(`{"line":"2 requests are in flight"}`)
		w.Drained = s != "slow" && time.Since(f.since) > 100*time.Millisecond
		if s == "stale" {
			w.DrainID, w.Drained = "of another drain", true
		}
	}
	if err := f.link.Send(w); err != nil {
		return true, 0
	}
	return false, 0
}

// hostile writes what no worker should, in front of a good word.
func hostile(l *Link) {
	for _, junk := range []string{
		"\n", "{\n", "null and void\n", "[1,2]\n", `{"ready":"yes"}` + "\n", "\x00\xff\n",
		strings.Repeat("x", MaxWord-1) + "\n", strings.Repeat("x", 5*MaxWord) + "\n",
		`{"reason":"` + strings.Repeat("long ", MaxWord) + "\"}\n",
	} {
		l.words.Write([]byte(junk))
	}
}
