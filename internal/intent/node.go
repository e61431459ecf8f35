package intent

import (
	"bytes"
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/mesh"
)

// node is what becomes of one replica's node.
func (b *builder) node(ctx context.Context, w Runs, r *mesh.Replica, env environment) {
	vars, problem, portWhy := b.start(ctx, w, r, env)
	words := b.flags(vars)
	switch own, given := words.name(vars); {
	case given && !problem.lost:
		b.namedByFlag(w, r, own)
	case problem.NoNode != "":
		r.NoNode, r.Code, r.Slip, r.Node = problem.NoNode, problem.Code, problem.Slip, problem.Node
	case !problem.Node.Known():
		r.Node, r.Code, r.Slip = problem.Node, problem.Code, problem.Slip
	default:
		b.named(r, vars)
	}
	if r.NoNode == "" && env.machine != "" && beam.HostOf(r.Node.Value) == machine(r.IP) {
		r.Slip, r.NamedBy = mesh.OfMachine, mesh.Flaw{Why: "that is its machine's address (status.hostIP), and not the pod's", At: env.machine}
	}
	r.Cookie = b.cookie(w, env, vars, words)
	if words.unclear != "" && r.NoNode == "" && r.Node.Known() {
		r.Node = mesh.NotKnown("flags of its node are not: "+words.unclear, r.Node.From)
	}
	b.distribution(words, vars, r)
	r.Resolver = resolver(w)
	if why, at := b.cut(w); why != "" {
		r.Resolver.Cut, r.Resolver.At = why, at
	}
	if none, perhaps := b.epmd(w, vars, words.all()); !problem.lost && words.unclear == "" && r.NoNode == "" {
		if none.Why != "" {
			r.NoNode, r.Code, r.Slip, r.Node = none.Why, "NET-08", mesh.NoEPMDThere, mesh.Setting{From: none.At}
		}
		if perhaps.Why != "" {
			r.OtherEPMD = perhaps
		}
	}
	switch why := cmp.Or(portWhy, words.unclear); {
	case why != "":
		r.ListenMin, r.ListenMax, r.ListenWhy = 0, 0, why
	case r.ListenMin != 0 || r.ListenWhy != "":
	default:
		r.ListenWhy = b.more(vars)
	}
	r.ReadyAlone, r.ReadyWhy = b.readyAlone(w)
	r.Ways = b.ways(w, r, vars)
	if fails := b.fails; fails != "" && r.NoNode == "" {
		r.NoNode, r.Code, r.Ways = fails, "DSC-15", nil
	}
}

// place is how a reason begins that says where it stands.
var place = regexp.MustCompile(`^[^\s:]+:\d+:\d+`)

// problem is what keeps the start script from naming a node: in NoNode, or in a Node that
// is not known. Lost says that not even its flags are.
type problem struct {
	mesh.Replica
	lost bool
}

// start follows the release's start script as far as the environment goes, and says what
// comes of it otherwise. PortWhy says why the flags that the node listens by are not known;
// empty: they are.
func (b *builder) start(ctx context.Context, w Runs, r *mesh.Replica, env environment) (_ environment, p problem, portWhy string) {
	lost := func(why, at string) (environment, problem, string) {
		return env, problem{mesh.Replica{Node: mesh.NotKnown(why, at)}, true}, why
	}
	s := b.startup(ctx, w, env, b.host(w, r))
	switch {
	case s.noNode:
		return env, problem{mesh.Replica{NoNode: s.why, Code: s.code, Node: mesh.Setting{From: s.at}}, true}, ""
	case s.why != "":
		_, p, portWhy := lost(s.why, s.at)
		p.Code = s.code
		return env, p, portWhy
	}
	if b.app.EnvShWhy != "" {
		return lost(b.app.EnvShWhy, "")
	}
	name, e := s.name, s.env
	if v, ok := e.Vars[beam.EnvReleaseName]; ok && v.Known() {
		name = v.Text
	}
	result, err := envsh.Run(ctx, b.app.EnvSh, envsh.Release{Name: name, Command: "start"}, e, b.host(w, r))
	switch {
	case err != nil:
		return lost("rel/env.sh can't be followed: "+err.Error(), "")
	case result.Ends != nil:
		ends := mesh.Replica{NoNode: "rel/env.sh ends the start: " + result.Ends.Why, Code: "NAM-04", Node: mesh.Setting{From: result.Ends.Pos.String()}}
		switch {
		case result.Ends.Foreign:
			ends.Slip = mesh.OtherShell
		case result.Windows && !b.endsAnyway(ctx, *result.Ends, name, e, b.host(w, r)):
			ends.Code = codeWindows
		}
		return env, problem{ends, true}, ""
	case result.Broken != nil:
		return env, problem{mesh.Replica{
			NoNode: "no shell reads " + b.app.EnvSh.Name + ": " + result.Broken.Why, Code: codeNoShell, Node: mesh.Setting{From: result.Broken.Pos.String()},
		}, true}, ""
	case result.Unclear != "":
		at := place.FindString(result.Unclear)
		_, p, portWhy := lost(result.Unclear, at)
		if result.Foreign && !b.app.Busybox {
			p.Code, p.Slip = "NAM-04", mesh.OtherShell
		}
		if !strings.Contains(string(b.app.EnvSh.Text), "ERL_") {
			portWhy = "" // whatever it sets, no flags are among it
		}
		return env, p, portWhy
	}
	left := result.Defaults()
	out := environment{vars: make(map[string]mesh.Setting, len(left.Vars)), rest: env.rest, lost: left.Lost, cookie: left.Vars[beam.EnvReleaseCookie].Parts}
	for k, v := range left.Vars {
		out.vars[k] = mesh.Setting{Value: v.Text, Why: v.Unknown, From: v.From}
	}
	for _, k := range []string{beam.EnvErlAFlags, beam.EnvElixirErlOptions, beam.EnvErlFlags, beam.EnvErlZFlags, beam.EnvErlEPMDPort, "ERL_INETRC"} {
		if _, set := out.vars[k]; !set && out.lost != "" {
			out.vars[k] = mesh.NotKnown(out.lost, "")
		}
	}
	node := result.Node()
	for _, v := range []envsh.Value{node.Flag, node.Name} {
		if result.Windows && returns(v) {
			return out, problem{mesh.Replica{
				NoNode: "the lines of rel/env.sh end as Windows writes them, and the carriage return is part of what it sets: the release does not start", Code: codeWindows,
				Node: mesh.Setting{From: v.From},
			}, true}, ""
		}
	}
	switch _, inetrc := out.vars["ERL_INETRC"]; {
	case node.NoHost && inetrc:
		return out, problem{Replica: mesh.Replica{Node: mesh.NotKnown("ERL_INETRC may give the host a full name", node.Name.From)}}, ""
	case node.NoHost:
		return out, problem{Replica: mesh.Replica{NoNode: node.Broken, Code: "NAM-16", Slip: mesh.NoFullHost, Node: mesh.Setting{From: node.Name.From}}}, ""
	case node.Broken != "":
		return out, problem{mesh.Replica{NoNode: node.Broken, Code: "NAM-05", Node: mesh.Setting{From: node.Name.From}}, true}, ""
	}
	for name, v := range map[string]envsh.Value{beam.EnvReleaseNode: node.Name, beam.EnvReleaseDistribution: node.Flag} {
		s := mesh.Setting{Value: v.Text, Why: v.Unknown, From: v.From}
		if s.From == "" {
			s.From = out.vars[name].From
		}
		out.vars[name] = s
	}
	return out, problem{}, ""
}

