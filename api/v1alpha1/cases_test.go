package v1alpha1_test

import "strings"

// A ruleCase is a BeamApp that a rule refuses. It is tried in this process and on a real
// API server, and every rule of the definition has one.
type ruleCase struct {
	name string // of the case
	spec string // YAML over that of [validSpec]
	old  string // the same for the BeamApp that spec takes the place of; empty: none, it is new
	app  string // metadata.name; empty: shop

	field string // that the refusal names
	want  string // how its message begins
}

// validSpec is what the specs of cases are laid over.
const validSpec = "image: shop:1.4.2"

const stable = "clustered: {identity: Stable, discovery: LibclusterDNSSRV, storage: {size: 1Gi}}"

var ruleCases = append([]ruleCase{
	{name: "name too long", app: strings.Repeat("a", 41), spec: "{}", field: "", want: "metadata.name must be at most 40 characters"},
	{name: "name begins with a digit", app: "4shop", spec: "{}", field: "", want: "metadata.name must be at most 40 characters"},
	{name: "name with a dot", app: "shop.web", spec: "{}", field: "", want: "metadata.name must be at most 40 characters"},

	// What can't be changed.
	{name: "releaseName changed", old: "releaseName: shop", spec: "releaseName: store", field: "spec.releaseName", want: "releaseName can't be changed"},
	{name: "releaseName set to another than the name gives", app: "my-shop", old: "{}", spec: "releaseName: shop", field: "spec.releaseName", want: "releaseName can't be changed"},
	{name: "releaseName taken out", old: "releaseName: store", spec: "{}", field: "spec.releaseName", want: "releaseName can't be changed"},
	{name: "type changed", old: "{}", spec: "type: Stateless", field: "spec.type", want: "type can't be changed"},
	{name: "type changed to Clustered", old: "type: Stateless", spec: "clustered: {identity: Stable}", field: "spec.type", want: "type can't be changed"},
	{name: "identity changed", old: "clustered: {identity: Address}", spec: "clustered: {identity: Stable}", field: "spec.clustered.identity", want: "identity can't be changed"},
	{name: "identity set to another than the default", old: "{}", spec: "clustered: {identity: Stable}", field: "spec.clustered.identity", want: "identity can't be changed"},
	{name: "identity taken out with all of clustered", old: "clustered: {identity: Stable}", spec: "{}", field: "spec.clustered.identity", want: "identity can't be changed"},
	{name: "storage added", old: "clustered: {identity: Stable}", spec: "clustered: {identity: Stable, storage: {size: 1Gi}}", field: "spec.clustered.storage", want: "storage can't be added"},
	{name: "storage grown", old: stable, spec: "clustered: {identity: Stable, storage: {size: 2Gi}}", field: "spec.clustered.storage", want: "storage can't be added"},
	{name: "storage taken out", old: stable, spec: "clustered: {identity: Stable}", field: "spec.clustered.storage", want: "storage can't be added"},

	// The mesh.
	{name: "clustered with type Stateless", spec: "{type: Stateless, clustered: {}}", field: "spec.clustered", want: "clustered is only for type Clustered"},
	{name: "LibclusterDNS of host names", spec: "clustered: {discovery: LibclusterDNS, identity: Stable}", field: "spec.clustered.discovery", want: "libcluster's Kubernetes.DNS dials"},
	{name: "LibclusterDNSSRV of addresses", spec: "clustered: {discovery: LibclusterDNSSRV}", field: "spec.clustered.discovery", want: "libcluster's Kubernetes.DNSSRV dials"},
	{name: "DNSCluster of host names", spec: "clustered: {discovery: DNSCluster, identity: Stable}", field: "spec.clustered.discovery", want: "dns_cluster dials"},
	{name: "nobody joins", spec: "clustered: {join: Never}", field: "spec.clustered.join", want: "with discovery Phial the agents join"},
	{name: "storage without Stable", spec: "clustered: {storage: {size: 1Gi}}", field: "spec.clustered.storage", want: "storage needs replicas that keep their names"},
	{name: "storage of nothing", spec: "clustered: {identity: Stable, storage: {size: 0}}", field: "spec.clustered.storage.size", want: "must be above 0"},
	{name: "one port", spec: "clustered: {distribution: {portRange: 9100-9100}}", field: "spec.clustered.distribution.portRange", want: "must be FIRST-LAST"},
	{name: "ports going down", spec: "clustered: {distribution: {portRange: 9107-9100}}", field: "spec.clustered.distribution.portRange", want: "must be FIRST-LAST"},
	{name: "a port, no range", spec: "clustered: {distribution: {portRange: \"9100\"}}", field: "spec.clustered.distribution.portRange", want: "must be FIRST-LAST"},
	{name: "low ports", spec: "clustered: {distribution: {portRange: 1000-1030}}", field: "spec.clustered.distribution.portRange", want: "must be FIRST-LAST"},
	{name: "ports beyond the last", spec: "clustered: {distribution: {portRange: 65530-65540}}", field: "spec.clustered.distribution.portRange", want: "must be FIRST-LAST"},
	{name: "words for ports", spec: "clustered: {distribution: {portRange: some}}", field: "spec.clustered.distribution.portRange", want: "must be FIRST-LAST"},
	{name: "1001 ports", spec: "clustered: {distribution: {portRange: 20000-21000}}", field: "spec.clustered.distribution.portRange", want: "holds more than 1000 ports"},
	{name: "EPMD's port in the range", spec: "clustered: {distribution: {portRange: 4368-4370}}", field: "spec.clustered.distribution.portRange", want: "holds 4369"},
	{name: "the agent's port in the range", spec: "clustered: {distribution: {portRange: 9100-9110}}", field: "spec.clustered.distribution.portRange", want: "holds 9110 or 9111"},
	{name: "the agent's other port in the range", spec: "clustered: {distribution: {portRange: 9111-9120}}", field: "spec.clustered.distribution.portRange", want: "holds 9110 or 9111"},
	{name: "TLS without certificates", spec: "clustered: {distribution: {tls: {mode: Enabled}}}", field: "spec.clustered.distribution.tls.secretName", want: "TLS needs certificates"},
	{name: "certificates without TLS", spec: "clustered: {distribution: {tls: {secretName: shop-dist}}}", field: "spec.clustered.distribution.tls.mode", want: "certificates are given"},
	{name: "DNS_CLUSTER_QUERY beside DNSCluster", spec: "{clustered: {discovery: DNSCluster}, env: [{name: DNS_CLUSTER_QUERY, value: x}]}", field: "spec.env", want: "DNS_CLUSTER_QUERY is set by"},
	{name: "CLUSTER_DOMAIN beside libcluster", spec: "{clustered: {discovery: LibclusterKubernetes}, env: [{name: CLUSTER_DOMAIN, value: x}]}", field: "spec.env", want: "CLUSTER_DOMAIN is set by"},

	// HTTP and health.
	{name: "http on EPMD's port", spec: "http: {port: 4369}", field: "spec.http.port", want: "4369 is the port of EPMD"},
	{name: "http on the agent's port", spec: "http: {port: 9110}", field: "spec.http.port", want: "4369 is the port of EPMD"},
	{name: "http in the default range", spec: "http: {port: 9103}", field: "spec.http.port", want: "http.port lies within"},
	{name: "http in the range", spec: "{http: {port: 7000}, clustered: {distribution: {portRange: 7000-7003}}}", field: "spec.http.port", want: "http.port lies within"},
	{name: "ingress and gateway", spec: "http: {ingress: {hosts: [shop.example.com]}, gateway: {parentRefs: [{name: web}]}}", field: "spec.http.gateway", want: "ingress and gateway are two ways"},
	{name: "path without http", spec: "health: {path: /ready}", field: "spec.http", want: "path is asked for on http.port"},
	{name: "livePath without http", spec: "health: {livePath: /live}", field: "spec.http", want: "livePath is asked for on http.port"},
	{name: "one path for both", spec: "{http: {}, health: {path: /up, livePath: /up}}", field: "spec.health.livePath", want: "livePath is the same as path"},
	{name: "hook without agent", spec: "{agent: Disabled, shutdown: {hook: {module: Shop.Drainer, function: drain}}}", field: "spec.shutdown.hook", want: "the hook is called by the agent"},
	{name: "quorum without agent", spec: "{agent: Disabled, health: {onPartition: Quorum}}", field: "spec.health.onPartition", want: "Quorum is watched over by the agent"},
	{name: "quorum of strangers", spec: "{type: Stateless, health: {onPartition: Quorum}}", field: "spec.health.onPartition", want: "Quorum needs replicas that know"},

	// Scaling and rollouts.
	{name: "autoscaling from 0", spec: "{replicas: 0, autoscaling: {maxReplicas: 5}}", field: "spec.replicas", want: "replicas 0 and autoscaling contradict"},
	{name: "autoscaling upside down", spec: "autoscaling: {minReplicas: 6, maxReplicas: 5}", field: "spec.autoscaling.minReplicas", want: "minReplicas (2 if not set) is above"},
	{name: "autoscaling below the default", spec: "autoscaling: {maxReplicas: 1}", field: "spec.autoscaling.minReplicas", want: "minReplicas (2 if not set) is above"},
	{name: "no surge", spec: "rollout: {maxSurge: 0}", field: "spec.rollout.maxSurge", want: "must be a number above 0"},
	{name: "no surge, in percent", spec: "rollout: {maxSurge: 0%}", field: "spec.rollout.maxSurge", want: "must be a number above 0"},
	{name: "surge of words", spec: "rollout: {maxSurge: some}", field: "spec.rollout.maxSurge", want: "must be a number above 0"},
	{name: "more CPU than allowed", spec: "resources: {requests: {cpu: 2}, limits: {cpu: 500m}}", field: "spec.resources.requests", want: "the request for cpu"},
	{name: "more memory than allowed", spec: "resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}", field: "spec.resources.requests", want: "the request for memory"},

	// Pipelines.
	{name: "lag of nothing", spec: "pipelines: [{name: orders, lagPerReplica: 100}]", field: "spec.pipelines[0].kafka", want: "lagPerReplica counts"},
	{name: "bounds without KEDA", spec: "pipelines: [{name: orders, maxReplicas: 4}]", field: "spec.pipelines[0].maxReplicas", want: "maxReplicas bounds what KEDA does"},
	{name: "bounds upside down", spec: pipeline("lagPerReplica: 100, minReplicas: 5, maxReplicas: 4"), field: "spec.pipelines[0].minReplicas", want: "minReplicas is above maxReplicas"},
	{name: "idle replicas", spec: pipeline("replicas: 13"), field: "spec.pipelines[0].replicas", want: "replicas times kafka.concurrency"},
	{name: "idle lower bound", spec: pipeline("lagPerReplica: 100, minReplicas: 13"), field: "spec.pipelines[0].minReplicas", want: "minReplicas times kafka.concurrency"},
	{name: "idle upper bound", spec: pipeline("lagPerReplica: 100, maxReplicas: 13"), field: "spec.pipelines[0].maxReplicas", want: "maxReplicas times kafka.concurrency"},
	{name: "credentials for nobody", spec: "pipelines: [{name: orders, kafka: {brokers: [\"kafka:9092\"], group: g, topics: [t], authenticationRef: {name: kafka}}}]", field: "spec.pipelines[0].kafka.authenticationRef", want: "authenticationRef is read by KEDA alone"},
	{name: "a shared group", spec: "pipelines: [{name: a, kafka: {brokers: [\"kafka:9092\"], group: g, topics: [t]}}, {name: b, kafka: {brokers: [\"kafka:9092\"], group: g, topics: [u]}}]", field: "spec.pipelines", want: "two pipelines share a consumer group"},
	{name: "a broker without a port", spec: "pipelines: [{name: a, kafka: {brokers: [kafka], group: g, topics: [t]}}]", field: "spec.pipelines[0].kafka.brokers[0]", want: "must be host:port"},
	{name: "a broker on no port", spec: "pipelines: [{name: a, kafka: {brokers: [\"kafka:65536\"], group: g, topics: [t]}}]", field: "spec.pipelines[0].kafka.brokers[0]", want: "must be host:port"},

	// Network.
	{name: "ingressRules unread", spec: "networkPolicy: {ingress: Unmanaged, ingressRules: [{}]}", field: "spec.networkPolicy.ingressRules", want: "ingressRules are read only"},
	{name: "egressRules unread", spec: "networkPolicy: {egressRules: [{}]}", field: "spec.networkPolicy.egressRules", want: "egressRules are read only"},
	{name: "one family twice", spec: "network: {ipFamilies: [IPv6, IPv6]}", field: "spec.network.ipFamilies", want: "the same family twice"},
	{name: "two families of one stack", spec: "network: {ipFamilyPolicy: SingleStack, ipFamilies: [IPv6, IPv4]}", field: "spec.network.ipFamilyPolicy", want: "two families are not SingleStack"},

	// The container.
	{name: "a crash dump of no size", spec: "vm: {crashDump: {sizeLimit: 0}}", field: "spec.vm.crashDump.sizeLimit", want: "must be above 0"},
	{name: "the disk is writable", spec: "{clustered: {identity: Stable, storage: {size: 1Gi}}, security: {writablePaths: [/var/cache, /data]}}", field: "spec.security.writablePaths", want: "the disk of clustered.storage is writable already"},
}, spread()...)

