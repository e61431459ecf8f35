package scaffold

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/project"
)

// choices are what was worked out, as phial.yaml's template shows it.
type choices struct {
	p     *project.Project
	base  string
	notes []Note
	about string // the file that notes are about at the moment

	strategy project.Strategy // libcluster's, where it is one that finds peers on Kubernetes

	Name         string
	Release      string
	Named        bool // mix.exs names the release, so that mix wants its name
	OtherRelease bool // the release's name does not follow from the app's
	Image        string
	ImageWhy     string
	Type         string
	TypeWhy      string
	Discovery    string
	DiscoveryWhy string
	Without      string // what to do where there are no agents; empty where discovery is not Phial
	Stable       bool
	StableWhy    string
	Port         int // 0: no HTTP
	PortWhy      string
	Ready        project.Route
	Live         project.Route
	Pipelines    []pipeline
	Ecto         bool
	Migrator     string   // module, or empty
	MigratorToBe string   // module that there is not yet
	MigratorFile string   // where it would stand
	Secrets      []string // names of variables that must be there
}

func (c *choices) note(at project.Pos, format string, args ...any) {
	c.notes = append(c.notes, Note{At: at, Text: fmt.Sprintf(format, args...), File: c.about})
}

// finding is a note on the project itself, which holds whatever becomes of the files to write.
func (c *choices) finding(at project.Pos, format string, args ...any) {
	c.notes = append(c.notes, Note{At: at, Text: fmt.Sprintf(format, args...)})
}

func (c *choices) has(dep string) bool {
	_, ok := c.p.Dep(dep)
	return ok
}

func (c *choices) choose(o Options) error {
	if c.p.Cut {
		c.note(project.Pos{File: "."}, "there are more files here than are looked at; what is in the rest is not known")
	}
	for _, m := range c.p.Mixes() {
		if m.Deps.State == project.Unknown {
			c.note(m.Deps.At, "the dependencies are computed: went by those that stand there, and by mix.lock")
		}
	}
	c.about = "phial.yaml"
	if err := c.release(o); err != nil {
		return err
	}
	if err := c.names(o); err != nil {
		return err
	}
	c.http()
	c.kind(o)
	if c.Type == string(v1alpha1.Clustered) {
		c.discovery(o)
	}
	c.kafka()
	c.ecto()
	c.environment()
	if c.p.Has(envSh) && !c.p.EnvSh.CookieFile {
		c.notes = append(c.notes, Note{At: project.Pos{File: envSh}, File: envSh, Kept: true,
			Text: "does not read the cookie's file, so that rpc and remote fail after the cookie was changed live; `phial init --dry-run --force --diff` shows the lines"})
	}
	return nil
}

const envSh = "rel/env.sh.eex"

// repository is the image's name without them.
func (c *choices) repository() string {
	name, _, _ := project.SplitImage(c.Image)
	return name
}

// http decides which port, and which paths tell that a replica is well.
func (c *choices) http() {
	server := slices.IndexFunc(project.HTTPServers, c.has)
	port := c.p.Port
	switch {
	case port.Name != "":
		c.Port, c.PortWhy = 4000, "told to the app in PORT ("+port.At.File+")"
		if n, ok := number(port.Default.Value); ok {
			c.Port = n
		}
	case c.p.FixedPort.Known():
		c.Port, c.PortWhy = c.p.FixedPort.Value, "as in "+c.p.FixedPort.At.File
		c.finding(c.p.FixedPort.At, "the port is fixed; `phial up` gives each replica its own in PORT: read it in config/runtime.exs")
	case server >= 0:
		d, _ := c.p.Dep(project.HTTPServers[server])
		c.Port, c.PortWhy = 4000, "assumed"
		c.note(d.At, "%s is there, and nothing says on which port: assumed 4000; read PORT in config/runtime.exs", d.Name)
	default:
		return
	}
	if c.Port >= beam.DistPortMin && c.Port <= beam.DistPortMax || slices.Contains([]int{beam.EPMDPort, beam.AgentProbePort, beam.AgentPeerPort}, c.Port) {
		c.note(firstAt(port.Default.At, c.p.FixedPort.At), "port %d is one that nodes or Phial's agent need for themselves: give http.port in phial.yaml another", c.Port)
	}
	if d, ok := c.p.Dep("phoenix"); ok && !c.p.Server.Known() {
		c.finding(d.At, "nothing starts the endpoint in a release: have config/runtime.exs set server: true where PHX_SERVER is set")
	}
	c.Ready = route(c.p.Health, "ready", "readyz", "readiness", "health", "healthz", "healthcheck", "health_check", "health-check", "up", "ping", "status")
	c.Live = route(c.p.Health, "live", "livez", "liveness", "alive")
	if c.Ready.Path == "" {
		c.note(project.Pos{File: "lib"}, "no health route seen; where there is one that asks for what a request needs, name it in health.path")
	}
}

