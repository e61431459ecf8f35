package cli

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"phial": func() { os.Exit(Main(os.Args[1:])) },
	})
}

// Each script is a person at a terminal, with a home of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			phial, err := exec.LookPath("phial")
			if err != nil {
				return err
			}
			env.Setenv("PHIAL", phial)
			// Each person has a checkout of their own, and builds in it.
			project := filepath.Join(env.WorkDir, "examples", "tally")
			if err := copyProject(project, "../../examples/tally"); err != nil {
				return err
			}
			env.Setenv("EXAMPLES", filepath.Dir(project))
			env.Setenv("LANG", "C.UTF-8")
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Defer(func() { // whatever a script that failed has left up
				down := exec.Command(phial, "down", "--all")
				down.Env = append(os.Environ(), env.Vars...)
				if out, err := down.CombinedOutput(); err != nil {
					t.Errorf("down --all: %v\n%s", err, out)
				}
			})
			return nil
		},
	})
}

// copyProject copies a project without what was built in it.
func copyProject(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "_build" {
			return fs.SkipDir
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o644)
	})
}

// exits STATUS COMMAND... runs a command and demands its exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%v ended with status %d, expected %d", args[1:], got, want)
	}
}
