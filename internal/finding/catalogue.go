package finding

// Entry is a row of the catalogue. Cause and Fix hold {placeholders} that New
// fills; {subject} is always known.
type Entry struct {
	Code     Code     `json:"code"`
	Title    string   `json:"title"` // a few words, for lists and headings
	Severity Severity `json:"severity"`
	Cause    string   `json:"cause"`
	Fix      string   `json:"fix"`
}

// The codes that a running mesh can show, by what they mean. The numbers are
// stable: a code once given is never given to anything else.
const (
	ShortAgainstLong   Code = "NAM-01"
	HostMismatch       Code = "NAM-02"
	BasenameMismatch   Code = "NAM-03"
	LoopbackName       Code = "NAM-08"
	PodRecordName      Code = "NAM-09"
	OtherNodeAnswers   Code = "NAM-13"
	InvalidName        Code = "NAM-16"
	ServiceNotHeadless Code = "DSC-01"
	ServiceEmpty       Code = "DSC-02"
	ServiceUnknown     Code = "DSC-03"
	ServiceWithoutSRV  Code = "DSC-04"
	PodNameUnknown     Code = "DSC-06"
	NobodyDials        Code = "DSC-15"
	ForeignListed      Code = "DSC-18"
	HostUnknown        Code = "DSC-25"
	ResolverSilent     Code = "DSC-26"
	NotListed          Code = "DSC-27"
	PortClosed         Code = "NET-01"
	PortFiltered       Code = "NET-02"
	FamilyMismatch     Code = "NET-10"
	EPMDGone           Code = "NET-12"
	TicktimeDiffers    Code = "NET-13"
	NodeDown           Code = "NET-15"
	EPMDMute           Code = "NET-16"
	NotDistribution    Code = "NET-17"
	NodeFrozen         Code = "NET-18"
	TLSAgainstPlain    Code = "NET-19"
	NotAllowed         Code = "NET-20"
	VersionsApart      Code = "NET-21"
	LinkUnexplained    Code = "NET-22"
	OneWayLink         Code = "NET-23"
	HiddenNode         Code = "NET-24"
	NodeUnexplained    Code = "NET-25"
	CallsUnanswered    Code = "NET-26"
	PgApart            Code = "NET-27"
	KeptOut            Code = "NET-28"
	CookieDiffers      Code = "COO-01"
	CookieInImage      Code = "COO-02"
	CookieWhitespace   Code = "COO-03"
	ForeignConnected   Code = "COO-06"
	CookiePerPeer      Code = "COO-09"
	CookieOfPhial      Code = "COO-10"
	OverlapCut         Code = "GLB-01"
	PartialByChoice    Code = "GLB-04"
	StillBooting       Code = "HLT-13"
	PodStuck           Code = "HLT-14"
)

// The codes that an image can show before there is one.
const (
	LibraryOther      Code = "IMG-01"
	LibraryMissing    Code = "IMG-02"
	RunsAsRoot        Code = "IMG-12"
	ImageLarge        Code = "IMG-14"
	OtherArchitecture Code = "IMG-15"
	LoaderMissing     Code = "IMG-16"
	ProgramMissing    Code = "IMG-17"
	NotRunnable       Code = "IMG-18"
	NotChecked        Code = "IMG-19"
	ModuleMissing     Code = "IMG-20"
)

