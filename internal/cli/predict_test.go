package cli

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/cli/term"
)

const (
	predictApp      = "testdata/predict"
	predictAtOnce   = 3
	predictPatience = time.Minute // for anything that a busy machine may delay
)

// What phial check predicts is what phial up finds: the app of testdata/predict, whose
// stand-ins ask and dial as libcluster 3.5 and dns_cluster 0.2 do, is read, run and
// compared, well and broken in every way of variants().
func TestPredictionsHold(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	turns := make(chan struct{}, predictAtOnce)
	for i, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			turns <- struct{}{}
			defer func() { <-turns }()
			v.holds(t, fmt.Sprintf("v%02d", i))
		})
	}
}

func (v *variant) holds(t *testing.T, name string) {
	t.Helper()
	s := v.write(t, name)
	predicted := s.predict(t)
	if code := predicted.code(); code != v.code {
		t.Errorf("the first obstacle is %q, want %q", code, v.code)
	}
	if unsure := len(predicted.Doubts) > 0; unsure != v.unsure {
		t.Errorf("doubts: %q, want some: %v", predicted.Doubts, v.unsure)
	}
	want, found := partition(predicted.Islands, name), s.run(t, len(predicted.Replicas))
	t.Logf("predicted %s, found %s", want, found)
	if want != found && !v.unsure {
		t.Errorf("predicted %s, found %s", want, found)
	}
	if t.Failed() {
		for _, r := range predicted.Replicas {
			for _, step := range r.Steps {
				t.Logf("%s %s %s: %s", r.Replica, step.State, step.Code, step.Text)
			}
		}
	}
}

// spot is a variant as it stands on the disk.
type spot struct {
	name    string
	project string // the mix project
	app     string // phial.yaml
	release string
	agents  bool
	foreign bool // it tells nothing of itself
}

// write makes the files of a variant, and its release.
func (v *variant) write(t *testing.T, name string) *spot {
	t.Helper()
	if v.project != "" {
		release := beamtest.BuildRelease(t, v.project)
		text, err := os.ReadFile(filepath.Join(v.project, "phial.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		s := &spot{name: name, project: t.TempDir(), release: release, agents: true, foreign: true}
		if err := copyProject(s.project, v.project); err != nil {
			t.Fatal(err)
		}
		s.app = filepath.Join(s.project, "phial.yaml")
		put(t, s.app, strings.Replace(string(text), "name: tally\n", "name: "+name+"\n", 1))
		return s
	}
	dir := t.TempDir()
	s := &spot{name: name, project: filepath.Join(dir, "spot"), app: filepath.Join(dir, "phial.yaml")}
	if err := copyProject(s.project, predictApp); err != nil {
		t.Fatal(err)
	}
	yaml := filepath.Join(s.project, "phial.yaml")
	if err := os.Rename(yaml, s.app); err != nil { // the release does not hang on it
		t.Fatal(err)
	}
	compiled := false
	for _, e := range append([]edit{{file: "phial.yaml", old: "name: spot\n", now: "name: " + name + "\n"}}, v.edits...) {
		file := filepath.Join(s.project, e.file)
		if e.file == "phial.yaml" {
			file = s.app
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), e.old) {
			t.Fatalf("%s does not hold %q", e.file, e.old)
		}
		put(t, file, strings.Replace(string(text), e.old, strings.ReplaceAll(e.now, "THEAPP", name), 1))
		s.agents = s.agents || e == agents()
		compiled = compiled || e.file != "phial.yaml" && installed[e.file] == ""
	}
	if compiled {
		s.release = beamtest.BuildRelease(t, s.project)
	} else {
		s.release = s.installed(t, filepath.Join(dir, "release"))
	}
	return s
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// installed are the files that mix release takes over as they stand, where they have no
// tags of EEx, and where.
var installed = map[string]string{
	"config/runtime.exs": "releases/1.0.0/runtime.exs",
	"rel/env.sh.eex":     "releases/1.0.0/env.sh",
	"rel/vm.args.eex":    "releases/1.0.0/vm.args",
}

// installed puts them into a copy of the release of the app as it is, which is built once.
func (s *spot) installed(t *testing.T, dir string) string {
	t.Helper()
	whole := beamtest.BuildRelease(t, predictApp)
	err := filepath.WalkDir(whole, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(whole, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is no file", path)
		}
		for from, place := range installed {
			if rel == filepath.FromSlash(place) {
				text, err := os.ReadFile(filepath.Join(s.project, from))
				if err != nil {
					return err
				}
				return os.WriteFile(to, text, 0o755)
			}
		}
		if os.Link(path, to) == nil {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// prediction is what phial check --explain -o json says.
type prediction struct {
	Islands  [][]string
	Doubts   []string
	Replicas []struct {
		Replica string
		Steps   []struct{ State, Code, Text string }
	}
}

// code is that of the first obstacle.
func (p *prediction) code() string {
	for _, r := range p.Replicas {
		for _, s := range r.Steps {
			if s.Code != "" {
				return s.Code
			}
		}
	}
	return ""
}

func (s *spot) predict(t *testing.T) *prediction {
	t.Helper()
	paths := []string{s.project}
	if !strings.HasPrefix(s.app, s.project) {
		paths = append(paths, s.app)
	}
	code, out, stderr := phial(t, append([]string{"check", "--explain", "-o", "json"}, paths...)...)
	var all []*prediction // one for each environment
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || code > term.Findings {
		t.Fatalf("check: status %d, %v\n%s%s", code, err, out, stderr)
	}
	return all[0]
}

// partition writes islands down by the replicas' numbers, in order: 01 2.
func partition(islands [][]string, app string) string {
	var all []string
	for _, island := range islands {
		var numbers []string
		for _, id := range island {
			numbers = append(numbers, strings.TrimPrefix(id, app+"-"))
		}
		slices.Sort(numbers)
		all = append(all, strings.Join(numbers, ""))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
