package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
)

func hashOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// key names a file of the cache that stands for something else.
func key(s string) string { return hashOf([]byte(s))[:32] }

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// opened remembers each package that was opened; of several that ask at once one opens it.
type opened struct {
	mu   sync.Mutex
	debs map[string]func() (*deb, error)
}

// open gives a package with its list of files, fetching it where it isn't in the cache.
func (a *assembly) open(ctx context.Context, r record) (*deb, error) {
	a.opened.mu.Lock()
	once := a.opened.debs[r.sum.sha256]
	if once == nil {
		once = sync.OnceValues(func() (*deb, error) { return a.openNow(ctx, r) })
		a.opened.debs[r.sum.sha256] = once
	}
	a.opened.mu.Unlock()
	return once()
}

func (a *assembly) openNow(ctx context.Context, r record) (*deb, error) {
	what := fmt.Sprintf("the package %s %s", r.Name, r.Version)
	name, content, err := a.unpacked(ctx, r, what)
	if err != nil {
		return nil, err
	}
	d, err := openDeb(r, name, content)
	if err != nil { // whatever made the cache hold it in another form, it can be made anew
		if err := os.Remove(name); err != nil {
			return nil, err
		}
		if name, content, err = a.unpacked(ctx, r, what); err != nil {
			return nil, err
		}
		d, err = openDeb(r, name, content)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is refused: %w", what, err)
	}
	return d, nil
}

// unpacked gives what a package was unpacked to, which is done once.
func (a *assembly) unpacked(ctx context.Context, r record, what string) (name string, content []byte, err error) {
	return a.cache.sealed(ctx, "unpacked", r.sum.sha256+"."+unpackedForm, func(w io.Writer) error {
		file, err := a.cache.fetched("packages", ".deb", r.sum, func(path string) error {
			a.say("%s %s: fetching (%s)", r.Name, r.Version, megabytes(r.sum.size))
			return a.fetch.download(ctx, r.from.fileURL(r.Filename), what, path, r.sum)
		})
		if errors.Is(err, errNotThere) {
			return fmt.Errorf("the mirror lacks %s, which its own index lists: %w; try again in a while, or use another with --mirror", what, err)
		}
		if err != nil {
			return err
		}
		if err := unpack(file, w); err != nil {
			return fmt.Errorf("%s can't be unpacked: %w", what, err)
		}
		return nil
	})
}

// prefetch opens packages at the same time that will be opened one after another. What goes
// wrong shows there, in an order that doesn't depend on the network.
func (a *assembly) prefetch(ctx context.Context, all []record) {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, r := range all {
		group.Go(func() error {
			_, _ = a.open(ctx, r) // remembered
			return nil
		})
	}
	_ = group.Wait() // never fails
}

// openNamed opens a package that has to be there.
func (a *assembly) openNamed(ctx context.Context, name string) (*deb, error) {
	r, ok := a.find(name)
	if !ok {
		return nil, fmt.Errorf("there is no package %s for %s in Debian %s: use another mirror, which has the whole archive", name, a.Arch, a.Suite)
	}
	return a.open(ctx, r)
}
