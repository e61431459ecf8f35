package intent

import (
	"path"

	"github.com/phialdev/phial/internal/project"
)

// templates takes over rel/env.sh.eex and rel/vm.args.eex as far as the image gets them: mix
// release has files of its own in the place of those that it does not see.
func templates(p *project.Project, app *App, shown func(project.Pos) string) {
	app.project, app.shown = p, shown
	if !p.Templates.Known() {
		why := "where mix release takes its templates from is computed (" + shown(p.Templates.At) + ")"
		app.EnvShWhy, app.VMArgsWhy = why, why
		return
	}
	app.EnvSh.Name = p.EnvSh.File
	if p.EnvSh.Text != "" {
		var gets bool
		if gets, app.EnvShWhy = given(p, p.EnvSh.File, shown); gets {
			app.EnvSh.Text = []byte(p.EnvSh.Text)
		}
	}
	for _, f := range p.VMArgs {
		if !f.Taken || path.Base(f.File) != "vm.args.eex" {
			continue
		}
		gets, why := given(p, f.File, shown)
		if app.VMArgsWhy == "" {
			app.VMArgsWhy = why
		}
		for _, flag := range f.Flags {
			if gets {
				app.VMArgs = append(app.VMArgs, Line{flag.Words, shown(flag.At)})
			}
		}
	}
}

// given says whether the image gets a template, or why that is not known.
func given(p *project.Project, file string, shown func(project.Pos) string) (gets bool, why string) {
	state, reason, at := p.Gets(file)
	if state == project.Unknown {
		why = "whether the image gets " + file + " is not known: " + reason + " (" + shown(at) + ")"
	}
	return state == project.Known, why
}
