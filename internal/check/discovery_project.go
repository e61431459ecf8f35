package check

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/spell"
)

// inUse are the topologies that a release starts.
func (in *Input) inUse() (all []project.Topology) {
	for _, t := range in.Project.Topologies {
		if t.Started && !t.Anonymous {
			all = append(all, t)
		}
	}
	return all
}

// topologyName is a topology as findings speak of it.
func topologyName(t project.Topology) string {
	if t.Name == "" {
		return "a topology"
	}
	return "the topology " + t.Name
}

// strategyAt is where a topology names its strategy.
func strategyAt(t project.Topology) project.Pos {
	if t.Strategy.At.File != "" {
		return t.Strategy.At
	}
	return t.At
}

func forgetful(in *Input, f *Finder) {
	for _, t := range in.inUse() {
		switch s := t.StrategyName(); s {
		case "Kubernetes.DNS", "Kubernetes.DNSSRV", "DNSPoll":
			if t.Option("resolver").Absent() {
				f.In(in.projectName(), strategyAt(t), "%s looks nodes up by %s, which takes a failed lookup for an empty list and disconnects every node", topologyName(t), s)
			}
		}
	}
}

// partOfTheNodes finds DNSPoll where the resolver is known to give a part of the records.
func partOfTheNodes(in *Input, f *Finder) {
	for _, t := range in.inUse() {
		query, ok := t.Option("query").AsText()
		if t.StrategyName() == "DNSPoll" && ok && t.Option("resolver").Absent() && strings.HasSuffix("."+strings.TrimSuffix(query, "."), ".consul") {
			f.In(in.projectName(), t.Option("query").At, "%s polls %s, and Consul answers with three of the addresses: DNSPoll disconnects all others", topologyName(t), query)
		}
	}
}

// locked is the version of a package in mix.lock.
func (in *Input) locked(name string) (project.Locked, bool) {
	for _, l := range in.Project.Lock {
		if l.Name == name && l.Kind == project.LockHex && l.Version != "" {
			return l, true
		}
	}
	return project.Locked{}, false
}

// before says whether a version is older than another; what is no version is not.
func before(version string, than ...int) bool {
	core, _, pre := strings.Cut(version, "-")
	parts := strings.Split(core, ".")
	for i, want := range than {
		if i >= len(parts) {
			return false
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return false
		}
		if n != want {
			return n < want
		}
	}
	return pre
}

func oldLookup(in *Input, f *Finder) {
	l, ok := in.locked("dns_cluster")
	if !ok || !before(l.Version, 0, 1, 2) || len(in.Project.DNSClusters) == 0 {
		return
	}
	for _, b := range in.OfProject() {
		for _, q := range queries(b) {
			text := strings.TrimSuffix(q.at.Value().String(), ".")
			if strings.Contains(text, ".svc.") {
				continue
			}
			f.At(b.Object, q.at.Value(), "dns_cluster %s looks names up as they stand, without the search list, and %s is a short one", l.Version, text).
				place(in, l.At, "dns_cluster "+l.Version)
		}
	}
}

func oldLibcluster(in *Input, f *Finder) {
	l, ok := in.locked("libcluster")
	if !ok || !before(l.Version, 3, 3, 0) {
		return
	}
	for _, t := range in.inUse() {
		switch s := t.StrategyName(); s {
		case "Kubernetes", "Kubernetes.DNS", "Kubernetes.DNSSRV", "DNSPoll", "Rancher":
			f.In(in.projectName(), l.At, "libcluster %s dials only nodes that its last list did not have: a link that was lost does not come back (%s)", l.Version, s)
			return
		}
	}
}

// foreign finds Services by which nodes look for one another and that list other apps' pods as well.
func foreign(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		if in.clustered(b) == "" {
			continue
		}
		for _, s := range in.discoveryServices(b) {
			selector := s.At("spec.selector")
			var others []string
			beams := true
			var first manifest.Workload
			for _, w := range in.Selected(s.Object, selector) {
				if w.Object == b.Object || !w.Serves() || sameImage(b, w) || w.Name == b.Name {
					continue
				}
				if len(others) == 0 {
					first = w
				}
				others = append(others, w.Label())
				_, isBeam := in.Beam(w)
				beams = beams && isBeam
			}
			if len(others) == 0 || !selects(in, s.Object, b) {
				continue
			}
			n := f.At(b.Object, selector, "the Service %s, by which the nodes of %s are found, selects the pods of %s as well", s.Name, b.Name, spell.List(others, "and", 4)).
				Also(first.Template.At("metadata.labels"), "selected too")
			if beams {
				n.As(finding.Info, Hint).Saw("releases of different images may be meant to be one mesh")
			}
		}
	}
}

