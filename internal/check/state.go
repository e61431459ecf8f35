package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// state are rules about what nodes hold in common, and what each of them holds alone.
var state = []Rule{
	{
		Code: "GLB-01", Title: "a flag that global does not see",
		Severity: finding.Warning, Confidence: Certain, Needs: Deployment,
		Looks: "-prevent_overlapping_partitions without -kernel in front, in manifests and rel/vm.args.eex; and, as a hint, where it is set to false.",
		Why:   "It is a parameter of the application kernel: written as a flag of its own it changes nothing. Set to false, names that global holds may differ from one part of a cut mesh to the other.",
		Fix:   "mend the links first: global takes nodes apart only because some of them don't see each other. Otherwise write -kernel prevent_overlapping_partitions false, on all nodes",
		Check: overlapping,
	},
	{
		Code: "GLB-02", Title: "names that wait for a lock",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Calls of :global in projects with several replicas.",
		Why:   "Registering a name takes a lock on every node. One that is on its way in or out, or hangs, keeps it, and every registration waits.",
		Fix:   "register few names, and with a timeout around it; or use a registry that asks nobody, such as :pg",
		Check: globalNames,
	},
	{
		Code: "GLB-03", Title: "a full mesh of many nodes",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Clustered releases with 60 replicas and more.",
		Why:   "Every node holds a link to each other one and asks all of them for locks: at 60 nodes that is 1770 links, and each pod that goes is noticed 59 times.",
		Fix:   "connect fewer nodes: -connect_all false or hidden nodes with links of your own, or several smaller clusters",
		Check: manyNodes,
	},
	{
		Code: "STA-01", Title: "processes that end with their pod",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Horde's supervisors and Swarm in projects with several replicas. Horde.Registry alone starts nothing.",
		Why:   "Horde starts a process anew elsewhere and brings none of its state; Swarm hands state over only where the process does its part. What was in memory is gone at each rollout.",
		Fix:   "keep what matters in a database, or hand it over in terminate/2",
		Check: movedProcesses,
	},
	{
		Code: "STA-02", Title: "a registry among pods that come and go",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "Horde and Swarm in workloads that are scaled by themselves, without rules for scaling down.",
		Why:   "At each change all members agree anew on who holds what, and calls in between time out. An autoscaler that goes up and down makes that happen all day.",
		Fix:   "slow it down: behavior.scaleDown with a stabilizationWindowSeconds and one pod at a time",
		Check: churn,
	},
	{
		Code: "STA-03", Title: "old nodes that are to run new code",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Horde's supervisors and Swarm in workloads that are rolled over pod by pod.",
		Why:   "While both versions are in one mesh, a process that a new node asks for may be placed on an old one, whose code does not know it, and fails there until it gives up.",
		Fix:   "let modules be there one release before they are used, or give each version a mesh of its own",
		Check: mixedVersions,
	},
	{
		Code: "STA-04", Title: "presences of pods that are gone",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Phoenix.Presence and Phoenix.Tracker without permdown_period, in releases with several replicas whose pods get new names.",
		Why:   "A tracker keeps a node that is gone in mind for twenty minutes, and exchanges with the others what it knew. With each rollout all pods are such.",
		Fix:   "call Phoenix.Tracker.graceful_permdown/1 when the app stops, and set permdown_period",
		Check: permdown,
	},
	{
		Code: "STA-05", Title: "a database on each node",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Mnesia beside a library that forms the cluster, in releases with several replicas.",
		Why:   "Mnesia has to be told of the others before it makes its tables. Where discovery finds nobody yet, as at a cold start, each node makes its own, and they never become one.",
		Fix:   "start Mnesia after the nodes have joined, and make tables on the first node alone",
		Check: twoSchemas,
	},
	{
		Code: "STA-08", Title: "broadcasts that end at the pod",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "Presence, channels, Horde, process groups, broadcasts and names of :global in a release with several replicas whose nodes nothing connects.",
		Why:   "What one pod broadcasts, registers or tracks is seen by those who are connected to that pod. The others miss it, and which ones is a matter of chance.",
		Fix:   "connect the nodes (phial init sets it up), or use an adapter that goes through Redis or PostgreSQL",
		Check: unconnected,
	},
	{
		Code: "JOB-01", Title: "each pod runs every cron job",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "Quantum's schedulers in releases with several replicas.",
		Why:   "Since version 3 each node has a schedule of its own: with three pods a job runs three times.",
		Fix:   "use Oban's cron, run the scheduler in a workload of one replica, or guard each job by a lock in the database",
		Check: everyNodeSchedules,
	},
	{
		Code: "JOB-02", Title: "jobs that are killed",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Oban's shutdown_grace_period, 15 s by default, against what the grace period leaves.",
		Why:   "A job that runs when the pod is killed stays executing for ever: nobody takes it up again, unless Lifeline does.",
		Fix:   "let terminationGracePeriodSeconds be longer, and add Oban.Plugins.Lifeline",
		Check: killedJobs,
	},
	{
		Code: "JOB-03", Title: "one pod stops everybody's queues",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "Oban.pause_all_queues and pause_queue without local_only: true, in releases with several replicas: in the code, and in preStop.",
		Why:   "Pausing is told to all nodes. A pod that pauses while it ends stops the work of the whole fleet, and no one resumes it.",
		Fix:   "pass local_only: true (pause_all_queues has it since Oban 2.17)",
		Check: pausesAll,
	},
	{
		Code: "SES-01", Title: "sessions and files that one pod has",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Project,
		Looks: "Sessions in ETS, and uploads (of Plug.Upload, LiveView or Waffle) in the container's files, in releases with several replicas.",
		Why:   "The next request may go to another pod, which knows neither the session nor the file; and both are gone with the pod.",
		Fix:   "keep sessions in the cookie or a database, and files in an object store or on a volume that all pods mount",
		Check: keptAlone,
	},
}

