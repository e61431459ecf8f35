package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
)

// registry is a real registry over HTTP that counts what it is sent. It holds one set of
// blobs for all its repositories, so each way of building has one of its own.
type registry struct {
	address               string
	server                *http.Server
	sent, blobs, requests atomic.Int64 // blobs is the part of sent that is no manifest
}

func newRegistry(ctx context.Context) (*registry, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	quiet := log.New(io.Discard, "", 0)
	inner := ggcr.New(ggcr.Logger(quiet), ggcr.WithReferrersSupport(true))
	r := &registry{address: l.Addr().String()}
	r.server = &http.Server{ErrorLog: quiet, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.requests.Add(1)
		req.Body = &tap{req.Body, r, strings.Contains(req.URL.Path, "/blobs/uploads/")}
		inner.ServeHTTP(w, req)
	})}
	go r.server.Serve(l) //nolint:errcheck // it ends with close
	return r, nil
}

func (r *registry) close() { r.server.Close() }

// count makes a push of what do sends.
func (r *registry) count(do func() error) (push, error) {
	sent, requests, begin := r.sent.Load(), r.requests.Load(), time.Now()
	err := do()
	return push{time.Since(begin), r.sent.Load() - sent, r.requests.Load() - requests}, err
}

// tap counts a body.
type tap struct {
	io.ReadCloser
	r    *registry
	blob bool
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.r.sent.Add(int64(n))
	if t.blob {
		t.r.blobs.Add(int64(n))
	}
	return n, err
}
