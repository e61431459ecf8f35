package advise

// What is looked for in a project, by its name.

// dependencies are packages, and what each tells.
var dependencies = []struct {
	name   string
	signal Signal
}{
	{"ecto_sql", database}, {"postgrex", database}, {"myxql", database}, {"mongodb_driver", database},
	{"libcluster", libcluster}, {"dns_cluster", dnsCluster},
	{"phoenix_pubsub_redis", redisPubSub},
	{"horde", horde}, {"swarm", swarm}, {"syn", syn},
	{"mnesiac", mnesia}, {"memento", mnesia}, {"ecto_mnesia", mnesia}, {"amnesia", mnesia},
	{"ra", raft}, {"khepri", raft}, {"mria", mnesia},
	{"process_hub", spread}, {"riak_core", spread}, {"riak_core_ng", spread}, {"riak_core_lite", spread}, {"ekka", spread},
	{"commanded_horde_registry", horde}, {"commanded_swarm_registry", swarm},
	{"delta_crdt", crdt},
	{"highlander", global}, {"singleton", global}, {"global_flags", global}, {"pogo", global},
	{"gen_rpc", remoteCalls},
	{"partisan", partisan},
	{"cachex", localCache}, {"con_cache", localCache},
	{"quantum", cron}, {"oban", oban},
	{"broadway_kafka", kafkaClient}, {"brod", kafkaClient}, {"kaffe", kafkaClient}, {"kafka_ex", kafkaClient},
	{"edeliver", hotUpgrade}, {"castle", hotUpgrade}, {"distillery", hotUpgrade},
}

// names are modules and functions in the code, by how they begin, and what each tells.
var names = []struct {
	prefix string
	signal Signal
}{
	{"Horde.", horde}, {"Swarm", swarm}, {":syn", syn},
	{":mnesia", mnesia}, {"Mnesia", mnesia}, {"Memento", mnesia}, {"Amnesia", mnesia},
	{":ra", raft}, {":khepri", raft}, {"Khepri", raft},
	{"DeltaCrdt", crdt}, {"Nebulex.Adapters.Partitioned", crdt}, {"Nebulex.Adapters.Replicated", crdt}, {"Nebulex.Adapters.Multilevel", crdt},
	{"Nebulex.Adapters.Local", localCache},
	{":global", global}, {"Highlander", global}, {":pg", pg},
	{":rpc", remoteCalls}, {":erpc", remoteCalls}, {"Node.spawn", remoteCalls}, {"Node.connect", remoteCalls}, {"Node.list", nodeList},
	{":riak_core", spread}, {":ekka", spread},
	{"Partisan", partisan},
	{"Phoenix.Presence", presence}, {"Phoenix.Tracker", presence}, {"Phoenix.PubSub", pubsub},
}

// calls are functions that are called, by how they begin, and what each tells.
var calls = []struct {
	prefix string
	signal Signal
}{
	{"Phoenix.PubSub.", broadcast},
	{":rpc.", remoteCalls}, {":erpc.", remoteCalls},
	{"GenServer.", remoteCalls}, {"Process.", remoteCalls}, {"Kernel.", remoteCalls}, {"Task.Supervisor.", remoteCalls}, {"DynamicSupervisor.", remoteCalls}, {"send", remoteCalls},
	{"Node.spawn", remoteCalls}, {"Node.connect", remoteCalls}, {":net_kernel.connect_node", remoteCalls},
	{"Node.list", nodeList}, {":net_kernel.monitor_nodes", nodeList},
	{":global.", global}, {":pg.", pg}, {":syn.", syn}, {"Swarm.", swarm}, {":mnesia.", mnesia},
}

// tying are the signals of what ties nodes together.
var tying = []Signal{longNames, libcluster, topology, hostList, broadcast, presence, horde, swarm, syn, spread, mnesia, raft, crdt, global, pg, remoteCalls, nodeList, partisan}

// manifestPlaces are where people keep what Kubernetes is told.
var manifestPlaces = []string{"phial.yaml", "k8s", "kubernetes", "kustomize", "kustomization.yaml", "helm", "chart", "charts", "Chart.yaml", "deploy/k8s", "deploy/kubernetes", "infra/k8s", ".k8s"}
