package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// health are rules about probes, and about the ports that they and Services lead to.
var health = []Rule{
	{
		Code: "HLT-01", Title: "no probes",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "Releases without a readiness probe behind a Service, and without a liveness probe.",
		Why:   "Without readiness a pod takes traffic while it boots; without liveness a node that hangs stays until somebody sees it.",
		Fix:   "add startupProbe, readinessProbe and livenessProbe",
		Hides: []finding.Code{"HLT-08"},
		Check: noProbes,
	},
	{
		Code: "HLT-02", Title: "liveness that depends on others",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Liveness probes whose path speaks of being ready, of a database or of the cluster, or that ask what the readiness probe asks.",
		Why:   "When the database is away for a moment, or the cluster is not formed, every pod is killed at once, which mends nothing.",
		Fix:   "let liveness ask for a path that answers whenever the node runs, and readiness for one that looks at what it needs",
		Hides: []finding.Code{"HLT-11"},
		Check: liveAsReady,
	},
	{
		Code: "HLT-03", Title: "a probe that is redirected",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "Probes by HTTP of releases whose endpoint redirects to https: force_ssl: and Plug.SSL, without exclude: for the probe.",
		Why:   "The kubelet asks by http at the pod's address. It follows a redirect to that same address, where nobody listens on 443, and takes one to another host for healthy, so that the probe says nothing of the app. Load balancers that ask the pods themselves take it for failed.",
		Fix:   "exclude the probe: exclude: [paths: [\"/health\"]], or where Plug.SSL does not know that send httpHeaders: [{name: X-Forwarded-Proto, value: https}] with rewrite_on: [:x_forwarded_proto]",
		Check: redirected,
	},
	{
		Code: "HLT-04", Title: "an endpoint that is not started",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests | Project,
		Looks: "Phoenix endpoints whose server: is not true in the environment that the release gets, from the manifests, the Dockerfile, rel/env.sh.eex and what starts it.",
		Why:   "In a release an endpoint listens only where server: is true, which Phoenix' generator lets hang on PHX_SERVER. The app boots without an error, and nothing answers.",
		Fix:   "set PHX_SERVER to true, or start the release with bin/server",
		Hides: []finding.Code{"HLT-05"},
		Check: notServing,
	},
	{
		Code: "HLT-05", Title: "a port that nobody listens on",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "Names of ports in probes and Services against those of the containers, and numbers against PORT and, where there is a mix project, what it listens on, at which address, and whether it speaks HTTP or HTTPS there.",
		Why:   "The kubelet and kube-proxy look a port's name up in the pod: one that is not there fails every probe and makes the Service lead nowhere. They come by the pod's own address, where nobody listens who has bound 127.0.0.1.",
		Fix:   "use the name of a port that the container has",
		Check: func(in *Input, f *Finder) {
			wrongPort(in, f)
			otherPort(in, f)
			onLoopback(in, f)
			otherScheme(in, f)
			noGRPC(in, f)
		},
	},
	{
		Code: "HLT-06", Title: "a probe that boots a BEAM",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "Probes with exec that run bin/app rpc, eval, remote or pid, or rabbitmq-diagnostics and the like.",
		Why:   "Each one starts a whole VM: a quarter of a second of CPU and 40 MB of the container's memory, every few seconds, and more than a timeout of one second where CPU is limited.",
		Fix:   "ask by httpGet, or let Phial's agent answer",
		Check: bootingProbe,
	},
	{
		Code: "HLT-07", Title: "ready because a port is open",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Readiness probes with tcpSocket in releases that serve HTTP.",
		Why:   "The port is open before the app can answer and stays open when it no longer can.",
		Fix:   "ask by httpGet for a path that the app answers",
		Check: tcpReadiness,
	},
	{
		Code: "HLT-08", Title: "no time to start",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Liveness probes without a startup probe beside them, and how long they let the app take to boot.",
		Why:   "A boot that takes longer than usual, by a migration or on a busy machine, is killed before it ends, again and again.",
		Fix:   "add a startupProbe with as many tries as the longest boot takes",
		Check: noStartup,
	},
	{
		Code: "HLT-10", Title: "probes that are never in time",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "How long liveness and readiness take to notice: period times threshold.",
		Why:   "A node that hangs is seen after a quarter of an hour, or later.",
		Fix:   "ask every 5 to 10 seconds, with 3 tries",
		Check: slowProbe,
	},
	{
		Code: "HLT-09", Title: "ready before it has joined",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Readiness of clustered releases with several replicas that no agent of Phial's decides about.",
		Why:   "A node that finds nobody is a cluster of one: it takes its part of the traffic, without the others' state and broadcasts, and is Ready all the while.",
		Fix:   "let readiness fail until the node has joined, or let Phial's agent answer it; then the discovery Service needs publishNotReadyAddresses: true",
		Check: unawareReadiness,
	},
	{
		Code: "HLT-11", Title: "a drain that no probe shows",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "Releases behind a Service whose readiness and liveness probes ask one path of one port, and no agent of Phial's answers them.",
		Why:   "A pod that is to end can't say so: a path that fails while it drains would have liveness kill it. Kubernetes takes the pod out of its Services by itself; load balancers that ask the pods on their own go on sending until it is gone.",
		Fix:   "let readiness ask for a path of its own that answers 503 once the app was told to stop",
		Check: drainUnseen,
	},
	{
		Code: "HLT-12", Title: "one missed probe is enough",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "failureThreshold 1 of liveness probes, and timeouts of one second beside a small CPU limit.",
		Why:   "A pause of a second, by throttling or a busy machine, restarts the node and takes its links down.",
		Fix:   "set failureThreshold to 3 or more",
		Mends: true,
		Check: hastyProbe,
	},
	{
		Code: "HLT-15", Title: "a probe for a path that nobody answers",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests | Project,
		Looks: "Paths of probes by HTTP against the routes of the Phoenix endpoint that listens there. It speaks only where everything that may answer was read: no plug of the team's own before the router, and no macro that brings routes.",
		Why:   "A path without a route is answered with 404, and the kubelet takes that for failed: the pod is never ready, or restarted for ever.",
		Fix:   "add the route, or ask for one that there is",
		Check: unrouted,
	},
}

