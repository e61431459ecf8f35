package target

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/cli/cluster"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
	"github.com/phialdev/phial/internal/report"
)

// Target is the nodes to look at, and who reaches them: the prober, or the agents of an
// app on Kubernetes.
type Target struct {
	Prober   *probe.Prober
	Expected []string
	// Alias gives the replica of each node of an app.
	Alias map[string]string

	agents *cluster.App // nil: the prober looks
}

// Open finds out what the flags mean: the nodes given by --node, those of an app on
// Kubernetes, or those of a running local app, which it asks.
func (f *Flags) Open(ctx context.Context) (*Target, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.remote() {
		return f.openNodes()
	}
	if f.OnCluster() {
		a, err := f.Cluster.Open(ctx)
		if err != nil {
			return nil, err
		}
		return &Target{Alias: a.Alias(), agents: a}, nil
	}
	c, err := f.App.Find()
	if err != nil {
		if errors.Is(err, local.ErrNotRunning) {
			err = fmt.Errorf("%w, look at one on Kubernetes with -n NAMESPACE, or name nodes with --node base@host", err)
		}
		return nil, err
	}
	return OpenApp(ctx, c, f.prober())
}

// prober has the settings that do not depend on whose nodes they are.
func (f *Flags) prober() *probe.Prober {
	return &probe.Prober{Timeout: f.timeout}
}

func (f *Flags) openNodes() (*Target, error) {
	cookie, err := f.cookie()
	if err != nil {
		return nil, err
	}
	tlsConfig, err := f.tls()
	if err != nil {
		return nil, err
	}
	p := f.prober()
	p.Cookie, p.TLS, p.EPMDPort = cookie, tlsConfig, f.epmdPort
	if f.distPort != 0 {
		p.Ports = []uint16{uint16(f.distPort)}
	}
	if f.epmdPort == 0 {
		if env := os.Getenv(beam.EnvErlEPMDPort); env != "" {
			if p.EPMDPort, err = strconv.Atoi(env); err != nil {
				return nil, fmt.Errorf("%s=%q is no port", beam.EnvErlEPMDPort, env)
			}
		}
	}
	p.Follow = true
	return &Target{Prober: p, Expected: slices.Clone(f.Nodes)}, nil
}

// ErrNoMesh is returned for an app whose nodes are each for themselves.
var ErrNoMesh = errors.New("there is no mesh to look at")

// OpenApp gives the target of a running local app. p holds what the caller wants
// set beyond what the app says of itself; nil is fine.
func OpenApp(ctx context.Context, c *local.Client, p *probe.Prober) (*Target, error) {
	if p == nil {
		p = (&Flags{timeout: defaultTimeout}).prober()
	}
	mt, err := c.MeshTarget(ctx)
	if err != nil {
		return nil, err
	}
	st, err := c.Status(ctx)
	if err != nil {
		return nil, err
	}
	if !mt.Clustered || len(mt.Nodes) == 0 {
		return nil, fmt.Errorf("%w: %s is %s, and has no replicas that should be one", ErrNoMesh, st.Name, st.Type)
	}
	if p.Cookie, err = dist.CookieFromFile(mt.CookieFile); err != nil {
		return nil, err
	}
	if p.TLS, err = mt.TLS(); err != nil {
		return nil, fmt.Errorf("read the certificate of %s: %w", st.Name, err)
	}
	p.CookieCertain = true
	p.EPMDPort, p.Ports = mt.EPMDPort, mt.Ports
	useResolver(p, mt.Resolver)
	p.Service = mt.Service
	t := &Target{Prober: p, Expected: mt.Nodes, Alias: map[string]string{}}
	for _, pod := range st.Pods {
		t.Alias[pod.Node] = pod.Name
	}
	return t, nil
}

// Look observes every node and diagnoses what it saw.
func (t *Target) Look(ctx context.Context) (mesh.Report, error) {
	s, err := t.See(ctx)
	return s.Report, err
}

// See is Look, and on Kubernetes what the replicas' agents say.
func (t *Target) See(ctx context.Context) (report.Sight, error) {
	if t.agents == nil {
		r, err := t.observe(ctx)
		return report.Sight{Report: r}, err
	}
	s, err := t.agents.Look(ctx)
	if err != nil {
		return s, err
	}
	t.Alias = t.agents.Alias() // the agents know better than the pods' specs
	s.Report = t.name(s.Report)
	return s, nil
}

