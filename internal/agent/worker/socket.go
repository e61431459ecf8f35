package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/phialdev/phial/internal/agent/metrics"
	"github.com/phialdev/phial/internal/agent/supervisor"
	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// observeTime is for a look at all nodes, with a walk along each missing link.
const observeTime = 45 * time.Second

// serveSocket answers the supervisor, which passes on what the agent's verbs ask, on a
// socket in the pod that nobody else uses.
func (w *worker) serveSocket() (stop func(), err error) {
	path := filepath.Join(w.conf.RunDir, supervisor.WorkerSocket)
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for the supervisor: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // the pod's group may connect
		l.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", metrics.ContentType)
		rw.Write(w.metrics()) //nolint:errcheck // who asked is gone
	})
	mux.HandleFunc("GET /state", func(rw http.ResponseWriter, _ *http.Request) { answer(rw, w.view(), nil) })
	mux.HandleFunc("GET /mesh", w.serveMesh)
	mux.HandleFunc("GET /trace", w.serveTrace)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second, IdleTimeout: time.Second, MaxHeaderBytes: 4 << 10}
	go srv.Serve(l) //nolint:errcheck // it ends with stop
	return func() { srv.Close() }, nil
}

// serveMesh gives what is known of all replicas; with observe=1 after a look at all of them.
func (w *worker) serveMesh(rw http.ResponseWriter, r *http.Request) {
	m := views.Mesh{Self: w.view(), Others: w.table.Heard()}
	if r.FormValue("observe") == "" {
		answer(rw, m, nil)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), observeTime)
	defer cancel()
	rep, err := w.observe(ctx)
	m.Report = &rep
	answer(rw, m, err)
}

// observe looks at every replica that is known, and at those that they know.
func (w *worker) observe(ctx context.Context) (mesh.Report, error) {
	p, err := w.network.prober(w.cookies.Expected(time.Now()), true)
	if err != nil {
		return mesh.Report{}, err
	}
	if !w.conf.Clustered() {
		p.Service = ""
	}
	o, err := p.Observe(ctx, append([]string{w.conf.Node}, w.known()...))
	if err != nil {
		return mesh.Report{}, err
	}
	return mesh.NewReport(o), nil
}

// serveTrace walks from one node to another.
func (w *worker) serveTrace(rw http.ResponseWriter, r *http.Request) {
	from, to := r.FormValue("from"), r.FormValue("to")
	for _, name := range []string{from, to} {
		if _, err := beam.ParseName(name); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), observeTime)
	defer cancel()
	p, err := w.network.prober(w.cookies.Expected(time.Now()), true)
	if err != nil {
		answer(rw, nil, err)
		return
	}
	answer(rw, p.Trace(ctx, from, to), nil)
}

func answer(rw http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(rw, err.Error(), http.StatusServiceUnavailable)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	json.NewEncoder(rw).Encode(v) //nolint:errcheck // who asked is gone
}
