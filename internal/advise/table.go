package advise

// Signal is something that the project says or a person has answered, and that bears on how an app should run.
type Signal string

// What a project says.
const (
	http          Signal = "http"           // it serves HTTP
	database      Signal = "database"       // its state is in a database
	nothingShared Signal = "nothing-shared" // none of the libraries that tie nodes together was seen
	noDist        Signal = "no-distribution"
	longNames     Signal = "long-names" // the start script gives nodes names that others can dial
	libcluster    Signal = "libcluster"
	dnsCluster    Signal = "dns-cluster"
	topology      Signal = "topology" // something that finds nodes on Kubernetes is configured
	hostList      Signal = "host-list"
	pubsub        Signal = "pubsub"    // started, as Phoenix's generator does
	broadcast     Signal = "broadcast" // channels, or messages sent through it
	redisPubSub   Signal = "redis-pubsub"
	presence      Signal = "presence"
	horde         Signal = "horde"
	swarm         Signal = "swarm"
	syn           Signal = "syn"
	spread        Signal = "spread" // other libraries that spread processes or names
	mnesia        Signal = "mnesia"
	raft          Signal = "raft" // ra, khepri
	crdt          Signal = "crdt"
	global        Signal = "global" // :global, singletons by it
	pg            Signal = "pg"
	remoteCalls   Signal = "remote-calls" // :rpc, :erpc, Node.spawn, GenServer.call({name, node}, ...)
	nodeList      Signal = "node-list"    // asks which nodes there are
	partisan      Signal = "partisan"
	localSession  Signal = "local-session"
	localUploads  Signal = "local-uploads"
	localCache    Signal = "local-cache"
	cron          Signal = "cron" // Quantum
	oban          Signal = "oban"
	kafka         Signal = "kafka"        // a pipeline that reads Kafka
	kafkaClient   Signal = "kafka-client" // a client of Kafka among the dependencies
	hotUpgrade    Signal = "hot-upgrade"
	manifests     Signal = "manifests"
	imageFile     Signal = "image" // a Dockerfile

	declaredClustered Signal = "declared-clustered" // in phial.yaml
	declaredStateless Signal = "declared-stateless"
)

// What only a team can answer.
const (
	nodesFixed     Signal = "nodes-fixed"
	nodesVarying   Signal = "nodes-varying"
	countOne       Signal = "count-one"
	countFew       Signal = "count-few"  // at most fewNodes
	countMany      Signal = "count-many" // from manyNodes on
	trafficNone    Signal = "traffic-none"
	trafficSome    Signal = "traffic-some"
	trafficHeavy   Signal = "traffic-heavy"
	latencyRelaxed Signal = "latency-relaxed"
	latencyStrict  Signal = "latency-strict"
	regionsSeveral Signal = "regions-several"
	zonesSeveral   Signal = "zones-several"
	kubernetesYes  Signal = "kubernetes-yes"
	kubernetesNo   Signal = "kubernetes-no"
	packingYes     Signal = "bin-packing-yes"
	packingNo      Signal = "bin-packing-no"
)

// Weight says how much a signal counts for a way; below 0 it counts against it.
type Weight int

// The weights.
const (
	Slight   Weight = 1
	Clear    Weight = 2
	Strong   Weight = 4
	Deciding Weight = 100 // of a pattern: it goes before everything
)

// String is the word, without its side.
func (w Weight) String() string {
	switch max(w, -w) {
	case Slight:
		return "slight"
	case Clear:
		return "clear"
	case Strong:
		return "strong"
	case Deciding:
		return "decides"
	}
	return "none"
}

// row says how much a signal counts for a way, and why.
type row struct {
	signal Signal
	way    Way
	weight Weight
	reason string
}

