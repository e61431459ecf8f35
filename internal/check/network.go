package check

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// network are rules about the way between nodes, and about who else can go it.
var network = []Rule{
	{
		Code: finding.PortFiltered, Title: "a policy that keeps the nodes apart",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "NetworkPolicies that select a release's pods: whether one lets the pods reach each other on EPMD's port and on the distribution port, in and out, and lets them ask DNS.",
		Why:   "Once a policy selects a pod, what no policy allows is dropped: the connection does not fail at once, it hangs.",
		Fix:   "allow TCP 4369 and the distribution ports between the pods, both ways, and UDP and TCP 53 to the cluster's DNS",
		Check: policies,
	},
	{
		Code: "NET-03", Title: "a mesh of sidecars in the way (Istio)",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Releases with Istio's sidecar (by label, annotation or namespace) whose EPMD and distribution ports are neither excluded nor ports of a headless Service.",
		Why:   "The sidecar takes the connections and does not know where they lead: EPMD lists nobody, or the handshake never ends.",
		Fix:   "exclude 4369 and the distribution ports by traffic.sidecar.istio.io/excludeInboundPorts and excludeOutboundPorts, or list them in the headless Service with names that begin with tcp-",
		Check: istio,
	},
	{
		Code: "NET-04", Title: "ten seconds for each connection (Linkerd)",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Releases with linkerd.io/inject whose EPMD and distribution ports are not opaque and not skipped.",
		Why:   "Linkerd waits up to ten seconds for the client's first bytes, and in Erlang's protocols it may be the server who begins.",
		Fix:   "set config.linkerd.io/opaque-ports to 4369 and the distribution ports, or skip them both ways",
		Mends: true,
		Check: linkerd,
	},
	{
		Code: "NET-05", Title: "distribution within everybody's reach",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "EPMD's and the distribution's ports in Services of type LoadBalancer or NodePort, as hostPort, and releases with hostNetwork.",
		Why:   "Whoever reaches these ports and has the cookie runs code on every node, and a cookie can be guessed without limit.",
		Fix:   "take the ports out of there: nodes need them only among themselves, by a headless Service",
		Check: exposed,
	},
	{
		Code: "NET-06", Title: "one fixed port for every program of the release",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "inet_dist_listen_min and inet_dist_listen_max of the same value in ERL_FLAGS, ERL_AFLAGS, ERL_ZFLAGS or ELIXIR_ERL_OPTIONS.",
		Why:   "These variables reach bin/app rpc and bin/app remote as well, which are nodes too and find the port taken: register/listen error: eaddrinuse.",
		Fix:   "give a small range, such as 9100 to 9107, instead of one port",
		Check: fixedPort,
	},
	{
		Code: "NET-07", Title: ":kernel is configured at boot",
		Severity: finding.Error, Confidence: Certain, Needs: Project,
		Looks: "config :kernel and config :stdlib in config/runtime.exs.",
		Why:   "Both run already when runtime.exs is read, so the release refuses to start: Cannot configure :kernel because :reboot_system_after_config has been set to false.",
		Fix:   "move it to config/config.exs or config/prod.exs, or give it as a flag in rel/vm.args.eex: -kernel inet_dist_listen_min 9100",
		Check: kernelAtBoot,
	},
	{
		Code: "NET-09", Title: "two nodes in one pod",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "Pods with two containers that run a BEAM release: whether their nodes have one name, or one distribution port, as manifests, start script and flags give these.",
		Why:   "Containers of a pod share its network, and with it one EPMD, which takes each name once: of two nodes of one name the second does not boot (the name seems to be in use by another Erlang node), and the kubelet restarts it again and again. Which of the two that is, is a matter of who comes first. With other names they may want one port.",
		Fix:   "run them in pods of their own, or give the second ERL_EPMD_PORT and a range of distribution ports of its own",
		Check: twoNodes,
	},
	{
		Code: finding.FamilyMismatch, Title: "IPv6 alone, and distribution over IPv4",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Releases whose headless Service has IPv6 as its only family, without -proto_dist inet6_tcp in their flags, wherever those are given; and, by the prediction, with it where the Service has IPv4 addresses alone, or nothing says which the pods have.",
		Why:   "The BEAM listens and dials over IPv4 unless it is told otherwise, so nobody is reached. Told otherwise it dials no IPv4 address.",
		Fix:   "set ERL_AFLAGS to -proto_dist inet6_tcp",
		Check: ipv6,
	},
	{
		Code: "NET-11", Title: "TLS that knows nobody, or that runs out",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "Releases whose distribution runs over TLS (-proto_dist inet_tls): verify_none among their flags and in the file of -ssl_dist_optfile, where that is among the manifests or in rel/; and certificates of cert-manager's that are mounted by subPath.",
		Why:   "With verify_none a link is encrypted and nobody knows with whom. A file that is mounted by subPath is never renewed: once the certificate expires, weeks after the last restart, links that end do not come back.",
		Fix:   "set verify to verify_peer for server and client, with fail_if_no_peer_cert, in the file of -ssl_dist_optfile, and give each pod a certificate with its own node's host",
		Check: weakTLS,
	},
	{
		Code: finding.TicktimeDiffers, Title: "a tick that a busy node misses",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "net_ticktime below ten seconds in a release's flags, or in vm.args, beside a CPU limit.",
		Why:   "A node that is held back by its quota for a quarter of that time misses a tick, and its peers take it for dead: the mesh splits under load.",
		Fix:   "set net_ticktime to 15 to 45 seconds, the same on all nodes, or take the CPU limit out",
		Check: shortTick,
	},
	{
		Code: "NET-14", Title: "ERL_DIST_PORT does nothing by itself",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "ERL_DIST_PORT in a release's environment, without inet_dist_listen_min among its flags.",
		Why:   "Neither OTP nor the start script of mix release reads it; add-ons do. Without one the port stays random.",
		Fix:   "set ELIXIR_ERL_OPTIONS to -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107",
		Check: distPort,
	},
	{
		Code: "NET-29", Title: "a policy that shuts clients out",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "NetworkPolicies that select a release's pods against the ports that Services lead to, those of the distribution left out: whether one lets anybody in there, and where an Ingress or a load balancer leads to the Service, anybody but the release's own pods.",
		Why:   "Once a policy for ingress selects a pod, what none allows is dropped. The kubelet's probes come from the pod's own machine and most networks let them pass, so that the pods are ready while every client waits in vain.",
		Fix:   "allow the port from those who ask",
		Check: shutOut,
	},
}

