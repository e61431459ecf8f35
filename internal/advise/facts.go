package advise

import (
	"cmp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/project"
)

// This file alone knows what a project is. A fact that projects learn to tell becomes a signal here.

// Facts are what a project says that bears on how it should run.
type Facts struct {
	Name    string // of the release, and so the base of node names; empty where it is not known
	Seen    []Seen
	Notes   []Note // what could not be read
	Library bool   // nothing starts here
	Fit     Fit
	Finder  string // "libcluster", "dns_cluster", or empty: what connects nodes where there is no Kubernetes
	HTTP    bool
	Stop    int  // seconds that the app may take to stop, at least
	Written bool // phial.yaml is there
}

// Seen is one thing that gives a signal, and where it stands. Several may give the same one.
type Seen struct {
	Signal Signal
	What   string
	At     []project.Pos
}

// More than these are not kept of one signal, nor places of one thing.
const (
	maxThings = 5
	maxPlaces = 3
)

// FactsOf reads a project.
func FactsOf(p *project.Project) Facts {
	f := Facts{Name: name(p), Fit: fit(p), Stop: stop(p), Written: p.Has("phial.yaml")}
	f.messages(p)
	f.named(p)
	f.discovery(p)
	f.places(p)
	if v := p.EnvSh.Distribution; v.Known() && v.Value == "none" {
		f.add(noDist, "RELEASE_DISTRIBUTION is none", v.At)
	} else if v.Known() && v.Value == beam.DistributionName {
		f.add(longNames, "RELEASE_DISTRIBUTION is name", v.At)
	}
	for _, l := range p.Pipelines {
		f.add(kafka, "a pipeline that reads Kafka", l.At)
	}
	for _, s := range p.Schedulers {
		f.add(cron, "a scheduler of Quantum's", s.At)
	}
	f.jobs(p)
	f.dependencies(p)
	if p.Port.Name != "" {
		f.add(http, "a port is read from PORT", p.Port.At)
	}
	f.settle()
	f.unread(p)
	f.HTTP = f.has(http)
	if len(f.Notes) == 0 && !f.has(tying...) {
		f.Seen = append(f.Seen, Seen{Signal: nothingShared, What: "nothing seen that ties nodes together"})
	}
	f.Library = library(p) && !f.has(http, kafka)
	switch {
	case f.has(libcluster):
		f.Finder = "libcluster"
	case f.has(dnsCluster):
		f.Finder = "dns_cluster"
	}
	return f
}

// Declared notes what type phial.yaml has: somebody has decided already.
func (f *Facts) Declared(kind string, at project.Pos) {
	switch kind {
	case "Clustered":
		f.add(declaredClustered, "type Clustered in phial.yaml", at)
	case "Stateless":
		f.add(declaredStateless, "type Stateless in phial.yaml", at)
	}
}

// Environment notes what a variable of a workload's says, where the project looks at it.
func (f *Facts) Environment(name, value string, at project.Pos) {
	switch {
	case name == beam.EnvDNSClusterQuery && value != "" && f.has(dnsCluster):
		f.add(topology, "dns_cluster asks for "+value, at)
	case name == beam.EnvReleaseDistribution && value == beam.DistributionNone:
		f.add(noDist, "RELEASE_DISTRIBUTION is none", at)
	}
}

// add notes a thing that gives a signal; one that is there already gets a further place. What stands in a place where
// something gives that signal already tells nothing new.
func (f *Facts) add(s Signal, what string, at project.Pos) {
	things, same := 0, -1
	for i, o := range f.Seen {
		if o.Signal != s {
			continue
		}
		if slices.Contains(o.At, at) {
			return
		}
		if things++; o.What == what {
			same = i
		}
	}
	switch {
	case same >= 0 && len(f.Seen[same].At) < maxPlaces:
		f.Seen[same].At = append(f.Seen[same].At, at)
	case same < 0 && things < maxThings:
		f.Seen = append(f.Seen, Seen{s, what, []project.Pos{at}})
	}
}

// drop takes a signal away, and gives what gave it.
func (f *Facts) drop(s Signal) (gone []Seen) {
	f.Seen = slices.DeleteFunc(f.Seen, func(o Seen) bool {
		if o.Signal == s {
			gone = append(gone, o)
		}
		return o.Signal == s
	})
	return gone
}

const redisSetUp = "Phoenix.PubSub.Redis is set up"

