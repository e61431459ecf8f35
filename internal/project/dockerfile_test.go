package project

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Is rel/ there when the release is built?
func TestCopied(t *testing.T) {
	for text, want := range map[string]State{
		"FROM a\nCOPY . .\nRUN mix release":                                            Known,
		"FROM a\nCOPY rel /app/rel\nRUN mix release":                                   Known,
		"FROM a\nCOPY ./rel/ ./rel/\nRUN mix release":                                  Known,
		"FROM a\nCOPY lib rel config ./\nRUN mix release":                              Known,
		"FROM a\nADD [\"rel\", \"/app/rel\"]\nRUN mix release":                         Known,
		"FROM a\nCOPY r* ./\nRUN mix release":                                          Known,
		"FROM a\nCOPY lib /app/lib\nRUN mix release":                                   Absent,
		"FROM a\nRUN mix release\nCOPY rel /app/rel":                                   Absent,
		"FROM a\nCOPY --from=other /app/rel rel\nRUN mix release":                      Unknown,
		"FROM a\nCOPY --from=other /src /app\nRUN mix release":                         Unknown,
		"FROM a\nCOPY --from=other /src/priv /app/priv\nRUN mix release":               Absent,
		"FROM a\nCOPY release /app/release\nRUN mix release":                           Absent,
		"FROM a\nCOPY $FILES ./\nRUN mix release":                                      Unknown,
		"FROM a\nRUN --mount=type=bind,target=. mix release":                           Unknown,
		"FROM a AS deps\nCOPY . .\nFROM deps\nRUN mix release":                         Known,
		"FROM a AS deps\nCOPY . .\nFROM b\nRUN mix release":                            Absent,
		"FROM a\nCOPY . .\nRUN MIX_ENV=prod mix do assets.deploy, release --overwrite": Known,
		"FROM a\nCOPY . .\nRUN <<EOT\nmix deps.get\nmix release\nEOT":                  Known,
		"FROM a\nCOPY rel /app/rel\nRUN [\"mix\", \"release\"]":                        Known,
		"FROM a\nCOPY rel/env.sh.eex rel/\nRUN mix deps.get && mix release app":        Known,
	} {
		d := readDockerfile("Dockerfile", text)
		s, i, ok := d.Release()
		if !ok {
			t.Errorf("no release is built by\n%s", text)
			continue
		}
		if got := d.Copied("rel", s, i); got != want {
			t.Errorf("got %v, want %v, of\n%s", got, want, text)
		}
	}
	for _, text := range []string{"FROM a\nRUN mix deps.get", "FROM a\nRUN echo release", "FROM a\nRUN mix compile; echo release", "FROM a\nCMD mix release", "RUN mix release"} {
		if _, _, ok := readDockerfile("Dockerfile", text).Release(); ok {
			t.Errorf("a release is built by\n%s", text)
		}
	}
}

func TestDockerfile(t *testing.T) {
	p := read(t, "mix.exs", "", "docker/Dockerfile", "FROM x", "app.dockerfile", "FROM y", "Dockerfile.prod", "FROM z", "Dockerfile", `# escape=\
ARG V=1
ARG NONE
from a:${V}${W:-} as build
FROM --platform=linux/amd64 b:${NONE} AS none
FROM BUILD
ENV A=1 B="x $A"
ENV C=${D:-d} E=$A-$A PATH=/x:$PATH
  USER root
USER app
CMD ["bin/app", "start"]
CMD bin/app start
`, "Dockerfile.dockerignore", "x", "web/Containerfile", "RUN <<E\nnever")
	var files []string
	for _, d := range p.Dockerfiles {
		files = append(files, d.File)
	}
	if d := cmp.Diff([]string{"Dockerfile", "Dockerfile.prod", "app.dockerfile", "docker/Dockerfile", "web/Containerfile"}, files); d != "" {
		t.Error(d)
	}
	if last := p.Dockerfiles[4]; last.Broken == "" || last.At.Line != 1 {
		t.Errorf("broken: %q at %s", last.Broken, last.At)
	}
	d := p.Dockerfiles[0]
	if len(d.Stages) != 3 {
		t.Fatalf("%d stages", len(d.Stages))
	}
	if got := say(d.Stages[0].Image.Ref); got != "a:1 4:1" || !d.Stages[0].Image.ByArg {
		t.Errorf("the first stage is from %s", got)
	}
	if s := d.Stages[1]; s.Image.Ref.State != Unknown || s.Platform != "linux/amd64" || s.Name != "none" {
		t.Errorf("the second stage: %+v", s)
	}
	if final := d.Final(); d.Stages[final].Image.Stage != 0 || d.Base(final).Ref.Value != "a:1" {
		t.Errorf("the last stage: %+v", d.Stages[final])
	}
	env := d.Env(d.Final())
	if say(env["A"]) != "1 7:1" || say(env["B"]) != "? 7:1" || env["C"].State != Unknown || say(env["E"]) != "1-1 8:1" || env["PATH"].State != Unknown {
		t.Errorf("%v", env)
	}
	if u, ok := d.Last(2, "USER"); !ok || u.Words[0] != "app" || u.At.String() != "Dockerfile:10:1" {
		t.Errorf("user %+v", u)
	}
	if c, ok := d.Last(2, "CMD"); !ok || c.Exec || strings.Join(c.Words, "|") != "bin/app start" {
		t.Errorf("command %+v", c)
	}
	if _, ok := d.Last(2, "ENTRYPOINT"); ok {
		t.Error("an entrypoint out of nothing")
	}
}
