package cli

import "strings"

// A variant is an app to predict, to run and to compare.
type variant struct {
	name   string
	code   string // of the first obstacle that is predicted; empty: there is none
	unsure bool   // the prediction has doubts, and says nothing of the islands then
	edits  []edit // of testdata/predict
	// project is another app, as it is.
	project string
}

// An edit puts a text in the place of another. THEAPP in it is the app's name.
type edit struct{ file, old, now string }

// What the edits are about.
const (
	theScript  = "# What names the node is the plan's.\n"
	theFlags   = "-kernel net_setuptime 1\n"
	theQuery   = "dns_cluster_query: nil"
	dnsService = `service: System.get_env("PHIAL_SERVICE")`
)

// spec changes a line of the BeamApp.
func spec(old, now string) edit { return edit{"phial.yaml", old + "\n", now + "\n"} }

func stable() edit { return spec("identity: Address", "identity: Stable") }

func discovery(d string) edit { return spec("discovery: LibclusterDNS", "discovery: "+d) }

func three() edit { return spec("replicas: 2", "replicas: 3") }

func agents() edit { return spec("agent: Disabled", "agent: Enabled") }

// script adds to rel/env.sh.eex, which the release's start script reads.
func script(text string) edit { return edit{"rel/env.sh.eex", theScript, text + "\n"} }

// last adds to it for the last of three replicas.
func last(text string) edit { return script("case \"$POD_NAME\" in\n*-2)\n" + text + "\n;;\nesac") }

func flags(text string) edit { return edit{"rel/vm.args.eex", theFlags, theFlags + text + "\n"} }

// dns changes what Kubernetes.DNS is told.
func dns(old, now string) edit { return edit{"config/runtime.exs", old, now} }

// strategy is another one in place of Kubernetes.DNS.
func strategy(name, config string) edit {
	return edit{"config/runtime.exs", `Cluster.Strategy.Kubernetes.DNS,
      config: [service: System.get_env("PHIAL_SERVICE"), application_name: "spot", polling_interval: 200]`,
		"Cluster.Strategy." + name + ",\n      config: [" + config + "]"}
}

func poll(query string) edit {
	return strategy("DNSPoll", `query: `+query+`, node_basename: "spot", polling_interval: 200`)
}

func srv(namespace string) edit {
	return strategy("Kubernetes.DNSSRV", `service: System.get_env("PHIAL_SERVICE"), namespace: `+namespace+`, application_name: "spot", polling_interval: 200`)
}

func hosts(names ...string) edit {
	return strategy("Epmd", `timeout: 200, hosts: [:"`+strings.Join(names, `", :"`)+`"]`)
}

// topologies is the whole of libcluster's configuration.
func topologies(now string) edit {
	return edit{"config/runtime.exs", `  topologies: [
    spot: [
      strategy: Cluster.Strategy.Kubernetes.DNS,
      config: [service: System.get_env("PHIAL_SERVICE"), application_name: "spot", polling_interval: 200]
    ]
  ]`, "  " + now}
}

// oneTopology gives libcluster a topology on one replica alone.
func oneTopology(n string) edit {
	return topologies(`topologies:
    if(System.get_env("POD_NAME") == "THEAPP-` + n + `",
      do: [
        spot: [
          strategy: Cluster.Strategy.Kubernetes.DNS,
          config: [service: System.get_env("PHIAL_SERVICE"), application_name: "spot", polling_interval: 200]
        ]
      ],
      else: []
    )`)
}

// query has dns_cluster look, and nobody else.
func query(q string) []edit {
	return []edit{topologies("topologies: []"), {"config/runtime.exs", theQuery, "dns_cluster_query: " + q}}
}

const (
	ofPod     = `System.get_env("POD_NAMESPACE")`
	fullQuery = `"#{System.get_env("PHIAL_SERVICE")}.#{System.get_env("POD_NAMESPACE")}.svc.cluster.local"`
	ofPlan    = `System.get_env("DNS_CLUSTER_QUERY")`
	memberOf  = ".THEAPP-headless.default.svc.cluster.local"
	stableOne = "spot@THEAPP-0" + memberOf
	stableTwo = "spot@THEAPP-1" + memberOf
)

