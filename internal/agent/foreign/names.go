package foreign

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/internal/beam"
)

// atOnce is how many pods are asked for their names together.
const atOnce = 32

// names asks the nodes in every pod for their names, and gives the pod of each.
func (t Task) names(ctx context.Context) map[string]string {
	pods := map[string]string{}
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, p := range t.Pods {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			for _, node := range t.nodes(ctx, p) {
				mu.Lock()
				pods[node] = p.Name
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return pods
}

// nodes gives the names of the nodes in a pod. A node says itself what it is called, to
// anybody and before any cookie. Where it is not to be asked, its name is what the pod's
// spec says, or is made by the template: the look then tells why.
func (t Task) nodes(ctx context.Context, p Pod) []string {
	if t.DistPort != 0 {
		return []string{t.called(ctx, t.base(p), p)}
	}
	var out []string
	for _, base := range t.meant(t.registered(ctx, p.IP), p) {
		out = append(out, t.called(ctx, base, p))
	}
	if len(out) == 0 {
		out = append(out, t.guess(t.base(p), p))
	}
	return out
}

// registered gives the names that the EPMD of a pod has, those of a release's own
// commands left out.
func (t Task) registered(ctx context.Context, ip string) []string {
	ctx, cancel := context.WithTimeout(ctx, t.timeout())
	defer cancel()
	port := cmp.Or(t.EPMDPort, beam.EPMDPort)
	entries, err := new(epmd.Client).Names(ctx, net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name, "rpc-") && !strings.HasPrefix(e.Name, "rem-") {
			out = append(out, e.Name)
		}
	}
	slices.Sort(out)
	return out
}

// meant chooses among the base names that a pod has: the one that was asked for, else
// the one of the pod's spec, else all.
func (t Task) meant(bases []string, p Pod) []string {
	own, _, _ := strings.Cut(p.Node, "@")
	for _, want := range []string{t.Base, own} {
		if want == "" {
			continue
		}
		if slices.Contains(bases, want) {
			return []string{want}
		}
		if want == t.Base {
			return nil
		}
	}
	return bases
}

// called asks the node that answers for its whole name.
func (t Task) called(ctx context.Context, base string, p Pod) string {
	ctx, cancel := context.WithTimeout(ctx, t.timeout())
	defer cancel()
	peer, err := dist.Identify(ctx, base+"@"+p.IP, dist.Config{EPMDPort: cmp.Or(t.EPMDPort, beam.EPMDPort), Port: t.DistPort,
		ConnectTimeout: t.timeout(), HandshakeTimeout: t.timeout()})
	if err == nil && peer.Name != "" {
		return peer.Name
	}
	return t.guess(base, p)
}

// guess is the name of a node that nobody could ask.
func (t Task) guess(base string, p Pod) string {
	if own, _, found := strings.Cut(p.Node, "@"); found && own == base {
		return p.Node
	}
	return strings.NewReplacer("{base}", base, "{ip}", p.IP, "{pod}", p.Name).Replace(cmp.Or(t.Template, DefaultTemplate))
}

// base is the base name of a pod's node where its EPMD does not tell it. The pod's own
// name is at least one that a person knows.
func (t Task) base(p Pod) string {
	own, _, _ := strings.Cut(p.Node, "@")
	return cmp.Or(t.Base, own, strings.ReplaceAll(p.Name, ".", "-"))
}

func (t Task) timeout() time.Duration {
	if t.TimeoutMS > 0 {
		return time.Duration(t.TimeoutMS) * time.Millisecond
	}
	return 3 * time.Second
}
