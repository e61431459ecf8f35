package project

import (
	"strings"
	"testing"
)

// Where mix release takes its templates from is said in mix.exs, or not known.
func TestTemplates(t *testing.T) {
	mix := func(release string) string {
		return "defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: \"1.0.0\", " + release + "]\nend\n"
	}
	for _, c := range []struct {
		name, mix string
		state     State
		dir       string
	}{
		{"nothing is said", mix(""), Known, "rel"},
		{"a release", mix("releases: [a: [strip_beams: true]]"), Known, "rel"},
		{"releases that are computed", mix("releases: A.releases()"), Known, "rel"},
		{"another place", mix("releases: [a: [rel_templates_path: \"deploy/rel\"]]"), Known, "deploy/rel"},
		{"the same place", mix("releases: [a: [rel_templates_path: \"./rel/\"]]"), Known, "rel"},
		{"a computed place", mix("releases: [a: [rel_templates_path: A.dir()]]"), Unknown, ""},
		{"outside of the project", mix("releases: [a: [rel_templates_path: \"../rel\"]]"), Unknown, ""},
		{"one of two", mix("releases: [a: [], b: [rel_templates_path: \"b\"]]"), Unknown, ""},
		{"both of two", mix("releases: [a: [rel_templates_path: \"b\"], b: [rel_templates_path: \"b\"]]"), Known, "b"},
		{"the default of two", mix("default_release: :b, releases: [a: [], b: [rel_templates_path: \"b\"]]"), Known, "b"},
		{"the other of two", mix("default_release: :a, releases: [a: [], b: [rel_templates_path: \"b\"]]"), Known, "rel"},
		{"a release that is computed", mix("releases: [a: A.release(rel_templates_path: \"b\")]"), Unknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := read(t, "mix.exs", c.mix, "rel/env.sh.eex", "export A=1\n", "deploy/rel/env.sh.eex", "export B=1\n", "deploy/rel/vm.args.eex", "+sbwt none\n", "b/env.sh.eex", "", "rel/vm.args.eex", "+Q 1024\n")
			if p.Templates.State != c.state || p.Templates.Value != c.dir {
				t.Errorf("%+v, want %s", p.Templates, c.dir)
			}
			want := map[string]string{"rel": "export A=1\n", "deploy/rel": "export B=1\n"}[c.dir]
			if p.EnvSh.Text != want || c.state == Known != (p.EnvSh.File == c.dir+"/env.sh.eex") {
				t.Errorf("%s has %q, want %q", p.EnvSh.File, p.EnvSh.Text, want)
			}
			if n := len(p.VMArgs); n != map[string]int{"rel": 1, "deploy/rel": 1}[c.dir] || n > 0 && !strings.HasPrefix(p.VMArgs[0].File, c.dir+"/") {
				t.Errorf("flags of %+v", p.VMArgs)
			}
		})
	}
}

