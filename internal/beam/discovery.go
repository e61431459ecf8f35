package beam

import (
	"fmt"
	"slices"
)

// Discovery is who finds the peers of a node, as spec.clustered.discovery of a BeamApp
// has it.
type Discovery string

// The discoveries. Those of libcluster are named after its strategies, as of 3.5.
const (
	DiscoveryPhial                Discovery = "Phial"                // Phial's agents, beside any release
	DiscoveryLibclusterDNS        Discovery = "LibclusterDNS"        // Cluster.Strategy.Kubernetes.DNS; DNSPoll is alike
	DiscoveryLibclusterDNSSRV     Discovery = "LibclusterDNSSRV"     // Cluster.Strategy.Kubernetes.DNSSRV
	DiscoveryLibclusterKubernetes Discovery = "LibclusterKubernetes" // Cluster.Strategy.Kubernetes
	DiscoveryDNSCluster           Discovery = "DNSCluster"           // dns_cluster, Phoenix's default
)

// Identity is what a replica's node is named after, as spec.clustered.identity of a
// BeamApp has it.
type Identity string

// The identities.
const (
	IdentityAddress Identity = "Address" // base@POD_IP
	IdentityStable  Identity = "Stable"  // base@pod.service.namespace.svc.domain
)

// Identities lists both.
func Identities() []Identity { return []Identity{IdentityAddress, IdentityStable} }

// Names is the host part of the names that an identity gives; HostNone for one that
// does not exist.
func (i Identity) Names() HostPart {
	switch i {
	case IdentityAddress:
		return HostAddress
	case IdentityStable:
		return HostName
	}
	return HostNone
}

// HostPart says what stands after the @ of a replica's node name. Two nodes meet only
// where the one dials the other by the very name that it gives itself.
type HostPart uint8

// The host parts.
const (
	HostNone    HostPart = iota // no name at all
	HostAddress                 // POD_IP
	HostName                    // pod.service.namespace.svc.domain
)

// String shows a node name of that host part.
func (h HostPart) String() string {
	switch h {
	case HostAddress:
		return "base@IP"
	case HostName:
		return "base@host name"
	case HostNone:
	}
	return "no name"
}

// Lookup is where a discovery finds the peers.
type Lookup uint8

// The lookups. Those of DNS ask for the headless Service.
const (
	LookupA       Lookup = iota + 1 // A records alone: nothing where pods have IPv6 only
	LookupAOrAAAA                   // A and AAAA records
	LookupSRV                       // SRV records, of which the targets count
	LookupAPI                       // pods or endpoints, of the API server, by label
)

func (l Lookup) String() string {
	switch l {
	case LookupA:
		return "A"
	case LookupAOrAAAA:
		return "A and AAAA"
	case LookupSRV:
		return "SRV"
	case LookupAPI:
		return "Kubernetes API"
	}
	return "none"
}

// discovery is a row of the table of what each discovery looks up and which names it
// then dials.
type discovery struct {
	name   Discovery
	who    string // for a person
	lookup map[Identity]Lookup
	dials  map[Identity]HostPart
	env    []string // names that tell the release where to look
	drops  bool     // nodes that it found once and does not find any more
	// other is the discovery to use with the identity whose names this one does not dial.
	other Discovery
}

func same[T any](v T) map[Identity]T { return map[Identity]T{IdentityAddress: v, IdentityStable: v} }

