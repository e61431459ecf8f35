package intent

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// maxReplicas of one workload are followed: more of the same kind tell nothing new.
const maxReplicas = 5

// App is what a source tree says of the release that the workloads run. The zero App is
// one of which there is none.
type App struct {
	Known  bool                    // there is a source tree
	Name   string                  // of the release; empty: not known
	EnvSh  envsh.Source            // rel/env.sh.eex; without a text there is none
	VMArgs string                  // rel/vm.args.eex, without comments
	Image  map[string]mesh.Setting // what the image sets: ENV of the Dockerfile
	Finds  []Discovery             // how it looks for other nodes
	// Foreign says why it is not mix release's start script that names the node; empty: it is.
	Foreign  string
	Commands []Command // of the images that it may be in; none: not known
	// Unread says why Finds may lack one; empty: they are all.
	Unread string
	// Cookie says that mix.exs fixes the cookie; else every build has another.
	Cookie bool
	// AsksOthers are paths that answer by whether the node has joined others.
	AsksOthers []string
}

// Discovery is one way by which the app itself looks for other nodes.
type Discovery struct {
	Strategy string // DNSCluster, or a strategy of libcluster's without Cluster.Strategy
	At       string
	Options  map[string]Option
	Idle     string // why it dials nobody, whatever its options are
	// Fails says why the app does not boot with it.
	Fails string
	// Hosts are the names that it dials, where they stand there: of Epmd alone. Unread
	// says why they could not be read.
	Hosts  []string
	Unread string
	// When says whether it is there in an environment; nil: it is.
	When Condition
}

// Condition says whether something holds in an environment, and why that is not known.
type Condition func(env func(name string) (mesh.Setting, bool)) (mesh.Tri, string)

// Option is a value of the app's configuration, which may hang on the environment.
type Option func(env func(name string) (mesh.Setting, bool)) mesh.Setting

// Runs is a container that runs a release, and what is known of that.
type Runs struct {
	manifest.Workload
	Container manifest.Container
	App       App
}

// Of works out the intent of workloads that run releases. Namespace is that of objects
// that name none.
func Of(ctx context.Context, set *manifest.Set, runs []Runs, namespace string) mesh.Intent {
	b := &builder{set: set, own: cmp.Or(namespace, "default"), domain: domain(runs)}
	b.in.Domain = b.domain
	b.services()
	b.policies()
	named := map[string]int{}
	for _, r := range runs {
		named[r.Name]++
	}
	for _, r := range runs {
		called := r.Name
		if named[called] > 1 {
			called = r.Label()
		}
		b.app = r.App
		b.workload(ctx, r, called)
	}
	return b.in
}

type builder struct {
	set    *manifest.Set
	app    App // of the workload that is looked at
	own    string
	domain mesh.Setting
	in     mesh.Intent
	// literals numbers cookies that stand in the manifests, so that two can be told apart
	// without keeping one.
	literals map[string]int
	fails    string // why the replica that is looked at does not boot
}

func (b *builder) namespace(o *manifest.Object) string { return cmp.Or(o.Namespace, b.own) }

var inService = regexp.MustCompile(`\.svc\.([a-z0-9-]+(\.[a-z0-9-]+)+)`)

// domain is the cluster's as the workloads' environment takes it for; Kubernetes' default
// where it says nothing.
func domain(runs []Runs) mesh.Setting {
	found := mesh.Setting{Value: "cluster.local", From: "Kubernetes' default"}
	said := false
	for _, r := range runs {
		for c := range r.Containers() {
			for e := range c.Env() {
				v := e.Value()
				name := v.String()
				if m := inService.FindStringSubmatch(name); m != nil {
					name = m[1]
				} else if e.Called != beam.EnvLibclusterDomain {
					continue
				}
				if said && name != found.Value {
					return mesh.NotKnown("the manifests name two domains of the cluster, "+found.Value+" and "+name, v.Position().String())
				}
				found, said = mesh.Setting{Value: name, From: v.Position().String()}, true
			}
		}
	}
	return found
}

// address is that of one more replica: every one has another.
func (b *builder) address() string {
	n := 1<<8 + 10 + len(b.in.Replicas)
	return netip.AddrFrom4([4]byte{10, 244 + byte(n>>16), byte(n >> 8), byte(n)}).String()
}

