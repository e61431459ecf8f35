package advise

import (
	"cmp"
	"slices"
	"strings"

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

// Seen is a signal, and where it was seen.
type Seen struct {
	Signal Signal
	What   string
	At     []project.Pos
}

// maxPlaces bounds the places that are shown of one signal.
const maxPlaces = 3

// dependencies are packages, and what each tells.
var dependencies = []struct {
	name   string
	signal Signal
}{
	{"phoenix", http}, {"bandit", http}, {"plug_cowboy", http}, {"cowboy", http}, {"mist", http},
	{"ecto_sql", database}, {"postgrex", database}, {"myxql", database}, {"mongodb_driver", database},
	{"libcluster", libcluster}, {"dns_cluster", dnsCluster},
	{"phoenix_pubsub_redis", redisPubSub},
	{"horde", horde}, {"swarm", swarm}, {"syn", syn},
	{"mnesiac", mnesia}, {"memento", mnesia}, {"ecto_mnesia", mnesia}, {"amnesia", mnesia},
	{"ra", raft}, {"khepri", raft},
	{"delta_crdt", crdt},
	{"highlander", global}, {"global_flags", global}, {"pogo", global},
	{"partisan", partisan},
	{"cachex", localCache}, {"con_cache", localCache},
	{"quantum", cron}, {"oban", oban},
	{"broadway_kafka", kafkaClient}, {"brod", kafkaClient}, {"kaffe", kafkaClient}, {"kafka_ex", kafkaClient},
	{"edeliver", hotUpgrade}, {"castle", hotUpgrade}, {"distillery", hotUpgrade},
}

// names are modules and functions in the code, by how they begin, and what each tells.
var names = []struct {
	prefix string
	signal Signal
}{
	{"Horde.", horde}, {"Swarm", swarm}, {":syn", syn},
	{":mnesia", mnesia}, {"Mnesia", mnesia}, {"Memento", mnesia}, {"Amnesia", mnesia},
	{":ra", raft}, {":khepri", raft}, {"Khepri", raft},
	{"DeltaCrdt", crdt}, {"Nebulex.Adapters.Partitioned", crdt}, {"Nebulex.Adapters.Replicated", crdt}, {"Nebulex.Adapters.Multilevel", crdt},
	{"Nebulex.Adapters.Local", localCache},
	{":global", global}, {"Highlander", global}, {":pg", pg},
	{":rpc", remoteCalls}, {":erpc", remoteCalls}, {"Node.spawn", remoteCalls}, {"Node.connect", remoteCalls},
	{"Partisan", partisan},
	{"Phoenix.Presence", presence}, {"Phoenix.Tracker", presence}, {"Phoenix.PubSub", pubsub},
}

// sending are calls that reach subscribers on other nodes.
var sending = []string{"Phoenix.PubSub.broadcast", "Phoenix.PubSub.broadcast!", "Phoenix.PubSub.broadcast_from", "Phoenix.PubSub.subscribe"}

// tying are the signals of what ties nodes together.
var tying = []Signal{libcluster, topology, hostList, broadcast, presence, horde, swarm, syn, mnesia, raft, crdt, global, pg, remoteCalls, partisan}

// manifestPlaces are where people keep what Kubernetes is told.
var manifestPlaces = []string{"phial.yaml", "k8s", "kubernetes", "kustomize", "kustomization.yaml", "helm", "chart", "charts", "Chart.yaml", "deploy/k8s", "deploy/kubernetes", "infra/k8s", ".k8s"}

// FactsOf reads a project.
func FactsOf(p *project.Project) Facts {
	f := Facts{Name: name(p), Fit: fit(p), Stop: stop(p), Written: p.Has("phial.yaml")}
	for _, d := range dependencies {
		if dep, ok := p.Dep(d.name); ok {
			f.add(d.signal, d.name+" among the dependencies", dep.At)
		}
	}
	for _, u := range slices.Concat(p.Uses, p.Libraries) {
		for _, n := range names {
			if u.What == n.prefix || strings.HasPrefix(u.What, n.prefix) && (strings.HasSuffix(n.prefix, ".") || strings.HasPrefix(u.What, n.prefix+".")) {
				f.add(n.signal, u.What+" in the code", u.At)
			}
		}
	}
	f.messages(p)
	f.discovery(p)
	f.places(p)
	if v := p.EnvSh.Distribution; v.Known() && v.Value == "none" {
		f.add(noDist, "RELEASE_DISTRIBUTION is none", v.At)
	}
	for _, l := range p.Pipelines {
		f.add(kafka, "a pipeline that reads Kafka", l.At)
	}
	for _, s := range p.Schedulers {
		f.add(cron, "a scheduler of Quantum's", s.At)
	}
	if p.Port.Name != "" {
		f.add(http, "a port is read from PORT", p.Port.At)
	}
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

// add notes a signal; one that is there already gets a further place.
func (f *Facts) add(s Signal, what string, at project.Pos) {
	i := slices.IndexFunc(f.Seen, func(o Seen) bool { return o.Signal == s })
	switch {
	case i < 0:
		f.Seen = append(f.Seen, Seen{s, what, []project.Pos{at}})
	case len(f.Seen[i].At) < maxPlaces && !slices.Contains(f.Seen[i].At, at):
		f.Seen[i].At = append(f.Seen[i].At, at)
	}
}

func (f *Facts) note(at project.Pos, text string) {
	f.Notes = append(f.Notes, Note{Place{at.File, at.Line, at.Col}, text})
}

func (f Facts) has(signals ...Signal) bool { return has(f.Seen, signals...) }

// sorted gives the signals in an order of their own, so that it does not matter in which they were found.
func (f Facts) sorted() []Seen {
	all := slices.Clone(f.Seen)
	slices.SortStableFunc(all, func(a, b Seen) int { return cmp.Compare(a.Signal, b.Signal) })
	return all
}

// messages are what goes between replicas through Phoenix, and what stays on one.
func (f *Facts) messages(p *project.Project) {
	for _, u := range p.UsedAs("Phoenix.Channel") {
		f.add(broadcast, "a channel", u.At)
	}
	for _, name := range sending {
		for _, c := range p.CallsOf(name) {
			f.add(broadcast, c.Name+" in the code", c.At)
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
			f.add(hostList, "libcluster's "+name+" has a list of nodes", t.At)
		case "Kubernetes", "Kubernetes.DNS", "Kubernetes.DNSSRV", "DNSPoll":
			f.add(topology, "libcluster's "+name, t.At)
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

// Tied are the signals of what ties nodes together, each with its places: an app that has one is not stateless.
func (f Facts) Tied() (all []Seen) {
	for _, s := range f.sorted() {
		if slices.Contains(tying, s.Signal) && s.Signal != libcluster && s.Signal != topology && s.Signal != hostList {
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
