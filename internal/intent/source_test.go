package intent

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

const (
	cluster = "{Cluster.Supervisor, [topologies, [name: Shop.ClusterSupervisor]]}"
	byDNS   = "import Config\nconfig :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: \"shop-headless\", application_name: \"shop\"]]]\n"
)

// appOf reads a sound project with other files in it; one without a text is taken away.
func appOf(t *testing.T, files map[string]string) App {
	t.Helper()
	all := fstest.MapFS{}
	for _, some := range []map[string]string{{
		"mix.exs": mixExs, "config/config.exs": "import Config\nimport_config \"#{config_env()}.exs\"\n", "config/prod.exs": "import Config\n",
		"config/runtime.exs": byDNS, "lib/shop/application.ex": application(cluster),
	}, files} {
		for name, text := range some {
			all[name] = &fstest.MapFile{Data: []byte(text)}
			if text == "" {
				delete(all, name)
			}
		}
	}
	p, err := project.Read(all)
	if err != nil {
		t.Fatal(err)
	}
	return AppOf(p, project.Pos.String)
}

// kernel's port may stand in the configuration, where that is read before kernel starts.
func TestPortOfTheConfiguration(t *testing.T) {
	port := func(n string) string {
		return "import Config\nconfig :kernel, inet_dist_listen_min: " + n + ", inet_dist_listen_max: " + n + "\n"
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		first uint16
		why   string
	}{
		{"nowhere", nil, 0, ""},
		{"config/prod.exs", map[string]string{"config/prod.exs": port("9100")}, 9100, ""},
		{"config/config.exs", map[string]string{"config/config.exs": port("9100")}, 9100, ""},
		{"config/dev.exs", map[string]string{"config/dev.exs": port("9100")}, 0, ""},
		{"at boot, where it comes too late", map[string]string{"config/runtime.exs": byDNS + port("9100")}, 0, ""},
		{"at boot as well", map[string]string{"config/prod.exs": port("9100"), "config/runtime.exs": byDNS + port("9200")}, 9100, ""},
		{"vm.args has it", map[string]string{"config/prod.exs": port("9100"), "rel/vm.args.eex": "-kernel inet_dist_listen_min 9300\n"}, 9300, ""},
		{"computed", map[string]string{"config/prod.exs": port("Shop.Ports.dist()")}, 0, "config/prod.exs:2"},
		{"of the machine that builds", map[string]string{"config/prod.exs": port(`String.to_integer(System.get_env("DIST") || "9100")`)}, 0, "DIST"},
		{"under a condition", map[string]string{"config/prod.exs": "import Config\nif System.get_env(\"DIST\") do\n  config :kernel, inet_dist_listen_min: 9100\nend\n"}, 0, "DIST"},
		{"a file that is not there", map[string]string{"config/prod.exs": "import Config\nimport_config \"prod.secret.exs\"\n"}, 0, "prod.secret.exs"},
		{"what is not followed at boot", map[string]string{"config/runtime.exs": byDNS + "Shop.Config.load()\n"}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, hand)
			r := Of(t.Context(), set, of(appOf(t, c.files), runsOf(set)), "").Replicas[0]
			if r.ListenMin != c.first || r.ListenMax != c.first || (r.ListenWhy == "") != (c.why == "") || !strings.Contains(r.ListenWhy, c.why) {
				t.Errorf("port %d to %d, %q; want %d, %q", r.ListenMin, r.ListenMax, r.ListenWhy, c.first, c.why)
			}
		})
	}
}

