package erltest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/etf"
)

// answer finds what a function of the node returns.
func (n *Node) answer(c *conn, mod, fun string, args []etf.Term) any {
	if n.o.Handler != nil {
		if a, ok := n.o.Handler(mod, fun, args); ok {
			return a
		}
	}
	key := fmt.Sprintf("%s:%s/%d", mod, fun, len(args))
	if f := n.o.Answers[key]; f != nil {
		return f(n, args)
	}
	if f := answers[key]; f != nil {
		return f(n, args)
	}
	if key == "lists:zipwith3/4" {
		return n.applyEach(c, args)
	}
	return Raise{Class: "error", Reason: etf.Atom("undef")}
}

// applyEach is lists:zipwith3(fun erlang:apply/3, Modules, Functions, Arguments): many
// calls in one. It raises what the first of them raises.
func (n *Node) applyEach(c *conn, args []etf.Term) any {
	if f, ok := args[0].Export(); !ok || f != (etf.Export{Module: "erlang", Function: "apply", Arity: 3}) {
		return badarg
	}
	out := make(etf.List, args[1].Len())
	for i := range out {
		mod, _ := args[1].At(i).Atom()
		fun, _ := args[2].At(i).Atom()
		out[i] = n.answer(c, string(mod), string(fun), slices.Collect(args[3].At(i).Elems()))
		if r, raised := out[i].(Raise); raised {
			return r
		}
	}
	return out
}

var badarg = Raise{Class: "error", Reason: etf.Atom("badarg")}

// answers are the functions that every node has: what a BEAM says about itself.
var answers = map[string]Answer{
	"erlang:node/0":  func(n *Node, _ []etf.Term) any { return etf.Atom(n.o.Name) },
	"erlang:nodes/0": func(n *Node, _ []etf.Term) any { return atoms(n.peers()) },
	"erlang:nodes/1": func(n *Node, args []etf.Term) any { return n.nodes(args[0]) },
	"erlang:nodes/2": func(n *Node, args []etf.Term) any { return n.nodesInfo(args[0]) },

	"erlang:system_info/1": (*Node).systemInfo,
	"erlang:statistics/1":  (*Node).statistics,
	"erlang:memory/0":      func(*Node, []etf.Term) any { return memory() },
	"erlang:memory/1":      (*Node).memory,

	"erlang:monotonic_time/0":    func(n *Node, _ []etf.Term) any { return time.Since(n.started).Nanoseconds() + 1 },
	"erlang:convert_time_unit/3": (*Node).convertTimeUnit,

	"erlang:get_cookie/0": (*Node).getCookie,
	"erlang:get_cookie/1": (*Node).getCookie,
	"erlang:set_cookie/1": (*Node).setCookie,
	"erlang:set_cookie/2": (*Node).setCookie,

	"init:get_status/0":   func(*Node, []etf.Term) any { return etf.Tuple{etf.Atom("started"), etf.Atom("started")} },
	"init:get_argument/1": (*Node).getArgument,

	"application:which_applications/0": func(n *Node, _ []etf.Term) any { return n.applications() },
	"application:which_applications/1": func(n *Node, _ []etf.Term) any { return n.applications() },
	"application:get_env/2":            (*Node).getEnv,
	"application:get_env/3":            (*Node).getEnv,

	// The tables of net_kernel and global are there, and no row in them is selected.
	"ets:select/2": func(*Node, []etf.Term) any { return etf.List{} },
	"ets:select/3": func(*Node, []etf.Term) any { return etf.Atom("$end_of_table") },

	"net_kernel:allowed/0":          func(*Node, []etf.Term) any { return etf.Tuple{etf.Atom("ok"), etf.List{}} },
	"net_kernel:get_state/0":        func(n *Node, _ []etf.Term) any { return n.state() },
	"net_kernel:get_net_ticktime/0": func(*Node, []etf.Term) any { return 60 },
	"net_kernel:longnames/0":        func(n *Node, _ []etf.Term) any { return n.longNames() },
	"net_kernel:connect_node/1":     func(n *Node, args []etf.Term) any { return n.connect(args[0]) },
	"net_adm:ping/1":                (*Node).ping,
	"erlang:disconnect_node/1":      func(n *Node, args []etf.Term) any { return n.disconnect(args[0]) },
}

func atoms(names []string) etf.List {
	out := make(etf.List, len(names))
	for i, s := range names {
		out[i] = etf.Atom(s)
	}
	return out
}

// peers are the visible nodes that the node is connected to.
func (n *Node) peers() []string {
	if n.mesh != nil {
		return append(n.mesh.peersOf(n.o.Name), n.o.Peers...)
	}
	return n.o.Peers
}

func (n *Node) nodes(which etf.Term) any {
	kind, _ := which.Atom()
	switch kind {
	case "visible":
		return atoms(n.peers())
	case "hidden":
		return atoms(n.Connected())
	case "connected":
		return append(atoms(n.peers()), atoms(n.Connected())...)
	case "this":
		return etf.List{etf.Atom(n.o.Name)}
	case "known":
		return append(append(etf.List{etf.Atom(n.o.Name)}, atoms(n.peers())...), atoms(n.Connected())...)
	}
	return badarg
}

