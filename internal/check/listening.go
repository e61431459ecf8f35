package check

import (
	"encoding/binary"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// listening is on which ports the app answers HTTP in some surroundings; ok where that is all.
func listening(p *project.Project, s *surroundings) (ports []int64, ok bool) {
	for _, e := range p.Endpoints {
		n, ok := e.HTTPPort.Eval(s.get).AsInt()
		if !ok {
			return nil, false
		}
		ports = append(ports, int64(n))
	}
	for _, sup := range p.Supervisors {
		for _, c := range sup.Children {
			port := c.Options.Get("port")
			if port.Absent() {
				port = c.Options.Get("options").Get("port")
			}
			if port.Absent() {
				continue
			}
			n, ok := port.Eval(s.get).AsInt()
			if !ok {
				return nil, false
			}
			ports = append(ports, int64(n))
		}
	}
	if len(p.Endpoints) > 0 {
		return ports, true
	}
	switch v := s.get(beam.EnvPort); {
	case p.Port.Name != "" && v.Unknown != "":
		return nil, false
	case p.Port.Name != "" && v.Set:
		n, ok := parsePort(v.Value)
		return append(ports, n), ok
	case p.Port.Name != "" && p.Port.Default.Known():
		n, ok := parsePort(p.Port.Default.Value)
		return append(ports, n), ok
	case p.Port.Name == "" && p.FixedPort.Known():
		return append(ports, int64(p.FixedPort.Value)), true
	}
	return ports, len(ports) > 0
}

// asked is a port of a release that somebody asks: a probe, or a Service.
type asked struct {
	manifest.Field
	number int64
	by     string
	other  bool // it is a Service's port that by its name and number need not be the web's
}

// askedPorts are the ports of a release that are asked for HTTP or TCP, those of the distribution left out.
func (in *Input) askedPorts(b Beam) (all []asked) {
	for _, p := range probes(b.Container) {
		for _, how := range []string{"httpGet", "tcpSocket"} {
			at := p.Key(how).Key("port")
			if n, ok := portNumber(b.Workload, at); ok && at.Exists() && distribution(b, n, at.String()) == "" {
				all = append(all, asked{at, n, "the " + p.kind + " probe", false})
			}
		}
	}
	for _, s := range in.Selecting("Service", b.Workload) {
		for p := range servicePorts(s, b.Workload) {
			if p.target != 0 && distribution(b, p.target, p.name, p.Key("targetPort").String()) == "" {
				at := p.Key("targetPort")
				if at.Null() {
					at = p.Key("port")
				}
				all = append(all, asked{at, p.target, "the Service " + s.Name, !forWeb(p.Field)})
			}
		}
	}
	return all
}

// forWeb says whether a Service's port is by its name or number the one for HTTP.
func forWeb(p manifest.Field) bool {
	name := p.Key("name").String()
	return name == "http" || name == "web" || p.Key("port").String() == "80"
}

// alone says whether a release's container is the only one that answers for its pod.
func alone(b Beam) bool {
	n := 0
	for c := range b.Containers() {
		if !c.Init || c.Beside {
			n++
		}
	}
	return n == 1
}

// otherPort finds releases that listen on another port than anything in their workload knows.
func otherPort(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		if !alone(b) || managed(b.Workload) {
			continue
		}
		set, given := b.Container.EnvVar(beam.EnvPort)
		p := in.projectOf(b)
		ports, ok := listening(p, in.surroundings(b))
		asks := in.askedPorts(b)
		if !ok || len(asks) == 0 {
			continue
		}
		if slices.ContainsFunc(ports, func(n int64) bool { return declares(b.Workload, n) }) ||
			slices.ContainsFunc(asks, func(a asked) bool { return slices.Contains(ports, a.number) }) {
			in.strayPort(b, p, ports, asks, f)
			continue
		}
		n := f.At(b.Object, asks[0].Field, "%s asks port %d, and the app listens on %d", asks[0].by, asks[0].number, ports[0]).
			As(finding.Warning, Likely).Mend("let the app listen on %d (PORT), or ask %d", asks[0].number, ports[0])
		if given && in.byPort(p, asks, ports) {
			n.As(finding.Error, Certain).Also(set.Value(), "PORT")
		}
		for _, e := range p.Endpoints {
			n.place(in, e.HTTPPort.At, "its port")
		}
	}
}

