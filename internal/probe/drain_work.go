package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/phialdev/phial/erlang/etf"
)

// JobRunner is one instance of Oban.
type JobRunner struct {
	Name   string
	name   etf.Term
	queues []jobQueue
	all    bool // pause_all_queues is there: Oban 2.17 or later
}

type jobQueue struct {
	name   etf.Term
	paused bool // when it was found: by the team, and to be left so
}

// Jobs is what an Oban is doing on this node.
type Jobs struct {
	Running  int
	Unpaused int // queues that take more jobs
}

// obanScript gives [{Name, PauseAll, [{Queue, Paused}]}]. Oban registers itself by its
// name, and all else by a tuple of that and its role.
//
//nolint:dupword // Erlang ends one thing after the other
const obanScript script = `
begin
	code:ensure_loaded('Elixir.Oban'),
	Registry = 'Elixir.Oban.Registry',
	case erlang:function_exported('Elixir.Oban', pause_queue, 2) andalso whereis(Registry) =/= undefined of
		false -> [];
		true ->
			All = erlang:function_exported('Elixir.Oban', pause_all_queues, 2),
			Names = 'Elixir.Registry':select(Registry, [{{'$1', '_', '_'}, [{'not', {is_tuple, '$1'}}], ['$1']}]),
			[{Name, All, [{Q, case 'Elixir.Oban':check_queue(Name, [{queue, Q}]) of #{paused := true} -> true; _ -> false end}
				|| Q <- lists:sort('Elixir.Registry':select(Registry, [{{{Name, {producer, '$1'}}, '_', '_'}, [], ['$1']}]))]}
			|| Name <- Names]
	end
end`

func (d *Drain) oban(ctx context.Context) ([]JobRunner, error) {
	t, err := d.eval(ctx, obanScript)
	var out []JobRunner
	for e := range t.Elems() {
		j := JobRunner{Name: elixir(e.At(0)), name: e.At(0), all: e.At(1).IsAtom("true")}
		for q := range e.At(2).Elems() {
			j.queues = append(j.queues, jobQueue{q.At(0), q.At(1).IsAtom("true")})
		}
		out = append(out, j)
	}
	return out, err
}

// PauseJobs has an Oban take no more jobs on this node. Never without local_only, which
// would pause the whole fleet, for good.
func (d *Drain) PauseJobs(ctx context.Context, j JobRunner) error {
	if j.all {
		return d.queue(ctx, "pause_all_queues", j, nil)
	}
	return d.eachQueue(ctx, "pause_queue", j)
}

// ResumeJobs undoes PauseJobs. Queues that were paused before stay so.
func (d *Drain) ResumeJobs(ctx context.Context, j JobRunner) error {
	if j.all && !slices.ContainsFunc(j.queues, func(q jobQueue) bool { return q.paused }) {
		return d.queue(ctx, "resume_all_queues", j, nil)
	}
	return d.eachQueue(ctx, "resume_queue", j)
}

// eachQueue goes over the queues that were not paused when they were found.
func (d *Drain) eachQueue(ctx context.Context, function string, j JobRunner) error {
	var errs []error
	for _, q := range j.queues {
		if !q.paused {
			errs = append(errs, d.queue(ctx, function, j, &q))
		}
	}
	return errors.Join(errs...)
}

func (d *Drain) queue(ctx context.Context, function string, j JobRunner, q *jobQueue) error {
	opts := etf.List{etf.Tuple{etf.Atom("local_only"), true}}
	if q != nil {
		opts = append(opts, etf.Tuple{etf.Atom("queue"), q.name})
	}
	t, err := d.call(ctx, "Elixir.Oban", function, j.name, opts)
	return called("Oban."+function+" of "+j.Name, t, err)
}

const jobsScript script = `
lists:foldl(fun(Q, {N, U}) ->
	case 'Elixir.Oban':check_queue(Name, [{queue, Q}]) of
		#{running := R} = C -> {N + length(R), U + case C of #{paused := true} -> 0; _ -> 1 end};
		_ -> {N, U}
	end
end, {0, 0}, Queues)`

// Jobs counts the jobs that run on this node.
func (d *Drain) Jobs(ctx context.Context, j JobRunner) (Jobs, error) {
	queues := make(etf.List, len(j.queues))
	for i, q := range j.queues {
		queues[i] = q.name
	}
	t, err := d.eval(ctx, jobsScript, bind{"Name", j.name}, bind{"Queues", queues})
	if err != nil {
		return Jobs{}, fmt.Errorf("counting the jobs of %s: %w", j.Name, err)
	}
	running, _ := t.At(0).Int()
	unpaused, _ := t.At(1).Int()
	return Jobs{int(running), int(unpaused)}, nil
}

// Terminate ends a child, which returns when it has drained or its own time is out; it
// has no deadline but ctx's. When that ends, the node goes on with it. Not Broadway.stop,
// which the supervisor would answer by starting it anew.
func (d *Drain) Terminate(ctx context.Context, c Child) error {
	t, err := d.s.r.ERPC(ctx, "supervisor", "terminate_child", c.parent, c.id)
	return called("terminating "+c.Name, t, err)
}

// Restart undoes Terminate; if that is still going on, after it, so that it has no
// deadline but ctx's. A child that runs is no error.
func (d *Drain) Restart(ctx context.Context, c Child) error {
	t, err := d.s.r.ERPC(ctx, "supervisor", "restart_child", c.parent, c.id)
	if err == nil && (t.At(1).IsAtom("running") || t.At(1).IsAtom("restarting")) {
		return nil
	}
	return called("restarting "+c.Name, t, err)
}

// socketsScript adds up what the supervisors below a pool of sockets have.
const socketsScript script = `
try
	lists:sum([proplists:get_value(active, gen_server:call(P, count_children, 1000))
		|| {_, P, _, _} <- gen_server:call(Pool, which_children, 1000), is_pid(P)])
catch exit:{noproc, _} -> 0 end`

// Sockets counts what is connected to the sockets that these drainers drain: channels and
// LiveViews.
func (d *Drain) Sockets(ctx context.Context, drainers []Child) (int, error) {
	total := 0
	var errs []error
	for _, c := range drainers {
		t, err := d.eval(ctx, socketsScript, bind{"Pool", c.scope})
		if err != nil {
			errs = append(errs, fmt.Errorf("counting the sockets of %s: %w", c.Name, err))
		}
		n, _ := t.Int()
		total += int(n)
	}
	return total, errors.Join(errs...)
}

// Permdown has a tracker tell the other nodes that its presences are gone for good. It
// ends the tracker; its supervisor starts an empty one. There is no way back.
func (d *Drain) Permdown(ctx context.Context, t Tracker) error {
	answer, err := d.call(ctx, "Elixir.Phoenix.Tracker", "graceful_permdown", t.name)
	return called("graceful_permdown of "+t.Name, answer, err)
}

// call is a call with the deadline of one.
func (d *Drain) call(ctx context.Context, mod, fun string, args ...any) (etf.Term, error) {
	return d.s.call(ctx, mod, fun, args...)
}