// Trace walks from one node to another.
func (t *Target) Trace(ctx context.Context, from, to string) mesh.Trace {
	if t.agents != nil {
		return t.agents.Trace(ctx, from, to)
	}
	return t.Prober.Trace(ctx, from, to)
}

func (t *Target) observe(ctx context.Context) (mesh.Report, error) {
	o, err := t.Prober.Observe(ctx, t.Expected)
	if err != nil {
		return mesh.Report{}, err
	}
	return t.name(mesh.NewReport(o)), nil
}

// Foreign has the nodes of pods that Phial did not deploy looked at by a pod that is made
// for it.
func (f *Flags) Foreign(ctx context.Context, s *term.IO, what cluster.Foreign) (report.Sight, *Target, error) {
	if err := f.checkForeign(); err != nil {
		return report.Sight{}, nil, err
	}
	what.EPMDPort, what.DistPort, what.Timeout = f.epmdPort, f.distPort, f.timeout
	if err := what.Check(); err != nil {
		return report.Sight{}, nil, err
	}
	c, err := f.Cluster.Connect()
	if err != nil {
		return report.Sight{}, nil, err
	}
	sight, pods, err := c.Look(ctx, what, s.Notef)
	if err != nil {
		return sight, nil, err
	}
	t := &Target{Alias: pods}
	sight.Report = t.name(sight.Report)
	return sight, t, nil
}

// name says in each finding which replicas its nodes are, since a node named by
// its address says little to a person.
func (t *Target) name(r mesh.Report) mesh.Report {
	for i := range r.Nodes {
		r.Nodes[i].Replica = t.Alias[r.Nodes[i].Name]
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if named := t.replicas(*f); named != nil { // whoever found it may know them already
			f.Replicas = named
		}
	}
	return r
}

// Style is how to write about these nodes.
func (t *Target) Style(s *term.IO) report.Style {
	return report.Style{Colour: s.Colour, Width: s.Width, Alias: t.Alias}
}

// OpenFor is Open for a walk between two nodes: where they are full node names of
// no local app, they stand for --node.
func (f *Flags) OpenFor(ctx context.Context, a, b string) (*Target, error) {
	if f.OnCluster() {
		return f.Open(ctx)
	}
	if !f.remote() && f.App.Name == "" && isNode(a) && isNode(b) {
		if t, err := f.Open(ctx); err == nil {
			if slices.Contains(t.Expected, a) || slices.Contains(t.Expected, b) {
				return t, nil
			}
		}
		f.Nodes = []string{a, b}
	}
	if !f.remote() && f.App.Name == "" {
		if c, err := f.App.ForPod(a); err == nil {
			f.App.Name = c.Name() // of several apps, the one whose replica it is
		}
	}
	return f.Open(ctx)
}

func isNode(s string) bool {
	_, err := beam.ParseName(s)
	return err == nil
}

// Node gives the node name of a replica's name, or of a node's own.
func (t *Target) Node(name string) (string, error) {
	for node, replica := range t.Alias {
		if replica == name {
			return node, nil
		}
	}
	if isNode(name) {
		return name, nil
	}
	if len(t.Alias) == 0 && t.agents == nil {
		_, err := beam.ParseName(name)
		return "", err
	}
	if t.agents != nil {
		if why := t.agents.Waits(name); why != "" {
			return "", fmt.Errorf("%s has no node yet: %s", name, why)
		}
	}
	return "", fmt.Errorf("no replica and no node %q; there are %s", name,
		strings.Join(slices.Sorted(maps.Values(t.Alias)), ", "))
}

// replicas gives the replicas whose nodes a finding's subject names.
func (t *Target) replicas(f finding.Finding) []string {
	var out []string
	for _, node := range mesh.Subjects(f) {
		if r, ok := t.Alias[node]; ok {
			out = append(out, r)
		}
	}
	return out
}

// useResolver makes the prober look names up where the app's replicas do.
func useResolver(p *probe.Prober, addr string) {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	// The dot at the end keeps this machine's own search list out of it.
	p.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
		return r.LookupNetIP(ctx, "ip", strings.TrimSuffix(host, ".")+".")
	}
	p.LookupSRV = func(ctx context.Context, name string) ([]string, error) { return agent.Targets(ctx, r, name) }
}

// NoteAlone says that nodes given by --node know nobody else: whether that is how
// it should be, only the person knows.
func (t *Target) NoteAlone(s *term.IO, r mesh.Report) {
	if len(t.Alias) == 0 && r.Alone() {
		s.Notef("%s is connected to nobody. If it should be, name the others with --node as well.", r.Nodes[0].Name)
	}
}
