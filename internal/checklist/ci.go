package checklist

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/project"
)

// githubWorkflows is where GitHub has them.
const githubWorkflows = ".github/workflows"

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

// What the lines of a step do.
var (
	builds    = regexp.MustCompile(`\bmix release\b|\bphial build\b|\bdocker (buildx )?build\b|docker/(build-push-action|bake-action)@|\bbuildah (bud|build)\b|\bpodman build\b|/kaniko/executor|\bearthly\b`)
	pushes    = regexp.MustCompile(`\b(docker|podman|buildah) (image )?push\b|^\s*push:\s*(true|\$\{\{)|(^|\s)--push\b|/kaniko/executor|\bskopeo copy\b`)
	versioned = regexp.MustCompile(`(?i)github\.(sha|ref_name)|GITHUB_(SHA|REF_NAME)|CI_COMMIT_(SHA|SHORT_SHA|TAG)|docker/metadata-action@|rev-parse|git describe|\bversion\b.*\btag|\btag\b.*\bversion\b|:\$\{?(VERSION|TAG|SHA)|\bphial build\b.*--push`)
)

// seen is something that a step says, and where.
type seen struct {
	at    project.Pos
	text  string
	loose bool // it does not stand there letter by letter
}

// pipelines is what the steps of CI do.
type pipelines struct {
	files                             []string
	unread                            []string
	builds, pushes, versioned, latest []seen
}

func pipelinesOf(p *project.Project) pipelines {
	var w pipelines
	var files []string
	for _, name := range p.Under(githubWorkflows) {
		if e := path.Ext(name); e == ".yml" || e == ".yaml" {
			files = append(files, path.Join(githubWorkflows, name))
		}
	}
	for _, s := range services {
		switch {
		case !p.Has(s.file):
		case s.reads:
			files = append(files, s.file)
		default:
			w.unread = append(w.unread, s.file)
		}
	}
	slices.Sort(files)
	for _, name := range files {
		steps := 0
		for _, s := range p.CI {
			if s.At.File == name {
				steps++
				w.step(s)
			}
		}
		// A project does not say whether a file of CI is broken, but then it has no steps; nor has one that only
		// includes others.
		if steps == 0 {
			w.unread = append(w.unread, name)
		} else {
			w.files = append(w.files, name)
		}
	}
	return w
}

// step goes through the lines of one. What the pipeline sets as variables is not among them.
func (w *pipelines) step(s project.CIStep) {
	s.Text = uncommented(s.Text)
	lines := linesOf(s)
	for _, l := range lines {
		for _, what := range []struct {
			is  *regexp.Regexp
			all *[]seen
		}{{builds, &w.builds}, {pushes, &w.pushes}, {versioned, &w.versioned}} {
			if m := what.is.FindStringIndex(l.text); m != nil {
				*what.all = append(*what.all, l.part(m[0], m[1]))
			}
		}
	}
	for _, t := range s.ImageTags() {
		if t.Tag != "latest" {
			continue
		}
		found := seen{t.At, t.Ref, true}
		for _, l := range lines {
			if i := strings.Index(l.text, t.Ref); i >= 0 && l.at == t.At {
				found = l.part(i, i+len(t.Ref))
				break
			}
		}
		w.latest = append(w.latest, found)
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

func ci(b *builder) {
	w := pipelinesOf(b.Project)
	switch {
	case len(w.files) == 0 && len(w.unread) > 0:
		b.add(NotKnown, file(w.unread[0]), "there, and not read here")
		b.settle("phial init", " --ci github --dry-run --diff", "shows a workflow that does it, to compare yours with")
		return
	case len(w.files) == 0 && !b.Project.Git:
		b.unknown("no .git here: CI services look for workflows at the root of the repository")
		b.settle("phial init", " --ci github", "writes one to start from")
		return
	case len(w.files) == 0:
		b.fail(nil, "no workflow of a CI service seen")
		b.settle("phial init", "", "writes one: test, build, push")
		return
	}
	step := func(all []seen, does, lacks string) {
		if len(all) > 0 {
			b.pass(at(all[0].at), does+": "+all[0].text)
			return
		}
		b.fail(file(w.files[0]), fmt.Sprintf("no line of %s %s", strings.Join(w.files, ", "), lacks))
		b.settle("phial init", " --dry-run --diff", "shows the workflow that it would write")
	}
	if len(w.unread) > 0 && len(w.builds) == 0 {
		b.add(NotKnown, file(w.unread[0]), "there, and not read here")
	} else {
		step(w.builds, "builds", "builds a release or an image")
	}
	step(w.pushes, "pushes", "pushes an image")
	switch {
	case len(w.pushes) == 0:
	case len(w.versioned) > 0:
		b.pass(at(w.versioned[0].at), "tags by version or commit: "+w.versioned[0].text)
	case len(w.latest) > 0:
		b.fail(at(w.latest[0].at), "the tag is latest: no rollback, and two builds in one mesh (K8S-01)")
	default:
		b.add(NotKnown, at(w.pushes[0].at), "could not tell whether the tag names a version or a commit")
	}
	b.found("K8S-01")
}
