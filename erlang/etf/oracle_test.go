package etf_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/erlang/etf/internal/oracle"
	"github.com/phialdev/phial/internal/beamtest"
)

// erls are the commands that run the BEAMs to be asked: the machine's own, and one of each generation.
func erls(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{beamtest.Host(t).String(): {"erl"}}
	for _, otp := range beamtest.OTPs(t) {
		inside := []string{"/usr/sbin/chroot", otp.Root, "/usr/bin/erl"}
		if os.Geteuid() != 0 {
			inside = append([]string{"unshare", "--map-root-user"}, inside...)
		}
		all[otp.String()] = inside
	}
	return all
}

// ask starts a BEAM for the time of the test.
func ask(t *testing.T, erl []string) *oracle.Terms {
	t.Helper()
	beam, err := oracle.StartTerms(t.Context(), erl)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { beam.Close() })
	return beam
}

// expressions are terms as Erlang writes them, with every form and boundary of the format.
var expressions = []string{
	// integers
	"0", "1", "255", "256", "-1", "-255", "-256", "16#7fffffff", "16#80000000", "-16#80000000", "-16#80000001",
	"16#07ffffff", "16#08000000", "-16#08000000", "-16#08000001", "1 bsl 59 - 1", "1 bsl 59", "-(1 bsl 59)", "-(1 bsl 59) - 1",
	"1 bsl 63 - 1", "1 bsl 63", "-(1 bsl 63)", "-(1 bsl 63) - 1", "1 bsl 64 - 1", "1 bsl 64", "-(1 bsl 64)",
	"1 bsl (8 * 255) - 1", "1 bsl (8 * 255)", "-(1 bsl (8 * 255)) + 1", "-(1 bsl (8 * 255))", "1 bsl 100000 + 7",
	"[1 bsl N || N <- lists:seq(0, 200)]", "[-(1 bsl N) - 1 || N <- lists:seq(0, 200)]",
	// floats
	"0.0", "-0.0", "1.0", "-1.5", "3.141592653589793", "1.7976931348623157e308", "-1.7976931348623157e308",
	"2.2250738585072014e-308", "4.9e-324", "-4.9e-324", "1.0e-310", "0.1", "1.0e22", "1.0e23",
	// atoms
	"''", "a", "ok", "'hello world'", "nonode@nohost", "list_to_atom(lists:duplicate(255, $x))",
	"list_to_atom(lists:duplicate(255, 16#e9))", "list_to_atom(lists:duplicate(255, 16#20ac))",
	"list_to_atom(lists:duplicate(255, 16#1f600))", "list_to_atom([16#e9, $x])", "list_to_atom(lists:duplicate(127, 16#e9))",
	"list_to_atom(lists:duplicate(128, 16#e9))", "list_to_atom([0])", "list_to_atom([16#10ffff, 16#ffff])",
	"true", "false", "undefined", "'Elixir.Enum'",
	// tuples
	"{}", "{a}", "{a, {b, {c, {}}}}", "list_to_tuple(lists:seq(1, 255))", "list_to_tuple(lists:seq(1, 256))",
	"list_to_tuple(lists:seq(1, 70000))",
	// lists
	"[]", "[a]", "[[]]", "[[], [[]]]", "\"abc\"", "[1, 2, 256]", "lists:duplicate(65535, $x)", "lists:duplicate(65536, $x)",
	"lists:seq(0, 255)", "lists:seq(0, 256)", "[16#20ac, 16#1f600]", "[a | b]", "[1, 2 | 3]", "[1 | <<\"x\">>]", "[\"ab\" | c]", "[[a | b] | {c}]",
	"[-1, 0]", "lists:duplicate(70000, a)",
	// binaries and bit strings
	"<<>>", "<<1>>", "<<\"hello\">>", "binary:copy(<<\"x\">>, 63)", "binary:copy(<<\"x\">>, 64)", "binary:copy(<<\"x\">>, 65)",
	"binary:copy(<<\"y\">>, 1000000)", "<<1:1>>", "<<5:3>>", "<<255, 1:7>>", "<<0:1>>", "<<\"ab\", 3:2>>", "<< <<1:1>> || _ <- lists:seq(1, 77) >>",
	"binary:part(<<\"abcdef\">>, 2, 3)", "(fun() -> <<_:3, B/bits>> = <<1, 2, 3, 4>>, B end)()", "(fun() -> <<_:4, B:8/bits, _/bits>> = <<1, 2, 3, 4>>, B end)()",
	// maps
	"#{}", "#{a => 1}", "#{1 => a, 1.0 => b}", "#{#{a => b} => #{}, [] => {}}", "maps:from_list([{N, N * N} || N <- lists:seq(1, 32)])",
	"maps:from_list([{N, N * N} || N <- lists:seq(1, 33)])", "maps:from_list([{integer_to_binary(N), N} || N <- lists:seq(1, 5000)])",
	"maps:from_list([{{N, [N]}, #{N => N}} || N <- lists:seq(1, 300)])", "maps:from_list([{list_to_atom(integer_to_list(N)), N} || N <- lists:seq(1, 40)])",
	"#{<<1:1>> => a, <<1:2>> => b, <<128>> => c}", "#{<<\"a\">> => 1, a => 1, \"a\" => 1, [97 | a] => 1}",
	"maps:from_list([{1 bsl N, N} || N <- lists:seq(0, 100)])", "maps:from_list([{[N | N + 1], self()} || N <- lists:seq(0, 100)])",
	// identifiers
	"self()", "[self(), list_to_pid(\"<0.1.0>\"), list_to_pid(\"<0.32767.1>\")]", "make_ref()", "[make_ref() || _ <- lists:seq(1, 50)]",
	"erlang:alias()", "monitor(process, self())", "erlang:ports()", "hd(erlang:ports())", "binary_to_term(<<131, 120, 119, 3, \"a@b\", 16#123456789a:64, 7:32>>)",
	"binary_to_term(<<131, 101, 119, 3, \"a@b\", 16#3ffff:32, 3>>)", "binary_to_term(<<131, 90, 1:16, 119, 3, \"a@b\", -1:32, -1:32>>)",
	"binary_to_term(<<131, 103, 119, 3, \"a@b\", -1:32, -1:32, 3>>)", "binary_to_term(<<131, 102, 119, 3, \"a@b\", 7:32, 2>>)",
	"maps:from_list([{make_ref(), N} || N <- lists:seq(1, 10)])",
	// funs
	"fun lists:map/2", "fun 'Elixir.Enum':'map!'/255", "fun(X) -> X + 1 end", "(fun(A, B) -> fun() -> {A, B, self()} end end)(1, [x])",
	"fun() -> ok end", "[fun() -> ok end, fun lists:seq/2]",
	"fun(1) -> a; (_) -> b end",
	// depth
	"lists:foldl(fun(_, A) -> [A] end, [], lists:seq(1, 4000))", "lists:foldl(fun(_, A) -> {A} end, x, lists:seq(1, 4000))",
	"lists:foldl(fun(N, A) -> #{N => A} end, x, lists:seq(1, 4000))", "lists:foldl(fun(N, A) -> #{A => 1, a => N} end, x, lists:seq(1, 200))",
	"lists:foldl(fun(_, A) -> [A | a] end, [], lists:seq(1, 2000))",
	"{badrpc, {'EXIT', {undef, [{m, f, [], []}]}}}",
	// what calls give
	"application:loaded_applications()", "application:get_all_env(kernel)", "erlang:memory()", "erlang:process_info(self())",
	"[erlang:process_info(P) || P <- processes()]", "erlang:system_info(allocator)", "init:get_arguments()", "net_kernel:get_state()",
	"lists:module_info()", "erlang:statistics(garbage_collection)",
	"ets:info(ac_tab)", "erlang:system_info(system_version)", "element(2, file:get_cwd())", "catch error(x)",
}

