package project

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// scriptPlaces are the directories in which scripts lie that get into an image.
var scriptPlaces = []string{"rel/overlays/bin", "rel/overlays", ".", "bin", "scripts", "docker", "rel"}

// texts are files of the project that are read when somebody asks for them.
type texts struct {
	fs      fs.FS
	read    sync.Map // name -> text
	scripts sync.Map // program -> named
}

// named is what Script has found.
type named struct {
	script Script
	why    string
}

// script is the text of a file; empty where there is none, or it can't be read.
func (p *Project) script(name string) string {
	if p.texts == nil || !p.Has(name) {
		return ""
	}
	if text, ok := p.texts.read.Load(name); ok {
		return text.(string) //nolint:forcetypeassert // nothing else is put there
	}
	r := reader{fs: p.texts.fs, p: p}
	text, err := r.optional(name)
	if err != nil {
		text = ""
	}
	p.texts.read.Store(name, text)
	return text
}

// called are the files of the project that may be a script of this name in an image, the likeliest first.
func (p *Project) called(base string) (names []string) {
	add := func(name string) {
		if p.Has(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, d := range p.Images() {
		for _, c := range d.copies(base) {
			add(c.file)
		}
	}
	for _, dir := range scriptPlaces {
		add(path.Join(dir, base))
	}
	return names
}

// copied is a file that COPY or ADD brings by its own name, and where it is put; empty: with a variable in it.
type copied struct{ file, to string }

// copies are those of the final stage that are called so, in the project or in the image.
func (d Dockerfile) copies(base string) (all []copied) {
	dir := "/"
	for _, c := range d.Chain(d.Final()) {
		if c.Name == "WORKDIR" && len(c.Words) == 1 {
			dir = inDir(dir, c.Words[0])
		}
		if c.Name != "COPY" && c.Name != "ADD" || len(c.Words) < 2 || slices.ContainsFunc(c.Flags, func(f string) bool { return strings.HasPrefix(f, "--from=") }) {
			continue
		}
		last := c.Words[len(c.Words)-1]
		for _, source := range c.Words[:len(c.Words)-1] {
			if path.Base(source) != base && path.Base(last) != base || strings.ContainsAny(source, "*?[$") {
				continue
			}
			to := inDir(dir, last)
			if strings.HasSuffix(last, "/") || last == "." || last == ".." || path.Base(last) != base && !strings.Contains(path.Base(last), ".") {
				to = path.Join(to, path.Base(source))
			}
			if strings.Contains(to, "$") {
				to = ""
			}
			all = append(all, copied{path.Clean(strings.TrimPrefix(source, "/")), to})
		}
	}
	return all
}

// inDir is a path as it is seen from a directory.
func inDir(dir, name string) string {
	name = strings.Trim(name, `"'`)
	if path.IsAbs(name) || strings.HasPrefix(name, "$") {
		return path.Clean(name)
	}
	return path.Join(dir, name)
}

// Script is a script of the project that a container runs.
type Script struct {
	File  string
	Text  string
	Shell string // that reads it by its first line: sh, bash; empty: it has no such line, or it is another program
	Flags string // that the shell is given there: e of #!/bin/sh -e
	Given bool   // a shell is named that reads it, whatever its first line says
}

// windowsFirst is a first line that ends as Windows writes it.
var windowsFirst = regexp.MustCompile(`^#![^\n]*\r(\n|$)`)

// NoShell says that the kernel finds nothing to read the script with: to it a carriage return is part of the shell's name, or
// of its flags.
func (s Script) NoShell() bool { return !s.Given && windowsFirst.MatchString(s.Text) }

var (
	// firstLine is that of a shell's script.
	firstLine = regexp.MustCompile(`^#!\s*(?:/usr)?(?:/local)?(?:/bin/|/bin/env\s+)(sh|ash|bash|dash)(?:\s+-([a-z]+))?[ \t]*\r?(?:\n|$)`)
	// rewrites is what a build may do to a file that is there.
	rewrites = regexp.MustCompile(`\b(sed|tee|patch|perl|envsubst|awk|ed|mv|ln)\b|>`)
)

// Script finds the script of the project that a program is in the image. Why says why it is not known which one it is; without
// a file and a reason nothing of the project is called so.
func (p *Project) Script(name string) (s Script, why string) {
	if p.texts == nil {
		return Script{}, ""
	}
	if known, ok := p.texts.scripts.Load(name); ok {
		n := known.(named) //nolint:forcetypeassert // nothing else is put there
		return n.script, n.why
	}
	s, why = p.find(name)
	p.texts.scripts.Store(name, named{s, why})
	return s, why
}

func (p *Project) find(name string) (s Script, why string) {
	base := path.Base(name)
	var named []string // by COPY, which beats what lies around
	for _, d := range p.Images() {
		found := ""
		for _, c := range d.copies(base) {
			if p.Has(c.file) && (c.to == path.Clean(name) || c.to != "" && !path.IsAbs(name) && path.Base(c.to) == base || !strings.Contains(name, "/") && path.Base(c.to) == base) {
				found = c.file // of several the last
			}
		}
		if found != "" && !slices.Contains(named, found) {
			named = append(named, found)
		}
	}
	if len(named) == 0 {
		named = p.lying(name)
	}
	switch {
	case len(named) == 0:
		return Script{}, ""
	case len(named) > 1:
		return Script{}, "whether it is " + strings.Join(named, " or ") + " is not known"
	}
	s.File = named[0]
	if why := p.elsewhere(s.File, base); why != "" {
		return s, why
	}
	if s.Text = p.script(s.File); s.Text == "" {
		return s, s.File + " could not be read"
	}
	if slices.ContainsFunc(p.Dockerfiles, Dockerfile.mendsEnds) {
		s.Text = strings.ReplaceAll(s.Text, "\r\n", "\n")
	}
	if m := firstLine.FindStringSubmatch(s.Text); m != nil {
		s.Shell, s.Flags = m[1], m[2]
	}
	return s, ""
}

// Entry is the script of the project that a container's words run first, as [Project.Script] has it.
func (p *Project) Entry(words []string) (s Script, why string) {
	shell := ""
	for i, w := range words {
		switch {
		case shell != "" && strings.HasPrefix(w, "-") && strings.HasSuffix(w, "c"):
			return Script{}, "" // a text, and no script
		case Shells.MatchString(w):
			shell = path.Base(w)
			continue
		case w == "" || strings.HasPrefix(w, "-") || PassesOn.MatchString(w):
			continue
		case i > 0 && (path.Base(words[i-1]) == "gosu" || path.Base(words[i-1]) == "su-exec"):
			continue
		}
		s, why = p.Script(w)
		if shell != "" && s.File != "" {
			s.Shell, s.Given = shell, true
		}
		return s, why
	}
	return Script{}, ""
}

// lying are the files that have the name of a program, and no other place by it: those of the release's overlays, or else the
// only one of that name in the project.
func (p *Project) lying(name string) (all []string) {
	if overlay := "rel/overlays/bin/" + path.Base(name); p.Has(overlay) && (path.Base(path.Dir(name)) == "bin" || !path.IsAbs(name)) {
		return []string{overlay}
	}
	for f := range p.files {
		if path.Base(f) == path.Base(name) && path.Ext(f) != ".ex" && path.Ext(f) != ".exs" {
			all = append(all, f)
		}
	}
	slices.Sort(all)
	return all
}

// elsewhere says why a file of the project may not be what an image has under its name.
func (p *Project) elsewhere(file, base string) string {
	overlay := strings.HasPrefix(file, "rel/overlays/")
	if state, why, at := p.Gets(file); overlay && state != Known {
		return "whether the image gets " + file + " is not known: " + why + " (" + at.String() + ")"
	}
	images := p.Images()
	if len(images) == 0 && !overlay {
		return "whether the image has " + file + " is not known"
	}
	for _, d := range images {
		if !overlay {
			brought := slices.ContainsFunc(d.copies(base), func(c copied) bool { return c.file == file })
			if final := d.Final(); !brought && d.Copied(file, final, len(d.Stages[final].Instructions)) != Known {
				return "whether the image has " + file + " is not known"
			}
			if line := d.ignored(file); line > 0 {
				return d.Ignore.File + " keeps " + file + " out of the image"
			}
		}
		for _, stage := range d.Stages {
			for _, i := range stage.Instructions {
				text := i.Text + i.Document
				if i.Name == "RUN" && strings.Contains(text, base) && rewrites.MatchString(text) && !d.mendsEnds() {
					return "the image's build may write " + file + " anew (" + i.At.String() + ")"
				}
			}
		}
	}
	return ""
}
