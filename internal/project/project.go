package project

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

	Reads      []EnvRead  // every reading of the environment in the configuration and in lib
	Runtime    []EnvVar   // what config/runtime.exs reads from the environment
	Port       EnvVar     // the first reading of PORT; Name is empty where nobody reads it
	FixedPort  Fact[int]  // a literal `port:` in the configuration, where nobody reads PORT
	Server     Fact[bool] // whether something starts Phoenix's endpoint in a release: PHX_SERVER or `server: true`
	Strategies []Strategy // libcluster's strategies, as they stand in the configuration
	Uses       []Use      // what of OTP's or a library's distribution the code calls, each at its first place
	Health     []Route    // routes that look like health checks
	Pipelines  []Pipeline // Broadway producers that read Kafka
	Others     []Pipeline // Broadway producers that read something else
	Migrator   Migrator   // lib/APP/release.ex with migrate/0

	// Broken are the files of the project that are no Elixir, or were not read whole: what stands at the first such place of
	// each. What the configuration says is then not known, and what was read of other files may not be all.
	Broken []Use

	Configs      []ConfigCall // every call of config, in the order in which they count; see also Setting
	ConfigUnread []Use        // what of the configuration was not followed: why

	Topologies       []Topology     // libcluster's
	TopologiesUnread Expr           // unknown, with the reason, where there may be more; absent: these are all
	ClusterStarts    []ClusterStart // where libcluster is started
	ClusterNamed     Pos            // where the code first names Cluster.Supervisor; Line 0: nowhere
	ClusterMistakes  []Use          // what libcluster is told in a place where it does not look, in words
	DNSClusters      []DNSQuery     // dns_cluster, where it is started

	Supervisors []Supervisor // what is started in which order
	Endpoints   []*Endpoint
	Routings    []Routing // what endpoints answer, by their modules
	SSL         []Option  // plug Plug.SSL outside of endpoints; named by its module
	Sessions    []Session // plug Plug.Session
	Uploads     []Use     // where uploads seem to be kept on the machine: a guess
	Used        []Used    // each `use` of a module
	Libraries   []Use     // libraries that hold state, spread it or run work, each module at its first place
	Calls       []Call    // calls that tell what the app does: see CallsOf
	Obans       []Oban
	Schedulers  []Scheduler // Quantum's
	Repos       []Repo
	Migrations  Migrations

	// Templates is where mix release takes env.sh.eex and vm.args.eex from: "rel", unless rel_templates_path says otherwise.
	Templates   Fact[string]
	VMArgs      []VMArgs // rel/vm.args.eex and its kin, whatever they are called
	Dockerfiles []Dockerfile
	CI          []CIStep
	CIUnread    []Use // pipelines that could not be read, or not to their end: why

	EnvSh  EnvSh
	Git    bool         // it is the root of a git repository, or of a worktree
	Remote Fact[string] // URL of the git remote "origin"

	settings *settings
	texts    *texts
	files    map[string]bool // every file and directory that is there, but for what is built or fetched
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

	ReleaseSpecs []ReleaseSpec // of Releases, what they say; a default release has none
	Application  Expr          // what application/0 gives
	Start        Expr          // mod:
	Extra        Expr          // extra_applications:
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
	Path   string
	At     Pos
	Answer *Answer // the code that answers it; nil: not found
}

const (
	maxFiles = 20_000  // looked at in one tree
	maxSize  = 1 << 20 // bytes; a larger file is not read
)

// Read reads a source tree. The error is [ErrNoProject] where its root has no mix.exs.
func Read(fsys fs.FS) (*Project, error) {
	p := &Project{files: map[string]bool{}, Tools: map[string]Tool{}, texts: &texts{fs: fsys}}
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
	p.Mix = r.mix(".", src)
	p.Templates = templates(p.Mix, src)
	if p.Umbrella() && p.Mix.AppsPath.Known() {
		if err := r.apps(path.Clean(p.Mix.AppsPath.Value)); err != nil {
			return nil, err
		}
	}
	for _, read := range []func() error{r.lock, r.tools, r.elixir, r.migrations, r.dockerfiles, r.envSh, r.vmArgs, r.ci, r.git} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// elixir reads the configuration and what stands in lib.
func (r *reader) elixir() error {
	p := r.p
	p.settings = newSettings()
	w := &world{settings: p.settings, modules: map[string]*module{}}
	var f facts
	if err := r.config(w, &f); err != nil {
		return err
	}
	lib, err := r.code(p.settings, &f)
	if err != nil {
		return err
	}
	for _, app := range slices.Sorted(maps.Keys(p.settings.lost)) {
		p.ConfigUnread = append(p.ConfigUnread, Use{p.settings.lost[app].Text, p.settings.lost[app].At})
	}
	p.Configs, p.Strategies, p.Uses, p.Libraries, p.Health = f.calls, f.strategies, f.uses, f.libraries, f.health
	p.Endpoints, p.SSL, p.Sessions, p.Used, p.Calls = f.endpoints, f.ssl, f.sessions, f.used, f.called
	for _, l := range f.pipelines {
		if l.Producer == kafkaProducer {
			p.Pipelines = append(p.Pipelines, l)
		} else {
			p.Others = append(p.Others, l)
		}
	}
	if len(f.migrators) > 0 {
		p.Migrator = f.migrators[0]
	}
	p.Routings = routings(&lib.world, p.Endpoints)
	r.noteBroken(lib.broken...)
	p.ClusterNamed = f.clusterNamed
	p.doubt(&f)
	p.environment(&f)
	p.discovery(&f)
	p.jobs()
	p.repos()
	p.Uploads = p.uploads()
	return nil
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