// portable are the expressions whose values tell nothing of the machine they were made on.
func portable() []string {
	i := slices.Index(expressions, "application:loaded_applications()")
	return expressions[:i]
}

// options are those of term_to_binary/2. An option a release does not know is left out there.
var options = []string{
	"[]", "[{minor_version, 0}]", "[{minor_version, 1}]", "[{minor_version, 2}]", "[compressed]",
	"[{compressed, 9}]", "[{compressed, 1}, {minor_version, 1}]", "[deterministic]",
}

func TestWhatTheBEAMWrites(t *testing.T) {
	for name, erl := range erls(t) {
		t.Run(name, func(t *testing.T) {
			beam := ask(t, erl)
			var reused etf.Decoder
			reused.Reuse = true
			for _, expr := range expressions {
				if err := beam.Eval(expr); err != nil {
					t.Errorf("%s: %v", expr, err)
					continue
				}
				for _, opts := range options {
					bytes, err := beam.Encode(opts)
					if err != nil {
						t.Errorf("%s with %s: %v", expr, opts, err)
						continue
					}
					term, err := etf.Decode(bytes)
					if err != nil {
						t.Errorf("%s with %s: %v", expr, opts, err)
						continue
					}
					again := term.Append(etf.AppendVersion(nil))
					if err := beam.Same(again); err != nil {
						t.Errorf("%s with %s: the BEAM says of what we wrote: %v", expr, opts, err)
					}
					built, err := etf.Marshal(term.Value())
					if err != nil {
						t.Errorf("%s with %s: encoding its Go value: %v", expr, opts, err)
					} else if err := beam.Same(built); err != nil {
						t.Errorf("%s with %s: the BEAM says of its Go value: %v", expr, opts, err)
					}
					in, _, err := reused.Decode(bytes)
					if err != nil || !in.Equal(term) || !term.Equal(in) {
						t.Errorf("%s with %s: a reused decoder gives %v, %v", expr, opts, in, err)
					}
				}
			}
		})
	}
}

