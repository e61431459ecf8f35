package project

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// Topology is one of libcluster's, wherever it is built.
type Topology struct {
	Name      string
	Strategy  Expr     // a module
	Config    Expr     // what is under config:
	Options   []Option // the same by its keys, where it stands there
	Extra     []Option // keys beside strategy: and config: that libcluster does not look at
	Ignored   []Option // of Options, those that the strategy does not look at; none where the strategy is not one of libcluster's
	At        Pos      // of its name
	When      Expr     // what has to hold for it to be there; absent: nothing
	Phase     Phase    // when it is built
	Started   bool     // a Cluster.Supervisor is given it
	Anonymous bool     // it stands where a list of topologies is expected: its name is missing
}

// Option is a key with its value.
type Option struct {
	Name  string
	At    Pos
	Value Expr
}

const strategyPrefix = "Cluster.Strategy."

// StrategyName is the strategy without Cluster.Strategy; empty where it is not known.
func (t Topology) StrategyName() string {
	if t.Strategy.Kind != ExprModule {
		return ""
	}
	return strings.TrimPrefix(t.Strategy.Text, strategyPrefix)
}

// Option is the value of a key under config:; absent where there is none.
func (t Topology) Option(name string) Expr { return t.Config.Get(name) }

// ClusterStart is a place that starts libcluster.
type ClusterStart struct {
	At         Pos
	Module     string // in which it stands
	Supervised bool   // as a child of a supervisor
	Topologies Expr   // what it is given: an empty list starts nothing, and says nothing
	Misshapen  string // why it does not boot, or starts nothing; empty: it is well
	When       Expr
}

// strategyOptions are the keys under config: that libcluster's strategies look at, of 3.3 to 3.5.
var strategyOptions = map[string][]string{
	"DNSPoll":     {"polling_interval", "query", "node_basename", "resolver"},
	"Epmd":        {"hosts", "timeout"},
	"ErlangHosts": {"timeout"},
	"Gossip":      {"port", "if_addr", "multicast_if", "multicast_addr", "multicast_ttl", "broadcast_only", "secret"},
	"Kubernetes": {"mode", "polling_interval", "kubernetes_service_account_path", "kubernetes_namespace", "kubernetes_node_basename", "kubernetes_cluster_name",
		"kubernetes_service_name", "kubernetes_selector", "kubernetes_ip_lookup_mode", "kubernetes_use_cached_resources", "kubernetes_master"},
	"Kubernetes.DNS":    {"service", "application_name", "polling_interval", "resolver"},
	"Kubernetes.DNSSRV": {"service", "application_name", "namespace", "polling_interval", "resolver"},
	"LocalEpmd":         {},
	"Rancher":           {"node_basename", "polling_interval"},
}

// StrategyOptions are the keys that one of libcluster's strategies looks at, and whether it is one of them.
func StrategyOptions(strategy string) ([]string, bool) {
	keys, ok := strategyOptions[strategy]
	return slices.Clone(keys), ok
}

// topologyKeys stand beside strategy:.
var topologyKeys = []string{"strategy", "config", "connect", "disconnect", "list_nodes"}

// libcluster finds all topologies: those of the configuration, and those that a Cluster.Supervisor is given.
func (p *Project) libcluster(starts []ClusterStart) {
	configured := p.settings.apps["libcluster"]
	for _, i := range configured.Items {
		if _, list := i.Value.Has("strategy"); i.Keyed() && i.Key != "topologies" && list { // config :libcluster, name: [strategy: ...]
			p.ClusterMistakes = append(p.ClusterMistakes, Use{"the topology " + i.Key + " stands beside topologies:, not in it", i.KeyAt})
		}
	}
	p.addTopologies(configured.Get("topologies"), Expr{}, false)
	for _, s := range starts {
		if s.Misshapen == "" {
			p.addTopologies(s.Topologies, s.When, true)
		}
	}
	p.ClusterStarts = starts
	_, has := p.Dep("libcluster")
	if p.TopologiesUnread.Absent() && (has || len(starts) > 0) {
		p.TopologiesUnread = p.settings.unclear("libcluster")
		if p.TopologiesUnread.Absent() && len(p.Broken) > 0 {
			b := p.Broken[0]
			p.TopologiesUnread = unknownExpr(b.At, b.At.File+" could not be read whole: "+b.What)
		}
	}
}

