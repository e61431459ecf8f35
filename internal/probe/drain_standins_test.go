package probe

import (
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
)

// The stand-ins have the names, functions and supervision of the libraries, as far as a
// drain sees them. They write down what is done to them: said/0 gives it.
const shopApp = `-module(shop).
-behaviour(application).
-export([start/2, stop/1, init/1, say/1, said/0]).
start(_, _) -> ets:new(said, [named_table, public, ordered_set]), supervisor:start_link({local, 'Elixir.Shop.Supervisor'}, ?MODULE, top).
stop(_) -> ok.
init(top) -> {ok, {#{strategy => one_for_one}, [
	#{id => 'Elixir.Registry', type => supervisor, start => {'Elixir.Registry', start_link, [[{keys, unique}, {name, 'Elixir.Oban.Registry'}]]}},
	#{id => oban, start => {'Elixir.Oban', start_link, []}},
	#{id => 'Elixir.Shop.Pipeline', shutdown => infinity, start => {'Elixir.Broadway', start_link, ['Elixir.Shop.Pipeline']}},
	#{id => endpoint, type => supervisor, start => {'Elixir.Phoenix.Endpoint.Supervisor', start_link, ['Elixir.Shop.Endpoint']}},
	#{id => presence, type => supervisor, start => {supervisor, start_link, [?MODULE, presence]}},
	#{id => liar, type => supervisor, start => {liar, start_link, []}}
]}};
init(presence) -> {ok, {#{strategy => rest_for_one}, [
	#{id => 'Elixir.Phoenix.Presence.Tracker', type => supervisor, start => {'Elixir.Phoenix.Tracker', start_link, ['Elixir.Shop.Presence']}}
]}}.
say(What) -> ets:insert(said, {erlang:unique_integer([monotonic]), What}), ok.
said() -> [What || {_, What} <- ets:tab2list(said)].
`

// A worker that its specification calls a supervisor: a call for its children would kill it.
const liar = `-module(liar).
-behaviour(gen_server).
-export([start_link/0, init/1, handle_call/3, handle_cast/2]).
start_link() -> gen_server:start_link({local, liar}, ?MODULE, [], []).
init([]) -> {ok, []}.
handle_call(none, _, S) -> {reply, ok, S}.
handle_cast(_, S) -> {noreply, S}.
`

// Oban registers itself and its queues' producers as the library does. Two queues, of
// which one was paused by the team.
const oban = `-module('Elixir.Oban').
-behaviour(gen_server).
-export([start_link/0, init/1, handle_call/3, handle_cast/2, check_queue/2, pause_queue/2, resume_queue/2]).
-export([pause_all_queues/2, resume_all_queues/2]).
start_link() -> gen_server:start_link(?MODULE, [], []).
init([]) ->
	[{ok, _} = 'Elixir.Registry':register('Elixir.Oban.Registry', K, V) || {K, V} <- [{?MODULE, #{}},
		{{?MODULE, {producer, <<"mail">>}}, nil}, {{?MODULE, {producer, <<"slow">>}}, nil}, {{?MODULE, 'Elixir.Oban.Notifier'}, nil}]],
	persistent_term:put(oban, #{running => #{<<"mail">> => [1, 2], <<"slow">> => []}, paused => [<<"slow">>]}),
	{ok, []}.
handle_call(_, _, S) -> {reply, ok, S}.
handle_cast(_, S) -> {noreply, S}.
check_queue(?MODULE, [{queue, Q}]) ->
	#{running := R, paused := P} = persistent_term:get(oban),
	#{queue => Q, running => maps:get(Q, R), paused => lists:member(Q, P)}.
set(Paused) -> persistent_term:put(oban, (persistent_term:get(oban))#{paused => Paused}).
pause_queue(?MODULE, O) -> shop:say({pause_queue, O}), set([proplists:get_value(queue, O) | maps:get(paused, persistent_term:get(oban))]).
resume_queue(?MODULE, O) -> shop:say({resume_queue, O}), set(lists:delete(proplists:get_value(queue, O), maps:get(paused, persistent_term:get(oban)))).
pause_all_queues(?MODULE, O) -> shop:say({pause_all_queues, O}), set([<<"mail">>, <<"slow">>]).
resume_all_queues(?MODULE, O) -> shop:say({resume_all_queues, O}), set([]).
`

// Broadway takes 300 ms to drain, and is permanent.
const broadway = `-module('Elixir.Broadway').
-behaviour(gen_server).
-export([start_link/1, all_running/0, init/1, handle_call/3, handle_cast/2, terminate/2]).
all_running() -> ['Elixir.Shop.Pipeline'].
start_link(Name) -> gen_server:start_link({local, Name}, ?MODULE, [], []).
init([]) -> process_flag(trap_exit, true), shop:say(pipeline_starts), {ok, []}.
handle_call(_, _, S) -> {reply, ok, S}.
handle_cast(_, S) -> {noreply, S}.
terminate(R, _) -> timer:sleep(300), shop:say({pipeline_drained, R}).
`

const endpoint = `-module('Elixir.Phoenix.Endpoint.Supervisor').
-behaviour(supervisor).
-export([start_link/1, init/1]).
start_link(Name) -> supervisor:start_link({local, Name}, ?MODULE, Name).
init({drainer, _} = D) -> {ok, D};
init(Name) -> {ok, {#{strategy => one_for_one}, [
	#{id => pool, type => supervisor, start => {pool, start_link, ['Elixir.Shop.Endpoint.Phoenix.LiveView.Socket']}},
	#{id => {Name, http}, type => supervisor, start => {'Elixir.ThousandIsland.Server', start_link, []}},
	#{id => {terminator, 'Elixir.Phoenix.LiveView.Socket'}, start => {drainer, start_link, []}}
]}}.
`

