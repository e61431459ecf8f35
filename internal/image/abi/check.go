package abi

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
)

// Check says what keeps a release from running on a base, in an image with this environment ("KEY=VALUE") and
// architecture (Go's name). Each cause is one finding, however many files it bites.
func Check(r *Release, base *Root, env []string, arch string) []finding.Finding {
	arch, _, _ = strings.Cut(arch, "/") // arm/v7
	c := &checker{r: r, base: base, arch: arch, groups: map[key]*group{}, fits: map[fit]bool{}}
	c.linker = newLinker(r, base, env, arch)
	c.baseArch()
	c.objects()
	c.foreign()
	c.programs(env)
	return c.findings()
}

// checker collects causes.
type checker struct {
	r         *Release
	base      *Root
	arch      string
	linker    *linker
	otherBase string // the base's architecture, where it is another than the image's
	groups    map[key]*group
	fits      map[fit]bool // applications that bring something that does run here
}

type fit struct {
	app     string
	library bool
}

// key is a cause.
type key struct {
	code     finding.Code
	severity finding.Severity
	what     string
}

// group is what bears witness to a cause.
type group struct {
	files    []string
	details  map[string][]string // of a file: what it is about
	problems []problem
	subject  string
}

func (c *checker) add(k key, file, detail string) *group {
	g := c.groups[k]
	if g == nil {
		g = &group{details: map[string][]string{}}
		c.groups[k] = g
	}
	if _, known := g.details[file]; !known {
		g.files = append(g.files, file)
		g.details[file] = nil
	}
	if detail != "" && !slices.Contains(g.details[file], detail) {
		g.details[file] = append(g.details[file], detail)
	}
	return g
}

// baseArch sees whether the base is for this architecture at all.
func (c *checker) baseArch() {
	others := map[string]int{}
	for _, n := range c.base.files {
		if n.ELF == nil {
			continue
		}
		a := archOf(n.ELF)
		if a == c.arch {
			return
		}
		others[a]++
	}
	for a, n := range others {
		if most := others[c.otherBase]; n > most || n == most && a < c.otherBase {
			c.otherBase = a
		}
	}
	if c.otherBase != "" {
		c.add(key{finding.OtherArchitecture, finding.Error, c.otherBase}, "the base", "")
	}
}

// objects goes through everything compiled for Linux.
func (c *checker) objects() {
	names := c.r.objects()
	if e := c.r.emulator(); e != "" { // it says most
		names = slices.Insert(slices.DeleteFunc(names, func(n string) bool { return n == e }), 0, e)
	}
	var wrong, apart []string
	problems := map[string][]problem{}
	covered := map[string]bool{} // libraries that were loaded as somebody's
	for _, name := range names {
		o := c.r.files[name].ELF
		switch {
		case archOf(o) != c.arch:
			wrong = append(wrong, name)
		case c.otherBase != "":
		case c.noLoader(o):
			apart = append(apart, name)
		default:
			found, reached := c.linker.link(name)
			problems[name] = found
			for _, lib := range reached {
				covered[lib] = true
			}
			if len(found) == 0 {
				c.fits[fit{c.r.app(name), isLibrary(name)}] = true
			}
		}
	}
	for _, name := range wrong {
		c.add(key{finding.OtherArchitecture, c.severity(name, true), archOf(c.r.files[name].ELF)}, name, "")
	}
	for _, name := range apart {
		c.addLoader(name)
	}
	for _, name := range names {
		if covered[name] && c.r.files[name].ELF.Interp == "" {
			continue // it was looked at with whoever needs it, whose paths lead to what it needs itself
		}
		for _, p := range problems[name] {
			c.addProblem(p)
		}
	}
	for _, name := range broken(c.r.files) {
		k := key{finding.NotRunnable, c.severity(name, false), ""}
		if c.r.files[name].Problem == tooLarge {
			k.code, k.severity, k.what = finding.NotChecked, finding.Warning, name
		}
		c.add(k, name, c.r.files[name].Problem)
	}
}