// TestWhatWeWrite lets the BEAM read generated terms and write them back: the result must equal.
func TestWhatWeWrite(t *testing.T) {
	for name, erl := range erls(t) {
		t.Run(name, func(t *testing.T) {
			beam := ask(t, erl)
			rapid.Check(t, func(t *rapid.T) {
				v := genTerm.Draw(t, "term")
				ours, err := etf.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				mine, err := etf.Decode(ours)
				if err != nil {
					t.Fatalf("we refuse what we wrote: %v", err)
				}
				used, theirs, err := beam.Read(append(ours[:len(ours):len(ours)], "behind"...))
				if err != nil {
					t.Fatalf("the BEAM refuses %x: %v", ours, err)
				}
				if used != len(ours) {
					t.Fatalf("the BEAM read %d bytes of %d", used, len(ours))
				}
				read, err := etf.Decode(theirs)
				if err != nil {
					t.Fatalf("we refuse what the BEAM wrote: %v", err)
				}
				if !sameTo(beam, mine, read) {
					t.Fatalf("we wrote %v, the BEAM read %v\n%x\n%x", mine, read, ours, theirs)
				}
				second := mine.Append(etf.AppendVersion(nil))
				if same, err := beam.Equal(ours, second); err != nil || !same {
					t.Fatalf("the BEAM finds our second writing different (%v):\n%x\n%x", err, ours, second)
				}
			})
		})
	}
}

// TestSameJudgement spoils real terms and holds our verdict against the BEAM's: what one accepts the
// other does, and then both read the same term and the same number of bytes.
func TestSameJudgement(t *testing.T) {
	for name, erl := range erls(t) {
		t.Run(name, func(t *testing.T) {
			beam := ask(t, erl)
			var seeds [][]byte
			for _, expr := range expressions {
				if err := beam.Eval(expr); err != nil {
					t.Fatalf("%s: %v", expr, err)
				}
				for _, opts := range []string{"[{minor_version, 0}]", "[{minor_version, 2}]"} {
					if b, err := beam.Encode(opts); err == nil && len(b) < 2000 {
						seeds = append(seeds, b)
					}
				}
			}
			rapid.Check(t, func(t *rapid.T) {
				for range 20 {
					judge(t, beam, spoil(t, rapid.SampledFrom(seeds).Draw(t, "seed")))
				}
			})
		})
	}
}

func judge(t *rapid.T, beam *oracle.Terms, b []byte) {
	var d etf.Decoder
	term, rest, ours := d.Decode(b)
	if ours != nil && laxBEAM(b, ours) || ours == nil && ownIdentifier(term) {
		return
	}
	used, again, theirs := beam.Read(b)
	var complaint oracle.Complaint
	switch {
	case theirs != nil && !errors.As(theirs, &complaint):
		t.Fatalf("%x: the BEAM is gone: %v", b, theirs)
	case theirs != nil && ours != nil:
		return
	case theirs != nil && bytes.Contains(b, []byte{77, 0, 0, 0, 0, 0}):
		return // an empty BIT_BINARY_EXT, which nobody writes, was accepted up to OTP 28
	case theirs != nil:
		t.Fatalf("%x: only the BEAM refuses %v: %v", b, term, theirs)
	case ours != nil:
		t.Fatalf("%x: only we refuse it: %v", b, ours)
	case used != len(b)-len(rest):
		t.Fatalf("%x: we read %d bytes, the BEAM %d", b, len(b)-len(rest), used)
	}
	read, err := etf.Decode(again)
	if err != nil || !sameTo(beam, term, read) {
		t.Fatalf("%x: we read %v, the BEAM %v (%v)", b, term, read, err)
	}
}

