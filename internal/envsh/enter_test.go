package envsh_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/envsh"
)

// startsTally says that bin/tally is the release's script.
func startsTally(argv []string) bool { return strings.HasSuffix(argv[0], "bin/tally") }

// The environment in which an entry hands over is the one that dash hands over.
func TestEnterAgainstDash(t *testing.T) {
	sh := newShell(t, pod, "dash")
	for _, c := range scripts {
		if strings.Contains(c.script, "<%") {
			continue
		}
		for _, flags := range []string{"", "e"} {
			t.Run(c.name+flags, func(t *testing.T) {
				env := environment(c.env)
				out := filepath.Join(sh.dir, "out")
				script := c.script + "\nexec /usr/bin/env -0 >" + out + "\n"
				_ = os.Remove(out)
				got, err := envsh.Enter(t.Context(), envsh.Entry{Source: envsh.Source{Name: "entry.sh", Text: []byte(script)}, Args: []string{"start"}, Flags: flags, Starts: startsTally}, env, pod)
				if err != nil {
					t.Fatal(err)
				}
				if got.Unclear != "" {
					return
				}
				file := filepath.Join(sh.dir, "entry.sh")
				put(t, file, script, 0o600)
				argv := append(append([]string{}, sh.argv...), file, "start")
				if flags != "" {
					argv = append(append([]string{}, sh.argv...), "-"+flags, file, "start")
				}
				cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...) //nolint:gosec // dash
				cmd.Dir = sh.dir
				for n, v := range c.env {
					cmd.Env = append(cmd.Env, n+"="+v)
				}
				cmd.Env = append(cmd.Env, "PATH="+sh.dir+":/usr/bin:/bin")
				_ = cmd.Run()
				text, _ := os.ReadFile(out)
				there := map[string]string{}
				for f := range strings.SplitSeq(string(text), "\x00") {
					n, v, _ := strings.Cut(f, "=")
					there[n] = v
				}
				_, arrived := there["PATH"]
				switch {
				case !arrived && len(got.Arrivals) > 0:
					return // where it may fail on the way it is not told
				case arrived && len(got.Arrivals) == 0:
					t.Fatalf("dash arrives, said was %+v", got)
				case !arrived:
					return
				}
				// Of several ways one is the shell's.
				var wrong []string
				for _, a := range got.Arrivals {
					bad := holds(a, there)
					if len(bad) == 0 {
						return
					}
					wrong = append(wrong, bad...)
				}
				t.Errorf("%s\n%s", c.script, strings.Join(wrong, "\n"))
			})
		}
	}
}

// holds says what of an arrival is not as it really was.
func holds(a envsh.Arrival, there map[string]string) (bad []string) {
	for n, v := range a.Vars {
		text, set := there[n]
		if v.Known() && (!set || text != v.Text) {
			bad = append(bad, fmt.Sprintf("%s is %q, said was %q", n, text, v.Text))
		}
		if !v.Known() && v.Parts != nil && !fits(text, v.Parts) {
			bad = append(bad, fmt.Sprintf("%s is %q, said was %v", n, text, v.Parts))
		}
	}
	for n, v := range there {
		if _, said := a.Vars[n]; !said && n != "" && a.Unsure(n) == "" {
			bad = append(bad, fmt.Sprintf("%s is %q, said was that it is not there", n, v))
		}
	}
	return bad
}