// settle takes away what another signal says better.
func (f *Facts) settle() {
	if f.has(kafka) {
		for _, s := range f.drop(kafkaClient) { // that it reads was seen
			s.Signal = kafka
			f.Seen = append(f.Seen, s)
		}
	}
	carried := slices.ContainsFunc(f.Seen, func(s Seen) bool { return s.Signal == redisPubSub && s.What == redisSetUp })
	if carried {
		f.drop(broadcast)
	}
	if carried || f.has(broadcast) {
		f.drop(pubsub)
	}
	if f.has(remoteCalls) {
		f.drop(nodeList)
	}
}

func (f *Facts) note(at project.Pos, text string) {
	f.Notes = append(f.Notes, Note{Place{at.File, at.Line, at.Col}, text})
}

// Decided is the type that phial.yaml has; empty: none, or nobody knows.
func (f Facts) Decided() string {
	switch clustered, stateless := f.has(declaredClustered), f.has(declaredStateless); {
	case clustered && !stateless:
		return "Clustered"
	case stateless && !clustered:
		return "Stateless"
	}
	return ""
}

func (f Facts) has(signals ...Signal) bool { return has(f.Seen, signals...) }

// sorted gives the signals in an order of their own, so that it does not matter in which they were found.
func (f Facts) sorted() []Seen {
	all := slices.Clone(f.Seen)
	slices.SortStableFunc(all, func(a, b Seen) int {
		return cmp.Or(cmp.Compare(a.Signal, b.Signal), slices.CompareFunc(a.At, b.At, comparePos), cmp.Compare(a.What, b.What))
	})
	return all
}

func comparePos(a, b project.Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
}

// named is what the code names, each at its first place.
func (f *Facts) named(p *project.Project) {
	for _, u := range slices.Concat(p.Uses, p.Libraries) {
		for _, n := range names {
			if u.What == n.prefix || strings.HasPrefix(u.What, n.prefix) && (strings.HasSuffix(n.prefix, ".") || strings.HasPrefix(u.What, n.prefix+".")) {
				f.add(n.signal, u.What+" in the code", u.At)
			}
		}
	}
}

func (f *Facts) dependencies(p *project.Project) {
	for _, name := range project.HTTPServers {
		if dep, ok := p.Dep(name); ok {
			f.add(http, name+" among the dependencies", dep.At)
		}
	}
	for _, d := range dependencies {
		if dep, ok := p.Dep(d.name); ok {
			f.add(d.signal, d.name+" among the dependencies", dep.At)
		}
	}
	for _, m := range p.Mixes() {
		for _, i := range m.Extra.Items {
			if i.Value.Is("mnesia") {
				f.add(mnesia, "mnesia among extra_applications", i.Value.At)
			}
		}
	}
}

// jobs are what of Oban goes through the mesh: by itself it wants none.
func (f *Facts) jobs(p *project.Project) {
	for _, o := range p.Obans {
		if m, ok := o.Config.Get("notifier").Find(project.ExprModule); ok && m.Text == "Oban.Notifiers.PG" {
			f.add(pg, "Oban is told to notify by "+m.Text, m.At)
		}
		if m, ok := o.Config.Get("peer").Find(project.ExprModule); ok && m.Text == "Oban.Peers.Global" {
			f.add(global, "Oban is told to elect by "+m.Text, m.At)
		}
	}
}

// messages are what goes between replicas, and what stays on one.
func (f *Facts) messages(p *project.Project) {
	for _, c := range p.Calls {
		for _, n := range calls {
			if c.Name == n.prefix || strings.HasPrefix(c.Name, n.prefix) && strings.HasSuffix(n.prefix, ".") {
				f.add(n.signal, c.Name+" in the code", c.At)
			}
		}
		module, function := cutLast(c.Name)
		if _, last := cutLast(module); last == "Endpoint" && (function == "subscribe" || strings.HasPrefix(function, "broadcast")) {
			f.add(broadcast, c.Name+" in the code", c.At)
		}
	}
	for _, u := range p.Used {
		if u.What == "Phoenix.Channel" || u.Options.Is("channel") {
			f.add(broadcast, "a channel", u.At)
		}
	}
	for _, s := range p.Supervisors {
		for _, c := range s.Children {
			switch c.Module {
			case "Absinthe.Subscription":
				f.add(broadcast, c.Module+" is started", c.At)
			case "Phoenix.PubSub":
				if m, ok := c.Options.Get("adapter").Find(project.ExprModule); ok && m.Text == "Phoenix.PubSub.Redis" {
					f.add(redisPubSub, redisSetUp, m.At)
				}
			}
		}
	}
	for _, s := range p.Sessions {
		if s.Store.Is("ets") {
			f.add(localSession, "sessions are kept in ETS", s.At)
		}
	}
	for _, u := range p.Uploads {
		f.add(localUploads, "uploads seem to be kept on disk ("+u.What+")", u.At)
	}
}

