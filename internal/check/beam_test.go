package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// workload is a Deployment with one container.
func workload(name, image, more string) string {
	return "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + "}\nspec:\n  template:\n    metadata: {labels: {app: " + name + "}}\n    spec:\n      containers:\n      - name: c\n        image: " + image + "\n" + more
}

var mix = map[string]string{"mix.exs": "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :my_shop, version: \"0.1.0\", releases: [web: []]]\nend\n"}

// What is taken for a release, and why; and what is not.
func TestBeam(t *testing.T) {
	const container = "its container c "
	for name, c := range map[string]struct {
		text    string
		project bool
		want    map[string]string
	}{
		"by a variable":    {workload("a", "x", "        env: [{name: ERL_FLAGS, value: x}]\n"), false, map[string]string{"Deployment a": container + "sets ERL_FLAGS"}},
		"by its command":   {workload("a", "x", "        command: [/app/bin/shop, start]\n"), false, map[string]string{"Deployment a": container + "runs /bin/shop start"}},
		"by a shell":       {workload("a", "x", "        args: [sh, -c, 'exec bin/shop start']\n"), false, map[string]string{"Deployment a": container + "runs bin/shop start"}},
		"by mix":           {workload("a", "x", "        command: [mix, phx.server]\n"), false, map[string]string{"Deployment a": container + "runs mix phx.server"}},
		"by EPMD's port":   {workload("a", "x", "        ports: [{containerPort: 4369}]\n"), false, map[string]string{"Deployment a": container + "has EPMD's port"}},
		"by nothing":       {workload("a", "x", "        env: [{name: RELEASE_VERSION, value: x}]\n        command: [bin/rails, server]\n"), false, nil},
		"RabbitMQ":         {workload("a", "docker.io/library/rabbitmq:3", "        ports: [{containerPort: 4369}]\n"), false, nil},
		"by the project":   {workload("a", "registry.example.com/my-shop:1", "") + workload("b", "postgres:16", ""), true, map[string]string{"Deployment a": "its image is called as the project is, my_shop"}},
		"by its release":   {workload("a", "registry.example.com:5000/web@sha256:00", "") + workload("b", "postgres:16", ""), true, map[string]string{"Deployment a": "its image is called as the project is, web"}},
		"alone":            {workload("a", "other:1", ""), true, map[string]string{"Deployment a": "it is the only workload beside mix.exs"}},
		"a service alone":  {workload("a", "docker.io/library/postgres:16", ""), true, nil},
		"a proxy alone":    {workload("a", "nginx:1.7.9", ""), true, nil},
		"not alone":        {workload("a", "other:1", "") + workload("b", "another:1", ""), true, nil},
		"alone, no mix":    {workload("a", "other:1", ""), false, nil},
		"others' of names": {strings.Replace(workload("a", "x", "        command: [bin/shop, start]\n"), "apps/v1", "example.com/v1", 1), false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, map[string]string{"a.yaml": c.text})
			in := input(t, "a.yaml")
			if c.project {
				in = withProject(t, in, mix)
			}
			var got map[string]string
			for _, b := range Run(in, Options{}).Looked.Beams {
				if got == nil {
					got = map[string]string{}
				}
				got[b.Workload] = b.Why
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// With a project at hand a doubt becomes a warning, or goes.
func TestProjectSettlesDoubts(t *testing.T) {
	text := workload("a", "x", "        env:\n        - {name: PHX_SERVER, value: x}\n        - name: ERLANG_COOKIE\n          valueFrom: {secretKeyRef: {name: a, key: b}}\n        - name: ERL_DIST_PORT\n          value: '9137'\n")
	write(t, map[string]string{"a.yaml": text})
	only := rules(t, "COO-07", "NET-14")
	old := map[string]string{"mix.exs": strings.Replace(mix["mix.exs"], "releases:", "deps: [{:distillery, \"~> 2.1\"}], releases:", 1)}
	reads := map[string]string{"mix.exs": mix["mix.exs"], "rel/env.sh.eex": "export RELEASE_COOKIE=$ERLANG_COOKIE\n-kernel inet_dist_listen_min $ERL_DIST_PORT\n"}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"no project":  {nil, []string{"a.yaml:14 info COO-07", "a.yaml:16 info NET-14"}},
		"not read":    {mix, []string{"a.yaml:14 warning COO-07", "a.yaml:16 warning NET-14"}},
		"Distillery":  {old, []string{"a.yaml:16 warning NET-14"}},
		"read by env": {reads, []string{"a.yaml:16 info NET-14"}},
	} {
		in := input(t, "a.yaml")
		if c.files != nil {
			in = withProject(t, in, c.files)
		}
		report := Run(in, Options{Rules: only})
		if d := cmp.Diff(c.want, found(report)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if fixed := Fix(in, report); name == "not read" && (len(fixed) != 1 || !strings.Contains(fixed[0].After, "- name: RELEASE_COOKIE\n")) {
			t.Errorf("%s: %+v", name, fixed)
		}
	}
}
