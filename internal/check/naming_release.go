package check

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// notTaken finds templates that the build of an image does not see: of a Dockerfile the first.
func notTaken(in *Input, f *Finder) {
	if !in.Project.Templates.Known() {
		return
	}
	dir := in.Project.Templates.Value
	for _, d := range in.Project.Dockerfiles {
		for _, name := range []string{"env.sh.eex", "vm.args.eex"} {
			file := path.Join(dir, name)
			why, at, sure := d.LeftOut(file)
			if !in.Project.Has(file) || !sure {
				continue
			}
			n := f.In(d.File, at, "%s: %s is not taken, and the release has mix's own in its place", why, file).place(in, project.Pos{File: file}, "not taken").As(warningLikely())
			if name == "env.sh.eex" && !in.hasEnvSh() {
				n.parts(in, in.OfProject(), in.namesSet()...)
			}
			if at.File == d.File {
				n.Mend("copy it above mix release: COPY %s ./%s", dir, dir)
			} else {
				n.Mend("take it out of %s, or let it in by !%s", at.File, file)
			}
			break
		}
	}
	for _, name := range []string{"env.sh.eex", "vm.args.eex"} {
		if usual := path.Join("rel", name); dir != "rel" && in.Project.Has(usual) && !in.Project.Has(path.Join(dir, name)) {
			f.In(in.projectName(), in.Project.Templates.At, "mix release takes its templates from %s, and %s is not taken", dir, usual).As(finding.Info, Hint).
				Mend("move it to %s, or take rel_templates_path out", dir).place(in, project.Pos{File: usual}, "not taken")
		}
	}
}

// namesSet are the variables of a node's name that the start script would set, to what nodes of one mesh have.
func (in *Input) namesSet() (names []string) {
	facts := in.written()
	if facts == nil {
		return nil
	}
	for _, a := range facts.Sets(beam.EnvReleaseDistribution) {
		if a.Value == beam.DistributionName {
			names = append(names, beam.EnvReleaseDistribution)
		}
	}
	if len(facts.Sets(beam.EnvReleaseNode)) > 0 {
		names = append(names, beam.EnvReleaseNode)
	}
	return names
}

// windowsEnds follows the start script as a release has it that is given nothing, where its lines end as Windows writes them.
func windowsEnds(in *Input, f *Finder) {
	if !strings.Contains(in.Project.EnvSh.Text, "\r\n") {
		return
	}
	name := in.Project.EnvSh.File
	src := envsh.Source{Name: name, Text: []byte(in.Project.EnvSh.Text)}
	env := envsh.Env{Unsure: func(string) string { return "the container may set it" }}
	r, err := envsh.Run(context.Background(), src, envsh.Release{Name: in.releaseName(), Command: "start"}, env, envsh.Host{})
	if err != nil || r.Ends != nil && in.endsAnyway(*r.Ends, env) {
		return
	}
	first := project.Pos{File: name, Line: 1 + strings.Count(in.Project.EnvSh.Text[:strings.Index(in.Project.EnvSh.Text, "\r\n")], "\n"), Col: 1}
	const ends = "the lines of %s end as Windows writes them, and "
	switch node := r.Node(); {
	case r.Unclear != "":
		f.In(in.projectName(), first, ends+"sh takes the carriage return for part of the last word", name).As(warningLikely())
	case r.Ends != nil:
		f.In(in.projectName(), ofEnvSh(r.Ends.Pos), ends+"sh ends at line %d: %s", name, r.Ends.Pos.Line, in.endsBy(*r.Ends))
	case returns(node.Flag):
		f.In(in.projectName(), setAt(r, beam.EnvReleaseDistribution, first), ends+"RELEASE_DISTRIBUTION has a carriage return in it: the release does not start", name)
	case returns(node.Name):
		f.In(in.projectName(), setAt(r, beam.EnvReleaseNode, first), ends+"RELEASE_NODE has a carriage return in it: no node's name has one", name)
	default:
		for _, variable := range slices.Sorted(maps.Keys(r.Vars)) {
			if returns(r.Vars[variable]) {
				f.In(in.projectName(), setAt(r, variable, first), ends+"%s has a carriage return in it", name, variable).As(warningLikely())
				return
			}
		}
	}
}

// endsBy says why the start script ends where it does. What is no more than a carriage return has no other name.
func (in *Input) endsBy(end envsh.Ending) string {
	lines := strings.Split(in.Project.EnvSh.Text, "\n")
	if n := end.Pos.Line; n >= 1 && n <= len(lines) && strings.TrimSpace(lines[n-1]) == "" {
		return "the empty line has a carriage return in it, which is a command that there is not (the container prints \\r: not found), and `set -e` holds"
	}
	return strings.ReplaceAll(endWhy(end), "\r", "\\r")
}

// endWhy is why a start script ends, as a sentence of its own: what is said of a command names it.
func endWhy(end envsh.Ending) string {
	if verb, _, _ := strings.Cut(end.Why, " "); slices.Contains([]string{"fails,", "may", "exits"}, verb) && end.Text != "" {
		return "`" + end.Text + "` " + end.Why
	}
	return end.Why
}

// endsAnyway says whether the start script ends where it does for another reason than its line ends.
func (in *Input) endsAnyway(end envsh.Ending, env envsh.Env) bool {
	src := envsh.Source{Name: end.Pos.File, Text: []byte(strings.ReplaceAll(in.Project.EnvSh.Text, "\r\n", "\n"))}
	r, err := envsh.Run(context.Background(), src, envsh.Release{Name: in.releaseName(), Command: "start"}, env, envsh.Host{})
	return err == nil && r.Ends != nil && r.Ends.Pos == end.Pos
}

// returns says whether a value certainly has a carriage return in it.
func returns(v envsh.Value) bool {
	return strings.Contains(v.Text, "\r") || slices.ContainsFunc(v.Parts, func(p envsh.Part) bool { return strings.Contains(p.Text, "\r") })
}

// setAt is where a script sets a variable, or else another place.
func setAt(r *envsh.Result, variable string, otherwise project.Pos) project.Pos {
	if at, ok := mesh.ParsePlace(r.Vars[variable].From); ok {
		return project.Pos{File: at.File, Line: at.Line, Col: at.Column}
	}
	return otherwise
}
