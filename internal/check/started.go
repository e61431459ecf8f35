package check

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/spell"
)

var (
	// background is a release that is started and left alone, by mix release's script.
	background = regexp.MustCompile(`(^|[\s;&|"'/])bin/([A-Za-z0-9_-]+)["']?\s+["']?(daemon|daemon_iex)\b`)
	// commanded is a release's script with a command that all of them have.
	commanded = regexp.MustCompile(`(?:^|[\s;&|"'/])bin/([A-Za-z0-9_-]+)["']?\s+["']?(start|start_iex|daemon|daemon_iex|eval|rpc|remote|foreground)\b`)
	// releaseDir is the directory of a release that mix release has built.
	releaseName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`) // and no more of it is computed, or a pattern
	releaseDir  = regexp.MustCompile(`_build/[^/\s]+/rel/([^/\s"']+)`)
)

// inBackground finds what a container runs where that comes to its end at once.
func inBackground(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		words := b.Container.Words()
		if len(words) == 0 {
			continue
		}
		line, at := joined(b.Container), wordWith(words, "daemon")
		if text, _, ok := script(b.Container); ok {
			line, at = lastCommand(text.String()), text
		}
		if m := background.FindStringSubmatch(line); m != nil {
			f.At(b.Object, at, "the container %s runs bin/%s %s, which starts the release in the background and ends, and the container with it", b.Container.Called, m[2], m[3]).
				Mend("run bin/%s start", m[2])
		}
	}
	if in.Project == nil || in.overriddenCommand() {
		return
	}
	for _, d := range in.deployed() {
		if d.Final() < 0 {
			continue
		}
		var whole []string
		all := commands(d)
		for _, i := range all {
			if text := runText(i); i.Exec {
				whole = append(whole, strings.Join(i.Words, " "))
			} else {
				whole = append(whole, lastCommand(text))
			}
		}
		m := background.FindStringSubmatch(strings.Join(whole, " "))
		if m == nil {
			continue
		}
		f.In(d.File, all[len(all)-1].At, "the image runs bin/%s %s, which starts the release in the background and ends, and the container with it", m[2], m[3]).
			Mend("run bin/%s start", m[2])
	}
}

// otherRelease finds names of releases that the project does not have.
func otherRelease(in *Input, f *Finder) {
	names, known := in.Project.ReleaseNames()
	if !known {
		return
	}
	// wrong says whether a name is nobody's: neither a release's nor a script's of the team's.
	wrong := func(name string) bool {
		return !slices.Contains(names, name) && releaseName.MatchString(name) && !in.Project.Has("rel/overlays/bin/"+name)
	}
	const text = "%s names the release %s, and the project has %s%s"
	have := spell.List(names, "and", 4)
	for _, d := range in.deployed() {
		if _, _, ok := d.Release(); !ok || d.Final() < 0 || strings.Contains(d.Text, "--path") {
			continue
		}
		for s := range d.Stages {
			for _, i := range d.Stages[s].Instructions {
				if i.Name != "COPY" || len(i.Words) < 2 || !slices.ContainsFunc(i.Flags, func(f string) bool { return strings.HasPrefix(f, "--from=") }) {
					continue
				}
				for _, source := range i.Words[:len(i.Words)-1] {
					if m := releaseDir.FindStringSubmatch(source); m != nil && wrong(m[1]) {
						f.In(d.File, i.At, text+": the build fails", "COPY", m[1], have, spell.Hint(m[1], names)).Mend("copy _build/prod/rel/%s", names[0])
					}
				}
			}
		}
		if in.overriddenCommand() {
			continue
		}
		for _, i := range commands(d) {
			if m := commanded.FindStringSubmatch(strings.Join(i.Words, " ")); m != nil && wrong(m[1]) && d.Lacks(m[1]) {
				f.In(d.File, i.At, text+": the container does not start", i.Name, m[1], have, spell.Hint(m[1], names)).Mend("run bin/%s", names[0])
			}
		}
	}
	for _, b := range in.Serving() {
		words := b.Container.Words()
		if noProgram(in, f, b, names) {
			continue
		}
		m := commanded.FindStringSubmatch(joined(b.Container))
		if m == nil || !wrong(m[1]) || in.projectImage(b.Container) == "" {
			continue
		}
		f.At(b.Object, wordWith(words, "bin/"+m[1]), text, "the command of the container "+b.Container.Called, m[1], have, spell.Hint(m[1], names)).
			As(finding.Warning, Likely).Mend("run bin/%s", names[0])
	}
}

// noProgram finds a container that runs a program of the release's bin which neither mix release nor the project makes, where
// one of a like name is there.
func noProgram(in *Input, f *Finder, b Beam, releases []string) bool {
	command := texts(b.Container.Key("command"))
	if len(command) != 1 || in.projectImage(b.Container) == "" || path.Base(path.Dir(command[0])) != "bin" || !in.Project.NotInRelease(command[0], false) {
		return false
	}
	there := slices.Clone(releases)
	for _, file := range in.Project.Overlays() {
		there = append(there, path.Base(file))
	}
	hint := spell.Hint(path.Base(command[0]), there)
	if hint == "" {
		return false
	}
	f.At(b.Object, wordWith(b.Container.Words(), command[0]), "the container %s runs %s, which neither mix release nor rel/overlays makes%s", b.Container.Called, command[0], hint).
		As(finding.Warning, Likely)
	return true
}