// discoveries is the table. It was measured with libcluster 3.5.0, and read in the
// source of dns_cluster 0.2; internal/engine/local runs every row of it.
var discoveries = []discovery{
	{
		name: DiscoveryPhial, who: "Phial's agent",
		lookup: map[Identity]Lookup{IdentityAddress: LookupAOrAAAA, IdentityStable: LookupSRV},
		dials:  map[Identity]HostPart{IdentityAddress: HostAddress, IdentityStable: HostName},
	},
	{
		name: DiscoveryLibclusterDNS, who: "libcluster's Kubernetes.DNS",
		lookup: same(LookupA), dials: same(HostAddress),
		env: []string{EnvLibclusterDomain}, drops: true, other: DiscoveryLibclusterDNSSRV,
	},
	{
		name: DiscoveryLibclusterDNSSRV, who: "libcluster's Kubernetes.DNSSRV",
		lookup: same(LookupSRV), dials: same(HostName),
		env: []string{EnvLibclusterDomain}, drops: true, other: DiscoveryLibclusterDNS,
	},
	{
		// mode :ip with the one identity, mode :hostname with the other.
		name: DiscoveryLibclusterKubernetes, who: "libcluster's Kubernetes",
		lookup: same(LookupAPI),
		dials:  map[Identity]HostPart{IdentityAddress: HostAddress, IdentityStable: HostName},
		env:    []string{EnvLibclusterDomain}, drops: true,
	},
	{
		// Since 0.2 it can be told to look up SRV, but it dials addresses all the same
		// unless it is told resource_types: [{:srv, :hostnames}].
		name: DiscoveryDNSCluster, who: "dns_cluster",
		lookup: same(LookupAOrAAAA), dials: same(HostAddress),
		env: []string{EnvDNSClusterQuery}, other: DiscoveryPhial,
	},
}

// Discoveries lists them all, in the table's order.
func Discoveries() []Discovery {
	all := make([]Discovery, 0, len(discoveries))
	for _, d := range discoveries {
		all = append(all, d.name)
	}
	return all
}

// row gives the table's row; one without content for a discovery that does not exist.
func (d Discovery) row() discovery {
	for _, r := range discoveries {
		if r.name == d {
			return r
		}
	}
	return discovery{}
}

// Looks says what the discovery asks for, as it is set up for an identity; 0 for one
// that does not exist.
func (d Discovery) Looks(i Identity) Lookup { return d.row().lookup[i] }

// Dials says by which names the discovery dials the peers that it found, as it is set up
// for an identity. HostNone for a discovery or identity that does not exist.
func (d Discovery) Dials(i Identity) HostPart { return d.row().dials[i] }

// Env lists the environment names that a plan gives the release for this discovery.
// What else a library wants to know (service, base name, selector) stands in its own
// configuration.
func (d Discovery) Env() []string { return slices.Clone(d.row().env) }

// Drops says whether the discovery disconnects nodes that it found once and does not find
// any more. libcluster's do, and take a lookup that fails (DNS, or a refusal of the API
// server) for one that found nobody: a healthy mesh falls apart until the next good one.
func (d Discovery) Drops() bool { return d.row().drops }

// OfApp says whether a library in the app is what looks and dials, and not Phial.
func (d Discovery) OfApp() bool { return d != DiscoveryPhial && d.row().name != "" }

// Pair says whether replicas of an identity meet by a discovery. If not, the reason says
// why in two sentences for a person, and what to use instead.
func Pair(d Discovery, i Identity) (ok bool, reason string) {
	r := d.row()
	switch {
	case r.name == "":
		return false, fmt.Sprintf("There is no discovery %q. Use one of %s.", d, list(Discoveries()))
	case i.Names() == HostNone:
		return false, fmt.Sprintf("There is no identity %q. Use one of %s.", i, list(Identities()))
	case r.dials[i] == i.Names():
		return true, ""
	}
	named, instead := "their address", IdentityStable
	if i == IdentityStable {
		named, instead = "host name", IdentityAddress
	}
	return false, fmt.Sprintf("%s dials %s, and identity %s names nodes by %s: they never meet. Use discovery %s, or identity %s.",
		r.who, r.dials[i], i, named, r.other, instead)
}

func list[T ~string](values []T) string {
	var s string
	for i, v := range values {
		switch {
		case i == 0:
		case i == len(values)-1:
			s += " or "
		default:
			s += ", "
		}
		s += string(v)
	}
	return s
}
