// Package settings is what an agent is told about its node: the plan says it in the
// environment of the agent's container, and the supervisor leaves it in a file for the
// agent's verbs that run in the app's container, which has most of it not. It holds
// no secret, only where secrets are.
package settings

import (
	"net/netip"
	"path/filepath"
	"time"

	"github.com/phialdev/phial/internal/beam"
)

// Settings is what an agent is told.
type Settings struct {
	Node         string     `json:"node"`                 // full name of the own node
	App          string     `json:"app,omitempty"`        // name of the BeamApp
	Pipeline     string     `json:"pipeline,omitempty"`   // which of its pipelines runs here; empty: it serves
	Pod          string     `json:"pod,omitempty"`        // name of the pod
	Namespace    string     `json:"namespace,omitempty"`  // of the pod
	PodIP        netip.Addr `json:"podIP,omitzero"`       // invalid: not told
	Service      string     `json:"service,omitempty"`    // name of the headless Service
	Domain       string     `json:"domain,omitempty"`     // its full DNS name; empty: no cluster
	CookieFile   string     `json:"cookieFile"`           // the cookie of now
	KeyFile      string     `json:"keyFile"`              // key of the agents among themselves
	TLSDir       string     `json:"tlsDir,omitempty"`     // of tls.crt, tls.key and ca.crt; empty: plain distribution
	DistPorts    PortRange  `json:"distPorts"`            // where the node, and tools beside it, listen
	EPMD         bool       `json:"epmd"`                 // there is one
	EPMDPort     uint16     `json:"epmdPort"`             // where it is
	Join         string     `json:"join"`                 // JoinAuto or JoinNever
	Gate         string     `json:"gate"`                 // GateJoined or GateBooted
	OnPartition  string     `json:"onPartition"`          // PartitionServe, PartitionLargestOnly or PartitionQuorum
	HTTPPort     uint16     `json:"httpPort,omitempty"`   // of the app; 0: it has none
	HealthPath   string     `json:"healthPath,omitempty"` // the app's own readiness on HTTPPort; empty: none
	DelaySeconds int        `json:"endpointDelaySeconds"` // see EndpointDelay
	DrainSeconds int        `json:"drainTimeoutSeconds"`  // see DrainTimeout
	Hook         Hook       `json:"drainHook,omitzero"`   // called when draining begins; zero: none
	BinDir       string     `json:"binDir"`               // where the agent's binary is copied to
	RunDir       string     `json:"runDir"`               // where its sockets are
	ProbePort    uint16     `json:"probePort"`            // where the supervisor answers probes
}

// PortRange is a range of TCP ports, both ends included.
type PortRange struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
}

// List gives every port of the range.
func (r PortRange) List() []uint16 {
	var all []uint16
	for p := int(r.First); p <= int(r.Last); p++ {
		all = append(all, uint16(p))
	}
	return all
}

// Hook is a function of the app without arguments.
type Hook struct {
	Module   string `json:"module"`   // as Elixir writes it, such as Shop.Drainer
	Function string `json:"function"` // such as drain
}

// Values of Join.
const (
	JoinAuto  = "Auto"
	JoinNever = "Never"
)

// Values of Gate.
const (
	GateJoined = "Joined"
	GateBooted = "Booted"
)

// Values of OnPartition.
const (
	PartitionServe       = "Serve"
	PartitionLargestOnly = "LargestOnly"
	PartitionQuorum      = "Quorum"
)

// Defaults of what the environment does not say; they are the BeamApp's.
const (
	defaultDelaySeconds = 5
	defaultDrainSeconds = 25
)

// Default is what holds where nothing is told. It names no node.
func Default() Settings {
	return Settings{
		CookieFile: beam.DefaultCookieFile, KeyFile: keyBeside(beam.DefaultCookieFile),
		DistPorts: PortRange{beam.DistPortMin, beam.DistPortMax}, EPMD: true, EPMDPort: beam.EPMDPort,
		Join: JoinAuto, Gate: GateJoined, OnPartition: PartitionLargestOnly,
		DelaySeconds: defaultDelaySeconds, DrainSeconds: defaultDrainSeconds,
		BinDir: beam.DefaultAgentBin, RunDir: beam.DefaultAgentRun, ProbePort: beam.AgentProbePort,
	}
}

func keyBeside(cookieFile string) string {
	return filepath.Join(filepath.Dir(cookieFile), beam.AgentKey)
}

// Clustered says whether the node has peers to join.
func (s Settings) Clustered() bool { return s.Domain != "" }

// EndpointDelay passes from the closing of the gate until anything is stopped: load
// balancers need that long to hear of it.
func (s Settings) EndpointDelay() time.Duration { return time.Duration(s.DelaySeconds) * time.Second }

// DrainTimeout is how long work in flight may take to end, after the endpoint delay.
func (s Settings) DrainTimeout() time.Duration { return time.Duration(s.DrainSeconds) * time.Second }

// Binary is the path of the agent's copy of itself.
func (s Settings) Binary() string { return filepath.Join(s.BinDir, beam.AgentBinary) }