// pipeline is one over 12 partitions.
func pipeline(fields string) string {
	return "pipelines: [{name: orders, kafka: {brokers: [\"kafka:9092\"], group: orders, topics: [orders], partitions: 12}, " + fields + "}]"
}

// spread gives the cases of types that are used in several places.
func spread() []ruleCase {
	var all []ruleCase
	for _, f := range []struct{ flag, want string }{
		{"-name shop@host", "node names and the cookie are"},
		{"-sname", "node names and the cookie are"},
		{"-setcookie secret", "node names and the cookie are"},
		{"-kernel inet_dist_listen_min 9000", "where nodes listen is"},
		{"inet_dist_listen_max 9000", "where nodes listen is"},
		{"-kernel inet_dist_use_interface {127,0,0,1}", "where nodes listen is"},
		{"-start_epmd false", "where nodes listen is"},
		{"-erl_epmd_port 9000", "where nodes listen is"},
		{"-dist_listen false", "where nodes listen is"},
		{`+P 1\t-name\tshop`, "node names and the cookie are"},
		{"-proto_dist inet_tls", "how nodes talk is"},
		{"-ssl_dist_optfile /tls.conf", "how nodes talk is"},
		{"-kernel net_ticktime 5", "set clustered.distribution.netTicktimeSeconds"},
		{"+P 100000 +Q 1000", "set vm.maxPorts"},
		{"+Q1000", "set vm.maxPorts"},
		{"+sbwtdcpu none", "set vm.busyWait"},
	} {
		all = append(all, ruleCase{name: "flag " + f.flag, spec: "vm: {flags: [+A 4, \"" + f.flag + "\"]}", field: "spec.vm.flags[1]", want: f.want})
	}
	for _, e := range []struct{ name, want string }{
		{"RELEASE_COOKIE", "the cookie comes from a Secret"},
		{"RELEASE_NODE", "node names are"},
		{"RELEASE_DISTRIBUTION", "node names are"},
		{"RELEASE_NAME", "node names are"},
		{"RELEASE_VM_ARGS", "RELEASE_* belongs to"},
		{"POD_IP", "POD_NAME, POD_NAMESPACE and POD_IP are set"},
		{"PHIAL_PIPELINE", "PHIAL_* is what Phial tells"},
		{"PORT", "PORT and PHX_SERVER follow http"},
		{"PHX_SERVER", "PORT and PHX_SERVER follow http"},
		{"ELIXIR_ERL_OPTIONS", "ELIXIR_ERL_OPTIONS and ERL_ZFLAGS hold"},
		{"ERL_ZFLAGS", "ELIXIR_ERL_OPTIONS and ERL_ZFLAGS hold"},
		{"ERL_EPMD_ADDRESS", "where EPMD listens"},
		{"ERL_EPMD_PORT", "where EPMD listens"},
		{"ERL_CRASH_DUMP", "crash dumps are"},
		{"ERL_CRASH_DUMP_SECONDS", "crash dumps are"},
		{"ERL_DIST_PORT", "ERL_DIST_PORT does nothing"},
		{"HOSTNAME", "HOSTNAME is set by"},
	} {
		env := "env: [{name: A, value: b}, {name: " + e.name + ", value: \"1\"}]"
		all = append(all,
			ruleCase{name: "environment " + e.name, spec: env, field: "spec.env[1].name", want: e.want},
			ruleCase{name: "environment of a pipeline " + e.name, spec: "pipelines: [{name: orders, " + env + "}]", field: "spec.pipelines[0].env[1].name", want: e.want})
	}
	from := "env: [{name: ERL_AFLAGS, valueFrom: {configMapKeyRef: {name: flags, key: a}}}]"
	all = append(all,
		ruleCase{name: "ERL_AFLAGS from elsewhere", spec: from, field: "spec.env[0].valueFrom", want: "the plan's own flags are put"},
		ruleCase{name: "ERL_AFLAGS of a pipeline from elsewhere", spec: "pipelines: [{name: orders, " + from + "}]", field: "spec.pipelines[0].env[0].valueFrom", want: "the plan's own flags are put"})
	both := "env: [{name: A, value: b, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"
	all = append(all,
		ruleCase{name: "value and valueFrom", spec: both, field: "spec.env[0].valueFrom", want: "value and valueFrom contradict"},
		ruleCase{name: "value and valueFrom of a pipeline", spec: "pipelines: [{name: orders, " + both + "}]", field: "spec.pipelines[0].env[0].valueFrom", want: "value and valueFrom contradict"})

	for _, p := range []struct{ path, want string }{
		{"/", "must be an absolute path"}, {"data", "must be an absolute path"}, {"/data/", "must be an absolute path"},
		{"/data/../etc", "must be an absolute path"}, {"/a:b", "must be an absolute path"}, {"//data", "must be an absolute path"},
		{"/phial", "/phial, /etc/phial"}, {"/etc/phial/vm", "/phial, /etc/phial"}, {"/var/run/phial/cookie", "/phial, /etc/phial"}, {"/proc/self", "/phial, /etc/phial"},
		{"/tmp", "/tmp and all below"}, {"/tmp/cache", "/tmp and all below"},
	} {
		all = append(all,
			ruleCase{name: "writable " + p.path, spec: "security: {writablePaths: [/var/cache, \"" + p.path + "\"]}", field: "spec.security.writablePaths[1]", want: p.want},
			ruleCase{name: "disk on " + p.path, spec: "clustered: {identity: Stable, storage: {size: 1Gi, mountPath: \"" + p.path + "\"}}", field: "spec.clustered.storage.mountPath", want: p.want})
	}
	for _, h := range []string{"Shop.example.com", "https://shop.example.com", "shop.example.com:443", "shop.*.com", "shop/", "-a"} {
		all = append(all,
			ruleCase{name: "ingress host " + h, spec: "http: {ingress: {hosts: [\"" + h + "\"]}}", field: "spec.http.ingress.hosts[0]", want: "must be a DNS name"},
			ruleCase{name: "gateway host " + h, spec: "http: {gateway: {parentRefs: [{name: web}], hosts: [\"" + h + "\"]}}", field: "spec.http.gateway.hosts[0]", want: "must be a DNS name"})
	}
	return all
}

