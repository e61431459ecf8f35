package project

import (
	"testing"
	"testing/fstest"
)

// Whether a path is answered is told by the routes, and not known where something else may answer it.
func TestRoutings(t *testing.T) {
	const (
		endpoint = "defmodule AWeb.Endpoint do\n  use Phoenix.Endpoint, otp_app: :a\n  socket \"/live\", Phoenix.LiveView.Socket\n  plug Plug.RequestId\n  if code_reloading? do\n    plug Phoenix.CodeReloader\n  end\n  plug Plug.Session, store: :cookie\n"
		router   = "defmodule AWeb.Router do\n  use AWeb, :router\n  import Phoenix.LiveDashboard.Router\n  pipeline :browser do\n    plug :accepts, [\"html\"]\n  end\n"
	)
	for name, c := range map[string]struct {
		plugs, routes string
		yes, no       []string
		unknown       []string
	}{
		"a route":                 {routes: `get "/health", AWeb.H, :show`, yes: []string{"/health", "health", "/health/", "/health?full=1"}, no: []string{"/healthz", "/", "/health/ready"}},
		"by post alone":           {routes: `post "/health", AWeb.H, :show`, no: []string{"/health"}},
		"in scopes":               {routes: "scope \"/api\", AWeb do\n    pipe_through :browser\n    scope \"/v1\" do\n      get \"/health\", H, :show\n    end\n    get \"/other\", O, :show\n  end", yes: []string{"/api/v1/health", "/api/other"}, no: []string{"/health", "/api/health"}},
		"a scope by keywords":     {routes: "scope path: \"/api\", alias: AWeb do\n    get \"/health\", H, :show\n  end", yes: []string{"/api/health"}, no: []string{"/health"}},
		"a scope without a path":  {routes: "scope AWeb do\n    get \"/health\", H, :show\n  end", yes: []string{"/health"}},
		"a parameter":             {routes: `get "/users/:id", AWeb.U, :show`, yes: []string{"/users/1"}, no: []string{"/users", "/users/1/x"}},
		"all that is below":       {routes: `get "/*path", AWeb.P, :show`, yes: []string{"/health", "/a/b"}},
		"forward":                 {routes: `forward "/health", AWeb.H`, yes: []string{"/health", "/health/db"}, no: []string{"/"}},
		"resources":               {routes: `resources "/users", AWeb.U, only: [:show]`, yes: []string{"/users/1"}, no: []string{"/health"}},
		"LiveView":                {routes: "live_session :default do\n    live \"/home\", AWeb.Home\n  end", yes: []string{"/home"}, no: []string{"/health"}},
		"a condition":             {routes: "if Application.compile_env(:a, :dev) do\n    get \"/dev\", AWeb.D, :show\n  else\n    get \"/prod\", AWeb.D, :show\n  end", yes: []string{"/dev", "/prod"}, no: []string{"/health"}},
		"any verb":                {routes: `match :*, "/health", AWeb.H, :show`, yes: []string{"/health"}},
		"a macro with a path":     {routes: `live_dashboard "/dashboard", metrics: A.T`, yes: []string{"/dashboard/home"}, no: []string{"/health"}},
		"a macro without":         {routes: "pow_routes()", unknown: []string{"/health"}},
		"a route by a macro":      {routes: "pow_routes()\n  get \"/health\", AWeb.H, :show", yes: []string{"/health"}, unknown: []string{"/ready"}},
		"a path that is computed": {routes: "get @path, AWeb.H, :show", unknown: []string{"/health"}},
		"a plug of its own":       {plugs: "plug AWeb.Health", routes: `get "/", AWeb.P, :show`, yes: []string{"/"}, unknown: []string{"/health"}},
		"a plug by function":      {plugs: "plug :health", routes: `get "/", AWeb.P, :show`, unknown: []string{"/health"}},
		"a router that is used":   {routes: "use Kaffy.Routes", unknown: []string{"/health"}},
		"a call of its own":       {plugs: "def call(conn, opts), do: super(conn, opts)", routes: `get "/", AWeb.P, :show`, unknown: []string{"/health"}},
		"a file that is broken":   {routes: "get \"/\", AWeb.P, :show\n  )", unknown: []string{"/health"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Read(fstest.MapFS{
				"mix.exs":               {Data: []byte("defmodule A.MixProject do\n  def project, do: [app: :a]\nend\n")},
				"lib/a_web/endpoint.ex": {Data: []byte(endpoint + "  " + c.plugs + "\n  plug AWeb.Router\nend\n")},
				"lib/a_web/router.ex":   {Data: []byte(router + "  " + c.routes + "\nend\n")},
			})
			if err != nil || len(p.Routings) != 1 {
				t.Fatal(p, err)
			}
			r := p.Routings[0]
			for want, paths := range map[[2]bool][]string{{true, true}: c.yes, {false, true}: c.no, {false, false}: c.unknown} {
				for _, path := range paths {
					if answers, known := r.Answers(path); [2]bool{answers, known} != want {
						t.Errorf("%s: answered %v, known %v, want %v (%q, %v)", path, answers, known, want, r.Unread, r.Patterns)
					}
				}
			}
		})
	}
}

// Without a router nothing is known.
func TestRoutingWithoutRouter(t *testing.T) {
	p, err := Read(fstest.MapFS{
		"mix.exs":      {Data: []byte("defmodule A.MixProject do\n  def project, do: [app: :a]\nend\n")},
		"lib/a/web.ex": {Data: []byte("defmodule A.Web do\n  use Phoenix.Endpoint, otp_app: :a\nend\n")},
	})
	if err != nil || len(p.Routings) != 1 {
		t.Fatal(err)
	}
	if answers, known := p.Routings[0].Answers("/"); answers || known {
		t.Error("it is known that nothing answers")
	}
}