const socketPool = `-module(pool).
-behaviour(supervisor).
-export([start_link/1, init/1, socket/0]).
start_link(Name) -> supervisor:start_link({local, Name}, ?MODULE, top).
init(top) -> {ok, {#{strategy => one_for_one}, [
	#{id => I, type => supervisor, start => {supervisor, start_link, [?MODULE, part]}} || I <- [0, 1]]}};
init(part) -> {ok, {#{strategy => simple_one_for_one}, [#{id => s, restart => temporary, start => {?MODULE, socket, []}}]}}.
socket() -> {ok, spawn_link(fun() -> receive phx_drain -> ok end end)}.
`

const drainer = `-module(drainer).
-behaviour(gen_server).
-export([start_link/0, init/1, handle_call/3, handle_cast/2, terminate/2]).
start_link() -> gen_server:start_link(?MODULE, [], []).
init([]) -> process_flag(trap_exit, true), {ok, []}.
handle_call(_, _, S) -> {reply, ok, S}.
handle_cast(_, S) -> {noreply, S}.
terminate(_, _) ->
	shop:say(sockets_drained),
	[P ! phx_drain || {_, Part, _, _} <- supervisor:which_children('Elixir.Shop.Endpoint.Phoenix.LiveView.Socket'),
		{_, P, _, _} <- supervisor:which_children(Part)].
`

const tracker = `-module('Elixir.Phoenix.Tracker').
-behaviour(supervisor).
-export([start_link/1, init/1, graceful_permdown/1]).
start_link(Name) -> supervisor:start_link({local, Name}, ?MODULE, []).
init([]) -> {ok, {#{strategy => one_for_one}, []}}.
graceful_permdown(Name) -> shop:say({permdown, Name}), gen_server:stop(Name).
`

const island = `-module('Elixir.ThousandIsland.Server').
-behaviour(supervisor).
-export([start_link/0, init/1, conns/0, conn/0]).
start_link() -> supervisor:start_link(?MODULE, top).
conns() -> supervisor:start_link({local, island_conns}, ?MODULE, conns).
conn() -> gen_server:start_link(handler, [], []).
idle(Id) -> #{id => Id, start => {liar2, start_link, []}}.
init(conns) -> {ok, {#{strategy => simple_one_for_one}, [#{id => c, restart => temporary, start => {?MODULE, conn, []}}]}};
init(top) -> {ok, {#{strategy => rest_for_one}, [idle(listener),
	#{id => acceptor_pool_supervisor, type => supervisor, start => {?MODULE, conns, []}}, idle(shutdown_listener)]}}.
----
-module(liar2).
-export([start_link/0]).
start_link() -> {ok, spawn_link(fun() -> receive never -> ok end end)}.
----
-module('Elixir.ThousandIsland').
-export([connection_pids/1, suspend/1, resume/1]).
connection_pids(S) ->
	{_, P, _, _} = lists:keyfind(acceptor_pool_supervisor, 1, supervisor:which_children(S)),
	{ok, [C || {_, C, _, _} <- supervisor:which_children(P)]}.
suspend(_) -> shop:say(suspended).
resume(_) -> shop:say(resumed).
----
-module(handler).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).
init([]) -> {ok, []}.
handle_call(_, _, S) -> {reply, ok, S}.
handle_cast(stream, S) -> 'Elixir.Bandit.HTTP2.StreamProcess':start_link(), {noreply, S};
handle_cast(Ms, S) -> timer:sleep(Ms), {noreply, S}.
handle_info(_, S) -> {noreply, S}.
----
-module('Elixir.Bandit.HTTP2.StreamProcess').
-behaviour(gen_server).
-export([start_link/0, init/1, handle_call/3, handle_cast/2]).
start_link() -> gen_server:start_link(?MODULE, [], []).
init([]) -> timer:send_after(600, stop), {ok, []}.
handle_call(_, _, S) -> {reply, ok, S}.
handle_cast(_, S) -> {noreply, S}.
`

const hookModule = `-module('Elixir.Shop.Drainer').
-export([drain/0, fail/0, refuse/0, slow/0]).
drain() -> shop:say(hook), ok.
fail() -> error(broken).
refuse() -> {error, busy}.
slow() -> timer:sleep(60000).
`

const standIns = shopApp + "\n----\n" + liar + "\n----\n" + oban + "\n----\n" + broadway + "\n----\n" + endpoint + "\n----\n" +
	socketPool + "\n----\n" + drainer + "\n----\n" + tracker + "\n----\n" + island + "\n----\n" + hookModule

// newShop starts an application of all the stand-ins.
func newShop(t *testing.T, otp beamtest.OTP) *drained {
	t.Helper()
	d := newDrained(t, otp, elixirPath)
	d.load(standIns)
	d.Eval(t, `{ok, _} = application:ensure_all_started(elixir),
		ok = application:load({application, shop, [{vsn, "1"}, {applications, [kernel, stdlib]}, {mod, {shop, []}}]}),
		ok = application:start(shop)`)
	return d
}

// said gives what was done to the stand-ins, and forgets it.
func (d *drained) said() string {
	return d.Eval(d.t, `S = shop:said(), ets:delete_all_objects(said), S`)
}
