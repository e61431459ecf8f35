package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// release is what `mix release` made: bin/NAME, releases/ and lib/.
type release struct {
	root    string
	name    string
	version string
	apps    []string // that run when it has booted
}

func (r release) script() string { return filepath.Join(r.root, "bin", r.name) }

// errNoApp says that a directory holds nothing to run.
var errNoApp = errors.New("no mix project and no release")

// openRelease reads a release directory. name may be empty: bin/ then has to
// hold one start script only.
func openRelease(root, name string) (release, error) {
	r := release{root: root, name: name}
	data, err := os.ReadFile(filepath.Join(root, "releases", "start_erl.data"))
	if err != nil {
		return r, fmt.Errorf("no release in %s: %w", root, err)
	}
	fields := strings.Fields(string(data)) // erts version, release version
	if len(fields) != 2 {
		return r, fmt.Errorf("%s does not name a version", filepath.Join(root, "releases", "start_erl.data"))
	}
	r.version = fields[1]
	scripts, err := startScripts(root, r.version)
	if err != nil {
		return r, err
	}
	switch {
	case name != "" && slices.Contains(scripts, name):
	case name != "":
		return r, fmt.Errorf("no release %s in %s: there is %s", name, root, strings.Join(scripts, ", "))
	case len(scripts) == 1:
		r.name = scripts[0]
	case len(scripts) == 0:
		return r, fmt.Errorf("no start script in %s", filepath.Join(root, "bin"))
	default:
		return r, fmt.Errorf("several start scripts in %s, pick one with --release: %s", filepath.Join(root, "bin"), strings.Join(scripts, ", "))
	}
	r.apps = startedApps(root, r.name, r.version)
	return r, nil
}

// startScripts finds the shell scripts in bin/ that know the version's boot
// scripts, which tells them from helpers that a team puts beside them (server,
// migrate).
func startScripts(root, version string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(root, "releases", version)); err != nil {
		return nil, fmt.Errorf("the release in %s is not whole: %w", root, err)
	}
	entries, err := os.ReadDir(filepath.Join(root, "bin"))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != "" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, "bin", e.Name()))
		if err != nil {
			return nil, err
		}
		if s := string(b); strings.HasPrefix(s, "#!") && strings.Contains(s, "RELEASE_BOOT_SCRIPT") && strings.Contains(s, "start_erl.data") {
			all = append(all, e.Name())
		}
	}
	return all, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func isRelease(dir string) bool { return exists(filepath.Join(dir, "releases", "start_erl.data")) }
func isProject(dir string) bool { return exists(filepath.Join(dir, "mix.exs")) }

// checkDir says in one line why a directory can't be run, if it can't.
func checkDir(dir string) error {
	fi, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there", dir)
	case err != nil:
		return err
	case !fi.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case !isRelease(dir) && !isProject(dir):
		return fmt.Errorf("%w in %s", errNoApp, dir)
	}
	return nil
}
