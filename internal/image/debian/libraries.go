package debian

import (
	"bytes"
	"cmp"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"pault.ag/go/debian/version"

	"github.com/phialdev/phial/internal/image/tree"
)

// need is a shared library that a file asks for.
type need struct {
	name string
	by   string   // that file's path, "" for the release
	from *deb     // the package of that file, or nil
	dirs []string // where the loader looks for it
}

// addLibraries adds every library that is needed, then what those need, until nothing is
// missing that Debian has.
func (a *assembly) addLibraries(ctx context.Context) error {
	libc, err := a.openNamed(ctx, "libc6")
	if err != nil {
		return err
	}
	chain := libc.follow(merged(a.machine.loader))
	if chain == nil {
		return fmt.Errorf("the package libc6 %s has no %s, which programs start with: use another mirror", libc.Version, a.machine.loader)
	}
	for _, e := range chain {
		a.build.take(libc, e)
	}
	dirs := a.machine.libraryDirs()
	for _, name := range a.Libraries {
		a.needs = append(a.needs, need{name: name, dirs: dirs})
	}
	for _, name := range openedByGlibc(libc.Version) {
		a.needs = append(a.needs, need{name: name, by: path.Join(dirs[0], "libc.so.6"), dirs: dirs})
	}
	failed := map[string]bool{}
	for len(a.needs) > 0 {
		wave := a.needs
		a.needs = nil
		slices.SortStableFunc(wave, func(x, y need) int {
			return cmp.Or(cmp.Compare(x.name, y.name), cmp.Compare(x.by, y.by))
		})
		var soon []record
		for _, n := range wave {
			if !a.present(n) {
				soon = append(soon, a.likely(n.name)...)
			}
		}
		a.prefetch(ctx, soon)
		for _, n := range wave {
			if a.present(n) || failed[n.name] {
				continue
			}
			ok, err := a.addLibrary(ctx, n)
			if err != nil {
				return err
			}
			if !ok {
				failed[n.name] = true
				a.missing.Libraries = append(a.missing.Libraries, MissingLibrary{n.name, n.by})
			}
		}
	}
	return nil
}

// openedByGlibc gives what the C library opens while a program runs, without asking for it:
// what unwinds the stack of a canceled thread, and who looks up names and users, which is
// built in since 2.34.
func openedByGlibc(libc string) []string {
	names := []string{"libgcc_s.so.1"}
	v, err := version.Parse(libc)
	builtIn, err2 := version.Parse("2.34")
	if err == nil && err2 == nil && version.Compare(v, builtIn) < 0 {
		names = append(names, "libnss_dns.so.2", "libnss_files.so.2")
	}
	return names
}

func (a *assembly) present(n need) bool {
	return slices.ContainsFunc(n.dirs, func(dir string) bool { return a.build.has(path.Join(dir, n.name)) })
}

// likely gives the package that a library is in if Debian's naming holds.
func (a *assembly) likely(soname string) []record {
	for _, name := range candidates(soname) {
		if r, ok := a.find(name); ok {
			return []record{r}
		}
	}
	return nil
}

// addLibrary finds a library: beside the file that needs it, in the packages that would be
// called so, and wherever the list of all files says.
func (a *assembly) addLibrary(ctx context.Context, n need) (bool, error) {
	if strings.ContainsAny(n.name, "/\t\n") || n.name == "" {
		return false, nil
	}
	if n.from != nil {
		if ok, err := a.addFrom(ctx, n.from, n); ok || err != nil {
			return ok, err
		}
	}
	tried := map[string]bool{}
	var try func(names []string) (bool, error)
	try = func(names []string) (bool, error) {
		for _, name := range names {
			r, ok := a.find(name)
			if !ok || tried[name] {
				continue
			}
			tried[name] = true
			d, err := a.open(ctx, r)
			if err != nil {
				return false, err
			}
			if ok, err := a.addFrom(ctx, d, n); ok || err != nil {
				return ok, err
			}
			// A package may leave it to one of several of which it needs one: libopenblas0 to libopenblas0-pthread.
			for _, alternatives := range parseDepends(r.Depends) {
				if first := alternatives[0]; strings.HasPrefix(first, name+"-") {
					if ok, err := try([]string{first}); ok || err != nil {
						return ok, err
					}
				}
			}
		}
		return false, nil
	}
	if ok, err := try(candidates(n.name)); ok || err != nil {
		return ok, err
	}
	names, err := a.holders(ctx, n.name)
	if err != nil {
		return false, err
	}
	return try(names)
}

// addFrom adds a library if the package has it, and notes what it needs.
func (a *assembly) addFrom(ctx context.Context, d *deb, n need) (bool, error) {
	for _, dir := range n.dirs {
		chain := d.follow(d.preferred(path.Join(dir, n.name)))
		if chain == nil || !chain[len(chain)-1].mode.IsRegular() {
			continue
		}
		isELF, err := a.addELF(d, chain[len(chain)-1])
		if err != nil {
			return false, err
		}
		if !isELF {
			continue
		}
		for _, e := range chain {
			a.build.take(d, e)
		}
		if at := path.Join(dir, n.name); chain[0].path != at {
			a.build.put(tree.Symlink(at, "/"+chain[0].path))
		}
		if n.name == "libcrypto.so.3" {
			return true, a.addLegacy(ctx, d, path.Join(path.Dir(chain[0].path), "ossl-modules", "legacy.so"))
		}
		return true, nil
	}
	return false, nil
}

// preferred gives the place of a file, or of the alternative that the package has for it.
func (d *deb) preferred(name string) string {
	if d.files[name] == nil {
		for _, alt := range d.alternatives {
			if alt.link == name {
				return alt.path
			}
		}
	}
	return name
}

// addELF adds a program or library and notes the libraries that it asks for.
func (a *assembly) addELF(d *deb, e *entry) (isELF bool, err error) {
	b, err := d.content(e)
	if err != nil {
		return false, err
	}
	if !bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
		return false, nil // a script for the linker
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return false, fmt.Errorf("the package %s %s has %s, which is damaged: %w", d.Name, d.Version, e.path, err)
	}
	names, err := f.ImportedLibraries()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return false, fmt.Errorf("the package %s %s has %s, which is damaged: %w", d.Name, d.Version, e.path, err)
	}
	var dirs []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		paths, _ := f.DynString(tag) // none, for most
		for _, list := range paths {
			for dir := range strings.SplitSeq(list, ":") {
				for _, origin := range []string{"$ORIGIN", "${ORIGIN}"} {
					dir = strings.ReplaceAll(dir, origin, "/"+path.Dir(e.path))
				}
				if path.IsAbs(dir) {
					dirs = append(dirs, merged(path.Clean(dir)[1:]))
				}
			}
		}
	}
	dirs = append(dirs, a.machine.libraryDirs()...)
	a.build.take(d, e)
	for _, name := range names {
		a.needs = append(a.needs, need{name: name, by: e.path, from: d, dirs: dirs})
	}
	return true, nil
}

// addLegacy adds OpenSSL's old ciphers, which libcrypto opens when it is asked for one; they are
// in a package of their own since trixie.
func (a *assembly) addLegacy(ctx context.Context, d *deb, at string) error {
	if d.files[at] == nil {
		r, ok := a.find("openssl-provider-legacy")
		if !ok {
			return nil
		}
		var err error
		if d, err = a.open(ctx, r); err != nil {
			return err
		}
	}
	if chain := d.follow(at); len(chain) == 1 && chain[0].mode.IsRegular() {
		_, err := a.addELF(d, chain[0])
		return err
	}
	return nil
}
