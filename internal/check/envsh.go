package check

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// envShFile is rel/env.sh.eex, or the one that mix.exs has mix release take.
func (in *Input) envShFile() string { return in.Project.EnvSh.File }

// hasEnvSh says whether there is a start script that the image gets, or may get.
func (in *Input) hasEnvSh() bool {
	if in.Project == nil || in.Project.EnvSh.Text == "" {
		return false
	}
	if in.envShTaken == nil {
		state, _, _ := in.Project.Gets(in.envShFile())
		taken := state != project.Absent
		in.envShTaken = &taken
	}
	return *in.envShTaken
}

// envSh is what stands in the start script, each with its place; nil where there is none.
func (in *Input) envSh() *envsh.Facts {
	if !in.hasEnvSh() {
		return nil
	}
	return in.written()
}

// written is the same, also where the image does not get it.
func (in *Input) written() *envsh.Facts {
	if in.Project == nil || in.Project.EnvSh.Text == "" {
		return nil
	}
	return envsh.Parse(in.envShSource(), envsh.Release{Name: in.releaseName(), Command: "start"})
}

func (in *Input) envShSource() envsh.Source {
	return envsh.Source{Name: in.envShFile(), Text: []byte(in.Project.EnvSh.Text)}
}

// brokenScripts tells of scripts that are certain to be run, and that no shell reads.
func brokenScripts(in *Input, f *Finder) {
	tell := func(at envsh.Pos, why, ends string) *Finding {
		n := f.In(at.File, ofEnvSh(at), "no shell reads %s (%s): it ends here, and %s", at.File, why, ends).As(finding.Error, Certain).
			Mend("mend it: sh -n %s shows the place", at.File)
		n.Title = "a script that no shell reads"
		return n
	}
	if facts := in.envSh(); facts != nil && facts.Err != nil && facts.Err.Sure {
		if n := tell(facts.Err.Pos, facts.Err.Why, "the release does not start"); !in.certainlyTaken() {
			n.As(warningLikely()).Saw("it is not known whether the image gets it")
		}
		return
	}
	if in.overriddenCommand() {
		return
	}
	told := map[string]bool{}
	for _, d := range in.Project.Images() {
		script, why := in.Project.Entry(d.Runs(nil, nil))
		if why != "" || script.Shell == "" || told[script.File] {
			continue
		}
		told[script.File] = true
		if script.NoShell() {
			n := tell(envsh.Pos{File: script.File, Line: 1, Col: 1}, "its first line ends as Windows writes it, and the kernel finds no shell whose name has a carriage return in it", "the container does not start").
				Mend("write %s with plain line ends (dos2unix %s), and keep them so: %s text eol=lf in .gitattributes", script.File, script.File, script.File)
			n.Cause = "no shell reads " + script.File + ": its first line ends as Windows writes it, and the kernel finds no shell whose name has a carriage return in it: the container does not start"
			continue
		}
		if broken := envsh.Broken(envsh.Source{Name: script.File, Text: []byte(script.Text)}); broken != nil {
			tell(broken.Pos, broken.Why, "the container with it")
		}
	}
}

// certainlyTaken says whether the image gets the start script for certain.
func (in *Input) certainlyTaken() bool {
	state, _, _ := in.Project.Gets(in.envShFile())
	return state == project.Known
}

// releaseName is what the project's one release is called; empty where that is not known.
func (in *Input) releaseName() string {
	m := in.Project.Mix
	switch {
	case m.DefaultRelease.Known():
		return m.DefaultRelease.Value
	case len(m.Releases.Value) == 1:
		return m.Releases.Value[0].Name
	case m.Releases.State == project.Absent && m.App.Known():
		return m.App.Value
	}
	return ""
}

// maxFollowed workloads of the project are followed through rel/env.sh: one more tells nothing new.
const maxFollowed = 500

// followed are the project's workloads, as many as are followed.
func (in *Input) followed() []Beam {
	all := in.OfProject()
	return all[:min(len(all), maxFollowed)]
}

// started is the environment that rel/env.sh leaves when the release of a workload starts; nil where it can't be followed.
func (in *Input) started(b Beam) *envsh.Result {
	if !in.hasEnvSh() {
		return nil
	}
	env := envsh.Env{Vars: map[string]envsh.Value{}, Unsure: func(name string) string {
		if b.Container.EnvFrom() {
			return "it may be set by envFrom"
		}
		return in.ofImage(name)
	}}
	for e := range b.Container.Env() {
		env.Vars[e.Called] = given(b, e.Called, env.Vars)
	}
	r, err := envsh.Run(context.Background(), in.envShSource(), envsh.Release{Name: in.releaseName(), Command: "start"}, env, envsh.Host{})
	if err != nil || r.Unclear != "" {
		return nil
	}
	return r
}

