package debian

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/image/tree"
)

// alternative is a name that several packages have something for: libblas.so.3, convert. dpkg makes
// the symbolic link when a package's maintainer script says so. We run no script; but what scripts
// say of alternatives is nearly always plain words, and those are read.
type alternative struct {
	link, path string // below the root, with /usr merged
	priority   int
}

var forLoop = regexp.MustCompile(`^for\s+(\w+)\s+in\s+([^;]*)`)

// parseAlternatives reads the calls "update-alternatives --install LINK NAME PATH PRIORITY
// [--slave LINK NAME PATH]…" of a script, also in a for loop over words. What is put together
// in other ways is passed over.
func parseAlternatives(script string) (all []alternative) {
	var variable string
	words := []string{""}
	script = strings.ReplaceAll(script, "\\\n", " ")
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		if m := forLoop.FindStringSubmatch(line); m != nil {
			variable, words = m[1], strings.Fields(m[2])
			continue
		}
		if line == "done" {
			variable, words = "", []string{""}
		}
		f := strings.Fields(line)
		at := slices.Index(f, "--install")
		if at < 1 || len(f) < at+5 || !slices.ContainsFunc(f[:at], func(s string) bool { return strings.HasSuffix(s, "update-alternatives") }) {
			continue
		}
		priority, err := strconv.Atoi(f[at+4])
		if err != nil {
			continue
		}
		pairs := [][2]string{{f[at+1], f[at+3]}}
		for rest := f[at+5:]; len(rest) >= 4 && rest[0] == "--slave"; rest = rest[4:] {
			pairs = append(pairs, [2]string{rest[1], rest[3]})
		}
		for _, word := range words {
			for _, p := range pairs {
				link, ok := plainPath(p[0], variable, word)
				path, ok2 := plainPath(p[1], variable, word)
				if ok && ok2 {
					all = append(all, alternative{link, path, priority})
				}
			}
		}
	}
	return all
}

// plainPath gives the path that a word of a script stands for, with the loop's variable in it.
func plainPath(s, variable, value string) (string, bool) {
	s = strings.Trim(s, `"'`)
	if variable != "" {
		s = strings.NewReplacer("${"+variable+"}", value, "$"+variable, value).Replace(s)
	}
	name, ok := strings.CutPrefix(s, "/")
	if !ok || strings.ContainsAny(name, "$`\"'\\*?") || !localPath(name) {
		return "", false
	}
	return merged(name), true
}

// formatAlternatives writes what readAlternatives reads.
func formatAlternatives(all []alternative) string {
	var b strings.Builder
	for _, a := range all {
		fmt.Fprintf(&b, "%d\t%s\t%s\n", a.priority, a.link, a.path)
	}
	return b.String()
}

func readAlternatives(text string) (all []alternative) {
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		priority, err := strconv.Atoi(f[0])
		if err == nil && len(f) == 3 {
			all = append(all, alternative{f[1], f[2], priority})
		}
	}
	return all
}

// addAlternatives makes the symbolic links of packages that are there whole. Of several the
// highest priority wins, as with dpkg.
func (a *assembly) addAlternatives(debs []*deb) {
	best := map[string]alternative{}
	for _, d := range debs {
		for _, alt := range d.alternatives {
			if was, ok := best[alt.link]; !leftOut(alt.link) && a.build.has(alt.path) && (!ok || alt.priority > was.priority) {
				best[alt.link] = alt
			}
		}
	}
	for link, alt := range best {
		if !a.build.has(link) {
			a.build.put(tree.Symlink(link, "/"+alt.path))
		}
	}
}
