package project

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// distribution are modules that make sense only where nodes know of one another.
var distribution = []string{"pg", "global", "mnesia", "rpc", "erpc", "ra", "khepri"}

// libraries are modules of what holds state, spreads it or runs work, by how their names begin.
var libraries = []string{"Horde", "Swarm", "Mnesia", "Memento", "Amnesia", "Khepri", "DeltaCrdt", "Nebulex", "Cachex", "ConCache", "Oban", "Quantum", "Broadway",
	"Commanded", "Highlander", "Singleton", "Partisan", "Phoenix.Presence", "Phoenix.Tracker", "Phoenix.PubSub", "Phoenix.LiveView", "Phoenix.Channel", "Waffle", "Arc", "Redix"}

// erlangLibraries are the same of Erlang's.
var erlangLibraries = []string{"syn", "mnesia", "ra", "khepri", "global", "pg", "riak_core", "ekka", "gproc"}

// names notes the first time that the code names each of them.
func (l *lookout) names(n *syntax.Node, f *frame) {
	if n.Kind != syntax.Call && n.Kind != syntax.Tuple {
		return
	}
	src := f.m.src
	switch {
	case n.Kind == syntax.Tuple || n.Fun == nil && n.Text == "{}": // {:global, name}
		if len(n.Args) > 0 {
			if a := n.Args[0]; a.Kind == syntax.Atom && !a.Bare() && slices.Contains(distribution, a.Text) {
				note(&l.uses, ":"+a.Text, src.at(a))
			}
		}
	case n.Fun == nil && n.Text == "." && len(n.Args) == 2: // :pg.join, Node.list
		a, name := n.Args[0], n.Args[1].Text
		if a.Kind == syntax.Atom {
			if slices.Contains(distribution, a.Text) {
				note(&l.uses, ":"+a.Text, src.at(a))
			}
			if slices.Contains(erlangLibraries, a.Text) {
				note(&l.libraries, ":"+a.Text, src.at(a))
			}
		}
		if written(a) == "Node" && (name == "list" || name == "connect" || name == "spawn") {
			note(&l.uses, "Node."+name, src.at(a))
		}
	case n.Fun == nil && n.Text == "__aliases__":
		name := written(n)
		switch {
		case name == "Phoenix.Tracker" || name == "Phoenix.Presence" || name == "Phoenix.PubSub" || strings.HasPrefix(name, "Horde.") || strings.HasPrefix(name, "Mnesia."):
			note(&l.uses, name, src.at(n))
		}
		full, _ := f.m.alias(n)
		if full == "Cluster.Supervisor" && l.clusterNamed.Line == 0 {
			l.clusterNamed = src.at(n)
		}
		for _, lib := range libraries {
			if full == lib || strings.HasPrefix(full, lib+".") {
				note(&l.libraries, full, src.at(n))
			}
		}
	}
}

// maxNoted names of a kind are kept: more tell nothing new.
const maxNoted = 500

func note(all *[]Use, what string, at Pos) {
	if len(*all) < maxNoted && !slices.ContainsFunc(*all, func(u Use) bool { return u.What == what }) {
		*all = append(*all, Use{what, at})
	}
}

// Call is a call of a function that tells what a project does.
type Call struct {
	Name   string // such as Oban.pause_all_queues, or :ets.new
	Module string // in which it stands
	In     string // the function of it; empty: outside of all
	Args   []Expr
	At     Pos
}

// tell are functions whose calls are noted; "" is any of a module.
var tell = map[string][]string{
	"Oban":             {"pause_all_queues", "pause_queue", "drain_queue", "stop_queue", "start_queue"},
	":ets":             {"new"},
	":global":          {""},
	":syn":             {"register", "join", "add_node_to_scopes"},
	"Swarm":            {"register_name"},
	":mnesia":          {"create_schema", "create_table", "start", "change_config"},
	"Ecto.Migrator":    {"run", "with_repo", "up"},
	":rpc":             {""},
	":erpc":            {""},
	":pg":              {""},
	"Phoenix.PubSub":   {"broadcast", "broadcast!", "broadcast_from", "broadcast_from!", "direct_broadcast", "direct_broadcast!", "subscribe"},
	"GenServer":        {"multi_call", "abcast"},
	"Node":             {"connect", "start", "set_cookie", "disconnect", "list", "spawn", "spawn_link", "spawn_monitor"},
	":net_kernel":      {"start", "connect_node", "monitor_nodes"},
	":persistent_term": {"put"},
	"File":             {"cp", "cp!", "rename", "rename!", "write", "write!"},
	"System":           {"stop", "halt"},
	":init":            {"stop"},
}

// local functions that are noted.
var tellLocal = []string{"consume_uploaded_entries", "consume_uploaded_entry"}

// HTTPServers are packages that serve HTTP, those first that say most of how.
var HTTPServers = []string{"phoenix", "bandit", "plug_cowboy", "cowboy", "mist", "elli", "ace", "yaws"}

// endpointTells are functions of an endpoint that reach other nodes; a module is taken for one by its name.
var endpointTells = []string{"broadcast", "broadcast!", "broadcast_from", "broadcast_from!", "subscribe"}

// addressed are functions that are noted where what they are given first is a process on a node that is named.
var addressed = map[string][]string{
	"GenServer":         {"call", "cast"},
	"Process":           {"send", "monitor"},
	"Kernel":            {"send"},
	"Task.Supervisor":   {"async", "async_nolink", "start_child"},
	"DynamicSupervisor": {"start_child"},
	"":                  {"send"},
}

// onNode says whether a call is of a process on a node that is named: {name, node}.
func (c call) onNode() bool {
	if len(c.args) == 0 || !slices.Contains(addressed[c.module], c.name) {
		return false
	}
	to := c.args[0]
	if to.Kind != syntax.Tuple || len(to.Args) != 2 {
		return false
	}
	a := to.Args[0]
	return a.Kind != syntax.Atom || a.Text != "global" && a.Text != "local"
}

func (l *lookout) calls(c call, f *frame) {
	names, ok := tell[c.module]
	if last(c.module) == "Endpoint" {
		ok, names = true, endpointTells
	}
	if c.module == "" {
		ok = slices.Contains(tellLocal, c.name)
		names = []string{c.name}
	}
	if last(c.module) == "Release" && c.name == "migrate" {
		ok, names = true, []string{"migrate"}
	}
	if (!ok || !slices.Contains(names, c.name) && names[0] != "") && !c.onNode() {
		return
	}
	found := Call{Name: strings.TrimPrefix(c.module+"."+c.name, "."), Module: f.m.name, In: f.fn, At: f.m.src.at(c.node)}
	for _, a := range c.args {
		if b := keyword(a, "do"); b == nil {
			found.Args = append(found.Args, f.reduce(a))
		}
	}
	l.called = append(l.called, found)
}

// CallsOf are the calls of a function, such as Oban.pause_all_queues.
func (p *Project) CallsOf(name string) (all []Call) {
	for _, c := range p.Calls {
		if c.Name == name {
			all = append(all, c)
		}
	}
	return all
}

// UsedAs are the modules that use a module, such as Ecto.Repo.
func (p *Project) UsedAs(what string) (all []Used) {
	for _, u := range p.Used {
		if u.What == what {
			all = append(all, u)
		}
	}
	return all
}