func broken(f files) (names []string) {
	for name, n := range f {
		if n.Problem != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// noLoader says whether the base lacks what would load a file at all.
func (c *checker) noLoader(o *object) bool {
	if o.Interp == "" && len(o.Needed) == 0 {
		return false // static, or a library that needs nobody
	}
	name, libc := c.linker.loader(o)
	if name == "" || o.Interp != "" {
		return name == ""
	}
	wants := libcOf(o)
	if wants == "" || libc == "" || wants == libc {
		return false
	}
	return c.linker.loaderOf(wants) == "" // both may be there: Alpine's gcompat
}

func (c *checker) addLoader(name string) {
	o := c.r.files[name].ELF
	libc := libcOf(o)
	what := libc
	if what == "" {
		what = o.Interp
	}
	g := c.add(key{finding.LoaderMissing, c.severity(name, true), what}, name, "")
	if g.subject == "" {
		g.subject = o.Interp
	}
	if g.subject == "" && libc == musl {
		g.subject = platforms[c.arch].musl
	}
	if g.subject == "" {
		g.subject = platforms[c.arch].glibc
	}
}

func (c *checker) addProblem(p problem) {
	by := ""
	if p.by != p.file {
		by = "by way of " + p.by
	}
	k := key{finding.LibraryMissing, c.severity(p.file, false), p.library}
	detail := by
	switch p.kind {
	case missing:
		if len(c.linker.others(p.library)) > 0 {
			k.code = finding.LibraryOther
		}
	case lacking:
		k.code, k.what = finding.LibraryOther, familyOf(p)
		detail = strings.TrimSpace(p.version + " of " + p.library + " " + by)
	case unchecked:
		k.code, k.severity = finding.NotChecked, finding.Warning
	}
	g := c.add(k, p.file, detail)
	g.problems = append(g.problems, p)
}

// familyOf names what is to be of another version: glibc is one thing, though many libraries.
func familyOf(p problem) string {
	switch {
	case strings.HasPrefix(p.version, "GLIBC_"):
		return glibc
	default:
		return "versions of " + p.library
	}
}

// severity is that of a file that can't be loaded. Packages for several platforms bring what is
// for others beside what is for this one, and wx is loaded only where somebody opens a window.
func (c *checker) severity(name string, otherPlatform bool) finding.Severity {
	app := c.r.app(name)
	switch {
	case app == "":
		return finding.Error
	case strings.HasPrefix(app, "wx-"):
		return finding.Warning
	case !otherPlatform || !c.fits[fit{app, isLibrary(name)}]:
		return finding.Error
	case !isLibrary(name) || platformName.MatchString(strings.ToLower(path.Clean(c.r.within(name)))):
		return finding.Warning
	}
	return finding.Error
}

// platformName finds the name of a platform in a path, as in priv/native/nif-aarch64-apple-darwin.so.
var platformName = regexp.MustCompile(`(^|[^a-z0-9])(x86_64|x86-64|amd64|x64|i[36]86|386|aarch64|arm64|armv[67][a-z]*|armhf|arm|riscv64(gc)?|` +
	`powerpc64le|ppc64le|s390x|linux|musl|gnu|darwin|macos|osx|apple|windows|win32|win64|mingw|msvc|freebsd)([^a-z0-9]|$)`)

// foreign goes through what is for other systems. Windows' own files in a release that is for
// Linux otherwise are ballast that nobody there loads (file_system brings one everywhere).
func (c *checker) foreign() {
	var names []string
	for name, system := range c.r.foreign {
		if system == "Windows" && c.r.emulator() != "" {
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c.add(key{finding.NotRunnable, c.severity(name, true), c.r.foreign[name]}, name, "")
	}
}

// programs goes through what the scripts call, and says where that could not be seen.
func (c *checker) programs(env []string) {
	gone := missingPrograms(c.r, c.base, env)
	severities := map[string]finding.Severity{} // of a program: the worst of its calls
	for _, call := range gone {
		severity := finding.Error
		if !call.chain || call.may {
			severity = finding.Warning
		}
		severities[call.name] = max(severities[call.name], severity)
	}
	for _, call := range gone {
		c.add(key{finding.ProgramMissing, severities[call.name], ""}, printable(call.name), call.where())
	}
	for _, s := range c.r.scripts {
		if s.problem != "" {
			c.add(key{finding.NotChecked, finding.Warning, s.name}, s.name, s.problem)
		}
	}
}
