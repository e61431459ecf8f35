package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/api/v1alpha1"
)

// Identity says what a replica's node is named after.
type Identity string

// The identities of DESIGN.md: by address (as a Deployment gives it) or by a
// name that stays (as a StatefulSet gives it).
const (
	IdentityAddress Identity = "address"
	IdentityStable  Identity = "stable"
)

// Fault is a way to break a replica on purpose.
type Fault string

// The faults that [Client.Break] and [Options.Break] know.
const (
	FaultCookie Fault = "cookie" // restarted with another cookie
	FaultName   Fault = "name"   // restarted under a name with another host part
	FaultEPMD   Fault = "epmd"   // EPMD is gone from its address
	FaultPort   Fault = "port"   // EPMD names a distribution port where nobody listens
	FaultDNS    Fault = "dns"    // its records are gone and its lookups fail
	FaultFreeze Fault = "freeze" // SIGSTOP
	FaultKill   Fault = "kill"   // SIGKILL, once
)

// Faults lists every fault, in the order in which help shows them.
func Faults() []Fault {
	return []Fault{FaultCookie, FaultName, FaultEPMD, FaultPort, FaultDNS, FaultFreeze, FaultKill}
}

// ParseFault gives the fault of that name, or an error that lists them all.
func ParseFault(s string) (Fault, error) {
	if f := Fault(s); slices.Contains(Faults(), f) {
		return f, nil
	}
	names := make([]string, 0, len(Faults()))
	for _, f := range Faults() {
		names = append(names, string(f))
	}
	return "", fmt.Errorf("no fault %q: there are %s", s, strings.Join(names, ", "))
}

// ParseBreak reads POD=FAULT, as --break takes it.
func ParseBreak(s string) (pod string, f Fault, err error) {
	pod, what, ok := strings.Cut(s, "=")
	if !ok || pod == "" {
		return "", "", fmt.Errorf("%q is not POD=FAULT, for example tally-1=cookie", s)
	}
	f, err = ParseFault(what)
	return pod, f, err
}

// Defaults and bounds of Options.
const (
	DefaultReplicas      = 3
	MaxReplicas          = 50 // serving; each has an address, 8 distribution ports and an http port
	DefaultHTTPPort      = 4000
	DefaultNamespace     = "default"
	DefaultGrace         = 30 * time.Second
	DefaultEndpointDelay = 500 * time.Millisecond
)

// Options say what to run and how. The zero value of every field but Dir has a
// meaning that is right for most.
type Options struct {
	// Dir is a mix project or a release directory; empty means the current one.
	Dir string
	// App is what to run, as the plan has it. It need not be valid, so that what the
	// API would refuse can be seen. nil: one is made of the other fields. What they say
	// and it does, too, they replace in it.
	App *v1alpha1.BeamApp
	// AppFile is what App is called in texts, such as phial.yaml.
	AppFile string
	// At is where a field of App, such as spec.image, stands: file:line:column. nil:
	// nobody knows.
	At func(field string) string
	// Values are variables that the app is to have, and stand in the place of what App
	// says of the same names: of a Secret that is in the cluster alone, for example.
	Values map[string]string
	// Name is the instance's name, a DNS label of at most 40 characters;
	// replicas are NAME-0 … NAME-N-1. Empty: App's, or the release's.
	Name string
	// Release picks one of a project's releases; empty: the only one, or
	// the project's default.
	Release string
	// Replicas is 1 … MaxReplicas; 0 means App's, or DefaultReplicas.
	Replicas int
	// Identity is address or stable; empty means App's, or address.
	Identity Identity
	// Namespace is the Kubernetes namespace to pretend; empty means App's, or "default".
	Namespace string
	// HTTPPort is where the ingress listens on 127.0.0.1. 0 means DefaultHTTPPort,
	// or the next free one; any other must be free.
	HTTPPort int
	// NoHTTP says that the app opens no http port: there is no ingress, and
	// readiness does not ask for one.
	NoHTTP bool
	// Grace is how long a replica has from the beginning of its end to SIGKILL, for the
	// endpoint delay, the drain and the stop; 0 means what the plan says, which is
	// DefaultGrace without App.
	Grace time.Duration
	// EndpointDelay is how long a replica is left alone after the ingress stopped
	// sending to it and before it is drained; 0 means what the plan says, or without App
	// DefaultEndpointDelay; negative none.
	EndpointDelay time.Duration
	// CookieFile holds the cookie to use; empty: a random one is made.
	CookieFile string
	// Break holds a fault for each replica that is to start broken.
	Break map[string]Fault
	// Env is the environment that builds and replicas inherit; nil: the engine's own.
	Env []string
	// Out receives the replicas' output, a line at a time, each with the
	// replica's name in front; nil: only files do. It may block: lines it
	// cannot take in time are counted and left out, the replicas go on.
	Out io.Writer
	// Color paints the replicas' names in Out.
	Color bool
	// Progress receives one line for each step of starting and each thing
	// worth knowing later, without a newline; nil: none. It is also in engine.log.
	Progress func(line string)
	// Started is called once, when the control socket answers and every
	// replica's process has been started; nil: nobody asked.
	Started func(Status)
	// Kill, when closed, ends the grace periods of stopping replicas at once:
	// the second Ctrl-C. nil: never.
	Kill <-chan struct{}
	// StateDir overrides where instances are kept, see StateRoot.
	StateDir string
}

