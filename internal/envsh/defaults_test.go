package envsh_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/envsh"
)

// What is said of bin/APP is what the bin/APP does that each Elixir makes: its part up to the first function, with an
// env.sh of ours, and then what is there.
func TestBinApp(t *testing.T) {
	const cookie = "baked"
	cases := []struct {
		name, script string
		env          vars
	}{
		{"nothing", "", nil},
		{"names from outside", "", vars{"RELEASE_NAME": "other", "RELEASE_VSN": "1.0.0", "RELEASE_PROG": "p", "RELEASE_COMMAND": "x", "RELEASE_ROOT": "/x"}},
		{"all set", "export RELEASE_NODE=a@b RELEASE_COOKIE=c RELEASE_MODE=interactive RELEASE_DISTRIBUTION=none RELEASE_TMP=/t\n", nil},
		{"set and not exported", "RELEASE_NODE=a@b\nRELEASE_DISTRIBUTION=name\nRELEASE_BOOT_SCRIPT=x\n", nil},
		{"empty", "export RELEASE_NODE= RELEASE_COOKIE= RELEASE_TMP=\n", vars{"RELEASE_DISTRIBUTION": "", "RELEASE_NAME": ""}},
		{"by its own", "export A=$REL_VSN_DIR B=$RELEASE_VSN C=$1\nRELEASE_VM_ARGS=$REL_VSN_DIR/other.args\n", nil},
		{"renamed", "RELEASE_NAME=renamed\nRELEASE_VSN=2\n", nil},
		{"file that may be there", "[ -e /nowhere ] && RELEASE_NODE=a@b\n[ -e /nowhere ] || :\n", nil},
		{"its last command fails", "[ -n \"$A\" ] && export B=1\n", nil},
		{"ends", "exit 3\n", nil},
	}
	for _, otp := range beamtest.OTPs(t) {
		t.Run(otp.String(), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(otp.Root, otp.BuildRelease(t, "../../examples/tally"), "bin", "tally"))
			if err != nil {
				t.Fatal(err)
			}
			head, _, ok := strings.Cut(string(text), "\nrand () {")
			if !ok {
				t.Fatalf("bin/tally is not as it was:\n%s", text)
			}
			root, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []string{"bin", "releases/1.0.0"} {
				if err := os.MkdirAll(filepath.Join(root, d), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			bin, out := filepath.Join(root, "bin", "tally"), filepath.Join(root, "out")
			put(t, bin, head+"\nenv -0 >"+out+"\n", 0o700)
			put(t, filepath.Join(root, "releases", "COOKIE"), cookie, 0o600)
			put(t, filepath.Join(root, "releases", "start_erl.data"), "1.0 1.0.0", 0o600)
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					put(t, filepath.Join(root, "releases", "1.0.0", "env.sh"), c.script, 0o600)
					_ = os.Remove(out)
					cmd := exec.CommandContext(t.Context(), bin, "start")
					cmd.Env = []string{"PATH=/usr/bin:/bin"}
					for n, v := range c.env {
						cmd.Env = append(cmd.Env, n+"="+v)
					}
					var stderr bytes.Buffer
					cmd.Stderr = &stderr
					_ = cmd.Run()
					rel := release
					rel.Root = root
					res, err := envsh.Run(t.Context(), envsh.Source{Name: "env.sh", Text: []byte(c.script)}, rel, environment(c.env), pod)
					if err != nil {
						t.Fatal(err)
					}
					all, err := os.ReadFile(out)
					if (err != nil) != (res.Ends != nil) {
						t.Fatalf("ends: %+v, and bin/tally says %q", res.Ends, stderr.String())
					}
					if err != nil {
						return
					}
					got := vars{}
					for f := range strings.SplitSeq(strings.TrimSuffix(string(all), "\x00"), "\x00") {
						n, v, _ := strings.Cut(f, "=")
						got[n] = v
					}
					env := res.Defaults()
					for n, v := range env.Vars {
						text, set := got[n]
						if v.Known() && (!set || text != v.Text) || v.Parts != nil && !fits(text, v.Parts) {
							t.Errorf("%s is %q (set: %t), said was %+v", n, text, set, v)
						}
					}
					for n, text := range got {
						if _, said := env.Vars[n]; !said && env.Unsure(n) == "" {
							t.Errorf("%s is %q, said was that it is not there", n, text)
						}
					}
					for _, n := range []string{"RELEASE_NODE", "RELEASE_DISTRIBUTION", "RELEASE_TMP", "RELEASE_VM_ARGS", "RELEASE_MODE"} {
						if !env.Vars[n].Known() && c.name != "file that may be there" {
							t.Errorf("%s is not known: %+v", n, env.Vars[n])
						}
					}
				})
			}
		})
	}
}
