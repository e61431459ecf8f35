-module(phial_etf_terms).
-export([handle/1]).

%% eval: evaluates an expression and keeps its value for the requests that follow.
handle(<<"eval ", Expr/binary>>) ->
    guarded(fun() ->
        put(last, eval(Expr)),
        <<>>
    end);
%% encode: the kept value by term_to_binary/2 with the options given.
handle(<<"encode ", Opts/binary>>) ->
    guarded(fun() -> term_to_binary(get(last), eval(Opts)) end);
%% same: is this the kept value?
handle(<<"same ", Bytes/binary>>) ->
    guarded(fun() ->
        Term = binary_to_term(Bytes),
        case Term =:= get(last) of
            true -> <<>>;
            false -> error({differs, Term, get(last)})
        end
    end);
%% read: binary_to_term/2 of a term with bytes behind it; gives how many bytes it took and the term written back.
handle(<<"read ", Bytes/binary>>) ->
    guarded(fun() ->
        {Term, Used} = binary_to_term(Bytes, [used]),
        [<<Used:32>>, term_to_binary(Term)]
    end);
%% equal: are two terms, the first of the length given, the same?
handle(<<"equal ", N:32, A:N/binary, B/binary>>) ->
    guarded(fun() ->
        X = binary_to_term(A),
        Y = binary_to_term(B),
        [case X =:= Y of true -> "true"; false -> "false" end]
    end);
handle(<<"release">>) ->
    [0, erlang:system_info(otp_release)].

eval(Text) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(<<Text/binary, ".">>)),
    {ok, Exprs} = erl_parse:parse_exprs(Tokens),
    {value, V, _} = erl_eval:exprs(Exprs, erl_eval:new_bindings()),
    V.

guarded(F) ->
    try
        [0, F()]
    catch
        C:R -> [1, unicode:characters_to_binary(io_lib:format("~p: ~P", [C, R, 20]))]
    end.
