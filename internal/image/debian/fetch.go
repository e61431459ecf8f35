package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	atOnce     = 4 // downloads
	tries      = 3
	firstPause = 300 * time.Millisecond
	stall      = time.Minute // without a byte, after which a try is given up
)

// errNotThere is what a mirror's 404 becomes.
var errNotThere = errors.New("it is not there")

// unreachable wraps what may be over in a while: the network's errors and a server's own.
type unreachable struct{ error }

func (u unreachable) Unwrap() error { return u.error }

// fetcher gets files from mirrors.
type fetcher struct {
	client *http.Client
	slots  chan struct{}
}

func newFetcher(c *http.Client) *fetcher {
	if c == nil {
		c = http.DefaultClient
	}
	return &fetcher{c, make(chan struct{}, atOnce)}
}

// get asks for a URL until it has an answer, a few times, and has use read the body anew at
// each try. use sees statuses 200 and 304.
func (f *fetcher) get(ctx context.Context, url string, header http.Header, use func(*http.Response) error) error {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	pause := firstPause
	for try := 1; ; try++ {
		err := f.try(ctx, url, header, use)
		if !errors.As(err, new(unreachable)) || try == tries || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause *= 3
	}
}

func (f *fetcher) try(ctx context.Context, url string, header http.Header, use func(*http.Response) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stall, func() { cancel(fmt.Errorf("no answer for %s", stall)) })
	defer watch.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	// Otherwise Go asks for gzip and unpacks it, and sizes and hashes are of something else.
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := f.client.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%s: %w", url, cause)
		}
		return unreachable{err}
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusOK, code == http.StatusNotModified:
	case code == http.StatusNotFound, code == http.StatusGone:
		return fmt.Errorf("%s: %w", url, errNotThere)
	case code >= 500, code == http.StatusTooManyRequests:
		return unreachable{fmt.Errorf("%s: the server answers %s", url, resp.Status)}
	default:
		return fmt.Errorf("%s: the server answers %s", url, resp.Status)
	}
	resp.Body = &body{resp.Body, ctx, watch}
	return use(resp)
}

// body marks errors of the network as such, and winds the watch at each piece.
type body struct {
	io.ReadCloser
	ctx   context.Context
	watch *time.Timer
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.watch.Reset(stall)
	if err != nil && !errors.Is(err, io.EOF) {
		if cause := context.Cause(b.ctx); cause != nil {
			err = cause // rather than the "context canceled" that it leads to
		}
		err = unreachable{err}
	}
	return n, err
}

// download puts a file that must have this sum at path. It gets that name when it is whole
// and right, never before. what is what messages call it.
func (f *fetcher) download(ctx context.Context, url, what, path string, want sum) error {
	return f.get(ctx, url, nil, func(resp *http.Response) error {
		return writeWhole(path, func(w io.Writer) error {
			h := sha256.New()
			n, err := io.Copy(io.MultiWriter(w, h), io.LimitReader(resp.Body, want.size+1))
			if err != nil {
				return fmt.Errorf("%s: %w", url, err)
			}
			if n != want.size {
				return fmt.Errorf("%s is refused: %s has %s bytes, not the %d of the signed index; use another mirror, or try again in a while",
					what, url, count(n, want.size), want.size)
			}
			if got := hex.EncodeToString(h.Sum(nil)); got != want.sha256 {
				return fmt.Errorf("%s is refused: the SHA256 of %s is %s, not %s as the signed index says; use another mirror, or try again in a while",
					what, url, got, want.sha256)
			}
			return nil
		})
	})
}

func count(n, limit int64) string {
	if n > limit {
		return fmt.Sprintf("more than %d", limit)
	}
	return strconv.FormatInt(n, 10)
}

// writeWhole writes a file so that nobody ever sees half of it.
func writeWhole(path string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("the cache can't be written: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // without effect once it has its name
	if err := write(tmp); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("the cache can't be written: %w", err)
	}
	return os.Rename(tmp.Name(), path)
}