// discovery is how nodes find one another.
func (f *Facts) discovery(p *project.Project) {
	for _, t := range p.Topologies {
		switch name := t.StrategyName(); name {
		case "Epmd", "ErlangHosts":
			f.add(hostList, "libcluster's "+name+", which has a list of nodes", t.Strategy.At)
		case "Kubernetes", "Kubernetes.DNS", "Kubernetes.DNSSRV", "DNSPoll":
			f.add(topology, "libcluster's "+name, t.Strategy.At)
		}
	}
	for _, q := range p.DNSClusters {
		if !q.Query.Nil() && !q.Query.Is("ignore") {
			f.add(dnsCluster, "dns_cluster is started", q.At)
		}
	}
	if p.Has(".hosts.erlang") {
		f.add(hostList, ".hosts.erlang", project.Pos{File: ".hosts.erlang"})
	}
}

// places are files whose being there says something.
func (f *Facts) places(p *project.Project) {
	for _, m := range manifestPlaces {
		if p.Has(m) {
			f.add(manifests, m+" is there", project.Pos{File: m})
		}
	}
	if p.Has("Dockerfile") {
		f.add(imageFile, "a Dockerfile is there", project.Pos{File: "Dockerfile"})
	}
}

// unread is what could not be told of the project.
func (f *Facts) unread(p *project.Project) {
	if p.Cut {
		f.note(project.Pos{File: "."}, "there are more files than are looked at; what is in the rest is not known")
	}
	for _, m := range p.Mixes() {
		if m.Deps.State == project.Unknown {
			f.note(m.Deps.At, "the dependencies are computed: went by those that stand there, and by mix.lock")
		}
	}
	if e := p.TopologiesUnread; !e.Absent() && f.has(libcluster) {
		f.note(e.At, "could not tell all of libcluster's topologies: "+e.Text)
	}
}

// cutLast cuts a name before its last part.
func cutLast(name string) (before, last string) {
	i := strings.LastIndexByte(name, '.')
	return name[:max(i, 0)], name[i+1:]
}

// name is the release's, as far as mix.exs says it literally.
func name(p *project.Project) string {
	m := p.Mix
	switch {
	case m.DefaultRelease.Known():
		return m.DefaultRelease.Value
	case m.Releases.Known() && len(m.Releases.Value) == 1:
		return m.Releases.Value[0].Name
	case m.App.Known():
		return m.App.Value
	}
	return ""
}

// library says that nothing is started by any application of the project.
func library(p *project.Project) bool {
	if p.Mix.Releases.State != project.Absent {
		return false
	}
	return !slices.ContainsFunc(p.Mixes(), func(m project.Mix) bool { return !m.Start.Absent() })
}

// stop is how many seconds the app may take to stop.
func stop(p *project.Project) int {
	const least, slack = 60, 15
	n := least
	for _, o := range p.Obans {
		if ms, ok := o.Grace.AsInt(); ok && ms > 0 && ms < 86_400_000 {
			n = max(n, (ms+999)/1000+slack)
		}
	}
	return n
}

// Tied is what ties nodes together, each thing with its places: an app that has one is not stateless. Who only asks which
// nodes there are may do without any.
func (f Facts) Tied() (all []Seen) {
	for _, s := range f.sorted() {
		if slices.Contains(tying, s.Signal) && s.Signal != libcluster && s.Signal != topology && s.Signal != hostList && s.Signal != nodeList {
			all = append(all, s)
		}
	}
	return all
}

// Connects says what in the project connects nodes, and where it is set up.
func (f Facts) Connects() (all []Seen) {
	for _, s := range f.sorted() {
		switch s.Signal {
		case libcluster, topology, hostList, dnsCluster:
			all = append(all, s)
		}
	}
	return all
}
