package scaffold_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/phialdev/phial/api/v1alpha1"
)

// instruction is one of a Dockerfile.
type instruction struct {
	name  string
	flags []string
	args  []string
	exec  bool // exec form
}

// stages parses a Dockerfile as BuildKit does. The first holds what stands in front of FROM.
func stages(t *testing.T, dockerfile string) [][]instruction {
	t.Helper()
	r, err := parser.Parse(strings.NewReader(dockerfile))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Warnings) > 0 {
		t.Errorf("warnings: %+v", r.Warnings)
	}
	all := [][]instruction{nil}
	for _, n := range r.AST.Children {
		in := instruction{name: strings.ToUpper(n.Value), flags: n.Flags, exec: n.Attributes["json"]}
		for a := n.Next; a != nil; a = a.Next {
			in.args = append(in.args, a.Value)
		}
		if in.name == "FROM" {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], in)
	}
	return all
}

func find(stage []instruction, name string) (all []instruction) {
	for _, in := range stage {
		if in.name == name {
			all = append(all, in)
		}
	}
	return all
}

// What FAILURE-MODES says of images, of every Dockerfile that is made.
func TestDockerfiles(t *testing.T) {
	secret := regexp.MustCompile(`(?i)secret|password|token|cookie|key`)
	for _, g := range goldens(t) {
		t.Run(g.name, func(t *testing.T) {
			all := stages(t, g.generate(t)["Dockerfile"])
			if len(all) != 3 {
				t.Fatalf("%d stages, want what is in front, the build and the runner", len(all)-1)
			}
			front, build, run := all[0], all[1], all[2]
			args := map[string]string{}
			for _, a := range find(front, "ARG") {
				name, value, ok := strings.Cut(a.args[0], "=")
				if !ok || value == "" {
					t.Errorf("ARG %s is left open (IMG-03)", name)
				}
				args[name] = value
			}
			from := func(stage []instruction) string {
				s := stage[0].args[0]
				for name, value := range args {
					s = strings.ReplaceAll(s, "${"+name+"}", value)
				}
				return s
			}
			_, system, _ := strings.Cut(from(run), ":")
			if !strings.HasSuffix(from(build), "-"+system) || strings.Contains(from(run), "$") || system == "" {
				t.Errorf("built on %s, run on %s: not the same system (IMG-01)", from(build), from(run))
			}
			if !strings.HasPrefix(from(run), "debian:") && !strings.HasPrefix(from(run), "alpine:") {
				t.Errorf("the runner %s is no small system (IMG-14)", from(run))
			}
			for _, in := range slices.Concat(front, build, run) {
				if (in.name == "ARG" || in.name == "ENV") && secret.MatchString(strings.Join(in.args, " ")) {
					t.Errorf("%s %v: a secret would stay in a layer (IMG-05)", in.name, in.args)
				}
			}
			if !slices.ContainsFunc(find(build, "COPY"), func(in instruction) bool {
				return slices.Contains(in.args, "mix.lock*") && slices.Contains(in.args, "mix.exs")
			}) {
				t.Error("no COPY of mix.lock with mix.exs, so that dependencies are fetched without it")
			}
			if cmd := find(run, "CMD"); len(cmd) != 1 || !cmd[0].exec || len(cmd[0].args) != 2 || cmd[0].args[1] != "start" || strings.Contains(cmd[0].args[0], "$") {
				t.Errorf("CMD %+v, want [/app/bin/NAME start] in exec form (IMG-07, IMG-08)", cmd)
			}
			if user := find(run, "USER"); len(user) != 1 || user[0].args[0] != "65532:65532" {
				t.Errorf("USER %+v, want a fixed one that is not root (IMG-12)", user)
			}
			for name, stage := range map[string][]instruction{"build": build, "run": run} {
				if env := find(stage, "ENV"); !slices.ContainsFunc(env, func(e instruction) bool { return strings.Contains(strings.Join(e.args, "="), "LANG=C.UTF-8") }) {
					t.Errorf("the stage %s has no LANG=C.UTF-8 (IMG-09)", name)
				}
			}
			for _, c := range find(run, "COPY") {
				if !slices.Contains(c.flags, "--from=build") || c.args[0] != "/release" {
					t.Errorf("COPY %v %v: only the release belongs into the image (CI-01)", c.flags, c.args)
				}
			}
			everything := slices.IndexFunc(build, func(in instruction) bool { return in.name == "COPY" && in.args[0] == "." })
			release := slices.IndexFunc(build, func(in instruction) bool { return strings.HasPrefix(strings.Join(in.args, " "), "mix release") })
			deps := slices.IndexFunc(build, func(in instruction) bool { return strings.HasPrefix(strings.Join(in.args, " "), "mix deps.compile") })
			if everything < 0 || deps < 0 || release < everything || everything < deps {
				t.Errorf("dependencies %d, sources and rel/ %d, release %d: not in this order (NAM-11)", deps, everything, release)
			}
		})
	}
}