// readFlags reads flags from a variable, or from a shell's line that sets one: what quotes and separates them is left out.
func readFlags(text string) beam.Flags {
	return beam.ReadFlags(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"'`=;&|(),", r) }))
}

// distRange is the range of distribution ports that a container's flags give, and ok where they give one.
func distRange(c manifest.Container) (first, last int64, ok bool) {
	low, high, ok := readFlags(flags(c)).Range()
	return int64(low), int64(high), ok
}

// distribution says what a port of a release is, where it is one of the distribution's: "EPMD's port", "a distribution port".
func distribution(b Beam, number int64, names ...string) string {
	if number == beam.EPMDPort {
		return "EPMD's port"
	}
	first, last, ok := distRange(b.Container)
	if ok && number >= first && number <= last {
		return "a distribution port"
	}
	for _, n := range names {
		switch strings.TrimPrefix(n, "tcp-") {
		case "epmd":
			return "EPMD's port"
		case "dist", "erl-dist", "erlang-dist", "distribution":
			return "a distribution port"
		}
	}
	return ""
}

func exposed(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		for _, s := range in.Selecting("Service", b.Workload) {
			kind := s.At("spec.type")
			outside := kind.String()
			if outside != "LoadBalancer" && outside != "NodePort" {
				if s.At("spec.externalIPs").Len() == 0 {
					continue
				}
				outside = "with externalIPs"
			}
			for p := range servicePorts(s, b.Workload) {
				what := distribution(b, p.target, p.name, p.Key("targetPort").String())
				if what == "" {
					continue
				}
				n := f.At(b.Object, p.Key("port"), "the Service %s (%s) opens %s, %d, to the outside", s.Name, outside, what, p.number).Also(kind, "its type")
				if internal(s) {
					n.As(finding.Warning, Likely).Saw("annotations keep the load balancer inside")
				}
			}
		}
		host := b.Pod.Key("hostNetwork")
		for c := range b.Containers() {
			for p := range c.Ports() {
				number, _ := p.Key("containerPort").Int()
				what := distribution(b, number, p.Key("name").String())
				if port := p.Key("hostPort"); what != "" && !port.Null() && !host.True() {
					f.At(b.Object, port, "hostPort opens %s, %d, on every machine that runs a pod", what, number)
				}
			}
		}
		if host.True() && in.clustered(b) != "" {
			f.At(b.Object, host, "with hostNetwork EPMD and the distribution listen on the machine's own addresses").As(finding.Warning, Likely).
				Mend("take hostNetwork out; if it has to stay, bind both to an inner address (ERL_EPMD_ADDRESS, inet_dist_use_interface)")
		}
	}
}

