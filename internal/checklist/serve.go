package checklist

import (
	"fmt"
	"slices"
	"strings"
)

// noWorkload says that there is nothing that runs the release on Kubernetes.
func noWorkload(b *builder) bool {
	if len(b.Workloads) > 0 {
		return false
	}
	b.unknown("no manifest and no phial.yaml seen")
	b.settle("phial init", "", "writes phial.yaml, from which probes, grace and cookie follow")
	return true
}

func probes(b *builder) {
	if noWorkload(b) {
		return
	}
	for _, w := range b.Workloads {
		switch {
		case w.Readiness != nil:
			b.pass(w.Readiness, w.Label+": readiness")
		case w.Served || w.Meshed:
			b.fail(&w.At, w.Label+": no readiness probe: it gets traffic before it is up, and while it ends")
		default:
			b.pass(&w.At, w.Label+": no Service sends it requests, so it needs no readiness probe")
		}
		if w.Liveness != nil {
			b.pass(w.Liveness, w.Label+": liveness")
		} else {
			b.fail(&w.At, w.Label+": no liveness probe: a node that hangs is never replaced")
		}
		if w.Startup == nil && w.Liveness != nil {
			b.add(NotKnown, &w.At, w.Label+": no startup probe: a slow start may be taken for a dead node")
			b.settle("phial check", "", "says what the probes do")
		} else if w.Startup != nil {
			b.pass(w.Startup, w.Label+": startup")
		}
	}
	b.found("HLT")
}

func failures(b *builder) {
	t := b.Trial
	switch {
	case t == nil:
		b.unknown("no replica was broken")
		b.settle("phial checklist", " --run", "breaks a replica, looks whether it is noticed, and mends it")
		b.settle("phial up", " --detach", "then phial break POD kill, phial status, phial mend")
		return
	case t.Error != "":
		b.unknown(t.Command + " could not run: " + t.Error)
	case len(t.Faults) == 0:
		b.unknown("no replica was broken: not all were ready before")
	}
	for _, f := range t.Faults {
		switch {
		case f.Noticed && f.Recovered:
			b.pass(nil, f.Name+": "+f.Text)
		default:
			b.fail(nil, f.Name+": "+f.Text)
			b.settle("phial checklist", " --run", "again, when that is mended")
		}
	}
	if len(t.Faults) == 0 {
		b.settle("phial try", "", "shows why")
	}
}

func grace(b *builder) {
	if noWorkload(b) {
		return
	}
	for _, w := range b.Workloads {
		switch {
		case w.Grace == nil:
			b.fail(&w.At, w.Label+": no terminationGracePeriodSeconds: Kubernetes' 30 s, whatever the app needs")
		case w.Grace.Value <= 0:
			b.fail(&w.Grace.At, w.Label+": killed at once")
		case w.Grace.Value < b.facts.Stop-slack && b.facts.Stop > leastStop:
			b.fail(&w.Grace.At, fmt.Sprintf("%s: %d s, and Oban alone may take %d s (JOB-02)", w.Label, w.Grace.Value, b.facts.Stop-slack))
		default:
			b.pass(&w.Grace.At, fmt.Sprintf("%s: %d s", w.Label, w.Grace.Value))
		}
	}
	b.found("DRN")
}

// What advise puts on top of what the app may take to stop.
const (
	leastStop = 60
	slack     = 15
)

// load can't be seen from here: only the team's own load tells.
func load(b *builder) {
	b.unknown("no load of yours was run against a rolling restart")
	b.settle("phial up", " --detach", "then your own load on the address that it says, and phial restart meanwhile: no request may fail")
}

func cookie(b *builder) {
	for _, r := range b.Project.Mix.ReleaseSpecs {
		if _, ok := r.Cookie.AsText(); ok {
			b.fail(at(r.Cookie.At), "the release's cookie stands in mix.exs, for everybody who reads the repository (COO-02)")
		}
	}
	switch {
	case b.App != nil && !b.App.Clustered:
		b.pass(&b.App.Type, "type Stateless: its nodes listen on loopback alone, each with a cookie of its own")
		return
	case noWorkload(b):
		return
	}
	var secrets []string
	meshed := slices.ContainsFunc(b.Workloads, func(w Workload) bool { return w.Meshed })
	for _, w := range b.Workloads {
		c := w.Cookie
		if meshed && !w.Meshed && !c.Literal {
			continue // a pipeline, which is in no mesh
		}
		switch {
		case c.Literal && len(b.Checked.of("COO-02")) > 0: // which says it below
		case c.Literal:
			b.fail(&c.At, w.Label+": the cookie stands in the manifest; put it into a Secret (COO-02)")
		case c.Secret != "":
			b.pass(&c.At, w.Label+": from Secret "+c.Secret)
			if !slices.Contains(secrets, c.Secret) {
				secrets = append(secrets, c.Secret)
			}
		case c.Unseen:
			b.add(NotKnown, &w.At, w.Label+": it may come from envFrom or a file")
		default:
			b.fail(&w.At, w.Label+": no RELEASE_COOKIE from a Secret: it is the one in the image, another with each build (COO-01)")
		}
	}
	if len(secrets) > 1 {
		b.fail(nil, "nodes of one mesh have their cookie from "+strings.Join(secrets, " and ")+" (COO-01)")
	}
	b.found("COO")
	b.settle("phial render", " --cookie-command", "writes the command that makes the Secret")
	b.command("phial mesh", "shows whether the nodes of a running app have the same")
}