// The port is known without the name, and not known where it is not followed what the node
// is started with.
func TestPortWithoutName(t *testing.T) {
	const flags = "-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9100\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		first uint16
		why   string
	}{
		{"a ConfigMap beside", map[string]string{}, 9100, ""},
		{"a computed name", map[string]string{"rel/env.sh.eex": "export RELEASE_NODE=shop@$(ip addr)\n"}, 9100, ""},
		{"a script that is not followed", map[string]string{"rel/env.sh.eex": "export RELEASE_NODE=${X//./-}\n"}, 9100, ""},
		{"one that may set flags", map[string]string{"rel/env.sh.eex": "export ERL_AFLAGS=${X//./-}\n"}, 0, "sh does not have this"},
		{"flags of the script", map[string]string{"rel/env.sh.eex": "export ERL_AFLAGS=$(cat /flags)\n"}, 0, "ERL_AFLAGS"},
		{"flags of a ConfigMap, perhaps", map[string]string{"rel/vm.args.eex": "+sbwt none\n"}, 0, "ConfigMap shop"},
		{"another start", map[string]string{"Dockerfile": "FROM debian:12\nCMD [\"mix\", \"phx.server\"]\n"}, 0, "mix"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.files["rel/vm.args.eex"] == "" {
				c.files["rel/vm.args.eex"] = flags
			}
			set := read(t, strings.Replace(podWith(hand, ""), "        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n", 1))
			r := Of(t.Context(), set, of(appOf(t, c.files), runsOf(set)), "").Replicas[0]
			if r.ListenMin != c.first || (r.ListenWhy == "") != (c.why == "") || !strings.Contains(r.ListenWhy, c.why) {
				t.Errorf("port %d, %q; want %d, %q", r.ListenMin, r.ListenWhy, c.first, c.why)
			}
		})
	}
}

// What could not be read is not known: nobody says that nodes stay alone for it.
func TestNotRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		doubt string // empty: the mesh is known
	}{
		{"all is read", nil, ""},
		{"no application", map[string]string{"lib/shop/application.ex": ""}, "Shop.Application, which starts the app (mix.exs:"},
		{"a broken application", map[string]string{"lib/shop/application.ex": "def x( do\n"}, "lib/shop/application.ex:1:"},
		{"another end", map[string]string{"config/runtime.exs": strings.Replace(byDNS, "config :lib", "if true do\n  :ok\nen\nconfig :lib", 1)}, "config/runtime.exs:"},
		{"a comma", map[string]string{"config/runtime.exs": strings.Replace(byDNS, "DNS,", "DNS", 1)}, "config/runtime.exs:2:"},
		{"a bracket", map[string]string{"config/runtime.exs": strings.Replace(byDNS, "\n", "\nif System.get_env(\"A\" do\nend\n", 1)}, "config/runtime.exs:2:"},
		{"a behaviour without its use", map[string]string{"lib/shop/application.ex": strings.Replace(application(cluster), "use Application", "@behaviour Application", 1)}, ""},
		{"of Erlang", map[string]string{"mix.exs": strings.Replace(mixExs, "{Shop.Application", "{:shop_app", 1), "lib/shop/application.ex": ""}, "shop_app, which starts the app"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, hand)
			p := mesh.Predict(Of(t.Context(), set, of(appOf(t, c.files), runsOf(set)), ""))
			if doubts := strings.Join(p.Doubts, "; "); (doubts == "") != (c.doubt == "") || !strings.Contains(doubts, c.doubt) || (c.doubt == "") != (len(p.Islands) == 1) {
				t.Errorf("islands %s, doubts %q; want %q", islands(p), doubts, c.doubt)
				tell(t, p)
			}
		})
	}
}