func (p *Project) addTopologies(e, when Expr, started bool) {
	alternatives(e, when, func(e, when Expr) {
		if e.Kind != ExprList {
			if !e.Nil() && p.TopologiesUnread.Absent() {
				p.TopologiesUnread = unknownExpr(e.At, "the topologies are computed")
			}
			return
		}
		if _, ok := e.Has("strategy"); ok {
			p.addTopology(Item{Value: e, KeyAt: e.At}, when, started)
			return
		}
		for _, i := range e.Items {
			if !i.Keyed() {
				if p.TopologiesUnread.Absent() {
					p.TopologiesUnread = unknownExpr(i.Value.At, "a topology is computed")
				}
				continue
			}
			alternatives(i.Value, when, func(v, when Expr) {
				if !v.Nil() {
					p.addTopology(Item{i.Key, i.KeyAt, v}, when, started)
				}
			})
		}
	})
}

func (p *Project) addTopology(i Item, when Expr, started bool) {
	v := i.Value
	strategy, config := v.Get("strategy"), v.Get("config")
	for n := range p.Topologies {
		// Branches of an if may stand under one name.
		if t := &p.Topologies[n]; t.At == i.KeyAt && t.Name == i.Key && identical(t.Strategy, strategy) && identical(t.Config, config) {
			t.Started = t.Started || started
			t.When = eitherHolds(t.When, when)
			return
		}
	}
	t := Topology{Name: i.Key, At: i.KeyAt, When: when, Started: started, Phase: phaseOf(i.KeyAt.File), Anonymous: i.Key == "",
		Strategy: strategy, Config: config}
	for _, o := range v.Items {
		if o.Keyed() && !slices.Contains(topologyKeys, o.Key) {
			t.Extra = append(t.Extra, Option{o.Key, o.KeyAt, o.Value})
		}
	}
	keys, ours := strategyOptions[t.StrategyName()]
	for _, o := range t.Config.Items {
		if !o.Keyed() {
			continue
		}
		option := Option{o.Key, o.KeyAt, o.Value}
		t.Options = append(t.Options, option)
		if ours && !slices.Contains(keys, o.Key) {
			t.Ignored = append(t.Ignored, option)
		}
	}
	switch {
	case t.Anonymous:
		p.ClusterMistakes = append(p.ClusterMistakes, Use{"a topology without a name: topologies: is a list of names, each with its strategy:", t.At})
	case v.Kind == ExprList && t.Strategy.Absent():
		p.ClusterMistakes = append(p.ClusterMistakes, Use{"the topology " + t.Name + " has no strategy:", t.At})
	}
	for _, o := range t.Extra {
		if slices.Contains(keys, o.Name) {
			p.ClusterMistakes = append(p.ClusterMistakes, Use{o.Name + ": stands beside strategy:, and is looked for under config:", o.At})
		}
	}
	p.Topologies = append(p.Topologies, t)
}

// phaseOf is when what stands in a file is worked out.
func phaseOf(file string) Phase {
	switch {
	case strings.HasSuffix(file, "config/runtime.exs") || strings.HasSuffix(file, "config/releases.exs"):
		return Booting
	case strings.HasSuffix(file, ".exs"):
		return Building
	}
	return Running
}

// strategy notes libcluster's strategies as they stand there, each with the options beside it.
func (l *lookout) strategy(n *syntax.Node, f *frame) {
	if n.Kind != syntax.List && n.Kind != syntax.Unknown {
		return
	}
	for _, a := range n.Args {
		if a.Kind != syntax.Tuple || len(a.Args) != 2 || a.Args[0].Kind != syntax.Atom || a.Args[0].Text != "strategy" {
			continue
		}
		full, ok := f.m.alias(a.Args[1])
		name, ours := strings.CutPrefix(full, strategyPrefix)
		if !ok || !ours {
			continue
		}
		s := Strategy{Use: Use{name, f.m.src.at(a.Args[1])}, Config: map[string]string{}}
		if n.Kind == syntax.List { // of one that is broken nothing is said
			if config := keyword(n, "config"); config != nil {
				for _, i := range f.reduce(config).Items {
					s.Config[i.Key] = brief(i.Value)
				}
			}
		}
		l.strategies = append(l.strategies, s)
	}
}

// brief is a value in a Strategy's Config.
func brief(e Expr) string {
	switch e.Kind {
	case ExprText:
		return Text(e.Text)
	case ExprAtom, ExprModule:
		return ":" + e.Text
	}
	return ""
}
