package project

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ErrNoProject says that a directory has no mix.exs.
var ErrNoProject = errors.New("no mix.exs")

// Project is what a source tree says of itself.
type Project struct {
	Mix  Mix   // of the root
	Apps []Mix // of an umbrella, by folder; none otherwise

	Lock  []Locked        // mix.lock: every package, also those that others bring
	Tools map[string]Tool // .tool-versions, by name: elixir, erlang, nodejs

	Runtime    []EnvVar   // what config/runtime.exs reads from the environment
	Port       EnvVar     // the first reading of PORT; Name is empty where nobody reads it
	FixedPort  Fact[int]  // a literal `port:` in the configuration, where nobody reads PORT
	Server     Fact[bool] // whether something starts Phoenix's endpoint in a release: PHX_SERVER or `server: true`
	Strategies []Strategy // libcluster's strategies, as they stand in the configuration
	Uses       []Use      // what of OTP's or a library's distribution the code calls, each at its first place
	Health     []Route    // routes that look like health checks
	Pipelines  []Pipeline // Broadway producers that read Kafka
	Migrator   Migrator   // lib/APP/release.ex with migrate/0

	EnvSh  EnvSh
	Git    bool         // it is the root of a git repository, or of a worktree
	Remote Fact[string] // URL of the git remote "origin"

	files map[string]bool // every file and directory that is there, but for what is built or fetched
	// Cut says that the tree has more files than are looked at.
	Cut bool
}

// Mix is what one mix.exs says.
type Mix struct {
	Dir            string // from the project's root; "." for the root
	Module         string // MyApp where it defines MyApp.MixProject; else empty
	App            Fact[string]
	Version        Fact[string]
	Elixir         Fact[string] // the requirement, such as "~> 1.15"
	AppsPath       Fact[string] // Known for an umbrella
	Releases       Fact[[]Named]
	DefaultRelease Fact[string]
	Deps           Fact[[]Dep]
	Aliases        Fact[[]Named]
	Reads          []string // files of the project that mix.exs names in a text, such as VERSION
}

// Named is a name and where it stands.
type Named struct {
	Name string
	At   Pos
}

// Dep is a dependency.
type Dep struct {
	Name        string
	Requirement string // as written; empty where there is none, or it is computed
	Path        string // of a dependency by path, from the mix.exs that names it
	Umbrella    bool   // in_umbrella: true
	At          Pos
}

// Tool is a line of .tool-versions; of several versions the first counts.
type Tool struct {
	Version string
	At      Pos
}

// EnvVar is a variable that the configuration reads at boot.
type EnvVar struct {
	Name     string
	Required bool // the app does not boot without it
	Default  Fact[string]
	At       Pos
}

// Use is something that the code names.
type Use struct {
	What string
	At   Pos
}

// Strategy is one of libcluster's, named without Cluster.Strategy.
type Strategy struct {
	Use
	Config map[string]string // the options beside it: texts as [Text] writes them, atoms with their colon, "" what is computed
}

// Text writes a text as it stands in a Strategy's Config.
func Text(s string) string { return `"` + s + `"` }

// Route is an HTTP path that a router answers to GET.
type Route struct {
	Path string
	At   Pos
}

// Pipeline is a Broadway module with a Kafka producer.
type Pipeline struct {
	Module      string
	Topics      Fact[[]string]
	Group       Fact[string]
	Brokers     Fact[[]string] // host:port; Unknown where they are computed, or stand for the developer's machine
	Concurrency Fact[int]
	At          Pos
}

// Migrator is the module that migrates in a release.
type Migrator struct {
	Module string // empty where there is none
	At     Pos
}

const (
	maxFiles = 20_000  // looked at in one tree
	maxSize  = 1 << 20 // bytes; a larger file is not read
)