func (n *Node) nodesInfo(which etf.Term) any {
	list, ok := n.nodes(which).(etf.List)
	if !ok {
		return badarg
	}
	for i, name := range list {
		list[i] = etf.Tuple{name, etf.Map{
			{Key: etf.Atom("node_type"), Value: etf.Atom("visible")},
			{Key: etf.Atom("connection_id"), Value: i + 1},
		}}
	}
	return list
}

func (n *Node) systemInfo(args []etf.Term) any {
	what, _ := args[0].Atom()
	switch what {
	case "otp_release":
		return etf.Charlist(n.o.OTP)
	case "version":
		// An ERTS has been twelve ahead of its OTP's half for years: OTP 25 has
		// 13, 27 has 15.
		otp, _ := strconv.Atoi(n.o.OTP)
		return etf.Charlist(fmt.Sprintf("%d.0", otp-12))
	case "process_count":
		return 64
	case "process_limit":
		return 262144
	case "schedulers", "schedulers_online":
		return 2
	case "creation":
		return int64(n.creation)
	case "start_time":
		return 1
	}
	return badarg
}

// convertTimeUnit knows seconds and the native unit, which is a nanosecond here.
func (n *Node) convertTimeUnit(args []etf.Term) any {
	v, ok := args[0].Int()
	if !ok || !args[1].IsAtom("second") || !args[2].IsAtom("native") {
		return badarg
	}
	return v * int64(time.Second)
}

func (n *Node) statistics(args []etf.Term) any {
	what, _ := args[0].Atom()
	switch what {
	case "wall_clock":
		return etf.Tuple{time.Since(n.started).Milliseconds(), 0}
	case "run_queue", "total_run_queue_lengths", "total_run_queue_lengths_all":
		return 0
	}
	return badarg
}

func memory() etf.List {
	part := func(kind etf.Atom, bytes int) etf.Tuple { return etf.Tuple{kind, bytes} }
	return etf.List{
		part("total", 48<<20), part("processes", 12<<20), part("processes_used", 12<<20), part("system", 36<<20),
		part("atom", 1<<20), part("atom_used", 1<<20), part("binary", 1<<20), part("code", 16<<20), part("ets", 2<<20),
	}
}

func (n *Node) memory(args []etf.Term) any {
	for _, m := range memory() {
		if pair := m.(etf.Tuple); args[0].IsAtom(pair[0].(etf.Atom)) {
			return pair[1]
		}
	}
	return badarg
}

func (n *Node) getCookie([]etf.Term) any { return etf.Atom(n.Cookie().Reveal()) }

// setCookie takes a cookie for all, or one for a node, which counts if that is
// the node itself.
func (n *Node) setCookie(args []etf.Term) any {
	cookie, ok := args[len(args)-1].Atom()
	if !ok {
		return badarg
	}
	if len(args) == 1 || args[0].IsAtom(etf.Atom(n.o.Name)) {
		n.SetCookie(dist.NewCookie(string(cookie)))
	}
	return true
}

func (n *Node) getArgument(args []etf.Term) any {
	flag, _ := args[0].Atom()
	values, ok := n.o.Args[string(flag)]
	if !ok {
		return etf.Atom("error")
	}
	out := etf.List{}
	for _, v := range values {
		one := etf.List{}
		for _, s := range v {
			one = append(one, etf.Charlist(s))
		}
		out = append(out, one)
	}
	return etf.Tuple{etf.Atom("ok"), out}
}

func (n *Node) applications() etf.List {
	app := func(name, description, version string) etf.Tuple {
		return etf.Tuple{etf.Atom(name), etf.Charlist(description), etf.Charlist(version)}
	}
	return etf.List{
		app(n.base, n.base, "0.1.0"),
		app("stdlib", "ERTS  CXC 138 10", "6.0"),
		app("kernel", "ERTS  CXC 138 10", "10.0"),
	}
}

// getEnv takes an application, a key and perhaps a default.
func (n *Node) getEnv(args []etf.Term) any {
	app, _ := args[0].Atom()
	key, _ := args[1].Atom()
	v, ok := n.o.Env[string(app+"."+key)]
	switch {
	case len(args) == 3 && ok:
		return v
	case len(args) == 3:
		return args[2]
	case ok:
		return etf.Tuple{etf.Atom("ok"), v}
	}
	return etf.Atom("undefined")
}

func (n *Node) longNames() bool {
	_, host, _ := strings.Cut(n.o.Name, "@")
	return strings.ContainsAny(host, ".:")
}

func (n *Node) state() etf.Map {
	domain := etf.Atom("shortnames")
	if n.longNames() {
		domain = "longnames"
	}
	return etf.Map{
		{Key: etf.Atom("started"), Value: etf.Atom("static")},
		{Key: etf.Atom("name_type"), Value: etf.Atom("static")},
		{Key: etf.Atom("name"), Value: etf.Atom(n.o.Name)},
		{Key: etf.Atom("name_domain"), Value: domain},
	}
}

func (n *Node) connect(other etf.Term) any {
	name, ok := other.Atom()
	if !ok {
		return badarg
	}
	if n.mesh == nil {
		return false
	}
	return n.mesh.connect(n.o.Name, string(name))
}

func (n *Node) ping(args []etf.Term) any {
	if n.connect(args[0]) == true {
		return etf.Atom("pong")
	}
	return etf.Atom("pang")
}

func (n *Node) disconnect(other etf.Term) any {
	name, _ := other.Atom()
	return n.mesh != nil && n.mesh.part(n.o.Name, string(name))
}
