package check

import (
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// cookie are rules about the one secret of a mesh. What it is stands in none of their texts.
var cookie = []Rule{
	{
		Code: finding.CookieDiffers, Title: "no cookie that stays",
		Severity: finding.Warning, Confidence: Likely, Needs: Kubernetes,
		Looks: "Releases that are to be one mesh and get no RELEASE_COOKIE, and Helm templates that make one up.",
		Why:   "Without RELEASE_COOKIE a release has the cookie that mix release made up when it was built, or Helm at each upgrade: old and new pods refuse each other during every rollout.",
		Fix:   "give RELEASE_COOKIE from one Secret, made once",
		Check: noCookie,
	},
	{
		Code: finding.CookieInImage, Title: "a cookie for everybody to read",
		Severity: finding.Warning, Confidence: Certain, Needs: Deployment,
		Looks: "Cookies that stand literally in variables, flags, arguments and ConfigMaps, in kustomizations that make a Secret of them, in mix.exs, rel/ and the Dockerfile.",
		Why:   "The cookie is the right to run code on every node, and whoever reads the manifests or the repository, or can pull the image, has it.",
		Fix:   "put it into a Secret, random and at least 32 characters long, and refer to that: valueFrom.secretKeyRef",
		Check: func(in *Input, f *Finder) {
			if in.Objects != nil {
				literalCookie(in, f)
				generatedCookie(in, f)
			}
			if in.Project != nil {
				cookieInSource(in, f)
			}
		},
	},
	{
		Code: finding.CookieWhitespace, Title: "white space in the cookie, or encoded twice",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "The Secret that RELEASE_COOKIE comes from: white space at its ends, and base64 within base64. It is an error where another workload of the same image has the cookie without the white space.",
		Why:   "A line end belongs to the cookie: whoever reads it from elsewhere without one is refused. Invalid challenge reply.",
		Fix:   "write it without a line end: stringData on one line, or printf '%s' COOKIE | base64",
		Check: spacedCookie,
	},
	{
		Code: "COO-04", Title: "a cookie file that others may read",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: ".erlang.cookie mounted from a volume, with fsGroup or with a mode beyond 0400 or 0600.",
		Why:   "The BEAM refuses a cookie file that anybody but its owner may read, and fsGroup lets the group: Cookie file must be accessible by owner only.",
		Fix:   "give the cookie as RELEASE_COOKIE from the Secret instead of a file",
		Check: cookieFile,
	},
	{
		Code: "COO-05", Title: "no cookie, and no place to make one",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "elixir, iex and mix with a node name, without --cookie, in containers with readOnlyRootFilesystem.",
		Why:   "Without a cookie the VM writes one to $HOME/.erlang.cookie, and stops where it can't: Failed to create cookie file.",
		Fix:   "run a release, with RELEASE_COOKIE from a Secret; or give the cookie by --cookie",
		Check: cookieNowhere,
	},
	{
		Code: finding.ForeignConnected, Title: "one cookie for several environments",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Cookies in Secrets, variables and generators of kustomizations, of different namespaces or, without those, directories.",
		Why:   "Whoever has one environment's cookie has the others': a node of staging that reaches production is let in.",
		Fix:   "make a random cookie for each environment, and a NetworkPolicy between them",
		Check: sharedCookie,
	},
	{
		Code: "COO-07", Title: "a cookie that nobody reads",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "ERLANG_COOKIE, NODE_COOKIE, ERL_COOKIE and COOKIE in the environment, without RELEASE_COOKIE, and RELEASE_COOKIE=$OTHER in rel/env.sh.eex where the container has no OTHER.",
		Why:   "A release's start script reads RELEASE_COOKIE alone. Without it, or where it is empty, the release has the cookie that was made up when it was built.",
		Fix:   "call it RELEASE_COOKIE",
		Mends: true,
		Hides: []finding.Code{finding.CookieDiffers},
		Check: func(in *Input, f *Finder) {
			otherCookie(in, f)
			mappedCookie(in, f)
		},
	},
	{
		Code: "SEC-02", Title: "a cookie file for everybody",
		Severity: finding.Warning, Confidence: Certain, Needs: Project | Dockerfile,
		Looks: "chmod of .erlang.cookie in Dockerfiles.",
		Why:   "The BEAM refuses a cookie file that others than its owner may read, and what is in the image is everybody's who can pull it.",
		Fix:   "take the file out of the image, and give RELEASE_COOKIE from a Secret; a file of one's own has the mode 400",
		Check: openCookieFile,
	},
}

// setCookie is a cookie among flags or arguments.
var setCookie = regexp.MustCompile(`(^|\s)-{1,2}(set)?cookie[\s=]+['"]?([^\s'"]+)`)

// literal says whether a text that stands for a cookie is one, and not a reference to one.
func literal(text string) bool {
	return text != "" && !strings.Contains(text, "$") && !strings.HasPrefix(text, "<") && !strings.Contains(text, "{{")
}

func literalCookie(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for c := range b.Containers() {
			for e := range c.Env() {
				value := e.Value().String()
				switch {
				case strings.HasSuffix(e.Called, "_COOKIE") || e.Called == "COOKIE":
					if literal(value) {
						f.At(b.Object, e.Value(), "the cookie stands in %s for everybody who may read the manifest", e.Called).Secret()
					}
				case setCookie.MatchString(value) && literal(setCookie.FindStringSubmatch(value)[3]):
					f.At(b.Object, e.Value(), "a cookie stands among the flags in %s", e.Called).Secret()
				}
			}
			words := c.Words()
			for i, w := range words {
				value := w.String()
				if (value == "--cookie" || value == "-setcookie") && i+1 < len(words) {
					value, w = value+" "+words[i+1].String(), words[i+1]
				}
				if m := setCookie.FindStringSubmatch(value); m != nil && literal(m[3]) {
					f.At(b.Object, w, "a cookie stands among the arguments of the container %s", c.Called).Secret()
				}
			}
		}
	}
	for _, o := range in.Objects.OfKind("ConfigMap") {
		for name, v := range o.At("data").Fields() {
			if strings.HasSuffix(name, "_COOKIE") && literal(v.String()) || name == ".erlang.cookie" {
				f.AtName(o, v, "a ConfigMap holds a cookie, %s; it is not kept secret as a Secret is", name).Secret()
			}
		}
	}
}

