package check

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// Ignore is a decision to leave findings as they are, from a comment or from phial-check.yaml.
type Ignore struct {
	Codes  []string // codes or families
	Path   string   // a glob of files; empty = every one. ** stands for any directories
	Object string   // KIND NAME or KIND NAMESPACE/NAME; empty = every one
	Reason string
	Until  time.Time // the last day that it holds; zero = for ever
	At     manifest.Position

	from, to int // lines of the file that it covers; of a comment alone
}

const dateFormat = "2006-01-02"

// A comment is "phial:ignore CODE[,CODE] REASON [until DATE]", behind # or //.
var (
	marker = "phial:ignore"
	until  = regexp.MustCompile(`(?i)[ \t,;(]*\buntil[ \t]+(\S+?)[).;]*[ \t]*$`)
)

// comments finds the decisions in a file's comments, and says which can't count.
func comments(file, text string) (all []Ignore, problems manifest.Problems) {
	if !strings.Contains(text, marker) {
		return nil, nil
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		at := strings.Index(l, marker)
		if at < 0 {
			continue
		}
		before := strings.TrimRight(l[:at], " \t")
		start, ok := strings.CutSuffix(before, "#")
		if !ok {
			if start, ok = strings.CutSuffix(before, "//"); !ok {
				continue // no comment
			}
		}
		pos := manifest.Position{File: file, Line: i + 1, Column: len([]rune(l[:at])) + 1}
		ignore, err := parseIgnore(l[at+len(marker):])
		if err != nil {
			problems = append(problems, manifest.Problem{Position: pos, Text: err.Error()})
			continue
		}
		ignore.At = pos
		if strings.TrimRight(start, "# \t/") != "" {
			ignore.from, ignore.to = i+1, i+1
		} else {
			ignore.from, ignore.to = block(lines, i+1)
		}
		all = append(all, ignore)
	}
	return all, problems
}

func parseIgnore(text string) (Ignore, error) {
	codes, reason, _ := strings.Cut(strings.TrimSpace(strings.TrimSuffix(text, "\r")), " ")
	var i Ignore
	for c := range strings.SplitSeq(codes, ",") {
		c = ruled(strings.ToUpper(strings.TrimSuffix(c, ":")))
		if c == "" {
			return i, fmt.Errorf("%s names no rule: write %s CODE REASON", marker, marker)
		}
		if err := known("", c); err != nil {
			return i, err
		}
		i.Codes = append(i.Codes, c)
	}
	if m := until.FindStringSubmatchIndex(reason); m != nil {
		day, err := time.Parse(dateFormat, reason[m[2]:m[3]])
		if err != nil {
			return i, fmt.Errorf("%s %s: %q is no day: write it as until 2027-01-31", marker, codes, reason[m[2]:m[3]])
		}
		i.Until, reason = day, reason[:m[0]]
	}
	if i.Reason = strings.TrimSpace(reason); i.Reason == "" {
		return i, fmt.Errorf("%s %s says no reason, so it does not count: write why it is right as it is, behind the code", marker, codes)
	}
	return i, nil
}

// block is what stands below a comment on a line of its own: the next line, and those after it that are further to the
// right. i is the index of the line after the comment.
func block(lines []string, i int) (from, to int) {
	comment := func(l string) bool {
		l = strings.TrimSpace(l)
		return l == "" || strings.HasPrefix(l, "#") || strings.HasPrefix(l, "//")
	}
	for i < len(lines) && (comment(lines[i]) || strings.HasPrefix(lines[i], "---")) {
		i++
	}
	if i == len(lines) {
		return i, i
	}
	indent := func(l string) int { return len(l) - len(strings.TrimLeft(l, " \t")) }
	end := i + 1
	for end < len(lines) && (comment(lines[end]) || indent(lines[end]) > indent(lines[i])) {
		end++
	}
	return i + 1, end
}

// covers says whether it is about a finding.
func (i *Ignore) covers(n *Finding) bool {
	if !slices.Contains(i.Codes, string(n.Code)) && !slices.Contains(i.Codes, n.Code.Family()) {
		return false
	}
	if i.from > 0 {
		if n.At.File != i.At.File {
			return false
		}
		if n.At.Line >= i.from && n.At.Line <= i.to {
			return true
		}
		// Above the object's first line it is about the whole object.
		o := n.object
		return o != nil && i.from == o.Line && i.At.Line < i.from && i.At.Line >= o.Begin-1
	}
	if i.Path != "" && !covers(i.Path, i.At.File, n.At.File) {
		return false
	}
	if i.Object == "" || i.Object == n.Subject {
		return true
	}
	// Without the namespace, which overlays may set.
	kind, name, _ := strings.Cut(n.Subject, " ")
	_, name, _ = strings.Cut(name, "/")
	return i.Object == kind+" "+name
}

func (i *Ignore) expired(now time.Time) bool {
	return !i.Until.IsZero() && now.After(i.Until.AddDate(0, 0, 1))
}

