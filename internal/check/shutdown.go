package check

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// shutdown are rules about how pods go, one by one or all at once.
var shutdown = []Rule{
	{
		Code: "DRN-01", Title: "traffic to a pod that has ended",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "Releases behind a Service without a preStop hook.",
		Why:   "A pod's address leaves the Service's endpoints on every machine some seconds after it was told to stop: until then new connections are refused, at each rollout.",
		Fix:   "add lifecycle.preStop with sleep: {seconds: 10}; before Kubernetes 1.30 exec: {command: [sleep, \"10\"]}",
		Check: noPreStop,
	},
	{
		Code: "DRN-02", Title: "killed before it has drained",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "terminationGracePeriodSeconds against what preStop sleeps, and against what the project says that its parts wait for when they end; the default is 30.",
		Why:   "The grace period counts from the beginning of preStop. What is left of it is all that the app has to end its work.",
		Fix:   "set terminationGracePeriodSeconds to what preStop sleeps and what the app takes to end, and some more: 60 to 120",
		Hides: []finding.Code{"JOB-02"},
		Check: func(in *Input, f *Finder) {
			shortGrace(in, f)
			longEnd(in, f)
		},
	},
	{
		Code: "DRN-03", Title: "sockets that are dropped at once",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Endpoints with sockets whose drainer is off, or whose Phoenix has none (before 1.7.2).",
		Why:   "All clients of a pod that ends lose their socket in the same moment and come back in the same moment, to those that are left.",
		Fix:   "leave the sockets' drainer: on, or update Phoenix to 1.7.2 or later",
		Check: noDrainer,
	},
	{
		Code: "DRN-04", Title: "a drain that takes too many, or never ends",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "PodDisruptionBudgets of releases with several replicas.",
		Why:   "Without a budget a drain of machines may take every pod at once; with one that allows nothing the drain waits for ever.",
		Fix:   "add a PodDisruptionBudget with maxUnavailable: 1",
		Check: budgets,
	},
	{
		Code: "DRN-05", Title: "a preStop hook that starts a BEAM",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "preStop hooks that run bin/app rpc, eval or stop.",
		Why:   "Each is a node of its own. It needs memory beside the app's, a free distribution port and the cookie of now; where one is missing the hook fails, and the pod ends without what it was to do.",
		Fix:   "do it in the app when it stops (prep_stop), or let Phial's agent drain: exec: {command: [phial-agent, drain]}",
		Check: func(in *Input, f *Finder) {
			for _, b := range in.Serving() {
				hook := b.Container.At("lifecycle.preStop.exec.command")
				if found := callsNode.FindString(words(hook)); found != "" {
					f.At(b.Object, hook, "preStop runs %s, which starts a second node beside the one that ends", strings.TrimSpace(found))
				}
			}
		},
	},
	{
		Code: "STA-06", Title: "the first pod waits for the second",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "StatefulSets that start their pods in order, whose readiness waits for the cluster.",
		Why:   "The second pod is made when the first is ready, and the first is ready when it has joined the second: after a full stop nothing starts.",
		Fix:   "set podManagementPolicy: Parallel (the StatefulSet has to be made anew), and publishNotReadyAddresses: true on its Service",
		Check: ordered,
	},
	{
		Code: "STA-07", Title: "every upgrade restarts everything",
		Severity: finding.Warning, Confidence: Certain, Needs: Templates,
		Looks: "Annotations of Helm's templates with random text or the time in them.",
		Why:   "The pod template differs at each helm upgrade, so all pods are replaced, even where nothing has changed.",
		Fix:   "annotate with a checksum of what the pods have to be restarted for: sha256sum of the ConfigMap",
		Check: randomAnnotation,
	},
}

func noPreStop(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		if b.Container.At("lifecycle.preStop").Exists() || agentDrains(b) {
			continue
		}
		services := slices.Clone(in.Selecting("Service", b.Workload))
		slices.SortStableFunc(services, func(a, b *manifest.Object) int {
			return strings.Compare(a.At("spec.clusterIP").String(), b.At("spec.clusterIP").String())
		})
		for _, s := range services {
			if clientPorts(b, s) {
				f.At(b.Object, b.Container.Key("name"), "the container %s ends at once when it is told to, while the Service %s still sends it connections", b.Container.Called, s.Name).
					Also(s.At("metadata.name"), "the Service")
				break
			}
		}
	}
}

// agentDrains says whether another container holds the pod's end back.
func agentDrains(b Beam) bool {
	for c := range b.Containers() {
		if c.Field != b.Container.Field && c.Beside && c.At("lifecycle.preStop").Exists() {
			return true
		}
	}
	return false
}

// clientPorts says whether a Service has a port that is not one of the distribution's.
func clientPorts(b Beam, s *manifest.Object) bool {
	for p := range servicePorts(s, b.Workload) {
		if distribution(b, p.target, p.name, p.Key("targetPort").String()) == "" {
			return true
		}
	}
	return false
}

var sleeps = regexp.MustCompile(`(?:^|[\s;&/"'])sleep\s+(\d+)`)