var (
	bareFlag = regexp.MustCompile(`(^|\s)-prevent_overlapping_partitions\b`)
	turned   = regexp.MustCompile(`-kernel\s+(\S+\s+\S+\s+)*?prevent_overlapping_partitions\s+false`)
)

func overlapping(in *Input, f *Finder) {
	const bare, off = "-prevent_overlapping_partitions is no flag of the VM's: without -kernel in front it changes nothing",
		"global no longer takes a mesh apart that is cut: the same name may be held on both sides"
	for _, b := range in.Beams() {
		for e := range b.Container.Env() {
			switch v := e.Value().String(); {
			case bareFlag.MatchString(v):
				f.At(b.Object, e.Value(), bare)
			case turned.MatchString(v):
				f.At(b.Object, e.Value(), off).As(finding.Info, Hint).Mend("see to it that all nodes reach each other, and leave it on where names have to be unique")
			}
		}
	}
	if in.Project == nil {
		return
	}
	for _, v := range in.Project.VMArgs {
		for _, flag := range v.Flags {
			switch text := flag.String(); {
			case bareFlag.MatchString(text):
				f.In(subjectOf(in.Project), flag.At, bare)
			case turned.MatchString(text):
				f.In(subjectOf(in.Project), flag.At, off).As(finding.Info, Hint).Mend("see to it that all nodes reach each other, and leave it on where names have to be unique")
			}
		}
	}
}

func globalNames(in *Input, f *Finder) {
	b, p, ok := spread(in)
	if !ok {
		return
	}
	for _, c := range p.Calls {
		switch c.Name {
		case ":global.register_name", ":global.re_register_name", ":global.set_lock", ":global.trans":
			f.In(subjectOf(p), c.At, "%s waits for a lock on every node", c.Name).spreads(in, b)
			return // one says it
		}
	}
}

func manyNodes(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		n, at := in.most(b)
		if flags := readFlags(flags(b.Container)); n < 60 || in.clustered(b) == "" || flags.NoConnectAll || flags.Hidden {
			continue
		}
		found := f.At(b.Object, at, "%d nodes of %s are to be one mesh, with %d links", n, b.Name, n*(n-1)/2)
		if replicas, _, known := b.Replicas(); !known || replicas < 60 {
			found.As(finding.Info, Hint)
		}
	}
}

// moved is where a project uses a library that places processes on nodes.
func moved(p *project.Project) (project.Use, bool) {
	return uses(p, "Horde.DynamicSupervisor", "Horde.Supervisor", "Swarm")
}

