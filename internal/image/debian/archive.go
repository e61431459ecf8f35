package debian

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"pault.ag/go/debian/version"
)

// openArchive opens the suite itself, its updates and its security updates.
func (a *assembly) openArchive(ctx context.Context) error {
	if strings.ContainsAny(a.Suite, "/ ") || !isPackageName(a.Suite) {
		return fmt.Errorf("%q is no name of a Debian suite: say bookworm, trixie or sid", a.Suite)
	}
	sources, err := a.Sources.find(a.Suite, a.aptDir)
	if err != nil {
		return err
	}
	type part struct {
		name    string
		sources []source
	}
	parts := []part{{a.Suite, sources.main}}
	if a.Suite != "sid" && a.Suite != "unstable" { // which have neither: everything goes into them at once
		parts = append(parts, part{a.Suite + "-updates", sources.main}, part{a.Suite + "-security", sources.security})
	}
	found := make([]*suite, len(parts))
	if len(sources.main) > 1 { // which of them is Debian's shows by the suite itself; only that one's updates count
		if found[0], err = a.openMain(ctx, sources.main); err != nil {
			return err
		}
		for i := range parts[:min(2, len(parts))] {
			parts[i].sources = slices.DeleteFunc(slices.Clone(sources.main), func(s source) bool { return s.uri != found[0].base })
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, p := range parts {
		group.Go(func() error {
			if i == 0 {
				var err error
				if found[0] == nil {
					found[0], err = a.openMain(ctx, p.sources)
				}
				return err
			}
			if len(p.sources) == 0 {
				a.say("%s: no archive of security updates is known (--security-mirror names one); going on without", p.name)
				return nil
			}
			s, err := a.openSuite(ctx, p.sources, p.name)
			switch {
			case errors.Is(err, errNotThere):
				a.say("%s: not on the mirror; going on without", p.name)
				return nil
			case err != nil:
				return err
			}
			found[i] = s
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, s := range found {
		switch {
		case s == nil:
		case len(s.lists) > 0:
			a.suites = append(a.suites, s)
		case i == 0:
			return fmt.Errorf("there are no packages for %s in Debian %s, only for %s", a.Arch, a.Suite,
				strings.Join(slices.DeleteFunc(slices.Clone(s.architectures), func(x string) bool { return x == "all" }), ", "))
		default:
			a.say("%s: nothing for %s; going on without", parts[i].name, a.Arch)
		}
	}
	return nil
}

// openMain opens the suite itself, which has to be there.
func (a *assembly) openMain(ctx context.Context, sources []source) (*suite, error) {
	s, err := a.openSuite(ctx, sources, a.Suite)
	if errors.Is(err, errNotThere) {
		err = fmt.Errorf("no Debian suite %s: %w; name another suite, or give another mirror with --mirror", a.Suite, err)
	}
	return s, err
}

// find gives the highest version of a package. Of equal ones the first suite's is taken.
func (a *assembly) find(name string) (best record, ok bool) {
	var highest version.Version
	for _, s := range a.suites {
		for _, r := range s.find(name) {
			v, err := version.Parse(r.Version)
			if err != nil || r.Arch != a.Arch && r.Arch != "all" {
				continue
			}
			if !ok || version.Compare(v, highest) > 0 {
				best, highest, ok = r, v, true
			}
		}
	}
	return best, ok
}

// provider gives the package that stands for a name: the one that is called so, else the
// first in order of names that provides it.
func (a *assembly) provider(name string) (record, bool) {
	if r, ok := a.find(name); ok {
		return r, true
	}
	var all []string
	for _, s := range a.suites {
		for _, x := range s.lists {
			all = append(all, x.providers(name)...)
		}
	}
	slices.Sort(all)
	for _, p := range slices.Compact(all) {
		// An older version than the one that we would take may have provided it.
		if r, ok := a.find(p); ok && slices.ContainsFunc(parseDepends(r.Provides), func(v []string) bool { return v[0] == name }) {
			return r, true
		}
	}
	return record{}, false
}
