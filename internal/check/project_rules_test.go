package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// change is one thing that is different from the sound project: in a file, a text in place of another. Without one to be
// replaced it is the whole file, and without either there is no such file.
type change struct{ file, old, new string }

// projectCase is a rule's case, or, where nothing is wanted, a twin of one.
type projectCase struct {
	name    string
	changes []change
	want    []string // severity, file and what stands on the line: "error k8s.yaml: env:"
}

// shop is the sound project, changed.
func shop(t *testing.T, changes []change) *Input {
	t.Helper()
	a, err := txtar.ParseFile("testdata/project/shop.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	for _, c := range changes {
		if c.old == "" {
			if files[c.file] = c.new; c.new == "" {
				delete(files, c.file)
			}
			continue
		}
		if !strings.Contains(files[c.file], c.old) {
			t.Fatalf("%s has no %q", c.file, c.old)
		}
		files[c.file] = strings.ReplaceAll(files[c.file], c.old, c.new)
	}
	var sources []manifest.Source
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".yaml") {
			sources = append(sources, manifest.Source{Name: name, Text: []byte(files[name])})
			delete(files, name)
		}
	}
	in := withProject(t, &Input{Objects: manifest.ReadObjects(sources), Now: today}, files)
	in.Root = ""
	return in
}

// foundOn lists what a rule found, as it is wanted.
func foundOn(in *Input, code finding.Code) []string {
	var all []string
	note := func(f Finding) {
		if f.Code != code {
			return
		}
		text, _ := in.Text(f.At.File)
		lines := strings.Split(text, "\n")
		where := "the file"
		if n := f.At.Line; n > 0 && n <= len(lines) {
			where = strings.TrimSpace(lines[n-1])
		}
		all = append(all, fmt.Sprintf("%s %s: %s", f.Severity, f.At.File, where))
	}
	for _, f := range Run(in, Options{}).Findings {
		note(f)
		for _, b := range f.Beneath {
			note(b)
		}
	}
	return all
}

// Every rule that looks at project and manifests together fires on its cases, on the very lines, and is silent on their twins.
func TestProjectRules(t *testing.T) {
	for code, cases := range projectCases {
		t.Run(string(code), func(t *testing.T) {
			fires, silent := 0, 0
			for _, c := range cases {
				if len(c.want) > 0 {
					fires++
				} else {
					silent++
				}
				got := foundOn(shop(t, c.changes), code)
				if d := cmp.Diff(c.want, got); d != "" {
					t.Errorf("%s (-want +got):\n%s", c.name, d)
				}
			}
			if fires == 0 || silent == 0 {
				t.Errorf("%d cases and %d twins: there must be one of each", fires, silent)
			}
		})
	}
}

