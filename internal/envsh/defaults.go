package envsh

import (
	"maps"
	"strings"

	"github.com/phialdev/phial/internal/beam"
)

const binApp = "bin/APP"

// before is what bin/APP sets before it reads env.sh. It is the same in Elixir 1.14, 1.18 and 1.20, as is what it sets
// afterwards.
func (r *run) before(s *state) {
	forced := func(name, val, why string, export truth) {
		v := r.lookup(s, name)
		v.set, v.val, v.from = yes, known(val), binApp
		if val == "" {
			v.val = text{{why: why, filled: true}}
		}
		v.exported = max(v.exported, export)
		s.vars[name] = v
	}
	given := func(name, val, why string) {
		v := r.lookup(s, name)
		def := known(val)
		if val == "" {
			def = text{{why: why, filled: true}}
		}
		switch {
		case v.set == no, v.val.empty() == yes:
			v.val, v.from = def, binApp
		case v.set == maybe, v.val.empty() == maybe:
			w := v.val.why()
			if w == "" {
				w = "whether " + name + " is set is not known"
			}
			v.val = v.val.or(def, w)
			v.from = ""
		}
		v.set, v.exported = yes, yes
		s.vars[name] = v
	}
	rel := r.release
	forced("SELF", "", "how bin/APP was called is not known", no)
	forced("RELEASE_ROOT", rel.Root, "where the release stands is not known", yes)
	given(beam.EnvReleaseName, rel.Name, "the release's name is not known")
	given("RELEASE_VSN", rel.Version, "the release's version is not known")
	forced("RELEASE_COMMAND", rel.Command, "which command bin/APP runs is not known", yes)
	given("RELEASE_PROG", "", "how bin/APP was called is not known")
	forced("REL_VSN_DIR", "", "", no)
	dir := s.vars["REL_VSN_DIR"]
	dir.val = s.vars["RELEASE_ROOT"].val.add(known("/releases/")).add(s.vars["RELEASE_VSN"].val)
	s.vars["REL_VSN_DIR"] = dir
	s.params = []text{s.vars["RELEASE_COMMAND"].val}
	s.paramsWhy = "what else bin/APP is given is not known"
}

// Defaults is the environment in which the node starts: what the script left, and what bin/APP sets where that is unset or
// empty. Elixir 1.14, 1.18 and 1.20 do the same here.
func (res *Result) Defaults() Env {
	if res.started.Vars == nil {
		res.started = res.defaults()
	}
	return res.started
}

const defaulted = 9 // variables at most are added to those of the script

func (res *Result) defaults() Env {
	env := Env{Vars: make(map[string]Value, len(res.Vars)+defaulted), Unsure: res.Unsure, Lost: res.Lost}
	maps.Copy(env.Vars, res.Vars)
	if res.Ends != nil || res.Unclear != "" {
		return env
	}
	def := func(name string, d Value) {
		v := res.names(name)
		unset := v.Known() && v.Text == ""
		switch {
		case unset:
			d.From = binApp
			v = d
		case !v.Known() && !v.Filled:
			v = Value{Unknown: v.Unknown, From: v.From}
		}
		env.Vars[name] = v
	}
	plus := func(dir Value, rest string) Value {
		if dir.Known() {
			return Value{Text: dir.Text + rest}
		}
		parts := dir.Parts
		if parts == nil {
			parts = []Part{{Unknown: dir.Unknown}}
		}
		return Value{Unknown: dir.Unknown, Parts: append(append([]Part(nil), parts...), Part{Text: rest}), Filled: true}
	}
	dir := res.names("REL_VSN_DIR")
	def(beam.EnvReleaseCookie, Value{Unknown: "it is in releases/COOKIE, as `mix release` made it", Filled: true})
	def("RELEASE_MODE", Value{Text: "embedded"})
	name := res.names(beam.EnvReleaseName)
	name.From = ""
	def(beam.EnvReleaseNode, name)
	def(beam.EnvReleaseTmp, plus(res.names("RELEASE_ROOT"), "/tmp"))
	def("RELEASE_VM_ARGS", plus(dir, "/vm.args"))
	def(beam.EnvReleaseRemoteVMArgs, plus(dir, "/remote.vm.args"))
	def(beam.EnvReleaseDistribution, Value{Text: "sname"})
	def("RELEASE_BOOT_SCRIPT", Value{Text: "start"})
	def("RELEASE_BOOT_SCRIPT_CLEAN", Value{Text: "start_clean"})
	return env
}

// A Node is the name that `bin/APP start` gives a node.
type Node struct {
	Flag   Value // "name", "sname" or "none"
	Name   Value // base@host; empty for none
	Broken string
	NoHost bool // it is broken for want of a full host name
}

// Node works out the name from [Result.Defaults]. Where RELEASE_NODE has no host, the runtime adds one: the short host name,
// or the full one for long names. Where the host has no full name, OTP 25 to 29 do not start with long names ("Can't set
// long node name!"), whatever the search list of resolv.conf is.
func (res *Result) Node() Node {
	env := res.Defaults()
	n := Node{Flag: env.Vars[beam.EnvReleaseDistribution], Name: env.Vars[beam.EnvReleaseNode]}
	switch {
	case res.Unclear != "":
		return Node{Flag: Value{Unknown: res.Unclear}, Name: Value{Unknown: res.Unclear}}
	case res.Ends != nil:
		n.Broken = "the script ends at " + res.Ends.Pos.String()
		return n
	case !n.Flag.Known():
	case n.Flag.Text == "none":
		n.Name = Value{From: n.Flag.From}
		return n
	case n.Flag.Text != "name" && n.Flag.Text != "sname":
		n.Broken = "bin/APP ends: RELEASE_DISTRIBUTION is `" + n.Flag.Text + "` and has to be name, sname or none"
		return n
	}
	at := strings.Contains(n.Name.Text, "@")
	for _, p := range n.Name.Parts {
		at = at || strings.Contains(p.Text, "@")
		if strings.ContainsAny(p.Text, " \t\n*?[") {
			n.Broken = "the name holds white space or a pattern, and bin/APP does not quote it"
		}
	}
	if n.Name.Known() && strings.ContainsAny(n.Name.Text, " \t\n*?[") {
		n.Broken = "the name holds white space or a pattern, and bin/APP does not quote it"
	}
	if at || n.Broken != "" {
		return n
	}
	host, why := "", "the pod's host name is not known"
	switch {
	case !n.Flag.Known():
		why = n.Flag.Unknown
	case n.Flag.Text == "sname":
		host, _, _ = strings.Cut(res.host.Name, ".")
	case strings.Contains(res.host.FQDN, "."):
		host = res.host.FQDN
	case res.host.FQDN != "":
		n.NoHost = n.Name.Known()
	}
	switch {
	case !n.Name.Known():
		// It may hold a host.
	case n.NoHost:
		n.Broken = "its name would be " + n.Name.Text + " without a host, and long names need a full one, which the pod does not have: the node does not boot"
	case host == "":
		n.Name = Value{Unknown: why, Parts: []Part{{Text: n.Name.Text + "@"}, {Unknown: why}}, Filled: true, From: n.Name.From}
	default:
		n.Name.Text += "@" + host
	}
	return n
}