// given is what the kubelet sets a variable to; above are those that stand before it. The addresses are examples.
func given(b Beam, name string, above map[string]envsh.Value) envsh.Value {
	e, _ := b.Container.EnvVar(name)
	if from := e.From(); from.Exists() {
		switch from.At("fieldRef.fieldPath").String() {
		case "status.podIP", "status.podIPs":
			return envsh.Value{Text: "10.244.1.10"}
		case "status.hostIP":
			return envsh.Value{Text: "10.0.0.10"}
		case "metadata.name":
			return envsh.Value{Text: b.Name + "-0"}
		case "metadata.namespace":
			if b.Namespace != "" {
				return envsh.Value{Text: b.Namespace}
			}
		}
		return envsh.Value{Unknown: "it is not in the manifest", Filled: true}
	}
	v := envsh.Value{}
	v.Text = reference.ReplaceAllStringFunc(e.Value().String(), func(ref string) string {
		if ref == "$$" {
			return "$"
		}
		other, ok := above[strings.TrimSuffix(strings.TrimPrefix(ref, "$("), ")")]
		if !ok {
			return ref
		}
		if !other.Known() {
			v.Unknown, v.Filled = other.Unknown, other.Filled
		}
		return other.Text
	})
	if !v.Known() {
		v.Text = ""
	}
	return v
}

// ofImage says why it is not known whether the image sets a variable; empty: it does not.
func (in *Input) ofImage(name string) string {
	for _, d := range in.Project.Dockerfiles {
		if strings.Contains(d.Text, name) {
			return "the image may set it"
		}
		for _, i := range commands(d) {
			if _, text := in.entryScript(d, i); strings.Contains(text, name) {
				return "the image's entrypoint may set it"
			}
		}
	}
	switch name {
	case "HOME", "PATH", "LANG", "HOSTNAME", "USER", "PWD", "TERM", "SHELL":
		return "the image may set it"
	}
	return ""
}

// unset are variables that a script needs for what it sets some to, and that nothing sets.
func (in *Input) unset(b Beam, r *envsh.Result, facts *envsh.Facts, what ...string) (missing []envsh.Read) {
	for _, read := range facts.Reads {
		if read.Default || strings.HasPrefix(read.Name, "RELEASE_") || len(facts.Sets(read.Name)) > 0 {
			continue
		}
		if _, set := b.Container.EnvVar(read.Name); set || b.Container.EnvFrom() || in.ofImage(read.Name) != "" || strings.Contains(joined(b.Container), read.Name) {
			continue
		}
		used := r.Ends != nil && read.Needed && read.Pos.Line == r.Ends.Pos.Line
		for _, name := range what {
			for _, a := range facts.Sets(name) {
				used = used || strings.Contains(a.Value, "$"+read.Name) || strings.Contains(a.Value, "${"+read.Name)
			}
		}
		if used && !slices.ContainsFunc(missing, func(m envsh.Read) bool { return m.Name == read.Name }) {
			missing = append(missing, read)
		}
	}
	return missing
}

// startsItself says whether nothing that was not seen runs between the container's start and the release's.
func (in *Input) startsItself(b Beam) bool {
	if len(b.Container.Words()) > 0 {
		_, _, shell := script(b.Container)
		return startsRelease.MatchString(joined(b.Container)) && !shell
	}
	all := in.deployed()
	if len(all) != 1 {
		return false
	}
	for _, i := range commands(all[0]) {
		if startsLine.MatchString(runText(i)) {
			return len(commands(all[0])) == 1
		}
	}
	return false
}

// ofEnvSh is the project's place of one in rel/env.sh.eex.
func ofEnvSh(p envsh.Pos) project.Pos { return project.Pos{File: p.File, Line: p.Line, Col: p.Col} }

// topology says that the project starts a topology of libcluster, whatever its environment is.
func (in *Input) topology() string {
	for _, t := range in.Project.Topologies {
		if t.Started && t.When.Absent() {
			return "libcluster's topology " + t.Name + " is started"
		}
	}
	return ""
}

// replicated are the project's workloads with several replicas that are meant to be one mesh.
func (in *Input) replicated() (all []Beam) {
	for _, b := range in.OfProject() {
		if in.several(b.Workload) && in.clustered(b) != "" {
			all = append(all, b)
		}
	}
	return all
}

// projectName is what the project is called in findings.
func (in *Input) projectName() string {
	if n := in.Project.Mix.App.Value; n != "" {
		return n
	}
	if n := in.releaseName(); n != "" {
		return n
	}
	return filepath.Base(in.Root)
}
