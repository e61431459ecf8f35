package checklist

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/project"
)

// services are CI services of which files are known. Those that are not read are only seen to be there: what is a
// comment in a Jenkinsfile can't be told, and of most no steps are known.
var services = []struct {
	file  string
	reads bool
}{
	{".gitlab-ci.yml", true},
	{".circleci/config.yml", false}, {"Jenkinsfile", false}, {".drone.yml", false}, {"bitbucket-pipelines.yml", false},
	{"azure-pipelines.yml", false}, {".woodpecker.yml", false}, {".buildkite/pipeline.yml", false}, {".semaphore/semaphore.yml", false},
}

// CIFiles are the files of CI services that are known, but for GitHub's, which have any name.
func CIFiles() (all []string) {
	for _, s := range services {
		all = append(all, s.file)
	}
	return all
}

// What the lines of a step do.
var (
	builds    = regexp.MustCompile(`\bmix release\b|\bphial build\b|\bdocker (buildx )?build\b|docker/(build-push-action|bake-action)@[\w.-]+|\bbuildah (bud|build|build-using-dockerfile|commit)\b|\b(podman|nerdctl) build\b|/kaniko/executor|\bearthly\b`)
	pushes    = regexp.MustCompile(`\b(docker|podman|buildah|nerdctl) (image |manifest )?push\b|^\s*push:\s*(true|\$\{\{)|(^|\s)--push\b|/kaniko/executor|\bskopeo( --?\S+)* copy\b`)
	versioned = regexp.MustCompile(`docker/metadata-action@[\w.-]+|rev-parse|git describe|(?i:\bversion\b.*\btag|\btag\b.*\bversion\b)|:\$\{?(VERSION|TAG|SHA)|\bphial build\b.*--push`)
	// commit is a commit, or a tag, that a pipeline runs for. It says something where it stands in the name of an image, or
	// beside what builds, pushes or tags one.
	commit = regexp.MustCompile(`(?i)github\.(sha|ref_name)|(GITHUB|CI_COMMIT|CIRCLE|DRONE|DRONE_COMMIT|BITBUCKET|BUILDKITE)_(SHA1?|SHORT_SHA|REF_NAME|TAG|COMMIT)\b`)
	tags   = regexp.MustCompile(`(?i)\btags?\b|_tag\b`)
)

// seen is something that a step says, and where.
type seen struct {
	at    project.Pos
	text  string
	loose bool // it does not stand there letter by letter
}

// Around is the repository that a project stands in, below its root.
type Around struct {
	Up   string           // from the project to the root: ../..
	Down string           // from the root to the project: apps/shop
	Root *project.Project // what the CI files at the root say
	// Names are those of these files that name the project's directory. What another does may be about other projects.
	Names []string
}

// pipelines is what the steps of CI do.
type pipelines struct {
	files                             []string
	unread                            []string      // there, and of a kind that is not read here, or without steps
	broken                            []project.Use // that could not be read: why
	builds, pushes, versioned, latest []seen
}

// pipelinesOf reads those of a project, or of the root of the repository, which lies up from it.
func pipelinesOf(p *project.Project, up string) pipelines {
	var w pipelines
	files := p.Workflows()
	from := func(name string) string { return path.Join(up, name) }
	for _, s := range services {
		switch {
		case !p.Has(s.file):
		case s.reads:
			files = append(files, s.file)
		default:
			w.unread = append(w.unread, from(s.file))
		}
	}
	slices.Sort(files)
	for _, name := range files {
		steps := 0
		for _, s := range p.CI {
			if s.At.File == name {
				steps++
				w.step(s, from)
			}
		}
		// One that only includes others has no steps.
		broken := slices.IndexFunc(p.CIUnread, func(u project.Use) bool { return u.At.File == name })
		if broken >= 0 {
			u := p.CIUnread[broken]
			u.At.File = from(u.At.File)
			w.broken = append(w.broken, u)
		}
		switch {
		case steps > 0:
			w.files = append(w.files, from(name))
		case broken < 0:
			w.unread = append(w.unread, from(name))
		}
	}
	return w
}

