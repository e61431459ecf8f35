package project

import "slices"

// Oban is an instance of Oban. What it is not told is absent.
type Oban struct {
	Name    string // of its module, or Oban
	Config  Expr
	Queues  Expr
	Plugins Expr // a list of modules, and of modules as keys with options
	Grace   Expr // shutdown_grace_period: milliseconds
	Started bool // as a child of a supervisor
	At      Pos
}

// Scheduler is a module that uses Quantum.
type Scheduler struct {
	Module string
	Config Expr
	Jobs   Expr
	At     Pos
}

// jobs finds what runs jobs.
func (p *Project) jobs() {
	add := func(o Oban) {
		i := slices.IndexFunc(p.Obans, func(have Oban) bool {
			return have.Config.At == o.Config.At && have.Config.Kind == o.Config.Kind || have.At == o.At
		})
		if i >= 0 && !o.Config.Absent() {
			p.Obans[i].Started = p.Obans[i].Started || o.Started
			return
		}
		o.Queues, o.Plugins, o.Grace = o.Config.Get("queues"), o.Config.Get("plugins"), o.Config.Get("shutdown_grace_period")
		p.Obans = append(p.Obans, o)
	}
	modules := []string{"Oban"}
	for _, u := range p.UsedAs("Oban") {
		modules = append(modules, u.Module)
	}
	for _, s := range p.Supervisors {
		for _, c := range s.Children {
			if c.Module == "Oban" {
				add(Oban{Name: c.Module, Config: c.Options, Started: true, At: c.At})
			}
		}
	}
	for _, app := range p.settings.names() {
		for _, i := range p.settings.apps[app].Items {
			if i.Keyed() && slices.Contains(modules, i.Key) {
				started := slices.ContainsFunc(p.Supervisors, func(s Supervisor) bool { return s.Index(i.Key) >= 0 })
				add(Oban{Name: i.Key, Config: i.Value, Started: started, At: i.KeyAt})
			}
		}
	}
	for _, what := range []string{"Quantum", "Quantum.Scheduler"} {
		for _, u := range p.UsedAs(what) {
			s := Scheduler{Module: u.Module, At: u.At, Config: p.configOf(u)}
			s.Jobs = s.Config.Get("jobs")
			p.Schedulers = append(p.Schedulers, s)
		}
	}
}

// configOf is what the configuration says of a module that takes it by otp_app:.
func (p *Project) configOf(u Used) Expr {
	app := u.Options.Get("otp_app")
	if app.Kind != ExprAtom {
		return unknownExpr(u.At, "its application is not known")
	}
	return p.Setting(app.Text, u.Module)
}
