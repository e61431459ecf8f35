package project

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// ReleaseNames are what the releases of the project are called; known where these are all.
func (p *Project) ReleaseNames() (names []string, known bool) {
	if _, has := p.Dep("distillery"); has || len(p.Broken) > 0 || slices.ContainsFunc(p.Lock, func(l Locked) bool { return l.Name == "distillery" }) {
		return nil, false
	}
	add := func(name string) { // once: an umbrella's release may be called as one of its apps
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, m := range p.Mixes() {
		switch {
		case m.Releases.State == Unknown:
			return nil, false
		case m.Releases.State == Known && len(m.Releases.Value) > 0:
			for _, r := range m.Releases.Value {
				add(r.Name)
			}
		// Without any, the release is called as the application, which for an umbrella's root is none.
		case m.App.State == Unknown:
			return nil, false
		case m.App.Known():
			add(m.App.Value)
		}
	}
	return names, len(names) > 0
}

// plainName is a program's name of which nothing is computed.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Lacks says whether nothing of the project that is copied into an image is called so, and nothing there may link it.
func (d Dockerfile) Lacks(program string) bool {
	for _, i := range d.Chain(d.Final()) {
		if (i.Name == "COPY" || i.Name == "ADD") && slices.ContainsFunc(i.Words, func(w string) bool { return path.Base(w) == program }) {
			return false
		}
		if i.Name == "RUN" && strings.Contains(strings.Join(i.Words, " ")+i.Document, program) {
			return false
		}
	}
	return true
}

// NotInRelease says whether a program certainly is not there: it is called by its path in the directory that the image has the
// release in, and neither mix release nor the project makes it. Beside says that it is called from a script beside it.
func (p *Project) NotInRelease(program string, beside bool) bool {
	name := path.Base(program)
	releases, known := p.ReleaseNames()
	if !known || slices.Contains(releases, name) || !plainName.MatchString(name) || p.Has("rel/overlays/bin/"+name) || p.movesFiles() {
		return false
	}
	images := p.Images()
	for _, d := range images {
		if _, _, ok := d.Release(); !ok || d.Broken != "" || strings.Contains(d.Text, "--path") || !d.Lacks(name) {
			return false
		}
		dirs := d.releaseDirs()
		if len(dirs) == 0 || path.IsAbs(program) && !slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(program, dir+"/") }) {
			return false
		}
		if !path.IsAbs(program) && !beside && program != "bin/"+name {
			return false
		}
	}
	return len(images) > 0
}

// movesFiles says whether a release may have more in it than mix release and rel/overlays make.
func (p *Project) movesFiles() bool {
	for _, m := range p.Mixes() {
		for _, r := range m.ReleaseSpecs {
			if !r.Options.Get("overlays").Absent() || !r.Options.Get("steps").Absent() {
				return true
			}
		}
	}
	return false
}

// releaseDirs are the directories of the image that the release is copied into; none where one is not known, or may hold more.
func (d Dockerfile) releaseDirs() (all []string) {
	dir := "/"
	for _, c := range d.Chain(d.Final()) {
		if c.Name == "WORKDIR" && len(c.Words) == 1 {
			dir = inDir(dir, c.Words[0])
		}
		if c.Name != "COPY" || len(c.Words) != 2 || !slices.ContainsFunc(c.Flags, func(f string) bool { return strings.HasPrefix(f, "--from=") }) {
			continue
		}
		if to := inDir(dir, c.Words[1]); strings.Contains(c.Words[0], "_build/") && strings.Contains(c.Words[0], "/rel/") {
			if to == "/" || strings.HasPrefix(to, "/usr") || strings.Contains(to, "$") {
				return nil
			}
			all = append(all, to)
		} else if !strings.HasPrefix(to, "/usr/") && !strings.HasPrefix(to, "/etc/") {
			return nil
		}
	}
	return all
}

// Overlays are the programs that the project adds to a release's bin.
func (p *Project) Overlays() (all []string) {
	for f := range p.files {
		if path.Dir(f) == "rel/overlays/bin" {
			all = append(all, f)
		}
	}
	slices.Sort(all)
	return all
}
