package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
)

// exec goes in front of the last command, and nowhere else where that would change anything.
func TestWithExec(t *testing.T) {
	for line, want := range map[string]string{
		"bin/app start":                        "exec bin/app start",
		"/app/bin/app start --port=$PORT ${X}": "exec /app/bin/app start --port=$PORT ${X}",
		"bin/migrate && bin/app start":         "bin/migrate && exec bin/app start",
		"cd /app; bin/migrate; bin/app start":  "cd /app; bin/migrate; exec bin/app start",
		"PHX_SERVER=true bin/app start":        "PHX_SERVER=true exec bin/app start",
		"A=1 B=2  bin/app start":               "A=1 B=2  exec bin/app start",
		"exec bin/app start":                   "",
		"bin/migrate & bin/app start":          "",
		"bin/migrate || bin/app start":         "",
		"bin/migrate | bin/app start":          "",
		"bin/app start | tee log":              "",
		"bin/app start > log":                  "",
		"bin/app start &":                      "",
		"bin/app start;":                       "",
		"(cd /app; bin/app start)":             "",
		"{ bin/app start; }":                   "",
		"if true; then bin/app start":          "",
		"while true; do bin/app start":         "",
		"! bin/app start":                      "",
		"echo 'a; b' && bin/app start":         "",
		"echo \"a;\" bin/app start":            "",
		"bin/app start # at last":              "",
		"bin/migrate\nbin/app start":           "",
		"bin/app start 'a b'":                  "",
		"":                                     "",
	} {
		got, ok := withExec(line)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// Whatever is made of a line, it is the line with one exec more.
func FuzzWithExec(f *testing.F) {
	for _, line := range []string{"a && b", "A=1 a; b", "a & b", "if a; then b; fi", " \t", "a\\;b"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := withExec(line)
		if !ok {
			return
		}
		if i := strings.LastIndex(got, "exec "); i < 0 || strings.TrimSpace(got[:i]+got[i+len("exec "):]) != strings.TrimSpace(line) {
			t.Errorf("%q of %q", got, line)
		}
		if _, again := withExec(got); again {
			t.Errorf("%q would get another", got)
		}
	})
}

// mendedFiles makes all edits of some rules.
func mendedFiles(t *testing.T, in *Input, codes ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, f := range Fix(in, Run(in, Options{Rules: rules(t, codes...)})) {
		all[f.File] = f.After
	}
	return all
}

// An edit leaves comments and layout as they are, and what it mends is not found again.
func TestMends(t *testing.T) {
	const release = "---\n# the shop\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop} # one\nspec:\n  replicas: 2\n  template:\n    metadata:\n      annotations: # for the mesh\n        linkerd.io/inject: enabled\n    spec:\n      containers:\n      - name: shop\n        image: shop:1\n"
	const env = "        env:\n        # of each pod\n        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n"
	for name, c := range map[string]struct {
		code       finding.Code
		line, want string // what is in the container, and what comes of it; empty: nothing
	}{
		"a shell":                  {"IMG-07", "        command: [sh, -c, \"bin/shop start\"] # starts\n", "        command: [sh, -c, \"exec bin/shop start\"] # starts\n"},
		"a shell, in a block":      {"IMG-07", "        command: [sh, -c]\n        args:\n        # migrates, too\n        - bin/shop eval Shop.migrate && bin/shop start # last\n", "        command: [sh, -c]\n        args:\n        # migrates, too\n        - bin/shop eval Shop.migrate && exec bin/shop start # last\n"},
		"a shell with quotes":      {"IMG-07", "        command: [sh, -c, \"echo 'a' && bin/shop start\"]\n", ""},
		"a shell of several lines": {"IMG-07", "        command:\n        - sh\n        - -c\n        - |\n          bin/shop eval a\n          bin/shop start\n", ""},
		"a name":                   {"NAM-05", env + "        - name: RELEASE_NODE\n          value: 'shop@${POD_IP}' # its own\n", env + "        - name: RELEASE_NODE\n          value: 'shop@$(POD_IP)' # its own\n"},
		"a name of what is below":  {"NAM-05", "        env:\n        - {name: RELEASE_NODE, value: \"shop@${POD_IP}\"}\n        - {name: POD_IP, value: a}\n", ""},
		"a name with a default":    {"NAM-05", env + "        - {name: RELEASE_NODE, value: \"shop@${POD_IP:-a}\"}\n", ""},
		"a name with a command":    {"NAM-05", env + "        - {name: RELEASE_NODE, value: \"${POD_IP}@$(hostname -f)\"}\n", ""},
		"an argument":              {"IMG-08", env + "        command: [bin/shop, start, \"--ip=${POD_IP}\"] # there\n", env + "        command: [bin/shop, start, \"--ip=$(POD_IP)\"] # there\n"},
		"an argument of nobody's":  {"IMG-08", env + "        command: [bin/shop, start, \"${POD_IP}\", \"${OTHER}\"]\n", env + "        command: [bin/shop, start, \"$(POD_IP)\", \"${OTHER}\"]\n"},
		"ports of Linkerd":         {"NET-04", env + "        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n        - {name: ELIXIR_ERL_OPTIONS, value: -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107}\n", "ports"},
		"ports that are not known": {"NET-04", env + "        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := release + c.line
			want := release + c.want
			if c.want == "ports" {
				want = strings.Replace(before, "        linkerd.io/inject", "        config.linkerd.io/opaque-ports: \"4369,9100-9107\"\n        linkerd.io/inject", 1)
			}
			in := filesOf(map[string]string{"a.yaml": before})
			if r := Run(in, Options{Rules: rules(t, string(c.code))}); len(r.Findings) == 0 {
				t.Fatal("nothing is found")
			}
			got, ok := mendedFiles(t, in, string(c.code))["a.yaml"]
			if c.want == "" {
				if ok {
					t.Errorf("mended, as:\n%s", got)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("(-want +got):\n%s", d)
			}
			if again := mendedFiles(t, filesOf(map[string]string{"a.yaml": got}), string(c.code)); len(again) > 0 {
				t.Errorf("mended again, as:\n%s", again["a.yaml"])
			}
		})
	}
}

// The same in files of the project.
func TestMendsInProject(t *testing.T) {
	const built = "FROM hexpm/elixir:1.18.1-erlang-27.2-debian-bookworm-20241223-slim AS build\nCOPY . .\nRUN mix release\nFROM debian:bookworm-20241223-slim\n# the release\nCOPY --from=build /app/_build/prod/rel/shop ./\n"
	for name, c := range map[string]struct{ dockerfile, script, want, wantScript string }{
		"CMD":                     {"CMD bin/shop start\nUSER nobody\n", "", "CMD exec bin/shop start\nUSER nobody\n", ""},
		"more than a command":     {"cmd  bin/shop start # not a comment", "", "", ""},
		"in small letters":        {"cmd  bin/shop start", "", "cmd  exec bin/shop start", ""},
		"ENTRYPOINT":              {"ENTRYPOINT bin/migrate && bin/shop start\n", "", "ENTRYPOINT bin/migrate && exec bin/shop start\n", ""},
		"over lines":              {"CMD bin/migrate && \\\n  bin/shop start\n", "", "", ""},
		"a script":                {"COPY run.sh /run.sh\nCMD [\"/run.sh\"]\n", "#!/bin/sh\nset -e\n\n# starts\n  PHX_SERVER=true ./bin/shop start\n\n", "", "#!/bin/sh\nset -e\n\n# starts\n  PHX_SERVER=true exec ./bin/shop start\n\n"},
		"a script that goes on":   {"COPY run.sh /run.sh\nCMD [\"/run.sh\"]\n", "#!/bin/sh\necho a | \\\nbin/shop start\n", "", ""},
		"a script with a heredoc": {"COPY run.sh /run.sh\nCMD [\"/run.sh\"]\n", "#!/bin/sh\ncat <<E\nE\nbin/shop start\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"mix.exs": mix["mix.exs"], "Dockerfile": built + c.dockerfile}
			if c.script != "" {
				files["run.sh"] = c.script
			}
			in := withProject(t, &Input{Now: today}, files)
			if r := Run(in, Options{Rules: rules(t, "IMG-07")}); len(r.Findings) == 0 {
				t.Fatal("nothing is found")
			}
			got := mendedFiles(t, in, "IMG-07")
			want := map[string]string{}
			if c.want != "" {
				want["app/Dockerfile"] = built + c.want
			}
			if c.wantScript != "" {
				want["app/run.sh"] = c.wantScript
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
