package check

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/project"
)

var (
	// shellLess are images that have no shell; a tag with debug or dev brings one.
	shellLess = regexp.MustCompile(`^(scratch|gcr\.io/distroless/[a-z0-9-]+|cgr\.dev/chainguard/(static|glibc-dynamic))([:@]|$)`)
	// withShell is a tag of theirs that brings one.
	withShell = regexp.MustCompile(`:[^@]*(debug|dev)`)
	// binDir is a directory that an image has programs in, or that has one in it.
	binDir = regexp.MustCompile(`^(/|(/usr|/usr/local)?(/s?bin)?/?)$`)
)

// missingShell finds images without a shell that are started by a script: a release's own, or one of its overlays.
func missingShell(in *Input, f *Finder) {
	if in.overriddenCommand() {
		return
	}
	for _, d := range in.deployed() {
		base := d.Base(d.Final())
		_, ok := takesRelease(d)
		if !ok || !base.Ref.Known() || !shellLess.MatchString(base.Ref.Value) || withShell.MatchString(base.Ref.Value) || bringsShell(d) {
			continue
		}
		words := d.Runs(nil, nil)
		for len(words) > 0 && (passesOn.MatchString(words[0]) || strings.HasPrefix(words[0], "-")) {
			words = words[1:]
		}
		if len(words) == 0 || !in.isScript(words) {
			continue
		}
		n := f.In(d.File, d.Stages[d.Final()].At, "%s has no shell, and %s, which the image runs, is read by one: the container does not start", base.Ref.Value, words[0]).
			Mend("let the last stage begin with a system that has a shell, the one that the release is built on")
		if n.Title = "no shell for the release's script"; base.ByArg { // another may be given
			n.As(warningLikely())
		}
	}
}

// isScript says whether what an image runs is a shell or read by one: a release's script, or one of the project's.
func (in *Input) isScript(words []string) bool {
	if isShell(path.Base(words[0])) {
		return true
	}
	if s, why := in.Project.Script(words[0]); why == "" && s.Shell != "" {
		return true
	}
	names, known := in.Project.ReleaseNames()
	return known && path.Base(path.Dir(words[0])) == "bin" && slices.Contains(names, path.Base(words[0]))
}

// bringsShell says whether an image may get a shell from elsewhere.
func bringsShell(d project.Dockerfile) bool {
	return slices.ContainsFunc(d.Chain(d.Final()), func(i project.Instruction) bool {
		if i.Name != "COPY" && i.Name != "ADD" || len(i.Words) < 2 {
			return i.Name == "RUN" || i.Name == "SHELL"
		}
		to := i.Words[len(i.Words)-1]
		whole := path.Clean(to) == "." && !releasePath.MatchString(strings.Join(i.Words, " "))
		return whole || binDir.MatchString(to) || slices.ContainsFunc(i.Words, func(w string) bool {
			return strings.Contains(w, "busybox") || isShell(path.Base(w)) || strings.Contains(w, "$") && path.Base(w) == w
		})
	})
}