func movedProcesses(in *Input, f *Finder) {
	if b, p, ok := spread(in); ok {
		if u, ok := moved(p); ok {
			f.In(subjectOf(p), u.At, "%s starts processes anew on other nodes, without what they knew", u.What).spreads(in, b)
		}
	}
}

func churn(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		u, ok := uses(in.projectOf(b), "Horde", "Swarm")
		o := in.autoscaler(b.Workload)
		if !ok || o == nil || o.At("spec.behavior.scaleDown").Exists() || o.At("spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown").Exists() {
			continue
		}
		f.At(b.Object, o.At("metadata.name"), "%s scales %s up and down as it likes, and its nodes share processes by %s", o.Name, b.Name, u.What).place(in, u.At, u.What)
	}
}

func mixedVersions(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		u, ok := moved(in.projectOf(b))
		strategy := b.At("spec.strategy.type")
		if ok && in.several(b.Workload) && strategy.String() != "Recreate" && b.At("spec.updateStrategy.type").String() != "OnDelete" {
			f.In(subjectOf(in.Project), u.At, "%s may place a process on a node that runs the version before", u.What).spreads(in, b)
			return
		}
	}
}

func permdown(in *Input, f *Finder) {
	b, p, ok := spread(in)
	if !ok || b.Kind != "Deployment" && b.Kind != manifest.Rollout || in.clustered(b) == "" {
		return
	}
	for _, what := range []string{"Phoenix.Presence", "Phoenix.Tracker"} {
		for _, u := range p.UsedAs(what) {
			said := !u.Options.Get("permdown_period").Absent()
			if app := u.Options.Get("otp_app"); app.Kind == project.ExprAtom {
				said = said || !p.Setting(app.Text, u.Module, "permdown_period").Absent()
			}
			for _, s := range p.Supervisors {
				if i := s.Index(u.Module); i >= 0 {
					o := s.Children[i].Options
					said = said || !o.Absent() && (!o.Keyword() || !o.Get("permdown_period").Absent())
				}
			}
			if !said && !strings.Contains(in.ProjectText(u.At.File), "graceful_permdown") {
				f.In(subjectOf(p), u.At, "%s keeps pods that are gone in mind for 20 minutes", u.Module).spreads(in, b)
			}
		}
	}
}

func twoSchemas(in *Input, f *Finder) {
	b, p, ok := spread(in)
	if !ok || len(p.Topologies) == 0 && len(p.DNSClusters) == 0 {
		return
	}
	if u, ok := uses(p, ":mnesia", "Mnesia", "Memento", "Amnesia"); ok {
		f.In(subjectOf(p), u.At, "%s is started on each node: where it finds no other in time, it makes a database of its own", u.What).spreads(in, b)
	}
}

// connectors are libraries that connect nodes, by the names of their packages.
var connectors = []string{"libcluster", "peerage", "bonny_cluster", "ekka", "partisan", "libring_cluster", "gen_cluster", "nodefinder", "mdns_lite", "libcluster_postgres"}

// connects says whether something may connect the nodes of a workload.
func (in *Input) connects(b Beam) bool {
	p := in.projectOf(b)
	if len(in.Project.Broken) > 0 {
		return true // where nobody could read it
	}
	if in.dialsNobody(b) {
		return false
	}
	if managed(b.Workload) || in.clustered(b) != "" || hasDep(p, connectors...) || len(p.Topologies) > 0 || len(p.ClusterStarts) > 0 {
		return true
	}
	for _, name := range []string{"Node.connect", ":net_kernel.connect_node", "Node.start"} {
		if len(p.CallsOf(name)) > 0 {
			return true
		}
	}
	s := in.surroundings(b)
	for _, d := range p.DNSClusters {
		if q := d.Query.Eval(s.get); !q.Is("ignore") && !q.Nil() {
			return true
		}
	}
	if len(p.DNSClusters) == 0 && hasDep(p, "dns_cluster") {
		return true // it may be started in a way that is not seen
	}
	return strings.Contains(vmFlags(in, b, true), "sync_nodes")
}