// strayPort finds single ones that ask a port which neither the app listens on nor its container names, while others ask the right one.
func (in *Input) strayPort(b Beam, p *project.Project, ports []int64, asks []asked, f *Finder) {
	first := map[string]*Finding{}
	_, given := b.Container.EnvVar(beam.EnvPort)
	for _, a := range asks {
		if a.Name() == "targetPort" && given {
			continue // which is held against PORT in any case
		}
		if len(p.Endpoints) == 0 || slices.Contains(ports, a.number) || declares(b.Workload, a.number) || a.other ||
			ofLibraries[a.number] || slices.ContainsFunc(p.Configs, func(c project.ConfigCall) bool { return c.Value.HasNumber(int(a.number)) }) {
			continue
		}
		n := f.At(b.Object, a.Field, "%s asks port %d, and the app listens on %d", a.by, a.number, ports[0]).
			As(finding.Warning, Likely).Mend("ask port %d, or name %d among the container's ports if something else listens there", ports[0], a.number)
		n.beneath(first, strconv.FormatInt(a.number, 10))
		for _, e := range p.Endpoints {
			n.place(in, e.HTTPPort.At, "its port")
		}
	}
}

// ofLibraries are the ports that servers of libraries listen on where nobody says otherwise: PromEx, TelemetryMetricsPrometheus, gRPC, and Prometheus'.
var ofLibraries = map[int64]bool{4021: true, 9568: true, 50051: true, 9090: true, 9091: true}

// noGRPC finds probes by gRPC of releases that have no library for it.
func noGRPC(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		if !alone(b) || managed(b.Workload) || len(in.Project.Lock) == 0 ||
			slices.ContainsFunc(in.Project.Lock, func(l project.Locked) bool { return strings.Contains(l.Name, "grpc") }) {
			continue
		}
		for _, p := range probes(b.Container) {
			if at := p.At("grpc.port"); at.Exists() {
				f.At(b.Object, at, "the %s probe asks port %s by gRPC, and mix.lock has no library that speaks it", p.kind, at).
					As(finding.Warning, Likely).Mend("ask by httpGet for a path that the app answers")
			}
		}
	}
}

// byPort says whether it is certain that nobody listens on the ports that are asked: all is one port, endpoints are all that
// listens, each on the port that it is given, and the configuration speaks of no other server.
func (in *Input) byPort(p *project.Project, asks []asked, ports []int64) bool {
	if len(p.Endpoints) == 0 || len(ports) != len(p.Endpoints) || len(in.Project.Broken) > 0 {
		return false
	}
	for _, a := range asks {
		if a.number != asks[0].number {
			return false
		}
	}
	for _, c := range p.Configs {
		own := slices.ContainsFunc(c.Keys, func(k project.Named) bool {
			return slices.ContainsFunc(p.Endpoints, func(e *project.Endpoint) bool { return e.Module == k.Name })
		})
		if !own && c.Value.HasNumber(int(asks[0].number)) {
			return false // another server may have it
		}
	}
	return true
}

// onLoopback finds releases that listen on the loopback address alone, though somebody asks from outside of the pod.
func onLoopback(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		if !alone(b) || managed(b.Workload) {
			continue // what stands beside it reaches it there
		}
		p, s := in.projectOf(b), in.surroundings(b)
		if len(p.Endpoints) != 1 {
			continue
		}
		e := p.Endpoints[0]
		port, ok := e.HTTPPort.Eval(s.get).AsInt()
		address := e.HTTPAddress.Eval(s.get)
		asks := in.askedPorts(b)
		i := slices.IndexFunc(asks, func(a asked) bool { return a.number == int64(port) })
		if !ok || i < 0 || !loopbackAddress(address) || strings.Contains(in.ProjectText(e.At.File), "def init(") {
			continue
		}
		f.At(b.Object, asks[i].Field, "%s asks port %d at the pod's address, and %s listens on the loopback address alone", asks[i].by, port, e.Module).
			Mend("let it listen on all addresses: ip: {0, 0, 0, 0, 0, 0, 0, 0}, or {0, 0, 0, 0} where there is no IPv6").place(in, e.HTTPAddress.At, "its address")
	}
}

