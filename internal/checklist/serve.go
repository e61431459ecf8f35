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
	missing, noStartup := false, false
	for _, w := range b.Workloads {
		switch {
		case w.Readiness != nil:
			b.pass(w.Readiness, w.Label+": readiness")
		case w.Served:
			missing = true
			b.fail(&w.At, w.Label+": no readiness probe in place: it gets traffic before it is up, and while it ends")
		case w.Meshed:
			missing = true
			b.fail(&w.At, w.Label+": no readiness probe in place: a rollout does not wait until it is up")
		default:
			b.pass(&w.At, w.Label+": no Service sends it requests, so it needs no readiness probe")
		}
		if w.Liveness != nil {
			b.pass(w.Liveness, w.Label+": liveness")
		} else {
			missing = true
			b.fail(&w.At, w.Label+": no liveness probe in place: a node that hangs is never replaced")
		}
		if w.Startup == nil && w.Liveness != nil {
			b.add(NotKnown, &w.At, w.Label+": no startup probe: a slow start may be taken for a dead node")
			noStartup = true
		} else if w.Startup != nil {
			b.pass(w.Startup, w.Label+": startup")
		}
	}
	if missing {
		if b.App == nil {
			b.settle("phial init", "", "writes phial.yaml, whose workloads have all three")
		}
		b.settle("phial check", "", "takes a probe that is not there for a hint, since an app may do without; this list asks for them")
	}
	b.found("HLT")
	if noStartup {
		b.settle("phial check", "", "says how long a start may take (HLT-08)")
	}
}

func failures(b *builder) {
	t := b.Trial
	switch {
	case t == nil:
		b.unknown("no replica was broken")
		b.settle("phial checklist", " --run", "breaks a replica, looks whether it is noticed, and mends it")
		b.settle("phial up", b.trialFlags()+" --detach", "then phial break POD kill, phial status, phial mend")
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
		b.settle("phial try", b.trialFlags(), "shows why")
	}
}

func grace(b *builder) {
	if noWorkload(b) {
		return
	}
	missing := false
	for _, w := range b.Workloads {
		switch {
		case w.Grace == nil:
			missing = true
			b.fail(&w.At, w.Label+": no terminationGracePeriodSeconds: Kubernetes' 30 s, whatever the app needs")
		case w.Grace.Value <= 0:
			b.fail(&w.Grace.At, w.Label+": killed at once")
		case len(b.Checked.of("JOB-02")) > 0: // which says it below
		case w.Grace.Value < b.facts.Stop-slack && b.facts.Stop > leastStop:
			b.fail(&w.Grace.At, fmt.Sprintf("%s: %d s, and Oban alone may take %d s (JOB-02)", w.Label, w.Grace.Value, b.facts.Stop-slack))
		default:
			b.pass(&w.Grace.At, fmt.Sprintf("%s: %d s", w.Label, w.Grace.Value))
		}
	}
	if missing {
		if b.App == nil {
			b.settle("phial init", "", "writes phial.yaml, whose workloads have one that fits the app")
		}
		b.settle("phial check", "", "takes the default for a hint, since it may be enough; this list asks for one that was decided")
	}
	b.found("DRN-01", "DRN-02", "DRN-03", "DRN-05", "IMG-07", "JOB-02")
}

// What advise puts on top of what the app may take to stop.
const (
	leastStop = 60
	slack     = 15
)

// load can't be seen from here: only the team's own load tells.
func load(b *builder) {
	b.unknown("no load of yours was run against a rolling restart")
	b.settle("phial up", b.trialFlags()+" --detach", "then your own load on the address that it says, and phial restart meanwhile: no request may fail")
}

func cookie(b *builder) {
	replaced := len(b.Workloads) > 0 && !slices.ContainsFunc(b.Workloads, func(w Workload) bool { return w.Cookie.Secret == "" })
	for _, r := range b.Project.Mix.ReleaseSpecs {
		switch _, ok := r.Cookie.AsText(); {
		case !ok:
		case replaced:
			b.pass(at(r.Cookie.At), "the cookie that stands here is not used: one from a Secret takes its place; take it out")
		default:
			b.fail(at(r.Cookie.At), "the release's cookie stands in mix.exs, for everybody who reads the repository (COO-02)")
			b.settle("phial check", "", "each finding says what to do")
		}
	}
	switch {
	case b.App != nil && !b.App.Clustered:
		b.pass(&b.App.Type, "type Stateless: its nodes listen on loopback alone, each with a cookie of its own")
		return
	case noWorkload(b):
		return
	}
	mesh := map[*Group][]string{} // the Secrets of its nodes
	meshed := slices.ContainsFunc(b.Workloads, func(w Workload) bool { return w.Meshed })
	for _, w := range b.Workloads {
		c, g := w.Cookie, b.Mesh.of(w.Label)
		if meshed && !w.Meshed && !c.Literal {
			continue // a pipeline, which is in no mesh
		}
		switch {
		case c.Literal && len(b.Checked.of("COO-02")) > 0: // which says it below
		case c.Literal:
			b.fail(&c.At, w.Label+": the cookie stands in the manifest; put it into a Secret (COO-02)")
		case c.Secret != "":
			b.pass(&c.At, w.Label+": from Secret "+c.Secret)
			if !slices.Contains(mesh[g], c.Secret) {
				mesh[g] = append(mesh[g], c.Secret)
			}
		case g != nil && g.NoNodes != nil:
			b.pass(g.NoNodes.At, w.Label+": not needed: "+g.NoNodes.Text)
		case g != nil && g.Meant == "" && len(b.facts.Tied()) == 0:
			b.pass(&w.At, w.Label+": not needed: nothing connects its replicas")
		case c.Unseen:
			b.add(NotKnown, &w.At, w.Label+": it may come from envFrom or a file")
		default:
			b.fail(&w.At, w.Label+": no RELEASE_COOKIE from a Secret: it is the one in the image, another with each build (COO-01)")
		}
	}
	for _, w := range b.Workloads {
		g := b.Mesh.of(w.Label)
		if secrets := mesh[g]; len(secrets) > 1 {
			b.fail(nil, "nodes of one mesh have their cookie from "+strings.Join(secrets, " and ")+" (COO-01)")
		}
		delete(mesh, g)
	}
	b.found("COO", "SEC-02")
	if b.App != nil {
		b.settle("phial render", " --cookie-command", "writes the command that makes the Secret")
	} else {
		b.settle("phial init", "", "writes phial.yaml: phial render --cookie-command makes the command for the Secret from it")
	}
	b.command("phial mesh", "shows whether the nodes of a running app have the same")
}
