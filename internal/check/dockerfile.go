package check

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// forOthers are Dockerfiles that are not of what is deployed, by their names.
var forOthers = regexp.MustCompile(`(?i)(^|[./_-])(dev|devel|development|devcontainer|tests?|e2e|ci|local|docs?|bench)([./_-]|$)`)

// deployed are the Dockerfiles that make the image of a release, or of the app in another way.
func (in *Input) deployed() (all []project.Dockerfile) {
	if in.Project == nil {
		return nil
	}
	for _, d := range in.Project.Dockerfiles {
		if len(d.Stages) == 0 || forOthers.MatchString(d.File) {
			continue
		}
		if slices.ContainsFunc(d.Stages, func(s project.Stage) bool {
			return slices.ContainsFunc(s.Instructions, func(i project.Instruction) bool {
				return (i.Name == "RUN" || i.Name == "CMD" || i.Name == "ENTRYPOINT") && usesMix.MatchString(runText(i))
			})
		}) {
			all = append(all, d)
		}
	}
	return all
}

var usesMix = regexp.MustCompile(`(^|[\s/"'])(mix|iex)\s`)

// runText is all that an instruction gives to a shell.
func runText(i project.Instruction) string { return strings.Join(i.Words, " ") + "\n" + i.Document }

// takesRelease says whether the image of a Dockerfile gets a release from another stage, and which that is.
func takesRelease(d project.Dockerfile) (builder int, ok bool) {
	builder, _, ok = d.Release()
	if !ok {
		return 0, false
	}
	for s := d.Final(); s >= 0; s = d.Stages[s].Image.Stage {
		if s == builder {
			return builder, false // it is built in there
		}
	}
	for _, i := range d.Chain(d.Final()) {
		if i.Name == "COPY" && slices.ContainsFunc(i.Flags, func(f string) bool { return strings.HasPrefix(f, "--from=") }) && releasePath.MatchString(strings.Join(i.Words, " ")) {
			return builder, true
		}
	}
	return 0, false
}

var releasePath = regexp.MustCompile(`/rel\b|release|_build`)

// withoutERTS says whether releases go without an Erlang of their own.
func (in *Input) withoutERTS() bool {
	for _, m := range in.Project.Mixes() {
		for _, r := range m.ReleaseSpecs {
			if e := r.Options.Get("include_erts"); !e.Absent() && !e.Is("true") {
				return true
			}
		}
	}
	return false
}

func otherBase(in *Input, f *Finder) {
	for _, d := range in.deployed() {
		builder, ok := takesRelease(d)
		from, to := d.Base(builder), d.Base(d.Final())
		if !ok || !from.Ref.Known() || !to.Ref.Known() || in.withoutERTS() {
			continue
		}
		b, r := readBase(from.Ref.Value), readBase(to.Ref.Value)
		if b.family == "" || r.family == "" || r.program != "" && b.family == r.family {
			continue
		}
		var why string
		severity, sure := warningLikely()
		switch {
		case b.family != r.family && (b.family == alpine || r.family == alpine):
			why = "the one has musl and the other glibc, and a program of the one does not run on the other"
			if !from.ByArg && !to.ByArg { // else another may be given
				severity, sure = finding.Error, Certain
			}
		case b.family != r.family:
			why = "their libraries are of different versions"
		case b.release == "" || r.release == "" || b.release == r.release:
			continue
		case b.family == alpine && newer("3.17", b.release) == newer("3.17", r.release): // the same OpenSSL
			why, severity, sure = "their libraries may be of different versions", finding.Info, Hint
		case newer(b.release, r.release):
			why = "what was built on the newer one may not find its C library there"
		default:
			why = "the newer one may lack libraries of the older, such as libcrypto's"
		}
		f.In(d.File, d.Stages[d.Final()].At, "the release is built on %s and runs on %s: %s", b, r, why).As(severity, sure)
	}
}

