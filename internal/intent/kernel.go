package intent

import (
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/project"
)

// kernel is what the configuration says of it, as it stands in sys.config when kernel starts:
// what is read at boot comes too late.
func (s source) kernel(app *App) {
	for _, name := range []string{listenMin, listenMax, beam.KernelUseInterface, beam.KernelConnectAll} {
		e := s.Setting("kernel", name)
		var built []project.ConfigCall
		late := false
		for _, c := range s.Configs {
			switch {
			case c.App != "kernel" || c.Value.Get(name).Absent():
			case c.Phase == project.Booting:
				late = true
			case c.At.File == "config/config.exs" || c.At.File == "config/prod.exs":
				built = append(built, c)
			}
		}
		switch last := len(built) - 1; {
		case !late && atBoot(e), late && last < 0:
			continue
		case late && built[last].When.Absent():
			e = built[last].Value.Get(name)
		case late:
			e = project.Expr{Kind: project.ExprUnknown, At: built[last].At, Text: "it is set under a condition"}
		}
		if e.Absent() {
			continue
		}
		if app.Kernel == nil {
			app.Kernel = map[string]Option{}
		}
		app.Kernel[name] = s.option(e, project.Building)
	}
}

// atBoot says that something was not followed in a file that is read at boot.
func atBoot(e project.Expr) bool {
	return e.Kind == project.ExprUnknown && (strings.HasSuffix(e.At.File, "runtime.exs") || strings.HasSuffix(e.At.File, "releases.exs"))
}