var labelRE = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

// complete fills in what was left out, except the name, which the release may
// have to give, and refuses what makes no sense.
func (o *Options) complete() error {
	if o.Dir == "" {
		o.Dir = "."
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	o.Dir = dir
	if o.Replicas != 0 {
		if err := CheckReplicas(o.Replicas); err != nil {
			return err
		}
	}
	if o.Identity != "" && o.Identity != IdentityAddress && o.Identity != IdentityStable {
		return fmt.Errorf("no identity %q: there are address and stable", o.Identity)
	}
	if o.Namespace != "" && (len(o.Namespace) > 63 || !labelRE.MatchString(o.Namespace)) {
		return fmt.Errorf("%q is no name for a namespace: small letters, digits and dashes, at most 63", o.Namespace)
	}
	if o.HTTPPort < 0 || o.HTTPPort > 65535 {
		return fmt.Errorf("%d is no port", o.HTTPPort)
	}
	if o.Name != "" {
		if err := checkName(o.Name); err != nil {
			return err
		}
	}
	if err := o.checkValues(); err != nil {
		return err
	}
	if o.Grace < 0 {
		return errors.New("the grace period cannot be negative")
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Started == nil {
		o.Started = func(Status) {}
	}
	return nil
}

// CheckReplicas refuses a number of replicas that the engine does not run.
func CheckReplicas(n int) error {
	if n < 1 || n > MaxReplicas {
		return fmt.Errorf("%d replicas: the local engine runs 1 to %d", n, MaxReplicas)
	}
	return nil
}

func checkName(name string) error {
	if len(name) > 40 || !labelRE.MatchString(name) {
		return fmt.Errorf("%q is no name for an app: a small letter first, then small letters, digits and dashes, at most 40 in all", name)
	}
	return nil
}

// labelOf makes a DNS label of a release's name, which may hold _ and capitals.
func labelOf(release string) string {
	s := strings.Trim(strings.ReplaceAll(strings.ToLower(release), "_", "-"), "-")
	return s[:min(len(s), 40)]
}

func podName(app string, n int) string { return app + "-" + strconv.Itoa(n) }

// ordinal gives N of the replica name APP-N.
func ordinal(app, pod string) (int, bool) {
	rest, ok := strings.CutPrefix(pod, app+"-")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(rest)
	return n, err == nil && n >= 0 && podName(app, n) == pod
}

func podRange(app string, n int) string {
	if n == 1 {
		return podName(app, 0)
	}
	return podName(app, 0) + " … " + podName(app, n-1)
}

// Run builds the release where that is needed, starts the replicas and serves
// the instance's control socket until ctx ends or somebody asks it to go down;
// then it stops every replica within the grace period. On return nothing that
// it started is left, and an error is one line for the person who reads it.
func Run(ctx context.Context, o Options) error {
	if err := o.complete(); err != nil {
		return err
	}
	return run(ctx, o)
}
