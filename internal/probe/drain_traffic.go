package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phialdev/phial/erlang/etf"
)

// Traffic is what servers are doing.
type Traffic struct {
	Requests    int // in flight: begun and not answered
	Connections int // open, idle ones and WebSockets among them
	// Mute counts connections that are busy with something and can't say with what:
	// writing to a client that does not read, for example. Each is one of Requests, too.
	Mute int
	Told int // connections that were told to close with an answer since the last count
}

func (t Traffic) plus(o Traffic) Traffic {
	return Traffic{t.Requests + o.Requests, t.Connections + o.Connections, t.Mute + o.Mute, t.Told + o.Told}
}

// How long all of a server's connections have to say what they do, and how many are
// asked at one time.
const (
	trafficWait = 500 * time.Millisecond
	trafficAsk  = 5000
)

// cowboyScript asks every connection of cowboy for its children, each of which is a
// request, as if it were a supervisor: cowboy answers that on HTTP/1 and HTTP/2; on a
// WebSocket the answer is always none. All of up to Most are asked before the first
// answer is waited for. Who lives and has not answered in time is mute, unless it is
// still shaking hands. What is done for each connection is done by compiled code, of
// lists and of match specifications: evaluated, it would cost ten times as much.
//
// With Tell each HTTP/1 connection that is busy gets what ranch sends it when it stops,
// an exit signal of its parent: since 2.9 cowboy ends the connection with that answer,
// and says Connection: close where the headers have not left yet. Not idle ones, which
// would close at once, under the feet of a request on its way; and not HTTP/2, which
// would cut off after four seconds what has not ended.
const cowboyScript script = `
begin
	Run = fun(List, Spec) -> ets:match_spec_run(List, ets:match_spec_compile(Spec)) end,
	Conns = lists:filter(fun erlang:is_process_alive/1, ranch:procs(Ref, connections)),
	Await = fun Await(N, Until) ->
		{_, Have} = process_info(self(), message_queue_len),
		case Have < N andalso erlang:monotonic_time(millisecond) < Until of
			true -> receive after 1 -> Await(N, Until) end;
			false -> ok
		end
	end,
	Shakes = fun(P) ->
		{_, Stack} = process_info(P, current_stacktrace),
		lists:any(fun(F) -> element(1, F) =:= ranch andalso element(2, F) =:= handshake end, Stack)
	end,
	Farewell = fun(P, Kids) ->
		try
			[] = [M || {M, _, _, _} <- Kids, M =/= cowboy_http],
			{_, Dict} = process_info(P, dictionary),
			[Parent | _] = proplists:get_value('$ancestors', Dict),
			true = is_pid(Parent),
			P ! {'EXIT', Parent, shutdown},
			1
		catch _:_ -> 0 end
	end,
	Round = fun(Some) ->
		Tag = make_ref(),
		{_, Before} = process_info(self(), message_queue_len),
		Asks = Run(lists:zip(Some, Some), [{{'$1', '_'}, [],
			[{{'$gen_call', {{{const, self()}, {{{const, Tag}, '$1'}}}}, which_children}}]}]),
		lists:zipwith(fun erlang:send/2, Some, Asks),
		Await(Before + length(Some), erlang:monotonic_time(millisecond) + Wait),
		{_, Messages} = process_info(self(), messages),
		Heard = Run(Messages, [{{{Tag, '$1'}, '_'}, [], ['$1']}]),
		Busy = Run(Messages, [{{{Tag, '$1'}, '$2'}, [{'=/=', '$2', []}], [{{'$1', '$2'}}]}]),
		Mute = [P || P <- Some -- Heard, try not Shakes(P) catch _:_ -> false end],
		Told = case Tell of true -> [Farewell(P, Kids) || {P, Kids} <- Busy]; false -> [] end,
		{lists:sum([length(Kids) || {_, Kids} <- Busy]), length(Mute), lists:sum(Told)}
	end,
	Rounds = fun Rounds([], {Busy, Mute, Told}) -> {Busy, length(Conns), Mute, Told};
		Rounds(Left, {Busy, Mute, Told}) ->
			{Some, Rest} = lists:split(min(Most, length(Left)), Left),
			{B, M, T} = Round(Some),
			Rounds(Rest, {Busy + B, Mute + M, Told + T})
	end,
	Rounds(Conns, {0, 0, 0})
end`

