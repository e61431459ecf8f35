package project

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// facts are what was come by, in the order of the files.
type facts struct {
	calls      []ConfigCall
	reads      []EnvRead
	strategies []Strategy
	servers    []Fact[bool]
	ports      []Fact[int]

	uses      []Use
	libraries []Use
	health    []Route
	pipelines []Pipeline
	migrators []Migrator

	used        []Used
	supervisors []Supervisor
	endpoints   []*Endpoint
	called      []Call
	sessions    []Session
	ssl         []Option
	starts      []ClusterStart // of Cluster.Supervisor, not as a child

	clusterNamed Pos
}

// sort puts what the configuration says into the order in which it counts.
func (f *facts) sort(rank func(file string) int) {
	slices.SortStableFunc(f.reads, func(a, b EnvRead) int { return cmp.Compare(rank(a.At.File), rank(b.At.File)) })
	slices.SortStableFunc(f.strategies, func(a, b Strategy) int { return cmp.Compare(rank(a.At.File), rank(b.At.File)) })
	slices.SortStableFunc(f.servers, func(a, b Fact[bool]) int { return cmp.Compare(rank(a.At.File), rank(b.At.File)) })
	slices.SortStableFunc(f.ports, func(a, b Fact[int]) int { return cmp.Compare(rank(a.At.File), rank(b.At.File)) })
}

// lookout notes facts while a file is walked.
type lookout struct {
	*facts
	walker *walker
	script Phase
	config bool // it is a file of the configuration
}

func (l *lookout) node(n *syntax.Node, f *frame) {
	switch n.Kind {
	case syntax.Tuple, syntax.List:
		if l.config {
			l.listens(n, f)
		}
	case syntax.Call, syntax.Unknown:
	default:
		return
	}
	l.strategy(n, f)
	if !l.config {
		l.broadways(n, f)
		l.names(n, f)
		l.paths(n, f)
	}
}

func (l *lookout) call(c call, f *frame) {
	l.environment(c, f)
	if l.config {
		return
	}
	l.route(c, f)
	l.supervises(c, f)
	l.calls(c, f)
	switch {
	case c.module == "" && c.name == "use" && f.fn == "":
		l.use(c, f)
	case c.module == "" && (c.name == "plug" || c.name == "socket") && f.fn == "":
		l.plug(c, f)
	case c.is("Cluster.Supervisor", "start_link") && len(c.args) > 0:
		l.starts = append(l.starts, clusterStart(ClusterStart{At: f.m.src.at(c.node), Module: f.m.name, When: f.when}, f.reduce(c.args[0])))
	}
}

// Used is a `use` of a module of somebody else's: it says what a module is.
type Used struct {
	Module  string // that uses
	What    string // that is used
	Options Expr
	At      Pos
}

func (l *lookout) use(c call, f *frame) {
	if len(c.args) == 0 {
		return
	}
	what, ok := f.m.alias(c.args[0])
	if !ok {
		return
	}
	u := Used{Module: f.m.name, What: what, At: f.m.src.at(c.node)}
	if len(c.args) > 1 {
		u.Options = f.reduce(c.args[1])
	}
	l.used = append(l.used, u)
	if what == "Phoenix.Endpoint" {
		l.endpoint(u, f)
	}
}

// words say of a file of lib that it may hold a fact. What has none of them is not read further.
var words = []string{"System.", "Cluster", "Supervisor", "use Application", "Phoenix.", "Plug.S", "Router", "request_path", "path_info", `"GET"`,
	`get "`, `get("`, `forward "`, "strategy:", "Oban", "Broadway", "Quantum", "Horde", ":syn", "Swarm", "nesia", ":ra.", "{:ra,", "shutdown:", ":khepri", "Khepri", ":global",
	"Nebulex", "Cachex", "ConCache", ":ets.new", ":pg", "rpc", "Node.", ".Repo", "igrat", "File.", "consume_uploaded", "Waffle", "Arc.", "Highlander", "Singleton",
	"Redix", "Commanded", "DeltaCrdt", ":persistent_term", "Partisan", "Memento", ":ekka", ":riak_core", ":gproc", ":net_kernel", ":init.stop",
	"Endpoint.", ", :channel", "GenServer.call({", "GenServer.cast({", "|> GenServer.", "send({", "monitor({", "multi_call", "abcast"}

func matters(text string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// code reads what stands in lib, several files side by side, and gives who finds modules of it. What was read of a file is
// let go once it was walked, for the trees of a large project would fill the memory; only what others refer to is kept.
func (r *reader) code(say *settings, f *facts) (*shelf, error) {
	lib := &library{r: r, dirs: []string{"lib"}}
	for _, a := range r.p.Apps {
		lib.dirs = append(lib.dirs, path.Join(a.Dir, "lib"))
	}
	for _, dir := range lib.dirs {
		lib.files = append(lib.files, r.sources(dir, ".ex")...)
	}
	if err := lib.read(); err != nil {
		return nil, err
	}
	all := make([]facts, len(lib.files))
	var broken []*source
	for _, s := range sideBySide(len(lib.files), func() *shelf { return lib.shelf(say) }, func(s *shelf, i int) { s.walk(i, &all[i]) }) {
		broken = append(broken, s.broken...)
	}
	r.noteBroken(broken...)
	for i := range all {
		f.add(&all[i])
	}
	return lib.shelf(say), nil
}

// add puts the facts of one file of lib behind those of others. What is noted once is noted where it stands first.
func (f *facts) add(of *facts) {
	for _, u := range of.uses {
		note(&f.uses, u.What, u.At)
	}
	for _, u := range of.libraries {
		note(&f.libraries, u.What, u.At)
	}
	for _, h := range of.health {
		if f.lacks(h.Path) {
			f.health = append(f.health, h)
		}
	}
	f.reads = append(f.reads, of.reads...)
	f.strategies = append(f.strategies, of.strategies...)
	f.pipelines = append(f.pipelines, of.pipelines...)
	f.migrators = append(f.migrators, of.migrators...)
	f.used = append(f.used, of.used...)
	f.supervisors = append(f.supervisors, of.supervisors...)
	f.endpoints = append(f.endpoints, of.endpoints...)
	f.called = append(f.called, of.called...)
	f.sessions = append(f.sessions, of.sessions...)
	f.ssl = append(f.ssl, of.ssl...)
	f.starts = append(f.starts, of.starts...)
	if f.clusterNamed.Line == 0 {
		f.clusterNamed = of.clusterNamed
	}
}

// starts says whether a file is where a module would stand that starts an application.
func (r *reader) starts(file string) bool {
	for _, m := range r.p.Mixes() {
		if m.Start.Kind != ExprTuple || len(m.Start.Items) == 0 || m.Start.Items[0].Value.Kind != ExprModule {
			continue
		}
		if file == FileOf(m.Dir, m.Start.Items[0].Value.Text) {
			return true
		}
	}
	return false
}

// FileOf is where Mix would have a module of an application stand, whose directory that is.
func FileOf(dir, module string) string { return path.Join(dir, "lib", underscore(module)+".ex") }

// underscore is where Elixir would have a module stand.
func underscore(name string) string {
	var b strings.Builder
	for i, c := range name {
		switch {
		case c == '.':
			b.WriteByte('/')
			continue
		case c >= 'A' && c <= 'Z':
			prev := byte('.')
			if i > 0 {
				prev = name[i-1]
			}
			lowerNext := i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z'
			if prev != '.' && (prev < 'A' || prev > 'Z' || lowerNext) {
				b.WriteByte('_')
			}
			b.WriteRune(c + 'a' - 'A')
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}