// covers says whether a glob of phial-check.yaml is about a file: it matches it, or is the name of a directory that it lies in,
// as seen from phial-check.yaml, so that what stands around the project has no part in it.
func covers(pattern, config, file string) bool {
	pattern = strings.TrimPrefix(pattern, "./")
	if glob(pattern, filepath.ToSlash(file)) {
		return true
	}
	last := path.Base(pattern)
	if rel, err := filepath.Rel(filepath.Dir(config), file); err == nil && filepath.IsLocal(rel) {
		file = rel
	}
	return !strings.ContainsAny(last, `*?[\`) && glob(strings.TrimSuffix(pattern, "/")+"/**", filepath.ToSlash(file))
}

// glob matches a path, as a whole or from any directory in it on; ** stands for any directories.
func glob(pattern, file string) bool {
	parts, of := strings.Split(pattern, "/"), strings.Split(strings.TrimPrefix(file, "./"), "/")
	for from := range of {
		if globParts(parts, of[from:]) {
			return true
		}
	}
	return false
}

func globParts(pattern, of []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			rest := pattern[1:]
			for len(rest) > 0 && rest[0] == "**" {
				rest = rest[1:]
			}
			if len(rest) == 0 {
				return true
			}
			for i := range of {
				if globParts(rest, of[i:]) {
					return true
				}
			}
			return false
		}
		if len(of) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], of[0]); err != nil || !ok {
			return false
		}
		pattern, of = pattern[1:], of[1:]
	}
	return len(of) == 0
}

// suppressor takes out what somebody decided about.
type suppressor struct {
	in      *Input
	options Options
	report  *Report
	files   map[string][]Ignore
	refused []manifest.Problem
	expired map[manifest.Position]*Ignore
}

func (s *suppressor) run(found []*Finding) []*Finding {
	s.files, s.expired = map[string][]Ignore{}, map[manifest.Position]*Ignore{}
	if s.in.Objects != nil {
		for _, o := range s.in.Objects.Objects {
			s.of(o.File)
		}
	}
	var kept []*Finding
	for _, n := range found {
		below := n.Beneath
		n.Beneath = nil
		for i := range below {
			if !s.suppress(&below[i]) {
				n.Beneath = append(n.Beneath, below[i])
			}
		}
		if !s.suppress(n) {
			kept = append(kept, n)
		}
	}
	return kept
}

// of gives the decisions in a file's comments.
func (s *suppressor) of(file string) []Ignore {
	all, ok := s.files[file]
	if !ok {
		text, _ := s.in.Text(file)
		var refused manifest.Problems
		all, refused = comments(file, text)
		s.files[file] = all
		s.refused = append(s.refused, refused...)
	}
	return all
}

func (s *suppressor) suppress(n *Finding) bool {
	comments := s.of(n.At.File)
	for _, list := range [][]Ignore{comments, s.options.Ignore} {
		for k := range list {
			i := &list[k]
			if !i.covers(n) {
				continue
			}
			if i.expired(s.in.Now) {
				s.expired[i.At] = i
				continue
			}
			s.report.Suppressed = append(s.report.Suppressed, Suppressed{*n, i.At.String(), i.Reason})
			return true
		}
	}
	if b := s.options.Baseline; b != nil && b.has(n) {
		s.report.Suppressed = append(s.report.Suppressed, Suppressed{*n, b.Name, "it was there before"})
		return true
	}
	return false
}

// extra are findings about the suppressions themselves.
func (s *suppressor) extra(rules []*Rule) []*Finding {
	var all []*Finding
	add := func(code finding.Code, at manifest.Position, format string, args ...any) {
		for _, r := range rules {
			if r.Code == code {
				f := Finder{in: s.in, rule: r}
				n := f.On(at.File, span(at, len(marker)), format, args...)
				n.weigh(r)
				all = append(all, n)
			}
		}
	}
	for _, p := range s.refused {
		add(SuppressionRefused, p.Position, "%s", p.Text)
	}
	for _, e := range s.options.Exclude {
		if e.Found {
			continue
		}
		for _, r := range rules {
			if r.Code == SuppressionRefused {
				f := Finder{in: s.in, rule: r}
				n := f.On(e.At.File, span(e.At, len([]rune(e.Glob))), "exclude has %s, and no file is called so: it leaves nothing out", e.Glob).As(finding.Info, Hint).
					Mend("write the directory's name or a glob such as test/**, from where %s lies, or take it out", path.Base(filepath.ToSlash(e.At.File)))
				n.weigh(r)
				all = append(all, n)
			}
		}
	}
	for _, i := range s.expired {
		add(SuppressionExpired, i.At, "held until %s, and what it hides is still there: %s", i.Until.Format(dateFormat), strings.Join(i.Codes, ", "))
	}
	fingerprint(s.in, all)
	return all
}