// What is asked of the BeamApp is known to its types, and what is a comment is YAML once the # is off.
func TestBeamApps(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name, func(t *testing.T) {
			text := g.generate(t)["phial.yaml"]
			var app v1alpha1.BeamApp
			if err := k8syaml.UnmarshalStrict([]byte(text), &app); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if app.Kind != v1alpha1.Kind || app.APIVersion != v1alpha1.GroupVersion.String() || app.Name == "" || app.Spec.Image == "" {
				t.Errorf("not a whole BeamApp:\n%s", text)
			}
			off := regexp.MustCompile(`(?m)^  # ((?:  )*(?:- )?[a-zA-Z]+:(?: [^ ].*)?)$`).ReplaceAllString(text, "  $1")
			if strings.Contains(text, "# pipelines:") || strings.Contains(text, "# migration:") {
				if off == text {
					t.Fatal("nothing to take the # off")
				}
				app = v1alpha1.BeamApp{}
				if err := k8syaml.UnmarshalStrict([]byte(off), &app); err != nil || len(app.Spec.Pipelines) == 0 && app.Spec.Migration == nil {
					t.Errorf("without the #: %v\n%s", err, off)
				}
			}
		})
	}
}

// step is what a job of either service does.
type job struct {
	Needs  any               `yaml:"needs"`
	Stage  string            `yaml:"stage"`
	Env    map[string]string `yaml:"env"`
	Script []string          `yaml:"script"`
	Before []string          `yaml:"before_script"`
	Steps  []struct {
		Uses string            `yaml:"uses"`
		Run  string            `yaml:"run"`
		Env  map[string]string `yaml:"env"`
	} `yaml:"steps"`
}

// Workflows are YAML, their commands are shell, they test before they push, and they never push latest.
func TestWorkflows(t *testing.T) {
	seen := 0
	for _, g := range goldens(t) {
		got := g.generate(t)
		for _, path := range []string{".github/workflows/phial.yml", ".gitlab-ci.yml"} {
			text, ok := got[path]
			if !ok {
				continue
			}
			seen++
			t.Run(g.name+" "+path, func(t *testing.T) {
				jobs := map[string]job{}
				var err error
				if path == ".gitlab-ci.yml" {
					var all struct {
						Test, Image job
						Stages      []string
					}
					err = yaml.Unmarshal([]byte(text), &all)
					jobs["test"], jobs["image"] = all.Test, all.Image
					if !slices.Equal(all.Stages, []string{"test", "image"}) {
						t.Errorf("stages %v", all.Stages)
					}
				} else {
					var all struct {
						Jobs map[string]job
						On   map[string]any
					}
					err = yaml.Unmarshal([]byte(text), &all)
					jobs = all.Jobs
					if jobs["image"].Needs != "test" || all.On["push"] == nil {
						t.Errorf("the image does not wait for the tests:\n%s", text)
					}
				}
				if err != nil {
					t.Fatalf("%v\n%s", err, text)
				}
				script := map[string]string{}
				for name, j := range jobs {
					lines := slices.Concat(j.Before, j.Script)
					for _, s := range j.Steps {
						if strings.Contains(s.Run, "${{") {
							t.Errorf("%s: text of an event goes into the shell unquoted:\n%s", name, s.Run)
						}
						lines = append(lines, s.Run)
					}
					script[name] = strings.Join(lines, "\n")
					sh := exec.CommandContext(t.Context(), "sh", "-n")
					sh.Stdin = strings.NewReader(script[name])
					if out, err := sh.CombinedOutput(); err != nil {
						t.Errorf("%s: %v\n%s\n%s", name, err, out, script[name])
					}
				}
				if !strings.Contains(script["test"], "mix test") || !strings.Contains(script["image"], "docker push") {
					t.Errorf("it does not test and push:\n%s", text)
				}
				if strings.Contains(script["image"], ":latest") || !strings.Contains(script["image"], `"$IMAGE:$tag"`) {
					t.Errorf("tags without a commit (CI-02):\n%s", script["image"])
				}
			})
		}
	}
	if seen < 2 {
		t.Errorf("%d workflows seen", seen)
	}
}
