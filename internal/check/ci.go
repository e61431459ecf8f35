package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// ci are rules about what a pipeline ships.
var ci = []Rule{
	{
		Code: "CI-01", Title: "source is shipped in place of a release",
		Severity: finding.Warning, Confidence: Likely, Needs: Project | Dockerfile | CI,
		Looks: "Pipelines that push an image, and Dockerfiles without mix release.",
		Why:   "The image holds source and compilers, compiles or loads at each start, and has none of a release's scripts, cookie and node name.",
		Fix:   "build the release in the Dockerfile (mix release, in a first stage), or with phial build",
		Check: shipsSource,
	},
	{
		Code: "CI-02", Title: "no way back to the version before",
		Severity: finding.Warning, Confidence: Likely, Needs: Project | CI,
		Looks: "Names under which a pipeline pushes images, with the variables that it sets.",
		Why:   "What is only called latest is overwritten by the next build: there is nothing to roll back to, and pods of one rollout may run different builds.",
		Fix:   "tag images by version and commit as well, and deploy by digest",
		Check: onlyLatest,
	},
}

var (
	pushes    = regexp.MustCompile(`\b(docker|podman|buildah|nerdctl)\b[^\n]*\s(push|--push)\b|\bskopeo\b[^\n]*\scopy\s`)
	anyMix    = regexp.MustCompile(`\bmix\b[^\n]*\brelease\b`)
	builtByIt = regexp.MustCompile(`\b(phial\s+build|pack\s+build|nix\s+build|earthly)\b`)
)

// pushing says whether a step pushes an image.
func pushing(s project.CIStep) bool {
	if pushes.MatchString(s.Text) {
		return true
	}
	if !strings.HasPrefix(s.Uses, "docker/build-push-action") {
		return false
	}
	push, at := with(s, "push")
	return at.File != "" && push != "false"
}

func shipsSource(in *Input, f *Finder) {
	for _, d := range in.Project.Dockerfiles {
		if _, _, ok := d.Release(); ok || strings.Contains(d.Text, "distillery.release") {
			return
		}
	}
	for _, s := range in.Project.CI {
		if anyMix.MatchString(s.Text) || builtByIt.MatchString(s.Text) {
			return
		}
	}
	images := slices.DeleteFunc(in.deployed(), func(d project.Dockerfile) bool {
		base := d.Base(d.Final())
		return !base.Ref.Known() || readBase(base.Ref.Value).program == ""
	})
	if len(images) == 0 {
		return
	}
	for _, s := range in.Project.CI {
		if pushing(s) {
			f.In(images[0].File, s.At, "the pipeline pushes the image of %s, and nothing there runs mix release", images[0].File).
				place(in, images[0].Stages[images[0].Final()].At, "the image")
			return
		}
	}
}

func onlyLatest(in *Input, f *Finder) {
	var latest *project.ImageTag
	for _, s := range in.Project.CI {
		if !pushing(s) {
			continue
		}
		for _, t := range s.ImageTags() {
			if t.Computed() || t.Tag != "" && t.Tag != "latest" {
				return // there is a version, or there may be
			}
			if latest == nil && strings.Contains(t.Full, "/") {
				latest = &t
			}
		}
	}
	if latest != nil {
		f.In(latest.At.File, latest.At, "the pipeline pushes %s, and no other name", latest.Full)
	}
}
