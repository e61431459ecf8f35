package probe

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/phialdev/phial/erlang/etf"
)

// Inventory is what a node runs that can be drained.
type Inventory struct {
	Servers   []Server
	Jobs      []JobRunner
	Pipelines []Child // Broadway's
	Drainers  []Child // Phoenix's socket drainers
	Trackers  []Tracker
}

// Child is a child of a supervisor that drains its work when it is terminated.
type Child struct {
	Name       string
	parent, id etf.Term
	scope      etf.Term // of a socket drainer: the supervisor of its sockets
}

// Tracker is a Phoenix.Tracker, or the tracker of a Phoenix.Presence.
type Tracker struct {
	Name string
	name etf.Term
}

// Survey looks for everything in an Inventory. What is not there is left out, and what
// can't be looked at is an error; the rest is given all the same. It has to come before
// anything is terminated: a supervisor that waits for a child answers nobody.
func (d *Drain) Survey(ctx context.Context) (Inventory, error) {
	var in Inventory
	var cowboys, islands, daemons []Server
	var wg sync.WaitGroup
	errs := make([]error, 7)
	look := func(i int, what string, f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				errs[i] = fmt.Errorf("looking for %s: %w", what, err)
			}
		})
	}
	look(0, "listeners of ranch", func() (err error) { cowboys, err = d.ranch(ctx); return err })
	look(1, "servers of Thousand Island", func() (err error) { islands, err = d.islands(ctx); return err })
	look(2, "inets httpd", func() (err error) { daemons, err = d.daemons(ctx); return err })
	look(3, "Oban", func() (err error) { in.Jobs, err = d.oban(ctx); return err })
	look(4, "Broadway", func() (err error) { in.Pipelines, err = d.broadway(ctx); return err })
	look(5, "socket drainers", func() (err error) { in.Drainers, err = d.drainers(ctx); return err })
	look(6, "trackers", func() (err error) { in.Trackers, err = d.trackers(ctx); return err })
	wg.Wait()
	in.Servers = append(append(cowboys, islands...), daemons...)
	return in, errors.Join(errs...)
}

// broadwayScript finds for each topology its parent and its name there. A topology that
// somebody else supervises than who started it is left out.
//
//nolint:dupword // Erlang ends one thing after the other
const broadwayScript script = `
begin
	code:ensure_loaded('Elixir.Broadway'),
	case erlang:function_exported('Elixir.Broadway', all_running, 0) of
		false -> [];
		true ->
			lists:flatmap(fun(Name) ->
				try
					Pid = 'Elixir.GenServer':whereis(Name),
					{dictionary, Dict} = erlang:process_info(Pid, dictionary),
					[Parent | _] = proplists:get_value('$ancestors', Dict),
					Children = gen_server:call(Parent, which_children, 1000),
					{Id, _, _, _} = lists:keyfind(Pid, 2, Children),
					[{Name, Parent, case Id of undefined -> Pid; _ -> Id end}]
				catch _:_ -> [] end
			end, 'Elixir.Broadway':all_running())
	end
end`

func (d *Drain) broadway(ctx context.Context) ([]Child, error) {
	t, err := d.eval(ctx, broadwayScript)
	var out []Child
	for e := range t.Elems() {
		out = append(out, Child{Name: elixir(e.At(0)), parent: e.At(1), id: e.At(2)})
	}
	return out, err
}

// drainersScript finds the endpoints, which are registered, and in each the drainers
// that run, with the supervisor of the sockets that each drains.
const drainersScript script = `
lists:flatmap(fun(Name) ->
	try proc_lib:translate_initial_call(whereis(Name)) of
		{supervisor, 'Elixir.Phoenix.Endpoint.Supervisor', 1} ->
			[{Name, Id, 'Elixir.Module':concat(Name, element(2, Id))}
				|| {Id, Pid, _, _} <- gen_server:call(Name, which_children, 1000),
				is_pid(Pid), is_tuple(Id), tuple_size(Id) =:= 2, element(1, Id) =:= terminator];
		_ -> []
	catch _:_ -> [] end
end, registered())`

func (d *Drain) drainers(ctx context.Context) ([]Child, error) {
	t, err := d.eval(ctx, drainersScript)
	var out []Child
	for e := range t.Elems() {
		out = append(out, Child{
			Name: elixir(e.At(0)) + " " + elixir(e.At(1).At(1)), parent: e.At(0), id: e.At(1), scope: e.At(2),
		})
	}
	return out, err
}

const trackersScript script = `
lists:filter(fun(Name) ->
	try proc_lib:translate_initial_call(whereis(Name)) =:= {supervisor, 'Elixir.Phoenix.Tracker', 1}
	catch _:_ -> false end
end, registered())`

func (d *Drain) trackers(ctx context.Context) ([]Tracker, error) {
	t, err := d.eval(ctx, trackersScript)
	var out []Tracker
	for e := range t.Elems() {
		out = append(out, Tracker{elixir(e), e})
	}
	return out, err
}
