package project

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// readWith reads a project of these files, and of a mix.exs.
func readWith(t *testing.T, files map[string]string) *Project {
	t.Helper()
	tree := fstest.MapFS{"mix.exs": {Data: []byte("defmodule A.MixProject do\n  def project, do: [app: :shop, version: \"1\"]\nend\n")}}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The words that start a container are followed through the project's scripts, and what is no script of it is said.
func TestStart(t *testing.T) {
	const server = "#!/bin/sh\nPHX_SERVER=true exec ./shop start\n"
	for _, c := range []struct {
		name, words string
		files       map[string]string
		texts       []string // files
		release     string
		unread      string
	}{
		{"the release", "/app/bin/shop start", nil, nil, "bin/shop start", ""},
		{"through tini", "/usr/bin/tini -- /app/bin/shop start", nil, nil, "bin/shop start", ""},
		{"a shell's line", "sh -c exec bin/shop start", nil, nil, "bin/shop start", ""},
		{"mix", "mix phx.server", nil, nil, "mix phx.server", ""},
		{"a script of an overlay", "/app/bin/server", map[string]string{"rel/overlays/bin/server": server}, []string{"rel/overlays/bin/server"}, "exec ./shop start", ""},
		{"a script that is not there", "/entry.sh bin/shop start", nil, nil, "bin/shop start", "/entry.sh"},
		{"nothing that is read", "/run", nil, nil, "", "/run"},
		{"a script before the release", "/entry.sh bin/shop start", map[string]string{"entry.sh": "#!/bin/sh\nexec \"$@\"\n"}, []string{"entry.sh"}, "bin/shop start", ""},
		{"a script of a script", "/entry.sh", map[string]string{"docker/entry.sh": "#!/bin/sh\nexec /app/bin/server\n", "rel/overlays/bin/server": server},
			[]string{"docker/entry.sh", "rel/overlays/bin/server"}, "exec ./shop start", ""},
		{"a script that COPY names", "/start", map[string]string{
			"Dockerfile": "FROM debian:12\nCOPY deploy/prod/run.sh /start\n", "deploy/prod/run.sh": "#!/bin/sh\nexec bin/shop start\n",
		}, []string{"deploy/prod/run.sh"}, "exec bin/shop start", ""},
		{"by its own name", "/run.sh", map[string]string{
			"Dockerfile": "FROM debian:12\nCOPY deploy/prod/run.sh /\n", "deploy/prod/run.sh": "#!/bin/sh\nexec bin/shop start\n", "run.sh": "#!/bin/sh\n",
		}, []string{"deploy/prod/run.sh"}, "exec bin/shop start", ""},
		{"two that run each other", "/a.sh", map[string]string{"a.sh": "#!/bin/sh\n/b.sh\n", "b.sh": "#!/bin/sh\n/a.sh\n"}, []string{"a.sh", "b.sh"}, "", ""},
		{"in a comment", "/a.sh", map[string]string{"a.sh": "#!/bin/sh\n# exec bin/shop start\n"}, []string{"a.sh"}, "", ""},
		{"nothing", "", nil, nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readWith(t, c.files).Start(c.words)
			var texts []string
			for _, s := range got.Texts[1:] {
				texts = append(texts, s.File)
			}
			if d := cmp.Diff(c.texts, texts); d != "" || got.Release != c.release && !strings.HasSuffix(c.release, got.Release) || (got.Release == "") != (c.release == "") || got.Unread != c.unread {
				t.Errorf("%q, unread %q; want %q, %q (-want +got):\n%s", got.Release, got.Unread, c.release, c.unread, d)
			}
		})
	}
}

