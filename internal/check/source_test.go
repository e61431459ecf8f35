package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/manifest"
)

// What the names of public images say, and what they do not.
func TestReadBase(t *testing.T) {
	for ref, want := range map[string]string{
		"hexpm/elixir:1.18.1-erlang-27.2-debian-bookworm-20241223-slim": "Debian 12, elixir",
		"hexpm/elixir:1.18.1-erlang-27.2-alpine-3.20.3":                 "Alpine 3.20, elixir",
		"docker.io/hexpm/elixir:1.17.3-erlang-27.1-ubuntu-jammy-202410": "Ubuntu 22.04, elixir",
		"elixir:1.18":                           "Debian, elixir, floats",
		"elixir:1.18.1-alpine":                  "Alpine, elixir",
		"elixir":                                ", elixir, latest",
		"elixir:alpine":                         "Alpine, elixir, latest",
		"library/erlang:27.2.1-slim":            "Debian, erlang",
		"registry.example.com:5000/elixir:1.18": ", elixir, floats",
		"bitwalker/alpine-elixir:1.15.7":        "Alpine, elixir",
		"debian:bookworm-20241223-slim":         "Debian 12, bare",
		"debian:12.8":                           "Debian 12, bare",
		"debian:stable-slim":                    "Debian, bare, floats",
		"ubuntu:noble":                          "Ubuntu 24.04, bare",
		"ubuntu:22.04":                          "Ubuntu 22.04, bare",
		"alpine:3.20.3":                         "Alpine 3.20, bare",
		"alpine:3":                              "Alpine, bare, floats",
		"alpine":                                "Alpine, bare, latest",
		"ubuntu:questing-20260101":              "Ubuntu, bare",
		"alpine@sha256:00":                      "Alpine, bare",
		"gcr.io/distroless/cc-debian12:nonroot": "Debian 12",
		"registry.example.com/runner:1":         "",
		"":                                      ", latest",
		"postgres:16-alpine":                    "",
	} {
		b := readBase(ref)
		got := b.String()
		if b.program != "" {
			got += ", " + b.program
		}
		if b.bare {
			got += ", bare"
		}
		if why, latest := b.floats(); latest {
			got += ", latest"
		} else if why != "" {
			got += ", floats"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", ref, got, want)
		}
	}
}

func FuzzReadBase(f *testing.F) {
	for _, ref := range []string{"elixir:1.18-alpine3.20", "a/b@sha256:00", ":", "x:-alpine-", "debian:é"} {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		b := readBase(ref)
		if b.bare && b.family == "" || b.release != "" && b.family == "" {
			t.Errorf("%q is %+v", ref, b)
		}
		b.floats()
	})
}

func TestOTP(t *testing.T) {
	for ref, want := range map[string]int{"hexpm/elixir:1.11.4-erlang-23.3-alpine-3.13.3": 23, "elixir:1.18-otp-27-slim": 27, "erlang:26.2-slim": 26, "elixir:1.18": 0, "debian:12": 0} {
		if got := readBase(ref).otp(); got != want {
			t.Errorf("%s has OTP %d, want %d", ref, got, want)
		}
	}
}

func TestBefore(t *testing.T) {
	for version, want := range map[string]bool{"0.1.1": true, "0.1.2": false, "0.1.2-rc.1": true, "0.2": false, "1.0.0": false, "0.0.9": true, "": false, "x": false, "0.1": false} {
		if got := before(version, 0, 1, 2); got != want {
			t.Errorf("%q before 0.1.2: %v", version, got)
		}
	}
}

func TestInstalled(t *testing.T) {
	for text, want := range map[string]string{
		"apt-get update && apt-get install -y --no-install-recommends a b=1.2 && rm -rf /x": "a b",
		"apk add --no-cache a; apk del b": "a",
		"apk --no-cache add a\napk add b": "a b",
		"pip install a":                   "",
		"apt-get install -y $PACKAGES a":  "a ?",
	} {
		packages, sure := installed(text)
		got := strings.Join(packages, " ")
		if !sure {
			got += " ?"
		}
		if got != want {
			t.Errorf("%q installs %q, want %q", text, got, want)
		}
	}
}

// An option that one strategy looks at takes the place of what people write for another.
func TestOptionRewritten(t *testing.T) {
	const runtime = "import Config\nconfig :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes, config: [namespace: \"prod\", kubernetes_selector: \"a=b\", nonsense: 1]]]\n"
	in := withProject(t, &Input{Now: today, Objects: manifest.ReadObjects(nil)}, map[string]string{"mix.exs": mix["mix.exs"], "config/runtime.exs": runtime})
	fixed := Fix(in, Run(in, Options{Rules: rules(t, "DSC-20")}))
	if len(fixed) != 1 {
		t.Fatalf("%+v", fixed)
	}
	if d := cmp.Diff(strings.Replace(runtime, "[namespace:", "[kubernetes_namespace:", 1), fixed[0].After); d != "" {
		t.Error(d)
	}
}

// What rel/env.sh needs may be set by what was not seen: then it is no error.
func TestHostlessIsWeighed(t *testing.T) {
	files := map[string]string{
		"mix.exs":        mix["mix.exs"],
		"rel/env.sh.eex": "export RELEASE_DISTRIBUTION=name RELEASE_NODE=web@$POD_IP\n",
	}
	for command, want := range map[string]string{
		"        command: [bin/web, start]\n":                                       "error",
		"        command: [/start.sh]\n":                                            "warning",
		"        command: [sh, -c, 'bin/prepare; exec bin/web start']\n":            "warning",
		"        command: [sh, -c, 'export POD_IP=$(getip); exec bin/web start']\n": "",
		"": "warning",
	} {
		text := workload("a", "web:1", "        env:\n        - {name: PHX_SERVER, value: x}\n"+command)
		set := manifest.ReadObjects([]manifest.Source{{Name: "a.yaml", Text: []byte(text)}})
		in := withProject(t, &Input{Now: today, Objects: set}, files)
		got := ""
		for _, f := range Run(in, Options{Rules: rules(t, "NAM-04")}).Findings {
			got += f.Severity.String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}