// workload adds the replicas of one, which is called so among all.
func (b *builder) workload(ctx context.Context, w Runs, called string) {
	n, _, ok := w.Replicas()
	if !ok || n < 1 {
		n = 2
	}
	for i := range min(n, maxReplicas) {
		r := mesh.Replica{
			ID: fmt.Sprintf("%s-%d", called, i), Pod: fmt.Sprintf("%s-%d", w.Name, i), Workload: w.Label(), Namespace: b.namespace(w.Object),
			IP: b.address(), Labels: texts(w.Template.At("metadata.labels")),
		}
		r.Hostname, r.Subdomain = w.Pod.Key("hostname").String(), w.Pod.Key("subdomain").String()
		if w.Kind == "StatefulSet" {
			r.Hostname, r.Subdomain = r.Pod, w.At("spec.serviceName").String()
		}
		env := b.containerEnv(w.Container, &r)
		b.node(ctx, w, &r, env)
		b.in.Replicas = append(b.in.Replicas, r)
	}
}

// node is what becomes of one replica's node.
func (b *builder) node(ctx context.Context, w Runs, r *mesh.Replica, env environment) {
	vars, problem := b.start(ctx, w, r, env)
	switch {
	case problem.NoNode != "":
		r.NoNode, r.Code, r.Node = problem.NoNode, problem.Code, problem.Node
	case !problem.Node.Known():
		r.Node = problem.Node
	default:
		b.named(r, vars)
	}
	r.Cookie = b.cookie(w, env, vars)
	words, unclear := b.flags(vars)
	if unclear != "" && r.NoNode == "" && r.Node.Known() {
		r.Node = mesh.NotKnown("flags of its node are not: "+unclear, r.Node.From)
	}
	distribution(words, vars, r)
	r.ReadyAlone = b.readyAlone(w)
	r.Ways = b.ways(w, r, vars)
	if fails := b.fails; fails != "" && r.NoNode == "" {
		r.NoNode, r.Code, r.Ways = fails, "DSC-15", nil
	}
}

// start follows the release's start script as far as the environment goes. What comes of
// it otherwise is in the replica that it gives: NoNode, or a name that is not known.
func (b *builder) start(ctx context.Context, w Runs, r *mesh.Replica, env environment) (environment, mesh.Replica) {
	lost := func(why, at string) (environment, mesh.Replica) {
		return env, mesh.Replica{Node: mesh.NotKnown(why, at)}
	}
	name, why, at := b.releaseOf(w)
	if why != "" {
		return lost(why, at)
	}
	if v, ok := env.vars[beam.EnvReleaseName]; ok && v.Known() {
		name = v.Value
	}
	e := envsh.Env{Vars: map[string]envsh.Value{}, Unsure: func(name string) string {
		if _, set := env.vars[name]; !set && env.rest != "" {
			return "it may be set by " + env.rest
		}
		return ""
	}}
	for k, v := range env.vars {
		e.Vars[k] = envsh.Value{Text: v.Value, Unknown: v.Why, From: v.From}
	}
	result, err := envsh.Run(ctx, b.app.EnvSh, envsh.Release{Name: name, Command: "start"}, e, b.host(r))
	switch {
	case err != nil:
		return lost("rel/env.sh can't be followed: "+err.Error(), "")
	case result.Ends != nil:
		return env, mesh.Replica{NoNode: "rel/env.sh ends the start: " + result.Ends.Why, Code: "NAM-04", Node: mesh.Setting{From: result.Ends.Pos.String()}}
	case result.Unclear != "":
		return lost(result.Unclear, "")
	}
	left := result.Defaults().Vars
	out := environment{vars: map[string]mesh.Setting{}, rest: env.rest, cookie: left[beam.EnvReleaseCookie].Parts}
	for k, v := range left {
		out.vars[k] = mesh.Setting{Value: v.Text, Why: v.Unknown, From: v.From}
	}
	node := result.Node()
	if node.Broken != "" {
		return out, mesh.Replica{NoNode: node.Broken, Code: "NAM-05", Node: mesh.Setting{From: node.Name.From}}
	}
	for name, v := range map[string]envsh.Value{beam.EnvReleaseNode: node.Name, beam.EnvReleaseDistribution: node.Flag} {
		s := mesh.Setting{Value: v.Text, Why: v.Unknown, From: v.From}
		if s.From == "" {
			s.From = out.vars[name].From
		}
		out.vars[name] = s
	}
	return out, mesh.Replica{}
}

// host is what a pod calls itself.
func (b *builder) host(r *mesh.Replica) envsh.Host {
	h := envsh.Host{Short: r.Pod, FQDN: r.Pod, Addrs: []string{r.IP}}
	if r.Hostname != "" {
		h.Short, h.FQDN = r.Hostname, r.Hostname
	}
	if full := r.Host(b.domain.Value); full != "" {
		h.FQDN = full
	}
	return h
}