// service is what phial init is told of it.
func (w *pipelines) service() string {
	gitlab := func(name string) bool { return path.Base(name) == ".gitlab-ci.yml" }
	if slices.ContainsFunc(w.files, gitlab) || slices.ContainsFunc(w.unread, gitlab) || slices.ContainsFunc(w.broken, func(u project.Use) bool { return gitlab(u.At.File) }) {
		return " --ci gitlab"
	}
	return " --ci github"
}

// step goes through the lines of one. What the pipeline sets as variables is not among them.
func (w *pipelines) step(s project.CIStep, from func(string) string) {
	s.Text = uncommented(s.Text)
	lines := linesOf(s)
	for i := range lines {
		lines[i].at.File = from(lines[i].at.File)
	}
	for _, l := range lines {
		for _, what := range []struct {
			is  *regexp.Regexp
			all *[]seen
		}{{builds, &w.builds}, {pushes, &w.pushes}, {versioned, &w.versioned}} {
			if m := what.is.FindStringIndex(l.text); m != nil {
				*what.all = append(*what.all, l.part(m[0], m[1]))
			}
		}
		if m := commit.FindStringIndex(l.text); m != nil && (builds.MatchString(l.text) || pushes.MatchString(l.text) || tags.MatchString(l.text)) {
			w.versioned = append(w.versioned, l.part(m[0], m[1]))
		}
	}
	for _, t := range s.ImageTags() {
		t.At.File = from(t.At.File)
		found := seen{t.At, t.Full, true}
		for _, l := range lines {
			if i := strings.Index(l.text, t.Ref); i >= 0 && l.at == t.At {
				found = l.part(i, i+len(t.Ref))
				found.text = t.Full
				break
			}
		}
		switch {
		case t.Tag == "latest":
			w.latest = append(w.latest, found)
		case commit.MatchString(t.Tag), versioned.MatchString(":" + t.Tag):
			w.versioned = append(w.versioned, found)
		}
	}
}

// part is a part of a line, without the blanks around it.
func (l seen) part(from, to int) seen {
	text := strings.TrimLeft(l.text[from:to], " \t")
	at := l.at
	if !l.loose {
		at.Col += to - len(text)
	}
	return seen{at, strings.TrimSpace(text), l.loose}
}