func number(s string) (int, bool) {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 65535 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n >= 1024 && n <= 65535
}

// route gives the first route whose last part is the earliest of the words.
func route(all []project.Route, words ...string) project.Route {
	for _, w := range words {
		for _, r := range all {
			if path.Base(r.Path) == w {
				return r
			}
		}
	}
	return project.Route{}
}

// clustering are packages that make sense only where nodes know of one another.
var clustering = []string{"libcluster", "dns_cluster", "horde", "swarm", "syn", "partisan", "ra", "khepri", "delta_crdt", "phoenix_pubsub",
	"nebulex", "highlander", "mnesiac", "memento", "ecto_mnesia", "pogo", "global_flags"}

// kind decides between Clustered and Stateless. What phial.yaml has can't be changed.
func (c *choices) kind(o Options) {
	if o.Type != "" {
		c.Type = o.Type
		return
	}
	seen := c.kindSeen()
	switch {
	case o.Decided != "" && o.Decided != c.Type:
		c.Type, c.TypeWhy = o.Decided, ""
	case o.Decided != "":
	case !seen:
		c.note(project.Pos{File: "mix.exs"}, "nothing says whether replicas need one another: assumed type Clustered, which can't be changed later; --type Stateless if not")
	case o.Advised != "" && o.Advised != c.Type:
		c.note(project.Pos{File: "mix.exs"}, "assumed type %s, which can't be changed later; phial advise says why %s may do: --type %s", c.Type, o.Advised, o.Advised)
	}
}

// kindSeen goes by what the project has, and says whether it has something to go by.
func (c *choices) kindSeen() bool {
	c.Type = string(v1alpha1.Clustered)
	dist := c.p.EnvSh.Distribution
	switch i := slices.IndexFunc(clustering, c.has); {
	case dist.Known() && dist.Value == "none":
		c.Type, c.TypeWhy = string(v1alpha1.Stateless), dist.At.File+" switches distribution off"
	case i >= 0:
		c.TypeWhy = clustering[i] + " is among the dependencies"
	case len(c.p.Uses) > 0:
		c.TypeWhy = c.p.Uses[0].At.File + " uses " + c.p.Uses[0].What
	case c.has("phoenix"):
		c.TypeWhy = "Phoenix sends its messages to the replicas it is connected to"
	default:
		c.TypeWhy = "Nothing speaks against it; Stateless if replicas need not know of one another"
		return false
	}
	return true
}

// discovery decides who finds the peers, and what nodes are named after.
func (c *choices) discovery(o Options) {
	d := beam.Discovery(o.Discovery)
	if d == "" {
		d = c.library()
	}
	c.Discovery = string(d)
	if ok, _ := beam.Pair(d, beam.IdentityAddress); !ok {
		c.Stable, c.StableWhy = true, c.Discovery+" dials host names"
	}
	if i := slices.IndexFunc(onDisk, c.has); i >= 0 {
		c.disk(d, onDisk[i]+" keeps node names on disk")
	} else if i := slices.IndexFunc(c.p.Uses, func(u project.Use) bool { return slices.Contains(onDisk, strings.TrimPrefix(u.What, ":")) }); i >= 0 {
		c.disk(d, c.p.Uses[i].At.File+" uses "+c.p.Uses[i].What+", which keeps node names")
	}
	if c.strategy.What != "" {
		c.agree(c.strategy)
	}
	switch {
	case d != beam.DiscoveryPhial:
	case c.has("libcluster"):
		c.Without = "give libcluster a strategy for Kubernetes, and name it as discovery"
	case c.Stable:
		c.Without = "bring libcluster with Kubernetes.DNSSRV, and say LibclusterDNSSRV"
	default:
		c.Without = "bring dns_cluster, and say DNSCluster"
	}
}