// codeWindows is of a start script that sh does not read for its line ends.
const codeWindows = "NAM-17"

// endsAnyway says whether a script ends where it does for another reason than its line ends.
func (b *builder) endsAnyway(ctx context.Context, end envsh.Ending, release string, e envsh.Env, h envsh.Host) bool {
	plain := envsh.Source{Name: b.app.EnvSh.Name, Text: bytes.ReplaceAll(b.app.EnvSh.Text, []byte("\r\n"), []byte("\n"))}
	result, err := envsh.Run(ctx, plain, envsh.Release{Name: release, Command: "start"}, e, h)
	return err == nil && result.Ends != nil && result.Ends.Pos == end.Pos
}

// returns says whether a value certainly has a carriage return in it.
func returns(v envsh.Value) bool {
	return strings.Contains(v.Text, "\r") || slices.ContainsFunc(v.Parts, func(p envsh.Part) bool { return strings.Contains(p.Text, "\r") })
}

// notExpanded is a variable that the kubelet leaves as it stands: there is none of that name above it.
var notExpanded = regexp.MustCompile(`\$\([A-Za-z_][A-Za-z0-9_]*\)`)

// named reads the node's name off the environment that the VM starts with.
func (b *builder) named(r *mesh.Replica, env environment) {
	dist, _ := env.get(beam.EnvReleaseDistribution)
	node, _ := env.get(beam.EnvReleaseNode)
	switch {
	case !dist.Known():
		r.Node = mesh.NotKnown(dist.Why, dist.From)
		return
	case dist.Value == beam.DistributionNone:
		r.NoNode, r.Node = "RELEASE_DISTRIBUTION is none", dist
		return
	case !node.Known():
		r.Node = mesh.NotKnown(node.Why, node.From)
		return
	}
	r.Long = mesh.TriOf(dist.Value == beam.DistributionName)
	r.Node = node
	n, err := beam.ParseName(node.Value)
	switch {
	case strings.ContainsAny(node.Value, " \t\n$()"):
		r.NoNode, r.Code = "its name would be "+node.Value+", which the start script can't pass on", "NAM-05"
		if notExpanded.MatchString(node.Value) {
			r.Code = "NAM-07"
		}
		if !strings.ContainsAny(node.Value, "$()") {
			r.Code = "NAM-06"
		}
	case strings.HasSuffix(node.Value, "@"):
		r.NoNode, r.Code = "its name would be "+node.Value+", without a host: it does not boot", "NAM-16"
		if len(b.app.EnvSh.Text) > 0 {
			r.Code = "NAM-04" // the script was not given what it makes the host of
		}
	case err != nil:
		r.NoNode, r.Code = err.Error(), "NAM-16"
	case r.Long == mesh.No && n.Long():
		r.NoNode, r.Code = "it is to run with short names, and "+node.Value+" is a long one: it does not boot", "NAM-12"
	case r.Long == mesh.Yes && !n.Long() && n.Host != "localhost":
		r.NoNode, r.Code = "it is to run with long names, and "+node.Value+" has no full host name: it does not take part", "NAM-01"
	}
}

// namedByFlag is a node that flags name in place of RELEASE_NODE.
func (b *builder) namedByFlag(w Runs, r *mesh.Replica, own ownName) {
	name := own.text
	if h := b.host(w, r); !strings.Contains(name, "@") {
		host, _, _ := strings.Cut(h.Name, ".")
		if own.long {
			host = h.FQDN
		}
		if host == "" {
			r.Node = mesh.NotKnown("the pod's host name is not known", own.from)
			return
		}
		name += "@" + host
	}
	dist := beam.DistributionSName
	if own.long {
		dist = beam.DistributionName
	}
	b.named(r, environment{vars: map[string]mesh.Setting{
		beam.EnvReleaseDistribution: {Value: dist, From: own.from}, beam.EnvReleaseNode: {Value: name, From: own.from},
	}})
}
