package advise

import (
	"context"
	"os"
	"path/filepath"

	"github.com/mattn/go-isatty"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/cli/deployed"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/cli/up"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// Report is the JSON of `phial advise`.
type Report struct {
	Dir string `json:"dir"`
	advise.Advice
	Next  []advise.Step    `json:"next"`
	Setup []advise.Section `json:"setup,omitempty"` // of machines, where they are recommended
}

func run(ctx context.Context, s *term.IO, o options) error {
	p, err := deployed.Project(o.dir, "advise")
	if err != nil {
		return err
	}
	f := facts(p, o.dir)
	if o.format != formatJSON && !o.yes && !f.Library && terminal(s) {
		if err := ask(ctx, s, f, &o); err != nil {
			return err
		}
	}
	r := Report{Dir: o.dir, Advice: advise.Advise(f, o.answers)}
	dir := ""
	if filepath.Clean(o.dir) != "." {
		dir = term.Word(o.dir)
	}
	r.Next = advise.Next(f, r.Advice, dir)
	if r.Recommended == advise.Machines {
		r.Setup = advise.Setup(f, o.answers)
	}
	switch o.format {
	case formatJSON:
		return s.WriteJSON(r)
	case formatMarkdown:
		markdown(s.Out, r)
	default:
		text(s, r)
	}
	return nil
}

// Type is the type that phial.yaml decides for, and the one that is advised without any answers; empty: nobody says, or it
// is neither.
func Type(p *project.Project, dir string) (decided, advised string) {
	f := facts(p, dir)
	switch advise.Advise(f, advise.Answers{}).Recommended {
	case advise.Clustered:
		advised = string(v1alpha1.Clustered)
	case advise.Stateless:
		advised = string(v1alpha1.Stateless)
	}
	return f.Decided(), advised
}

// facts are those of a project, of its phial.yaml and of the manifests beside it.
func facts(p *project.Project, dir string) advise.Facts {
	f := advise.FactsOf(p)
	declared(&f, dir)
	environment(&f, dir)
	return f
}

// declared reads what type phial.yaml has. What is wrong with it is for `phial check` to say.
func declared(f *advise.Facts, dir string) {
	apps, err := manifest.ReadApps(filepath.Join(dir, up.AppFile), nil)
	if err != nil {
		return
	}
	for _, a := range apps {
		if a.Spec.Type != "" {
			at := a.Find("spec.type")
			f.Declared(string(a.Spec.Type), project.Pos{File: up.AppFile, Line: at.Line, Col: at.Column})
		}
	}
}

// environment reads what the containers of the manifests are given, of those that run a release. What is wrong with
// manifests is for `phial check` to say.
func environment(f *advise.Facts, dir string) {
	in := manifests(dir)
	for _, b := range in.Serving() {
		for e := range b.Container.Env() {
			at := e.Value().Position()
			file, err := filepath.Rel(dir, at.File)
			if _, rendered := deployed.RenderedFrom(at.File); err != nil || rendered {
				continue
			}
			f.Environment(e.Called, e.Value().String(), project.Pos{File: filepath.ToSlash(file), Line: at.Line, Col: at.Column})
		}
	}
}

// manifests are those below a directory, as far as they can be read.
func manifests(dir string) *check.Input {
	var tree manifest.Tree
	if err := tree.Add(dir, nil); err != nil {
		return &check.Input{}
	}
	set, _, err := deployed.Objects(&tree, []string{dir}, check.Config{})
	if err != nil {
		return &check.Input{}
	}
	return &check.Input{Objects: set}
}

// Image is the one image that the manifests beside a project run it by, and where they name it; empty: there is none, or several.
func Image(p *project.Project, dir string) (image string, at project.Pos) {
	in := manifests(dir)
	in.Project = p
	for _, b := range in.OfProject() {
		f := b.Container.Key("image")
		ref, literal := f.Text()
		file, err := filepath.Rel(dir, f.Position().File)
		if _, rendered := deployed.RenderedFrom(f.Position().File); err != nil || rendered || !literal {
			continue
		}
		if name, _, _ := project.SplitImage(ref); image != "" && image != name {
			return "", project.Pos{}
		} else if image == "" {
			image, at = name, project.Pos{File: filepath.ToSlash(file), Line: f.Position().Line, Col: f.Position().Column}
		}
	}
	return image, at
}

// terminal says whether there is somebody to ask.
func terminal(s *term.IO) bool {
	f, ok := s.In.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// place is a place of the project as seen from where the person is.
func place(dir string, at advise.Place) string {
	at.File = filepath.ToSlash(filepath.Join(dir, at.File))
	return at.String()
}
