package envsh_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/envsh"
)

var (
	release = envsh.Release{Name: "tally", Version: "1.0.0", Root: "/app", Command: "start"}
	pod     = envsh.Host{Short: "tally-0", FQDN: "tally-0.tally.prod.svc.cluster.local", Addrs: []string{"10.0.0.7", "fd00::7"}, Dash: true}
)

// A shell is a real one, with a hostname of its own and no environment but what it is given.
type shell struct {
	argv []string
	dir  string
}

func newShell(tb testing.TB, h envsh.Host, argv ...string) *shell {
	tb.Helper()
	path, err := exec.LookPath(argv[0])
	if err != nil {
		tb.Fatalf("%v: the tests hold what is said of a script against a real shell", err)
	}
	s := &shell{argv: append([]string{path}, argv[1:]...), dir: tb.TempDir()}
	domain := ""
	if _, d, ok := strings.Cut(h.FQDN, "."); ok {
		domain = d
	}
	addrs := strings.Join(h.Addrs, " ")
	put(tb, filepath.Join(s.dir, "hostname"), fmt.Sprintf(`#!/bin/sh
case "$1" in
  "") echo '%[1]s' ;;
  -s | --short) echo '%[1]s' ;;
  -f | --fqdn) echo '%[2]s' ;;
  -d | --domain) echo '%[3]s' ;;
  -i | --ip-address) echo '%[4]s' ;;
  -I | --all-ip-addresses) echo '%[4]s ' ;;
  *) exit 1 ;;
esac
`, h.Short, h.FQDN, domain, addrs), 0o755)
	return s
}

func put(tb testing.TB, path, text string, mode os.FileMode) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		tb.Fatal(err)
	}
}

// end is how the shell left things.
type end struct {
	through         bool // the script came to its end
	exported, shell map[string]string
	stderr          string
}

// run has the shell do what bin/APP does: set its variables, read the script, and here say what is there. names are
// those that are asked for though they are not exported.
func (s *shell) run(tb testing.TB, script string, rel envsh.Release, vars map[string]string, names []string) end {
	tb.Helper()
	file, out := filepath.Join(s.dir, "env.sh"), filepath.Join(s.dir, "out")
	put(tb, file, script, 0o600)
	_ = os.Remove(out)
	var b strings.Builder
	fmt.Fprintf(&b, `set -e
SELF=/app/bin/tally
RELEASE_ROOT=%s; export RELEASE_ROOT
RELEASE_NAME="${RELEASE_NAME:-%s}"; export RELEASE_NAME
RELEASE_VSN="${RELEASE_VSN:-%s}"; export RELEASE_VSN
RELEASE_COMMAND="$1"; export RELEASE_COMMAND
RELEASE_PROG="${RELEASE_PROG:-tally}"; export RELEASE_PROG
REL_VSN_DIR="$RELEASE_ROOT/releases/$RELEASE_VSN"
. %s
set +eufxv
{ printf 'through\0'
`, rel.Root, rel.Name, rel.Version, file)
	for _, n := range names {
		fmt.Fprintf(&b, "  [ -z \"${%[1]s+x}\" ] || printf '%%s\\0' \"%[1]s=$%[1]s\"\n", n)
	}
	fmt.Fprintf(&b, "  printf 'exported\\0'; /usr/bin/env -0; } >%s\n", out)
	main := filepath.Join(s.dir, "main")
	put(tb, main, b.String(), 0o600)
	cmd := exec.CommandContext(tb.Context(), s.argv[0], append(slices.Clone(s.argv[1:]), main, rel.Command)...)
	cmd.Dir = s.dir
	for n, v := range vars {
		cmd.Env = append(cmd.Env, n+"="+v)
	}
	cmd.Env = append(cmd.Env, "PATH="+s.dir+":/usr/bin:/bin")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_ = cmd.Run()
	e := end{exported: map[string]string{}, shell: map[string]string{}, stderr: stderr.String()}
	text, err := os.ReadFile(out)
	if err != nil {
		return e
	}
	into := e.shell
	for f := range strings.SplitSeq(strings.TrimSuffix(string(text), "\x00"), "\x00") {
		switch f {
		case "through":
			e.through = true
		case "exported":
			into = e.exported
		default:
			n, v, _ := strings.Cut(f, "=")
			into[n] = v
		}
	}
	return e
}

// environment is what Run is told of the variables that the shell gets.
func environment(vars map[string]string) envsh.Env {
	env := envsh.Env{Vars: map[string]envsh.Value{}, Unsure: func(n string) string {
		if n == "PATH" || n == "PWD" || n == "OLDPWD" || n == "_" || n == "SHLVL" {
			return "it is the machine's"
		}
		return ""
	}}
	for n, v := range vars {
		env.Vars[n] = envsh.Value{Text: v, From: "pod"}
	}
	return env
}

// agree holds a result against a real shell. It returns what is wrong.
func (s *shell) agree(tb testing.TB, script string, rel envsh.Release, vars map[string]string, res *envsh.Result) []string {
	tb.Helper()
	var names []string
	for n := range res.Shell {
		names = append(names, n)
	}
	got := s.run(tb, script, rel, vars, names)
	var bad []string
	say := func(f string, args ...any) { bad = append(bad, fmt.Sprintf(f, args...)) }
	if res.Unclear != "" {
		return nil
	}
	if !got.through {
		if res.Ends == nil && len(res.Perhaps) == 0 {
			say("the shell ends, and nothing was said of it: %s", got.stderr)
		}
		return bad
	}
	if res.Ends != nil {
		say("the shell does not end, as was said: %+v", *res.Ends)
		return bad
	}
	hold := func(n string, v envsh.Value, text string, set bool) {
		switch {
		case n == "SELF" || n == "RELEASE_PROG":
		case v.Known() && !set:
			say("%s is not set, said was %q", n, v.Text)
		case v.Known() && v.Text != text:
			say("%s is %q, said was %q", n, text, v.Text)
		case v.Filled && text == "":
			say("%s is empty, said was that it is not", n)
		case !v.Known() && v.Parts != nil && !fits(text, v.Parts):
			say("%s is %q, said was %v", n, text, v.Parts)
		}
	}
	for n, v := range res.Vars {
		text, set := got.exported[n]
		hold(n, v, text, set)
	}
	for n, v := range res.Shell {
		text, set := got.shell[n]
		if _, exported := got.exported[n]; exported && v.Known() {
			say("%s is exported, said was that it is not", n)
		}
		hold(n, v, text, set)
	}
	for n, v := range got.exported {
		if _, said := res.Vars[n]; !said && res.Unsure(n) == "" {
			if _, said := res.Shell[n]; !said || res.Shell[n].Known() {
				say("%s is %q, said was that it is not there", n, v)
			}
		}
	}
	return bad
}

// fits tells whether a text can be what its parts say.
func fits(s string, parts []envsh.Part) bool {
	if len(parts) == 0 {
		return s == ""
	}
	p := parts[0]
	if p.Unknown == "" {
		return strings.HasPrefix(s, p.Text) && fits(s[len(p.Text):], parts[1:])
	}
	for i := range len(s) + 1 {
		if fits(s[i:], parts[1:]) {
			return true
		}
	}
	return false
}
