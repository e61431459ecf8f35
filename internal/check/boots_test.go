package check

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// A release that certainly does not boot is in no mesh, and that is told by the prediction under the code of the rule that
// says so, as an error of that rule alone. What is not certain, or decided about, keeps nobody out.
func TestDown(t *testing.T) {
	const url = "        - name: DATABASE_URL\n          valueFrom: {secretKeyRef: {name: shop, key: database}}\n"
	sound := func(more ...change) []change {
		named := envScript("export RELEASE_DISTRIBUTION=name RELEASE_NODE=shop@$POD_IP")
		return append(overIPv6(named, change{"headless.yaml", "  ipFamilies: [IPv6]\n", ""}), more...)
	}
	atBoot := change{"config/runtime.exs", "if config_env() == :prod do", "config :kernel, inet_dist_listen_min: 9100\n\nif config_env() == :prod do"}
	starts := func(line string) []change {
		return []change{{"docker/entry.sh", "", "#!/bin/sh\n" + line + "\n"}, {"Dockerfile", `CMD ["/app/bin/shop", "start"]`, "COPY docker/entry.sh /entry.sh\nENTRYPOINT [\"/entry.sh\"]"}}
	}
	twice := []change{readOnly, {"mix.exs", "[include_executables_for: [:unix]]", "[reboot_system_after_config: true]"}}
	for _, c := range []struct {
		name    string
		changes []change
		options Options
		code    finding.Code // empty: they boot
	}{
		{"sound", sound(), Options{}, ""},
		{"kernel at boot", sound(atBoot), Options{}, "NET-07"},
		{"kernel at boot, perhaps", sound(atBoot, change{"config/runtime.exs", "config :kernel, inet", "if System.get_env(\"X\"), do: config :kernel, inet"}), Options{}, ""},
		{"a variable that is not set", sound(change{"k8s.yaml", url, ""}), Options{}, "PHX-09"},
		{"a variable that may be set", sound(change{"k8s.yaml", url, ""}, change{"Dockerfile", "", ""}), Options{}, ""},
		{"a read-only root", sound(twice...), Options{}, "PHX-06"},
		{"a read-only root, for tzdata", sound(readOnly, change{"mix.exs", `{:bandit, "~> 1.5"}`, `{:tzdata, "~> 1.1"}`}), Options{}, ""},
		{"a release of another name", sound(starts("exec /app/bin/store start")...), Options{}, codeNoProgram},
		{"its own name", sound(starts("exec /app/bin/shop start")...), Options{}, ""},
		{"in the background", sound(starts("exec /app/bin/shop daemon")...), Options{}, "IMG-22"},
		{"decided about in a comment", sound(change{"k8s.yaml", url, ""}, change{"k8s.yaml", "        env:\n", "        # phial:ignore PHX-09 the webhook sets it\n        env:\n"}), Options{}, ""},
		{"decided about", sound(change{"k8s.yaml", url, ""}), Options{Ignore: []Ignore{{Codes: []string{"PHX-09"}, Reason: "the webhook sets it", At: manifest.Position{File: ConfigFile, Line: 1}}}}, ""},
		{"known before, and so all the same", sound(change{"k8s.yaml", url, ""}), Options{Baseline: &Baseline{}}, "PHX-09"},
		{"of rules that are not asked", sound(change{"k8s.yaml", url, ""}), Options{Rules: []*Rule{}}, "PHX-09"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := foreseen(t, shop(t, c.changes))
			for _, s := range in.Predicted().Replicas[0].Steps {
				t.Logf("as rules see it: %s", s.Text)
			}
			r := Run(in, c.options)
			if len(r.Meshes) != 1 {
				t.Fatal(len(r.Meshes))
			}
			m, errors := r.Meshes[0], 0
			for _, f := range r.Findings {
				if f.Severity == finding.Error && (f.Code != c.code || !strings.Contains(f.Cause, "not boot") && !strings.Contains(f.Cause, "not start") && !strings.Contains(f.Cause, "container ends")) {
					t.Errorf("%s: %s", f.Code, f.Cause)
				} else if f.Code == c.code && f.Severity == finding.Error {
					errors++
				}
			}
			if c.options.Rules == nil && (errors == 1) != (c.code != "") {
				t.Errorf("%d errors of %s", errors, c.code)
			}
			if whole := len(m.Islands) == 1; whole != (c.code == "") || len(m.Doubts) > 0 {
				t.Errorf("islands %v, doubts %q", m.Islands, m.Doubts)
			}
			for _, p := range m.Replicas {
				if down := p.Node == ""; down != (c.code != "") || p.Steps[0].State == mesh.Passed == down || p.Steps[0].Code != c.code || c.code != "" && p.Steps[0].At == (mesh.Place{}) {
					t.Errorf("%+v", p)
				}
			}
			if len(m.Groups) != 1 || m.Groups[0].Meant == "" {
				t.Errorf("%+v", m.Groups)
			}
		})
	}
}

// What is wrong beside a release that does not boot is told at once, and not when that is mended.
func TestDownHidesNothing(t *testing.T) {
	apart := strings.Replace(meshManifest, "shop@$(POD_IP)", "shop@a.$(POD_IP).example", 1)
	for _, runtime := range []string{"", "config :kernel, inet_dist_listen_min: 9100\n"} {
		if r := Run(predictedInput(t, apart, runtime, ""), Options{}); !strings.Contains(codes(r), "NAM-02") || strings.Contains(codes(r), "NET-07") != (runtime != "") {
			t.Errorf("%q: %s", runtime, codes(r))
		}
	}
}

