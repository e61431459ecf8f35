package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
)

// FromEnv reads what the environment says; what it does not say has its default. The
// error has a line for every problem, each with the variable's name and what is expected
// of it. The settings are filled as far as that goes even so: what has a problem has its
// default.
func FromEnv(env func(string) string) (Settings, error) {
	r := reader{env: env}
	s := Default()
	r.node(&s.Node)
	s.App, s.Pipeline = env(beam.EnvPhialApp), env(beam.EnvPhialPipeline)
	s.Pod, s.Namespace = env(beam.EnvPodName), env(beam.EnvPodNamespace)
	r.addr(beam.EnvPodIP, &s.PodIP)
	s.Service, s.Domain = env(beam.EnvPhialService), strings.TrimSuffix(env(beam.EnvPhialDomain), ".")
	r.path(beam.EnvPhialCookieFile, &s.CookieFile)
	s.KeyFile = keyBeside(s.CookieFile)
	r.path(beam.EnvPhialAgentKeyFile, &s.KeyFile)
	r.path(beam.EnvPhialTLS, &s.TLSDir)
	r.ports(beam.EnvPhialDistPorts, &s.DistPorts)
	epmd := enabled
	r.oneOf(beam.EnvPhialEPMD, &epmd, enabled, disabled)
	s.EPMD = epmd == enabled
	r.port(beam.EnvErlEPMDPort, &s.EPMDPort)
	r.oneOf(beam.EnvPhialJoin, &s.Join, JoinAuto, JoinNever)
	r.oneOf(beam.EnvPhialGate, &s.Gate, GateJoined, GateBooted)
	r.oneOf(beam.EnvPhialOnPartition, &s.OnPartition, PartitionServe, PartitionLargestOnly, PartitionQuorum)
	r.port(beam.EnvPort, &s.HTTPPort)
	r.healthPath(&s.HealthPath)
	r.seconds(beam.EnvPhialEndpointDelay, &s.DelaySeconds)
	r.seconds(beam.EnvPhialDrainTimeout, &s.DrainSeconds)
	r.hook(&s.Hook)
	r.path(beam.EnvPhialAgentBin, &s.BinDir)
	r.path(beam.EnvPhialAgentRun, &s.RunDir)
	r.port(beam.EnvPhialAgentProbe, &s.ProbePort)
	return s, errors.Join(r.problems...)
}

// Values of PHIAL_EPMD, which are those of spec.clustered.distribution.epmd.
const (
	enabled  = "Enabled"
	disabled = "Disabled"
)

// maxSeconds is a day: the most that a BeamApp allows.
const maxSeconds = 86400

// reader reads variables into fields and keeps what is wrong with them. A variable that
// is empty or wrong leaves its field as it is.
type reader struct {
	env      func(string) string
	problems []error
}

func (r *reader) refuse(name, value, want string) {
	r.problems = append(r.problems, fmt.Errorf("%s is %q: expected %s", name, value, want))
}

func (r *reader) node(to *string) {
	name := r.env(beam.EnvReleaseNode)
	if name == "" {
		r.problems = append(r.problems, fmt.Errorf("%s is not set: expected the full name of the node beside this agent, base@host", beam.EnvReleaseNode))
		return
	}
	if _, err := beam.ParseName(name); err != nil {
		r.problems = append(r.problems, fmt.Errorf("%s: %w: expected base@host", beam.EnvReleaseNode, err))
		return
	}
	*to = name
}

func (r *reader) addr(name string, to *netip.Addr) {
	v := r.env(name)
	if v == "" {
		return
	}
	a, err := netip.ParseAddr(v)
	if err != nil {
		r.refuse(name, v, "an IP address")
		return
	}
	*to = a.Unmap()
}

func (r *reader) path(name string, to *string) {
	switch v := r.env(name); {
	case v == "":
	case !filepath.IsAbs(v):
		r.refuse(name, v, "an absolute path")
	default:
		*to = filepath.Clean(v)
	}
}

func (r *reader) port(name string, to *uint16) {
	v := r.env(name)
	if v == "" {
		return
	}
	p, err := strconv.ParseUint(v, 10, 16)
	if err != nil || p == 0 {
		r.refuse(name, v, "a TCP port, 1 to 65535")
		return
	}
	*to = uint16(p)
}

// maxPorts bounds a range: each port of it is tried where EPMD does not help.
const maxPorts = 1024

func (r *reader) ports(name string, to *PortRange) {
	v := r.env(name)
	if v == "" {
		return
	}
	a, b, ok := strings.Cut(v, "-")
	first, errA := strconv.ParseUint(a, 10, 16)
	last, errB := strconv.ParseUint(b, 10, 16)
	if !ok || errA != nil || errB != nil || first == 0 || last < first || last-first >= maxPorts {
		r.refuse(name, v, fmt.Sprintf("FIRST-LAST, at most %d TCP ports, such as %d-%d", maxPorts, beam.DistPortMin, beam.DistPortMax))
		return
	}
	*to = PortRange{uint16(first), uint16(last)}
}

func (r *reader) oneOf(name string, to *string, values ...string) {
	v := r.env(name)
	for _, want := range values {
		if v == want {
			*to = v
			return
		}
	}
	if v != "" {
		r.refuse(name, v, "one of "+strings.Join(values, ", "))
	}
}

func (r *reader) seconds(name string, to *int) {
	v := r.env(name)
	if v == "" {
		return
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > maxSeconds {
		r.refuse(name, v, fmt.Sprintf("whole seconds, 0 to %d", maxSeconds))
		return
	}
	*to = n
}

func (r *reader) healthPath(to *string) {
	v := r.env(beam.EnvPhialHealthPath)
	switch {
	case v == "":
	case v[0] != '/' || strings.ContainsAny(v, " \t\r\n"):
		r.refuse(beam.EnvPhialHealthPath, v, "an HTTP path that begins with /")
	case r.env(beam.EnvPort) == "":
		r.refuse(beam.EnvPhialHealthPath, v, "the app's HTTP port in "+beam.EnvPort+" beside it")
	default:
		*to = v
	}
}

func (r *reader) hook(to *Hook) {
	v := r.env(beam.EnvPhialDrainHook)
	if v == "" {
		return
	}
	i := strings.LastIndexByte(v, '.')
	if i <= 0 || i == len(v)-1 || strings.ContainsAny(v, " \t\r\n:/") {
		r.refuse(beam.EnvPhialDrainHook, v, "Module.function, such as Shop.Drainer.drain")
		return
	}
	*to = Hook{Module: v[:i], Function: v[i+1:]}
}
