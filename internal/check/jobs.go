package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// everyNodeSchedules finds schedulers that run on several nodes.
func everyNodeSchedules(in *Input, f *Finder) {
	if i := slices.IndexFunc(in.Project.Lock, func(l project.Locked) bool { return l.Name == "quantum" }); i >= 0 && older(in.Project.Lock[i].Version, 3, 0) {
		return // it could run a job once for the cluster
	}
	for _, b := range in.OfProject() {
		p, s := in.projectOf(b), in.surroundings(b)
		if _, guarded := uses(p, "Highlander", "Singleton"); guarded || !in.several(b.Workload) {
			continue
		}
		for _, q := range p.Schedulers {
			if q.Jobs.Kind == project.ExprList && len(q.Jobs.Items) == 0 {
				continue
			}
			started, sure := starts(p, q.Module, s)
			if !started {
				continue
			}
			n := f.In(subjectOf(p), q.At, "%s runs on each of the pods of %s, and so does every job of it", q.Module, b.Name).spreads(in, b)
			if !sure {
				n.As(finding.Info, Hint)
			}
		}
	}
}

// starts says whether a supervisor starts a module in some surroundings, and whether that is sure.
func starts(p *project.Project, module string, s *surroundings) (started, sure bool) {
	for _, sup := range p.Supervisors {
		i := sup.Index(module)
		if i < 0 {
			if sup.Unclear != "" {
				started = true
			}
			continue
		}
		c := sup.Children[i]
		if !c.Conditional() {
			return true, true
		}
		switch when := c.When.Eval(s.get); {
		case when.Kind == project.ExprUnknown || when.Kind == project.ExprOp:
			started = true
		case !when.Nil() && !when.Is("false"):
			return true, true
		}
	}
	return started, false
}

// obanGrace is for how long Oban waits for its jobs, in seconds, where nobody says it.
const obanGrace = 15

func killedJobs(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		left, at, ok := remains(b)
		if !ok {
			continue
		}
		s := in.surroundings(b)
		for _, o := range in.projectOf(b).Obans {
			if !o.Started || o.Queues.Is("false") {
				continue
			}
			grace := int64(obanGrace)
			if !o.Grace.Nil() {
				ms, ok := o.Grace.Eval(s.get).AsInt()
				if !ok {
					continue
				}
				grace = int64((ms + 999) / 1000)
			}
			if grace <= left {
				continue
			}
			n := f.At(b.Object, at, "%s gives its jobs %d s to end, and the grace period leaves %d s after preStop", o.Name, grace, left).place(in, o.At, o.Name)
			if o.Plugins.Kind == project.ExprList && !slices.ContainsFunc(o.Plugins.Items, func(i project.Item) bool {
				return strings.HasSuffix(i.Key+i.Value.String(), "Lifeline") || strings.Contains(i.Value.String(), "Lifeline")
			}) {
				n.Saw("Oban.Plugins.Lifeline, which takes such jobs up again, is not among its plugins")
			}
		}
	}
}

// ends is what a function or module is called that is there for the end.
var ends = regexp.MustCompile(`(?i)drain|shutdown|terminat|prep_stop|stopp|graceful|sigterm`)

var pauses = regexp.MustCompile(`\bpause_(all_queues|queue)\b`)

func pausesAll(in *Input, f *Finder) {
	if b, p, ok := spread(in); ok {
		for _, name := range []string{"Oban.pause_all_queues", "Oban.pause_queue"} {
			for _, c := range p.CallsOf(name) {
				if pausesHere(c) {
					continue
				}
				n := f.In(subjectOf(p), c.At, "%s without local_only: true pauses the queues of all nodes", c.Name).spreads(in, b)
				if !ends.MatchString(c.In) && !ends.MatchString(c.Module) {
					n.As(finding.Info, Hint)
				}
			}
		}
	}
	for _, b := range in.OfProject() {
		hook := b.Container.At("lifecycle.preStop.exec.command")
		if text := words(hook); in.several(b.Workload) && pauses.MatchString(text) && !strings.Contains(text, "local_only") {
			f.At(b.Object, hook, "preStop pauses the queues of all nodes")
		}
	}
}

// pausesHere says whether a call pauses one node, as far as it is known.
func pausesHere(c project.Call) bool {
	for _, a := range c.Args {
		if a.Kind == project.ExprUnknown {
			return true
		}
		if only := a.Get("local_only"); !only.Nil() && !only.Is("false") {
			return true
		}
	}
	return false
}
