package check

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// givesCookie says whether the project gives the release of a workload a cookie that stays, and whether it, or what was not
// seen, may.
func (in *Input) givesCookie(b Beam) (gives, may bool) {
	if in.Project == nil || !in.ofProject(b) {
		return false, true
	}
	for _, m := range in.Project.Mixes() {
		for _, r := range m.ReleaseSpecs {
			if r.Cookie.Literal() && !r.Cookie.Nil() {
				return true, true
			}
		}
	}
	r := in.started(b)
	if r != nil {
		// What is computed there is one, too, of whatever it comes.
		if v, ok := r.Vars[beam.EnvReleaseCookie]; ok && (!v.Known() || v.Text != "") {
			return true, true
		}
	}
	if d, why := dockerfileOf(in.Project); why == "" {
		if v, ok := d.Env(d.Final())[beam.EnvReleaseCookie]; ok && (!v.Known() || v.Value != "") {
			return true, true
		}
	}
	for _, v := range in.projectOf(b).VMArgs {
		if v.Taken && strings.Contains(v.Text, "-setcookie") {
			return true, true
		}
	}
	// What env.sh does is known where it was followed; otherwise its words may mean one.
	inScript := in.Project.EnvSh.CookieFile || r == nil && strings.Contains(in.Project.EnvSh.Text, "COOKIE")
	return false, inScript || in.mayHaveCookie() || distillery(in.Project)
}

// mayHaveCookie says whether something else of the project than env.sh may give its release a cookie that stays.
func (in *Input) mayHaveCookie() bool {
	for _, m := range in.Project.Mixes() {
		for _, r := range m.ReleaseSpecs {
			if !r.Cookie.Nil() {
				return true
			}
		}
		if m.Releases.State == project.Unknown {
			return true // one of them may
		}
	}
	if in.Project.Has("rel/config.exs") {
		return true
	}
	for _, v := range in.Project.VMArgs {
		if strings.Contains(v.Text, "-setcookie") {
			return true
		}
	}
	return in.inDockerfiles("COOKIE")
}

// fromSecret says whether every workload of the project gets its cookie from a Secret, whatever else the project has.
func (in *Input) fromSecret() bool {
	return in.every(func(b Beam) bool {
		e, _ := b.Container.EnvVar(beam.EnvReleaseCookie)
		return e.From().Exists()
	})
}

var distilleryCookie = regexp.MustCompile(`^\s*set\s+cookie:\s*:?["']?([^"'\s,]+)`)

// cookieInSource finds cookies that stand in the project.
func cookieInSource(in *Input, f *Finder) {
	spared := in.fromSecret()
	say := func(at project.Pos, format string, args ...any) {
		n := f.In(at.File, at, format, args...).Secret().Mend("take it out of there, and give RELEASE_COOKIE from a Secret, random and at least 32 characters long")
		if spared {
			n.As(finding.Info, Hint).Saw("RELEASE_COOKIE from a Secret takes its place in the manifests that were seen")
		}
	}
	for _, m := range in.Project.Mixes() {
		for _, r := range m.ReleaseSpecs {
			if text, ok := r.Cookie.AsText(); ok || r.Cookie.Kind == project.ExprAtom && !r.Cookie.Nil() {
				if ok && text == "" {
					continue
				}
				say(r.Cookie.At, "the cookie of the release %s stands in mix.exs", r.Name)
			}
		}
	}
	for _, v := range in.Project.VMArgs {
		for _, flag := range v.Flags {
			if m := setCookie.FindStringSubmatch(flag.String()); m != nil && literal(m[3]) && !strings.HasPrefix(m[3], "<%") {
				say(flag.At, "a cookie stands in %s", v.File)
			}
		}
	}
	for n, line := range numbered(in.ProjectText("rel/config.exs")) {
		if m := distilleryCookie.FindStringSubmatch(line); m != nil && literal(m[1]) {
			say(project.Pos{File: "rel/config.exs", Line: n, Col: 1}, "a cookie stands in rel/config.exs")
		}
	}
	if facts := in.written(); facts != nil {
		for _, a := range facts.Sets(beam.EnvReleaseCookie) {
			value := strings.Trim(a.Value, `"'`)
			if _, fallback, ok := strings.Cut(value, ":-"); ok {
				value = strings.TrimSuffix(fallback, "}")
			}
			if literal(value) && !strings.ContainsAny(value, "`") {
				say(ofEnvSh(a.Pos), "a cookie stands in %s", in.envShFile())
			}
		}
	}
	for _, d := range in.deployed() {
		for _, s := range d.Stages {
			for _, i := range s.Instructions {
				if v := i.Set()[beam.EnvReleaseCookie]; (i.Name == "ENV" || i.Name == "ARG") && literal(v) {
					say(i.At, "the cookie stands in the Dockerfile, and in the image")
				}
			}
		}
	}
}

