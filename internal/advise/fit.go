package advise

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/project"
)

// Fit is how the app would be clustered on Kubernetes: what nodes are named after, and who finds them.
type Fit struct {
	Identity     beam.Identity  `json:"identity"`
	IdentityWhy  string         `json:"identityWhy"`
	Discovery    beam.Discovery `json:"discovery"`
	DiscoveryWhy string         `json:"discoveryWhy"`
	// Conflict says why the two do not go together; empty: they do.
	Conflict string `json:"conflict,omitempty"`
}

// strategies are libcluster's that find peers on Kubernetes.
var strategies = map[string]beam.Discovery{
	"Kubernetes":        beam.DiscoveryLibclusterKubernetes,
	"Kubernetes.DNS":    beam.DiscoveryLibclusterDNS,
	"Kubernetes.DNSSRV": beam.DiscoveryLibclusterDNSSRV,
	"DNSPoll":           beam.DiscoveryLibclusterDNS,
}

// onDisk are packages and applications that keep a node's name on disk.
var onDisk = []string{"mnesia", "ra", "khepri", "mnesiac", "memento", "ecto_mnesia", "rabbit"}

// fit decides as `phial init` does, which a test of the command line holds it to.
func fit(p *project.Project) Fit {
	f := Fit{Identity: beam.IdentityAddress, IdentityWhy: "pods are replaced by new ones quickly, and names need not stay"}
	f.Discovery, f.DiscoveryWhy = finder(p)
	if ok, _ := beam.Pair(f.Discovery, beam.IdentityAddress); !ok {
		f.Identity, f.IdentityWhy = beam.IdentityStable, string(f.Discovery)+" dials host names"
	}
	why := disk(p)
	if why == "" {
		return f
	}
	if ok, reason := beam.Pair(f.Discovery, beam.IdentityStable); !ok {
		f.Conflict = why + ", and wants names that stay. " + reason
		return f
	}
	f.Identity, f.IdentityWhy = beam.IdentityStable, why
	return f
}

// disk says what keeps node names on disk; empty: nothing seen does.
func disk(p *project.Project) string {
	for _, name := range onDisk {
		if _, ok := p.Dep(name); ok {
			return name + " keeps node names on disk"
		}
	}
	for _, u := range p.Uses {
		if slices.Contains(onDisk, strings.TrimPrefix(u.What, ":")) {
			return u.What + " keeps node names on disk"
		}
	}
	return ""
}

func finder(p *project.Project) (beam.Discovery, string) {
	if _, ok := p.Dep("libcluster"); ok {
		found, name := beam.Discovery(""), ""
		for _, s := range p.Strategies {
			switch d := strategies[s.What]; {
			case d == "" || d == found:
			case found != "":
				return beam.DiscoveryPhial, "libcluster has several strategies for Kubernetes, and could not tell which counts; Phial's agents connect the nodes"
			default:
				found, name = d, s.What
			}
		}
		switch {
		case found != "":
			return found, "libcluster's " + name + " is set up"
		case len(p.Strategies) > 0:
			return beam.DiscoveryPhial, "libcluster's " + p.Strategies[0].What + " finds nobody on Kubernetes; Phial's agents connect the nodes"
		}
		return beam.DiscoveryPhial, "could not tell libcluster's strategy; Phial's agents connect the nodes"
	}
	if _, ok := p.Dep("dns_cluster"); ok {
		return beam.DiscoveryDNSCluster, "dns_cluster is there"
	}
	return beam.DiscoveryPhial, "no library of its own connects the nodes; Phial's agents do"
}
