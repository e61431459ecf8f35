package check

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// callsNode is a command of a release that is a node of its own and asks the one that runs.
var callsNode = regexp.MustCompile(`bin/[A-Za-z0-9_-]+["']?\s+["']?(rpc|eval|stop|remote)\b`)

// words joins the entries of a list of words.
func words(list manifest.Field) string {
	var all []string
	for w := range list.Items() {
		all = append(all, w.String())
	}
	return strings.Join(all, " ")
}

// wait is how long a part of the app takes to end, at most, because the project says so.
type wait struct {
	what    string
	seconds int64
	at      project.Pos
}

// waits are those of a project; only what is written counts.
func waits(p *project.Project, s *surroundings) (all []wait) {
	add := func(what string, e project.Expr) {
		if ms, ok := e.Eval(s.get).AsInt(); ok && ms > 0 {
			all = append(all, wait{what, int64((ms + 999) / 1000), e.At})
		}
	}
	for _, o := range p.Obans {
		if o.Started {
			add(o.Name, o.Grace)
		}
	}
	for _, e := range p.Endpoints {
		for _, socket := range e.Sockets {
			add("the drainer of "+socket.Path, socket.Options.Get("drainer").Get("shutdown"))
		}
	}
	for _, sup := range p.Supervisors {
		for _, c := range sup.Children {
			if strings.HasSuffix(c.Module, "Drainer") {
				add(c.Module, c.Options.Get("shutdown"))
			}
		}
	}
	return all
}

// remains is what is left of a workload's grace period when the app is told to end.
func remains(b Beam) (left int64, at manifest.Field, ok bool) {
	at = b.Pod.Key("terminationGracePeriodSeconds")
	grace, ok := at.IntOr(30)
	sleep, _ := preStopSleep(b.Container)
	if !at.Exists() {
		at = b.Pod
	}
	return grace - sleep, at, ok && grace > sleep
}

// longEnd finds grace periods that are shorter than what the project waits for.
func longEnd(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		left, at, ok := remains(b)
		if !ok {
			continue
		}
		var longest wait
		var sum int64
		sleep, _ := preStopSleep(b.Container)
		all := waits(in.projectOf(b), in.surroundings(b))
		for _, w := range all {
			sum += w.seconds
			if w.seconds > longest.seconds {
				longest = w
			}
		}
		switch {
		case longest.seconds > left:
			f.At(b.Object, at, "%s waits up to %d s for its work to end, and the grace period leaves %d s after preStop", longest.what, longest.seconds, left).
				As(finding.Warning, Likely).place(in, longest.at, "set here").
				Mend("set terminationGracePeriodSeconds to %d or more, or let %s wait less", sleep+sum+10, longest.what)
		case sum > left:
			n := f.At(b.Object, at, "the app's parts end one after the other and wait up to %d s together, and the grace period leaves %d s after preStop", sum, left).As(finding.Info, Hint)
			for _, w := range all {
				n.place(in, w.at, w.what+": "+strconv.FormatInt(w.seconds, 10)+" s")
			}
		}
	}
}

// noDrainer finds sockets that all end at once.
func noDrainer(in *Input, f *Finder) {
	b, p, ok := spread(in)
	if !ok || hasDep(p, "socket_drano") {
		return
	}
	i := slices.IndexFunc(p.Lock, func(l project.Locked) bool { return l.Name == "phoenix" && l.Version != "" })
	for _, e := range p.Endpoints {
		for _, s := range e.Sockets {
			switch drainer := s.Options.Get("drainer"); {
			case drainer.Is("false"):
				f.In(subjectOf(p), s.At, "the socket %s has its drainer off: when a pod ends all of its clients come back at once", s.Path).spreads(in, b)
			case i >= 0 && older(p.Lock[i].Version, 1, 7, 2):
				f.In(subjectOf(p), s.At, "Phoenix %s does not drain the socket %s: when a pod ends all of its clients come back at once", p.Lock[i].Version, s.Path).
					spreads(in, b).place(in, p.Lock[i].At, "its version")
			}
		}
	}
}

// older says whether a version is before another.
func older(version string, than ...int) bool {
	version, _, _ = strings.Cut(version, "-")
	parts := strings.Split(version, ".")
	for i, want := range than {
		if i >= len(parts) {
			return true
		}
		have, err := strconv.Atoi(parts[i])
		if err != nil {
			return false
		}
		if have != want {
			return have < want
		}
	}
	return false
}
