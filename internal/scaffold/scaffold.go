// Package scaffold makes of a project's facts the files that it needs to run on Kubernetes: the BeamApp, the image's
// build, the release's environment and flags, a CI workflow. It is pure: it reads nothing and writes nothing.
package scaffold

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/project"
)

// The systems that an image can stand on.
const (
	Debian = "debian"
	Alpine = "alpine"
)

// The CI services that a workflow can be for.
const (
	GitHub = "github"
	GitLab = "gitlab"
	NoCI   = "none"
)

// Bases, CIs, Types and Discoveries are what the options of these names may be.
var (
	Bases       = []string{Debian, Alpine}
	CIs         = []string{GitHub, GitLab, NoCI}
	Types       = []string{string(v1alpha1.Clustered), string(v1alpha1.Stateless)}
	Discoveries = discoveries()
)

func discoveries() (all []string) {
	for _, d := range beam.Discoveries() {
		all = append(all, string(d))
	}
	return all
}

// Options are what the person decides; what is empty is worked out from the project.
type Options struct {
	Name      string // of the BeamApp
	Release   string // which one, where mix.exs has several
	Image     string // with or without a tag
	Type      string // one of Types
	Discovery string // one of Discoveries
	Base      string // one of Bases; Debian if empty
	CI        string // one of CIs

	// Decided is the type that phial.yaml has, and Advised what phial advise has without any answers; empty: nobody says.
	Decided, Advised string
	// Found is an image as something that is there already names it, and FoundAt where. It is taken without its tag, where no
	// Image is given.
	Found   string
	FoundAt project.Pos
}

// File is one file to write.
type File struct {
	Path    string // slash-separated, from the project's root
	Content []byte
}

// Note is something that could not be told, or that was assumed, and what to do about it.
type Note struct {
	At   project.Pos
	Text string
	File string // the file to write that it is about, if it is about one
	Kept bool   // it is about the one that is there, and holds only where that is kept
}

func (n Note) String() string { return n.At.String() + ": " + n.Text }

// Error is something in the project that can't be worked with, and what to do about it.
type Error struct {
	At   project.Pos
	Text string
}

func (e *Error) Error() string { return e.At.String() + ": " + e.Text }

func refuse(at project.Pos, format string, args ...any) error {
	return &Error{at, fmt.Sprintf(format, args...)}
}

// Result is what there is to write.
type Result struct {
	Name    string // of the BeamApp
	Release string
	Image   string
	Files   []File
	Notes   []Note
	Secrets []string // names of variables that the app does not boot without
	Deps    bool     // it has dependencies, or may have some
	Without string   // with discovery Phial: what to do where there are no agents
}

// Generate makes the files. Its errors are in one line: an [*Error] is about the project, any other about the options.
func Generate(p *project.Project, o Options) (*Result, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	c := &choices{p: p, base: o.Base}
	if err := c.choose(o); err != nil {
		return nil, err
	}
	r := &Result{Name: c.Name, Release: c.Release, Image: c.Image, Secrets: c.Secrets, Without: c.Without}
	for _, m := range p.Mixes() {
		r.Deps = r.Deps || len(m.Deps.Value) > 0 || m.Deps.State == project.Unknown
	}
	add := func(path, template string, data any) error {
		b, err := execute(template, data)
		if err != nil {
			return fmt.Errorf("make %s: %w", path, err)
		}
		r.Files = append(r.Files, File{path, b})
		return nil
	}
	c.about = "Dockerfile"
	docker := c.docker()
	c.about = ""
	files := []struct {
		path, template string
		data           any
	}{
		{"phial.yaml", "phial.yaml", c},
		{"Dockerfile", "Dockerfile", docker},
		{".dockerignore", "dockerignore", docker},
		{"rel/env.sh.eex", "env.sh.eex", rel()},
		{"rel/vm.args.eex", "vm.args.eex", nil},
	}
	switch c.ci(o.CI) {
	case GitHub:
		files = append(files, struct {
			path, template string
			data           any
		}{".github/workflows/phial.yml", "github.yml", c.workflow(docker)})
	case GitLab:
		files = append(files, struct {
			path, template string
			data           any
		}{".gitlab-ci.yml", "gitlab-ci.yml", c.workflow(docker)})
	}
	for _, f := range files {
		if err := add(f.path, f.template, f.data); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(c.notes, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Col, b.At.Col))
	})
	r.Notes = c.notes
	return r, nil
}

// complete fills in defaults and refuses what is no option.
func (o *Options) complete() error {
	if o.Base == "" {
		o.Base = Debian
	}
	for _, e := range []struct {
		what, value string
		of          []string
		into        *string
	}{
		{"base", o.Base, Bases, &o.Base},
		{"CI service", o.CI, CIs, &o.CI},
		{"type", o.Type, Types, &o.Type},
		{"discovery", o.Discovery, Discoveries, &o.Discovery},
	} {
		if e.value == "" {
			continue
		}
		i := slices.IndexFunc(e.of, func(s string) bool { return strings.EqualFold(s, e.value) })
		if i < 0 {
			return fmt.Errorf("no %s %q: there are %s", e.what, e.value, list(e.of))
		}
		*e.into = e.of[i]
	}
	if o.Type == string(v1alpha1.Stateless) && o.Discovery != "" {
		return fmt.Errorf("discovery %s goes with type %s: replicas of a %s app look for nobody", o.Discovery, v1alpha1.Clustered, v1alpha1.Stateless)
	}
	if o.Name != "" && !nameForm.MatchString(o.Name) {
		return fmt.Errorf("%q can't be an app's name: give 1 to 40 lower-case letters, digits and -, a letter first", o.Name)
	}
	return nil
}

// nameForm is that of Kubernetes' names of Services, as short as names derived from it need it to be.
var nameForm = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$`)

// list writes a, b and c.
func list(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}