// preStopSleep is for how long preStop sleeps, in seconds, as far as it says.
func preStopSleep(c manifest.Container) (seconds int64, at manifest.Field) {
	hook := c.At("lifecycle.preStop")
	if s := hook.At("sleep.seconds"); s.Exists() {
		n, _ := s.Int()
		return n, s
	}
	for _, m := range sleeps.FindAllStringSubmatch(words(hook.At("exec.command")), -1) {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		seconds += n
	}
	return seconds, hook.At("exec.command")
}

func shortGrace(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		at := b.Pod.Key("terminationGracePeriodSeconds")
		grace, ok := at.IntOr(30)
		if !ok {
			continue
		}
		is := "is " + strconv.FormatInt(grace, 10) + " s"
		if at.Null() {
			is = "is 30 s, the default"
		}
		sleep, hook := preStopSleep(b.Container)
		switch {
		case grace == 0:
			f.At(b.Object, at, "the grace period is 0: pods are killed at once, and nothing they do is ended")
		case sleep >= grace:
			f.At(b.Object, hook, "preStop sleeps %d s, and the grace period %s: the app is killed before it is told to stop", sleep, is)
		case sleep > 0 && grace-sleep < 10:
			f.At(b.Object, hook, "preStop sleeps %d s, and the grace period %s: the app has %d s to end its work", sleep, is, grace-sleep).As(finding.Warning, Likely)
		case grace < 10:
			f.At(b.Object, at, "the grace period %s", is).As(finding.Warning, Likely)
		case at.Null():
			f.At(b.Object, b.Pod, "the grace period %s: %d s remain to end connections and jobs", is, grace-sleep).As(finding.Info, Hint)
		}
	}
}

func budgets(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		if !in.several(b.Workload) {
			continue
		}
		all := in.Selecting("PodDisruptionBudget", b.Workload)
		if len(all) == 0 {
			_, at, _ := b.Replicas()
			n := f.At(b.Object, at, "%s has several replicas and no PodDisruptionBudget", b.Name)
			if b.Kind != "StatefulSet" {
				n.As(finding.Info, Hint)
			}
			continue
		}
		replicas, _, known := b.Replicas()
		known = known && in.autoscaler(b.Workload) == nil
		for _, p := range all {
			least, most := p.At("spec.minAvailable"), p.At("spec.maxUnavailable")
			n, number := least.Int()
			switch {
			case known && number && n >= replicas, least.String() == "100%":
				f.At(b.Object, least, "the budget %s wants %s of %d replicas available: no machine with one of them can be drained", p.Name, least, replicas)
			case most.String() == "0" || most.String() == "0%":
				f.At(b.Object, most, "the budget %s lets no pod go: no machine with one of them can be drained", p.Name)
			case known && most.String() == strconv.FormatInt(replicas, 10), most.String() == "100%":
				f.At(b.Object, most, "the budget %s lets all %d pods go at once", p.Name, replicas)
			}
		}
	}
}

func ordered(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		policy := b.At("spec.podManagementPolicy")
		if b.Kind != "StatefulSet" || policy.String() == "Parallel" || !in.several(b.Workload) {
			continue
		}
		if waits, ok := in.readinessWaits(b); ok {
			f.At(b.Object, waits, "pods of %s start one after the other, each when the one before is ready, and are ready when they have joined", b.Name).Also(policy, "the order")
		}
	}
}

// templateLine is a line of Helm's templates.
type templateLine struct {
	at          Span
	text, whole string // the line, and the file that it is in
}

var (
	randomText       = regexp.MustCompile(`\{\{-?[^}]*\b(randAlphaNum|randAlpha|randNumeric|randAscii|uuidv4)\b`)
	randomOrNow      = regexp.MustCompile(`\{\{-?[^}]*\b(randAlphaNum|randAlpha|randNumeric|randAscii|uuidv4|now)\b`)
	annotationsBlock = regexp.MustCompile(`^\s*annotations:`)
)

// templateLines are the lines of Helm's templates in which something is found; the span is that of it.
func (in *Input) templateLines(what *regexp.Regexp) []templateLine {
	if in.Objects == nil {
		return nil
	}
	var all []templateLine
	for _, t := range in.Objects.Templates {
		whole := string(t.Text)
		for n, l := range numbered(whole) {
			if m := what.FindStringIndex(l); m != nil {
				column := len([]rune(l[:m[0]])) + 1
				all = append(all, templateLine{Span{t.Name, n, column, n, column + len([]rune(l[m[0]:m[1]]))}, l, whole})
			}
		}
	}
	return all
}

func randomAnnotation(in *Input, f *Finder) {
	for _, t := range in.templateLines(randomOrNow) {
		if underAnnotations(t) && strings.Contains(t.whole, "template:") {
			f.On(t.at.File, t.at, "this annotation is another one at each upgrade, and so are all pods, where it is in their template")
		}
	}
}

// underAnnotations says whether a line stands below annotations:, by the indentation of the lines above it.
func underAnnotations(t templateLine) bool {
	lines := strings.Split(t.whole, "\n")
	indent := func(l string) int { return len(l) - len(strings.TrimLeft(l, " ")) }
	own := indent(t.text)
	for i := t.at.Line - 2; i >= 0; i-- {
		l := lines[i]
		if strings.TrimSpace(l) == "" || strings.HasPrefix(strings.TrimSpace(l), "{{") || indent(l) >= own {
			continue
		}
		return annotationsBlock.MatchString(l)
	}
	return false
}
