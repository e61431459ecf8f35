// Package release is a release as `mix release` makes it: read from its directory, or built
// from its project, once for the same sources.
package release

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/host"
)

// Release is what `mix release` made: bin/NAME, releases/ and lib/.
type Release struct {
	Root    string // absolute, or as it was given
	Name    string
	Version string
	ERTS    string   // its version
	OTP     string   // version of Erlang/OTP, such as 25.2.3, where whoever built the release knows it
	Apps    []string // that run when it has booted
}

// Script is the start script: bin/NAME.
func (r Release) Script() string { return filepath.Join(r.Root, "bin", r.Name) }

// ErrNoApp says that a directory holds nothing to run.
var ErrNoApp = errors.New("no mix project and no release")

// Open reads a release directory. name may be empty: bin/ then has to
// hold one start script only.
func Open(root, name string) (Release, error) {
	r := Release{Root: root, Name: name}
	data, err := os.ReadFile(filepath.Join(root, "releases", "start_erl.data"))
	if err != nil {
		return r, fmt.Errorf("no release in %s: %w", root, err)
	}
	fields := strings.Fields(string(data)) // erts version, release version
	if len(fields) != 2 {
		return r, fmt.Errorf("%s does not name a version", filepath.Join(root, "releases", "start_erl.data"))
	}
	r.ERTS, r.Version = fields[0], fields[1]
	scripts, err := startScripts(root, r.Version)
	if err != nil {
		return r, err
	}
	switch {
	case name != "" && slices.Contains(scripts, name):
	case name != "":
		return r, fmt.Errorf("no release %s in %s: there is %s", name, root, strings.Join(scripts, ", "))
	case len(scripts) == 1:
		r.Name = scripts[0]
	case len(scripts) == 0:
		return r, fmt.Errorf("no start script in %s", filepath.Join(root, "bin"))
	default:
		return r, fmt.Errorf("several start scripts in %s, pick one with --release: %s", filepath.Join(root, "bin"), strings.Join(scripts, ", "))
	}
	r.Apps = startedApps(root, r.Name, r.Version)
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

// Is says whether a directory is a release.
func Is(dir string) bool { return host.Exists(filepath.Join(dir, "releases", "start_erl.data")) }

// IsProject says whether a directory is a mix project.
func IsProject(dir string) bool { return host.Exists(filepath.Join(dir, "mix.exs")) }

// CheckDir says in one line why a directory can't be run, if it can't.
func CheckDir(dir string) error {
	fi, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there", dir)
	case err != nil:
		return err
	case !fi.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case !Is(dir) && !IsProject(dir):
		return fmt.Errorf("%w in %s", ErrNoApp, dir)
	}
	return nil
}

// An application of a .rel file: {name,"version"} and perhaps its start type.
var relApp = regexp.MustCompile(`\{\s*([a-z][a-zA-Z0-9_@]*|'[^']+')\s*,\s*"[^"]*"\s*(?:,\s*([a-z]+)\s*)?[,}]`)

// startedApps reads from the release which applications it starts and keeps
// running: those that are not merely loaded or carried along.
func startedApps(root, name, version string) []string {
	b, err := os.ReadFile(filepath.Join(root, "releases", version, name+".rel"))
	if err != nil {
		return nil // some tool's release without one: then booted is what init says
	}
	text := string(b)
	if i := strings.Index(text, "{erts,"); i >= 0 {
		text = text[i+len("{erts,"):]
	}
	var apps []string
	for _, m := range relApp.FindAllStringSubmatch(text, -1) {
		switch m[2] {
		case "", "permanent", "transient", "temporary":
			apps = append(apps, strings.Trim(m[1], "'"))
		}
	}
	return apps
}
