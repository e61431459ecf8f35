package probe

import (
	"context"
	"time"
)

// cowboyKeepScript lets each new connection have one request, whose answer says
// Connection: close. Those that are open were given their number when they were made. What
// the number was is kept among the options, of which cowboy passes over unknown ones.
const cowboyKeepScript script = `
begin
	Opts = ranch:get_protocol_options(Ref),
	ranch:set_protocol_options(Ref, case {On, Opts} of
		{false, #{phial_keep_alive := _}} -> Opts#{max_keepalive => 1};
		{false, _} -> Opts#{phial_keep_alive => maps:get(max_keepalive, Opts, none), max_keepalive => 1};
		{true, #{phial_keep_alive := none}} -> maps:without([phial_keep_alive, max_keepalive], Opts);
		{true, #{phial_keep_alive := N}} -> (maps:remove(phial_keep_alive, Opts))#{max_keepalive => N};
		{true, _} -> Opts
	end)
end`

// How long one thing may take when a way is tried on a connection of our own, how long
// each round of the clients' connections has to do as it is told, and the number that
// stands for the last request's while it is looked for.
const (
	lastTry    = 500 * time.Millisecond
	lastWait   = 300 * time.Millisecond
	lastNumber = 982_451_653
)

// cowboyLastScript has the next answer on each HTTP/1 connection that is open say
// Connection: close, idle ones among them. A connection's process numbers its requests
// and knows the number of the last one, max_keepalive at first; it does system messages,
// so that one that replaces its state can make the next request its last, between two
// messages. It gives {How many were told, how many have HTTP/1 or are too busy to say,
// whether busy ones close with the answer under way}.
//
// Where the two numbers are differs by version, so that is found out and then tried on a
// connection of our own, on which nothing gets to the application: its requests go to a
// router without routes. The first must be answered without Connection: close and count
// one up; the second, after the change, with it. Otherwise the match fails, and with it
// the script, and no client's connection is touched.
//
// Since 2.15 a connection has one request at a time, and knows whether its answer has
// begun: one that is busy closes with the answer under way if it can still say so. Before,
// one that is busy closes with the answer that follows; and one whose request is still being
// read, and may be answered already, after that. WebSockets, HTTP/2 and what sleeps in hibernation get no message; the
// change leaves alone what has not the form of HTTP/1. The new states are not sent to us,
// since each has all options in it: the reply goes to a process that is dead.
//
//nolint:dupword // Erlang ends one thing after the other
const cowboyLastScript script = `
begin
	Me = self(),
	Said = make_ref(),
	State = fun({S, Buffer}) when is_tuple(S), is_binary(Buffer) -> S; (S) -> S end,
	Only = fun(Fits, S) -> [N] = [N || N <- lists:seq(1, tuple_size(S)), Fits(N)], N end,
	MarkAt = fun(Pair, Tag, Size, In, Last, Out) ->
		fun(Misc) ->
			{Is, Next} = try
				S = case Pair of true -> {_, _} = Misc, element(1, Misc); false -> Misc end,
				true = element(1, S) =:= Tag andalso tuple_size(S) =:= Size,
				N = element(In, S),
				true = is_integer(N) andalso N > 0 andalso N =< element(Last, S),
				Unanswered = Out > 0 andalso element(Out, S) =:= wait,
				To = case element(In + 1, S) of
					ps_next_request when Unanswered -> N - 1;
					ps_next_request -> N;
					Reading when Unanswered, element(1, Reading) =:= ps_body -> N;
					Reading when element(1, Reading) =:= ps_body -> min(N + 1, element(Last, S));
					Reading when element(1, Reading) =:= ps_request_line; element(1, Reading) =:= ps_header; element(1, Reading) =:= ps_trailer -> N
				end,
				S2 = setelement(Last, S, To),
				{1, case Pair of true -> setelement(1, Misc, S2); false -> S2 end}
			catch _:_ -> {0, Misc} end,
			Me ! {Said, Is},
			Next
		end
	end,
	Find = fun Find(0, _, _) -> exit(not_found);
		Find(Tries, Before, Local) ->
			Ours = fun(P) ->
				try
					{_, {cowboy_http, _, _}} = process_info(P, current_function),
					lists:member(Local, tuple_to_list(State(sys:get_state(P, Try))))
				catch _:_ -> false end
			end,
			case lists:filter(Ours, ranch:procs(Ref, connections) -- Before) of
				[P] -> P;
				_ -> receive after 10 -> Find(Tries - 1, Before, Local) end
			end
	end,
	Ask = fun(Net, Socket) ->
		ok = Net:send(Socket, <<"GET / HTTP/1.1\r\nHost: phial\r\n\r\n">>),
		Read = fun Read(Have) ->
			case binary:match(Have, <<"\r\n\r\n">>) of
				nomatch ->
					{ok, More} = Net:recv(Socket, 0, Try),
					Read(<<Have/binary, More/binary>>);
				_ -> Have
			end
		end,
		Answer = string:lowercase(Read(<<>>)),
		<<"http/1.1 400 ", _/binary>> = Answer,
		binary:match(Answer, <<"\r\nconnection: close\r\n">>) =/= nomatch
	end,
	Learn = fun(Net, Socket, P, Opts) ->
		Misc = sys:get_state(P, Try),
		S = State(Misc),
		Last = Only(fun(N) -> element(N, S) =:= Number end, S),
		In = Only(fun(N) -> element(N, S) =:= 1 andalso is_tuple(element(N + 1, S))
			andalso element(1, element(N + 1, S)) =:= ps_request_line end, S),
		Has = Only(fun(N) -> element(N, S) =:= Opts end, S),
		All = fun(What) -> [N || N <- lists:seq(1, tuple_size(S)), element(N, S) =:= What] end,
		Out = case {All(1), All(wait)} of {[_], [O]} -> O; _ -> 0 end,
		Put = fun(N, V, M) when M =:= S -> setelement(N, M, V); (N, V, M) -> setelement(1, M, setelement(N, element(1, M), V)) end,
		Ours = Opts#{stream_handlers => [cowboy_stream_h], middlewares => [cowboy_router], env => #{dispatch => []}},
		sys:replace_state(P, fun(M) -> Put(Has, Ours, M) end, Try),
		false = Ask(Net, Socket),
		S1 = State(sys:get_state(P, Try)),
		{2, Number} = {element(In, S1), element(Last, S1)},
		Mark = MarkAt(Misc =/= S, element(1, S), tuple_size(S), In, Last, Out),
		S2 = State(sys:replace_state(P, Mark, Try)),
		{1, 2, 2} = {receive {Said, Is} -> Is after Try -> late end, element(In, S2), element(Last, S2)},
		true = Ask(Net, Socket),
		{error, closed} = Net:recv(Socket, 0, Try),
		{Mark, Out > 0}
	end,
	OnOurs = fun(Opts) ->
		Info = case ranch:info(Ref) of I when is_map(I) -> I; I -> maps:from_list(I) end,
		{Net, More} = case Info of
			#{protocol := cowboy_tls} -> {ssl, [{verify, verify_none}]};
			#{protocol := cowboy_clear} -> {gen_tcp, []}
		end,
		{Bound, Port} = ranch:get_addr(Ref),
		Addr = case Bound of {0, 0, 0, 0} -> {127, 0, 0, 1}; {0, 0, 0, 0, 0, 0, 0, 0} -> {0, 0, 0, 0, 0, 0, 0, 1}; _ -> Bound end,
		Before = ranch:procs(Ref, connections),
		{ok, Socket} = Net:connect(Addr, Port, [binary, {active, false} | More], Try),
		try
			{ok, Local} = case Net of gen_tcp -> inet:sockname(Socket); ssl -> ssl:sockname(Socket) end,
			Learn(Net, Socket, Find(50, Before, Local), Opts)
		after Net:close(Socket) end
	end,
	Run = fun(List, Spec) -> ets:match_spec_run(List, ets:match_spec_compile(Spec)) end,
	Infos = fun(Pids) -> lists:zip(Pids, lists:zipwith(fun erlang:process_info/2, Pids, lists:duplicate(length(Pids), current_function))) end,
	Await = fun Await(N, Until) ->
		{_, Have} = process_info(self(), message_queue_len),
		case Have < N andalso erlang:monotonic_time(millisecond) < Until of
			true -> receive after 1 -> Await(N, Until) end;
			false -> ok
		end
	end,
	Rounds = fun Rounds([], _, _, _) -> ok;
		Rounds(Left, Message, Sent, Most) ->
			{Some, Rest} = lists:split(min(Most, length(Left)), Left),
			lists:zipwith(fun erlang:send/2, Some, lists:duplicate(length(Some), Message)),
			Await(Sent + length(Some), erlang:monotonic_time(millisecond) + Wait),
			Rounds(Rest, Message, Sent + length(Some), Most)
	end,
	Was = ranch:get_protocol_options(Ref),
	Opts = case Was of
		#{phial_keep_alive := _} -> Was;
		_ -> Was#{phial_keep_alive => maps:get(max_keepalive, Was, none)}
	end,
	Sought = Opts#{max_keepalive => Number},
	ranch:set_protocol_options(Ref, Sought),
	{Mark, Exact} = try OnOurs(Sought) after ranch:set_protocol_options(Ref, Opts#{max_keepalive => 1}) end,
	{Dead, Monitor} = spawn_monitor(fun() -> ok end),
	receive {'DOWN', Monitor, _, _, _} -> ok end,
	Conns = Run(Infos(ranch:procs(Ref, connections)), [
		{{'_', undefined}, [], [false]},
		{{'_', {current_function, {cowboy_websocket, '_', '_'}}}, [], [false]},
		{{'_', {current_function, {cowboy_http2, '_', '_'}}}, [], [false]},
		{{'_', {current_function, {erlang, hibernate, '_'}}}, [], [false]},
		{{'$1', '_'}, [], ['$1']}]),
	Pids = lists:filter(fun erlang:is_pid/1, Conns),
	Rounds(Pids, {system, {Dead, Said}, {replace_state, Mark}}, 0, Most),
	{_, Messages} = process_info(self(), messages),
	{lists:sum(Run(Messages, [{{Said, '$1'}, [], ['$1']}])), length(Pids), Exact}
end`

