package intent

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// readyAlone says whether a replica becomes ready without having joined, and why that is
// not known. It is not ready before its startup probe has passed either.
func (b *builder) readyAlone(w Runs) (mesh.Tri, string) {
	for c := range w.Containers() {
		if c.Called == beam.AgentBinary {
			return mesh.No, "" // the gate opens once it has joined
		}
	}
	ready, why := mesh.Yes, ""
	for _, name := range []string{"readinessProbe", "startupProbe"} {
		switch alone, unclear := b.passesAlone(w.Container.Key(name)); {
		case alone == mesh.No:
			return mesh.No, ""
		case alone == mesh.Unknown && ready == mesh.Yes:
			ready, why = alone, unclear
		}
	}
	return ready, why
}

// passesAlone says whether a probe passes on a replica that has not joined.
func (b *builder) passesAlone(probe manifest.Field) (mesh.Tri, string) {
	if !probe.IsMap() {
		return mesh.Yes, ""
	}
	path := probe.At("httpGet.path").String()
	text := path
	for f := range probe.At("exec.command").Items() {
		text += " " + f.String()
	}
	if slices.Contains(b.app.AsksOthers, text) {
		return mesh.No, ""
	}
	for _, word := range []string{"cluster", "quorum", "joined"} {
		if strings.Contains(text, word) {
			return mesh.No, ""
		}
	}
	if strings.Contains(text, "Node.list") || strings.Contains(text, "nodes(") {
		return mesh.Unknown, "its probe asks for the nodes that it is connected to"
	}
	path, _, _ = strings.Cut(path, "?")
	if why := b.app.MayAsk[path]; why != "" {
		return mesh.Unknown, why
	}
	return mesh.Yes, ""
}

// mayAsk are the health checks of the project that may ask for connected nodes, as far as
// the code that answers them is known: by themselves, or through other code of the project
// where that does so.
func mayAsk(p *project.Project, shown func(project.Pos) string) map[string]string {
	all := map[string]string{}
	anywhere := ""
	for _, u := range p.Uses {
		if u.What == "Node.list" {
			anywhere = "Node.list (" + shown(u.At) + ")"
		}
	}
	for _, r := range p.Health {
		answers := r.Path + " (" + shown(r.At) + ")"
		own := r.Answer.AsksNodes()
		switch {
		case own != "":
			all[r.Path] = r.Answer.Module + " answers " + answers + " by " + own
		case anywhere != "" && goesOn(r.Answer):
			all[r.Path] = "the project answers " + answers + " and may do so by " + anywhere
		}
	}
	return all
}

// goesOn says that an answer may come from other code of the project.
func goesOn(a *project.Answer) bool {
	if a == nil || a.Unclear {
		return true
	}
	root, _, _ := strings.Cut(a.Module, ".")
	root = strings.TrimSuffix(root, "Web")
	return slices.ContainsFunc(a.Calls, func(c string) bool { return strings.HasPrefix(c, root) })
}