// loopbackAddress says whether ip: of an endpoint is an address that only its own machine reaches.
func loopbackAddress(e project.Expr) bool {
	if t, ok := e.AsText(); ok {
		a, err := netip.ParseAddr(t)
		return err == nil && a.IsLoopback() || t == "localhost"
	}
	if e.Is("loopback") {
		return true
	}
	if e.Kind != project.ExprTuple {
		return false
	}
	var parts []byte // an IPv4 address has four of a byte, an IPv6 address eight of two
	for _, item := range e.Items {
		n, ok := item.Value.AsInt()
		switch {
		case !ok || n < 0 || n > math.MaxUint16 || len(e.Items) == 4 && n > math.MaxUint8:
			return false
		case len(e.Items) == 4:
			parts = append(parts, byte(n))
		default:
			parts = binary.BigEndian.AppendUint16(parts, uint16(n))
		}
	}
	a, ok := netip.AddrFromSlice(parts)
	return ok && a.IsLoopback()
}

var runsMix = regexp.MustCompile(`\bmix\s+(phx\.server|run)\b|\biex\s+-S\b`)

// notServing finds releases whose endpoint is not started, though somebody asks its port.
func notServing(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		p, s := in.projectOf(b), in.surroundings(b)
		if len(p.Endpoints) == 0 || runsMix.MatchString(s.command()) || !alone(b) || slices.ContainsFunc(p.Endpoints, func(e *project.Endpoint) bool { return !in.off(e, s) }) {
			continue
		}
		var ports []int64
		for _, e := range p.Endpoints {
			if n, ok := e.HTTPPort.Eval(s.get).AsInt(); ok {
				ports = append(ports, int64(n))
			}
		}
		asks := in.askedPorts(b)
		i := slices.IndexFunc(asks, func(a asked) bool { return slices.Contains(ports, a.number) })
		if i < 0 {
			continue // it may be another server that is asked
		}
		e := p.Endpoints[0]
		at := environmentOf(b)
		if names := e.Server.Variables(); len(names) > 0 {
			f.At(b.Object, at, "nobody starts %s: %s is not set, so nothing listens on port %d, which %s asks", e.Module, strings.Join(names, ", "), asks[i].number, asks[i].by).
				Mend("set %s to true, or start the release with bin/server", names[0]).Also(asks[i].Field, "asked here").place(in, e.Server.At, "it hangs on this")
			continue
		}
		f.At(b.Object, at, "nobody starts %s: server: is nowhere true, so nothing listens on port %d, which %s asks", e.Module, asks[i].number, asks[i].by).
			Mend("set server: true for it in config/runtime.exs").Also(asks[i].Field, "asked here").place(in, e.At, e.Module)
	}
}

// command is what starts the release.
func (s *surroundings) command() string {
	for _, t := range s.scripts {
		if t.called == itsCommand {
			return t.text
		}
	}
	return ""
}

// off says whether an endpoint is certainly not started in a release.
func (in *Input) off(e *project.Endpoint, s *surroundings) bool {
	if len(in.Project.ConfigUnread) > 0 {
		return false // it may be set where nobody looked
	}
	no := func(x project.Expr) bool {
		x = x.Eval(s.get)
		return x.Nil() || x.Is("false")
	}
	if !no(e.Server) || !no(in.Project.Setting("phoenix", "serve_endpoints")) || strings.Contains(in.ProjectText(e.At.File), "def init(") {
		return false
	}
	for _, sup := range in.Project.Supervisors {
		if i := sup.Index(e.Module); i >= 0 && !sup.Children[i].Options.Absent() {
			return false
		}
	}
	return true
}
