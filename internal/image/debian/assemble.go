package debian

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/image/tree"
)

// Options says what to assemble, and where from.
type Options struct {
	// Suite is Debian's: "bookworm", "trixie", "sid". SuiteFor chooses one.
	Suite string
	// Arch is an architecture in Debian's words, as ArchOf gives it.
	Arch string
	// Libraries are the shared libraries that the release's own files ask for, by soname:
	// "libtinfo.so.6". What they need in turn comes along.
	Libraries []string
	// Commands are what its start scripts call: "sh", "readlink".
	Commands []string
	// Packages are taken whole, with all that they depend on, for apps that run other
	// programs. Their maintainer scripts are not run (the alternatives that these name are
	// there), and setuid bits are not kept.
	Packages []string
	// Bare leaves out libraries, shell and commands, and the locale: for a program that is
	// linked statically.
	Bare bool
	// Sources says where packages come from; the zero value means the machine's own apt sources.
	Sources Sources
	// Cache is the directory that packages and indexes are kept in, "" one of the user's. It is
	// made private to this user.
	Cache string
	// Client makes the requests; nil means Go's own, with the proxy of the environment.
	Client *http.Client
	// Progress is told what goes on, a line at a time, never two at once. It may be nil.
	Progress func(string)
	// Now is the time that signatures and indexes have to be valid at; nil means the clock.
	Now func() time.Time

	aptDir string // of tests; else /etc/apt
}

// Root is a root file system: all but the release itself.
type Root struct {
	// Files read their contents from the cache when they are opened.
	Files tree.Tree
	// Packages are those that files were taken from, by name.
	Packages []Package
	// Suite is the suite's codename.
	Suite string
	// Missing is what was asked for and is not there.
	Missing Missing
}

// Missing is what no package has. Whether that matters is for the caller to say.
type Missing struct {
	Libraries []MissingLibrary // by soname
	Commands  []string
}

// MissingLibrary is a shared library that is in no package of the suite.
type MissingLibrary struct {
	Name string
	By   string // the file in the root that needs it; "" for the release itself
}

// Package is a Debian package that is in a root, wholly or in part.
type Package struct {
	Name, Version, Arch   string
	Source, SourceVersion string // what it was built from
	SHA256                string // of the package file
	URL                   string // where that is
	Size                  int64  // of it, bytes
	Whole                 bool   // all of it is there, not just the files that were needed
}

// assembly is one run of Assemble.
type assembly struct {
	Options
	machine machine
	now     time.Time
	cache   cache
	fetch   *fetcher
	suites  []*suite // the suite itself, its updates, its security updates
	opened  opened
	build   *build
	needs   []need // of shared libraries
	missing Missing
	telling sync.Mutex
}

func (a *assembly) say(format string, args ...any) {
	if a.Progress == nil {
		return
	}
	a.telling.Lock()
	defer a.telling.Unlock()
	a.Progress(fmt.Sprintf(format, args...))
}

// Assemble puts together a root file system.
func Assemble(ctx context.Context, o Options) (*Root, error) {
	m, ok := machines[o.Arch]
	if !ok {
		return nil, fmt.Errorf("no architecture of Debian is called %q, as far as is known here: say amd64 or arm64", o.Arch)
	}
	store, err := openCache(o.Cache)
	if err != nil {
		return nil, err
	}
	a := &assembly{Options: o, machine: m, now: time.Now(), cache: store, fetch: newFetcher(o.Client),
		opened: opened{debs: map[string]func() (*deb, error){}}, build: newBuild()}
	if a.aptDir == "" {
		a.aptDir = "/etc/apt"
	}
	if o.Now != nil {
		a.now = o.Now()
	}
	if err := a.openArchive(ctx); err != nil {
		return nil, err
	}
	steps := []func(context.Context) error{a.prepare, a.addPackages, a.addBase, a.addCommands, a.addLibraries, a.addNotices}
	if a.Bare {
		steps = []func(context.Context) error{a.prepare, a.addBase, a.addNotices}
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	a.cache.tidy()
	files, err := a.build.tree()
	if err != nil {
		return nil, err
	}
	root := &Root{Files: files, Suite: a.suites[0].codename, Missing: a.missing}
	for _, u := range a.build.used() {
		d := u.deb
		root.Packages = append(root.Packages, Package{Name: d.Name, Version: d.Version, Arch: d.Arch, Source: d.Source,
			SourceVersion: d.SourceVersion, SHA256: d.sum.sha256, Size: d.sum.size, URL: d.from.fileURL(d.Filename), Whole: u.whole})
	}
	slices.SortFunc(root.Missing.Libraries, func(x, y MissingLibrary) int { return cmp.Compare(x.Name, y.Name) })
	return root, nil
}
