package local

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"
)

// The control socket speaks HTTP with JSON bodies. The socket lies in a
// directory that only the instance's user can enter.

type scaleRequest struct {
	Replicas int `json:"replicas"`
}

type podRequest struct {
	Pod   string `json:"pod,omitempty"`
	Fault Fault  `json:"fault,omitempty"`
}

type remoteAnswer struct {
	Path       string   `json:"path"`
	Node       string   `json:"node"`
	Env        []string `json:"env"` // without the cookie
	CookieFile string   `json:"cookieFile"`
}

type errorAnswer struct {
	Error string `json:"error"`
}

// operations is what the control socket can ask of an engine.
type operations interface {
	status() Status
	target() MeshTarget
	down()
	scale(ctx context.Context, n int) error
	restart(ctx context.Context, pod string) error
	breakPod(ctx context.Context, pod string, f Fault) (BreakReport, error)
	mend(ctx context.Context, pod string) (BreakReport, error)
	remote(pod string) (remoteAnswer, error)
}

// controlServer serves ops on ln until ctx ends. Operations run with opCtx: an
// operation that was begun is carried through, though its asker may be gone.
func controlServer(opCtx context.Context, ops operations) *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { answer(w, ops.status(), nil) })
	mux.HandleFunc("GET /target", func(w http.ResponseWriter, _ *http.Request) { answer(w, ops.target(), nil) })
	mux.HandleFunc("POST /down", func(w http.ResponseWriter, _ *http.Request) {
		// The answer first: an app that is gone at once takes the server with it.
		answer(w, struct{}{}, nil)
		http.NewResponseController(w).Flush() //nolint:errcheck // the asker has gone
		ops.down()
	})
	mux.HandleFunc("POST /scale", func(w http.ResponseWriter, r *http.Request) {
		var q scaleRequest
		if read(w, r, &q) {
			answer(w, struct{}{}, ops.scale(opCtx, q.Replicas))
		}
	})
	mux.HandleFunc("POST /restart", func(w http.ResponseWriter, r *http.Request) {
		var q podRequest
		if read(w, r, &q) {
			answer(w, struct{}{}, ops.restart(opCtx, q.Pod))
		}
	})
	mux.HandleFunc("POST /break", func(w http.ResponseWriter, r *http.Request) {
		var q podRequest
		if read(w, r, &q) {
			report, err := ops.breakPod(opCtx, q.Pod, q.Fault)
			answer(w, report, err)
		}
	})
	mux.HandleFunc("POST /mend", func(w http.ResponseWriter, r *http.Request) {
		var q podRequest
		if read(w, r, &q) {
			report, err := ops.mend(opCtx, q.Pod)
			answer(w, report, err)
		}
	})
	mux.HandleFunc("POST /remote", func(w http.ResponseWriter, r *http.Request) {
		var q podRequest
		if read(w, r, &q) {
			a, err := ops.remote(q.Pod)
			answer(w, a, err)
		}
	})
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return opCtx },
	}
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(into)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(errorAnswer{"not understood: " + err.Error()}) //nolint:errcheck,errchkjson // the asker has gone
	}
	return err == nil
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		if errors.Is(err, context.Canceled) {
			err = errGoingDown
		}
		w.WriteHeader(http.StatusConflict)
		v = errorAnswer{err.Error()}
	}
	json.NewEncoder(w).Encode(v) //nolint:errcheck,errchkjson // the asker has gone
}

var errGoingDown = errors.New("the app is going down")