// Which file of the project a program in the image is, where that is certain.
func TestScript(t *testing.T) {
	const text = "#!/bin/sh\nexec bin/shop start\n"
	image := func(lines string) string { return "FROM debian:12\n" + lines }
	for _, c := range []struct {
		name, program string
		files         map[string]string
		file, shell   string
		why           string
	}{
		{"copied under its name", "/entry.sh", map[string]string{"Dockerfile": image("COPY docker/entry.sh /entry.sh\n"), "docker/entry.sh": text}, "docker/entry.sh", "sh", ""},
		{"under another one", "/start", map[string]string{"Dockerfile": image("COPY docker/entry.sh /start\n"), "docker/entry.sh": text}, "docker/entry.sh", "sh", ""},
		{"into a directory", "/usr/local/bin/entry.sh", map[string]string{"Dockerfile": image("COPY docker/entry.sh /usr/local/bin/\n"), "docker/entry.sh": text}, "docker/entry.sh", "sh", ""},
		{"into a directory without a slash", "/usr/local/bin/entry.sh", map[string]string{"Dockerfile": image("COPY docker/entry.sh /usr/local/bin\n"), "docker/entry.sh": text}, "docker/entry.sh", "sh", ""},
		{"below a working directory", "/app/entry.sh", map[string]string{"Dockerfile": image("WORKDIR /app\nCOPY docker/entry.sh .\n"), "docker/entry.sh": text}, "docker/entry.sh", "sh", ""},
		{"as it is called from there", "./entry.sh", map[string]string{"Dockerfile": image("WORKDIR /app\nCOPY docker/entry.sh .\n"), "docker/entry.sh": text}, "docker/entry.sh", "sh", ""},
		{"one of two, by where it goes", "/b/entry.sh", map[string]string{"Dockerfile": image("COPY a/entry.sh /a/\nCOPY b/entry.sh /b/\n"), "a/entry.sh": text, "b/entry.sh": text}, "b/entry.sh", "sh", ""},
		{"the latter of two in one place", "/entry.sh", map[string]string{"Dockerfile": image("COPY a/entry.sh /\nCOPY b/entry.sh /\n"), "a/entry.sh": text, "b/entry.sh": text}, "b/entry.sh", "sh", ""},
		{"one of two", "/entry.sh", map[string]string{"a/entry.sh": text, "b/entry.sh": text}, "", "", "a/entry.sh or b/entry.sh"},
		{"with the whole tree", "/app/entry.sh", map[string]string{"Dockerfile": image("COPY . /app\n"), "entry.sh": text}, "entry.sh", "sh", ""},
		{"that is ignored", "/app/entry.sh", map[string]string{"Dockerfile": image("COPY . /app\n"), "entry.sh": text, ".dockerignore": "*.sh\n"}, "entry.sh", "", "keeps entry.sh out"},
		{"not copied", "/entry.sh", map[string]string{"Dockerfile": image(""), "entry.sh": text}, "entry.sh", "", "whether the image has entry.sh"},
		{"of an image that is built elsewhere", "/entry.sh", map[string]string{"entry.sh": text}, "entry.sh", "", "whether the image has entry.sh"},
		{"of an overlay", "/app/bin/server", map[string]string{"rel/overlays/bin/server": text}, "rel/overlays/bin/server", "sh", ""},
		{"of an overlay that is not copied", "/app/bin/server", map[string]string{
			"Dockerfile": "FROM elixir AS b\nCOPY mix.exs ./\nRUN mix release\nFROM debian\n", "rel/overlays/bin/server": text,
		}, "rel/overlays/bin/server", "", "whether the image gets rel/overlays/bin/server"},
		{"written anew", "/entry.sh", map[string]string{"Dockerfile": image("COPY entry.sh /\nRUN sed -i s/a/b/ /entry.sh\n"), "entry.sh": text}, "entry.sh", "", "may write entry.sh anew (Dockerfile:3:1)"},
		{"made executable", "/entry.sh", map[string]string{"Dockerfile": image("COPY entry.sh /\nRUN chmod +x /entry.sh\n"), "entry.sh": text}, "entry.sh", "sh", ""},
		{"of bash's", "/entry.sh", map[string]string{"Dockerfile": image("COPY entry.sh /\n"), "entry.sh": "#!/usr/bin/env bash\n"}, "entry.sh", "bash", ""},
		{"of another language", "/entry.py", map[string]string{"Dockerfile": image("COPY entry.py /\n"), "entry.py": "#!/usr/bin/env python3\n"}, "entry.py", "", ""},
		{"without a first line", "/entry.sh", map[string]string{"Dockerfile": image("COPY entry.sh /\n"), "entry.sh": "exec bin/shop start\n"}, "entry.sh", "", ""},
		{"nobody's", "/entry.sh", nil, "", "", ""},
		{"a module", "shop.ex", map[string]string{"lib/shop.ex": "defmodule Shop do\nend\n"}, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, why := readWith(t, c.files).Script(c.program)
			if s.File != c.file || s.Shell != c.shell || (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
				t.Errorf("%q by %q, %q; want %q by %q, %q", s.File, s.Shell, why, c.file, c.shell, c.why)
			}
		})
	}
}

