package check

import (
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// hostless finds releases whose name has no host because rel/env.sh is not given what it makes it of.
func hostless(in *Input, f *Finder) {
	facts := in.envSh()
	if facts == nil {
		return
	}
	for _, b := range in.followed() {
		r := in.started(b)
		if r == nil {
			continue
		}
		var what string
		var at envsh.Pos
		switch node := r.Node().Name; {
		case r.Ends != nil:
			what, at = "rel/env.sh ends the start: "+endWhy(*r.Ends), r.Ends.Pos
		case node.Known() && strings.HasSuffix(node.Text, "@"):
			what = "the node would be called " + node.Text + ", without a host"
		default:
			continue
		}
		missing := in.unset(b, r, facts, beam.EnvReleaseNode)
		if len(missing) == 0 && (r.Ends == nil || r.Windows) { // with line ends of Windows: see windowsEnds
			continue
		}
		var names []string
		for _, m := range missing {
			names = append(names, m.Name)
			if at.Line == 0 {
				at = m.Pos
			}
		}
		if len(names) > 0 {
			what += ", since nothing sets " + strings.Join(names, " and ")
		}
		n := f.At(b.Object, b.Container.Key("env"), "%s", what).place(in, ofEnvSh(at), "needed here")
		if len(names) > 0 {
			n.Mend("add %s to the container's env%s", names[0], fieldFor(names[0]))
		}
		if !in.startsItself(b) {
			n.As(warningLikely()).Saw("the image, or what starts the release in it, may set it")
		}
	}
}

// fixedLoopback is a node's name that every machine has.
var fixedLoopback = regexp.MustCompile(`@(127\.0\.0\.1|localhost|::1)\b`)

var fallbackLoopback = regexp.MustCompile(`\$\{([A-Z_0-9]+):?-(127\.0\.0\.1|localhost|::1)\}`)

func loopbackName(in *Input, f *Finder) {
	replicated := in.replicated()
	wanted := len(replicated) > 0 || in.topology() != "" && len(in.OfProject()) == 0
	if !wanted {
		return
	}
	given := len(replicated) > 0
	for _, b := range replicated {
		_, set := b.Container.EnvVar(beam.EnvReleaseNode)
		given = given && set
	}
	loopbackInEnvSh(in, f, replicated[:min(len(replicated), maxFollowed)])
	for _, v := range in.Project.VMArgs {
		for _, flag := range v.Flags {
			if !v.Taken || flag.Words[0] != "-name" && flag.Words[0] != "-sname" || !fixedLoopback.MatchString(flag.String()) {
				continue
			}
			n := f.In(v.File, flag.At, "%s fixes the name of every replica to one that is each machine's own", v.File)
			if by := in.namedBefore(flag.Words[0], replicated); by != "" {
				n.second(flag.Words[0], by)
				continue
			}
			n.ofLoopback(in, replicated)
		}
	}
	for _, d := range in.deployed() {
		if node, ok := d.Env(d.Final())[beam.EnvReleaseNode]; ok && node.Known() && loopback(node.Value) && !given {
			f.In(d.File, node.At, "the image sets RELEASE_NODE to %s for every replica", node.Value).ofLoopback(in, replicated)
		}
		for _, i := range d.Chain(d.Final()) {
			if i.Name == "RUN" && strings.Contains(runText(i), "vm.args") && fixedLoopback.MatchString(runText(i)) {
				n := f.In(d.File, i.At, "the build writes a name with 127.0.0.1 into vm.args, which every replica has then")
				if flag := strings.Trim(nameFlag.FindString(runText(i)), " \t\"'"); flag != "" {
					if by := in.namedBefore(flag, replicated); by != "" {
						n.second(flag, by)
						continue
					}
				}
				n.ofLoopback(in, replicated)
			}
		}
	}
}

// nameFlag is a node's name among flags.
var nameFlag = regexp.MustCompile(`(^|[\s"'])-s?name\b`)

// namedBefore is the flag by which the start script names the node in front of vm.args, so that the name there is a second one;
// empty where it may not. It does so by RELEASE_DISTRIBUTION, sname by default; of both kinds erl looks for -sname first.
func (in *Input) namedBefore(flag string, replicated []Beam) (by string) {
	wins := func(distribution string) string {
		if distribution == beam.DistributionSName || distribution == beam.DistributionName && flag == "-name" {
			return "-" + distribution
		}
		return ""
	}
	sh := in.Project.EnvSh
	if len(replicated) == 0 {
		switch {
		case sh.Distribution.Known():
			return wins(sh.Distribution.Value)
		case !strings.Contains(sh.Text, beam.EnvReleaseDistribution) && in.Objects == nil:
			return wins(beam.DistributionSName)
		}
		return ""
	}
	for _, b := range replicated {
		distribution := beam.DistributionSName
		if r := in.started(b); r != nil {
			distribution = "" // not known
			if f := r.Node().Flag; f.Known() {
				distribution = f.Text
			}
		} else if e, set := b.Container.EnvVar(beam.EnvReleaseDistribution); set {
			distribution = e.Value().String()
		} else if sh.Text != "" || b.Container.EnvFrom() {
			return ""
		}
		if by = wins(distribution); by == "" {
			return ""
		}
	}
	return by
}

// second says of a finding about a name that it is the second one.
func (n *Finding) second(flag, by string) {
	n.As(finding.Info, Hint).Cause = "a name is given beside the start script's " + by + ", which erl looks for first: this one has no effect"
	if flag == by {
		n.Cause = "a second name is given beside RELEASE_NODE's, which stands first: Multiple " + flag + " given to erl, using the first"
	}
	n.Mend("take it out: the start script gives the name, by RELEASE_DISTRIBUTION and RELEASE_NODE")
}

func loopbackInEnvSh(in *Input, f *Finder, replicated []Beam) {
	facts := in.envSh()
	if facts == nil {
		return
	}
	for _, b := range replicated {
		r := in.started(b)
		if r == nil || r.Ends != nil {
			continue
		}
		node := r.Node()
		if !node.Name.Known() || !loopback(node.Name.Text) {
			continue
		}
		for _, a := range facts.Sets(beam.EnvReleaseNode) {
			n := f.In(b.Label(), ofEnvSh(a.Pos), "every replica of %s is called %s, which is each pod's own address", b.Name, node.Name.Text).Also(b.Container.Key("env"), "the environment that it is given").
				ofLoopback(in, []Beam{b})
			if m := fallbackLoopback.FindStringSubmatch(in.Project.EnvSh.Text); m != nil {
				n.Mend("give the container %s%s, and let env.sh fail without it: ${%s:?}", m[1], fieldFor(m[1]), m[1])
			}
			break
		}
	}
	if len(replicated) > 0 {
		return
	}
	for _, a := range facts.Sets(beam.EnvReleaseNode) {
		if fixedLoopback.MatchString(a.Value) && !a.IfUnset && !a.Maybe {
			f.In(in.envShFile(), ofEnvSh(a.Pos), "every replica is called %s, which is each machine's own address", a.Value).ofLoopback(in, nil)
		} else if m := fallbackLoopback.FindStringSubmatch(a.Value); m != nil {
			f.In(in.envShFile(), ofEnvSh(a.Pos), "without %s every replica is called by %s, and nothing says so", m[1], m[2]).As(finding.Info, Hint)
		}
	}
}

// ofLoopback weighs a finding about names that every machine has: certain where the prediction shows that nodes dial others by
// another name. What it predicts of them for that reason stands beneath the finding.
func (n *Finding) ofLoopback(in *Input, beams []Beam) *Finding {
	n.As(warningLikely())
	if in.Predicted() == nil || len(beams) == 0 {
		return n
	}
	x := in.predicted()
	if x.meetsLoopback == nil {
		x.meetsLoopback = map[string]bool{}
		for _, o := range x.obstacles[finding.HostMismatch] {
			if to := x.replicas[o.To]; to != nil && loopback(to.Node) {
				x.meetsLoopback[x.workload[o.From]] = true
			}
		}
	}
	from := x.meetsLoopback
	for _, b := range beams {
		if from[b.Label()] {
			n.As(finding.Error, Certain).over = append(n.over, aboutOf(b.Object))
		}
	}
	return n
}

var podRecord = regexp.MustCompile(`\.pod(\.|$)`)

func podRecords(in *Input, f *Finder) {
	const text = "%s has a pod's A record in it, which resolves only where CoreDNS has pods insecure or pods verified"
	for _, b := range in.Serving() {
		if e, ok := b.Container.EnvVar(beam.EnvReleaseNode); ok && podRecord.MatchString(e.Value().String()) {
			f.At(b.Object, e.Value(), text, beam.EnvReleaseNode)
		}
	}
	if facts := in.envSh(); facts != nil {
		for _, a := range facts.Sets(beam.EnvReleaseNode) {
			if podRecord.MatchString(a.Value) {
				f.In(in.envShFile(), ofEnvSh(a.Pos), text, beam.EnvReleaseNode)
			}
		}
	}
	if in.Project == nil {
		return
	}
	for _, t := range in.Project.Topologies {
		if mode := t.Option("mode"); t.Started && t.StrategyName() == "Kubernetes" && mode.Is("dns") {
			f.In(in.projectName(), mode.At, "mode: :dns dials pods' A records, which resolve only where CoreDNS has pods insecure or pods verified")
		}
	}
}

// overridden finds what is set in a manifest, or in rel/, and has no effect.
func overridden(in *Input, f *Finder) {
	if facts := in.envSh(); facts != nil {
		for _, b := range in.followed() {
			overriddenIn(in, f, facts, b)
		}
	}
	notTaken(in, f)
}

// withoutEffect says whether rel/env.sh sets a variable whatever the manifest says, so that what stands there is no more than
// useless.
func (in *Input) withoutEffect(b Beam, name string) bool {
	facts := in.envSh()
	if facts == nil || !in.ofProject(b) || len(facts.Overrides(name)) == 0 {
		return false
	}
	r := in.started(b)
	if r == nil || r.Ends != nil {
		return false
	}
	got, set := r.Vars[name]
	e, given := b.Container.EnvVar(name)
	return set && given && got.Known() && !strings.Contains(got.Text, e.Value().String())
}

// ifInEffect makes a finding about a variable a hint where rel/env.sh sets it otherwise.
func (n *Finding) ifInEffect(in *Input, b Beam, name string) *Finding {
	if in.withoutEffect(b, name) {
		n.As(finding.Info, Hint).Saw("rel/env.sh sets %s whatever it is given, so this has no effect", name)
	}
	return n
}

func overriddenIn(in *Input, f *Finder, facts *envsh.Facts, b Beam) {
	r := in.started(b)
	if r == nil || r.Ends != nil {
		return
	}
	above := map[string]envsh.Value{}
	for e := range b.Container.Env() {
		want := given(b, e.Called, above)
		above[e.Called] = want
		all := facts.Overrides(e.Called)
		got, set := r.Vars[e.Called]
		if len(all) == 0 || !set || !got.Known() || want.Known() && strings.Contains(got.Text, want.Text) {
			continue
		}
		last := all[len(all)-1]
		n := f.In(b.Label(), ofEnvSh(last.Pos), "rel/env.sh sets %s whatever it is given, so the manifest's has no effect", e.Called).As(warningLikely()).
			Also(e.Key("name"), "has no effect").Mend("let what is given win: export %s=\"${%s:-...}\"", e.Called, e.Called)
		if nodeEnv(e.Called) {
			n.parts(in, []Beam{b}, e.Called)
		}
	}
}

// namedBy are codes of names that do not meet, by the variables that the names are made of.
var namedBy = map[string][]finding.Code{
	beam.EnvReleaseDistribution: {finding.ShortAgainstLong, codeShortWithLong},
	beam.EnvReleaseNode:         {finding.HostMismatch, finding.BasenameMismatch, codeShortWithLong},
	beam.EnvReleaseName:         {finding.BasenameMismatch},
}

// parts weighs a finding about variables that names are made of: it is certain where the prediction has it that workloads part
// by such names. What is predicted of them for that reason stands beneath it.
func (n *Finding) parts(in *Input, beams []Beam, variables ...string) {
	for _, b := range beams {
		for _, v := range variables {
			for _, code := range namedBy[v] {
				if in.partsBy(code, b) {
					n.As(finding.Error, Certain).over = append(n.over, aboutOf(b.Object))
				}
			}
		}
	}
}

// keepers are libraries that keep on disk who the members are, by their names.
var keepers = map[string]string{":mnesia": "Mnesia", "Mnesia": "Mnesia", "Memento": "Mnesia", "Amnesia": "Mnesia", ":ra": "ra", ":khepri": "Khepri", "Khepri": "Khepri"}

// keeper is what of the project keeps its members' names, where it does so on disk, and whether that is certain.
func (in *Input) keeper() (what string, at project.Pos, disk bool) {
	for _, c := range in.Project.CallsOf(":mnesia.create_schema") {
		return "Mnesia", c.At, true
	}
	for _, u := range in.Project.Libraries {
		name, _, _ := strings.Cut(u.What, ".")
		if k := keepers[name]; k != "" {
			return k, u.At, k != "Mnesia"
		}
	}
	return "", project.Pos{}, false
}

func unstableNames(in *Input, f *Finder) {
	what, at, disk := in.keeper()
	if what == "" {
		return
	}
	for _, b := range in.followed() {
		if !in.several(b.Workload) {
			continue
		}
		node, set := b.Container.EnvVar(beam.EnvReleaseNode)
		byAddress := strings.Contains(node.Value().String(), "@$(POD_IP)")
		if r := in.started(b); r != nil && !set {
			byAddress = strings.HasSuffix(r.Node().Name.Text, "@10.244.1.10")
		}
		var field manifest.Field
		switch {
		case b.Kind != "StatefulSet":
			field = b.At("kind")
		case byAddress && set:
			field = node.Value()
		case byAddress:
			field = b.Container.Key("env")
		default:
			continue
		}
		n := f.At(b.Object, field, "%s knows its members by their names, and the pods of %s have another at each start", what, b.Label()).place(in, at, what)
		if !disk {
			n.As(finding.Info, Hint).Saw("Mnesia in memory alone loses nothing by it")
		}
	}
}

// sameNames finds apps that take each other for their own once an address has gone from one to the other.
func sameNames(in *Input, f *Finder) {
	type key struct{ node, secret, key, namespace string }
	first := map[key]Beam{}
	for _, b := range in.Serving() {
		node, ok := b.Container.EnvVar(beam.EnvReleaseNode)
		cookie, set := b.Container.EnvVar(beam.EnvReleaseCookie)
		ref := cookie.From().Key("secretKeyRef")
		if !ok || !set || !ref.Exists() || !strings.Contains(node.Value().String(), "@$(POD_IP)") {
			continue
		}
		k := key{node.Value().String(), ref.Key("name").String(), ref.Key("key").String(), b.Namespace}
		other, twice := first[k]
		if !twice {
			first[k] = b
			continue
		}
		if other.Name != b.Name && imageName(other.Container) != imageName(b.Container) {
			f.At(b.Object, node.Value(), "%s and %s are of different images, and have the same base name, cookie and kind of address: a node of the one is taken for one of the other", other.Name, b.Name)
		}
	}
}
