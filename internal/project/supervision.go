package project

import "slices"

// Supervisor is a list of children that a supervisor starts, in that order.
type Supervisor struct {
	Module      string
	Application bool // it is the one that the application starts
	Children    []Child
	Unclear     string // why there may be more; empty: these are all
	At          Pos
}

// Child is one of a supervisor's children.
type Child struct {
	Module  string // empty: not known
	Options Expr   // what it is given; absent: nothing
	Stops   Expr   // shutdown: of its specification, or of Options: milliseconds, :infinity; absent: its module's
	When    Expr   // what has to hold for it to be started; absent: nothing
	At      Pos
}

// Conditional says that it is not always started.
func (c Child) Conditional() bool { return !c.When.Absent() }

// Index is the place of a module among the children; -1 where it is not among them.
func (s Supervisor) Index(module string) int {
	return slices.IndexFunc(s.Children, func(c Child) bool { return c.Module == module })
}

// supervises notes the children that Supervisor.start_link and Supervisor.init are given.
func (l *lookout) supervises(c call, f *frame) {
	if c.module != "Supervisor" || c.name != "start_link" && c.name != "init" || len(c.args) < 2 {
		return
	}
	e := f.reduce(c.args[0])
	if e.Kind == ExprModule { // Supervisor.start_link(__MODULE__, ...): its children are in init/1
		return
	}
	s := Supervisor{Module: f.m.name, At: f.m.src.at(c.node)}
	s.Application = f.fn == "start" && slices.ContainsFunc(l.used, func(u Used) bool { return u.Module == s.Module && u.What == "Application" })
	s.add(e, f.when)
	l.supervisors = append(l.supervisors, s)
}

// add puts the children of a list behind those that are there.
func (s *Supervisor) add(e, when Expr) {
	switch e.Kind {
	case ExprList:
		for _, i := range e.Items {
			if i.Keyed() {
				c := Child{Module: i.Key, Options: i.Value, When: when, At: i.KeyAt}
				if c.Options.Kind == ExprList {
					c.Stops = c.Options.Get("shutdown")
				}
				s.Children = append(s.Children, c)
				continue
			}
			s.child(i.Value, when)
		}
	case ExprOp:
		switch e.Text {
		case "++":
			s.add(e.Args[0], when)
			s.add(e.Args[1], when)
			return
		case "filter":
			s.add(e.Args[0], both(when, unknownExpr(e.At, "the list is filtered")))
			return
		case "compact", "flatten":
			s.add(e.Args[0], when)
			return
		case "if", "||", "&&":
			alternatives(e, when, s.add)
			return
		}
		s.unclear(e)
	case ExprUnknown, ExprEnv, ExprBuildEnv:
		s.unclear(e)
	}
}

func (s *Supervisor) unclear(e Expr) {
	if s.Unclear == "" {
		s.Unclear = "children at " + e.At.String() + " are computed"
	}
}

// child is one element of the list.
func (s *Supervisor) child(e, when Expr) {
	c := Child{When: when, At: e.At}
	switch e.Kind {
	case ExprModule:
		c.Module = e.Text
	case ExprTuple:
		if len(e.Items) > 0 && e.Items[0].Value.Kind == ExprModule {
			c.Module = e.Items[0].Value.Text
		}
		if len(e.Items) == 2 {
			c.Options = e.Items[1].Value
		}
	case ExprMap: // %{id: ..., start: {Module, :start_link, [...]}}
		c.Stops = e.Get("shutdown")
		start := e.Get("start")
		if start.Kind == ExprTuple && len(start.Items) == 3 {
			if m := start.Items[0].Value; m.Kind == ExprModule {
				c.Module = m.Text
			} else if m.Kind == ExprAtom {
				c.Module = ":" + m.Text
			}
			if args := start.Items[2].Value; args.Kind == ExprList && len(args.Items) == 1 {
				c.Options = args.Items[0].Value
			}
		}
	case ExprOp:
		if e.Text == "child_spec" {
			n := len(s.Children)
			if s.child(e.Args[0], when); len(s.Children) == n+1 {
				if stops := e.Args[1].Get("shutdown"); !stops.Absent() {
					s.Children[n].Stops = stops
				}
			}
			return
		}
		alternatives(e, when, func(one, when Expr) {
			switch {
			case one.Kind == ExprList:
				s.add(one, when)
			case one.Kind != ExprOp || one.Text == "child_spec":
				s.child(one, when)
			default:
				s.unclear(one)
			}
		})
		return
	case ExprList:
		s.add(e, when)
		return
	case ExprAtom, ExprAbsent:
		return // nil is taken out before, or it would not boot
	}
	if c.Stops.Absent() && c.Options.Kind == ExprList {
		c.Stops = c.Options.Get("shutdown")
	}
	s.Children = append(s.Children, c)
}

// DNSQuery is a DNSCluster that is started.
type DNSQuery struct {
	Query         Expr // a text, a list of them, :ignore
	ResourceTypes Expr // absent: its default
	Options       Expr
	When          Expr
	Module        string // in which it stands
	At            Pos
}

// discovery finds what looks for other nodes among the children.
func (p *Project) discovery(f *facts) {
	var starts []ClusterStart
	for _, s := range f.supervisors {
		for _, c := range s.Children {
			switch c.Module {
			case "Cluster.Supervisor":
				starts = append(starts, clusterStart(ClusterStart{At: c.At, Module: s.Module, Supervised: true, When: c.When}, c.Options))
			case "DNSCluster":
				p.DNSClusters = append(p.DNSClusters, DNSQuery{Query: c.Options.Get("query"), ResourceTypes: c.Options.Get("resource_types"), Options: c.Options, When: c.When, Module: s.Module, At: c.At})
			}
		}
	}
	p.libcluster(append(starts, f.starts...))
}

// clusterStart takes apart what Cluster.Supervisor is given: [topologies, options].
func clusterStart(s ClusterStart, given Expr) ClusterStart {
	switch {
	case given.Kind != ExprList:
		s.Topologies = unknownExpr(s.At, "what Cluster.Supervisor is given is computed")
		if given.Absent() {
			s.Misshapen = "Cluster.Supervisor is given nothing: it wants [topologies, [name: ...]]"
		}
	case len(given.Items) == 0:
		s.Misshapen = "Cluster.Supervisor is given an empty list: it wants [topologies, [name: ...]]"
	case given.Items[0].Keyed():
		s.Topologies = given
		s.Misshapen = "Cluster.Supervisor is given the topologies themselves: it wants them in a list, [topologies, [name: ...]]"
	default:
		s.Topologies = given.Items[0].Value
	}
	return s
}