// Read reads a source tree. The error is [ErrNoProject] where its root has no mix.exs.
func Read(fsys fs.FS) (*Project, error) {
	p := &Project{files: map[string]bool{}, Tools: map[string]Tool{}}
	r := &reader{fs: fsys, p: p}
	src, err := r.file("mix.exs")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoProject
	}
	if err != nil {
		return nil, fmt.Errorf("read mix.exs: %w", err)
	}
	if err := r.list(); err != nil {
		return nil, err
	}
	p.Mix = readMix(".", src, p.Has)
	if p.Umbrella() && p.Mix.AppsPath.Known() {
		if err := r.apps(path.Clean(p.Mix.AppsPath.Value)); err != nil {
			return nil, err
		}
	}
	for _, read := range []func() error{r.lock, r.tools, r.config, r.code, r.envSh, r.git} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Umbrella says whether the project is made of several applications.
func (p *Project) Umbrella() bool { return p.Mix.AppsPath.State != Absent }

// Has says whether a file or directory is there. Nothing is known of what is built or fetched: _build, deps and the like.
func (p *Project) Has(name string) bool { return p.files[path.Clean(name)] }

// Under lists the names of the files and directories right below a directory, sorted.
func (p *Project) Under(dir string) []string {
	var names []string
	for f := range p.files {
		if f != "." && path.Dir(f) == path.Clean(dir) {
			names = append(names, path.Base(f))
		}
	}
	slices.Sort(names)
	return names
}

// Mixes gives the root's mix.exs and those of an umbrella's applications.
func (p *Project) Mixes() []Mix { return append([]Mix{p.Mix}, p.Apps...) }

// Dep finds a dependency in any mix.exs, or in mix.lock where a mix.exs computes its dependencies.
func (p *Project) Dep(name string) (Dep, bool) {
	computed := false
	for _, m := range p.Mixes() {
		for _, d := range m.Deps.Value {
			if d.Name == name {
				return d, true
			}
		}
		computed = computed || m.Deps.State == Unknown
	}
	if computed {
		for _, l := range p.Lock {
			if l.Name == name {
				return Dep{Name: l.Name, At: l.At}, true
			}
		}
	}
	return Dep{}, false
}

// Alias finds a mix alias, and the directory of the mix.exs that has it.
func (p *Project) Alias(name string) (dir string, ok bool) {
	for _, m := range p.Mixes() {
		for _, a := range m.Aliases.Value {
			if a.Name == name {
				return m.Dir, true
			}
		}
	}
	return "", false
}

// reader fills a Project.
type reader struct {
	fs fs.FS
	p  *Project
}

// file reads a text; one that is too large, or a directory, is as good as empty.
func (r *reader) file(name string) (string, error) {
	fi, err := fs.Stat(r.fs, name)
	if err != nil {
		return "", err
	}
	if fi.Size() > maxSize || !fi.Mode().IsRegular() {
		return "", nil
	}
	b, err := fs.ReadFile(r.fs, name)
	return string(b), err
}

// optional is file for what need not be there.
func (r *reader) optional(name string) (string, error) {
	s, err := r.file(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return s, nil
}

// skipped are directories of which it is only known that they are not looked into.
func skipped(name string) bool {
	switch name {
	case "_build", "deps", "node_modules", "cover", ".git", ".elixir_ls", ".hex", ".mix":
		return true
	}
	return false
}

func (r *reader) list() error {
	return fs.WalkDir(r.fs, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if name == "." {
				return err
			}
			return nil // what can't be listed is not known to be there
		}
		if d.IsDir() && name != "." && skipped(d.Name()) {
			return fs.SkipDir
		}
		if len(r.p.files) >= maxFiles {
			r.p.Cut = true
			return fs.SkipAll
		}
		r.p.files[name] = true
		return nil
	})
}

// sources lists the files below dir with one of the endings, sorted.
func (r *reader) sources(dir string, endings ...string) []string {
	var names []string
	for f := range r.p.files {
		if strings.HasPrefix(f, dir+"/") && slices.Contains(endings, path.Ext(f)) {
			names = append(names, f)
		}
	}
	slices.Sort(names)
	return names
}
