package check

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// wrongName finds files of rel/ that mix release does not take because of their names.
func wrongName(in *Input, f *Finder) {
	if _, ok := in.Project.Dep("distillery"); ok {
		return // it takes them under these names
	}
	for _, file := range []string{"rel/env.sh", "rel/vm.args", "rel/remote.vm.args"} {
		if !in.Project.Has(file) || in.Project.Has(file+".eex") {
			continue
		}
		n := f.In(file, project.Pos{File: file}, "mix release does not take %s: it looks for %s.eex", file, file).Mend("rename it to %s.eex", file)
		if in.mentions(file) {
			n.As(finding.Info, Hint).Saw("mix.exs or a Dockerfile names it, and may put it in place")
		}
	}
}

// mentions says whether mix.exs or a Dockerfile has a text in it.
func (in *Input) mentions(text string) bool {
	return strings.Contains(in.ProjectText("mix.exs"), text) || in.inDockerfiles(text)
}

// inDockerfiles says whether a Dockerfile has a text in it.
func (in *Input) inDockerfiles(text string) bool {
	return slices.ContainsFunc(in.Project.Dockerfiles, func(d project.Dockerfile) bool { return strings.Contains(d.Text, text) })
}

// emulated finds builds for another processor than that of the machine.
func emulated(in *Input, f *Finder) {
	qemu := slices.ContainsFunc(in.Project.CI, func(s project.CIStep) bool { return strings.HasPrefix(s.Uses, "docker/setup-qemu-action") })
	if !qemu {
		return
	}
	for _, s := range in.Project.CI {
		platforms, at := with(s, "platforms")
		if !strings.HasPrefix(s.Uses, "docker/build-push-action") || !strings.Contains(platforms, "arm64") || !strings.Contains(platforms, "amd64") && in.nativeARM() {
			continue
		}
		for _, d := range in.deployed() {
			stage, _, ok := d.Release()
			if !ok || d.File != builds(s) || strings.Contains(d.Stages[stage].Platform, "BUILDPLATFORM") || strings.Contains(d.Text, "+JMsingle") || strings.Contains(d.Text, "+JPperf") {
				continue
			}
			f.In(d.File, at, "the release is built for %s under QEMU, which the BEAM's JIT does not survive (exit 139 in mix deps.get or mix compile)", strings.TrimSpace(platforms)).
				place(in, d.Stages[stage].At, "built here")
		}
	}
}

// with is what an action is given under a name.
func with(s project.CIStep, name string) (text string, at project.Pos) {
	for _, w := range s.With {
		if w.Name == name {
			text, _ = w.Value.AsText()
			return text, w.At
		}
	}
	return "", project.Pos{}
}

// builds is the Dockerfile that docker/build-push-action takes.
func builds(s project.CIStep) string {
	if file, _ := with(s, "file"); file != "" {
		return path.Clean(file)
	}
	context, _ := with(s, "context")
	return path.Join(context, "Dockerfile")
}

func (in *Input) nativeARM() bool {
	for _, name := range in.Project.Under(".github/workflows") {
		if text := in.ProjectText(".github/workflows/" + name); strings.Contains(text, "-arm") {
			return true
		}
	}
	return false
}

var setsNode = regexp.MustCompile(`(^|[\s;&])(export\s+)?RELEASE_NODE=`)

// nameOfStart finds node names that only the start of the container knows.
func nameOfStart(in *Input, f *Finder) {
	const text = "%s works out RELEASE_NODE, so kubectl exec does not have it: bin/NAME rpc and remote look for another node"
	if in.Project != nil && strings.Contains(in.Project.EnvSh.Text, beam.EnvReleaseNode) {
		return
	}
	for _, b := range in.Serving() {
		if at, shell, ok := script(b.Container); ok && setsNode.MatchString(at.String()) {
			if _, set := b.Container.EnvVar(beam.EnvReleaseNode); !set {
				f.At(b.Object, at, text, "the command of the container "+b.Container.Called+" ("+shell+")")
			}
		}
	}
	if in.Project == nil || in.overriddenCommand() {
		return
	}
	for _, d := range in.deployed() {
		for _, i := range commands(d) {
			file, content := in.entryScript(d, i)
			for n, line := range numbered(content) {
				if setsNode.MatchString(line) && !comment(line) {
					f.In(d.File, project.Pos{File: file, Line: n, Col: 1}, text, file)
					break
				}
			}
		}
	}
}

func hotUpgrades(in *Input, f *Finder) {
	for _, dir := range []string{"rel/appups", "appups", "rel/appup"} {
		if in.Project.Has(dir) {
			f.In(dir, project.Pos{File: dir}, "there are instructions for hot upgrades, and a container's image does not change while it runs")
		}
	}
}

var (
	execRemote = regexp.MustCompile(`\b(kubectl|oc)\s[^\n|;&]*\bexec\b[^\n|;&]*\b(remote|remote_console)\b`)
	execTTY    = regexp.MustCompile(`\s(-[a-zA-Z]*t[a-zA-Z]*|--tty)\b`)
)

// remoteWithoutTTY finds consoles that are opened without a terminal.
func remoteWithoutTTY(in *Input, f *Finder) {
	look := func(file string, at func(n int) project.Pos, text string) {
		for n, line := range numbered(text) {
			if comment(line) {
				continue
			}
			if found := execRemote.FindString(line); found != "" && !execTTY.MatchString(found) {
				f.In(file, at(n-1), "a console is opened by kubectl exec without a terminal (-it)")
			}
		}
	}
	for _, s := range in.Project.CI {
		look(s.At.File, s.LineAt, s.Text)
	}
	files := []string{"Makefile", "Justfile", "justfile"}
	for _, dir := range []string{"bin", "script", "scripts"} {
		for _, name := range in.Project.Under(dir) {
			files = append(files, dir+"/"+name)
		}
	}
	for _, file := range files {
		if in.Project.Has(file) {
			look(file, func(n int) project.Pos { return project.Pos{File: file, Line: n + 1, Col: 1} }, in.ProjectText(file))
		}
	}
}