// The sound project is clean: neither errors nor warnings.
func TestSoundProjectIsClean(t *testing.T) {
	clustered := []change{
		{"k8s.yaml", "        - name: PHX_HOST\n", "        - name: POD_IP\n          valueFrom: {fieldRef: {fieldPath: status.podIP}}\n        - name: RELEASE_COOKIE\n          valueFrom: {secretKeyRef: {name: shop, key: cookie}}\n        - name: DNS_CLUSTER_QUERY\n          value: shop-headless.prod.svc.cluster.local\n        - name: PHX_HOST\n"},
		{"rel/env.sh.eex", "", "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=\"<%= @release.name %>@${POD_IP}\"\n"},
		{"headless.yaml", "", "apiVersion: v1\nkind: Service\nmetadata: {name: shop-headless, namespace: prod}\nspec:\n  clusterIP: None\n  publishNotReadyAddresses: true\n  selector: {app: shop}\n  ports: [{name: epmd, port: 4369}]\n"},
	}
	script := []change{
		{"rel/overlays/bin/server", "", "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"},
		{"Dockerfile", `CMD ["/app/bin/shop", "start"]`, `CMD ["/app/bin/server"]`},
		{"k8s.yaml", "        - name: PHX_SERVER\n          value: \"true\"\n", ""},
	}
	worker := []change{{"worker.yaml", "", `apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-worker, namespace: prod}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop-worker}}
  template:
    metadata: {labels: {app: shop-worker}}
    spec:
      terminationGracePeriodSeconds: 60
      securityContext: {runAsNonRoot: true}
      containers:
      - name: worker
        image: registry.example.com/shop:0.3.0
        env:
        - name: SECRET_KEY_BASE
          valueFrom: {secretKeyRef: {name: shop, key: secret}}
        - name: DATABASE_URL
          valueFrom: {secretKeyRef: {name: shop, key: database}}
        resources:
          limits: {memory: 1Gi}
`}}
	umbrella := []change{
		{"mix.exs", "", "defmodule Shops.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: \"apps\", version: \"0.3.0\", releases: [shop: [applications: [shop: :permanent]], mailer: [applications: [mailer: :permanent]]]]\nend\n"},
		{"apps/shop/mix.exs", "", "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: \"0.3.0\"]\nend\n"},
		{"apps/mailer/mix.exs", "", "defmodule Mailer.MixProject do\n  use Mix.Project\n  def project, do: [app: :mailer, version: \"0.3.0\"]\nend\n"},
		{"apps/mailer/lib/mailer/endpoint.ex", "", "defmodule Mailer.Endpoint do\n  use Phoenix.Endpoint, otp_app: :mailer\n  socket \"/mail\", Mailer.Socket\nend\n"},
		{"apps/shop/lib/shop_web/endpoint.ex", "", "defmodule ShopWeb.Endpoint do\n  use Phoenix.Endpoint, otp_app: :shop\nend\n"},
		{"lib/shop_web/endpoint.ex", "", ""}, {"lib/shop_web/router.ex", "", ""}, {"lib/shop/application.ex", "", ""}, {"lib/shop/repo.ex", "", ""},
	}
	for name, changes := range map[string][]change{
		"not clustered": nil, "clustered": clustered, "started by a script": script, "a worker beside it": worker, "an umbrella": umbrella,
	} {
		for _, f := range Run(shop(t, changes), Options{Severity: finding.Warning}).Findings {
			t.Errorf("%s: %s: %s %s %s: %s", name, f.At, f.Severity, f.Code, f.Subject, f.Cause)
		}
	}
}

// What one release of an umbrella has is no business of another's workload.
func TestReleasesOfAnUmbrella(t *testing.T) {
	changes := []change{
		{"mix.exs", "", "defmodule Shops.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: \"apps\", version: \"0.3.0\", releases: [shop: [applications: [shop: :permanent]], mailer: [applications: [mailer: :permanent]]]]\nend\n"},
		{"apps/shop/mix.exs", "", "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: \"0.3.0\", deps: []]\nend\n"},
		{"apps/mailer/mix.exs", "", "defmodule Mailer.MixProject do\n  use Mix.Project\n  def project, do: [app: :mailer, version: \"0.3.0\"]\nend\n"},
		{"apps/mailer/lib/mailer/workers.ex", "", "defmodule Mailer.Workers do\n  use Horde.DynamicSupervisor\nend\n"},
	}
	depends := append(slices.Clone(changes), change{"apps/shop/mix.exs", "deps: []", "deps: [{:mailer, in_umbrella: true}]"})
	other := append(slices.Clone(changes), change{"k8s.yaml", "/shop:0.3.0", "/mailer:0.3.0"})
	for name, c := range map[string]struct {
		changes []change
		want    []string
	}{
		"another's":                     {changes, nil},
		"by way of another application": {depends, []string{"info apps/mailer/lib/mailer/workers.ex: use Horde.DynamicSupervisor"}},
		"its own":                       {other, []string{"info apps/mailer/lib/mailer/workers.ex: use Horde.DynamicSupervisor"}},
	} {
		if d := cmp.Diff(c.want, foundOn(shop(t, c.changes), "STA-01")); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