// onDisk are packages and applications that keep a node's name on disk.
var onDisk = []string{"mnesia", "ra", "khepri", "mnesiac", "memento", "ecto_mnesia", "rabbit"}

// disk names nodes after pods that stay, where the discovery dials such names.
func (c *choices) disk(d beam.Discovery, why string) {
	if ok, reason := beam.Pair(d, beam.IdentityStable); !ok {
		c.finding(project.Pos{File: "mix.exs"}, "%s, so that it wants identity Stable (NAM-14), and cannot have it: %s", why, reason)
		return
	}
	c.Stable, c.StableWhy = true, why
}

// library goes by the library that connects nodes, if there is one.
func (c *choices) library() beam.Discovery {
	if lib, ok := c.p.Dep("libcluster"); ok {
		return c.libcluster(lib)
	}
	if d, ok := c.p.Dep("dns_cluster"); ok {
		c.DiscoveryWhy = "dns_cluster; it is told what to look up in " + beam.EnvDNSClusterQuery
		if !slices.ContainsFunc(c.p.Runtime, func(v project.EnvVar) bool { return v.Name == beam.EnvDNSClusterQuery }) {
			c.finding(d.At, "config/runtime.exs does not read %s, without which dns_cluster looks for nobody (DSC-13)", beam.EnvDNSClusterQuery)
		}
		return beam.DiscoveryDNSCluster
	}
	c.DiscoveryWhy = "No clustering library, so Phial connects the nodes"
	if d, ok := c.p.Dep("partisan"); ok {
		c.finding(d.At, "Partisan makes links of its own, which Phial does not see; what it finds is what Erlang's own distribution connects")
	}
	return beam.DiscoveryPhial
}

// strategies are libcluster's, and the discovery that each stands for.
var strategies = map[string]beam.Discovery{
	"Kubernetes":        beam.DiscoveryLibclusterKubernetes,
	"Kubernetes.DNS":    beam.DiscoveryLibclusterDNS,
	"Kubernetes.DNSSRV": beam.DiscoveryLibclusterDNSSRV,
	"DNSPoll":           beam.DiscoveryLibclusterDNS,
}