var catalogue = []Entry{
	{ShortAgainstLong, "short against long names", Error,
		"{short} runs with short names and {long} with long names; OTP lets the two kinds never meet",
		"set RELEASE_DISTRIBUTION=name for every replica in rel/env.sh.eex, with an address or a fully qualified name after the @"},
	{HostMismatch, "host part of the name", Error,
		"the node that answers at {dialled} calls itself {actual}; a node accepts only those who dial it by its own name",
		"give the node the name that its peers dial, {dialled}: RELEASE_NODE={base}@$POD_IP where discovery lists addresses, the pod's fully qualified name where it lists names"},
	{BasenameMismatch, "another base name is registered", Error,
		"EPMD at {host} does not know {base}; registered there: {known}",
		"make the part before the @ one constant: RELEASE_NODE (or the release's name) and the base name that discovery dials; if {known} is another app's, {subject} itself is down: start it"},
	{LoopbackName, "a name that every machine has", Error,
		"{actual} has {host} after the @, which is every machine's own address: a peer that dials it reaches itself",
		"set RELEASE_NODE at start from the replica's own address (POD_IP by fieldRef status.podIP) and fail when it is empty"},
	{PodRecordName, "pod A record does not resolve", Error,
		"{host}, the host part of {node}, is a pod record, and the DNS server{where} does not know it",
		"name nodes base@POD_IP, or use a StatefulSet's names; pod records need 'pods insecure' or 'pods verified' in CoreDNS"},
	{OtherNodeAnswers, "another node answers", Error,
		"where {dialled} should be, {actual} answers",
		"use a base name and a cookie of its own for each app: the address now belongs to another node"},
	{InvalidName, "not a node name", Error,
		"{problem}",
		"give every node a name of the form base@host"},
	{ServiceNotHeadless, "discovery through a Service that is not headless", Error,
		"{subject} answers with {addresses}, which belongs to no node: a virtual address, not a list of replicas",
		"set clusterIP: None on the Service that discovery asks"},
	{ServiceEmpty, "discovery lists nobody", Error,
		"{subject} exists and lists no address",
		"make the Service's selector match the labels of the pods, and set publishNotReadyAddresses: true on it"},
	{ServiceUnknown, "discovery asks for a name that does not exist", Error,
		"DNS does not know {subject}",
		"use the Service's own name and namespace in the discovery setting; service.namespace.svc and the cluster's domain"},
	{ServiceWithoutSRV, "no SRV records", Error,
		"{subject} has addresses and no SRV records",
		"give the headless Service named ports (epmd, dist)"},
	{PodNameUnknown, "a pod's own name does not resolve", Error,
		"{host}, the host part of {node}, is unknown to the DNS server{where}",
		"make the StatefulSet's serviceName the headless Service's name, with publishNotReadyAddresses: true"},
	{NobodyDials, "nobody dials", Error,
		"every check passes between {nodes}, and no link is up: nothing dials",
		"configure discovery in the app: a topology in the supervision tree (Cluster.Supervisor), or DNS_CLUSTER_QUERY; or let Phial's agents join the replicas (agent: Enabled, join: Auto), as `phial up` does unless phial.yaml says agent: Disabled or join: Never"},
	{ForeignListed, "discovery lists a foreign node", Warning,
		"{subject} lists {address}, where another app's node answers: {found}",
		"use a label of its own in the Service's selector, and a base name and a cookie of its own for each app"},
	{HostUnknown, "host name does not resolve", Error,
		"{host}, the host part of {node}, is unknown to the DNS server{where}",
		"use a host part that the replicas' own resolver knows, or name the nodes by their addresses"},
	{ResolverSilent, "DNS does not answer", Error,
		"the DNS server{where} gives no answer about {host}",
		"see that DNS runs and that network policies let the replicas ask it (UDP and TCP 53)"},
	{NotListed, "not in discovery", Warning,
		"{subject} runs, and {service} does not list it: peers that look there never dial it",
		"make the Service's selector match this replica, with publishNotReadyAddresses: true so that it is listed before it is ready"},
	{PortClosed, "distribution port closed", Error,
		"EPMD at {host} says port {port} for {node}, and nothing accepts there",
		"give the listener a fixed small range by -kernel inet_dist_listen_min/max and open it; restart the node if EPMD answers for one that died"},
	{PortFiltered, "packets are dropped", Error,
		"{what} gives no answer: the packets are dropped on the way, or the machine is gone",
		"allow TCP {ports} between the replicas in the NetworkPolicy or firewall, both ways"},
	{FamilyMismatch, "IPv4 against IPv6", Error,
		"{a} runs distribution over {proto_a} and {b} over {proto_b}",
		"set the same -proto_dist for every replica in ERL_AFLAGS"},
	{EPMDGone, "the node runs and EPMD does not know it", Error,
		"{node} runs ({alive}), but {epmd}: nobody new can find it",
		"restart the replica so that it registers again; keep EPMD in the same container, or leave it out with a fixed port"},
	{TicktimeDiffers, "net_ticktime differs", Warning,
		"net_ticktime is not the same on all nodes: {values}",
		"set one -kernel net_ticktime for all replicas; links between different ones break without need"},
	{NodeDown, "nothing answers", Error,
		"{node} was not found: {what}",
		"start it, or look at its log for why it ended; if it does run, see that EPMD runs beside it and restart it, so that it registers again; if EPMD listens on another port there, say so with --epmd-port"},
	{EPMDMute, "EPMD accepts and stays silent", Error,
		"EPMD at {host} accepts connections and does not answer",
		"see whether a proxy (a service mesh's sidecar) takes the port: exclude 4369 and the distribution ports, or name them tcp- in the headless Service"},
	{NotDistribution, "no distribution behind the port", Error,
		"port {port} of {host}, which stands for {node}, does not speak Erlang distribution",
		"see what listens there: a proxy, another program, or distribution over TLS without Phial being told"},
	{NodeFrozen, "the node is frozen", Error,
		"{node} accepts connections and says nothing: the process is stopped, or starved of CPU",
		"look at its CPU limit and throttling, and whether something paused it; a liveness probe with a direct handshake restarts it"},
	{TLSAgainstPlain, "TLS against plain distribution", Error,
		"{tls} speaks distribution over TLS and {plain} does not",
		"set the same -proto_dist and -ssl_dist_optfile for every replica"},
	{NotAllowed, "net_kernel:allow", Error,
		"{node} lets only certain nodes connect (net_kernel:allow/1) and {refused} is not among them",
		"take the call to net_kernel:allow/1 out, or allow every replica in it"},
	{VersionsApart, "OTP versions that cannot talk", Error,
		"{node} and its peers have no handshake in common: {detail}",
		"run releases at most two OTP versions apart in one mesh"},
	{PgApart, "versions of pg that cannot talk", Info,
		"{old} and {new} are in one mesh: pg of OTP 28 and later greets in a way that ends the pg scopes of OTP 25, and whatever stands on them (Phoenix.PubSub among others)",
		"upgrade by way of OTP 26 or 27, whose pg knows both greetings"},
	{LinkUnexplained, "cause not known", Error,
		"missing, and the cause is not known: {unknown}",
		"ask again with `phial why`, from a place that reaches both nodes"},
	{OneWayLink, "one end does not know of the link", Warning,
		"{a} says it is connected to {b}, and {b} does not say so",
		"ask again: it settles when the slower end notices (net_ticktime at most); if it stays, restart the node that holds the dead link"},
	{HiddenNode, "a hidden node", Info,
		"{subject} is a hidden node: it has links of its own and is no part of the mesh",
		"leave it, if it was meant; without -hidden it joins"},
	{NodeUnexplained, "could not be looked at", Error,
		"{subject} could not be looked at: {detail}",
		"ask again; `phial why` shows each step"},
	{CallsUnanswered, "calls are not answered", Warning,
		"{subject} took the handshake and left questions unanswered: {questions}",
		"look at its load: the run queue, and long message queues of its system processes"},
	{KeptOut, "Phial itself is kept out", Error,
		"{what} gives no answer: the packets are dropped on the way from {looker}, or the machine is gone; that says nothing of the way between the replicas",
		"look from a place that is let in: `phial mesh -n NAMESPACE` asks the agents in the pods; where there is none, let {looker} reach TCP {ports} by a rule of the NetworkPolicy or firewall, for as long as the look takes"},
	{CookieDiffers, "another cookie", Error,
		"{subject} has another cookie than {others}",
		"give all replicas the one cookie from one Secret as RELEASE_COOKIE; without it each build of the release has a random one"},
	{CookieInImage, "a cookie in the image", Warning,
		"{subject} sets the cookie: everybody who can pull the image has it, and the cookie is the right to run code on every node",
		"take it out of there, and give RELEASE_COOKIE from a Secret of each environment's own, random and at least 32 characters long"},
	{CookieWhitespace, "white space in the cookie", Error,
		"the cookies of {a} and {b} differ only by white space around them",
		"write the Secret without a line end (stringData, or printf instead of echo)"},
	{ForeignConnected, "a foreign node in the mesh", Warning,
		"{subject} is connected and belongs to another app than {app}",
		"use a cookie and a base name of its own for each app and environment, and a NetworkPolicy"},
	{CookiePerPeer, "a cookie for one peer", Error,
		"{holder} keeps another cookie for {peer} than {peer} for it (erlang:set_cookie/2)",
		"take the call to erlang:set_cookie/2 out, or set the same cookie on both ends"},
	{CookieOfPhial, "the cookie given to Phial", Error,
		"no node takes the cookie that was given to Phial",
		"give the file that holds the nodes' own cookie; `cat` of RELEASE_COOKIE inside a replica, without a line end"},
	{OverlapCut, "cut to prevent overlapping partitions", Error,
		"global took the mesh of {nodes} apart because {root}: since OTP 25 one lost link costs the others (prevent_overlapping_partitions)",
		"mend the first lost link and let the nodes be dialled again; turning the protection off (-kernel prevent_overlapping_partitions false on all nodes) lets global names differ between islands"},
	{PartialByChoice, "no full mesh wanted", Info,
		"{subject} runs with -connect_all false: only links that something dials are there",
		"leave it, if it was meant (Partisan and the like); Phial joins nothing here"},
	{StillBooting, "not in the mesh yet", Info,
		"{subject} is {status}",
		"wait until it has booted; a node that stops leaves the mesh by itself"},
	{PodStuck, "a pod that does not start", Error,
		"{subject} {state}: {reason}",
		"see what kubectl describe pod {pod} -n {namespace} says; {remedy}"},
	{LibraryOther, "a library in another version", Error,
		"{subject} is needed by {files}, and {offers}",
		"build the release on {base}, as the base is, or on something older; or let Phial assemble one that fits: --base assemble, without --suite"},
	{LibraryMissing, "a library that the base lacks", Error,
		"{subject} is needed by {files}, and the base has no library of that name",
		"{install}, take a base that has it, or let Phial assemble one that fits: --base assemble, without --suite"},
	{RunsAsRoot, "the image runs as root", Warning,
		"the image would run as {user}: whoever breaks into the app is root in its container, and clusters that want pods without root refuse to start it",
		"let it run as a user of its own, given by number; the files of a release need not belong to it"},
	{ImageLarge, "a large image", Warning,
		"{subject} takes {size} MB unpacked, more than the {limit} MB that teams expect; most of it: {largest}",
		"take a slim base: a release brings its own Erlang and needs neither compilers nor an Elixir in the base; keep out of priv what only the build reads"},
	{OtherArchitecture, "built for another architecture", Error,
		"for {has}, while the image is for {wants}: {files}",
		"build the release, and whatever it downloads compiled, on {wants}, with a base for {wants}; or make an image for {has}"},
	{LoaderMissing, "no dynamic loader of that kind", Error,
		"built for {libc}, whose loader {subject} the base does not have ({offers}): {files}",
		"take a base with {libc}, or build the release on {base}; or let Phial assemble one that fits: --base assemble, without --suite"},
	{ProgramMissing, "programs that the start scripts call", Error,
		"scripts of the release call programs that the base does not have: {programs}",
		"{install} (an assembled base takes --package NAME), or take a base with a shell and the usual tools (a slim image of a distribution)"},
	{NotRunnable, "can't be run on Linux", Error,
		"{why}, so Linux can't load it: {files}",
		"{build}"},
	{ModuleMissing, "a release that is not whole", Error,
		"{subject} lists modules that are not in the release: {modules}; a release loads all of them when it starts",
		"build the release anew (mix release --overwrite); if that does not help, compile anew (mix deps.compile --force, mix compile --force)"},
	{NotChecked, "could not be checked", Warning,
		"whether {subject} finds what it needs in the base was not seen: {why}",
		"try the image before it goes anywhere; for a script, see that its shell reads it (sh -n)"},
}

var byCode = func() map[Code]Entry {
	m := make(map[Code]Entry, len(catalogue))
	for _, e := range catalogue {
		if _, twice := m[e.Code]; twice {
			panic("finding: two entries for " + string(e.Code))
		}
		m[e.Code] = e
	}
	return m
}()

// Lookup gives a code's entry.
func Lookup(c Code) (Entry, bool) {
	e, ok := byCode[c]
	return e, ok
}

// Entries gives the whole catalogue in the order of its table.
func Entries() []Entry { return append([]Entry(nil), catalogue...) }