// handlersScript counts among processes that handle a connection each, and its requests
// within. One that waits in gen_server's loop, or sleeps, with nothing to read is idle.
// Bandit has a process for each stream of HTTP/2, linked to the connection's.
const handlersScript script = `
begin
	Run = fun(List, Spec) -> ets:match_spec_run(List, ets:match_spec_compile(Spec)) end,
	Info = fun(Pids, What) -> lists:zip(Pids, lists:zipwith(fun erlang:process_info/2, Pids, lists:duplicate(length(Pids), What))) end,
	Conns = case Kind of
		httpd -> [P || {_, P, _, _} <- gen_server:call(Ref, which_children, Wait), is_pid(P)];
		thousand_island -> {ok, L} = 'Elixir.ThousandIsland':connection_pids(Ref), L
	end,
	Infos = Info(Conns, [current_function, message_queue_len]),
	Idle = Run(Infos, [{{'$1', [{current_function, {M, F, '_'}}, {message_queue_len, 0}]}, [], ['$1']}
		|| {M, F} <- [{gen_server, loop}, {erlang, hibernate}]]),
	Gone = Run(Infos, [{{'$1', undefined}, [], ['$1']}]),
	Streams = case Kind of
		thousand_island ->
			Links = lists:usort(lists:filter(fun erlang:is_pid/1, lists:append(Run(Info(Idle, links), [{{'_', {links, '$1'}}, [], ['$1']}])))),
			length(Run(lists:map(fun proc_lib:translate_initial_call/1, Links), [{{'Elixir.Bandit.HTTP2.StreamProcess', init, 1}, [], [true]}]));
		httpd -> 0
	end,
	{length(Conns) - length(Gone) - length(Idle) + Streams, length(Conns) - length(Gone), 0, 0}
end`

// InFlight counts the requests in flight on these servers, one round trip for each.
// Servers whose work can't be counted add their connections only. With tell, busy
// HTTP/1 connections of cowboy 2.9 or later are told to close with their answer.
func (d *Drain) InFlight(ctx context.Context, servers []Server, tell bool) (Traffic, error) {
	var all Traffic
	var errs []error
	for _, s := range servers {
		one, err := d.traffic(ctx, s, tell)
		if err != nil {
			errs = append(errs, fmt.Errorf("counting the requests of %s: %w", s, err))
		}
		all = all.plus(one)
	}
	return all, errors.Join(errs...)
}

func (d *Drain) traffic(ctx context.Context, s Server, tell bool) (Traffic, error) {
	wait := bind{"Wait", int(trafficWait.Milliseconds())}
	var t etf.Term
	var err error
	told := 0
	switch s.Kind {
	case ServerCowboy:
		// An exit signal that arrives between an answer and the next request closes under
		// the feet of that, so none is sent where connections close by themselves.
		var closing bool
		if told, closing = d.takeTold(s); closing {
			tell = false
		}
		t, err = d.eval(ctx, cowboyScript, bind{"Most", trafficAsk}, bind{"Ref", s.ref}, bind{"Tell", tell && s.tellsBusy()}, wait)
	case ServerRanch:
		t, err = d.eval(ctx, `{0, length(ranch:procs(Ref, connections)), 0, 0}`, bind{"Ref", s.ref})
	case ServerHTTPD:
		t, err = d.eval(ctx, handlersScript, bind{"Kind", etf.Atom(s.Kind)}, bind{"Ref", s.ref.At(0)}, wait)
	default:
		t, err = d.eval(ctx, handlersScript, bind{"Kind", etf.Atom(s.Kind)}, bind{"Ref", s.ref}, wait)
	}
	if err != nil {
		return Traffic{}, err
	}
	var n [4]int
	for i := range n {
		v, ok := t.At(i).Int()
		if !ok {
			return Traffic{}, fmt.Errorf("it answered %s", t)
		}
		n[i] = int(v)
	}
	return Traffic{Requests: n[0] + n[2], Connections: n[1], Mute: n[2], Told: told + n[3]}, nil
}
