package project

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// What of a project is no Elixir is said with its place, and what the configuration would say is then not known.
func TestBroken(t *testing.T) {
	const (
		mixFile = "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, deps: [{:libcluster, \"~> 3.4\"}]]\n  def application, do: [mod: {Shop.Start, []}]\nend\n"
		config  = "import Config\nconfig :shop, Shop.Endpoint, url: [host: \"localhost\"]\n"
		runtime = "import Config\nconfig :shop, Shop.Endpoint, url: [host: \"shop.example.com\"]\n"
		app     = "defmodule Shop.Application do\n  use Application\n  def start(_, _), do: Supervisor.start_link([Shop.Repo], strategy: :one_for_one)\nend\n"
	)
	for name, c := range map[string]struct {
		file, text string
		want       []string
		host       string // of the endpoint, as the configuration has it
		unclear    string // of the application's supervisor
	}{
		"sound":             {"config/runtime.exs", runtime, nil, `"shop.example.com"`, ""},
		"a configuration":   {"config/runtime.exs", "import Config\nif System.get_env(\"X\" do\n  config :shop, Shop.Endpoint, url: [host: \"a\"]\nend\n", []string{"config/runtime.exs:2:23: syntax error before: do"}, "?", ""},
		"an empty end":      {"config/runtime.exs", runtime + "config :shop, X,", []string{"config/runtime.exs:3:17: syntax error: expression is incomplete"}, "?", ""},
		"of development":    {"config/dev.exs", "[[[", nil, `"shop.example.com"`, ""},
		"of nobody's":       {"config/old.exs", "[[[", nil, `"shop.example.com"`, ""},
		"no text":           {"config/runtime.exs", "import Config\n\x00\xff", []string{"config/runtime.exs:2:1: it is no text"}, "?", ""},
		"an application":    {"lib/shop/application.ex", "defmodule Shop.Application do\n  use Application\n  def start(_, _), do: Supervisor.start_link([Shop.Repo, strategy: :one_for_one)\nend\n", []string{"lib/shop/application.ex:3:80: syntax error before: )"}, `"shop.example.com"`, "lib/shop/application.ex could not be read whole"},
		"another of lib":    {"lib/shop/a.ex", "defmodule Shop.A do\n  use Phoenix.Presence, [[[\nend\n", []string{"lib/shop/a.ex:3:1: syntax error before: end"}, `"shop.example.com"`, "lib/shop/a.ex could not be read whole"},
		"what starts it":    {"lib/shop/start.ex", "defmodule Shop.Start do [[[\n", []string{"lib/shop/start.ex:2:1: syntax error: expression is incomplete"}, `"shop.example.com"`, "lib/shop/start.ex could not be read whole"},
		"what is Elixir":    {"lib/shop/c.ex", "defmodule Shop.C do\n  use Phoenix.Presence, otp_app: :shop\n  def f(µs, а), do: {µs, а}\nend\n", nil, `"shop.example.com"`, ""},
		"what says nothing": {"lib/shop/b.ex", "defmodule Shop.B do [[[\n", nil, `"shop.example.com"`, ""},
		"mix.exs":           {"mix.exs", "defmodule M do [[[\n", []string{"mix.exs:2:1: syntax error: expression is incomplete"}, `"shop.example.com"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for file, text := range map[string]string{"mix.exs": mixFile, "config/config.exs": config, "config/runtime.exs": runtime, "lib/shop/application.ex": app, c.file: c.text} {
				tree[file] = &fstest.MapFile{Data: []byte(text)}
			}
			if c.file == "mix.exs" {
				tree["mix.exs"] = &fstest.MapFile{Data: []byte(c.text)}
			} else {
				tree[c.file] = &fstest.MapFile{Data: []byte(c.text)}
			}
			p, err := Read(tree)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, b := range p.Broken {
				got = append(got, b.At.String()+": "+b.What)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			host := p.Setting("shop", "Shop.Endpoint", "url", "host")
			if said := host.String(); host.Kind == ExprUnknown != (c.host == "?") || c.host != "?" && said != c.host {
				t.Errorf("the host is %s, want %s", said, c.host)
			}
			if len(p.Supervisors) == 0 && c.unclear != "" || len(p.Supervisors) > 0 && p.Supervisors[0].Unclear != c.unclear {
				t.Errorf("supervisors: %+v, want one that is unclear for %q", p.Supervisors, c.unclear)
			}
			if len(got) > 0 && c.file != "mix.exs" && p.TopologiesUnread.Absent() {
				t.Error("topologies are taken for known")
			}
		})
	}
}

// Who answers a health check is found through the router, and what it calls.
func TestAnswer(t *testing.T) {
	const mixFile = "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop]\nend\n"
	controller := func(body string) string {
		return "defmodule ShopWeb.HealthController do\n  use ShopWeb, :controller\n" + body + "\nend\n"
	}
	const file = "lib/shop_web/controllers/health_controller.ex"
	for name, c := range map[string]struct {
		router, file, text string
		want               *Answer
	}{
		"a controller":          {`get "/health", ShopWeb.HealthController, :show`, file, controller(`def show(conn, _), do: json(conn, %{ok: true})`), &Answer{Module: "ShopWeb.HealthController"}},
		"below a scope":         {"scope \"/\", ShopWeb do\n    get \"/health\", HealthController, :show\n  end", file, controller(`def show(conn, _), do: text(conn, "ok")`), &Answer{Module: "ShopWeb.HealthController"}},
		"an alias of the scope": {"scope \"/\", alias: ShopWeb do\n    get \"/health\", HealthController, :show\n  end", file, controller(`def show(conn, _), do: text(conn, "ok")`), &Answer{Module: "ShopWeb.HealthController"}},
		"where Elixir has it":   {`get "/health", ShopWeb.HealthController, :show`, "lib/shop_web/health_controller.ex", controller(`def show(conn, _), do: text(conn, "ok")`), &Answer{Module: "ShopWeb.HealthController"}},
		"the others": {`get "/health", ShopWeb.HealthController, :show`, file, controller(`def show(conn, _), do: if(Node.list() == [], do: send_resp(conn, 503, ""), else: text(conn, "ok"))`),
			&Answer{Module: "ShopWeb.HealthController", Calls: []string{"Node.list"}, Refuses: true}},
		"by a function of its own": {`get "/health", ShopWeb.HealthController, :show`, file, controller("def show(conn, _), do: conn |> answer()\n  defp answer(conn) do\n    Shop.Repo.query!(\"select 1\")\n    resp(conn, :service_unavailable, \"\")\n  end"),
			&Answer{Module: "ShopWeb.HealthController", Calls: []string{"Shop.Repo.query!"}, Refuses: true}},
		"another action": {`get "/health", ShopWeb.HealthController, :show`, file, controller("def show(conn, _), do: text(conn, \"ok\")\n  def ready(conn, _), do: Shop.Repo.query!(conn)"), &Answer{Module: "ShopWeb.HealthController"}},
		"what is imported": {`get "/health", ShopWeb.HealthController, :show`, file, controller(`def show(conn, _), do: text(conn, healthy?())`),
			&Answer{Module: "ShopWeb.HealthController", Unclear: true}},
		"a plug before it": {`get "/health", ShopWeb.HealthController, :show`, file, controller("plug :check\n  def show(conn, _), do: text(conn, \"ok\")"), &Answer{Module: "ShopWeb.HealthController", Unclear: true}},
		"no action":        {`get "/health", ShopWeb.HealthController, :show`, file, controller(`def other(conn, _), do: text(conn, "ok")`), nil},
		"no controller":    {`get "/health", ShopWeb.OtherController, :show`, file, "", nil},
		"forward":          {`forward "/health", ShopWeb.Health`, "lib/shop_web/plugs/health.ex", "defmodule ShopWeb.Health do\n  def call(conn, _), do: Plug.Conn.send_resp(conn, 200, \"\")\nend\n", &Answer{Module: "ShopWeb.Health", Calls: []string{"Plug.Conn.send_resp"}}},
		"it calls itself":  {`get "/health", ShopWeb.HealthController, :show`, file, controller(`def show(conn, x), do: show(conn, x)`), &Answer{Module: "ShopWeb.HealthController"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Read(fstest.MapFS{
				"mix.exs":                {Data: []byte(mixFile)},
				"lib/shop_web/router.ex": {Data: []byte("defmodule ShopWeb.Router do\n  use Phoenix.Router\n  " + c.router + "\nend\n")},
				c.file:                   {Data: []byte(c.text)},
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Health) != 1 {
				t.Fatalf("%+v", p.Health)
			}
			if d := cmp.Diff(c.want, p.Health[0].Answer); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
