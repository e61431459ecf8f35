package intent

import (
	"path"
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// image takes over what the image's own environment is, and what its sh is. Where several
// Dockerfiles may make it, what any of them sets is not known.
func image(p *project.Project, app *App, shown func(project.Pos) string) {
	images := p.Images()
	for n, d := range images {
		dash, busybox := shellOf(d)
		app.Dash, app.Busybox = dash && (app.Dash || n == 0), busybox && (app.Busybox || n == 0)
		app.CookieFile = app.CookieFile || strings.Contains(d.Text, "erlang.cookie")
		for _, i := range d.Chain(d.Final()) {
			if (i.Name == "RUN" || i.Name == "CMD" || i.Name == "ENTRYPOINT") && namesEPMD(i.Text+i.Document) {
				app.EPMD = "the image may start it (" + shown(i.At) + ")"
			}
		}
		for name, f := range d.Env(d.Final()) {
			switch {
			case len(images) > 1:
				app.Image[name] = mesh.NotKnown("one of several Dockerfiles sets it", shown(f.At))
			case f.Known():
				app.Image[name] = mesh.Setting{Value: f.Value, From: shown(f.At)}
			default:
				app.Image[name] = mesh.NotKnown("the Dockerfile computes it", shown(f.At))
			}
		}
	}
}

var (
	// ofDebian and ofAlpine are tags, which name the system behind the version.
	ofDebian = regexp.MustCompile(`(^|[-.])(debian|ubuntu|buster|bullseye|bookworm|trixie|focal|jammy|noble)([-.]|$)`)
	ofAlpine = regexp.MustCompile(`(^|[-.])alpine`)
	// changesSh is a command that may put another shell in the place of sh.
	changesSh = regexp.MustCompile(`/bin/sh\b|\bdpkg-reconfigure\b|\bdpkg-divert\b|\bupdate-alternatives\b`)
)

// shellOf says what the sh of an image is, by the name of its base: dash on Debian and
// Ubuntu, busybox' on Alpine. Neither: not known.
func shellOf(d project.Dockerfile) (dash, busybox bool) {
	base := d.Base(d.Final())
	if !base.Ref.Known() {
		return false, false
	}
	for _, i := range d.Chain(d.Final()) {
		if i.Name == "RUN" && changesSh.MatchString(i.Text+i.Document) {
			return false, false
		}
	}
	name, tag, _ := project.SplitImage(base.Ref.Value)
	switch path.Base(name) {
	case "alpine":
		return false, true
	case "debian", "ubuntu":
		return true, false
	case "elixir", "erlang":
		official := !strings.Contains(strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/"), "/")
		busybox = ofAlpine.MatchString(tag)
		return !busybox && (official || ofDebian.MatchString(tag)), busybox
	}
	return false, false
}
