package probe

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// question is one call, what it is called in Unanswered, and what to do with its
// answer; read reports whether the answer was of the form expected.
type question struct {
	about    string
	mod, fun string
	args     etf.List
	read     func(n *mesh.Node, t etf.Term) bool
}

// batch is a group of questions that is asked in one call: lists:zipwith3 with
// erlang:apply/3 gives all the answers. It is one round trip, and it fails as a whole;
// then each question is asked alone. The groups are those that block together: what
// the VM answers, what init, the application controller and net_kernel answer.
type batch []question

func (b batch) args() []any {
	mods, funs, args := make(etf.List, len(b)), make(etf.List, len(b)), make(etf.List, len(b))
	for i, q := range b {
		mods[i], funs[i], args[i] = etf.Atom(q.mod), etf.Atom(q.fun), q.args
	}
	return []any{etf.Export{Module: "erlang", Function: "apply", Arity: 3}, mods, funs, args}
}

// ask puts every question to a node, each group with a deadline of its own, and
// fills n. What was not answered is named in n.Unanswered. It reports whether anything
// was answered at all, and the last error.
func (p *Prober) ask(ctx context.Context, c *dist.Conn, n *mesh.Node, names *interner) (bool, error) {
	groups := questions(names)
	answers := make([][]etf.Term, len(groups))
	errs := make([]error, len(groups))
	var wg sync.WaitGroup
	for i, g := range groups {
		wg.Go(func() { answers[i], errs[i] = p.askBatch(ctx, c, g) })
	}
	wg.Wait()
	answered := false
	for i, g := range groups {
		for j, q := range g {
			if answers[i] != nil && answers[i][j].Valid() {
				answered = true
				if q.read(n, answers[i][j]) {
					continue
				}
			}
			if !slices.Contains(n.Unanswered, q.about) {
				n.Unanswered = append(n.Unanswered, q.about)
			}
		}
	}
	return answered, errors.Join(errs...)
}