// Where an entry hands over, and what it does not reach.
func TestEnter(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		bash   bool
		args   []string
		want   []string // the arrivals: their words, and A as it is there
		why    string   // part of why nothing is known, or of what an arrival does not know, or of how it ends
	}{
		"in place of the shell":       {script: "export A=1\nexec bin/tally start\nexport A=2\n", want: []string{"bin/tally start A=1"}},
		"not exported":                {script: "A=1\nexec bin/tally start\n", want: []string{"bin/tally start"}},
		"for the program alone":       {script: "A=1 exec bin/tally start\n", want: []string{"bin/tally start A=1"}},
		"beside the shell":            {script: "export A=1\nbin/tally start\nexport A=2\nbin/tally start\n", want: []string{"bin/tally start A=1"}},
		"by another program":          {script: "export A=1\nbin/other start\nexec bin/tally start\n", want: []string{"bin/tally start A=1"}},
		"with what it is given":       {script: "A=1 exec \"$@\"\n", args: []string{"bin/tally", "a b"}, want: []string{"bin/tally a b A=1"}},
		"without what it was given":   {script: "shift\nexec bin/tally \"$@\"\n", args: []string{"a", "b"}, want: []string{"bin/tally b"}},
		"on both ways":                {script: "export A=1\nif [ -f /x ]; then exec bin/tally start; fi\nexec bin/tally start\n", want: []string{"bin/tally start A=1"}},
		"on both ways, in two":        {script: "export A=1\nif [ -f /x ]; then A=2; exec bin/tally start; fi\nexec bin/tally start\n", want: []string{"bin/tally start A=?"}},
		"one of two programs":         {script: "[ -f /x ] && exec bin/a\nexec bin/b\n", want: []string{"bin/a", "bin/b"}},
		"in a function":               {script: "run() { A=$1 exec bin/tally start; }\nrun 1\n", want: []string{"bin/tally start A=1"}},
		"in the background":           {script: "bin/tally start &\nwait\n", want: []string{"bin/tally start &"}},
		"a program that is not known": {script: "exec $(cat /x)\n", why: "is not known"},
		"its directory is not known":  {script: "exec \"$(cat /x)/bin/tally\" start\n", want: []string{"…/bin/tally start"}},
		"nowhere":                     {script: "export A=1\n"},
		"it ends":                     {script: "exit 3\nexec bin/tally start\n", why: "exits with status 3"},
		"it ends for what is not set": {script: "set -u\nexport A=$B\nexec bin/tally start\n", why: "B is not set"},
		"behind a file":               {script: "export A=1\n. /x\nexec bin/tally start\n", want: []string{"bin/tally start A=?"}},
		"pipefail, of bash":           {script: "set -euo pipefail\nexport A=1\nexec bin/tally start\n", bash: true, want: []string{"bin/tally start A=1"}},
		"pipefail, of sh":             {script: "set -euo pipefail\nexport A=1\nexec bin/tally start\n", want: []string{"bin/tally start A=1"}},
		"a pipe that may fail":        {script: "set -o pipefail\nfalse | true && export A=1\nexec bin/tally start\n", bash: true, want: []string{"bin/tally start A=?"}},
		"a loop of bash's":            {script: "for i in {1..30}; do\n  nc -z db 5432 && break\n  sleep 1\ndone\nA=1 exec bin/tally start\n", bash: true, want: []string{"bin/tally start A=1"}},
		"what bash alone expands":     {script: "export A={a,b}\nexec bin/tally start\n", bash: true, why: "what bash alone reads"},
		"what bash alone quotes":      {script: "export A=$'a\\n'\nexec bin/tally start\n", bash: true, why: "what bash alone reads"},
		"printf -v":                   {script: "export A=1\nprintf -v A x\nexec bin/tally start\n", bash: true, why: "what bash alone reads"},
		"an array":                    {script: "A=(1 2)\nexec bin/tally start\n", bash: true, why: "sh does not have this"},
		"a trap":                      {script: "trap 'A=2' EXIT\nexport A=1\nexec bin/tally start\n", want: []string{"bin/tally start A=1"}},
		"Windows' line ends":          {script: "export A=1\r\nexec bin/tally start\r\n", why: "as Windows writes them"},
		"a tag of EEx is none":        {script: "export A='<%= x %>'\nexec bin/tally start\n", want: []string{"bin/tally start A=<%= x %>"}},
		"a subshell":                  {script: "(A=1 exec bin/tally start)\n", want: []string{"bin/tally start A=1"}},
		"a pipe":                      {script: "export A=1\nbin/tally start | tee /log\n", want: []string{"bin/tally start A=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := envsh.Enter(t.Context(), envsh.Entry{Source: envsh.Source{Name: "entry.sh", Text: []byte(c.script)}, Args: c.args, Bash: c.bash, Starts: startsTally}, envsh.Env{}, pod)
			if err != nil {
				t.Fatal(err)
			}
			why := e.Unclear
			if e.Ends != nil {
				why = e.Ends.Why
			}
			var got []string
			for _, a := range e.Arrivals {
				if a.Why != "" {
					why = a.Why
					continue
				}
				line := strings.Join(a.Argv, " ")
				if v, set := a.Vars["A"]; set && v.Known() {
					line += " A=" + v.Text
				} else if set || a.Unsure("A") != "" {
					line += " A=?"
				}
				if a.Behind {
					line += " &"
				}
				got = append(got, line)
			}
			if d := cmp.Diff(c.want, got); d != "" || (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
				t.Errorf("%q (-want +got):\n%s", why, d)
			}
		})
	}
}

// However an entry is written, it is followed to an end, and what is no shell's is not followed.
func FuzzEnter(f *testing.F) {
	for _, c := range scripts {
		f.Add(c.script+"\nexec bin/tally start\n", false)
	}
	f.Add("for i in {1..3}; do :; done\nexec \"$@\"\n", true)
	f.Fuzz(func(t *testing.T, script string, bash bool) {
		e, err := envsh.Enter(t.Context(), envsh.Entry{Source: envsh.Source{Name: "entry.sh", Text: []byte(script)}, Args: []string{"a"}, Bash: bash, Starts: startsTally}, envsh.Env{}, pod)
		if err != nil {
			t.Fatal(err)
		}
		if e.Unclear != "" && len(e.Arrivals) > 0 || e.Broken != nil && e.Unclear == "" || e.Ends != nil && len(e.Arrivals) > 0 {
			t.Errorf("%+v", e)
		}
		for _, a := range e.Arrivals {
			if len(a.Argv) == 0 && a.Why == "" {
				t.Errorf("%+v", a)
			}
		}
	})
}