// uncommented leaves a shell's comments out. The lines stay.
func uncommented(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if i := strings.Index(" "+line, " #"); i >= 0 {
			line = line[:max(i-1, 0)]
		}
		b.WriteString(strings.TrimRight(line, " \t") + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// linesOf are the lines of a step, each with its place.
func linesOf(s project.CIStep) (all []seen) {
	if s.Uses != "" {
		all = append(all, seen{s.At, s.Uses, true})
	}
	for _, o := range s.With {
		value, _ := o.Value.AsText()
		if !strings.Contains(strings.TrimSpace(value), "\n") {
			value = o.Name + ": " + value
		}
		for line := range strings.Lines(value) {
			all = append(all, seen{o.At, line, true})
		}
	}
	n := 0
	for line := range strings.SplitSeq(s.Text, "\n") {
		at := s.LineAt(n)
		all = append(all, seen{at, strings.TrimSpace(line), at.Col == 1}) // a line that is folded or quoted is not found, and so begins there
		n++
	}
	return all
}

// pipelines are those that a CI service would run for the project, and where they are looked for.
func (b *builder) pipelines() (w pipelines, where string) {
	r := b.Around
	if r == nil {
		return pipelinesOf(b.Project, ""), ""
	}
	w = pipelinesOf(r.Root, r.Up)
	own := pipelinesOf(b.Project, "")
	for _, name := range slices.Concat(own.files, own.unread) {
		b.fail(file(name), "the repository's root is "+r.Up+", and CI services look there alone")
	}
	return w, " at the repository's root, " + r.Up
}

// ours says whether a CI file is about the project, as far as it names its directory.
func (b *builder) ours(name string) bool {
	return b.Around == nil || slices.Contains(b.Around.Names, name)
}

func ci(b *builder) {
	w, where := b.pipelines()
	for _, u := range w.broken {
		b.add(NotKnown, &advise.Place{File: u.At.File, Line: u.At.Line}, "could not be read: "+u.What)
	}
	switch {
	case len(w.files) == 0 && len(w.broken) > 0:
		b.settle("phial init", w.service()+" --dry-run --diff", "shows a workflow that does it, to compare yours with")
		return
	case len(w.files) == 0 && len(w.unread) > 0:
		b.add(NotKnown, file(w.unread[0]), "there, and not read here")
		b.settle("phial init", w.service()+" --dry-run --diff", "shows a workflow that does it, to compare yours with")
		return
	case len(w.files) == 0 && !b.Project.Git && b.Around == nil:
		b.unknown("no .git here or above: CI services look for workflows at the root of the repository")
		b.settle("phial init", " --ci github", "writes one to start from")
		return
	case len(w.files) == 0:
		b.fail(nil, "no workflow of a CI service seen"+where)
		if b.Around != nil {
			b.settle("phial init", w.service()+" --dry-run --diff", "shows one to start from, for the repository's root")
			return
		}
		b.settle("phial init", "", "writes one: test, build, push")
		return
	}
	step := func(all []seen, does, lacks string) {
		if len(all) == 0 {
			b.fail(file(w.files[0]), fmt.Sprintf("no line of %s %s", strings.Join(w.files, ", "), lacks))
			b.settle("phial init", " --dry-run --diff", "shows the workflow that it would write")
			return
		}
		i := max(slices.IndexFunc(all, func(s seen) bool { return b.ours(s.at.File) }), 0)
		if s := all[i]; b.ours(s.at.File) {
			b.pass(at(s.at), does+": "+s.text)
		} else {
			b.add(NotKnown, at(s.at), does+": "+s.text+"; nothing there names "+b.Around.Down+", so it may be about something else")
			b.settle("phial init", w.service()+" --dry-run --diff", "shows a workflow that does it, to compare yours with")
		}
	}
	switch {
	case len(w.builds) > 0 || len(w.unread)+len(w.broken) == 0:
		step(w.builds, "builds", "builds a release or an image")
	case len(w.unread) > 0:
		b.add(NotKnown, file(w.unread[0]), "there, and not read here")
		b.settle("phial init", w.service()+" --dry-run --diff", "shows a workflow that does it, to compare yours with")
	}
	if len(w.pushes) > 0 || len(w.broken) == 0 { // it may stand in what could not be read
		step(w.pushes, "pushes", "pushes an image")
	}
	ours := func(all []seen) []seen {
		return slices.DeleteFunc(slices.Clone(all), func(s seen) bool { return !b.ours(s.at.File) })
	}
	versioned, latest := ours(w.versioned), ours(w.latest)
	switch {
	case len(ours(w.pushes)) == 0:
	case len(versioned) > 0:
		b.pass(at(versioned[0].at), "tags by version or commit: "+versioned[0].text)
	case len(latest) > 0:
		b.fail(at(latest[0].at), "the tag is latest: no rollback, and two builds in one mesh (K8S-01)")
		b.settle("phial init", w.service()+" --dry-run --diff", "shows a workflow whose tags say what they are")
	default:
		b.add(NotKnown, at(ours(w.pushes)[0].at), "could not tell whether the tag names a version or a commit")
		b.settle("phial init", w.service()+" --dry-run --diff", "shows a workflow that does it, to compare yours with")
	}
	b.found("K8S-01", "CI")
}