// variants are sound ones first, then those that are broken, by family.
//
// One machine can't make all: it has one IPv6 loopback address and no policies, every
// replica asks the engine's own EPMD and DNS, and Services are the plan's, so that they
// are headless, select the replicas and have ports. What the BeamApp's rules refuse is
// made by an app that does not do what its BeamApp says. A replica that asks another EPMD,
// or speaks IPv6, does not boot here, and would be apart in a cluster by what it lacks.
// The Kubernetes strategy needs an API server; those pairs are run beside a real one where
// the engine is tested.
func variants() []variant {
	return []variant{
		{name: "tally and its agents", project: "../../examples/tally"},
		{name: "agents, addresses", edits: []edit{agents(), discovery("Phial"), topologies("topologies: []")}},
		{name: "agents, names", edits: []edit{agents(), discovery("Phial"), stable(), topologies("topologies: []")}},
		{name: "Kubernetes.DNS, addresses"},
		{name: "Kubernetes.DNS, the full name", edits: []edit{dns(dnsService, "service: "+fullQuery)}},
		{name: "Kubernetes.DNS, with the namespace", edits: []edit{dns(dnsService, `service: "THEAPP-headless.default"`)}},
		{name: "Kubernetes.DNS, with the namespace and svc", edits: []edit{dns(dnsService, `service: "THEAPP-headless.default.svc"`)}},
		{name: "Kubernetes.DNS, the full name with a dot", edits: []edit{dns(dnsService, `service: "THEAPP-headless.default.svc.cluster.local."`)}},
		{name: "DNSSRV, names", edits: []edit{stable(), discovery("LibclusterDNSSRV"), srv(ofPod)}},
		{name: "DNSPoll, addresses", edits: []edit{poll(fullQuery)}},
		{name: "dns_cluster, addresses", edits: append(query(ofPlan), discovery("DNSCluster"))},
		{name: "dns_cluster, the short name", edits: query(`System.get_env("PHIAL_SERVICE")`)},
		{name: "Epmd, names", edits: []edit{stable(), discovery("LibclusterDNSSRV"), hosts(stableOne, stableTwo)}},
		{name: "without EPMD", edits: []edit{spec("discovery: LibclusterDNS", "discovery: LibclusterDNS\n    distribution: {epmd: Disabled}")}},
		{name: "another domain, by its variable", edits: []edit{stable(), discovery("LibclusterDNSSRV"), spec("http: {}", "http: {}\n  network: {clusterDomain: k8s.example}"), srv(ofPod)}},
		{name: "one has a topology, and dials the others", code: "DSC-13", edits: []edit{three(), oneTopology("0"), flags("-connect_all false")}},
		{name: "all dial all, and connect_all false", edits: []edit{three(), flags("-connect_all false")}},
		{name: "one finds nobody, and is found", edits: []edit{three(), dns(dnsService, `service: if(System.get_env("POD_NAME") == "THEAPP-2", do: "nobody", else: System.get_env("PHIAL_SERVICE"))`)}},
		{name: "one with a name of its own dials the others", code: "NAM-03", edits: []edit{three(), last("export RELEASE_NODE=odd@$POD_IP")}},

		{name: "NAM-01 short names", code: "NAM-01", edits: []edit{script("export RELEASE_DISTRIBUTION=sname RELEASE_NODE=spot")}},
		{name: "NAM-01 one short name", code: "NAM-01", edits: []edit{three(), last("export RELEASE_DISTRIBUTION=sname RELEASE_NODE=spot")}},
		{name: "NAM-01 a long name without a full host", code: "NAM-01", edits: []edit{script(`export RELEASE_NODE="spot@$(hostname -f)"`)}},
		{name: "NAM-02 names, dialled by address", code: "NAM-02", edits: []edit{stable(), discovery("LibclusterDNSSRV")}},
		{name: "NAM-02 addresses, dialled by name", code: "NAM-02", edits: []edit{srv(ofPod)}},
		{name: "NAM-02 names, and dns_cluster", code: "NAM-02", edits: append(query(fullQuery), stable(), discovery("LibclusterDNSSRV"))},
		{name: "NAM-02 names, and DNSPoll", code: "NAM-02", edits: []edit{stable(), discovery("LibclusterDNSSRV"), poll(fullQuery)}},
		{name: "DSC-06 addresses, and names that Epmd lists", code: "DSC-06", edits: []edit{hosts(stableOne, stableTwo)}},
		{name: "NAM-03 another base name in the topology", code: "NAM-03", edits: []edit{dns(`application_name: "spot"`, `application_name: "shop"`)}},
		{name: "NAM-03 another base name in env.sh", code: "NAM-03", edits: []edit{script(`export RELEASE_NODE="shop@$POD_IP"`)}},
		{name: "NAM-04 no host", code: "NAM-04", edits: []edit{script(`export RELEASE_NODE="spot@$HOST_IP"`)}},
		{name: "NAM-04 no host on one", code: "NAM-04", edits: []edit{three(), last(`export RELEASE_NODE="spot@$HOST_IP"`)}},
		{name: "NAM-06 two words", code: "NAM-05", edits: []edit{script(`export RELEASE_NODE="spot@$POD_IP $POD_IP"`)}},
		{name: "NAM-08 loopback", code: "NAM-02", edits: []edit{script("export RELEASE_NODE=spot@127.0.0.1")}},
		{name: "NAM-10 another domain in the query", code: "NAM-10", edits: []edit{poll(`"THEAPP-headless.default.svc.k8s.example"`)}},
		{name: "NAM-10 a letter of the domain is lost", code: "NAM-10", edits: []edit{poll(`"THEAPP-headless.default.svc.cluster.locl"`)}},
		{name: "NAM-10 the default domain where it is another", code: "NAM-10", edits: []edit{stable(), discovery("LibclusterKubernetes"), spec("http: {}", "http: {}\n  network: {clusterDomain: k8s.example}"),
			poll(`"THEAPP-headless.default.svc.cluster.local"`)}},
		{name: "NAM-10 DNSSRV is not told the domain", code: "NAM-10", edits: []edit{stable(), discovery("Phial"), spec("http: {}", "http: {}\n  network: {clusterDomain: k8s.example}"), srv(ofPod)}},
		{name: "NAM-11 env.sh has a name of its own", code: "NAM-02", edits: []edit{script(`export RELEASE_NODE="spot@$POD_NAME.spot.example"`)}},
		{name: "NAM-12 short names, an address", code: "NAM-12", edits: []edit{script("export RELEASE_DISTRIBUTION=sname")}},
		{name: "NAM-12 on one", code: "NAM-12", edits: []edit{three(), last("export RELEASE_DISTRIBUTION=sname")}},

		{name: "DSC-03 another Service", unsure: true, edits: []edit{dns(dnsService, `service: "THEAPP-nodes"`)}},
		{name: "DSC-03 another namespace", code: "DSC-03", edits: []edit{stable(), discovery("LibclusterDNSSRV"), srv(`"prod"`)}},
		{name: "DSC-03 a dot behind a short name", code: "DSC-03", edits: []edit{dns(dnsService, `service: "THEAPP-headless."`)}},
		{name: "DSC-03 a short name without the search list", code: "DSC-03", edits: []edit{poll(`System.get_env("PHIAL_SERVICE")`)}},
		{name: "DSC-13 no query", code: "DSC-13", edits: query(ofPlan)},
		{name: "DSC-13 no query, join Never", code: "DSC-13", edits: append(query(ofPlan), agents(), spec("discovery: LibclusterDNS", "discovery: LibclusterDNS\n    join: Never"))},
		{name: "DSC-15 not started", code: "DSC-15", edits: []edit{{"lib/spot/application.ex", "      {Cluster.Supervisor, [topologies, [name: Spot.ClusterSupervisor]]},\n", "      {Registry, keys: :unique, name: topologies |> List.wrap() |> length() |> to_string() |> String.to_atom()},\n"}}},
		{name: "DSC-15 beside topologies", code: "DSC-13", edits: []edit{topologies(`spot: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: System.get_env("PHIAL_SERVICE"), application_name: "spot"]]`)}},
		{name: "DSC-15 nil", code: "DSC-13", edits: []edit{topologies("topologies: nil")}},
		{name: "DSC-15 without a name", code: "DSC-15", edits: []edit{topologies(`topologies: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: System.get_env("PHIAL_SERVICE"), application_name: "spot"]]`)}},
		{name: "DSC-16 read when it is built", unsure: true, edits: []edit{discovery("DNSCluster"), topologies("topologies: []"), {"config/runtime.exs", ",\n  " + theQuery, ""},
			{"config/config.exs", "import Config\n", "import Config\n\nconfig :spot, dns_cluster_query: " + ofPlan + "\n"}}},
		{name: "DSC-20 the key of another strategy", code: "DSC-15", edits: []edit{dns("service:", "kubernetes_service:")}},
		{name: "DSC-20 the key of another strategy, DNSPoll", code: "DSC-15", edits: []edit{strategy("DNSPoll", `query: `+fullQuery+`, application_name: "spot", polling_interval: 200`)}},
		{name: "DSC-22 LocalEpmd", code: "DSC-22", edits: []edit{strategy("LocalEpmd", "")}},
		{name: "DSC-22 Epmd lists others", code: "DSC-06", edits: []edit{stable(), discovery("LibclusterDNSSRV"), hosts("spot@THEAPP-7" + memberOf)}},
		{name: "Epmd lists two, and nobody spreads the word", edits: []edit{three(), stable(), discovery("LibclusterDNSSRV"), flags("-connect_all false"), hosts(stableOne, stableTwo)}},

		{name: "COO-01 a cookie each", code: "COO-01", edits: []edit{script(`export RELEASE_COOKIE="spot-$POD_NAME"`)}},
		{name: "COO-01 another cookie on one", unsure: true, // the Secret may hold the same
			edits: []edit{three(), last("export RELEASE_COOKIE=spot-two")}},
		{name: "COO-03 a space behind it on one", code: "COO-01", edits: []edit{three(), last(`export RELEASE_COOKIE="$RELEASE_COOKIE "`)}},
		{name: "COO-03 a space behind it on all", edits: []edit{script(`export RELEASE_COOKIE="$RELEASE_COOKIE "`)}},
		{name: "COO-01 another cookie on one, agents", code: "COO-01", edits: []edit{three(), agents(), discovery("Phial"), topologies("topologies: []"), last(`export RELEASE_COOKIE="$RELEASE_COOKIE."`)}},

		{name: "NET-07 kernel is configured at boot", code: "NET-07", edits: []edit{{"config/runtime.exs", "import Config\n", "import Config\n\nconfig :kernel, net_ticktime: 30\n"}}},
		{name: "NET-08 another EPMD on one", code: "NET-08", edits: []edit{three(), last("export ERL_EPMD_PORT=4368")}},
		{name: "NET-10 IPv6 on one", code: "NET-10", edits: []edit{three(), last(`export ERL_AFLAGS="-proto_dist inet6_tcp"`)}},
		{name: "NET-19 TLS on one", code: "NET-19", edits: []edit{three(), last(`export ERL_AFLAGS="-proto_dist inet_tls"`)}},
		{name: "one does not start", code: "NAM-04", edits: []edit{three(), last("exit 1")}},
		{name: "no distribution", edits: []edit{script("export RELEASE_DISTRIBUTION=none")}},
		{name: "no distribution on one", edits: []edit{three(), last("export RELEASE_DISTRIBUTION=none")}},
		{name: "NET-24 hidden", code: "NET-24", edits: []edit{flags("-hidden")}},
		{name: "NET-24 one hidden", code: "NET-24", edits: []edit{three(), last(`export ERL_AFLAGS="-hidden"`)}},
		{name: "DSC-15 the configuration raises", code: "DSC-15", edits: []edit{dns(dnsService, `service: System.fetch_env!("SPOT_SERVICE")`)}},
	}
}
