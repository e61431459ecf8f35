package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// answer is the code of the project that answers a probe's path, as far as the router tells; nil: it is not known.
func (in *Input) answer(b Beam, path string) *project.Answer {
	if in.Project == nil || path == "" || !in.ofProject(b) {
		return nil
	}
	path, _, _ = strings.Cut(path, "?")
	for _, r := range in.Project.Health {
		if r.Path == path {
			return r.Answer
		}
	}
	return nil
}

// asksNodes is the call by which an answer that may refuse asks for the other nodes; empty where it does not.
func asksNodes(a *project.Answer) string {
	if a == nil || !a.Refuses {
		return ""
	}
	return a.AsksNodes()
}

// asksDatabase is the call by which an answer asks the database; empty where none is seen.
func asksDatabase(a *project.Answer) string {
	if a == nil {
		return ""
	}
	i := slices.IndexFunc(a.Calls, func(c string) bool {
		return strings.Contains(c, "Repo.") || strings.HasPrefix(c, "Ecto.Adapters.SQL.") || strings.HasPrefix(c, "Postgrex.") || strings.HasPrefix(c, "MyXQL.")
	})
	if i < 0 {
		return ""
	}
	return a.Calls[i]
}

// answers are modules whose functions ask nobody else.
var answers = strings.Fields("Plug.Conn Phoenix.Controller Phoenix.Component Jason JSON Poison Application System String Map Keyword Enum List Atom Integer Kernel Date DateTime NaiveDateTime Process Logger Node Path URI Version :erlang :os :net_adm")

// knowsItself says whether an answer is seen to ask nobody but its own node, and perhaps for the others.
func knowsItself(a *project.Answer) bool {
	return a != nil && !a.Unclear && !slices.ContainsFunc(a.Calls, func(c string) bool {
		i := strings.LastIndexByte(c, '.')
		return i < 0 || !slices.Contains(answers, c[:i])
	})
}

func liveAsReady(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		c := b.Container
		live, ready := c.Key("livenessProbe").Key("httpGet"), c.Key("readinessProbe").Key("httpGet")
		path := live.Key("path")
		a := in.answer(b, path.String())
		switch by := asksDatabase(a); {
		case by != "":
			f.At(b.Object, path, "liveness asks for %s, which %s answers by %s: a database that is away restarts every pod", path, a.Module, by)
		case asksNodes(a) != "":
			f.At(b.Object, path, "liveness asks for %s, which %s answers by %s: if it refuses while the node is alone, that node is restarted, which connects nobody", path, a.Module, asksNodes(a))
		case knowsItself(a):
		case dependsOnOthers.MatchString(path.String()):
			f.At(b.Object, path, "liveness asks for %s, which speaks of more than the node itself", path)
		case path.Exists() && path.String() == ready.Key("path").String() && live.Key("port").String() == ready.Key("port").String():
			f.At(b.Object, path, "liveness and readiness both ask for %s: if it looks at the database, a database that is away restarts every pod", path).
				As(finding.Info, Hint).Also(ready.Key("path"), "readiness")
		}
	}
}

// unawareReadiness finds clustered releases that take traffic before they have joined.
func unawareReadiness(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		ready := b.Container.At("readinessProbe.httpGet.path")
		if !in.several(b.Workload) || in.clustered(b) == "" || managed(b.Workload) || !ready.Exists() || probedBeside(b, "readiness") {
			continue
		}
		if len(in.Project.Topologies) == 0 && len(in.Project.DNSClusters) == 0 {
			continue
		}
		if _, waits := in.readinessWaits(b); waits {
			continue
		}
		a := in.answer(b, ready.String())
		var n *Finding
		switch {
		case a == nil:
			n = f.At(b.Object, ready, "readiness asks for %s, and nothing here says that it waits until the node has joined the others", ready)
		case a.Unclear || !knowsItself(a):
			n = f.At(b.Object, ready, "readiness asks for %s, which as far as the router tells (%s) does not say whether the node has joined the others", ready, a.Module)
		default:
			n = f.At(b.Object, ready, "readiness asks for %s, which %s answers without asking for the others", ready, a.Module)
		}
		if in.listsNotReady(b) {
			n.Mend("let readiness fail until the node has joined, or let Phial's agent answer it")
		}
	}
}

// listsNotReady says whether all headless Services of a release's pods list those too that are not ready, so that they can be
// found before they have joined.
func (in *Input) listsNotReady(b Beam) bool {
	some := false
	for _, s := range in.Selecting("Service", b.Workload) {
		if headless(s) && !s.At("spec.publishNotReadyAddresses").True() {
			return false
		}
		some = some || headless(s)
	}
	return some
}

// probedBeside says whether another container of a release's pod has a probe of a kind, and so may speak for the node.
func probedBeside(b Beam, kind string) bool {
	for c := range b.Containers() {
		if c.Called != b.Container.Called && c.Key(kind+"Probe").IsMap() {
			return true
		}
	}
	return false
}

// readinessWaits is the place that says that a release becomes ready by joining: by what its probe is called, or by the code
// that answers it.
func (in *Input) readinessWaits(b Beam) (manifest.Field, bool) {
	for c := range b.Containers() {
		p := c.Key("readinessProbe")
		at := p.At("httpGet.path")
		if waitsForCluster.MatchString(at.String()) || c.Called == b.Container.Called && asksNodes(in.answer(b, at.String())) != "" {
			return at, true
		}
		for w := range p.At("exec.command").Items() {
			if waitsForCluster.MatchString(w.String()) {
				return w, true
			}
		}
	}
	return manifest.Field{}, false
}