// generatedCookie finds cookies in kustomizations that make Secrets of them.
func generatedCookie(in *Input, f *Finder) {
	for _, g := range in.generated() {
		if cookieKey.MatchString(g.name) && literal(g.value) && !placeholder.MatchString(g.value) {
			f.At(g.by, g.at, "the cookie stands in the kustomization that makes a Secret of it (%s)", g.name).Secret().
				Mend("let the generator read a file that is not in the repository (envs:, files:), or make the Secret elsewhere")
		}
	}
}

// cookieSource is the Secret that a release's cookie comes from, and its key.
func (in *Input) cookieSource(b Beam) (secret *manifest.Object, key string) {
	e, ok := b.Container.EnvVar(beam.EnvReleaseCookie)
	ref := e.From().Key("secretKeyRef")
	if !ok || !ref.Exists() {
		return nil, ""
	}
	return in.Objects.Find(b.Object, "Secret", ref.Key("name").String()), ref.Key("key").String()
}

func spacedCookie(in *Input, f *Finder) {
	type shared struct{ image, namespace, cookie string }
	bare := map[shared]Beam{} // that have a cookie without white space
	for _, b := range in.Beams() {
		if _, value, ok := in.cookieOf(b); ok && literal(value) && strings.TrimSpace(value) == value {
			bare[shared{imageName(b.Container), b.Namespace, value}] = b
		}
	}
	for _, b := range in.Beams() {
		at, value, ok := in.cookieOf(b)
		if !ok || at.Object().Kind != "Secret" {
			continue
		}
		other, refused := bare[shared{imageName(b.Container), b.Namespace, strings.TrimSpace(value)}]
		switch {
		case strings.TrimSpace(value) == value:
			encodedTwice(f, at, value)
		case refused:
			f.AtName(at.Object(), at, "the cookie begins or ends with white space, which belongs to it, and that of %s does not: they refuse each other", other.Label()).Secret()
		default:
			f.AtName(at.Object(), at, "the cookie begins or ends with white space, which belongs to it").As(finding.Warning, Certain).Secret()
		}
	}
}

// cookieOf is the cookie of a release, and where it stands, as far as that is among the manifests.
func (in *Input) cookieOf(b Beam) (at manifest.Field, value string, ok bool) {
	if e, set := b.Container.EnvVar(beam.EnvReleaseCookie); set && e.Value().Exists() {
		return e.Value(), e.Value().String(), true
	}
	s, key := in.cookieSource(b)
	if s == nil {
		return manifest.Field{}, "", false
	}
	if at = s.At("stringData").Key(key); at.Exists() {
		return at, at.String(), true
	}
	if at = s.At("data").Key(key); !at.Exists() {
		return manifest.Field{}, "", false
	}
	value, err := manifest.Decoded(at)
	return at, value, err == nil // of what can't be decoded the API server says so
}

func encodedTwice(f *Finder, at manifest.Field, value string) {
	inner, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(inner) < 6 || at.Object().At("stringData").Key(at.Name()).Exists() {
		return
	}
	for _, r := range string(inner) {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return // random bytes, as openssl rand -base64 writes them
		}
	}
	f.AtName(at.Object(), at, "the cookie is base64 of a text: it was encoded twice, most likely").As(finding.Warning, Likely).Secret()
}