// laxBEAM names what a BEAM does not check although it should. It can be hurt by some of it, and so does
// not get to see it.
func laxBEAM(b []byte, err error) bool {
	var at *etf.DecodeError
	if !errors.As(err, &at) {
		return false
	}
	foreign := at.Offset < len(b) && !bytes.Contains(tags, b[at.Offset:at.Offset+1])
	return foreign && (errors.Is(err, etf.ErrTag) || strings.HasPrefix(at.What, "no atom")) || // tags for use within ERTS alone
		strings.HasPrefix(at.What, "NEW_FUN_EXT: ") || // the size, and the kind of what should be a pid
		at.What == "EXPORT_EXT: arity" || // more than 255 is let through
		strings.HasSuffix(at.What, "_REFERENCE_EXT: number of words") || // none at all is let through
		at.What == "FLOAT_EXT" // a comma is let through
}

// sameTo compares a term with what the BEAM made of it. Since OTP 27 a BEAM forgets which process made a fun,
// and so a term with funs may also be the same to the BEAM alone.
func sameTo(beam *oracle.Terms, ours, theirs etf.Term) bool {
	if ours.Equal(theirs) && theirs.Equal(ours) {
		return true
	}
	if !holds(ours, func(t etf.Term) bool { return t.Kind() == etf.KindFun }) {
		return false
	}
	same, err := beam.Equal(ours.Append(etf.AppendVersion(nil)), theirs.Append(etf.AppendVersion(nil)))
	return err == nil && same
}

// ownIdentifier says that a term holds an identifier of the asked node itself, which judges those by what it
// could have made.
func ownIdentifier(t etf.Term) bool {
	const own = etf.Atom("nonode@nohost")
	return holds(t, func(t etf.Term) bool {
		pid, _ := t.Pid()
		port, _ := t.Port()
		ref, _ := t.Ref()
		fun, _ := t.Fun()
		return pid.Node == own || port.Node == own || ref.Node == own || fun.Pid.Node == own
	})
}

// holds says whether a term, or one within it, is such.
func holds(t etf.Term, such func(etf.Term) bool) bool {
	if such(t) {
		return true
	}
	for e := range t.Elems() {
		if holds(e, such) {
			return true
		}
	}
	for k, v := range t.Pairs() {
		if holds(k, such) || holds(v, such) {
			return true
		}
	}
	if tail, ok := t.Tail(); ok {
		return holds(tail, such)
	}
	if fun, ok := t.Fun(); ok && len(fun.Free) > 0 {
		b, err := etf.Marshal(etf.List(fun.Free))
		if err != nil {
			return true
		}
		free, err := etf.Decode(b)
		return err != nil || holds(free, such)
	}
	return false
}

// spoil changes a few bytes, cuts some out, or puts some in.
func spoil(t *rapid.T, b []byte) []byte {
	// Identifiers of another node are judged by their form alone.
	b = bytes.ReplaceAll(b, []byte("nonode@nohost"), []byte("nonode@nowher"))
	for range rapid.IntRange(1, 3).Draw(t, "changes") {
		i := rapid.IntRange(1, len(b)).Draw(t, "place")
		switch rapid.IntRange(0, 3).Draw(t, "change") {
		case 0:
			if i < len(b) {
				b[i] = rapid.Byte().Draw(t, "byte")
			}
		case 1:
			if i < len(b) {
				b[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
		case 2:
			b = append(b[:i:i], b[min(len(b), i+rapid.IntRange(1, 4).Draw(t, "cut")):]...)
		case 3:
			b = append(b[:i:i], append([]byte{rapid.SampledFrom(tags).Draw(t, "tag")}, b[i:]...)...)
		}
	}
	return b
}

// tags are those of the format's description, but for compression and the atom cache, which have tests of their own.
var tags = []byte{
	70, 77, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
	114, 115, 116, 117, 118, 119, 120,
}

func TestOracleNamesItsRelease(t *testing.T) {
	for name, erl := range erls(t) {
		t.Run(name, func(t *testing.T) {
			beam := ask(t, erl)
			r, err := beam.Release()
			if err != nil || r < "25" {
				t.Errorf("OTP %q (%v), want 25 or later", r, err)
			}
			t.Logf("asked OTP %s", r)
		})
	}
}