// table is all there is to weigh: what stands in no row counts for nothing. Of reasons that weigh the same the first is the
// better one.
var table = []row{
	{noDist, Stateless, Strong, "Its nodes do not talk to one another at all."},
	{noDist, Clustered, -Strong, "Its nodes can't join while distribution is off."},
	{longNames, Clustered, Clear, "Its nodes get full names, which only those need that others dial."},
	{longNames, Stateless, -Slight, "Somebody gave its nodes names by which others dial them."},
	{nothingShared, Stateless, Clear, "Nothing seen ties a replica to another, so there is no cluster to look after."},
	{http, Stateless, Clear, "Any replica can answer a request, and an ingress spreads them."},
	{database, Stateless, Clear, "Replicas meet in the database, and need not know of one another."},
	{database, Pipelines, Slight, "What consumers share is in the database."},
	{libcluster, Clustered, Clear, "It was made to connect its nodes."},
	{libcluster, Stateless, -Slight, "Somebody wanted its nodes connected."},
	{dnsCluster, Clustered, Slight, "It can connect its nodes; Phoenix's generator brings that to every project."},
	{topology, Clustered, Clear, "It is set up to find its peers on Kubernetes."},
	{hostList, Machines, Clear, "It knows its nodes by name, as machines have them; pods come and go under others."},
	{hostList, Clustered, -Slight, "A list of names finds nobody among pods (DSC-22): discovery would have to change."},
	{pubsub, Clustered, Slight, "Messages reach the subscribers of connected nodes alone; Phoenix's generator starts it in every project."},
	{broadcast, Clustered, Strong, "Messages reach the subscribers of connected nodes alone (STA-08)."},
	{broadcast, Stateless, -Strong, "With replicas that are not connected a part of the users misses messages (STA-08), unless Redis carries them."},
	{redisPubSub, Stateless, Clear, "Redis carries its messages between replicas, so nodes need not be connected."},
	{presence, Clustered, Clear, "Who is there is known among connected nodes alone."},
	{presence, Stateless, -Clear, "Each replica would show another half of the users (STA-08)."},
	{horde, Clustered, Strong, "Horde spreads processes over connected nodes."},
	{horde, Stateless, -Strong, "Without a mesh each replica starts every process of its own."},
	{horde, Machines, Clear, "Every node that comes or goes moves its processes, without their state (STA-01, STA-02); machines stay."},
	{swarm, Clustered, Strong, "Swarm spreads processes over connected nodes."},
	{swarm, Stateless, -Strong, "Without a mesh each replica registers every name of its own."},
	{swarm, Machines, Clear, "Every node that comes or goes moves its processes; machines stay."},
	{syn, Clustered, Strong, "Syn's registry spans connected nodes."},
	{syn, Stateless, -Strong, "Without a mesh a name is registered on each replica."},
	{syn, Machines, Clear, "A net split resolves conflicts by ending processes; machines split less often than pods move."},
	{spread, Clustered, Strong, "It spreads processes or names over connected nodes."},
	{spread, Stateless, -Strong, "Without a mesh each replica has every process and name of its own."},
	{spread, Machines, Clear, "Every node that comes or goes moves what it held; machines stay."},
	{mnesia, Clustered, Strong, "Mnesia's tables are copied between connected nodes, by their names."},
	{mnesia, Stateless, -Strong, "Each replica would have tables of its own (STA-05)."},
	{mnesia, Machines, Strong, "Tables are on disks and bound to node names: machines have both, and nobody moves them."},
	{raft, Clustered, Strong, "A Raft group has members that know one another by name."},
	{raft, Stateless, -Strong, "Without its members a Raft group decides nothing."},
	{raft, Machines, Strong, "Members, their logs and the quorum are bound to names and disks that stay."},
	{crdt, Clustered, Clear, "Its values are copied between connected nodes."},
	{crdt, Stateless, -Clear, "Without a mesh each replica has values of its own."},
	{crdt, Machines, Slight, "What is held in memory alone is lost as often as nodes are replaced."},
	{global, Clustered, Clear, "A global name is unique among connected nodes alone."},
	{global, Stateless, -Clear, "Without a mesh there is one of each name on every replica."},
	{global, Machines, Slight, "Every lost link makes global take connections apart (GLB-01); links between machines are lost less often."},
	{pg, Clustered, Clear, "Process groups span connected nodes."},
	{pg, Stateless, -Clear, "Without a mesh a group has the members of one replica."},
	{remoteCalls, Clustered, Strong, "It calls other nodes."},
	{remoteCalls, Stateless, -Strong, "There would be no node to call."},
	{nodeList, Clustered, Slight, "It asks which nodes there are."},
	{nodeList, Stateless, -Slight, "It asks which nodes there are, and would see itself alone."},
	{partisan, Machines, Clear, "Partisan makes links of its own, which neither Phial nor Kubernetes knows."},
	{partisan, Stateless, -Clear, "Its nodes talk to one another."},
	{localSession, Stateless, -Slight, "A session is on the replica that made it, and the next request may come to another (SES-01): keep it in the cookie."},
	{localSession, Clustered, -Slight, "A mesh does not carry such sessions either (SES-01)."},
	{localSession, Machines, Slight, "A load balancer that sticks to machines which stay loses them more rarely."},
	{localUploads, Stateless, -Clear, "Files are on the replica that took them, and go with it (SES-01)."},
	{localUploads, Clustered, -Slight, "A mesh does not carry files (SES-01)."},
	{localUploads, Machines, Clear, "A machine keeps its disk."},
	{localCache, Stateless, -Slight, "Caches of replicas differ until they expire (SES-01)."},
	{cron, Clustered, Slight, "Scheduled jobs can be made to run once by a name that is unique in the mesh."},
	{cron, Stateless, -Slight, "Scheduled jobs run on every replica (JOB-01)."},
	{oban, Stateless, Slight, "Jobs are shared out by the database, not by a mesh."},
	{kafka, Pipelines, Strong, "Kafka shares out the work by partitions: replicas need neither one another nor an ingress."},
	{kafkaClient, Pipelines, Slight, "It speaks to Kafka; whether it reads was not seen."},
	{nothingShared, Pipelines, Slight, "Nothing seen ties a consumer to another."},
	{hotUpgrade, Machines, Clear, "Code is changed in running nodes; a pod is replaced by another."},
	{hotUpgrade, Stateless, -Slight, "Hot upgrades and replaced pods do not go together."},
	{hotUpgrade, Clustered, -Slight, "Hot upgrades and replaced pods do not go together."},
	{declaredClustered, Clustered, Clear, "Somebody has decided so; the type of a BeamApp can't be changed later."},
	{declaredStateless, Stateless, Clear, "Somebody has decided so; the type of a BeamApp can't be changed later."},
	{manifests, Stateless, Slight, "There are manifests for Kubernetes already."},
	{manifests, Clustered, Slight, "There are manifests for Kubernetes already."},
	{manifests, Pipelines, Slight, "There are manifests for Kubernetes already."},
	{manifests, Machines, -Slight, "There are manifests for Kubernetes already."},
	{imageFile, Stateless, Slight, "It is made into an image already."},
	{imageFile, Clustered, Slight, "It is made into an image already."},
	{imageFile, Pipelines, Slight, "It is made into an image already."},

	{nodesFixed, Machines, Clear, "What does not change needs nobody who places it."},
	{nodesFixed, Clustered, -Slight, "Scaling is what a mesh on Kubernetes is paid for, and it would not be used."},
	{nodesVarying, Stateless, Clear, "Replicas come and go without anybody noticing."},
	{nodesVarying, Clustered, Slight, "Peers are found as they come; each one that goes costs what it held."},
	{nodesVarying, Pipelines, Slight, "The group shares out partitions anew, and lag says how many consumers it takes."},
	{nodesVarying, Machines, -Strong, "Machines are not added and taken away by the hour, and each needs its name in every list."},
	{countOne, Clustered, -Clear, "One node is no cluster."},
	{countOne, Machines, Slight, "One machine is soon set up."},
	{countFew, Machines, Slight, "So few can be looked after by hand."},
	{countMany, Clustered, -Clear, "Every node is connected to every other: from about 60 on a full mesh becomes unsteady (GLB-03)."},
	{countMany, Machines, -Clear, "So many are not looked after by hand, and the mesh is as full there (GLB-03)."},
	{countMany, Stateless, Slight, "The number of replicas costs nothing where they do not know of one another."},
	{trafficNone, Stateless, Clear, "Nodes that have nothing to say to one another need no mesh."},
	{trafficNone, Clustered, -Strong, "A mesh without messages is only something that can break."},
	{trafficNone, Pipelines, Slight, "Consumers of a group have nothing to say to one another."},
	{trafficSome, Clustered, Slight, "Nodes talk to one another."},
	{trafficSome, Stateless, -Clear, "Nodes talk to one another, and would have to do so through something else."},
	{trafficSome, Pipelines, -Slight, "Consumers of a group do not talk to one another."},
	{trafficHeavy, Pipelines, -Clear, "Consumers of a group do not talk to one another."},
	{trafficHeavy, Machines, Clear, "Every rollout, eviction and slow pod network stands between nodes that talk all the time, and each pod that moves takes its links with it; machines stay."},
	{trafficHeavy, Clustered, Clear, "Nodes that talk all the time have to be connected."},
	{trafficHeavy, Stateless, -Strong, "Nodes talk to one another all the time."},
	{latencyRelaxed, Clustered, Slight, "A message may take the longer way over a pod network."},
	{latencyStrict, Machines, Clear, "Neither an overlay network nor CPU limits come between two nodes."},
	{latencyStrict, Clustered, -Slight, "Overlay networks and throttled CPUs are felt in each message."},
	{regionsSeveral, Clustered, -Clear, "A cluster of Kubernetes ends with its region, and so does its pod network: there will be a mesh in each."},
	{regionsSeveral, Stateless, Slight, "Each region serves by itself."},
	{regionsSeveral, Machines, Slight, "Machines can be joined over a private network, if the app bears its latency."},
	{zonesSeveral, Stateless, Slight, "Kubernetes spreads replicas over zones, and moves them when one is lost."},
	{zonesSeveral, Clustered, Slight, "Kubernetes spreads replicas over zones, and moves them when one is lost."},
	{kubernetesYes, Stateless, Slight, "Somebody runs Kubernetes already."},
	{kubernetesYes, Clustered, Slight, "Somebody runs Kubernetes already."},
	{kubernetesYes, Pipelines, Slight, "Somebody runs Kubernetes already."},
	{kubernetesYes, Machines, -Clear, "Machines beside Kubernetes are a second way to run things."},
	{kubernetesNo, Stateless, -Clear, "Running Kubernetes is more work than running this app."},
	{kubernetesNo, Clustered, -Clear, "Running Kubernetes is more work than running this app."},
	{kubernetesNo, Pipelines, -Clear, "Running Kubernetes is more work than running this app."},
	{kubernetesNo, Machines, Clear, "There is no Kubernetes to run it on."},
	{packingYes, Stateless, Clear, "Small parts share machines with other work, and Kubernetes finds them room."},
	{packingYes, Clustered, Slight, "It shares machines with other work, and Kubernetes finds it room."},
	{packingYes, Pipelines, Slight, "Small parts share machines with other work, and Kubernetes finds them room."},
	{packingYes, Machines, -Clear, "A machine for each node leaves room that nobody uses."},
	{packingNo, Machines, Slight, "Whole machines are its own anyway."},
}

// core are what makes nodes of one mind: state or names that live in the mesh.
var core = []Signal{horde, swarm, syn, spread, mnesia, raft}

// missing says why a way is no choice; empty: it is one.
func missing(w Way, seen []Seen) string {
	switch {
	case w == Pipelines && !has(seen, kafka, kafkaClient):
		return "nothing seen reads Kafka"
	case w == Pipelines && has(seen, http):
		return "it serves HTTP as well; what reads Kafka goes beside that"
	case w == Stateless && has(seen, trafficHeavy):
		return "nodes that talk to one another all the time have to be connected"
	case w == Stateless && has(seen, kafka) && !has(seen, http, oban, cron):
		return "it serves no HTTP: all of its work seen is to read Kafka"
	}
	return ""
}

// rowsOf are the rows of a way, in the table's order.
func rowsOf(w Way) (rows []row) {
	for _, r := range table {
		if r.way == w {
			rows = append(rows, r)
		}
	}
	return rows
}