// shares is something that makes sense only where nodes know of one another.
func shares(p *project.Project) (what string, at project.Pos, ok bool) {
	if all := p.UsedAs("Phoenix.Presence"); len(all) > 0 {
		return "Presence", all[0].At, true
	}
	if u, ok := uses(p, "Horde", "Swarm", ":syn"); ok {
		return u.What, u.At, true
	}
	for _, e := range p.Endpoints {
		for _, s := range e.Sockets {
			if s.Module != "" && !strings.HasPrefix(s.Module, "Phoenix.") {
				return "the channels of " + s.Module, s.At, true
			}
		}
	}
	for _, c := range p.Calls {
		i := strings.LastIndexByte(c.Name, '.')
		if module, name := c.Name[:max(i, 0)], c.Name[i+1:]; strings.HasPrefix(name, "broadcast") && (module == "Phoenix.PubSub" || strings.HasSuffix(module, ".Endpoint")) {
			return c.Name, c.At, true
		}
	}
	for _, u := range p.Uses {
		if u.What == ":global" {
			return "a name of :global, which each of them takes for itself,", u.At, true
		}
	}
	return "", project.Pos{}, false
}

// dialsNobody says whether the prediction has it that no replica of a workload dials another, for nothing is set up that would.
func (in *Input) dialsNobody(b Beam) bool {
	if in.Intent == nil {
		return false
	}
	x := in.predicted()
	for _, o := range x.obstacles[finding.NobodyDials] {
		if x.workload[o.From] == b.Label() && x.workload[o.To] == b.Label() {
			return true
		}
	}
	return false
}

// elsewhere says whether broadcasts go through something else than the mesh.
func elsewhere(p *project.Project) bool {
	if hasDep(p, "phoenix_pubsub_redis", "phoenix_pubsub_postgres", "phoenix_pubsub_nats", "phoenix_pubsub_rabbitmq", "phoenix_pubsub_gcp") {
		return true
	}
	return slices.ContainsFunc(p.Supervisors, func(s project.Supervisor) bool {
		i := s.Index("Phoenix.PubSub")
		return i >= 0 && !s.Children[i].Options.Get("adapter").Absent()
	})
}

func unconnected(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		p := in.projectOf(b)
		what, at, ok := shares(p)
		if !ok || elsewhere(p) || !in.several(b.Workload) || in.connects(b) {
			continue
		}
		_, replicas := in.most(b)
		f.At(b.Object, replicas, "%s has several replicas, nothing connects their nodes, and %s works within one alone", b.Name, what).place(in, at, what)
	}
}

func keptAlone(in *Input, f *Finder) {
	b, p, ok := spread(in)
	if !ok {
		return
	}
	for _, s := range p.Sessions {
		if s.Store.Is("ets") || s.Store.Kind == project.ExprModule && s.Store.Text == "Plug.Session.ETS" {
			f.In(subjectOf(p), s.At, "sessions are kept in the memory of one pod").spreads(in, b)
		}
	}
	if mountsClaim(b) {
		return
	}
	told := map[project.Pos]bool{}
	for _, u := range slices.Concat(p.Uploads, in.takesUploads(p)) {
		if !told[u.At] {
			told[u.At] = true
			f.In(subjectOf(p), u.At, "%s keeps what people upload in the container's own files", u.What).spreads(in, b)
		}
	}
}

// keeps are the functions that leave a file where they are told.
var keeps = []string{"File.cp", "File.cp!", "File.copy", "File.copy!", "File.rename", "File.rename!", "File.write", "File.write!"}

// takesUploads are such functions in files that take uploads by Plug.Upload.
func (in *Input) takesUploads(p *project.Project) (all []project.Use) {
	for _, c := range p.Calls {
		if slices.Contains(keeps, c.Name) && strings.Contains(in.ProjectText(c.At.File), "Plug.Upload") {
			all = append(all, project.Use{What: c.Name, At: c.At})
		}
	}
	return all
}

// mountsClaim says whether a pod has a volume that outlives it.
func mountsClaim(b Beam) bool {
	for v := range b.Pod.Key("volumes").Items() {
		if v.Key("persistentVolumeClaim").Exists() || v.Key("nfs").Exists() || v.Key("csi").Exists() {
			return true
		}
	}
	return b.At("spec.volumeClaimTemplates").Len() > 0
}