// small are packages that bring no C++ library with them.
var small = regexp.MustCompile(`^(openssl|libssl[0-9.a-z]*|ca-certificates|locales|ncurses[a-z-]*|libncurses[a-z0-9-]*|bash|curl|wget|tini|dumb-init|tzdata|libgcc|zlib|iproute2|bind-tools|dnsutils|netcat[a-z-]*|su-exec|gosu|procps|jq|busybox[a-z-]*)$`)

// between is what stands between the commands of a shell's line.
var between = regexp.MustCompile(`&&|;|\|\||\n`)

// installed are the packages that a shell's lines install; sure is false where they are computed.
func installed(text string) (packages []string, sure bool) {
	sure = true
	for _, line := range between.Split(text, -1) {
		words := strings.Fields(line)
		add := slices.IndexFunc(words, func(w string) bool { return w == "add" || w == "install" })
		if add < 1 || !slices.ContainsFunc(words[:add], func(w string) bool { return w == "apk" || w == "apt-get" || w == "apt" }) {
			continue
		}
		for _, w := range words[add+1:] {
			if strings.ContainsAny(w, "$`(") {
				sure = false
			} else if !strings.HasPrefix(w, "-") && w != `\` {
				name, _, _ := strings.Cut(w, "=")
				packages = append(packages, name)
			}
		}
	}
	return packages, sure
}

func missingLibraries(in *Input, f *Finder) {
	for _, d := range in.deployed() {
		base := d.Base(d.Final())
		builder, ok := takesRelease(d)
		if !ok || !base.Ref.Known() || !readBase(base.Ref.Value).bare || in.withoutERTS() {
			continue
		}
		b, otp := readBase(base.Ref.Value), readBase(d.Base(builder).Ref.Value).otp()
		if otp > 0 && otp < 24 {
			continue // it has no JIT, which is what is written in C++
		}
		var packages []string
		whole := true
		for _, i := range d.Chain(d.Final()) {
			if i.Name == "RUN" {
				more, sure := installed(runText(i))
				packages, whole = append(packages, more...), whole && sure
			}
			if i.Name == "COPY" && strings.Contains(runText(i), "/lib") && !releasePath.MatchString(runText(i)) {
				whole = false // libraries are copied
			}
		}
		has := func(word string) bool {
			return slices.ContainsFunc(packages, func(p string) bool { return strings.HasPrefix(p, word) })
		}
		lacks, wanted := "libstdc++, which the BEAM's JIT is linked against", "libstdc++ libgcc ncurses-libs openssl"
		there := has("libstdc++")
		if b.family != alpine { // apt itself is written in C++, so the library is there
			lacks, wanted = "OpenSSL, which the BEAM's crypto is linked against", "openssl"
			there = slices.ContainsFunc([]string{"openssl", "libssl", "ca-certificates", "curl"}, has) || // the last two need it
				b.family == debian && !slices.Contains([]string{"", "10", "11", "12"}, b.release) // as apt does since
		}
		if !whole || there || slices.ContainsFunc(packages, func(p string) bool { return !small.MatchString(p) }) {
			continue
		}
		n := f.In(d.File, d.Stages[d.Final()].At, "the runner is a bare %s, and nothing installs %s", b, lacks).
			As(warningLikely()).Mend("install %s in the last stage", wanted)
		if otp == 0 {
			n.As(finding.Info, Hint).Saw("the build's image does not say its OTP; before 24 there was no JIT")
		}
	}
}

func floatingBase(in *Input, f *Finder) {
	for _, d := range in.deployed() {
		told := map[string]bool{}
		for _, s := range d.Stages {
			if told[s.Image.Ref.Value] || s.Image.Stage >= 0 || !s.Image.Ref.Known() || s.Image.Ref.Value == "scratch" {
				continue
			}
			why, latest := readBase(s.Image.Ref.Value).floats()
			if why == "" {
				continue
			}
			told[s.Image.Ref.Value] = true
			n := f.In(d.File, s.At, "the build begins with %s: %s", s.Image.Ref.Value, why)
			if !latest {
				n.As(finding.Info, Hint)
			}
		}
	}
}

func secretInImage(in *Input, f *Finder) {
	for _, d := range in.deployed() {
		for _, i := range d.Chain(d.Final()) {
			if i.Name != "ENV" && i.Name != "ARG" {
				continue
			}
			set := i.Set()
			for _, name := range slices.Sorted(maps.Keys(set)) {
				value := set[name]
				if strings.Contains(value, "$") {
					continue
				}
				if inURL, itself := secretIn(name, value); inURL || itself {
					f.In(d.File, i.At, "%s sets %s in the image, where everybody who can pull it reads it", i.Name, name).Secret()
				}
			}
		}
	}
}

func latin1(in *Input, f *Finder) {
	if in.Project.EnvSh.Text != "" && (strings.Contains(in.Project.EnvSh.Text, "LANG") || strings.Contains(in.Project.EnvSh.Text, "LC_ALL")) {
		return
	}
	for _, v := range in.Project.VMArgs {
		if v.Taken && strings.Contains(v.Text, "+fnu") {
			return
		}
	}
	if in.every(setsLanguage) {
		return
	}
	for _, d := range in.deployed() {
		base := d.Base(d.Final())
		if _, ok := takesRelease(d); !ok || !base.Ref.Known() {
			continue
		}
		env := d.Env(d.Final())
		for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
			v, ok := env[name]
			if !ok || v.Known() && v.Value == "" {
				continue
			}
			if lower := strings.ToLower(v.Value); v.Known() && !strings.Contains(lower, "utf-8") && !strings.Contains(lower, "utf8") {
				f.In(d.File, v.At, "%s is %s in the image, which is not UTF-8", name, v.Value)
			}
			env = nil
			break
		}
		options, set := env[beam.EnvElixirErlOptions]
		if b := readBase(base.Ref.Value); env != nil && b.bare && b.family != alpine && (!set || options.Known() && !strings.Contains(options.Value, "+fnu")) {
			f.In(d.File, d.Stages[d.Final()].At, "the image has no LANG, so the BEAM takes file names and output for Latin-1")
		}
	}
}

func setsLanguage(b Beam) bool {
	for _, name := range []string{"LANG", "LC_ALL", "LC_CTYPE"} {
		if _, ok := b.Container.EnvVar(name); ok {
			return true
		}
	}
	return b.Container.EnvFrom() || strings.Contains(flags(b.Container), "+fnu")
}

func rootInImage(in *Input, f *Finder) {
	settled := func(b Beam) bool {
		for _, where := range []string{"runAsUser", "runAsNonRoot"} {
			if b.Container.At("securityContext."+where).Exists() || b.Pod.At("securityContext."+where).Exists() {
				return true
			}
		}
		return false
	}
	if in.every(settled) {
		return
	}
	for _, d := range in.deployed() {
		user, ok := d.Last(d.Final(), "USER")
		base := d.Base(d.Final())
		switch {
		case ok && len(user.Words) > 0 && (user.Words[0] == "root" || user.Words[0] == "0" || strings.HasPrefix(user.Words[0], "0:") || strings.HasPrefix(user.Words[0], "root:")):
			f.In(d.File, user.At, "the image runs as root")
		case ok || !base.Ref.Known():
		case readBase(base.Ref.Value).bare || readBase(base.Ref.Value).program != "":
			f.In(d.File, d.Stages[d.Final()].At, "the image has no USER, so it runs as root")
		}
	}
}

func wholeLanguage(in *Input, f *Finder) {
	for _, d := range in.deployed() {
		base := d.Base(d.Final())
		if _, _, ok := d.Release(); !ok || !base.Ref.Known() {
			continue
		}
		if b := readBase(base.Ref.Value); b.program != "" && !b.slim && b.family != alpine {
			f.In(d.File, d.Stages[d.Final()].At, "the image stands on %s, which has compilers and an Erlang of its own beside the release's", base.Ref.Value)
		}
	}
}
