package project

import (
	"bytes"
	"cmp"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

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
var words = func() (all [][]byte) {
	for _, w := range []string{"System.", "Cluster", "Supervisor", "use Application", "Phoenix.", "Plug.S", "Router", "request_path", "path_info", `"GET"`,
		`get "`, `get("`, `forward "`, "strategy:", "Oban", "Broadway", "Quantum", "Horde", ":syn", "Swarm", "nesia", ":ra.", "{:ra,", "shutdown:", ":khepri", "Khepri", ":global",
		"Nebulex", "Cachex", "ConCache", ":ets.new", ":pg", "rpc", "Node.", ".Repo", "igrat", "File.", "consume_uploaded", "Waffle", "Arc.", "Highlander", "Singleton",
		"Redix", "Commanded", "DeltaCrdt", ":persistent_term", "Partisan", "Memento", ":ekka", ":riak_core", ":gproc", ":net_kernel", ":init.stop",
		"Endpoint.", ", :channel", "GenServer.call({", "GenServer.cast({", "|> GenServer.", "send({", "monitor({", "multi_call", "abcast"} {
		all = append(all, []byte(w))
	}
	return all
}()

func matters(text []byte) bool {
	return slices.ContainsFunc(words, func(w []byte) bool { return bytes.Contains(text, w) })
}

// code reads what stands in lib.
func (r *reader) code(w *world, f *facts) error {
	var files []string
	dirs := []string{"lib"}
	for _, a := range r.p.Apps {
		dirs = append(dirs, path.Join(a.Dir, "lib"))
	}
	for _, dir := range dirs {
		files = append(files, r.sources(dir, ".ex")...)
	}
	sources, err := r.parse(files)
	if err != nil {
		return err
	}
	for _, s := range sources {
		if s != nil {
			r.noteBroken(s)
			w.index(s.top)
		}
	}
	w.find = func(name string) *module { return r.find(w, name, dirs) }
	for _, s := range sources {
		if s == nil {
			continue
		}
		look := &lookout{facts: f, script: Running}
		look.walker = newWalker(look.call, look.node)
		look.walker.walk(s.root, &frame{scope: scope{w: w, m: s.top}})
		look.migrator(s.top)
	}
	return nil
}

// parse reads files side by side; a file that can't matter is nil.
func (r *reader) parse(files []string) ([]*source, error) {
	sources, errs := make([]*source, len(files)), make([]error, len(files))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for i := range next {
				sources[i], errs[i] = r.source(files[i])
			}
		})
	}
	for i := range files {
		next <- i
	}
	close(next)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return sources, nil
}

func (r *reader) source(file string) (*source, error) {
	text, err := r.optional(file)
	if err != nil || !matters([]byte(text)) && !r.starts(file) {
		return nil, err
	}
	return parse(file, text), nil
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

// index notes the modules of a file.
func (w *world) index(m *module) {
	if m.name != "" && w.modules[m.name] == nil {
		w.modules[m.name] = m
	}
	for _, in := range m.inner {
		w.index(in)
	}
}

// find looks for a module in the file that it would stand in, which did not matter until now. Phoenix keeps controllers and
// plugs in directories of their own.
func (r *reader) find(w *world, name string, dirs []string) *module {
	for _, dir := range dirs {
		file := path.Join(dir, underscore(name)+".ex")
		for _, below := range []string{"", "controllers", "plugs"} {
			file := path.Join(path.Dir(file), below, path.Base(file))
			if !r.p.Has(file) {
				continue
			}
			text, err := fs.ReadFile(r.fs, file)
			if err != nil || len(text) > maxSize {
				continue
			}
			s := parse(file, string(text))
			r.noteBroken(s)
			w.index(s.top)
		}
	}
	return w.modules[name]
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
