package intent

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// maxReplicas of one workload are followed: more of the same kind tell nothing new.
const maxReplicas = 5

// App is what a source tree says of the release that the workloads run. The zero App is
// one of which there is none.
type App struct {
	Known  bool         // there is a source tree
	Name   string       // of the release; empty: not known
	EnvSh  envsh.Source // rel/env.sh.eex as the image gets it; without a text there is none
	VMArgs []Line       // rel/vm.args.eex as the image gets it, without comments
	// EnvShWhy and VMArgsWhy say why it is not known what the image gets of these.
	EnvShWhy, VMArgsWhy string
	Image               map[string]mesh.Setting // what the image sets: ENV of the Dockerfile
	Finds               []Discovery             // how it looks for other nodes
	// Foreign says why it is not mix release's start script that names the node; empty: it is.
	Foreign  string
	Commands []Command // of the images that it may be in; none: not known
	// project has the scripts that a container may run; shown gives its places.
	project *project.Project
	shown   func(project.Pos) string
	// Unread says why Finds may lack one; empty: they are all.
	Unread string
	// Cookie says that mix.exs fixes the cookie; else every build has another.
	Cookie bool
	// CookieFile says that its image may hold a file with the cookie.
	CookieFile bool
	// EPMD says that its image may start EPMD, in words; empty: it does not.
	EPMD string
	// Kernel is what the configuration says of kernel that counts when it starts.
	Kernel map[string]Option
	// Dash and Busybox say what the image's sh is; neither: not known.
	Dash, Busybox bool
	// AsksOthers are paths that answer by whether the node has joined others. MayAsk are
	// those of which that is not known, and why.
	AsksOthers []string
	MayAsk     map[string]string
}

// Discovery is one way by which the app itself looks for other nodes.
type Discovery struct {
	Strategy string // DNSCluster, or a strategy of libcluster's without Cluster.Strategy
	At       string
	Options  map[string]Option
	Idle     string // why it dials nobody, whatever its options are
	// Fails says why the app does not boot with it.
	Fails string
	// Whole: it asks for names as they stand, without the search list, by its version.
	Whole bool
	// OnlyA: it asks for A records alone, where its like asks for AAAA records too.
	OnlyA bool
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
	Scaled    int64                // its replicas where an autoscaler says how many; 0: spec.replicas does
	Beside    []manifest.Container // others of the pod that start a node
}

// Of works out the intent of workloads that run releases. Namespace is that of objects
// that name none.
func Of(ctx context.Context, set *manifest.Set, runs []Runs, namespace string) mesh.Intent {
	b := &builder{set: set, own: cmp.Or(namespace, "default")}
	b.domain = b.domainOf(runs)
	b.in.Domain = b.domain
	b.in.Replicas = make([]mesh.Replica, 0, 3*len(runs)) // about
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
	// literals numbers the digests of texts under a key of this run, so that two cookies
	// can be told apart without keeping one.
	key      []byte
	literals map[string]int
	held     map[string]string              // what Secrets that were read have, as such a number
	subjects map[string][]subject           // of role bindings; nil: nobody has asked
	dual     map[string][]map[string]string // see dualStack; nil: nobody has asked
	six      map[string][]map[string]string // see overIPv6; nil: nobody has asked
	fails    string                         // why the replica that is looked at does not boot
	scripts  string                         // that its container runs before the release
}

func (b *builder) namespace(o *manifest.Object) string { return cmp.Or(o.Namespace, b.own) }

// podName is that of a replica. Only a StatefulSet's are known; what stands in the place of
// others is at least another for each, as phial up has them.
func podName(w Runs, i int64) string { return fmt.Sprintf("%s-%d", w.Name, i) }

// workload adds the replicas of one, which is called so among all.
func (b *builder) workload(ctx context.Context, w Runs, called string) {
	n, _, ok := w.Replicas()
	switch {
	case w.Scaled > 0:
		n = w.Scaled
	case !ok || n < 1:
		n = 2
	}
	label, labels, ports := w.Label(), texts(w.Template.At("metadata.labels")), namedPorts(w) // all have the same
	if n > maxReplicas {
		if b.in.Scale == nil {
			b.in.Scale = map[string]int{}
		}
		b.in.Scale[label] = int(n)
		n = maxReplicas
	}
	b.in.Replicas = slices.Grow(b.in.Replicas, int(n))
	for i := range n {
		r := mesh.Replica{
			ID: fmt.Sprintf("%s-%d", called, i), Pod: podName(w, i), Workload: label, Namespace: b.namespace(w.Object),
			IP: b.address(b.namespace(w.Object), labels), Labels: labels, Ports: ports,
		}
		r.Hostname, r.Subdomain = w.Pod.Key("hostname").String(), w.Pod.Key("subdomain").String()
		if w.Kind == "StatefulSet" {
			r.Hostname, r.Subdomain = r.Pod, w.At("spec.serviceName").String()
		}
		env := b.containerEnv(w, w.Container, &r)
		b.node(ctx, w, &r, env)
		r.Twin = b.twin(ctx, w, &r)
		b.in.Replicas = append(b.in.Replicas, r)
	}
}
