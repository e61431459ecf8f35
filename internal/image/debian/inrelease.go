package debian

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// maxRelease is how long an InRelease may be, bytes. Those of today have up to 0.2 MB.
const maxRelease = 4 << 20

// remembered is what is kept beside an InRelease.
type remembered struct {
	URL, ETag, LastModified string
	SHA256                  string // of the InRelease that this is about
}

// releases is what there is of a suite: what the mirror has, and what we had of it before, which
// is nil where there was nothing or it may not be used any more.
type releases struct {
	now, before *release
	keep        func() error // remembers what the mirror has
}

// openRelease gets the InRelease of a suite. What was got before is asked for only if it has
// changed, and does while the mirror can't be reached, for as long as it is valid.
func (a *assembly) openRelease(ctx context.Context, src source, keys keyring, name string) (releases, error) {
	where := src.uri + "/dists/" + name + "/InRelease"
	read := func(raw []byte) (*release, error) {
		text, err := keys.verify(where, raw, a.now)
		if err != nil {
			return nil, err
		}
		return parseRelease(where, string(text))
	}
	file := a.cache.path("releases", key(where))
	header := http.Header{}
	var old *release
	var expired error
	if raw, err := os.ReadFile(file); err == nil {
		used(file)
		used(file + ".json")
		if old, err = read(raw); err == nil { // else as if there were none: it was damaged, or the keys are others now
			header = conditions(file+".json", where, raw)
			expired = old.usable(name, a.now, src.stale)
		}
	}
	var fresh *release
	var raw []byte
	var seen remembered
	err := a.fetch.get(ctx, where, header, func(resp *http.Response) error {
		if resp.StatusCode == http.StatusNotModified {
			return nil
		}
		var err error
		if raw, err = io.ReadAll(io.LimitReader(resp.Body, maxRelease+1)); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if len(raw) > maxRelease {
			return fmt.Errorf("%s is refused: it has more than %d bytes; is this a Debian mirror?", where, maxRelease)
		}
		seen = remembered{where, resp.Header.Get("ETag"), resp.Header.Get("Last-Modified"), hashOf(raw)}
		fresh, err = read(raw)
		return err
	})
	nothing := func() error { return nil }
	switch {
	case errors.As(err, new(unreachable)) && ctx.Err() == nil:
		if old == nil || expired != nil {
			return releases{}, fmt.Errorf("the Debian mirror can't be reached: %w; check the network, or give another with --mirror", err)
		}
		a.say("%s: the mirror can't be reached (%v); using the index of %s, which is still valid", name, err, old.date.Format(time.DateOnly))
		return releases{now: old, keep: nothing}, nil
	case err != nil:
		return releases{}, err
	case fresh == nil && old == nil:
		return releases{}, fmt.Errorf("%s: the server answers that nothing has changed, to who never asked; use another mirror", where)
	case fresh == nil:
		return releases{now: old, keep: nothing}, expired
	}
	if err := fresh.usable(name, a.now, src.stale); err != nil {
		return releases{}, err
	}
	if expired != nil {
		old = nil
	}
	if old != nil && old.date.After(fresh.date) {
		a.say("%s: the mirror has an older index (%s) than it had before (%s); using the newer", name,
			fresh.date.Format(time.DateOnly), old.date.Format(time.DateOnly))
		return releases{now: old, keep: nothing}, nil
	}
	return releases{fresh, old, func() error { return remember(file, raw, seen) }}, nil
}

func remember(file string, raw []byte, seen remembered) error {
	b, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		b    []byte
	}{{file, raw}, {file + ".json", b}} {
		if err := writeWhole(f.name, func(w io.Writer) error { _, err := w.Write(f.b); return err }); err != nil {
			return err
		}
	}
	return nil
}

// conditions gives the header with which a server sends only what isn't what we have.
func conditions(file, where string, raw []byte) http.Header {
	header := http.Header{}
	b, err := os.ReadFile(file)
	var seen remembered
	if err != nil || json.Unmarshal(b, &seen) != nil || seen.URL != where || seen.SHA256 != hashOf(raw) {
		return header
	}
	if seen.ETag != "" {
		header.Set("If-None-Match", seen.ETag)
	}
	if seen.LastModified != "" {
		header.Set("If-Modified-Since", seen.LastModified)
	}
	return header
}
