package intent

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// twin is a node that another container of a replica's pod starts in its place. They share the pod's network: EPMD
// takes a name once, and a port has one listener, so that the node that comes second does not boot.
func (b *builder) twin(ctx context.Context, w Runs, r *mesh.Replica) mesh.Flaw {
	if r.NoNode != "" || !r.Node.Known() {
		return mesh.Flaw{}
	}
	app := b.app
	defer func() { b.app = app }()
	for _, c := range w.Beside {
		b.app = app
		other := w
		if other.Container = c; !b.same(w.Container, c) {
			b.app = App{}
		}
		o := mesh.Replica{
			ID: r.ID, Pod: r.Pod, Workload: r.Workload, Namespace: r.Namespace, IP: r.IP, Labels: r.Labels, Ports: r.Ports,
			Hostname: r.Hostname, Subdomain: r.Subdomain,
		}
		b.node(ctx, other, &o, b.containerEnv(other, c, &o))
		if o.NoNode != "" || !o.Node.Known() {
			continue
		}
		what := "the containers " + w.Container.Called + " and " + c.Called + " "
		switch at := c.Key("name").Position().String(); {
		case r.EPMD != 0 && r.EPMD == o.EPMD && beam.BaseOf(o.Node.Value) == beam.BaseOf(r.Node.Value): // which is all that EPMD knows
			return mesh.Flaw{Why: what + "start a node of one name, " + beam.BaseOf(o.Node.Value) + ", and EPMD, which the pod has once, refuses the second", At: at}
		case r.FixedPort != 0 && r.FixedPort == o.FixedPort && r.ListenMin == o.ListenMin,
			r.ListenMin != 0 && r.ListenMin == r.ListenMax && o.ListenMin == o.ListenMax && r.ListenMin == o.ListenMin:
			return mesh.Flaw{Why: what + fmt.Sprintf("start nodes that listen on the one port %d of the pod, which the second finds taken", r.ListenMin), At: at}
		}
	}
	return mesh.Flaw{}
}

// startsOwn is a release that a command starts.
var startsOwn = regexp.MustCompile(`(?:^|[\s/"'])bin/([A-Za-z0-9_-]+)["']?\s+["']?start(?:_iex)?\b`)

// same says whether two containers run one release: by their image, or by the command.
func (b *builder) same(one, other manifest.Container) bool {
	if image := one.Key("image").String(); image != "" && image == other.Key("image").String() {
		return true
	}
	var words []string
	for _, f := range other.Words() {
		words = append(words, f.String())
	}
	m := startsOwn.FindStringSubmatch(strings.Join(words, " "))
	return m != nil && m[1] == b.app.Name
}
