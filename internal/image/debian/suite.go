package debian

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// suite is one suite of an archive, its Release file verified.
type suite struct {
	*release
	base  string  // the archive's URL
	lists []index // of packages; empty where the suite has none for the architecture
}

// openSuite finds a suite in the first of the sources that is Debian's and has it, with
// its lists of packages. Where none has it the error is errNotThere.
func (a *assembly) openSuite(ctx context.Context, sources []source, name string) (*suite, error) {
	var first error
	for _, src := range sources {
		s, err := a.openIn(ctx, src, name)
		if err == nil {
			return s, nil
		}
		// What a source's error is worth: one that lacks the suite, or is somebody else's, says the least.
		if first == nil || errors.Is(first, errNotThere) && !errors.Is(err, errNotThere) {
			first = err
		}
	}
	return nil, first
}

func (a *assembly) openIn(ctx context.Context, src source, name string) (*suite, error) {
	keys, err := src.keys.load(debianKeyring)
	if err != nil {
		return nil, err
	}
	found, err := a.openRelease(ctx, src, keys, name)
	if err != nil {
		return nil, err
	}
	s, err := a.openLists(ctx, src, found.now)
	if err == nil {
		return s, found.keep()
	}
	// While a mirror is brought up to date its parts may not fit together. What we had does.
	if old := found.before; old != nil && ctx.Err() == nil && !errors.Is(err, errNotThere) {
		if s, oldErr := a.openLists(ctx, src, old); oldErr == nil {
			a.say("%s: the mirror's new index can't be used (%v); using that of %s, which is still valid", name, err, old.date.Format(time.DateOnly))
			return s, nil
		}
	}
	return nil, err
}

// openLists opens the lists of packages that a Release file names.
func (a *assembly) openLists(ctx context.Context, src source, r *release) (*suite, error) {
	if r.origin != "Debian" {
		return nil, fmt.Errorf("%s is of %q, not of Debian: %w", r.name, r.origin, errNotThere)
	}
	s := &suite{release: r, base: src.uri}
	if !slices.Contains(r.architectures, a.Arch) {
		return s, nil
	}
	paths := []string{"main/binary-" + a.Arch + "/Packages"}
	if r.allApart {
		paths = append(paths, "main/binary-all/Packages")
	}
	for _, p := range paths {
		x, err := a.openIndex(ctx, s, p)
		if err != nil {
			return nil, err
		}
		s.lists = append(s.lists, x)
	}
	return s, nil
}

// openIndex gets a list of packages, from the cache in its compact form where it can.
func (a *assembly) openIndex(ctx context.Context, s *suite, path string) (index, error) {
	name, want, ok := s.index(path)
	if !ok {
		return index{}, fmt.Errorf("%s is refused: it doesn't list %s; use another mirror", s.name, path)
	}
	what := s.base + "/dists/" + s.codename + "/" + name
	_, b, err := a.cache.sealed(ctx, "indexes", want.sha256+".1", func(w io.Writer) error {
		a.say("%s: fetching the list of packages (%s)", s.codename, megabytes(want.size))
		return a.withList(ctx, s, name, want, func(r io.Reader) error {
			if err := compact(r, w); err != nil {
				return fmt.Errorf("%s is damaged: %w; use another mirror", what, err)
			}
			return nil
		})
	})
	if err != nil {
		return index{}, err
	}
	return openIndex(b)
}

// withList has use read one of the files that a Release file lists, verified and unpacked. It
// is kept no longer than that: what is made of it is what is kept.
func (a *assembly) withList(ctx context.Context, s *suite, name string, want sum, use func(io.Reader) error) error {
	dir := s.base + s.name[len(s.base):strings.LastIndexByte(s.name, '/')+1]
	own, err := os.MkdirTemp(a.cache.path("indexes", ""), ".list-*") // of this run, whatever others do at the same time
	if err != nil {
		return fmt.Errorf("the cache can't be written: %w", err)
	}
	defer os.RemoveAll(own)
	file := filepath.Join(own, "list")
	urls := []string{dir + name}
	if s.byHash { // under that name a list stays while the mirror already has a newer one
		urls = []string{dir + name[:strings.LastIndexByte(name, '/')+1] + "by-hash/SHA256/" + want.sha256, dir + name}
	}
	for _, u := range urls {
		if err = a.fetch.download(ctx, u, name+" of "+s.codename, file, want); !errors.Is(err, errNotThere) {
			break
		}
	}
	if errors.Is(err, errNotThere) { // which must not look as if the suite weren't there
		return fmt.Errorf("the mirror lacks a file that its own index lists: %v; try again in a while, or use another with --mirror", err) //nolint:errorlint // see above
	}
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := decompress(f, name)
	if err != nil {
		return fmt.Errorf("%s can't be unpacked: %w", name, err)
	}
	return use(r)
}

// find gives all versions of a package in this suite.
func (s *suite) find(name string) (all []record) {
	for _, x := range s.lists {
		for _, r := range x.find(name) {
			r.from = s
			all = append(all, r)
		}
	}
	return all
}

// fileURL gives the URL of a package. Names hold percent signs (1%3a2.0), which a URL has to write out.
func (s *suite) fileURL(filename string) string {
	return s.base + "/" + (&url.URL{Path: filename}).EscapedPath()
}
