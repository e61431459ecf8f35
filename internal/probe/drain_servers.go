package probe

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/phialdev/phial/erlang/etf"
)

// The kinds of servers.
const (
	ServerCowboy         = "cowboy"
	ServerRanch          = "ranch" // another protocol on ranch: its work can't be counted
	ServerThousandIsland = "thousand_island"
	ServerHTTPD          = "httpd"
)

// Server is one listener of a server.
type Server struct {
	Kind    string
	Name    string
	Version string // of the application; "" for an unknown one
	ref     etf.Term
}

// Counted reports whether its work in flight can be told from its connections.
func (s Server) Counted() bool { return s.Kind != ServerRanch }

// ranchScript gives {Cowboy's version, [{Ref, Protocol}]}. ranch:info/0 gives a map since
// 2.0 and a proplist before; so do the listeners in it.
//
//nolint:dupword // Erlang ends one thing after the other
const ranchScript script = `
begin
	code:ensure_loaded(ranch),
	case whereis(ranch_server) =/= undefined andalso erlang:function_exported(ranch, info, 0) of
		false -> {"", []};
		true ->
			Info = ranch:info(),
			Vsn = case application:get_key(cowboy, vsn) of {ok, V} -> V; _ -> "" end,
			List = case is_map(Info) of true -> maps:to_list(Info); false -> Info end,
			{Vsn, [{Ref, case is_map(I) of
				true -> maps:get(protocol, I, undefined);
				false -> proplists:get_value(protocol, I)
			end} || {Ref, I} <- List]}
	end
end`

func (d *Drain) ranch(ctx context.Context) ([]Server, error) {
	t, err := d.eval(ctx, ranchScript)
	vsn, _ := t.At(0).Text()
	var out []Server
	for e := range t.At(1).Elems() {
		s := Server{Kind: ServerRanch, Name: elixir(e.At(0)), ref: e.At(0)}
		if e.At(1).IsAtom("cowboy_clear") || e.At(1).IsAtom("cowboy_tls") {
			s.Kind, s.Version = ServerCowboy, vsn
		}
		out = append(out, s)
	}
	return out, err
}

// islandsScript walks the supervisors of all applications that run. A server of Thousand
// Island is a supervisor with these three children. It asks only what is a supervisor by
// its own account, for a second each, and goes into none with more than a thousand
// children: connections and sockets are no place for a server.
//
//nolint:dupword // Erlang ends one thing after the other
const islandsScript script = `
begin
	code:ensure_loaded('Elixir.ThousandIsland'),
	case erlang:function_exported('Elixir.ThousandIsland', connection_pids, 1) of
		false -> {"", []};
		true ->
			Ask = fun(Sup, What) -> gen_server:call(Sup, What, 1000) end,
			Walk = fun Walk(Sup, Id) ->
				try
					{supervisor, _, 1} = proc_lib:translate_initial_call(Sup),
					true = proplists:get_value(active, Ask(Sup, count_children)) =< 1000,
					Children = Ask(Sup, which_children),
					Ids = [element(1, C) || C <- Children],
					case [listener, acceptor_pool_supervisor, shutdown_listener] -- Ids of
						[] -> [{Sup, Id}];
						_ -> lists:flatmap(fun({I, P, supervisor, _}) when is_pid(P) -> Walk(P, I); (_) -> [] end, Children)
					end
				catch _:_ -> [] end
			end,
			Vsn = case application:get_key(thousand_island, vsn) of {ok, V} -> V; _ -> "" end,
			{Vsn, lists:flatmap(fun({App, _, _}) ->
				try
					{Top, _} = application_master:get_child(application_controller:get_master(App)),
					Walk(Top, App)
				catch _:_ -> [] end
			end, application:which_applications(1000))}
	end
end`

func (d *Drain) islands(ctx context.Context) ([]Server, error) {
	t, err := d.eval(ctx, islandsScript)
	vsn, _ := t.At(0).Text()
	var out []Server
	for e := range t.At(1).Elems() {
		out = append(out, Server{Kind: ServerThousandIsland, Name: elixir(e.At(1)), Version: vsn, ref: e.At(0)})
	}
	return out, err
}

// daemonsScript finds the connections' supervisor of each httpd, and beside it the
// manager, with its table of configuration.
const daemonsScript script = `
begin
	Prefix = fun(P, Name) -> is_atom(Name) andalso lists:prefix(P, atom_to_list(Name)) end,
	Vsn = case application:get_key(inets, vsn) of {ok, V} -> V; _ -> "" end,
	{Vsn, lists:flatmap(fun(Name) ->
		try
			{_, Dict} = process_info(whereis(Name), dictionary),
			[Instance | _] = proplists:get_value('$ancestors', Dict),
			[Manager] = [P || {Id, P, _, _} <- gen_server:call(Instance, which_children, 1000),
				is_tuple(Id), element(1, Id) =:= httpd_manager],
			[{Name, [T || T <- ets:all(), Prefix("httpd_conf", T), ets:info(T, owner) =:= Manager]}]
		catch _:_ -> [] end
	end, [Name || Name <- registered(), Prefix("httpd_connection_sup", Name)])}
end`