// libcluster goes by the strategies that stand in the configuration.
func (c *choices) libcluster(lib project.Dep) beam.Discovery {
	var found []project.Strategy
	for _, s := range c.p.Strategies {
		if strategies[s.What] != "" && !slices.ContainsFunc(found, func(f project.Strategy) bool { return strategies[f.What] == strategies[s.What] }) {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 1:
		c.strategy = found[0]
		c.DiscoveryWhy = "Libcluster's " + c.strategy.What + " in " + c.strategy.At.File
		return strategies[c.strategy.What]
	case len(found) > 1:
		var names []string
		for _, f := range found {
			names = append(names, f.What)
		}
		c.DiscoveryWhy = "Could not tell which of libcluster's strategies runs in production"
		c.note(found[0].At, "libcluster has several strategies for Kubernetes (%s): could not tell which, so discovery is Phial; --discovery names it", list(names))
	case len(c.p.Strategies) > 0:
		s := c.p.Strategies[0]
		c.DiscoveryWhy = "Libcluster's " + s.What + " finds nobody on Kubernetes, so Phial connects the nodes"
		c.finding(s.At, "libcluster's %s finds nobody on Kubernetes (DSC-22): give production one of its strategies for Kubernetes, or leave it to discovery Phial", s.What)
	default:
		c.DiscoveryWhy = "Could not tell libcluster's strategy; name it here"
		c.note(lib.At, "could not tell libcluster's strategy, for it does not stand literally in config/ or lib/: discovery is Phial; --discovery names it")
	}
	return beam.DiscoveryPhial
}

// agree says which names in libcluster's own configuration have to be those that the plan gives, unless they stand there
// and are.
func (c *choices) agree(s project.Strategy) {
	service, right := c.Name+"-headless", func(option, want string) bool { return s.Config[option] == want }
	base := project.Text(c.Release)
	switch s.What {
	case "Kubernetes":
		selector := "app.kubernetes.io/name=" + c.Name + ",app.kubernetes.io/component=node"
		mode, also := ":ip", ""
		_, said := s.Config["mode"]
		agreed := right("mode", mode) || !said // it is libcluster's default
		if c.Stable {
			mode, also = ":hostname", ", kubernetes_service_name \""+service+"\""
			agreed = right("mode", mode) && right("kubernetes_service_name", project.Text(service))
		}
		if agreed && right("kubernetes_selector", project.Text(selector)) && right("kubernetes_node_basename", base) && right("kubernetes_ip_lookup_mode", ":pods") {
			return
		}
		c.finding(s.At, "libcluster has to be told kubernetes_selector %q, kubernetes_node_basename %q, kubernetes_ip_lookup_mode :pods, mode %s", selector, c.Release, mode+also)
	case "DNSPoll":
		// Of the namespace nothing is known here.
		if strings.HasPrefix(s.Config["query"], `"`+service+".") && right("node_basename", base) {
			return
		}
		c.finding(s.At, "libcluster has to be told query %q, with its namespace, and node_basename %q", service, c.Release)
	default:
		if right("service", project.Text(service)) && right("application_name", base) {
			return
		}
		c.finding(s.At, "libcluster has to be told service %q and application_name %q", service, c.Release)
	}
}

// ecto decides whether there is something to migrate.
func (c *choices) ecto() {
	d, ok := c.p.Dep("ecto_sql")
	if !ok {
		return
	}
	c.Ecto, c.Migrator = true, c.p.Migrator.Module
	if c.Migrator != "" {
		return
	}
	c.migratorToBe(d)
	c.note(d.At, "ecto_sql is there and no %s with migrate/0: `mix phx.gen.release --ecto` writes one; then take the # off migration in phial.yaml", c.MigratorFile)
}

// migratorToBe names the module that would migrate, and its file, after the application that has the database.
func (c *choices) migratorToBe(ecto project.Dep) {
	m := c.p.Mix
	for _, of := range c.p.Mixes() {
		if ecto.At.File == path.Join(of.Dir, "mix.exs") {
			m = of
		}
	}
	app, module := "APP", "APP"
	if m.App.Known() {
		app, module = m.App.Value, camel(m.App.Value)
	}
	if m.Module != "" {
		module = m.Module
	}
	c.MigratorToBe, c.MigratorFile = module+".Release", path.Join(m.Dir, "lib", app, "release.ex")
}

// camel makes MyShop of my_shop, as Macro.camelize/1 does.
func camel(s string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(s, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// given are variables that the plan sets.
var given = []string{beam.EnvPort, beam.EnvPhoenixServer, beam.EnvPhoenixHost, beam.EnvPodIP, beam.EnvPodName, beam.EnvPodNamespace,
	beam.EnvDNSClusterQuery, beam.EnvLibclusterDomain, "HOSTNAME", "HOME"}

// environment lists what the app does not boot without.
func (c *choices) environment() {
	for _, v := range c.p.Runtime {
		if v.Required && envForm.MatchString(v.Name) && !slices.Contains(given, v.Name) && !strings.HasPrefix(v.Name, "RELEASE_") && !strings.HasPrefix(v.Name, "PHIAL_") {
			c.Secrets = append(c.Secrets, v.Name)
		}
	}
}

var envForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
