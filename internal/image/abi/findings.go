package abi

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/finding"
)

// findings words the causes, those first that keep the release from starting.
func (c *checker) findings() []finding.Finding {
	var all []finding.Finding
	for k, g := range c.groups {
		f := c.word(k, g)
		f.Severity = k.severity
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Cause, b.Cause))
	})
	return all
}

func (c *checker) word(k key, g *group) finding.Finding {
	v := finding.Values{"files": some(g.files), "base": c.likeBase()}
	subject := k.what
	switch k.code {
	case finding.LibraryOther:
		subject, v["offers"] = c.offers(g)
	case finding.LibraryMissing:
		v["install"] = "install the package that holds it in the base"
		if p := packageOf(subject, c.base); p != "" {
			v["install"] = "install " + p + " in the base"
		}
	case finding.OtherArchitecture:
		subject, v["has"], v["wants"] = g.files[0], k.what, c.arch
	case finding.LoaderMissing:
		subject = g.subject
		v["libc"] = cmp.Or(libcOfLoader(subject), "another system")
		v["offers"] = c.loaders()
	case finding.ProgramMissing:
		subject, v["programs"] = some(g.files), list(g.files)
		v["install"] = c.installPrograms(g.files)
	case finding.NotRunnable:
		subject = g.files[0]
		v["why"], v["build"] = "built for "+k.what, "build the release on Linux, on "+c.likeBase()+" or in a container of it, without a _build that came from elsewhere"
		if k.what == "" {
			v["why"], v["build"] = "broken: "+strings.Join(g.details[subject], ", "), "build or download it again, and see that the disk was not full"
		}
	case finding.NotChecked:
		v["why"] = strings.Join(g.details[g.files[0]], ", ")
		if len(g.problems) > 0 {
			subject, v["why"] = g.problems[0].at, g.problems[0].why
		}
	}
	return finding.New(k.code, subject, v, c.evidence(g)...)
}

// most is how many files a finding names.
const most = 8

func (c *checker) evidence(g *group) (lines []string) {
	for i, file := range g.files {
		if i == most {
			return append(lines, fmt.Sprintf("and %d more", len(g.files)-most))
		}
		line := file
		if d := g.details[file]; len(d) > 0 {
			line += ": " + list(d)
		}
		lines = append(lines, line)
	}
	return lines
}

// some names the first of several and counts the others.
func some(names []string) string {
	switch n := len(names); {
	case n == 0:
		return ""
	case n <= 2:
		return strings.Join(names, " and ")
	default:
		return fmt.Sprintf("%s and %d more", names[0], n-1)
	}
}

// list names all, within reason.
func list(names []string) string {
	const limit = 12
	if len(names) > limit {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], ", "), len(names)-limit)
	}
	return strings.Join(names, ", ")
}

// likeBase names the base as a place to build on.
func (c *checker) likeBase() string {
	return cmp.Or(c.base.Name(), "the base's own distribution")
}

// offers says what is asked for at most, and what there is instead.
func (c *checker) offers(g *group) (subject, offers string) {
	var versions []string
	for _, p := range g.problems {
		if p.kind == lacking {
			versions = append(versions, p.version)
		}
	}
	p := g.problems[0]
	if len(versions) == 0 {
		return p.library, "the base has " + list(c.linker.others(p.library)) + " in its place"
	}
	subject = slices.MaxFunc(versions, compareVersions)
	for _, q := range g.problems { // libm and the like go up only where they changed
		if q.version == subject || q.library == "libc.so.6" {
			if p = q; q.library == "libc.so.6" {
				break
			}
		}
	}
	lib, n, ok := p.at, node{}, false
	if strings.HasPrefix(subject, "GLIBC_") {
		if found, of, there := c.linker.find("libc.so.6", &loaded{name: p.file, object: c.r.files[p.file].ELF}); there {
			lib, n, ok = found, of, true
		}
	}
	if !ok {
		n, _ = c.linker.layers.get(lib)
	}
	called := path.Base(lib) + " of the base"
	if _, own := c.r.files[lib]; own {
		called = lib + " of the release"
	} else if n.ELF != nil && n.ELF.Soname != "" {
		called = n.ELF.Soname + " of the base"
	}
	if n.ELF != nil {
		if top := highest(n.ELF.Defines, subject); top != "" {
			return subject, called + " goes up to " + top
		}
	}
	return subject, called + " has no version of that name"
}

// highest gives the highest version of the same family as one, or "".
func highest(defined []string, like string) (top string) {
	family, _ := splitVersion(like)
	for _, d := range defined {
		if f, numbers := splitVersion(d); f == family && len(numbers) > 0 && (top == "" || compareVersions(d, top) > 0) {
			top = d
		}
	}
	return top
}

// splitVersion takes GLIBC_2.3.4 apart: GLIBC_, 2, 3, 4.
func splitVersion(v string) (family string, numbers []int) {
	i := strings.LastIndexByte(v, '_') + 1
	for _, part := range strings.Split(v[i:], ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return v, nil
		}
		numbers = append(numbers, n)
	}
	return v[:i], numbers
}

func compareVersions(a, b string) int {
	fa, na := splitVersion(a)
	fb, nb := splitVersion(b)
	return cmp.Or(cmp.Compare(fa, fb), slices.Compare(na, nb), cmp.Compare(a, b))
}

// loaders says which dynamic loaders the base has.
func (c *checker) loaders() string {
	var there []string
	for _, libc := range []string{glibc, musl} {
		if name := c.linker.loaderOf(libc); name != "" {
			there = append(there, name+" ("+libc+")")
		}
	}
	if len(there) == 0 {
		return "it has none at all"
	}
	return "it has " + list(there)
}

// others gives libraries of the base that are of the same name but for the number behind it: libcrypto.so.3 for
// libcrypto.so.1.1.
func (l *linker) others(lib string) (found []string) {
	stem, _, ok := strings.Cut(lib, ".so.")
	if !ok {
		return nil
	}
	in := map[string]bool{}
	for _, dir := range slices.Concat(l.libPath, l.defaults[glibc], l.defaults[musl]) {
		if at, ok := l.layers.follow(dir); ok {
			in[at] = true
		}
	}
	for name, n := range l.base.files {
		if n.ELF == nil || archOf(n.ELF) != l.arch || !in[path.Dir(name)] {
			continue
		}
		if called := cmp.Or(n.ELF.Soname, path.Base(name)); called != lib && strings.HasPrefix(called, stem+".so.") {
			found = append(found, called)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// printable shows what can't be seen, such as the carriage return of a file written on Windows.
func printable(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}

// where says which line of which script calls a program.
func (c call) where() string {
	if c.line == 0 {
		return "the release brings no Erlang of its own (include_erts: false)"
	}
	return fmt.Sprintf("%s line %d", c.script, c.line)
}