// placeOf is what tells environments apart: the namespace, and where that is not known the directory.
func placeOf(o *manifest.Object) string {
	if o.Namespace != "" {
		return "namespace " + o.Namespace
	}
	return "directory " + filepath.ToSlash(filepath.Dir(o.File))
}

// cookieField is a cookie that stands in an object, and where.
type cookieField struct {
	about *manifest.Object
	at    manifest.Field
	value string
}

// cookies are those that stand in the manifests, of all environments.
func (in *Input) cookies() (all []cookieField) {
	for _, b := range in.Beams() {
		if e, ok := b.Container.EnvVar(beam.EnvReleaseCookie); ok && e.Value().Exists() {
			all = append(all, cookieField{b.Object, e.Value(), e.Value().String()})
		}
	}
	for _, s := range in.Objects.OfKind("Secret") {
		for name, v := range s.At("stringData").Fields() {
			if cookieKey.MatchString(name) {
				all = append(all, cookieField{s, v, v.String()})
			}
		}
		for name, v := range s.At("data").Fields() {
			text, err := manifest.Decoded(v)
			if cookieKey.MatchString(name) && err == nil {
				all = append(all, cookieField{s, v, text})
			}
		}
	}
	for _, g := range in.generated() {
		if cookieKey.MatchString(g.name) {
			all = append(all, cookieField{g.by, g.at, g.value})
		}
	}
	return all
}

var cookieKey = regexp.MustCompile(`(?i)(^|[._-])cookie$`)

// sharedCookie finds one cookie in several environments.
func sharedCookie(in *Input, f *Finder) {
	first := map[string]cookieField{}
	for _, c := range in.cookies() {
		value := strings.TrimSpace(c.value)
		if !literal(value) || placeholder.MatchString(value) || strings.HasPrefix(value, "ENC[") {
			continue
		}
		other, twice := first[value]
		if !twice {
			first[value] = c
			continue
		}
		if placeOf(other.about) == placeOf(c.about) || other.about.Kind != c.about.Kind {
			continue
		}
		f.AtName(c.about, c.at, "%s has the same cookie as %s in the %s", c.about.Label(), other.about.Label(), placeOf(other.about)).Secret().Also(other.at, "the same cookie")
	}
}

// mappedCookie finds RELEASE_COOKIE that rel/env.sh makes of a variable that is not there.
func mappedCookie(in *Input, f *Finder) {
	facts := in.envSh()
	if facts == nil {
		return
	}
	for _, b := range in.followed() {
		r := in.started(b)
		if r == nil || r.Ends != nil {
			continue
		}
		v, ok := r.Vars[beam.EnvReleaseCookie]
		missing := in.unset(b, r, facts, beam.EnvReleaseCookie)
		if !ok || !v.Known() || v.Text != "" || len(missing) == 0 {
			continue
		}
		f.At(b.Object, b.Container.Key("env"), "rel/env.sh takes RELEASE_COOKIE from %s, which nothing sets: the release has the cookie that it was built with", missing[0].Name).
			place(in, ofEnvSh(missing[0].Pos), "taken from there").Mend("give the container %s from the Secret, or RELEASE_COOKIE and take the line out of env.sh", missing[0].Name)
	}
}

var (
	chmodCookie = regexp.MustCompile(`\bchmod\s+(-[A-Za-z]+\s+)*([0-7]{3,4}|[ugoa]*[+=][rwx]+)\s[^;&|\n]*\.erlang\.cookie`)
	ownerAlone  = regexp.MustCompile(`^0?[0-7]00$|^u[+=]`)
)

// openCookieFile finds .erlang.cookie with rights that the BEAM refuses.
func openCookieFile(in *Input, f *Finder) {
	for _, d := range in.Project.Dockerfiles {
		for _, s := range d.Stages {
			for _, i := range s.Instructions {
				if i.Name != "RUN" {
					continue
				}
				if m := chmodCookie.FindStringSubmatch(runText(i)); m != nil && !ownerAlone.MatchString(m[2]) {
					f.In(d.File, i.At, "the image gives .erlang.cookie the mode %s, and the BEAM wants that of its owner alone", m[2])
				}
			}
		}
	}
}