// cowboyClose tells a cowboy to say Connection: close: with the next answer on each HTTP/1
// connection if the way for it works on this version, which told counts, and in any case
// with the first on each new one.
func (d *Drain) cowboyClose(ctx context.Context, s Server) (told int, err error) {
	t, err := d.eval(ctx, cowboyLastScript, bind{"Most", trafficAsk}, bind{"Number", lastNumber}, bind{"Ref", s.ref},
		bind{"Try", int(lastTry.Milliseconds())}, bind{"Wait", int(lastWait.Milliseconds())})
	d.told.Delete(s.String())
	if n, ok := t.At(0).Int(); err == nil && ok {
		if exact, _ := t.At(2).Bool(); exact {
			d.told.Store(s.String(), int(n))
		}
		return int(n), nil
	}
	t, err = d.eval(ctx, cowboyKeepScript, bind{"On", false}, bind{"Ref", s.ref})
	return 0, called("setting the options of "+s.Name, t, err)
}

// takeTold says whether a cowboy's connections close with their next answer, and how many
// were told so, once.
func (d *Drain) takeTold(s Server) (n int, closing bool) {
	v, ok := d.told.Swap(s.String(), 0)
	if !ok {
		d.told.Delete(s.String())
		return 0, false
	}
	return v.(int), true //nolint:forcetypeassert // cowboyClose puts nothing else there
}
