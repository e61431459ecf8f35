package envsh_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/phialdev/phial/internal/envsh"
)

// What is said to be no shell's is refused by those that images have; what is not certain is not said.
func TestBroken(t *testing.T) {
	shells := [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}}
	for _, argv := range shells {
		if _, err := exec.LookPath(argv[0]); err != nil {
			t.Fatalf("%v: the tests hold what is said of a script against real shells", err)
		}
	}
	for script, sure := range map[string]bool{
		"if true; then\n  A=1\n":                      true,
		"if [ -n \"$A\" ]; then\n  A=1\nexport B=2\n": true,
		"for a in 1 2; do\n  A=1\n":                   true,
		"case $1 in\n  a) A=1 ;;\n":                   true,
		"while :; do\n A=1\nfi\n":                     true,
		"A=1\nfi\n":                                   true,
		"A=1\ndone\n":                                 true,
		"esac\n":                                      true,
		"then\n":                                      true,
		"A=\"b\n":                                     true,
		"A='it''s'\nB='\n":                            true,
		"A=$(hostname\n":                              true,
		"{ A=1\n":                                     true,
		"(A=1\n":                                      true,
		"A=1\n}\n":                                    true,
		"if true\n  A=1\nfi\n":                        true,
		"for a in 1\n A=1\ndone\n":                    true,
		"export A=\"$(hostname -f\"\n":                true,
		"A=<%= @release.name %>\nif true; then\n": true,
		"# exit\nif true; then\n":                 true,
		"":                                        false,
		"A=1\n":                                   false,
		"A=(a b)\n":                               false, // bash has it
		"[[ -n $A && -n $B ]]\n":                  false,
		"function f {\n:\n}\n":                    false,
		"cat <<E\nx\n":                            false, // a warning to some
		"exit 0\nif true; then\n":                 false, // it does not come so far
		"[ -n \"$A\" ] && return\nif true; then\n":      false,
		"<%= if x do %>\nif true; then\n<% end %>":      false, // the tag may end it
		"if true; then\n<%= fi() %>\n":                  false,
		"A=\"<%= quote() %>\nB=1\n":                     false,
		"if true; then\r\n  A=1\r\nfi\r\n":              false,
		"if true; then\n  A=1\nfi\nexport B=${A:-\"}\n": true,
	} {
		rel := envsh.Release{Name: "tally", Command: "start"}
		facts := envsh.Parse(envsh.Source{Name: "rel/env.sh.eex", Text: []byte(script)}, rel)
		if got := facts.Err != nil && facts.Err.Sure; got != sure {
			t.Errorf("%q: %v, want %v (%v)", script, got, sure, facts.Err)
		}
		res, err := envsh.Run(t.Context(), envsh.Source{Name: "rel/env.sh.eex", Text: []byte(script)}, rel, envsh.Env{}, envsh.Host{})
		if err != nil || (res.Broken != nil) != sure {
			t.Errorf("%q: %v, %+v, want %v", script, err, res, sure)
		}
		if !sure {
			continue
		}
		file := filepath.Join(t.TempDir(), "env.sh")
		put(t, file, script, 0o600)
		for _, argv := range shells {
			//nolint:gosec // the shells above
			if out, err := exec.CommandContext(t.Context(), argv[0], append(argv[1:len(argv):len(argv)], "-n", file)...).CombinedOutput(); err == nil {
				t.Errorf("%q: %v reads it: %s", script, argv, out)
			}
		}
	}
}
