package project

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const templatesDir = "rel"

// templatesPath is the option of a release that says where its templates are.
const templatesPath = "rel_templates_path"

// templates is where mix release takes env.sh.eex and vm.args.eex from, in the root's mix.exs: Known "rel" where nothing says
// otherwise, Unknown where it is computed, or where several releases have it in several places.
func templates(m Mix, text string) Fact[string] {
	usual := known(templatesDir, Pos{})
	if !strings.Contains(text, templatesPath) {
		return usual
	}
	at := Pos{File: path.Join(m.Dir, "mix.exs")}
	if m.Releases.State != Known || len(m.ReleaseSpecs) == 0 {
		return unknown[string](at)
	}
	var found []Fact[string]
	for _, r := range m.ReleaseSpecs {
		if m.DefaultRelease.Known() && r.Name != m.DefaultRelease.Value {
			continue
		}
		f := usual
		switch e := r.Options.Get(templatesPath); {
		case e.Kind == ExprText && local(e.Text):
			f = known(path.Clean(e.Text), e.At)
		case !e.Absent():
			f = unknown[string](e.At)
		case !r.Options.Literal():
			f = unknown[string](r.Options.At)
		}
		found = append(found, f)
	}
	if len(found) == 0 {
		return unknown[string](at)
	}
	for _, f := range found[1:] {
		if f.State != Known || f.Value != found[0].Value {
			return unknown[string](found[0].At)
		}
	}
	return found[0]
}

// LeftOut says why mix release does not see a file of the project where a Dockerfile builds the release, and where that stands:
// it is copied too late or never, or .dockerignore keeps it out. Sure is false where that is only possible. Why is empty
// where nothing says so, also where the release is built elsewhere.
func (d Dockerfile) LeftOut(file string) (why string, at Pos, sure bool) {
	stage, n, ok := d.Release()
	if !ok || d.Copied("mix.exs", stage, n) != Known {
		return "", Pos{}, false
	}
	at = d.Stages[stage].Instructions[n].At
	switch d.Copied(file, stage, n) {
	case Absent:
		return "mix release runs before " + path.Dir(file) + "/ is copied", at, true
	case Unknown:
		return "whether " + path.Dir(file) + "/ is copied before mix release is computed", at, false
	}
	if line := d.ignored(file); line > 0 {
		return d.Ignore.File + " keeps it out of the build", Pos{File: d.Ignore.File, Line: line, Col: 1}, true
	}
	return "", Pos{}, false
}

// Ignore is a file that keeps others out of what a Dockerfile can copy. Without one File is empty.
type Ignore struct {
	File, Text string
}

// ignored is the line that keeps a file out; 0: none does.
func (d Dockerfile) ignored(file string) int {
	matches := func(text string) bool {
		patterns, err := ignorefile.ReadAll(strings.NewReader(text))
		if err != nil {
			return false
		}
		m, err := patternmatcher.New(patterns)
		if err != nil {
			return false
		}
		out, err := m.MatchesOrParentMatches(file)
		return err == nil && out
	}
	if d.Ignore.Text == "" || !matches(d.Ignore.Text) {
		return 0
	}
	n, last := 0, 1
	for line := range strings.Lines(d.Ignore.Text) {
		if n++; matches(line) {
			last = n
		}
	}
	return last
}

// ignores reads what keeps files from a Dockerfile: a file of its own name, or that of the root.
func (r *reader) ignores(dockerfile string) (Ignore, error) {
	for _, name := range []string{dockerfile + ".dockerignore", ".dockerignore"} {
		if r.p.Has(name) {
			text, err := r.optional(name)
			return Ignore{name, text}, err
		}
	}
	return Ignore{}, nil
}

// mendsEnds says whether an image's build writes the line ends of Windows anew.
func (d Dockerfile) mendsEnds() bool {
	for _, s := range d.Stages {
		if slices.ContainsFunc(s.Instructions, func(i Instruction) bool {
			text := i.Text + i.Document
			return i.Name == "RUN" && (strings.Contains(text, "dos2unix") || strings.Contains(text, `\r`))
		}) {
			return true
		}
	}
	return false
}

// local says whether a path stays within the project.
func local(name string) bool {
	clean := path.Clean(name)
	return name != "" && !path.IsAbs(name) && clean != ".." && !strings.HasPrefix(clean, "../")
}
