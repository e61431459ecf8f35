package envsh_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/phialdev/phial/internal/envsh"
)

func at(line, col int) envsh.Pos { return envsh.Pos{File: "env.sh.eex", Line: line, Col: col} }

func TestFacts(t *testing.T) {
	const script = `#!/bin/sh
export RELEASE_DISTRIBUTION=name A
export RELEASE_NODE="${RELEASE_NODE:-<%= @release.name %>@${POD_IP:?}}"
case $RELEASE_COMMAND in
  start*|daemon) ERL_FLAGS="$ERL_FLAGS -x"; export ERL_FLAGS ;;
esac
if [ -z "$B" ]; then B=1; else C=2; fi
if [ -n "$HOST" ]; then D=$(hostname -I | awk '{print $1}'); else HOST=x; fi
[ -n "$E" ] || E=<%= x %>
: ${F:=1}
[[ "$A" == b ]] && source x
while true; do G=1; done
`
	f := envsh.Parse(envsh.Source{Name: "env.sh.eex", Text: []byte(script)}, release)
	assigns := []envsh.Assign{
		{Pos: at(2, 8), Name: "RELEASE_DISTRIBUTION", Value: "name", Sets: true, Exports: true},
		{Pos: at(2, 34), Name: "A", Exports: true},
		{Pos: at(3, 8), Name: "RELEASE_NODE", Value: `"${RELEASE_NODE:-<%= @release.name %>@${POD_IP:?}}"`, Sets: true, Exports: true, IfUnset: true},
		{Pos: at(5, 18), Name: "ERL_FLAGS", Value: `"$ERL_FLAGS -x"`, Sets: true, Commands: []string{"start*", "daemon"}},
		{Pos: at(5, 52), Name: "ERL_FLAGS", Exports: true, Commands: []string{"start*", "daemon"}},
		{Pos: at(7, 22), Name: "B", Value: "1", Sets: true, IfUnset: true},
		{Pos: at(7, 32), Name: "C", Value: "2", Sets: true, Maybe: true, Guards: []string{"B"}},
		{Pos: at(8, 25), Name: "D", Value: "$(hostname -I | awk '{print $1}')", Sets: true, Maybe: true, Guards: []string{"HOST"}},
		{Pos: at(8, 67), Name: "HOST", Value: "x", Sets: true, IfUnset: true},
		{Pos: at(9, 16), Name: "E", Value: "<%= x %>", Sets: true, IfUnset: true},
		{Pos: at(10, 3), Name: "F", Value: "1", Sets: true, IfUnset: true},
		{Pos: at(12, 16), Name: "G", Value: "1", Sets: true, Maybe: true},
	}
	if d := cmp.Diff(assigns, f.Assigns, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("assignments (-want +got):\n%s", d)
	}
	reads := []envsh.Read{
		{Pos: at(3, 22), Name: "RELEASE_NODE", Default: true}, {Pos: at(3, 59), Name: "POD_IP", Needed: true},
		{Pos: at(4, 6), Name: "RELEASE_COMMAND"}, {Pos: at(5, 29), Name: "ERL_FLAGS"}, {Pos: at(7, 10), Name: "B"},
		{Pos: at(8, 10), Name: "HOST"}, {Pos: at(9, 7), Name: "E"}, {Pos: at(10, 3), Name: "F", Default: true}, {Pos: at(11, 5), Name: "A"},
	}
	if d := cmp.Diff(reads, f.Reads); d != "" {
		t.Errorf("reads (-want +got):\n%s", d)
	}
	odd := []envsh.Odd{
		{Pos: at(11, 1), Text: `[[ "$A" == b ]]`, Why: "[[ is not a command of dash's: it is not found, and the condition fails"},
		{Pos: at(11, 20), Text: "source x", Why: "source is not a command of dash's: it is `.`"},
	}
	if d := cmp.Diff(odd, f.Odd); d != "" {
		t.Errorf("odd (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]envsh.Tag{{Pos: at(9, 18), Text: "<%= x %>"}}, f.Tags); d != "" {
		t.Errorf("tags (-want +got):\n%s", d)
	}
	var hostname *envsh.Call
	for i, c := range f.Calls {
		if c.Name == "hostname" {
			hostname = &f.Calls[i]
		}
	}
	if d := cmp.Diff(&envsh.Call{Pos: at(8, 29), Name: "hostname", Args: []string{"-I"}, Text: "hostname -I"}, hostname); d != "" {
		t.Errorf("hostname (-want +got):\n%s", d)
	}
	if got := f.Overrides("RELEASE_DISTRIBUTION"); len(got) != 1 {
		t.Errorf("RELEASE_DISTRIBUTION is set at %v without regard to what is given, want one place", got)
	}
	if got := f.Overrides("RELEASE_NODE"); got != nil {
		t.Errorf("RELEASE_NODE is set at %v without regard to what is given, want none", got)
	}
}

// What no POSIX shell reads is said with its place, and bash's reading of the rest stands.
func TestOdd(t *testing.T) {
	cases := []struct {
		name, script string
		want         []envsh.Odd
	}{
		{"array", "export A=1\nx=(1 2)\n", []envsh.Odd{{at(2, 3), "x=(1 2)", "arrays: sh does not have this"}}},
		{"function", "function f { :; }\n", []envsh.Odd{{at(1, 12), "function f { :; }", `the "function" builtin: sh does not have this`}}},
		{"slice", "A=${B:0:2}\n", []envsh.Odd{{at(1, 6), "A=${B:0:2}", "slicing: sh does not have this"}}},
		{"+=", "A+=1\n", []envsh.Odd{{at(1, 1), "A+=1", "+= is not what dash reads: it looks for a command of that name"}}},
		{"((", "((A++))\n", []envsh.Odd{{at(1, 1), "((A++))", "(( )) is not a command of sh's"}}},
		{"pipefail", "set -euo pipefail\n", []envsh.Odd{{at(1, 1), "set -euo pipefail", "pipefail is not an option of dash's: the shell ends here"}}},
		{"echo", "echo -e 'a'\n", []envsh.Odd{{at(1, 1), "echo -e 'a'", "echo -e prints the -e with dash"}}},
		{"==", "[ a == b ] || :\n", []envsh.Odd{{at(1, 1), "[ a == b ]", "== is no operator of dash's [: the test fails"}}},
		{"declare", "declare -x A=1\n", []envsh.Odd{{at(1, 1), "declare -x A=1", "declare is not a command of sh's"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := envsh.Parse(envsh.Source{Name: "env.sh.eex", Text: []byte(c.script)}, release)
			if len(f.Odd) == 0 {
				t.Fatalf("nothing odd, want %v (err %v)", c.want, f.Err)
			}
			if d := cmp.Diff(c.want, f.Odd[:1]); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
