package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/phialdev/phial/internal/image"
)

// Registry is a repository of a registry.
type Registry struct {
	Repository name.Repository
	Tags       []string
	Progress   func(sent int64)  // called often while blobs are sent; may be nil
	Transport  http.RoundTripper // nil: the default
}

// Repository reads REPOSITORY or REPOSITORY:TAG; the tag is empty where none is given.
func Repository(s string) (name.Repository, string, error) {
	if strings.Contains(s, "@") {
		return name.Repository{}, "", fmt.Errorf("--push %s: a digest is what comes of pushing: give REPOSITORY or REPOSITORY:TAG", s)
	}
	ref, err := name.ParseReference(s, name.WithDefaultTag(""))
	if err != nil {
		return name.Repository{}, "", fmt.Errorf("--push %s: %w: give REPOSITORY or REPOSITORY:TAG, such as registry.example.com/shop", s, err)
	}
	return ref.Context(), ref.Identifier(), nil
}

// Publish implements [Target]. Blobs that the registry has are neither compressed nor
// sent. The image and what is kept beside it go there by digest; the tags are set when all
// of that is there.
func (g Registry) Publish(ctx context.Context, r *image.Result) (Published, error) {
	p := Published{Target: usual(g.Repository.Name())}
	digest := g.Repository.Digest(r.Digest.String())
	p.Names = append(p.Names, usual(digest.Name()))
	sent := &counter{next: g.Transport, progress: g.Progress}
	if sent.next == nil {
		sent.next = remote.DefaultTransport
	}
	pusher, err := remote.NewPusher(append(image.Remote(ctx),
		remote.WithTransport(sent),
		remote.WithRetryBackoff(remote.Backoff{Duration: 300 * time.Millisecond, Factor: 3, Jitter: 0.1, Steps: 4}),
		remote.WithRetryPredicate(again),
		remote.WithRetryStatusCodes(http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout),
	)...)
	if err != nil {
		return p, err
	}
	failed := func(err error) (Published, error) {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return p, fmt.Errorf("push to %s: %w; no tag was set", g.Repository, image.Reason(err))
	}
	if err := pusher.Push(ctx, digest, r.Root); err != nil {
		return failed(err)
	}
	for _, ref := range r.Referrers {
		h, err := ref.Digest()
		if err != nil {
			return failed(err)
		}
		if err := pusher.Push(ctx, g.Repository.Digest(h.String()), ref); err != nil {
			return failed(fmt.Errorf("the SBOM: %w", err))
		}
	}
	p.Sent = sent.sent.Load()
	for i, t := range g.Tags {
		tag := g.Repository.Tag(t)
		before, err := g.meant(ctx, tag, sent)
		if err == nil && before != r.Digest.String() {
			err = pusher.Put(ctx, tag, r.Root)
		}
		if err != nil {
			return p, fmt.Errorf("set the tag %s: %w; set were: %d of %d", tag, image.Reason(err), i, len(g.Tags))
		}
		if before != "" && before != r.Digest.String() {
			if p.Moved == nil {
				p.Moved = map[string]string{}
			}
			p.Moved[t] = before
		}
		p.Names = append(p.Names, usual(tag.Name()))
	}
	return p, nil
}

// usual gives the name that everybody else has for what the protocol of registries calls
// index.docker.io.
func usual(reference string) string {
	if rest, ok := strings.CutPrefix(reference, name.DefaultRegistry+"/"); ok {
		return "docker.io/" + rest
	}
	return reference
}

// meant says which digest a tag stands for, if it is there.
func (g Registry) meant(ctx context.Context, tag name.Tag, t http.RoundTripper) (string, error) {
	d, err := remote.Head(tag, append(image.Remote(ctx), remote.WithTransport(t))...)
	var no *transport.Error
	if errors.As(err, &no) && no.StatusCode == http.StatusNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return d.Digest.String(), nil
}

// again says after which errors a request or an upload is tried again: a registry that is
// busy or failing, and a connection that broke. The rest would only come again.
func again(err error) bool {
	var t *transport.Error
	var n net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &t):
		return t.StatusCode >= 500 || t.StatusCode == http.StatusTooManyRequests || t.StatusCode == http.StatusRequestTimeout
	case errors.As(err, &n) && n.Timeout():
		return true
	}
	return slices.ContainsFunc([]error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE}, func(broke error) bool {
		return errors.Is(err, broke)
	})
}

// counter counts the bytes of blobs that are sent.
type counter struct {
	next     http.RoundTripper
	sent     atomic.Int64
	progress func(int64)
}

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody && strings.Contains(req.URL.Path, "/blobs/uploads/") {
		req = req.Clone(req.Context())
		req.Body = &counted{req.Body, c}
	}
	return c.next.RoundTrip(req)
}

type counted struct {
	body interface {
		Read([]byte) (int, error)
		Close() error
	}
	c *counter
}

func (r *counted) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if total := r.c.sent.Add(int64(n)); r.c.progress != nil && n > 0 {
		r.c.progress(total)
	}
	return n, err
}

func (r *counted) Close() error { return r.body.Close() }
