package project

import (
	"slices"
	"strings"
)

// Endpoint is a Phoenix endpoint, with what the configuration of a release says of it. What it does not say is absent.
type Endpoint struct {
	Module      string
	App         string // whose configuration it is; empty: not known
	Config      Expr   // all of it
	URLHost     Expr
	CheckOrigin Expr
	ForceSSL    Expr // options of Plug.SSL: exclude:, rewrite_on:, host:
	Server      Expr
	HTTPPort    Expr
	HTTPAddress Expr // ip:, the address that it listens on
	Adapter     Expr
	Sockets     []Socket
	SSL         []Option // plug Plug.SSL in the endpoint or a router
	At          Pos
}

// Socket is a socket of an endpoint: a channel's or LiveView's.
type Socket struct {
	Path    string
	Module  string
	Options Expr // drainer:, websocket:, longpoll:
	At      Pos
}

// Session is a plug that keeps sessions.
type Session struct {
	Store   Expr // :cookie, :ets, or a module
	Options Expr
	Module  string // in which it stands
	At      Pos
}

// endpoint begins one where a module uses Phoenix.Endpoint.
func (l *lookout) endpoint(u Used, f *frame) {
	e := &Endpoint{Module: u.Module, At: u.At}
	app := u.Options.Get("otp_app")
	get := func(...string) Expr { return unknownExpr(u.At, "its application is computed") }
	if app.Kind == ExprAtom && f.w.settings != nil {
		e.App = app.Text
		get = func(keys ...string) Expr { return f.w.settings.get(app.Text, append([]string{u.Module}, keys...)...) }
	}
	e.Config = get()
	e.URLHost, e.CheckOrigin, e.ForceSSL, e.Server, e.Adapter = get("url", "host"), get("check_origin"), get("force_ssl"), get("server"), get("adapter")
	e.HTTPPort, e.HTTPAddress = get("http", "port"), get("http", "ip")
	l.endpoints = append(l.endpoints, e)
}

// plug notes plugs that matter, and sockets.
func (l *lookout) plug(c call, f *frame) {
	if len(c.args) < 1 {
		return
	}
	at := f.m.src.at(c.node)
	i := slices.IndexFunc(l.endpoints, func(e *Endpoint) bool { return e.Module == f.m.name && e.At.File == at.File })
	options := func(n int) Expr {
		if n < len(c.args) {
			return f.reduce(c.args[n])
		}
		return Expr{}
	}
	if c.name == "socket" {
		if i >= 0 && len(c.args) >= 2 {
			s := Socket{Path: c.args[0].Text, Options: options(2), At: at}
			s.Module, _ = f.m.alias(c.args[1])
			l.endpoints[i].Sockets = append(l.endpoints[i].Sockets, s)
		}
		return
	}
	switch what, _ := f.m.alias(c.args[0]); what {
	case "Plug.Session":
		o := options(1)
		l.sessions = append(l.sessions, Session{Store: o.Get("store"), Options: o, Module: f.m.name, At: at})
	case "Plug.SSL":
		if i >= 0 {
			l.endpoints[i].SSL = append(l.endpoints[i].SSL, Option{"Plug.SSL", at, options(1)})
		} else {
			l.ssl = append(l.ssl, Option{f.m.name, at, options(1)})
		}
	}
}

// uploads are places that keep what people upload on the machine: a guess, for a hint.
func (p *Project) uploads() (all []Use) {
	for _, lib := range []string{"waffle", "arc"} {
		if s := p.settings.apps[lib].Get("storage"); s.Kind == ExprModule && strings.HasSuffix(s.Text, "Storage.Local") {
			all = append(all, Use{s.Text, s.At})
		}
	}
	takes := map[string]bool{} // modules that take uploads of LiveView
	for _, c := range p.Calls {
		takes[c.Module] = takes[c.Module] || strings.HasPrefix(c.Name, "consume_uploaded")
	}
	for _, c := range p.Calls {
		if !strings.HasPrefix(c.Name, "File.") {
			continue
		}
		names := takes[c.Module]
		for _, a := range c.Args {
			a.each(func(x Expr) {
				if t, ok := x.AsText(); ok && (strings.Contains(t, "uploads") || strings.Contains(t, "priv/static")) {
					names = true
				}
			})
		}
		if names {
			all = append(all, Use{c.Name, c.At})
		}
	}
	return all
}
