package debian

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// addPackages adds the packages that were asked for, and those that they depend on.
func (a *assembly) addPackages(ctx context.Context) error {
	all, err := a.closure()
	if err != nil {
		return err
	}
	a.prefetch(ctx, all)
	var debs []*deb
	for _, r := range all {
		d, err := a.open(ctx, r)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(d.files)) {
			if !leftOut(name) {
				a.build.take(d, d.files[name])
			}
		}
		a.build.note(d).whole = true
		debs = append(debs, d)
	}
	a.addAlternatives(debs)
	return nil
}

// closure gives the packages asked for with all that they need, by name. Of alternatives the
// first that exists is taken.
func (a *assembly) closure() ([]record, error) {
	chosen := map[string]record{}
	var queue []record
	for _, name := range a.Packages {
		r, ok := a.provider(name)
		if !ok {
			return nil, fmt.Errorf("there is no package %q for %s in Debian %s: check its name", name, a.Arch, a.Suite)
		}
		queue = append(queue, r)
	}
	for len(queue) > 0 {
		r := queue[0]
		queue = queue[1:]
		if _, ok := chosen[r.Name]; ok {
			continue
		}
		chosen[r.Name] = r
		for _, alternatives := range parseDepends(r.Depends) {
			next, ok := a.firstOf(alternatives)
			switch {
			case !ok:
				return nil, fmt.Errorf("the package %s depends on %s, which there is not for %s in Debian %s: leave the package out, or use another suite",
					r.Name, strings.Join(alternatives, " or "), a.Arch, a.Suite)
			case !ofDpkg(next.Name):
				queue = append(queue, next)
			}
		}
	}
	return slices.SortedFunc(maps.Values(chosen), func(x, y record) int { return strings.Compare(x.Name, y.Name) }), nil
}

func (a *assembly) firstOf(alternatives []string) (record, bool) {
	for _, name := range alternatives {
		if r, ok := a.provider(name); ok {
			return r, true
		}
	}
	return record{}, false
}

// ofDpkg says whether a package is of use only to dpkg and to maintainer scripts.
func ofDpkg(name string) bool {
	return name == "dpkg" || name == "init-system-helpers" || strings.HasPrefix(name, "debconf") || strings.HasPrefix(name, "cdebconf")
}

// readers are directories that only people read, and other languages'. Of usr/share/doc the copyright files stay,
// see addNotices.
var readers = []string{"usr/share/doc", "usr/share/doc-base", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian", "usr/share/bug"}

func leftOut(name string) bool {
	return slices.ContainsFunc(readers, func(dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") })
}
