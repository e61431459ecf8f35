package scaffold

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/project"
)

// docker is what the templates of the image's build show.
type docker struct {
	Base          string // debian or alpine
	System        string // what the runner's tag is
	Elixir, OTP   string
	Release       string   // argument of mix release, with a space in front; empty where mix wants none
	Name          string   // of the release
	First         []string // arguments of COPY: what dependencies are fetched with
	Configs       []string // what they are compiled with
	Packages      []string // what npm needs
	NPM           bool
	NPMDir        string
	NPMLocked     bool
	Setup, Deploy bool
	AssetsDir     string // "" for the root
	Port          int
}

// docker works out the image's build.
func (c *choices) docker() *docker {
	p := c.p
	img, notes := pick(p, c.base)
	for _, n := range notes {
		n.File = c.about
		c.notes = append(c.notes, n)
	}
	d := &docker{Base: c.base, System: img.system, Elixir: img.elixir, OTP: img.otp, Name: c.Release, Port: c.Port}
	if c.Named {
		d.Release = " " + c.Release
	}
	var first, dirs []string
	for _, m := range p.Mixes() {
		first = append(first, path.Join(m.Dir, "mix.exs"))
		if m.Dir == "." {
			first = append(first, lock)
		}
		for _, f := range m.Reads {
			if !isDir(p, path.Join(m.Dir, f)) {
				first = append(first, path.Join(m.Dir, f))
			}
		}
		for _, dep := range m.Deps.Value {
			if dir := c.path(m, dep); dir != "" && !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	if !p.Has("mix.lock") && slices.ContainsFunc(p.Mixes(), fetches) {
		c.finding(project.Pos{File: "mix.lock"}, "not there: each build may fetch other versions; commit it")
	}
	d.First = slices.Concat(copies(first), copyDirs(dirs))
	d.Configs = c.configs()
	c.assets(d)
	return d
}

// path looks after a dependency that is a directory, and gives it where it lies in the project.
func (c *choices) path(m project.Mix, dep project.Dep) string {
	if dep.Path == "" || dep.Umbrella {
		return ""
	}
	dir := path.Join(m.Dir, dep.Path)
	switch {
	case dir == ".." || strings.HasPrefix(dir, "../") || path.IsAbs(dir):
		c.finding(dep.At, "%s lies outside of the project, where the image's build can't reach it", dep.Name)
		return ""
	case dir == "." || slices.ContainsFunc(c.p.Apps, func(a project.Mix) bool { return a.Dir == dir }):
		return ""
	}
	return dir
}

// fetches says whether mix.exs names a dependency that lies elsewhere.
func fetches(m project.Mix) bool {
	return slices.ContainsFunc(m.Deps.Value, func(d project.Dep) bool { return d.Path == "" && !d.Umbrella })
}

// copies gives the arguments of COPY for some files: a line for each directory.
func copies(files []string) []string {
	var dirs []string
	in := map[string][]string{}
	for _, f := range files {
		dir := path.Dir(f)
		if in[dir] == nil {
			dirs = append(dirs, dir)
		}
		in[dir] = append(in[dir], f)
	}
	var lines []string
	for _, dir := range dirs {
		if dir == "." {
			lines = append(lines, arguments(append(in[dir], "./")))
		} else {
			lines = append(lines, arguments(append(in[dir], dir+"/")))
		}
	}
	return lines
}

func copyDirs(dirs []string) []string {
	var lines []string
	for _, d := range dirs {
		lines = append(lines, arguments([]string{d, d}))
	}
	return lines
}

// arguments writes them as words, or as JSON where a name has something in it that the Dockerfile would read.
func arguments(all []string) string {
	if slices.ContainsFunc(all, func(s string) bool { return s != lock && !simple.MatchString(s) }) {
		b, _ := json.Marshal(all) // texts always have a form in JSON
		return string(b)
	}
	return strings.Join(all, " ")
}

// lock is mix.lock as COPY takes it whether it is there or not: it often comes only with the first `mix deps.get`, after
// the Dockerfile was made.
const lock = "mix.lock*"

var simple = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)

// configs are the files that dependencies are compiled with: not what is read at boot, nor what is for other
// environments.
func (c *choices) configs() []string {
	var files, dirs []string
	for _, m := range c.p.Mixes() {
		dir := path.Join(m.Dir, "config")
		var some []string
		whole := false
		for _, name := range c.p.Under(dir) {
			file := path.Join(dir, name)
			switch {
			case isDir(c.p, file):
				whole = true
			case strings.HasSuffix(name, ".secret.exs"):
				c.finding(project.Pos{File: file}, "would be compiled into the image, so .dockerignore leaves it out; read secrets in config/runtime.exs (IMG-05)")
			case strings.HasSuffix(name, ".exs") && !slices.Contains([]string{"runtime.exs", "releases.exs", "dev.exs", "test.exs"}, name):
				some = append(some, file)
			}
		}
		if whole {
			dirs = append(dirs, dir)
		} else {
			files = append(files, some...)
		}
	}
	return slices.Concat(copies(files), copyDirs(dirs))
}

func isDir(p *project.Project, name string) bool { return len(p.Under(name)) > 0 }

// assets decides how they are built.
func (c *choices) assets(d *docker) {
	dir, deploy := c.p.Alias("assets.deploy")
	d.Deploy = deploy
	if deploy {
		setupDir, setup := c.p.Alias("assets.setup")
		d.Setup = setup && setupDir == dir
		if dir != "." {
			d.AssetsDir = dir
		}
	}
	for _, m := range c.p.Mixes() {
		assets := path.Join(m.Dir, "assets")
		if !isDir(c.p, assets) {
			continue
		}
		if !deploy {
			c.note(project.Pos{File: assets}, "mix.exs has no alias assets.deploy, so the image's build leaves the assets alone; add one, or the commands to the Dockerfile")
		}
		if c.p.Has(assets + "/package.json") {
			d.NPM, d.NPMDir = true, assets
			files := []string{assets + "/package.json"}
			if d.NPMLocked = c.p.Has(assets + "/package-lock.json"); d.NPMLocked {
				files = append(files, assets+"/package-lock.json")
			} else {
				c.finding(project.Pos{File: assets + "/package.json"}, "no package-lock.json beside it: each build may fetch other versions")
			}
			d.Packages = copies(files)
		}
	}
}