func (d *Drain) daemons(ctx context.Context) ([]Server, error) {
	t, err := d.eval(ctx, daemonsScript)
	vsn, _ := t.At(0).Text()
	var out []Server
	for e := range t.At(1).Elems() {
		name := strings.TrimLeft(strings.TrimPrefix(elixir(e.At(0)), "httpd_connection_sup"), "_")
		out = append(out, Server{Kind: ServerHTTPD, Name: name, Version: vsn, ref: e})
	}
	return out, err
}

// ErrNoWay says that a server has no way to do what it was asked to do.
var ErrNoWay = errors.New("the server has no way to do that")

// httpdKeepScript has an httpd's manager, which owns the table, write that connections
// are not kept. httpd reads that with each request, so the next answer on each connection
// says Connection: close. What was written there is kept in the same table for the undo.
const httpdKeepScript script = `
begin
	Close = fun(T) ->
		case ets:lookup(T, phial_keep_alive) of
			[] ->
				ets:insert(T, {phial_keep_alive, ets:lookup(T, keep_alive)}),
				ets:delete(T, keep_alive),
				ets:insert(T, {keep_alive, false});
			_ -> true
		end
	end,
	Keep = fun(T) ->
		case ets:lookup(T, phial_keep_alive) of
			[{_, Rows}] ->
				ets:delete(T, phial_keep_alive),
				ets:delete(T, keep_alive),
				ets:insert(T, Rows);
			_ -> true
		end
	end,
	lists:foreach(fun(T) ->
		sys:replace_state(ets:info(T, owner), fun(S) ->
			case On of true -> Keep(T); false -> Close(T) end, S
		end, 1000)
	end, Tables)
end`

// Tells reports whether KeepAlive has a way for this kind of server.
func (s Server) Tells() bool { return s.Kind == ServerHTTPD || s.Kind == ServerCowboy }

// KeepAlive tells a server to say Connection: close, or no longer to say it: with the next
// answer on each connection, of cowboy's those with HTTP/1. Where that does not work on a
// cowboy it is the first answer on each new connection, and InFlight is how busy ones are
// told. What a connection of cowboy's was told is not taken back: it ends with its next
// answer all the same. Bandit has no such way: the error is ErrNoWay.
func (d *Drain) KeepAlive(ctx context.Context, s Server, on bool) error {
	var t etf.Term
	var err error
	switch s.Kind {
	case ServerHTTPD:
		if s.ref.At(1).Len() == 0 {
			return fmt.Errorf("the configuration of %s: %w", s, ErrAbsent)
		}
		t, err = d.eval(ctx, httpdKeepScript, bind{"On", on}, bind{"Tables", s.ref.At(1)})
	case ServerCowboy:
		if !on {
			_, err = d.cowboyClose(ctx, s)
			return err
		}
		d.told.Delete(s.String())
		t, err = d.eval(ctx, cowboyKeepScript, bind{"On", true}, bind{"Ref", s.ref})
	default:
		return ErrNoWay
	}
	return called("telling "+s.String()+" about connections", t, err)
}

// Suspend closes a server's listening socket. Connections stay; new ones are refused.
func (d *Drain) Suspend(ctx context.Context, s Server) error { return d.listen(ctx, s, "suspend") }

// Resume undoes Suspend.
func (d *Drain) Resume(ctx context.Context, s Server) error { return d.listen(ctx, s, "resume") }

func (d *Drain) listen(ctx context.Context, s Server, verb string) error {
	module, function := "ranch", verb+"_listener"
	switch s.Kind {
	case ServerThousandIsland:
		module, function = "Elixir.ThousandIsland", verb
	case ServerHTTPD:
		return ErrNoWay
	}
	t, err := d.call(ctx, module, function, s.ref)
	return called(verb+" "+s.Name, t, err)
}

// tellsBusy reports whether a busy HTTP/1 connection can be told to close with its
// answer: cowboy does that since 2.9, and before it cuts the request off.
func (s Server) tellsBusy() bool {
	major, rest, _ := strings.Cut(s.Version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return s.Kind == ServerCowboy && errA == nil && errB == nil && (a > 2 || a == 2 && b >= 9)
}

// String names the server: cowboy Shop.Endpoint.HTTP (2.13.0).
func (s Server) String() string {
	if s.Version == "" {
		return s.Kind + " " + s.Name
	}
	return fmt.Sprintf("%s %s (%s)", s.Kind, s.Name, s.Version)
}