// What a container's own words leave out comes from the image.
func TestRuns(t *testing.T) {
	for _, c := range []struct{ dockerfile, command, args, want string }{
		{"CMD [\"a\", \"b\"]", "", "", "a|b"},
		{"CMD a b", "", "", "sh|-c|a b"},
		{"ENTRYPOINT [\"e\"]\nCMD [\"a\"]", "", "", "e|a"},
		{"ENTRYPOINT [\"e\"]\nCMD a b", "", "", "e|sh|-c|a b"},
		{"ENTRYPOINT e f\nCMD [\"a\"]", "", "", "sh|-c|e f"},
		{"ENTRYPOINT [\"e\"]\nCMD [\"a\"]", "", "x y", "e|x|y"},
		{"ENTRYPOINT e f", "", "x y", "sh|-c|e f"},
		{"ENTRYPOINT [\"e\"]\nCMD [\"a\"]", "c", "", "c"},
		{"ENTRYPOINT [\"e\"]\nCMD [\"a\"]", "c", "x", "c|x"},
		{"", "", "", ""},
	} {
		p := readWith(t, map[string]string{"Dockerfile": "FROM debian:12\n" + c.dockerfile + "\n"})
		d, ok := p.Image()
		if got := strings.Join(d.Runs(strings.Fields(c.command), strings.Fields(c.args)), "|"); got != c.want || !ok {
			t.Errorf("%q with %q %q: %q, want %q", c.dockerfile, c.command, c.args, got, c.want)
		}
	}
}

// The script that a container runs first.
func TestEntry(t *testing.T) {
	p := readWith(t, map[string]string{"Dockerfile": "FROM debian:12\nCOPY entry.sh run /\n", "entry.sh": "#!/bin/sh\n", "run": "exit\n"})
	for words, want := range map[string]string{
		"/entry.sh a":           "entry.sh by sh",
		"tini -g -- /entry.sh":  "entry.sh by sh",
		"gosu app /entry.sh":    "entry.sh by sh",
		"bash -e /run":          "run by bash",
		"/run":                  "run by ",
		"sh -c /entry.sh":       " by ",
		"/app/bin/shop start":   " by ",
		"/app/bin/shop /run":    " by ",
		"":                      " by ",
		"env A=1 /no.sh /run":   " by ",
		"/usr/bin/env /run":     "run by ",
		"bash -euc exec\t/run ": " by ",
	} {
		if s, why := p.Entry(strings.Split(words, " ")); s.File+" by "+s.Shell != want || why != "" {
			t.Errorf("%q: %q by %q, %q; want %s", words, s.File, s.Shell, why, want)
		}
	}
}

// However words and scripts are written, they are followed to an end.
func FuzzStart(f *testing.F) {
	f.Add("/a.sh server", "#!/bin/sh\ncase \"${1:-server}\" in\n  server) exec /a.sh ;;\n  *) exec \"$@\" ;;\nesac\n")
	f.Add("sh -c '/a.sh'", "#!/bin/sh\nif [ \"$1\" = x ]; then\n/b\nfi\n")
	f.Fuzz(func(t *testing.T, words, script string) {
		p, err := Read(fstest.MapFS{"mix.exs": {Data: []byte("x")}, "a.sh": {Data: []byte(script)}, "Dockerfile": {Data: []byte("FROM a\nCOPY a.sh /\n")}})
		if err != nil {
			t.Skip()
		}
		s := p.Start(words)
		for _, text := range s.Texts[1:] {
			if len(text.Text) != len(script) {
				t.Errorf("a text of %d bytes was made one of %d", len(script), len(text.Text))
			}
		}
		p.Script(words)
		p.Entry(strings.Fields(words))
	})
}