// validCases are near to what the rules refuse, and are not refused.
var validCases = []ruleCase{
	{name: "an image alone", spec: "{}"},
	{name: "the longest name", app: strings.Repeat("a", 40), spec: "{}"},
	{name: "a name with dashes", app: "my-shop-2", spec: "{}"},
	{name: "releaseName put down as it was", app: "my-shop", old: "{}", spec: "releaseName: my_shop"},
	{name: "clustered put down as it was", old: "{}", spec: "clustered: {identity: Address}"},
	{name: "clustered taken out as it was", old: "clustered: {discovery: DNSCluster}", spec: "{}"},
	{name: "storage left alone", old: stable, spec: strings.Replace(stable, "DNSSRV", "Kubernetes", 1)},
	{name: "scaled", old: "replicas: 3", spec: "replicas: 0"},
	{name: "another image", old: "image: shop:1", spec: "image: shop:2"},
	{name: "other ports", old: "{}", spec: "clustered: {distribution: {portRange: 9200-9201}}"},
	{name: "pipelines come and go", old: "pipelines: [{name: a}, {name: b}]", spec: "pipelines: [{name: c}]"},
	{name: "Stateless", spec: "type: Stateless"},
	{name: "nothing but pipelines", spec: "{replicas: 0, pipelines: [{name: orders}]}"},
	{name: "nothing at all", spec: "replicas: 0"},
	{name: "Stateless with the gate of the default", spec: "{type: Stateless, health: {gate: Joined}}"},
	{name: "joining is the library's", spec: "clustered: {discovery: DNSCluster, join: Never}"},
	{name: "SRV and host names", spec: "clustered: {discovery: LibclusterDNSSRV, identity: Stable}"},
	{name: "the API and host names", spec: "clustered: {discovery: LibclusterKubernetes, identity: Stable}"},
	{name: "the API and addresses", spec: "clustered: {discovery: LibclusterKubernetes}"},
	{name: "two ports", spec: "clustered: {distribution: {portRange: 65534-65535}}"},
	{name: "1000 ports", spec: "clustered: {distribution: {portRange: 20000-20999}}"},
	{name: "http beside the range", spec: "{http: {port: 9108}, clustered: {distribution: {portRange: 9100-9107}}}"},
	{name: "http where the range was", spec: "{http: {port: 9100}, clustered: {distribution: {portRange: 9200-9207}}}"},
	{name: "TLS", spec: "clustered: {distribution: {tls: {mode: Enabled, secretName: shop-dist}}}"},
	{name: "empty words", spec: "{clustered: {distribution: {tls: {secretName: \"\"}}}, serviceAccountName: \"\", env: [], envFrom: [], imagePullSecrets: [], resources: {}, podTemplate: {}}"},
	{name: "without EPMD, with TLS over IPv6", spec: "{clustered: {distribution: {epmd: Disabled, netTicktimeSeconds: 30, tls: {mode: Enabled, secretName: shop-dist}}}, network: {ipFamilies: [IPv6]}, vm: {busyWait: Never}}"},
	{name: "a migration", spec: "{migration: {command: [bin/shop, eval, Shop.Release.migrate()]}, vm: {crashDump: {mode: Disabled}}}"},
	{name: "agent disabled", spec: "{agent: Disabled, http: {}, health: {path: /ready, livePath: /live}}"},
	{name: "quorum", spec: "health: {onPartition: Quorum}"},
	{name: "surge in percent", spec: "rollout: {maxSurge: 25%}"},
	{name: "surge of all", spec: "rollout: {maxSurge: 100%}"},
	{name: "as much as allowed", spec: "resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1000m, memory: 1024Mi}}"},
	{name: "CPU unlimited", spec: "resources: {requests: {cpu: 4}, limits: {memory: 1Gi}}"},
	{name: "a replica for each partition", spec: pipeline("replicas: 12")},
	{name: "KEDA", spec: pipeline("lagPerReplica: 100, minReplicas: 0, maxReplicas: 12")},
	{name: "replicas left to KEDA", spec: pipeline("lagPerReplica: 100, replicas: 100")},
	{name: "KEDA with credentials", spec: "pipelines: [{name: orders, lagPerReplica: 5, kafka: {brokers: [\"kafka:9092\"], group: g, topics: [t], authenticationRef: {name: kafka}}}]"},
	{name: "groups of their own", spec: "pipelines: [{name: a, kafka: {brokers: [\"kafka:9092\"], group: g, topics: [t]}}, {name: b, kafka: {brokers: [\"kafka:9092\"], group: h, topics: [t]}}, {name: c}]"},
	{name: "egress", spec: "networkPolicy: {egress: Managed, egressRules: [{ports: [{port: 5432}]}]}"},
	{name: "dual stack", spec: "network: {ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6, IPv4]}"},
	{name: "dual stack, policy left out", spec: "network: {ipFamilies: [IPv6, IPv4]}"},
	{name: "flags of the team's", spec: "vm: {flags: [+P 2000000, \"-kernel prevent_overlapping_partitions false\", -connect_all false, -hidden, +SDio 16]}"},
	{name: "an environment of the team's", spec: "env: [{name: ERL_AFLAGS, value: x}, {name: ERL_FLAGS, value: w}, {name: PHX_HOST, value: z}, {name: DATABASE_URL, valueFrom: {secretKeyRef: {name: db, key: url}}}, {name: MY_RELEASE_NODE, value: a}, {name: DNS_CLUSTER_QUERY, value: q}]"},
	{name: "writable places", spec: "security: {writablePaths: [/app/tmp, /var/cache/phial, /etc/phialx, /tmpfs, /var/lib/..data]}"},
	{name: "a disk", spec: "clustered: {identity: Stable, storage: {size: 10Gi, mountPath: /var/lib/mnesia}}"},
	{name: "hosts", spec: "http: {ingress: {hosts: [shop.example.com, \"*.shop.example.com\", localhost]}}"},
	{name: "a patch", spec: "podTemplate: {metadata: {annotations: {a: b}}, spec: {containers: [{name: app, volumeMounts: []}]}}"},
}
