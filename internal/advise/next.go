package advise

import (
	"fmt"
	"strings"
)

// Step is something to do next: a command, or, without one, what to change.
type Step struct {
	Command string `json:"command,omitempty"`
	Text    string `json:"text"`
}

// Next says how to go on with what is recommended. dir is the project's directory as it is typed; empty for the
// current one.
func Next(f Facts, adv Advice, dir string) []Step {
	at := ""
	if dir != "" {
		at = " " + dir
	}
	step := func(text, format string, args ...any) Step { return Step{fmt.Sprintf(format, args...), text} }
	steps := []Step{}
	if f.Written && adv.Recommended != Machines && adv.Recommended != "" {
		steps = append(steps, Step{Text: "phial.yaml is there, and phial init keeps it: compare its type with what follows"})
	}
	switch adv.Recommended {
	case Stateless:
		steps = append(steps, step("write phial.yaml, the image's build and CI", "phial init%s --type Stateless", at))
		if f.HTTP {
			steps = append(steps, Step{Text: "put the host names into phial.yaml: http: {ingress: {hosts: [...]}}"})
		}
		for _, k := range keeps {
			if f.has(k.signal) {
				steps = append(steps, Step{Text: k.text})
			}
		}
	case Clustered:
		steps = append(steps, step("write phial.yaml, the image's build and CI", "phial init%s --type Clustered --discovery %s", at, adv.Fit.Discovery),
			step("run three replicas on this machine, and see whether they are one mesh", "phial try%s", at))
		if adv.Fit.Conflict != "" {
			steps = append(steps, Step{Text: "first settle this: " + adv.Fit.Conflict})
		}
	case Pipelines:
		steps = append(steps, step("write phial.yaml, with a workload for each pipeline that it can read", "phial init%s --type Stateless", at))
		if !f.HTTP {
			steps = append(steps, Step{Text: "put replicas: 0 into phial.yaml, so that the pipelines run alone"})
		}
	case Machines:
		steps = append(steps, Step{Text: "Phial does not set machines up itself yet: what to set is written out below (-o markdown makes a page of it)"})
	}
	if adv.Beside && adv.Recommended != Machines && adv.Recommended != "" {
		steps = append(steps, Step{Text: "its Kafka pipelines become workloads of their own beside it (pipelines in phial.yaml)"})
	}
	if adv.Recommended == Stateless || adv.Recommended == Clustered || adv.Recommended == Pipelines {
		steps = append(steps, step("is the team ready? what is passed, failed and not known", "phial checklist%s", at))
	}
	return steps
}

// keeps are what a replica has for itself, and what to do about it before there are several.
var keeps = []struct {
	signal Signal
	text   string
}{
	{cron, "jobs of a scheduler run on every replica (JOB-01): give them to what shares them out, such as Oban, or to a CronJob"},
	{localSession, "sessions stay on the replica that made them (SES-01): keep them in the cookie or in the database"},
	{localUploads, "uploads stay on the replica that took them (SES-01): keep them in an object store"},
	{broadcast, "messages reach the subscribers on one replica alone (STA-08): have Redis carry them, or run it clustered"},
}

// Section is a part of what to set on machines: the text of a file, or commands.
type Section struct {
	Title string `json:"title"`
	File  string `json:"file,omitempty"` // where the text belongs
	Text  string `json:"text"`
	Why   string `json:"why"`
}

// Names that are as good as any in a text that a person will change.
const (
	defaultApp   = "myapp"
	defaultNodes = 3
	shownNodes   = 5
)

// Setup writes out what to set on machines. Addresses and host names are examples.
func Setup(f Facts, a Answers) []Section {
	s := setup{Facts: f, app: f.Name, nodes: defaultNodes}
	if s.app == "" {
		s.app = defaultApp
	}
	if a.Count > 0 {
		s.nodes = min(a.Count, shownNodes)
	}
	s.byAddress = f.Finder == "dns_cluster"
	if a.Traffic != "some" && a.Traffic != "heavy" && (a.Traffic == "none" || !f.has(tying...)) {
		return []Section{s.cookie(), s.loopback(), s.unit(), s.restartAlone()}
	}
	return []Section{s.hosts(), s.cookie(), s.name(), s.release(), s.ports(), s.firewall(), s.discovery(), s.unit(), s.restart()}
}

type setup struct {
	Facts
	app       string
	nodes     int
	byAddress bool // nodes are named for their addresses
}

func (s setup) host(i int) string {
	return fmt.Sprintf("%s-%d.internal", strings.ReplaceAll(s.app, "_", "-"), i+1)
}

func (s setup) address(i int) string { return fmt.Sprintf("10.0.0.%d", 11+i) }

func (s setup) node(i int) string {
	if s.byAddress {
		return s.app + "@" + s.address(i)
	}
	return s.app + "@" + s.host(i)
}