// releaseOf is the name of the release that a container starts, and where it is not known
// how its node is named, why.
func (b *builder) releaseOf(w Runs) (name, why, at string) {
	name = b.app.Name
	if b.app.Foreign != "" {
		return name, b.app.Foreign, ""
	}
	var own []string
	for _, f := range w.Container.Words() {
		own, at = append(own, f.String()), cmp.Or(at, f.Position().String())
	}
	lines := []Command{{Cmd: own, At: at}}
	switch images := b.app.Commands; {
	case w.Container.Key("command").Len() > 0:
	case len(images) > 0:
		lines = slices.Clone(images)
		for i := range lines {
			if len(own) > 0 {
				lines[i].Cmd = own
			}
		}
	case len(own) == 0, len(own) == 1 && strings.HasPrefix(own[0], "start"): // the image's entrypoint is the release
		return name, "", ""
	}
	for _, l := range lines {
		called, why := starts(slices.Concat(l.Entry, l.Cmd), b.app.Name)
		if why != "" {
			return name, why, l.At
		}
		name = cmp.Or(called, name)
	}
	return name, "", ""
}

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
		if !strings.ContainsAny(node.Value, "$()") {
			r.Code = "NAM-06"
		}
	case strings.HasSuffix(node.Value, "@"):
		r.NoNode, r.Code = "its name would be "+node.Value+", without a host: it does not boot", "NAM-04"
	case err != nil:
		r.NoNode, r.Code = err.Error(), "NAM-16"
	case r.Long == mesh.No && n.Long():
		r.NoNode, r.Code = "it is to run with short names, and "+node.Value+" is a long one: it does not boot", "NAM-12"
	case r.Long == mesh.Yes && !n.Long() && n.Host != "localhost":
		r.NoNode, r.Code = "it is to run with long names, and "+node.Value+" has no full host name: it does not take part", "NAM-01"
	}
}

// cookie stands for where a replica's cookie comes from. With an agent it is the Secret's.
func (b *builder) cookie(w Runs, env, vars environment) mesh.Cookie {
	v, set := vars.vars[beam.EnvReleaseCookie]
	before, given := env.vars[beam.EnvReleaseCookie]
	switch {
	case !set && vars.rest != "":
		return mesh.Cookie{}
	case !set:
		image := w.Container.Key("image")
		from := fmt.Sprintf("the build of %s (%s)", cmp.Or(image.String(), "its image"), image.Position())
		if b.app.Cookie {
			from = "mix.exs"
		}
		return mesh.Cookie{From: from}
	case v.Known():
		return mesh.Cookie{ID: fmt.Sprintf("literal %d", b.literal(v.Value)), From: v.From}
	case given && !before.Known():
		c := mesh.Cookie{From: before.Why} // the same key of the same Secret is the same cookie
		b.around(&c, vars.cookie)
		return c
	}
	return mesh.Cookie{From: v.Why}
}

// around notes what rel/env.sh puts around the cookie that it was given.
func (b *builder) around(c *mesh.Cookie, parts []envsh.Part) {
	gaps, before, after := 0, "", ""
	for _, p := range parts {
		switch {
		case p.Unknown != "":
			gaps++
		case gaps == 0:
			before += p.Text
		default:
			after += p.Text
		}
	}
	if gaps == 1 && before+after != "" {
		c.Before, c.After = len(before), len(after)
		c.Around = fmt.Sprintf("text %d", b.literal(before+"\x00"+after))
	}
}

// literal numbers a text, so that it need not be kept.
func (b *builder) literal(text string) int {
	if b.literals == nil {
		b.literals = map[string]int{}
	}
	if _, ok := b.literals[text]; !ok {
		b.literals[text] = len(b.literals) + 1
	}
	return b.literals[text]
}

// readyAlone says whether a replica becomes ready without having joined.
func (b *builder) readyAlone(w Runs) mesh.Tri {
	probe := w.Container.Key("readinessProbe")
	for c := range w.Containers() {
		if c.Called == beam.AgentBinary {
			return mesh.No // the gate opens once it has joined
		}
	}
	if !probe.IsMap() {
		return mesh.Yes
	}
	text := probe.At("httpGet.path").String()
	for f := range probe.At("exec.command").Items() {
		text += " " + f.String()
	}
	for _, p := range b.app.AsksOthers {
		if p == text {
			return mesh.No
		}
	}
	for _, word := range []string{"cluster", "quorum", "joined"} {
		if strings.Contains(text, word) {
			return mesh.No
		}
	}
	return mesh.Yes
}
