package checklist

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/project"
)

// release is mix.exs, config/runtime.exs, and what starts a server.
func release(b *builder) {
	p := b.Project
	switch m := p.Mix; {
	case m.Releases.Known() && len(m.Releases.Value) > 0:
		r := m.Releases.Value[0]
		b.pass(at(r.At), "release "+r.Name)
	case m.Releases.State == project.Unknown:
		b.add(NotKnown, at(m.Releases.At), "the releases are computed")
		b.settle("phial build", "", "builds the release, and an image of it")
	case p.Umbrella():
		b.fail(at(m.AppsPath.At), "an umbrella without releases: mix has none of its own for it")
	case b.facts.Library:
		b.fail(file("mix.exs"), "nothing starts: no application callback (mod:) and no release")
	default:
		b.pass(file("mix.exs"), "mix's default release")
	}
	runtime(b)
	if d, ok := p.Dep("phoenix"); ok {
		switch {
		case p.Server.Known():
			b.pass(at(p.Server.At), "the endpoint is started in a release")
		case p.Server.State == project.Unknown || len(b.Checked.of(codeUnread)) > 0:
			b.add(NotKnown, at(d.At), "could not tell whether anything starts Phoenix's endpoint in a release")
			b.settle("phial check", "", "says what could not be read")
		default:
			b.fail(at(d.At), "nothing starts Phoenix's endpoint in a release: server: true where PHX_SERVER is set (HLT-04)")
			b.settle("phial init", " --dry-run", "says what a project lacks")
		}
	}
	b.found(codeUnread, "HLT-04", "IMG-06", "IMG-08", "IMG-09", "IMG-11", "PHX-09")
}

// codeUnread is of a file of the project that could not be read whole: mix can't read it either.
const codeUnread = "CHK-08"

// runtime is whether the environment is read where a release starts.
func runtime(b *builder) {
	const name = "config/runtime.exs"
	var built []project.EnvRead
	for _, r := range b.Project.Reads {
		if r.Phase == project.Building && strings.HasPrefix(r.At.File, "config/") && r.Name != "MIX_ENV" {
			built = append(built, r)
		}
	}
	switch {
	case b.Project.Has(name):
		b.pass(file(name), "read when a release starts")
	case b.Project.Has("config/releases.exs"):
		b.pass(file("config/releases.exs"), "read when a release starts")
	case len(built) > 0:
		b.fail(at(built[0].At), built[0].Name+" is read when the release is built: each environment would need an image of its own; read it in "+name)
	case b.facts.HTTP:
		b.fail(file(name), "not there: port, hosts and secrets are what they were when the release was built")
	default:
		b.pass(nil, "nothing is read from the environment, and "+name+" is not there")
	}
}

var (
	digest = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
	dated  = regexp.MustCompile(`[0-9]`)
)

// pinned says whether a base is always the same, as far as its name tells: a digest, or a tag with a version in it.
func pinned(image string) bool {
	if digest.MatchString(image) {
		return true
	}
	_, tag, ok := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return ok && tag != "latest" && dated.MatchString(tag)
}

// image is how the image is made, and whether twice the same.
func image(b *builder) {
	p := b.Project
	if i := slices.IndexFunc(p.Dockerfiles, func(d project.Dockerfile) bool { return d.File == dockerfileName }); i >= 0 {
		dockerfile(b, p.Dockerfiles[i])
	} else {
		b.pass(nil, "no Dockerfile: phial build makes the image of the release")
	}
	for _, m := range p.Mixes() {
		if (len(m.Deps.Value) > 0 || m.Deps.State == project.Unknown) && !p.Has("mix.lock") {
			b.fail(file("mix.lock"), "not there: each build may fetch other versions; commit it")
			break
		}
	}
	switch v := b.Builds; {
	case v == nil:
		b.unknown("whether two builds give the same image was not tried")
		b.settle("phial checklist", " --verify", "builds twice with phial build and compares the digests")
	case v.Error != "":
		b.unknown("phial build could not run: " + v.Error)
		b.settle("phial build", "", "shows why")
	case len(v.Digests) == 2 && v.Digests[0] == v.Digests[1] && v.Digests[0] != "":
		b.pass(nil, "phial build, run twice, gave "+v.Digests[0]+" both times")
	default:
		b.fail(nil, "phial build, run twice, gave "+strings.Join(v.Digests, " and "))
	}
	b.found("IMG-01", "IMG-02", "IMG-03", "IMG-04", "IMG-05")
}

// dockerfileName is the one that is taken where nobody names another.
const dockerfileName = "Dockerfile"

func dockerfile(b *builder, d project.Dockerfile) {
	if d.Broken != "" {
		b.add(NotKnown, &advise.Place{File: d.File, Line: d.At.Line}, "could not be read: "+d.Broken)
		return
	}
	switch len(d.Stages) {
	case 0:
		b.add(NotKnown, file(d.File), "no FROM that could be read")
		return
	case 1:
		b.fail(at(d.Stages[0].At), "one stage: the image has the compiler and the sources; copy the release into a second one")
	default:
		b.pass(at(d.Stages[d.Final()].At), fmt.Sprintf("%d stages", len(d.Stages)))
	}
	loose := 0
	for _, s := range d.Stages {
		switch ref := s.Image.Ref; {
		case s.Image.Stage >= 0 || ref.Value == "scratch":
		case !ref.Known():
			loose++
			b.add(NotKnown, at(s.At), "base "+s.Image.Written+" is only known when it is built")
		case !pinned(ref.Value):
			loose++
			b.fail(at(s.At), "base "+ref.Value+" is another one tomorrow: pin a version, or a digest")
		}
	}
	if loose == 0 {
		b.pass(at(d.Stages[0].At), "bases are pinned")
	}
	if b.Project.Has(".dockerignore") {
		b.pass(file(".dockerignore"), "keeps the machine's own files out")
	} else {
		b.fail(file(".dockerignore"), "not there: _build, deps and secrets of the machine get into the build")
		b.settle("phial init", "", "writes one")
	}
}
