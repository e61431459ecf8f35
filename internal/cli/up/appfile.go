package up

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/engine/local"
	"github.com/phialdev/phial/internal/manifest"
)

// AppFile is the file that up reads where it is beside the project.
const AppFile = "phial.yaml"

// readApp fills in what to run from the file given by --file, or DIR/phial.yaml where
// that is there.
func (f *Flags) readApp(o *local.Options) error {
	path := f.file
	switch path {
	case "-":
		return errors.New("--file needs the name of a file: up may go on in the background, without your standard input")
	case "":
		path = filepath.Join(o.Dir, AppFile)
		if !isFile(path) {
			return nil // what is wrong with DIR itself, the engine says
		}
	}
	apps, err := manifest.ReadApps(path, nil)
	var problems manifest.Problems
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: phial init writes one for a project, and -f names another file", err)
	case errors.As(err, &problems):
		for _, p := range problems {
			fmt.Fprintln(f.cmd.ErrOrStderr(), p)
		}
		return fmt.Errorf("%s: %s; nothing was started", path, problems.Count())
	case err != nil:
		return err
	}
	app, err := pick(apps, path, o.Name)
	if err != nil {
		return err
	}
	o.App, o.AppFile = app.BeamApp, path
	o.At = func(field string) string { return app.Find(field).String() }
	return nil
}

func isFile(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && !fi.IsDir()
}

// pick gives the BeamApp that is meant. A single one is, whatever its name: --name gives
// it another.
func pick(apps []*manifest.App, path, name string) (*manifest.App, error) {
	var names []string
	for _, a := range apps {
		if a.Name == name {
			return a, nil
		}
		names = append(names, a.Name)
	}
	switch {
	case len(apps) == 1:
		return apps[0], nil
	case name == "":
		return nil, fmt.Errorf("several apps in %s, pick one with --name: %s", path, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("no app in %s is named %s: there are %s", path, name, strings.Join(names, ", "))
}

// values gives the variables of --env-file and --env, of which the latter count.
func (f *Flags) values() (map[string]string, error) {
	all := map[string]string{}
	if f.envFile != "" {
		b, err := os.ReadFile(f.envFile)
		if err != nil {
			return nil, fmt.Errorf("read --env-file: %w", err)
		}
		vars, err := parseEnv(b)
		if err != nil {
			return nil, fmt.Errorf("%s:%w", f.envFile, err)
		}
		maps.Copy(all, vars)
	}
	for i, kv := range f.env {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || !envName.MatchString(name) {
			return nil, fmt.Errorf("--env no. %d is not NAME=VALUE", i+1) // it may be a secret, so it is not shown
		}
		all[name] = value
	}
	return all, nil
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parseEnv reads NAME=VALUE lines: blank ones and those that begin with # say nothing,
// "export" may stand in front, and one pair of quotes around a value is taken off.
// Errors begin with the line's number and never show a value.
func parseEnv(b []byte) (map[string]string, error) {
	vars := map[string]string{}
	sc := bufio.NewScanner(bytes.NewReader(b))
	sc.Buffer(nil, 1<<20)
	n := 0
	for sc.Scan() {
		n++
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name = strings.TrimSpace(name)
		if !ok || !envName.MatchString(name) {
			return nil, fmt.Errorf("%d: not NAME=VALUE", n)
		}
		vars[name] = unquote(strings.TrimSpace(value))
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%d: %w", n+1, err)
	}
	return vars, nil
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}
