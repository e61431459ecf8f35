-module(phial_etf_loop).
-export([handle/1]).

%% Each loop runs in a process of its own with default options, so that it pays for its garbage as any
%% process does. The answer is the time of all N turns, in nanoseconds.
handle(<<"term ", Bytes/binary>>) ->
    Term = binary_to_term(Bytes),
    Own = term_to_binary(Term),
    put(term, Term),
    put(bytes, Own),
    [0, Own];
handle(<<"decode ", N:32>>) ->
    timed(fun decode/3, get(bytes), N);
handle(<<"encode ", N:32>>) ->
    timed(fun encode/3, get(term), N).

timed(Loop, Arg, N) ->
    {_, Ref} = spawn_monitor(fun() ->
        erlang:garbage_collect(),
        Start = erlang:monotonic_time(),
        Loop(Arg, N, none),
        End = erlang:monotonic_time(),
        exit({took, erlang:convert_time_unit(End - Start, native, nanosecond)})
    end),
    receive
        {'DOWN', Ref, _, _, {took, Ns}} -> [0, <<Ns:64>>]
    end.

%% The last result is handed on, so that the compiler cannot leave the call out.
decode(_, 0, Last) ->
    Last;
decode(Bytes, N, _) ->
    decode(Bytes, N - 1, binary_to_term(Bytes)).

encode(_, 0, Last) ->
    Last;
encode(Term, N, _) ->
    encode(Term, N - 1, term_to_binary(Term)).