func selects(in *Input, s *manifest.Object, b Beam) bool {
	return slices.Contains(in.Selecting("Service", b.Workload), s)
}

func sameImage(b Beam, w manifest.Workload) bool { return runsImage(w, imageName(b.Container)) }

// runsImage says whether one of a workload's containers has an image of this name.
func runsImage(w manifest.Workload, name string) bool {
	for c := range w.Containers() {
		if imageName(c) == name {
			return true
		}
	}
	return false
}

func gossip(in *Input, f *Finder) {
	for _, t := range in.inUse() {
		if t.StrategyName() == "Gossip" && t.When.Absent() {
			f.In(in.projectName(), strategyAt(t), "%s finds nodes by UDP multicast, which most networks of Kubernetes do not carry", topologyName(t))
		}
	}
}

// renamed are keys that one strategy looks at and people write for another, by strategy.
var renamed = map[string]map[string]string{
	"Kubernetes":        {"namespace": "kubernetes_namespace", "node_basename": "kubernetes_node_basename", "selector": "kubernetes_selector", "service_name": "kubernetes_service_name", "ip_lookup_mode": "kubernetes_ip_lookup_mode"},
	"Kubernetes.DNS":    {"node_basename": "application_name", "kubernetes_node_basename": "application_name"},
	"Kubernetes.DNSSRV": {"kubernetes_namespace": "namespace", "node_basename": "application_name", "kubernetes_node_basename": "application_name"},
	"DNSPoll":           {"application_name": "node_basename", "service": "query"},
}

func ignoredOptions(in *Input, f *Finder) {
	l, ok := in.locked("libcluster")
	newer := ok && !before(l.Version, 3, 6, 0)
	for _, t := range in.Project.Topologies {
		s := t.StrategyName()
		keys, _ := project.StrategyOptions(s)
		if in.otherStrategys(t, newer, f) {
			continue
		}
		for _, o := range t.Ignored {
			n := f.In(in.projectName(), o.At, "%s has %s:, and the strategy %s does not look at it%s", topologyName(t), o.Name, s, spell.Hint(o.Name, keys)).As(finding.Warning, Certain)
			if newer {
				n.As(finding.Info, Hint).Saw("libcluster %s may know options that are not known here", l.Version)
			}
			to := renamed[s][o.Name]
			meant := cmp.Or(to, spell.Nearest(o.Name, keys), in.demanded(t, s))
			switch {
			case meant != "" && t.Option(meant).Absent():
				n.Mend("write %s:, which %s looks at", meant, s)
				if to != "" {
					n.Edited(in.rewrite(o.At, o.Name+":", to+":"))
				}
				n.stops(in, s, meant)
			case s == "Kubernetes.DNS" && strings.HasSuffix(o.Name, "namespace"):
				n.Mend("take it out: %s asks in the pod's own namespace, or write the namespace into service:", s)
			}
		}
	}
}

// notTold is what a prediction says of a strategy that demands an option.
func notTold(strategy, option string) string {
	return "libcluster's " + strategy + " is not told " + option
}

// stops weighs a finding about an option that was meant for one that a strategy demands: the prediction has it that the app does
// not boot without. That stands beneath it.
func (n *Finding) stops(in *Input, strategy, option string) {
	if in.Predicted() == nil {
		return
	}
	x := in.predicted()
	for _, b := range in.OfProject() {
		if r := x.of[b.Label()]; len(r) > 0 && strings.HasSuffix(r[0].NoNode, notTold(strategy, option)) {
			n.As(finding.Error, Certain).over = append(n.over, aboutOf(b.Object))
			n.Cause += ": without " + option + " the app does not boot"
		}
	}
}

// demanded is the option that a strategy is not told, and without which by the prediction no pod boots, where a topology has a
// single one that nobody looks at: that was meant, whatever it is called. Empty where it is not certain.
func (in *Input) demanded(t project.Topology, strategy string) string {
	if len(t.Ignored) != 1 || in.Predicted() == nil {
		return ""
	}
	x := in.predicted()
	keys, _ := project.StrategyOptions(strategy)
	for _, b := range in.OfProject() {
		for _, key := range keys {
			if r := x.of[b.Label()]; len(r) > 0 && t.Option(key).Absent() && likeKey(t.Ignored[0].Name, key) && strings.HasSuffix(r[0].NoNode, notTold(strategy, key)) {
				return key
			}
		}
	}
	return ""
}