// internal says whether annotations keep a load balancer from the outside.
func internal(s *manifest.Object) bool {
	for name, v := range s.At("metadata.annotations").Fields() {
		text := strings.ToLower(name + "=" + v.String())
		if strings.Contains(text, "internal") && !strings.HasSuffix(text, "false") {
			return true
		}
	}
	return false
}

func fixedPort(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		for e := range b.Container.Env() {
			if !slices.Contains(flagVariables, e.Called) {
				continue
			}
			flags := readFlags(e.Value().String())
			if !flags.ListenMin.Given || flags.ListenMin != flags.ListenMax || flags.NoListen {
				continue
			}
			if _, ok := b.Container.EnvVar(beam.EnvReleaseRemoteVMArgs); ok {
				continue // the tools have flags of their own
			}
			f.At(b.Object, e.Value(), "%s gives every BEAM in the container the one port %d: bin/app rpc and remote find it taken", e.Called, flags.ListenMin.Number)
		}
	}
}

// Beside are the containers of a release's pod, besides the release's own, that run a node on the pod's network with the same
// EPMD.
func (in *Input) Beside(b Beam) (all []manifest.Container) {
	own, _ := node(b.Container, true)
	if !own {
		return nil
	}
	port, _ := b.Container.EnvVar(beam.EnvErlEPMDPort)
	for c := range b.Containers() {
		if c.Called == b.Container.Called || c.Init && (!c.Beside || !startWords.MatchString(joined(c))) {
			continue // one that ends, or an agent that only knows the node's name
		}
		runs, epmd := node(c, startWords.MatchString(joined(c)))
		if runs && epmd == port.Value().String() {
			all = append(all, c)
		}
	}
	return all
}

// node says whether a container runs a node, and where its EPMD is.
func node(c manifest.Container, starts bool) (runs bool, epmd string) {
	name, set := c.EnvVar(beam.EnvReleaseNode)
	port, _ := c.EnvVar(beam.EnvErlEPMDPort)
	d, _ := c.EnvVar(beam.EnvReleaseDistribution)
	return (set || starts) && !loopback(name.Value().String()) && d.Value().String() != beam.DistributionNone, port.Value().String()
}

// twoNodes finds pods with two nodes. Those of one name, or of one port, can't both boot.
func twoNodes(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		all := in.Beside(b)
		if len(all) == 0 {
			continue
		}
		n := f.At(b.Object, all[0].Key("name"), "the containers %s and %s both run a node, and share the pod's ports", b.Container.Called, all[0].Called).
			As(warningLikely()).Also(b.Container.Key("name"), "the other one")
		if in.Intent == nil {
			continue
		}
		if same := in.predicted().of[b.Label()]; len(same) > 0 && same[0].Twin.Why != "" {
			n.As(finding.Error, Certain).Mend("run them in pods of their own, or give one of the nodes another name before the @ and a port of its own, or none (RELEASE_DISTRIBUTION: none)")
			n.Cause = same[0].Twin.Why + ": one of them does not boot and is restarted again and again"
		}
	}
}

