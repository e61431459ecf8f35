package beam

import (
	"slices"
	"strings"
	"testing"
)

// The table as DESIGN and libcluster's own documents tell it, said once more and by
// hand: a change of the table is a change of what Phial promises.
func TestPair(t *testing.T) {
	tests := []struct {
		discovery Discovery
		identity  Identity
		lookup    Lookup
		dials     HostPart
		reason    string // empty: they meet
	}{
		{DiscoveryPhial, IdentityAddress, LookupAOrAAAA, HostAddress, ""},
		{DiscoveryPhial, IdentityStable, LookupSRV, HostName, ""},
		{DiscoveryLibclusterDNS, IdentityAddress, LookupA, HostAddress, ""},
		{
			DiscoveryLibclusterDNS, IdentityStable, LookupA, HostAddress,
			"libcluster's Kubernetes.DNS dials base@IP, and identity Stable names nodes by host name: they never meet. Use discovery LibclusterDNSSRV, or identity Address.",
		},
		{
			DiscoveryLibclusterDNSSRV, IdentityAddress, LookupSRV, HostName,
			"libcluster's Kubernetes.DNSSRV dials base@host name, and identity Address names nodes by their address: they never meet. Use discovery LibclusterDNS, or identity Stable.",
		},
		{DiscoveryLibclusterDNSSRV, IdentityStable, LookupSRV, HostName, ""},
		{DiscoveryLibclusterKubernetes, IdentityAddress, LookupAPI, HostAddress, ""},
		{DiscoveryLibclusterKubernetes, IdentityStable, LookupAPI, HostName, ""},
		{DiscoveryDNSCluster, IdentityAddress, LookupAOrAAAA, HostAddress, ""},
		{
			DiscoveryDNSCluster, IdentityStable, LookupAOrAAAA, HostAddress,
			"dns_cluster dials base@IP, and identity Stable names nodes by host name: they never meet. Use discovery Phial, or identity Address.",
		},
	}
	if want := len(Discoveries()) * len(Identities()); len(tests) != want {
		t.Errorf("%d pairs are looked at, there are %d", len(tests), want)
	}
	for _, tt := range tests {
		t.Run(string(tt.discovery)+"+"+string(tt.identity), func(t *testing.T) {
			if got := tt.discovery.Looks(tt.identity); got != tt.lookup {
				t.Errorf("looks up %v, want %v", got, tt.lookup)
			}
			if got := tt.discovery.Dials(tt.identity); got != tt.dials {
				t.Errorf("dials %v, want %v", got, tt.dials)
			}
			if ok, reason := Pair(tt.discovery, tt.identity); ok != (tt.reason == "") || reason != tt.reason {
				t.Errorf("%v, %q\nwant %q", ok, reason, tt.reason)
			}
		})
	}
}

// Who is told what to use instead must not be sent into the next wall.
func TestAdviceOfAnImpossiblePairHolds(t *testing.T) {
	for _, d := range Discoveries() {
		for _, i := range Identities() {
			ok, reason := Pair(d, i)
			if ok {
				continue
			}
			_, advice, _ := strings.Cut(reason, "Use discovery ")
			other, identity, _ := strings.Cut(strings.TrimSuffix(advice, "."), ", or identity ")
			if ok, why := Pair(Discovery(other), i); !ok {
				t.Errorf("%s with %s: discovery %q is no way out: %s", d, i, other, why)
			}
			if ok, why := Pair(d, Identity(identity)); !ok {
				t.Errorf("%s with %s: identity %q is no way out: %s", d, i, identity, why)
			}
		}
	}
}

func TestPairOfWhatDoesNotExist(t *testing.T) {
	for _, tt := range []struct {
		discovery Discovery
		identity  Identity
		says      string
	}{
		{"Gossip", IdentityStable, `There is no discovery "Gossip". Use one of Phial, LibclusterDNS, LibclusterDNSSRV, LibclusterKubernetes or DNSCluster.`},
		{"", IdentityStable, `There is no discovery "".`},
		{DiscoveryPhial, "address", `There is no identity "address". Use one of Address or Stable.`},
		{DiscoveryLibclusterDNS, "", `There is no identity "".`},
	} {
		if ok, reason := Pair(tt.discovery, tt.identity); ok || !strings.HasPrefix(reason, tt.says) {
			t.Errorf("%q with %q: %v, %q", tt.discovery, tt.identity, ok, reason)
		}
	}
	if d := Discovery("Gossip"); d.Dials(IdentityStable) != HostNone || d.Looks(IdentityStable) != 0 || d.OfApp() || d.Drops() || d.Env() != nil {
		t.Error("a discovery that does not exist has properties")
	}
}

func TestDiscoveryTells(t *testing.T) {
	for _, tt := range []struct {
		discovery Discovery
		ofApp     bool
		drops     bool
		env       []string
	}{
		{DiscoveryPhial, false, false, nil},
		{DiscoveryLibclusterDNS, true, true, []string{"CLUSTER_DOMAIN"}},
		{DiscoveryLibclusterDNSSRV, true, true, []string{"CLUSTER_DOMAIN"}},
		{DiscoveryLibclusterKubernetes, true, true, []string{"CLUSTER_DOMAIN"}},
		{DiscoveryDNSCluster, true, false, []string{"DNS_CLUSTER_QUERY"}},
	} {
		if got := tt.discovery.OfApp(); got != tt.ofApp {
			t.Errorf("%s is the app's own: %v", tt.discovery, got)
		}
		if got := tt.discovery.Drops(); got != tt.drops {
			t.Errorf("%s drops nodes that it does not find: %v", tt.discovery, got)
		}
		if got := tt.discovery.Env(); !slices.Equal(got, tt.env) {
			t.Errorf("%s is told by %v, want %v", tt.discovery, got, tt.env)
		}
	}
}