// A file that a build does not get is not in its release.
func TestLeftOut(t *testing.T) {
	const build = "FROM elixir:1.17\nCOPY mix.exs mix.lock ./\n"
	for _, c := range []struct {
		name, dockerfile, ignore string
		why, at                  string // why is empty: nothing says so
		sure                     bool
	}{
		{"copied", build + "COPY rel ./rel\nRUN mix release\n", "", "", "", false},
		{"the whole tree", build + "COPY . .\nRUN mix release\n", "_build\ndeps\n", "", "", false},
		{"not copied", build + "COPY lib ./lib\nRUN mix release\n", "", "mix release runs before rel/ is copied", "Dockerfile:4:1", true},
		{"another file of it", build + "COPY rel/vm.args.eex rel/\nRUN mix release\n", "", "mix release runs before rel/ is copied", "Dockerfile:4:1", true},
		{"copied too late", build + "RUN mix release\nCOPY rel ./rel\n", "", "mix release runs before rel/ is copied", "Dockerfile:3:1", true},
		{"perhaps", build + "COPY $MORE ./\nRUN mix release\n", "", "whether rel/ is copied before mix release is computed", "Dockerfile:4:1", false},
		{"another directory of another name", build + "COPY config/${NAME}.exs config/\nCOPY lib ./lib\nRUN mix release\n", "", "mix release runs before rel/ is copied", "Dockerfile:5:1", true},
		{"a file of the environment's", build + "ENV MIX_ENV=\"prod\"\nCOPY config/config.exs config/${MIX_ENV}.exs config/\nRUN mix release\n", "", "mix release runs before rel/ is copied", "Dockerfile:5:1", true},
		{"by a variable", build + "ENV FROM=rel\nCOPY $FROM rel\nRUN mix release\n", "", "", "", false},
		{"by a variable that is another's", build + "ENV FROM=lib\nCOPY $FROM lib\nRUN mix release\n", "", "mix release runs before rel/ is copied", "Dockerfile:5:1", true},
		{"by an argument", build + "ARG FROM=rel\nCOPY $FROM rel\nRUN mix release\n", "", "", "", false},
		{"by an argument that may be another", build + "ARG FROM=lib\nCOPY $FROM ./\nRUN mix release\n", "", "whether rel/ is copied before mix release is computed", "Dockerfile:5:1", false},
		{"by a variable that hangs on an argument", build + "ARG FROM=lib\nENV TREE=$FROM\nCOPY $TREE ./\nRUN mix release\n", "", "whether rel/ is copied before mix release is computed", "Dockerfile:6:1", false},
		{"by an argument without a default", build + "ARG FROM\nCOPY $FROM ./\nRUN mix release\n", "", "whether rel/ is copied before mix release is computed", "Dockerfile:5:1", false},
		{"some file of it", build + "COPY rel/$NAME rel/\nRUN mix release\n", "", "whether rel/ is copied before mix release is computed", "Dockerfile:4:1", false},
		{"from another stage", build + "COPY --from=deps /app/rel rel\nRUN mix release\n", "", "whether rel/ is copied before mix release is computed", "Dockerfile:4:1", false},
		{"built elsewhere", "FROM debian:12\nCOPY _build/prod/rel/a /app\n", "rel\n", "", "", false},
		{"from another directory", "FROM elixir:1.17\nCOPY a/mix.exs ./\nCOPY a/lib lib\nRUN mix release\n", "", "", "", false},
		{"ignored", build + "COPY . .\nRUN mix release\n", "# of the machine\n_build\nrel\n", ".dockerignore keeps it out of the build", ".dockerignore:3:1", true},
		{"ignored by its ending", build + "COPY . .\nRUN mix release\n", "**/*.eex\n", ".dockerignore keeps it out of the build", ".dockerignore:1:1", true},
		{"all but some", build + "COPY . .\nRUN mix release\n", "*\n!mix.*\n!lib\n!rel\n", "", "", false},
		{"all but others", build + "COPY . .\nRUN mix release\n", "*\n!mix.*\n!lib\n", ".dockerignore keeps it out of the build", ".dockerignore:1:1", true},
		{"of another name", build + "COPY . .\nRUN mix release\n", "/rel2\nrelease\n", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := read(t, "mix.exs", "", "rel/env.sh.eex", "export A=1\n", "Dockerfile", c.dockerfile, ".dockerignore", c.ignore)
			why, at, sure := p.Dockerfiles[0].LeftOut("rel/env.sh.eex")
			place := ""
			if why != "" {
				place = at.String()
			}
			if why != c.why || place != c.at || sure != c.sure {
				t.Errorf("%q at %s, sure %v; want %q at %s, %v", why, place, sure, c.why, c.at, c.sure)
			}
		})
	}
	p := read(t, "mix.exs", "", "rel/env.sh.eex", "", "Dockerfile", build+"COPY . .\nRUN mix release\n", ".dockerignore", "rel\n", "Dockerfile.dockerignore", "deps\n")
	if why, _, _ := p.Dockerfiles[0].LeftOut("rel/env.sh.eex"); why != "" {
		t.Errorf("a file of the Dockerfile's own stands before that of the root: %s", why)
	}
}

// A build that writes line ends anew has no script with those of Windows.
func TestEndsOfTheBuild(t *testing.T) {
	const script = "export A=1\r\n"
	for dockerfile, want := range map[string]string{
		"FROM a\nRUN mix release\n":                                             script,
		"FROM a\nRUN dos2unix rel/*.eex && mix release\n":                       "export A=1\n",
		"FROM a\nRUN sed -i 's/\\r$//' rel/env.sh.eex\nRUN mix release\n":       "export A=1\n",
		"FROM a\nRUN <<E\nsed -i 's/\\r$//' rel/env.sh.eex\nE\nRUN mix release": "export A=1\n",
	} {
		if p := read(t, "mix.exs", "", "rel/env.sh.eex", script, "Dockerfile", dockerfile); p.EnvSh.Text != want {
			t.Errorf("%q by\n%s", p.EnvSh.Text, dockerfile)
		}
	}
}