// probe is one of a container's probes.
type probe struct {
	manifest.Field
	kind string // readiness, liveness, startup
}

func probes(c manifest.Container) []probe {
	var all []probe
	for _, kind := range []string{"startup", "readiness", "liveness"} {
		if p := c.Key(kind + "Probe"); p.IsMap() {
			all = append(all, probe{p, kind})
		}
	}
	return all
}

// times are a probe's period, timeout and threshold, in seconds.
func (p probe) times() (period, timeout, threshold int64, ok bool) {
	period, a := p.Key("periodSeconds").IntOr(10)
	timeout, b := p.Key("timeoutSeconds").IntOr(1)
	threshold, c := p.Key("failureThreshold").IntOr(3)
	return period, timeout, threshold, a && b && c
}

// hasProbe says whether any container that is asked for the pod has a probe of a kind: a sidecar may speak for the node.
func hasProbe(b Beam, kind string) bool {
	for c := range b.Containers() {
		if c.Key(kind + "Probe").IsMap() {
			return true
		}
	}
	return false
}

func noProbes(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		readiness, liveness := hasProbe(b, "readiness"), hasProbe(b, "liveness")
		served := slices.ContainsFunc(in.Selecting("Service", b.Workload), func(s *manifest.Object) bool { return clientPorts(b, s) })
		name := b.Container.Key("name")
		switch {
		case !readiness && !liveness && !hasProbe(b, "startup"):
			n := f.At(b.Object, name, "the container %s has no probe at all", b.Container.Called)
			if !served {
				n.As(finding.Info, Hint) // there may be nothing to ask
			}
		case !readiness && served:
			f.At(b.Object, name, "%s has no readiness probe, and a Service sends traffic to it", b.Container.Called).Mend("add a readinessProbe")
		case !liveness:
			f.At(b.Object, name, "%s has no liveness probe: a node that hangs is not replaced", b.Container.Called).As(finding.Info, Hint).Mend("add a livenessProbe")
		}
	}
}

var dependsOnOthers = regexp.MustCompile(`(?i)(ready|readiness|\bdb\b|database|postgres|redis|cluster|quorum)`)

// drainUnseen finds releases that can't fail readiness without failing liveness.
func drainUnseen(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		live, ready := b.Container.At("livenessProbe.httpGet"), b.Container.At("readinessProbe.httpGet")
		path, known := ready.Key("path").Text()
		if !known || live.Key("path").String() != path || live.Key("port").String() != ready.Key("port").String() || managed(b.Workload) {
			continue
		}
		if slices.ContainsFunc(in.Selecting("Service", b.Workload), func(s *manifest.Object) bool { return clientPorts(b, s) }) {
			f.At(b.Object, ready.Key("path"), "readiness asks for %s, as liveness does: while the pod drains it can't fail without being killed", path).Also(live.Key("path"), "liveness")
		}
	}
}