// However many replicas there are, a few are followed, and it is said how many they stand for.
func TestScale(t *testing.T) {
	for replicas, want := range map[string]int{"1": 1, "3": 3, "5": 5, "6": 6, "80": 80} {
		in := predictedInput(t, strings.Replace(meshManifest, "replicas: 3", "replicas: "+replicas, 1), "", "")
		g := Run(in, Options{}).Meshes[0].Groups
		if len(g) != 1 || g[0].Replicas != want || len(g[0].Islands) != 1 || len(g[0].Islands[0]) != min(want, 5) {
			t.Errorf("%s: %+v", replicas, g)
		}
	}
	in := predictedInput(t, second("{name: LOG, value: info}"), "", "")
	if g := Run(in, Options{}).Meshes[0].Groups; len(g) != 1 || g[0].Replicas != 6 {
		t.Errorf("two workloads: %+v", g)
	}
}

// Two domains of one cluster can't both be right.
func TestTwoDomains(t *testing.T) {
	const query = "shop-headless.prod.svc.cluster.local"
	for _, c := range []struct {
		query, other string
		severity     finding.Severity // of NAM-10
		n            int
	}{
		{query, "redis.prod.svc.cluster.local", 0, 0},
		{"shop-headless.prod.svc.cluster.locl", "redis.prod.svc.cluster.local", finding.Error, 1},
		{"shop-headless.prod.svc.cluster.locl", "redis", finding.Warning, 1},
		{"shop-headless.prod.svc.k8s.example", "redis.prod.svc.cluster.local", finding.Warning, 1},
		{"shop-headless.prod.svc.k8s.example", "redis", 0, 0},
		{"shop-headless", "redis.prod.svc.k8s.example", 0, 0},
	} {
		manifests := strings.Replace(meshManifest, query, c.query, 1)
		manifests = strings.Replace(manifests, "        env:\n", "        env:\n        - {name: REDIS_HOST, value: "+c.other+"}\n", 1)
		n := 0
		for _, f := range Run(predictedInput(t, manifests, "", ""), Options{}).Findings {
			if f.Code != codeDomain {
				continue
			}
			if n++; f.Severity != c.severity || f.At.Line == 0 || !strings.Contains(f.Cause, c.query) {
				t.Errorf("%s, %s: %+v", c.query, c.other, f)
			}
		}
		if n != c.n {
			t.Errorf("%s, %s: %d of NAM-10", c.query, c.other, n)
		}
	}
}

// Two nodes in one pod are an error where they can't both boot, and the prediction says so.
func TestTwoNodes(t *testing.T) {
	beside := func(node string) string {
		return strings.Replace(meshManifest, "---\n", "      - name: jobs\n        image: shop:1.0.0\n        command: [/app/bin/shop, start]\n        env:\n"+
			"        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n        - {name: RELEASE_DISTRIBUTION, value: name}\n        - {name: RELEASE_NODE, value: "+node+"}\n---\n", 1)
	}
	image := strings.Replace(beside("shop@$(POD_IP)"), "        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n        - {name: RELEASE_COOKIE", "        - {name: RELEASE_COOKIE", 1)
	for name, c := range map[string]struct {
		manifests, script string
		severity          finding.Severity // of NET-09; Info: there is none
		doubt             bool
	}{
		"one":                     {meshManifest, "", finding.Info, false},
		"one name":                {beside("shop@$(POD_IP)"), "", finding.Error, true},
		"one name, by the script": {image, "export RELEASE_NODE=shop@$POD_IP\n", finding.Error, true},
		"two names":               {beside("jobs@$(POD_IP)"), "", finding.Warning, false},
		"one name on loopback":    {beside("shop@127.0.0.1"), "", finding.Info, false},
		"one name, perhaps":       {strings.Replace(beside("shop@$(POD_IP)"), "[/app/bin/shop, start]", "[sleep, infinity]", 1), "", finding.Warning, false},
	} {
		r := Run(predictedInput(t, c.manifests, "", c.script), Options{})
		found := finding.Info
		n := 0
		for _, f := range r.Findings {
			if f.Code == "NET-09" {
				n, found = n+1, f.Severity
			}
		}
		if found != c.severity || n > 1 || len(r.Meshes[0].Doubts) > 0 != c.doubt {
			t.Errorf("%s: %d of NET-09, %s; doubts %q", name, n, found, r.Meshes[0].Doubts)
		}
	}
}

// Over IPv6 nobody dials an IPv4 address: certain where the Service has those alone, a doubt where nothing says so.
func TestOverIPv6(t *testing.T) {
	six := strings.Replace(meshManifest, "        env:\n", "        env:\n        - {name: ERL_AFLAGS, value: -proto_dist inet6_tcp}\n", 1)
	for family, want := range map[string]finding.Severity{"  ipFamilies: [IPv4]\n": finding.Error, "": finding.Info} {
		found := 0
		for _, f := range Run(predictedInput(t, strings.Replace(six, "  clusterIP: None\n", "  clusterIP: None\n"+family, 1), "", ""), Options{}).Findings {
			if f.Code == finding.FamilyMismatch {
				if found++; f.Severity != want || !strings.Contains(f.Fix, "take -proto_dist out") {
					t.Errorf("%q: %+v", family, f)
				}
			}
		}
		if found != 1 {
			t.Errorf("%q: %d of NET-10", family, found)
		}
	}
	if r := Run(predictedInput(t, strings.Replace(six, "  clusterIP: None\n", "  clusterIP: None\n  ipFamilies: [IPv6]\n", 1), "", ""), Options{}); strings.Contains(codes(r), "NET-10") || len(r.Meshes[0].Islands) != 1 {
		t.Errorf("IPv6 over IPv6: %s", codes(r))
	}
}
