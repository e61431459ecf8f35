package checklist

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/advise"
)

// This file reads CI as text, line by line: until projects tell its steps, what stands in a line is all that is known.

// services are CI services of which files are known; those without a reader are only seen to be there.
var services = []struct {
	file  string
	reads bool
}{
	{".gitlab-ci.yml", true},
	{".circleci/config.yml", false}, {"Jenkinsfile", false}, {".drone.yml", false}, {"bitbucket-pipelines.yml", false},
	{"azure-pipelines.yml", false}, {".woodpecker.yml", false}, {".buildkite/pipeline.yml", false}, {".semaphore/semaphore.yml", false},
}

// What the lines of a workflow do.
var (
	builds    = regexp.MustCompile(`\bmix release\b|\bphial build\b|\bdocker (buildx )?build\b|docker/(build-push-action|bake-action)@|\bbuildah (bud|build)\b|\bpodman build\b|/kaniko/executor|\bearthly\b`)
	pushes    = regexp.MustCompile(`\b(docker|podman|buildah) (image )?push\b|^\s*push:\s*(true|\$\{\{)|\s--push\b|/kaniko/executor|\bskopeo copy\b`)
	versioned = regexp.MustCompile(`(?i)github\.(sha|ref_name)|GITHUB_(SHA|REF_NAME)|CI_COMMIT_(SHA|SHORT_SHA|TAG)|docker/metadata-action@|rev-parse|git describe|\bversion\b.*\btag|\btag\b.*\bversion\b|:\$\{?(VERSION|TAG|SHA)|\bphial build\b.*--push`)
	latest    = regexp.MustCompile(`[\w/.-]+:latest\b`)
)

type seenLine struct {
	at   advise.Place
	text string
}

// workflow is what the files of CI say.
type workflow struct {
	files                             []string
	unread                            []string
	builds, pushes, versioned, latest []seenLine
}

func readCI(l *list) workflow {
	var w workflow
	var files []string
	for _, name := range l.Project.Under(".github/workflows") {
		if e := path.Ext(name); e == ".yml" || e == ".yaml" {
			files = append(files, path.Join(".github/workflows", name))
		}
	}
	for _, s := range services {
		switch {
		case !l.Project.Has(s.file):
		case s.reads:
			files = append(files, s.file)
		default:
			w.unread = append(w.unread, s.file)
		}
	}
	slices.Sort(files)
	for _, name := range files {
		text, ok := l.text(name)
		if !ok {
			w.unread = append(w.unread, name)
			continue
		}
		w.files = append(w.files, name)
		w.read(name, text)
	}
	return w
}

func (w *workflow) read(name, text string) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		if i := strings.Index(line, " #"); i >= 0 {
			line = line[:i]
		}
		for _, what := range []struct {
			is  *regexp.Regexp
			all *[]seenLine
		}{{builds, &w.builds}, {pushes, &w.pushes}, {versioned, &w.versioned}, {latest, &w.latest}} {
			if m := what.is.FindStringIndex(line); m != nil {
				*what.all = append(*what.all, seenLine{advise.Place{File: name, Line: n, Column: m[0] + 1}, strings.TrimSpace(line[m[0]:m[1]])})
			}
		}
	}
}

func ci(b *builder) {
	w := readCI(b.list)
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
	step := func(all []seenLine, does, lacks string) {
		if len(all) > 0 {
			b.pass(&all[0].at, does+": "+all[0].text)
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
		b.pass(&w.versioned[0].at, "tags by version or commit: "+w.versioned[0].text)
	case len(w.latest) > 0:
		b.fail(&w.latest[0].at, "the tag is latest: no rollback, and two builds in one mesh (K8S-01)")
	default:
		b.add(NotKnown, &w.pushes[0].at, "could not tell whether the tag names a version or a commit")
	}
	b.found("K8S-01")
}
