package intent

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/project"
)

// broken says which file could not be read, or not all of it; empty: all could.
func (s source) broken() string {
	if len(s.Broken) == 0 {
		return ""
	}
	return s.shown(s.Broken[0].At) + " could not be read: " + strings.TrimRight(s.Broken[0].What, ": ")
}

func (s source) isBroken(file string) bool {
	return slices.ContainsFunc(s.Broken, func(u project.Use) bool { return u.At.File == file })
}

// unread says which module that an application starts with was not read, so that nothing is
// known of what it starts; empty: all were.
func (s source) unread() string {
	for _, m := range s.Mixes() {
		if m.Start.Kind != project.ExprTuple || len(m.Start.Items) == 0 {
			continue
		}
		name := m.Start.Items[0].Value
		seen := slices.ContainsFunc(s.Used, func(u project.Used) bool { return u.Module == name.Text && u.What == "Application" }) ||
			slices.ContainsFunc(s.Supervisors, func(u project.Supervisor) bool { return u.Module == name.Text })
		if (name.Kind == project.ExprModule || name.Kind == project.ExprAtom) && !seen {
			return name.Text + ", which starts the app (" + s.shown(name.At) + "), is " + s.missing(m.Dir, name.Text)
		}
	}
	return ""
}

// missing says where a module is not: in the file of its name, or in any.
func (s source) missing(dir, module string) string {
	file := project.FileOf(dir, module)
	if !s.Has(file) {
		return "in no file that was read"
	}
	return "not to be read in " + s.shown(project.Pos{File: file, Line: 1, Col: 1}) + ", where it would stand"
}