func (p *Prober) askBatch(ctx context.Context, c *dist.Conn, b batch) ([]etf.Term, error) {
	call, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	t, err := c.ERPC(call, "lists", "zipwith3", b.args()...)
	if err == nil && t.Len() == len(b) {
		return slices.Collect(t.Elems()), nil
	}
	var e *dist.Error
	if errors.As(err, &e) && e.Cause != dist.CauseCallFailed {
		return nil, err
	}
	// One of them raised: ask each alone, all within the same deadline.
	out := make([]etf.Term, len(b))
	errs := make([]error, len(b))
	var wg sync.WaitGroup
	for i, q := range b {
		wg.Go(func() { out[i], errs[i] = c.ERPC(call, q.mod, q.fun, q.args...) })
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

// questions gives all that a node is asked. Never init:get_arguments: it holds the
// cookie.
func questions(names *interner) []batch {
	env := func(key string, read func(n *mesh.Node, v etf.Term)) question {
		return question{"kernel " + key, "application", "get_env", etf.List{etf.Atom(beam.Kernel), etf.Atom(key)},
			func(n *mesh.Node, t etf.Term) bool { // undefined | {ok, Value}
				if t.Len() == 2 {
					read(n, t.At(1))
				}
				return t.Len() == 2 || t.IsAtom("undefined")
			}}
	}
	port := func(set func(f *mesh.Flags, v uint16)) func(*mesh.Node, etf.Term) {
		return func(n *mesh.Node, v etf.Term) {
			if i, ok := v.Int(); ok && i >= 0 && i <= 65535 {
				set(&n.Flags, uint16(i))
			}
		}
	}
	var uptime struct{ now, start int64 }
	vm := batch{
		{mesh.AskPeers, "erlang", "nodes", etf.List{etf.Atom("visible")}, func(n *mesh.Node, t etf.Term) bool {
			n.Peers = names.atoms(t)
			return t.Kind() == etf.KindList
		}},
		{mesh.AskHidden, "erlang", "nodes", etf.List{etf.Atom("hidden")}, func(n *mesh.Node, t etf.Term) bool {
			n.Hidden = slices.DeleteFunc(names.atoms(t), ours)
			return t.Kind() == etf.KindList
		}},
		{"pending links", "ets", "select", etf.List{etf.Atom("sys_dist"), pendingSpec}, func(n *mesh.Node, t etf.Term) bool {
			n.Pending = slices.DeleteFunc(names.atoms(t), ours)
			return t.Kind() == etf.KindList
		}},
		{"lost connections", "ets", "select", etf.List{etf.Atom(beam.GlobalLostConnectionsTable), lostSpec, maxLost}, readLost(names)},
		{"OTP release", "erlang", "system_info", etf.List{etf.Atom("otp_release")}, func(n *mesh.Node, t etf.Term) (ok bool) {
			n.OTP, ok = t.Text()
			return ok
		}},
		{"ERTS version", "erlang", "system_info", etf.List{etf.Atom("version")}, func(n *mesh.Node, t etf.Term) (ok bool) {
			n.ERTS, ok = t.Text()
			return ok
		}},
		{"memory", "erlang", "memory", etf.List{etf.Atom("total")}, func(n *mesh.Node, t etf.Term) (ok bool) {
			n.Memory, ok = t.Uint()
			return ok
		}},
		{"processes", "erlang", "system_info", etf.List{etf.Atom("process_count")}, func(n *mesh.Node, t etf.Term) bool {
			i, ok := t.Int()
			n.Processes = int(i)
			return ok
		}},
		{"run queue", "erlang", "statistics", etf.List{etf.Atom("run_queue")}, func(n *mesh.Node, t etf.Term) bool {
			i, ok := t.Int()
			n.RunQueue = int(i)
			return ok
		}},
		// Not statistics(wall_clock): that resets a counter which the app may use.
		{"uptime", "erlang", "monotonic_time", nil, func(_ *mesh.Node, t etf.Term) (ok bool) {
			uptime.now, ok = t.Int()
			return ok
		}},
		{"uptime", "erlang", "system_info", etf.List{etf.Atom("start_time")}, func(_ *mesh.Node, t etf.Term) (ok bool) {
			uptime.start, ok = t.Int()
			return ok
		}},
		{"uptime", "erlang", "convert_time_unit", etf.List{1, etf.Atom("second"), etf.Atom("native")}, func(n *mesh.Node, t etf.Term) bool {
			perSecond, ok := t.Int()
			if !ok || perSecond <= 0 || uptime.now == 0 {
				return false
			}
			n.Uptime = time.Duration(float64(uptime.now-uptime.start) / float64(perSecond) * float64(time.Second))
			return true
		}},
		env(beam.KernelListenMin, port(func(f *mesh.Flags, v uint16) { f.ListenMin = v })),
		env(beam.KernelListenMax, port(func(f *mesh.Flags, v uint16) { f.ListenMax = v })),
		env(beam.KernelPreventOverlapping, func(n *mesh.Node, v etf.Term) {
			if v.IsAtom("false") {
				n.Flags.PreventOverlapping = mesh.No
			}
		}),
		env(beam.KernelConnectAll, func(n *mesh.Node, v etf.Term) {
			if b, ok := v.Bool(); ok {
				n.Flags.ConnectAll = mesh.TriOf(b)
			}
		}),
	}
	argument := func(flag string, read func(n *mesh.Node, value string, given bool)) question {
		return question{"-" + flag, "init", "get_argument", etf.List{etf.Atom(flag)},
			func(n *mesh.Node, t etf.Term) bool { // error | {ok, [[Value]]}
				if t.Len() != 2 {
					read(n, "", false)
					return t.IsAtom("error")
				}
				value, _ := t.At(1).At(0).At(0).Text()
				read(n, value, true)
				return true
			}}
	}
	initial := batch{
		{"init status", "init", "get_status", nil, readStatus},
		argument(beam.FlagProtoDist, func(n *mesh.Node, value string, given bool) {
			if n.Flags.Proto = value; !given {
				n.Flags.Proto = beam.ProtoTCP
			}
		}),
		argument(beam.FlagHidden, func(n *mesh.Node, _ string, given bool) { n.Flags.Hidden = mesh.TriOf(given) }),
		argument(beam.FlagConnectAll, func(n *mesh.Node, value string, given bool) {
			if n.Flags.ConnectAll == mesh.Unknown { // OTP 25 and later tell it in kernel's environment
				n.Flags.ConnectAll = mesh.TriOf(!given || value != "false")
			}
		}),
	}
	apps := batch{{"applications", "application", "which_applications", nil, readApps(names)}}
	kernel := batch{
		{"net_ticktime", "net_kernel", "get_net_ticktime", nil, func(n *mesh.Node, t etf.Term) bool {
			v := t // Seconds | {ongoing_change_to, Seconds} | ignored
			if t.Len() == 2 {
				v = t.At(1)
			}
			i, ok := v.Int()
			n.Flags.NetTicktime = int(i)
			return ok || t.IsAtom("ignored")
		}},
		{"allowed nodes", "net_kernel", "allowed", nil, func(n *mesh.Node, t etf.Term) bool { // {ok, Nodes}
			if list := names.atoms(t.At(1)); len(list) > 0 {
				n.Flags.Allowed = list
			}
			return t.Len() == 2
		}},
		{"net_kernel state", "net_kernel", "get_state", nil, func(n *mesh.Node, t etf.Term) bool {
			d, ok := t.Get(etf.Atom("name_domain"))
			if ok {
				n.Flags.LongNames = mesh.TriOf(d.IsAtom("longnames"))
			}
			return ok
		}},
	}
	return []batch{vm, initial, apps, kernel}
}

// pendingSpec selects the nodes in net_kernel's sys_dist table whose connection is
// being set up: records #connection{node, conn_id, state = pending, ...}.
var pendingSpec = etf.List{etf.Tuple{
	etf.Atom("$1"),
	etf.List{etf.Tuple{etf.Atom("=:="), etf.Tuple{etf.Atom("element"), 4, etf.Atom("$1")}, etf.Atom("pending")}},
	etf.List{etf.Tuple{etf.Atom("element"), 2, etf.Atom("$1")}},
}}

// lostSpec selects from global's table of lost connections, whose rows are
// {{Reporter, Lost}, {ExtendedCreation, Operation, Timer}}, the key and the reporter's
// creation, which is the low 32 bits of the extended one.
var lostSpec = etf.List{etf.Tuple{
	etf.Tuple{etf.Atom("$1"), etf.Tuple{etf.Atom("$2"), etf.Atom("_"), etf.Atom("_")}}, etf.List{},
	etf.List{etf.Tuple{etf.Tuple{etf.Atom("$1"), etf.Atom("$2")}}},
}}

// maxLost bounds what is read of that table, which holds an hour.
const maxLost = 256

func readLost(names *interner) func(*mesh.Node, etf.Term) bool {
	return func(n *mesh.Node, t etf.Term) bool { // '$end_of_table' | {Keys, Continuation}
		for k := range t.At(0).Elems() {
			a, okA := k.At(0).At(0).Atom()
			b, okB := k.At(0).At(1).Atom()
			creation, okC := k.At(1).Int()
			if okA && okB && okC {
				n.Lost = append(n.Lost, mesh.Loss{By: names.name(string(a)), Node: names.name(string(b)), Creation: uint32(creation)})
			}
		}
		return t.Len() == 2 || t.IsAtom("$end_of_table")
	}
}

func readStatus(n *mesh.Node, t etf.Term) bool { // {Internal, Provided}: the first counts
	switch internal := t.At(0); {
	case internal.IsAtom("starting"):
		n.Status = mesh.Booting
	case internal.IsAtom("started"):
		n.Status = mesh.Started
	case internal.IsAtom("stopping"):
		n.Status = mesh.Stopping
	}
	return n.Status != mesh.StatusUnknown
}

func readApps(names *interner) func(*mesh.Node, etf.Term) bool {
	return func(n *mesh.Node, t etf.Term) bool { // [{Name, Description, Version}]
		for a := range t.Elems() {
			name, _ := a.At(0).Atom()
			version, _ := a.At(2).Text()
			n.Apps = append(n.Apps, mesh.App{Name: names.name(string(name)), Version: names.name(version)})
		}
		slices.SortFunc(n.Apps, func(a, b mesh.App) int { return strings.Compare(a.Name, b.Name) })
		return t.Kind() == etf.KindList
	}
}

// settle fills what follows from several answers.
func settle(n *mesh.Node, peer dist.Peer) {
	if peer.Hidden {
		n.Flags.Hidden = mesh.Yes
	}
	n.Creation = peer.Creation
	n.Flags.DistPort = portOf(peer.Addr)
	if host, _, err := net.SplitHostPort(peer.Addr); err == nil {
		n.Addrs = []string{host}
	}
	if otp, err := strconv.Atoi(n.OTP); err == nil && n.Flags.PreventOverlapping == mesh.Unknown {
		n.Flags.PreventOverlapping = mesh.TriOf(otp >= beam.OTPWithOverlapPrevention && n.Flags.ConnectAll != mesh.No)
	}
}

// ours reports whether a node is a connection of Phial's own: they are named by the
// node they dial, with Phial's fixed host part.
func ours(node string) bool { return strings.HasSuffix(node, "@"+dist.DefaultHost) }
