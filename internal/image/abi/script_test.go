package abi

import (
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image/tree"
)

// shellBase has these programs and nothing else.
func shellBase(programs ...string) tree.Tree {
	files := tree.Tree{tree.Symlink("bin", "usr/bin"), plain("etc/os-release", []byte("ID=debian\nPRETTY_NAME=\"Debian 12\"\n")),
		exe("usr/bin/dash", nil), tree.Symlink("usr/bin/sh", "dash"), exe("usr/bin/env", nil), plain("usr/bin/plain", nil)}
	for _, p := range programs {
		files = append(files, exe("usr/bin/"+p, nil))
	}
	return files
}

// shellRelease is a release of scripts alone, with an emulator that needs nothing.
func shellRelease(scripts map[string]string) tree.Tree {
	files := tree.Tree{plain("app/releases/start_erl.data", []byte("1 1")), plain("app/releases/1/shop.rel", nil), plain("app/erts-1/bin/nothing", nil)}
	for name, content := range scripts {
		files = append(files, exe("app/"+name, []byte(content)))
	}
	return files
}

func TestPrograms(t *testing.T) {
	const start, sh = "bin/shop", "#!/bin/sh\n"
	for name, c := range map[string]struct {
		files map[string]string
		has   string
		env   []string
		want  []string // severity and programs
	}{
		"all there":                 {files: map[string]string{start: sh + "cat x | sed s/a/b/\nexec \"$ROOT/bin/erl\"\n"}, has: "cat sed"},
		"one is not":                {files: map[string]string{start: sh + "cat x | awk 1\n"}, has: "cat", want: []string{"error awk"}},
		"two are one finding":       {files: map[string]string{start: sh + "cat x | awk 1\n"}, want: []string{"error awk and cat"}},
		"in quotes, substitutions":  {files: map[string]string{start: sh + "X=\"${X:-\"$(cat y)\"}\"; `'awk' 1`\n"}, want: []string{"error awk and cat"}},
		"behind exec and env":       {files: map[string]string{start: sh + "if true; then A=1 exec env -i B=2 tool -x; fi\n"}, want: []string{"error env and tool"}, has: "-"},
		"builtins, functions":       {files: map[string]string{start: sh + "go () { cd \"$1\" && local a; printf x; }\n[ -n x ] && go / || echo no\n"}},
		"functions of another file": {files: map[string]string{start: sh + ". \"$D/env.sh\"\nhelp_me\n", "releases/1/env.sh": "help_me () { :; }\n"}},
		"variables are not names":   {files: map[string]string{start: sh + "\"$BIN/erl\" x; $TOOL; \"$(dirname)\"/x; ./x; bin/x\n"}, want: []string{"error dirname"}},
		"env.sh":                    {files: map[string]string{"releases/1/env.sh": "#!/bin/bash\nA=$(hostname -f)\n"}, want: []string{"error hostname"}},
		"other scripts":             {files: map[string]string{"bin/migrate": sh + "tool\n"}, want: []string{"warning tool"}},
		"guarded by a look":         {files: map[string]string{start: sh + "if command -v tool >/dev/null; then tool; fi\n"}, want: []string{"warning tool"}},
		"guarded by a test":         {files: map[string]string{start: sh + "[ -x /opt/tool ] && /opt/tool\n"}, want: []string{"warning /opt/tool"}},
		"may fail":                  {files: map[string]string{start: sh + "tool -x || true\nA=$(other) || A=\n"}, want: []string{"warning other and tool"}},
		"may not":                   {files: map[string]string{start: sh + "tool || exit 1\n"}, want: []string{"error tool"}},
		"Cygwin's":                  {files: map[string]string{start: sh + "if [ \"$OSTYPE\" = cygwin ]; then X=$(cygpath -m x); else tool; fi\n"}, want: []string{"error tool"}},
		"absolute":                  {files: map[string]string{start: sh + "/usr/bin/env\n/bin/dash\n/usr/sbin/tool\n"}, want: []string{"error /usr/sbin/tool"}},
		"not executable":            {files: map[string]string{start: sh + "plain\n"}, want: []string{"error plain"}},
		"PATH of the image":         {files: map[string]string{start: sh + "cat\n"}, has: "cat", env: []string{"PATH=/opt/bin"}, want: []string{"error cat"}},
		"PATH of the script":        {files: map[string]string{start: sh + "PATH=/usr/bin:$PATH\ncat\n"}, has: "cat", env: []string{"PATH=/opt/bin"}},
		"PATH that we can't see":    {files: map[string]string{start: sh + "PATH=\"$ROOT/bin:$PATH\"\ntool\n"}, want: []string{"warning tool"}},
		"PATH that is exported":     {files: map[string]string{start: sh + "export PATH=/usr/bin:$PATH\ncat\n"}, has: "cat", env: []string{"PATH=/opt/bin"}},
		"no such interpreter":       {files: map[string]string{start: "#!/bin/bash\n"}, want: []string{"error /bin/bash"}},
		"none that env finds":       {files: map[string]string{"bin/tool": "#!/usr/bin/env bash\n"}, want: []string{"warning bash"}},
		"written on Windows":        {files: map[string]string{"bin/tool": "#!/bin/sh\r\n"}, want: []string{`warning "/bin/sh\r"`}},
		"a script of an app":        {files: map[string]string{"lib/a-1/priv/wrap": "#!/usr/bin/python3\nimport sys\n"}, want: []string{"warning /usr/bin/python3"}},
		"what an app's calls":       {files: map[string]string{"lib/a-1/priv/wrap": sh + "tool\n"}},
		"bash's own":                {files: map[string]string{"bin/tool": "#!/bin/bash\nx=(a b); [[ $x = a ]] && mapfile y < <(cat)\n"}, has: "bash cat"},
		"bash under sh":             {files: map[string]string{"bin/tool": sh + "x=(a b); cat\n"}, has: "cat"},
		"escript":                   {files: map[string]string{"bin/tool": "#!/usr/bin/env escript\n%% -*- erlang -*-\nmain(_) -> (.\n"}, has: "escript"},
		"words in here-documents":   {files: map[string]string{start: sh + "cat <<END\ntool $(other)\nEND\n"}, has: "cat", want: []string{"error other"}},
	} {
		t.Run(name, func(t *testing.T) {
			base := shellBase(strings.Fields(c.has)...)
			if c.has == "-" { // nor env
				base = tree.Tree{exe("bin/sh", nil)}
			}
			got := []string{}
			for _, f := range Check(releaseOfTree(t, shellRelease(c.files)), rootOfTree(t, base), c.env, runtime.GOARCH) {
				if f.Code != finding.ProgramMissing {
					t.Errorf("unexpected: %s", f)
				}
				got = append(got, f.Severity.String()+" "+f.Subject)
			}
			if d := cmp.Diff(append([]string{}, c.want...), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestProgramsFinding(t *testing.T) {
	r := releaseOfTree(t, shellRelease(map[string]string{"bin/shop": "#!/bin/sh\n\ncut -f1 x |\n  awk 1\n", "releases/1/elixir": "#!/bin/sh\nawk 2\n"}))
	got := Check(r, rootOfTree(t, shellBase()), nil, runtime.GOARCH)
	want := []finding.Finding{{
		Code: "IMG-17", Severity: finding.Error, Subject: "awk and cut",
		Cause:    "scripts of the release call programs that the base does not have: awk, cut",
		Fix:      "install them in the base (coreutils, mawk) (an assembled base takes --package NAME), or take a base with a shell and the usual tools (a slim image of a distribution)",
		Evidence: []string{"awk: /app/bin/shop line 4, /app/releases/1/elixir line 2", "cut: /app/bin/shop line 3"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestUnreadableScript(t *testing.T) {
	r := releaseOfTree(t, shellRelease(map[string]string{"bin/shop": "#!/bin/sh\nif true; then\n"}))
	got := Check(r, rootOfTree(t, shellBase()), nil, runtime.GOARCH)
	if len(got) != 1 || got[0].Code != finding.NotChecked || got[0].Severity != finding.Warning || !strings.Contains(got[0].Cause, "/app/bin/shop") {
		t.Errorf("got %q", got)
	}
}

// No nesting is too deep to come back from.
func TestDeepScript(t *testing.T) {
	for _, open := range []string{"(", "$(", "{ ", "if true; then ", "\"$(", "x() { ", "! ", "${a:-", "$((", "$((a?a?", "case x in y) "} {
		b := []byte("#!/bin/sh\n" + strings.Repeat(open, maxScript/len(open)))
		if s := parseScript("x", false, true, b[:maxScript]); s.problem == "" {
			t.Errorf("%q for ever is no problem", open)
		}
	}
	if s := parseScript("x", false, true, []byte("#!/bin/sh\n"+strings.Repeat("# no more\n", maxScript/10))); s.problem != "it is larger than 128 KB" {
		t.Errorf("too large: %q", s.problem)
	}
}

// A release without an emulator needs that of the base.
func TestNoERTS(t *testing.T) {
	files := shellRelease(map[string]string{"bin/shop": "#!/bin/sh\n"})
	files = append(files[:2:2], files[3:]...)
	r := releaseOfTree(t, files)
	if got := codes(Check(r, rootOfTree(t, shellBase()), nil, runtime.GOARCH)); !cmp.Equal(got, []string{"IMG-17 error erl"}) {
		t.Errorf("without Erlang: %q", got)
	}
	if got := codes(Check(r, rootOfTree(t, shellBase("erl")), nil, runtime.GOARCH)); len(got) > 0 {
		t.Errorf("with Erlang: %q", got)
	}
}

func FuzzScript(f *testing.F) {
	for _, seed := range []string{"#!/bin/sh\ncat x || true\n", "#!/usr/bin/env bash\nx=(a); [[ a ]]", "#!", "#!/bin/sh\nif [ $OSTYPE ]; then PATH=$X:/y; fi; f () { exec env A=1 b; }", "#!/bin/ksh\nfunction x { : ; }"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, sourced := range []bool{false, true} {
			s := parseScript("/app/bin/shop", sourced, true, b)
			for _, c := range s.calls {
				if c.name == "" || c.line == 0 {
					t.Errorf("a call of %+v", c)
				}
			}
		}
	})
}