// likeKey says whether two keys have their last word in common, and the first letter of the others: app_name, application_name.
func likeKey(a, b string) bool {
	x, y := strings.Split(a, "_"), strings.Split(b, "_")
	if len(x) != len(y) || len(x) < 2 || x[len(x)-1] != y[len(y)-1] {
		return false
	}
	for i := range x {
		if x[i] == "" || y[i] == "" || x[i][0] != y[i][0] {
			return false
		}
	}
	return true
}

// otherStrategys tells of several options at once that all are another strategy's: the strategy was changed, and they were not.
func (in *Input) otherStrategys(t project.Topology, newer bool, f *Finder) bool {
	s := t.StrategyName()
	var names []string
	for _, o := range t.Ignored {
		if renamed[s][o.Name] != "" {
			return false
		}
		names = append(names, o.Name+":")
	}
	if len(names) < 2 {
		return false
	}
	n := f.In(in.projectName(), t.Ignored[0].At, "%s has %s, and the strategy %s looks at none of them", topologyName(t), spell.List(names, "and", 6), s).As(finding.Warning, Certain)
	keys, _ := project.StrategyOptions(s)
	if n.Mend("take them out, or name the strategy that they are for"); len(keys) > 0 {
		n.Saw("%s looks at %s", s, spell.List(keys, "and", 12))
	}
	for _, o := range t.Ignored[1:] {
		n.place(in, o.At, o.Name+":")
	}
	if newer {
		n.As(finding.Info, Hint)
	}
	return true
}

// rewrite puts one text in place of another that stands at a place of the project.
func (in *Input) rewrite(at project.Pos, old, text string) (manifest.Edit, bool) {
	file := in.ProjectText(at.File)
	begin, line := 0, 1
	for l := range strings.Lines(file) {
		if line == at.Line {
			begin += at.Col - 1
			break
		}
		begin += len(l)
		line++
	}
	if line != at.Line || at.Col < 1 || begin+len(old) > len(file) || file[begin:begin+len(old)] != old {
		return manifest.Edit{}, false
	}
	return manifest.Edit{File: in.ProjectFile(at.File), Begin: begin, End: begin + len(old), Text: text}, true
}

func addressesOfOneFamily(in *Input, f *Finder) {
	for _, t := range in.inUse() {
		name, ok := t.Option("service").AsText()
		if t.StrategyName() != "Kubernetes.DNS" || !t.Option("resolver").Absent() || !ok {
			continue
		}
		for _, b := range in.OfProject() {
			short, _, _ := strings.Cut(name, ".")
			s := in.Objects.Find(b.Object, "Service", short)
			if s == nil || !onlyIPv6(s) {
				continue
			}
			f.In(in.projectName(), strategyAt(t), "%s asks for IPv4 addresses alone, and the Service %s has IPv6 addresses alone", topologyName(t), short).
				Also(s.At("spec.ipFamilies"), "the Service's families")
		}
	}
}

func onlyIPv6(s *manifest.Object) bool {
	families := s.At("spec.ipFamilies")
	for family := range families.Items() {
		if family.String() != "IPv6" {
			return false
		}
	}
	return families.Len() > 0
}

func oneMachineAlone(in *Input, f *Finder) {
	replicated := in.replicated()
	if len(replicated) == 0 {
		return
	}
	for _, t := range in.inUse() {
		if !t.When.Absent() {
			continue
		}
		switch s := t.StrategyName(); s {
		case "LocalEpmd", "ErlangHosts":
			f.In(in.projectName(), strategyAt(t), "%s asks the EPMD of its own machine (%s), and each pod of %s has its own", topologyName(t), s, replicated[0].Name)
		case "Epmd":
			hosts := t.Option("hosts")
			local := hosts.Literal() && len(hosts.Items) > 0
			for _, h := range hosts.Items {
				local = local && loopback(h.Value.Text)
			}
			if local {
				f.In(in.projectName(), strategyAt(t), "%s dials nodes of its own machine alone, and the replicas of %s are elsewhere", topologyName(t), replicated[0].Name)
			}
		}
	}
}

func shortNamesOnMusl(in *Input, f *Finder) {
	for _, d := range in.deployed() {
		if base := d.Base(d.Final()); !base.Ref.Known() || readBase(base.Ref.Value).family != alpine {
			continue
		}
		for _, b := range in.OfProject() {
			e, ok := b.Container.EnvVar(beam.EnvReleaseNode)
			if host := nodeHost(b); ok && strings.Contains(host, ".") && !strings.Contains(host, ".svc.") {
				f.At(b.Object, e.Value(), "nodes are dialled by a short name, and the image is Alpine's").place(in, d.Stages[d.Final()].At, "Alpine")
			}
		}
	}
}