func (s setup) each(line func(i int) string) string {
	var b strings.Builder
	for i := range s.nodes {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

func (s setup) hosts() Section {
	if s.byAddress {
		return Section{"Names", "the zone of your DNS", s.each(func(i int) string { return "nodes." + s.app + ".internal. 60 IN A " + s.address(i) }),
			"dns_cluster looks up one name with the addresses of all machines, and dials them by address."}
	}
	return Section{"Names", "/etc/hosts of every machine, or DNS", s.each(func(i int) string { return s.address(i) + " " + s.host(i) }),
		"Every machine has to know every other by the name in its node's name, its own included."}
}

func (s setup) name() Section {
	return Section{"Node name of each machine", "/etc/" + s.app + "/node", s.node(0) + "\n",
		"One line, another on each machine. The release is the same everywhere, so its name can't stand in it."}
}

func (s setup) release() Section {
	return Section{"Node name and cookie", "rel/env.sh.eex", fmt.Sprintf(`if [ -r /etc/%[1]s/node ]; then
  RELEASE_DISTRIBUTION=name
  RELEASE_NODE=$(cat /etc/%[1]s/node)
  RELEASE_COOKIE=$(cat /etc/%[1]s/cookie)
  export RELEASE_DISTRIBUTION RELEASE_NODE RELEASE_COOKIE
fi
`, s.app),
		"A host part with dots needs RELEASE_DISTRIBUTION=name. rpc and remote read env.sh as well, so they reach the node by the same name and cookie."}
}

// loopback is the name of a node that nobody else needs to reach.
func (s setup) loopback() Section {
	return Section{"Node name and cookie", "rel/env.sh.eex", fmt.Sprintf(`if [ -r /etc/%[1]s/cookie ]; then
  RELEASE_DISTRIBUTION=name
  RELEASE_NODE=%[1]s@127.0.0.1
  RELEASE_COOKIE=$(cat /etc/%[1]s/cookie)
  ERL_EPMD_ADDRESS=127.0.0.1
  ELIXIR_ERL_OPTIONS="-kernel inet_dist_use_interface {127,0,0,1} ${ELIXIR_ERL_OPTIONS:-}"
  export RELEASE_DISTRIBUTION RELEASE_NODE RELEASE_COOKIE ERL_EPMD_ADDRESS ELIXIR_ERL_OPTIONS
fi
`, s.app),
		"Nothing seen needs the other nodes, so nobody but rpc and remote on the machine itself has to reach this one. No discovery, and no port to open but HTTP's."}
}

func (s setup) cookie() Section {
	return Section{"Cookie", "", fmt.Sprintf(`install -d -m 0750 -o root -g %[1]s /etc/%[1]s
(umask 027; openssl rand -hex 32 > /etc/%[1]s/cookie)
chown root:%[1]s /etc/%[1]s/cookie && chmod 0640 /etc/%[1]s/cookie
`, s.app),
		"Once, on one machine; then copy the file to the others. Whoever has the cookie runs code on every node: it is in no repository, image or argument."}
}

func (s setup) ports() Section {
	return Section{"Distribution ports", "rel/vm.args.eex", "-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107\n",
		"Without a range a node listens on any port, and no firewall can tell. The node takes the first; rpc and remote, which are nodes too, the next."}
}

func (s setup) firewall() Section {
	var all []string
	for i := range s.nodes {
		all = append(all, s.address(i))
	}
	return Section{"Firewall", "/etc/nftables.conf, in chain input", fmt.Sprintf(`tcp dport { 4369, 9100-9107 } ip saddr { 127.0.0.0/8, %s } accept
tcp dport { 4369, 9100-9107 } drop
`, strings.Join(all, ", ")),
		"EPMD (4369) and the range are for the nodes alone: the cookie is all that guards them otherwise."}
}

func (s setup) discovery() Section {
	if s.byAddress {
		return Section{"Discovery", "config/runtime.exs", fmt.Sprintf("config :%s, dns_cluster_query: \"nodes.%s.internal\"\n", s.app, s.app),
			"What {DNSCluster, query: ...} in the supervision tree is given. It looks for node names of its own base name at the addresses that it finds."}
	}
	var all []string
	for i := range s.nodes {
		all = append(all, fmt.Sprintf(":\"%s\"", s.node(i)))
	}
	text := fmt.Sprintf(`config :libcluster,
  topologies: [
    machines: [
      strategy: Cluster.Strategy.Epmd,
      config: [hosts: [%s], timeout: 30_000]
    ]
  ]
`, strings.Join(all, ", "))
	why := "Epmd connects to every node of the list, and tries again every timeout milliseconds (without it, only once). First in the supervision tree: {Cluster.Supervisor, [Application.get_env(:libcluster, :topologies, []), [name: ClusterSupervisor]]}."
	if s.Finder == "" {
		why = "Add {:libcluster, \"~> 3.5\"} to mix.exs. " + why
	}
	return Section{"Discovery", "config/runtime.exs", text, why}
}

func (s setup) unit() Section {
	return Section{"Service", "/etc/systemd/system/" + s.app + ".service", fmt.Sprintf(`[Unit]
Description=%[1]s
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
User=%[1]s
Group=%[1]s
WorkingDirectory=/opt/%[1]s
ExecStart=/opt/%[1]s/bin/%[1]s start
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec=%[2]d
Restart=always
RestartSec=5
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`, s.app, s.Stop),
		"SIGTERM makes the BEAM stop its applications in order; TimeoutStopSec is how long that may take before it is killed. KillMode=mixed sends it to the BEAM alone. EPMD runs in the unit and ends with it: another node on the machine wants an EPMD of its own unit."}
}

func (s setup) restart() Section {
	drain, back := "", ""
	if s.HTTP {
		drain = "# take the machine out of the load balancer, and wait for its requests\n"
		back = "# put it back into the load balancer\n"
	}
	return Section{"Rolling restart, one machine after another", "", fmt.Sprintf(`%ssystemctl restart %s
/opt/%[2]s/bin/%[2]s rpc 'IO.inspect(length(Node.list()))'   # wait for %d before you go on
%s`, drain, s.app, max(s.nodes, 1)-1, back),
		"Nobody does this for you: a machine that is restarted before the last one has joined again takes two of them away. `phial mesh --node NODE --cookie-file FILE` shows who sees whom."}
}

func (s setup) restartAlone() Section {
	return Section{"Rolling restart, one machine after another", "", fmt.Sprintf(`# take the machine out of the load balancer, and wait for its requests
systemctl restart %s
# wait until it answers, and put it back into the load balancer
`, s.app), "Nobody does this for you."}
}