func cookieFile(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for m := range b.Container.Key("volumeMounts").Items() {
			path, sub := m.Key("mountPath"), m.Key("subPath")
			if !strings.HasSuffix(path.String(), ".erlang.cookie") && !strings.HasSuffix(sub.String(), ".erlang.cookie") {
				continue
			}
			group := b.Pod.At("securityContext.fsGroup")
			mode := volumeMode(b, m.Key("name").String())
			switch {
			case !group.Null():
				f.At(b.Object, path, "the cookie's file comes from a volume, and fsGroup lets a group read it").Also(group, "the group")
			case mode != "" && mode != "0400" && mode != "0600" && mode != "256" && mode != "384":
				f.At(b.Object, path, "the cookie's file comes from a volume with the mode %s, and the BEAM wants that of its owner alone", mode)
			}
		}
	}
}

func volumeMode(b Beam, name string) string {
	for v := range b.Pod.Key("volumes").Items() {
		if v.Key("name").String() != name {
			continue
		}
		if s := v.Key("secret"); s.Exists() {
			if m, ok := s.Key("defaultMode").Text(); ok {
				return m
			}
			return "0644"
		}
	}
	return ""
}

var namedWithout = regexp.MustCompile(`\b(elixir|iex|mix)\b.*--(s?name)\b`)

func cookieNowhere(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		root := b.Container.At("securityContext.readOnlyRootFilesystem")
		words := joined(b.Container)
		if root.True() && namedWithout.MatchString(words) && !strings.Contains(words, "cookie") && !strings.Contains(flags(b.Container), "cookie") {
			f.At(b.Object, root, "the root file system is read-only, and the node is given no cookie: it can't write one")
		}
	}
}

func otherCookie(in *Input, f *Finder) {
	if in.Project != nil && distillery(in.Project) {
		return // its vm.args may read any
	}
	for _, b := range in.Beams() {
		if _, ok := b.Container.EnvVar(beam.EnvReleaseCookie); ok || b.Container.EnvFrom() {
			continue
		}
		for e := range b.Container.Env() {
			switch e.Called {
			case "ERLANG_COOKIE", "NODE_COOKIE", "ERL_COOKIE", "COOKIE", "RELEASE_COOKIES", "ELIXIR_COOKIE", "BEAM_COOKIE":
			default:
				continue
			}
			if strings.Contains(flags(b.Container), "$("+e.Called+")") || in.readsVariable(e.Called) {
				continue
			}
			n := f.AtName(b.Object, e.Key("name"), "%s is set, and a release reads RELEASE_COOKIE", e.Called)
			if in.Project == nil {
				n.As(finding.Info, Hint).Saw("rel/env.sh.eex and the image's entrypoint were not seen; they may read it")
			} else {
				n.Edited(in.Objects.Replace(e.Key("name"), beam.EnvReleaseCookie))
			}
		}
	}
}

// distillery says whether Distillery builds the release, which has a start script of its own.
func distillery(p *project.Project) bool {
	return hasDep(p, "distillery") && p.EnvSh.Text == ""
}

// readsVariable says whether something of the project reads a variable.
func (in *Input) readsVariable(name string) bool {
	if in.Project == nil {
		return false
	}
	for _, v := range in.Project.Runtime {
		if v.Name == name {
			return true
		}
	}
	for _, file := range []string{"rel/env.sh.eex", "rel/vm.args.eex", "rel/overlays/bin/server", "entrypoint.sh", "docker-entrypoint.sh", "Dockerfile", "mix.exs"} {
		if strings.Contains(in.ProjectText(file), name) {
			return true
		}
	}
	return false
}

func noCookie(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		why := in.clustered(b)
		_, set := b.Container.EnvVar(beam.EnvReleaseCookie)
		if set || why == "" || b.Container.EnvFrom() || !in.several(b.Workload) || strings.Contains(flags(b.Container), "cookie") {
			continue
		}
		gives, may := in.givesCookie(b)
		if gives {
			continue
		}
		at := b.Container.Key("env")
		n := f.At(b.Object, at, "the nodes of %s are to be one mesh (%s), and get no RELEASE_COOKIE", b.Name, why)
		if may {
			n.As(finding.Info, Hint).Saw("mix.exs, rel/env.sh.eex or the image may give one")
		}
	}
	for _, t := range in.templateLines(randomText) {
		if cookieName.MatchString(t.text) && !strings.Contains(t.whole, "lookup ") {
			f.On(t.at.File, t.at, "Helm makes the cookie anew at each upgrade: old and new pods refuse each other").Secret()
		}
	}
}

var cookieName = regexp.MustCompile(`(?i)cookie["']?\s*:`)
