package beamtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/testkit"
)

// cowboyApps are what has to be in a node's path for cowboy to run.
var cowboyApps = []string{"cowlib", "ranch", "cowboy"}

// HasCowboy tells whether cowboy is one of the OTP's own libraries, as mix and releases need it.
func (o OTP) HasCowboy() bool {
	found, _ := filepath.Glob(filepath.Join(o.Root, "usr/lib/erlang/lib/cowboy-*"))
	return o.Root != "" && len(found) == 1
}

// Cowboy gives a directory of this OTP's system to put into a node's path (-pa), for the real cowboy and ranch to run
// there. Debian has them for one OTP alone; for another their modules are compiled anew, from the forms that Debian's
// carry. The directory is made once.
func (o OTP) Cowboy(tb testing.TB) string {
	tb.Helper()
	for _, from := range OTPs(tb) {
		if from.HasCowboy() {
			dir, err := o.cowboy(tb.Context(), from)
			if err != nil {
				tb.Fatalf("cowboy for %s: %v", o, err)
			}
			return dir
		}
	}
	tb.Fatal("no OTP has cowboy")
	return ""
}

// takeForms writes the forms of all modules of some applications into a directory, and copies their .app files.
const takeForms = `[Dir | Apps] = init:get_plain_arguments(),
	[begin
		Ebin = code:lib_dir(list_to_atom(App)) ++ "/ebin",
		{ok, _} = file:copy(Ebin ++ "/" ++ App ++ ".app", Dir ++ "/" ++ App ++ ".app"),
		[begin
			{ok, {Module, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(Beam, [abstract_code]),
			ok = file:write_file(Dir ++ "/" ++ atom_to_list(Module) ++ ".forms", term_to_binary(Forms))
		end || Beam <- filelib:wildcard(Ebin ++ "/*.beam")]
	end || App <- Apps], halt().`

// compileForms makes a module of each. Labels of processes came with OTP 27; what gives one would be preprocessed away.
const compileForms = `[Dir] = init:get_plain_arguments(),
	code:ensure_loaded(proc_lib),
	Labels = erlang:function_exported(proc_lib, set_label, 1),
	Fit = fun Fit({remote, L, {atom, _, proc_lib} = M, {atom, _, set_label} = F}) when not Labels ->
			{remote, L, setelement(3, M, erlang), setelement(3, F, is_atom)};
		Fit(T) when is_tuple(T) -> list_to_tuple(Fit(tuple_to_list(T)));
		Fit([H | T]) -> [Fit(H) | Fit(T)];
		Fit(T) -> T
	end,
	[begin
		{ok, Bin} = file:read_file(File),
		{ok, Module, Beam} = compile:forms(Fit(binary_to_term(Bin)), [return_errors]),
		ok = file:write_file(Dir ++ "/" ++ atom_to_list(Module) ++ ".beam", Beam),
		ok = file:delete(File)
	end || File <- filelib:wildcard(Dir ++ "/*.forms")], halt().`

func (o OTP) cowboy(ctx context.Context, from OTP) (inside string, err error) {
	key := testkit.Key(filepath.Base(from.Root), filepath.Base(o.Root), takeForms, compileForms)
	shelf := filepath.Join(o.Root, "srv", "phial")
	if o.Root == "" {
		if shelf, err = testkit.CacheDir(); err != nil {
			return "", err
		}
	}
	outside := filepath.Join(shelf, "cowboy-"+key)
	err = testkit.Once(outside, remove, func(tmp string) error {
		forms, err := os.MkdirTemp(filepath.Join(from.Root, "/tmp"), fmt.Sprintf("phial-%d-", os.Getpid()))
		if err != nil {
			return err
		}
		defer discard(forms)
		if err := from.erl(ctx, takeForms, append([]string{strings.TrimPrefix(forms, from.Root)}, cowboyApps...)...); err != nil {
			return err
		}
		if err := copyTree(forms, tmp); err != nil {
			return err
		}
		return o.erl(ctx, compileForms, strings.TrimPrefix(tmp, o.Root))
	})
	return strings.TrimPrefix(outside, o.Root), err
}

// erl evaluates Erlang in a process of its own, with some plain arguments.
func (o OTP) erl(ctx context.Context, exprs string, args ...string) error {
	cmd, err := o.command(ctx, "/tmp", nil, "erl", append([]string{"-noinput", "-boot", "start_clean", "-eval", exprs, "-extra"}, args...)...)
	if err != nil {
		return err
	}
	return testkit.Supervised(cmd, func() error {
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}