var boots = regexp.MustCompile(`bin/[A-Za-z0-9_-]+["']?\s+["']?(rpc|eval|remote|pid|ping)\b|\b(rabbitmq-diagnostics|rabbitmqctl|elixir|iex|mix|emqx_ctl|erl_call)\b`)

func bootingProbe(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for c := range b.Containers() {
			for _, p := range probes(c) {
				if found := boots.FindString(words(p.At("exec.command"))); found != "" {
					f.At(b.Object, p.At("exec.command"), "the %s probe runs %s, which starts a BEAM each time", p.kind, strings.TrimSpace(found))
				}
			}
		}
	}
}

// http is why a release is taken to serve HTTP.
func http(c manifest.Container) string {
	for e := range c.Env() {
		if strings.HasPrefix(e.Called, "PHX_") {
			return e.Called + " is set"
		}
	}
	if hasPort(c, "http") {
		return "it has a port http"
	}
	return ""
}

func tcpReadiness(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		at := b.Container.At("readinessProbe.tcpSocket")
		if !at.Exists() {
			continue
		}
		if why := http(b.Container); why != "" && !managed(b.Workload) {
			f.At(b.Object, at, "readiness asks whether a port is open, and the app serves HTTP (%s)", why)
		} else {
			f.At(b.Object, at, "readiness asks whether a port is open, which says little of the app").As(finding.Info, Hint)
		}
	}
}

var migrates = regexp.MustCompile(`(?i)\bmigrat(e|ions?|or)\b`)

func noStartup(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		for c := range b.Containers() {
			live := c.Key("livenessProbe")
			if !live.IsMap() || c.Key("startupProbe").IsMap() {
				continue
			}
			period, _, threshold, ok := probe{live, "liveness"}.times()
			delay, known := live.Key("initialDelaySeconds").IntOr(0)
			if !ok || !known {
				continue
			}
			after := delay + period*threshold
			switch words := joined(c); {
			case migratesIn(words):
				f.At(b.Object, live, "the container %s migrates before it serves, and is killed after %d s without an answer", c.Called, after)
			case after < 30:
				f.At(b.Object, live, "the container %s has %d s to boot before it is killed, and no startup probe", c.Called, after)
			default:
				f.At(b.Object, live, "the container %s has %d s to boot before it is killed, and no startup probe", c.Called, after).As(finding.Info, Hint)
			}
		}
	}
}

func slowProbe(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		for c := range b.Containers() {
			for _, p := range probes(c) {
				period, timeout, threshold, ok := p.times()
				switch after := period * threshold; {
				case !ok || p.kind == "startup":
				case after >= 900:
					f.At(b.Object, p.Field, "the %s probe notices after %d minutes (every %d s, %d times)", p.kind, after/60, period, threshold)
				case after >= 300:
					f.At(b.Object, p.Field, "the %s probe notices after %d minutes (every %d s, %d times)", p.kind, after/60, period, threshold).As(finding.Info, Hint)
				case timeout > period:
					f.At(b.Object, p.Key("timeoutSeconds"), "the %s probe waits %d s for an answer and asks every %d s", p.kind, timeout, period).
						As(finding.Info, Certain).Mend("let the timeout be shorter than the period")
				}
			}
		}
	}
}

func hastyProbe(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		for c := range b.Containers() {
			live := c.Key("livenessProbe")
			at := live.Key("failureThreshold")
			if n, ok := at.Int(); ok && n <= 1 {
				f.At(b.Object, at, "one missed answer restarts the container %s", c.Called).Edited(in.Objects.Replace(at, "3"))
				continue
			}
			limit := c.At("resources.limits.cpu")
			cpu, limited := quantity(limit)
			if _, timeout, _, ok := (probe{live, "liveness"}).times(); ok && live.IsMap() && limited && cpu < 0.5 && timeout <= 1 {
				f.At(b.Object, live, "liveness waits 1 s for an answer, and the container %s is throttled beyond %s CPU", c.Called, limit).
					As(finding.Info, Hint).Also(limit, "the limit").Mend("set timeoutSeconds to 3 or more, or take the limit away")
			}
		}
	}
}
