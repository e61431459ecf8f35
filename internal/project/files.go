package project

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
)

// apps reads the mix.exs of each application of an umbrella.
func (r *reader) apps(dir string) error {
	for _, name := range r.p.Under(dir) {
		sub := path.Join(dir, name)
		file := path.Join(sub, "mix.exs")
		if !r.p.Has(file) {
			continue
		}
		src, err := r.optional(file)
		if err != nil {
			return err
		}
		r.p.Apps = append(r.p.Apps, r.mix(sub, src))
	}
	return nil
}

// tools reads .tool-versions: "NAME VERSION..." on a line, # begins a comment.
func (r *reader) tools() error {
	const file = ".tool-versions"
	src, err := r.optional(file)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(src) {
		n++
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if _, twice := r.p.Tools[f[0]]; !twice {
			col := strings.Index(line, f[0]) + len(f[0])
			r.p.Tools[f[0]] = Tool{f[1], Pos{file, n, col + strings.Index(line[col:], f[1]) + 1}}
		}
	}
	return nil
}

// git reads the URL of origin. A worktree's .git is a file, and says nothing here.
func (r *reader) git() error {
	const file = ".git/config"
	fi, err := fs.Stat(r.fs, ".git")
	if r.p.Git = err == nil; err != nil || !fi.IsDir() {
		return nil
	}
	src, err := r.optional(file)
	if err != nil {
		return err
	}
	origin, n := false, 0
	for line := range strings.Lines(src) {
		n++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			origin = line == `[remote "origin"]`
			continue
		}
		name, url, ok := strings.Cut(line, "=")
		if origin && ok && strings.TrimSpace(name) == "url" {
			r.p.Remote = known(strings.TrimSpace(url), Pos{File: file, Line: n})
			return nil
		}
	}
	return nil
}

// EnvSh is what rel/env.sh.eex says.
type EnvSh struct {
	File         string       // rel/env.sh.eex, or where rel_templates_path has it; empty: that place is computed
	Distribution Fact[string] // RELEASE_DISTRIBUTION, where it is set to one word
	CookieFile   bool         // it names PHIAL_COOKIE_FILE
	Text         string       // all of it; empty where there is none
}

var distributionSet = regexp.MustCompile(`(?m)^\s*(?:export\s+)?RELEASE_DISTRIBUTION=["']?([a-z]+)["']?\s*$`)

// envSh reads rel/env.sh.eex.
func (r *reader) envSh() error {
	if !r.p.Templates.Known() {
		return nil
	}
	file := path.Join(r.p.Templates.Value, "env.sh.eex")
	src, err := r.optional(file)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(r.p.Dockerfiles, Dockerfile.mendsEnds) {
		src = strings.ReplaceAll(src, "\r\n", "\n")
	}
	r.p.EnvSh.File = file
	r.p.EnvSh.Text = src
	r.p.EnvSh.CookieFile = strings.Contains(src, beam.EnvPhialCookieFile)
	if all := distributionSet.FindAllStringSubmatchIndex(src, -1); len(all) == 1 {
		m := all[0]
		r.p.EnvSh.Distribution = known(src[m[2]:m[3]], Pos{File: file, Line: strings.Count(src[:m[2]], "\n") + 1})
	}
	return nil
}