func ipv6(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		six, unsure := in.speaksIPv6(b)
		if six || in.clustered(b) == "" {
			continue
		}
		for _, s := range in.discoveryServices(b) {
			if !onlyIPv6(s.Object) {
				continue
			}
			n := f.At(b.Object, s.At("spec.ipFamilies"), "the Service %s has IPv6 addresses alone, and nothing here tells the nodes of %s to use IPv6", s.Name, b.Name)
			if unsure != "" {
				n.As(finding.Info, Hint).Saw("not all flags of its nodes are known: %s", unsure)
			}
		}
	}
}

// speaksIPv6 says whether a release's distribution runs over IPv6: by the flags that its nodes start with, as vm.args, the
// start script, the image and the manifests give them, or else by the manifests alone. Unsure says why they may do so.
func (in *Input) speaksIPv6(b Beam) (six bool, unsure string) {
	six = readFlags(flags(b.Container)).IPv6()
	if in.Intent == nil {
		return six, ""
	}
	for _, r := range in.predicted().of[b.Label()] {
		six = six || r.Proto == beam.ProtoTCP6 || r.Proto == beam.ProtoTLS6
		if in.Project != nil {
			unsure = r.ListenWhy
		}
	}
	return six, unsure
}

func distPort(in *Input, f *Finder) {
	for _, b := range in.Beams() {
		e, ok := b.Container.EnvVar("ERL_DIST_PORT")
		if _, _, ranged := distRange(b.Container); !ok || ranged {
			continue
		}
		n := f.AtName(b.Object, e.Key("name"), "ERL_DIST_PORT is set, and neither OTP nor the release's start script reads it")
		if in.Project == nil {
			n.As(finding.Info, Hint) // an add-on may
			continue
		}
		for _, name := range []string{"epmdless", "ekka", "gen_cluster", "erl_dist"} {
			if _, has := in.Project.Dep(name); has {
				n.As(finding.Info, Hint)
			}
		}
		if strings.Contains(in.Project.EnvSh.Text+in.ProjectText("rel/vm.args.eex"), "ERL_DIST_PORT") {
			n.As(finding.Info, Hint)
		}
	}
}

// kernelAtBoot finds configuration of what runs before the configuration is read.
func kernelAtBoot(in *Input, f *Finder) {
	for _, m := range in.Project.Mixes() {
		for _, r := range m.ReleaseSpecs {
			if e := r.Options.Get("reboot_system_after_config"); !e.Absent() && !e.Is("false") {
				return
			}
		}
	}
	before := map[string]bool{}
	for _, c := range in.Project.Configs {
		if c.App != "kernel" && c.App != "stdlib" {
			continue
		}
		if c.Phase == project.Building {
			before[c.App] = true
			continue
		}
		if c.Phase != project.Booting || !strings.HasSuffix(c.At.File, "runtime.exs") {
			continue // releases.exs starts the system anew
		}
		n := f.In(in.projectName(), c.At, "config :%s stands in %s: the release does not boot", c.App, c.At.File)
		if !c.When.Absent() || before[c.App] {
			n.As(warningLikely()) // it may be another value's, or the same
		}
	}
}

var ticktime = regexp.MustCompile(`\bnet_ticktime['"]?\s+(\d+)`)

func shortTick(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		limit := b.Container.At("resources.limits.cpu")
		if limit.Null() {
			continue
		}
		for e := range b.Container.Env() {
			if n, ok := tick(e.Value().String()); ok && n < 10 && strings.HasSuffix(e.Called, "FLAGS") || ok && n < 10 && e.Called == beam.EnvElixirErlOptions {
				f.At(b.Object, e.Value(), "net_ticktime is %d seconds, and the container has a CPU limit", n).Also(limit, "the limit")
			}
		}
	}
	if in.Project == nil {
		return
	}
	for _, b := range in.OfProject() {
		limit := b.Container.At("resources.limits.cpu")
		for _, v := range in.Project.VMArgs {
			for _, flag := range v.Flags {
				if n, ok := tick(flag.String()); ok && n < 10 && v.Taken && !limit.Null() {
					f.In(v.File, flag.At, "net_ticktime is %d seconds, and the container of %s has a CPU limit", n, b.Name).Also(limit, "the limit")
				}
			}
		}
	}
}

func tick(flags string) (seconds int, ok bool) {
	m := ticktime.FindStringSubmatch(flags)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}