// A health check of the project's own may wait for other nodes where its code asks for them.
func TestReadyByCode(t *testing.T) {
	probed := strings.Replace(hand, "        env:\n", "        readinessProbe: {httpGet: {path: /health, port: 4000}}\n        env:\n", 1)
	const router = "defmodule ShopWeb.Router do\n  use Phoenix.Router\n  get \"/health\", ShopWeb.HealthController, :show\nend\n"
	controller := func(body string) string {
		return "defmodule ShopWeb.HealthController do\n  use Phoenix.Controller\n  def show(conn, _), do: " + body + "\nend\n"
	}
	const asks = "defmodule Shop.Peers do\n  def any?, do: Node.list() != []\nend\n"
	for _, c := range []struct {
		name, manifests string
		files           map[string]string
		ready           mesh.Tri
		why             string
	}{
		{"no probe", hand, nil, mesh.Yes, ""},
		{"a probe", probed, map[string]string{"lib/shop_web/health.ex": controller("text(conn, \"ok\")")}, mesh.Yes, ""},
		{"that asks", probed, map[string]string{"lib/shop_web/health.ex": controller("if(Node.list() == [], do: send_resp(conn, 503, \"\"), else: text(conn, \"ok\"))")}, mesh.Unknown, "by Node.list"},
		{"that asks through others", probed, map[string]string{"lib/shop_web/health.ex": controller("text(conn, inspect(Shop.Peers.any?()))"), "lib/shop/peers.ex": asks}, mesh.Unknown, "lib/shop/peers.ex:2:"},
		{"of which others ask", probed, map[string]string{"lib/shop_web/health.ex": controller("text(conn, \"ok\")"), "lib/shop/peers.ex": asks}, mesh.Yes, ""},
		{"that nobody answers", probed, map[string]string{"lib/shop/peers.ex": asks}, mesh.Unknown, "Node.list"},
		{"by a command", strings.Replace(probed, "httpGet: {path: /health, port: 4000}", "exec: {command: [bin/shop, rpc, 'true = Node.list() != []']}", 1), nil, mesh.Unknown, "asks for the nodes"},
		{"of its start", strings.Replace(strings.Replace(probed, "readinessProbe", "startupProbe", 1), "/health", "/joined", 1), nil, mesh.No, ""},
		{"by its name", strings.Replace(probed, "/health", "/joined", 1), nil, mesh.No, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"lib/shop_web/router.ex": router}
			for k, v := range c.files {
				files[k] = v
			}
			set := read(t, c.manifests)
			r := Of(t.Context(), set, of(appOf(t, files), runsOf(set)), "").Replicas[0]
			if r.ReadyAlone != c.ready || (r.ReadyWhy == "") != (c.why == "") || !strings.Contains(r.ReadyWhy, c.why) {
				t.Errorf("ready alone: %v, %q; want %v, %q", r.ReadyAlone, r.ReadyWhy, c.ready, c.why)
			}
		})
	}
}

// What sh is hangs on the image: dash ends where only others go on.
func TestShellOfTheImage(t *testing.T) {
	const script = "export RELEASE_NODE=shop@${POD_IP//./-}.prod.pod.cluster.local\n"
	for name, c := range map[string]struct {
		dockerfile string
		ends, told bool
	}{
		"debian":                    {"FROM debian:bookworm-slim\n", true, false},
		"debian by an argument":     {"ARG BASE=docker.io/debian:12@sha256:0000\nFROM ${BASE}\n", true, false},
		"of hexpm":                  {"FROM hexpm/elixir:1.17.3-erlang-27.1.2-debian-bookworm-20241016-slim\n", true, false},
		"of hexpm, alpine":          {"FROM hexpm/elixir:1.17.3-erlang-27.1.2-alpine-3.20.3\n", false, false},
		"official":                  {"FROM elixir:1.17-slim\n", true, false},
		"official, alpine":          {"FROM elixir:1.17-alpine\n", false, false},
		"alpine":                    {"FROM debian:12 AS build\nRUN mix release\nFROM alpine:3.20\n", false, false},
		"ubuntu with another shell": {"FROM ubuntu:24.04\nRUN ln -sf /bin/bash /bin/sh\n", false, true},
		"another":                   {"FROM registry.example/base:1\n", false, true},
		"none":                      {"", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"rel/env.sh.eex": script, "Dockerfile": c.dockerfile}
			set := read(t, podWith(hand, ""))
			r := Of(t.Context(), set, of(appOf(t, files), runsOf(set)), "").Replicas[0]
			told := r.NoNode == "" && r.Code == "NAM-04"
			if ends := r.NoNode != "" && r.Code == "NAM-04"; ends != c.ends || told != c.told || !ends && r.Node.Known() {
				t.Errorf("ends: %v, doubt told: %v; want %v, %v\n%+v", ends, told, c.ends, c.told, r)
			}
		})
	}
}
