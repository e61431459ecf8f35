package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/finding"
)

// A start script with the line ends of Windows is told once: with manifests or without, as an error where the release does not
// start with it.
func TestWindowsEnds(t *testing.T) {
	const long = "export RELEASE_DISTRIBUTION=name\n"
	for _, c := range []struct {
		name, script string
		want         string // severity and line
	}{
		{"plain", long + "export RELEASE_NODE=shop@$POD_IP\n", ""},
		{"all of it", "#!/bin/sh\r\n\r\nexport RELEASE_DISTRIBUTION=name\r\nexport RELEASE_NODE=shop@$POD_IP\r\n", "error 2"},
		{"without empty lines", "#!/bin/sh\r\nexport RELEASE_DISTRIBUTION=name\r\nexport RELEASE_NODE=shop@$POD_IP\r\n", "error 2"},
		{"of the name alone", long + "export RELEASE_NODE=shop@$POD_IP\r\n", "error 2"},
		{"a condition", "if [ -n \"$POD_IP\" ]; then\r\n" + long + "fi\r\n", "error 1"},
		{"of a setting", long + "export RELEASE_NODE=shop@$POD_IP\nexport ERL_CRASH_DUMP=/tmp/dump\r\n", "warning 3"},
		{"in comments", "# the name\r\n" + long, ""},
		{"behind an end", long + "exit 1\n\r\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			const topology = "config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: \"shop-headless\", application_name: \"shop\"]]]\n"
			both := predictedInput(t, meshManifest, topology, c.script)
			for name, in := range map[string]*Input{"with manifests": both, "without": withProject(t, &Input{Now: today}, map[string]string{"mix.exs": mix["mix.exs"], "rel/env.sh.eex": c.script})} {
				var got []string
				r := Run(in, Options{})
				for _, f := range r.Findings {
					if f.Code == codeWindowsEnds {
						got = append(got, f.Severity.String()+" "+f.At.String()[strings.LastIndex(f.At.String(), ".eex:")+5:][:1])
					}
				}
				if d := cmp.Diff(c.want, strings.Join(got, "; ")); d != "" {
					t.Errorf("%s (-want +got):\n%s%s", name, d, codes(r))
				}
				for _, f := range r.Findings {
					if (f.Severity == finding.Error || f.Code == "NAM-04") && f.Code != codeWindowsEnds && name == "with manifests" && strings.HasPrefix(c.want, "error") {
						t.Errorf("%s: %s is found as well: %s", name, f.Code, f.Cause)
					}
				}
			}
		})
	}
}

// What ends a start script is named: the line, and what sh takes for a command.
func TestWindowsEndsSayWhere(t *testing.T) {
	for script, want := range map[string]string{
		"#!/bin/sh\r\n\r\nexport A=1\r\n":       "sh ends at line 2: the empty line has a carriage return in it, which is a command that there is not (the container prints \\r: not found)",
		"if true; then\r\nexport A=1\r\nfi\r\n": "sh ends at line 1: sh does not read on behind the line ends of Windows",
	} {
		in := withProject(t, &Input{Now: today}, map[string]string{"mix.exs": mix["mix.exs"], "rel/env.sh.eex": script})
		if got := codes(Run(in, Options{Rules: rules(t, "NAM-17")})); !strings.Contains(got, want) {
			t.Errorf("%q: %s\nwant %s", script, got, want)
		}
	}
}

func TestEndWhy(t *testing.T) {
	for want, end := range map[string]envsh.Ending{
		"`false` fails, and `set -e` holds": {Text: "false", Why: "fails, and `set -e` holds"},
		"`exit 1` exits with status 1":      {Text: "exit 1", Why: "exits with status 1"},
		"POD_IP is not set":                 {Text: "${POD_IP:?}", Why: "POD_IP is not set"},
	} {
		if got := endWhy(end); got != want {
			t.Errorf("%+v: %s", end, got)
		}
	}
}
