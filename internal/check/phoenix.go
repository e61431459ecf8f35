package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// phoenix are rules about the way from browsers to Phoenix, and about what Phoenix finds around it.
var phoenix = []Rule{
	{
		Code: "PHX-01", Title: "another host than the Ingress or route has",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "PHX_HOST, and where there is a mix project the endpoint's url: and check_origin:, against the hosts of the Ingresses and HTTPRoutes that lead to the release; where none says any, whether they are still localhost or example.com.",
		Why:   "Phoenix refuses the sockets of browsers that come from another host: LiveView reconnects for ever. Could not check origin.",
		Fix:   "set PHX_HOST to that host, or list every host in check_origin",
		Check: func(in *Input, f *Finder) {
			otherHost(in, f)
			defaultHost(in, f)
		},
	},
	{
		Code: "PHX-02", Title: "an origin that is compared with http",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "check_origin: :conn in releases behind an Ingress that ends TLS.",
		Why:   ":conn compares scheme, host and port of the origin with those of the connection. Behind the Ingress that is plain http on another port, and browsers say https: every socket is refused.",
		Fix:   "leave check_origin at true with the right url:, or list the hosts",
		Check: connOrigin,
	},
	{
		Code: "PHX-03", Title: "sockets that are cut while they are quiet",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "proxy-read-timeout of Ingresses below the 30 s in which Phoenix's clients are heard from.",
		Why:   "A client sends a heartbeat every 30 s. A proxy that waits less closes each socket that is quiet otherwise.",
		Fix:   "set nginx.ingress.kubernetes.io/proxy-read-timeout to 60 or more",
		Check: shortRead,
	},
	{
		Code: "PHX-06", Title: "writes to a root that is read-only",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests | Project,
		Looks: "readOnlyRootFilesystem beside reboot_system_after_config: true, and beside tzdata and tz, which keep time zones in their own directories.",
		Why:   "With reboot_system_after_config the release writes its configuration below RELEASE_TMP before it starts, and does not start without. tzdata writes to its priv directory when it looks for updates, and fails again and again.",
		Fix:   "mount an emptyDir there, or turn the writing off",
		Check: readOnlyRoot,
	},
	{
		Code: "PHX-07", Title: "a variable that Kubernetes sets as well",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests | Project,
		Looks:  "Variables that the project reads, against those that the kubelet makes of the Services of the namespace: NAME_PORT.",
		Why:    "For a Service db each pod gets DB_PORT=tcp://10.0.0.1:5432. An app that expects a number there reads that one.",
		Fix:    "set enableServiceLinks: false in the pod, or set the variable",
		Mends:  true,
		Covers: []finding.Code{"K8S-04"},
		Check:  serviceLinks,
	},
	{
		Code: "PHX-08", Title: "IPv6 where nothing else has it",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "ECTO_IPV6 set to true beside Services that are for IPv4 alone.",
		Why:   "Ecto then asks DNS for IPv6 addresses alone, and a database that has none is not found: nxdomain.",
		Fix:   "leave ECTO_IPV6 out where the database has no IPv6 address",
		Check: onlySix,
	},
	{
		Code: "PHX-09", Title: "a variable that the app does not boot without",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests | Project,
		Looks: "System.fetch_env! and get_env with a raise behind it in the configuration that is read at boot, against the environment that the release gets, from the manifests, the Dockerfile, rel/env.sh.eex and what starts it.",
		Why:   "The configuration raises and the node ends before it has started: CrashLoopBackOff.",
		Fix:   "set the variable in the container, or read it with a default",
		Check: missingVariable,
	},
	{
		Code: "OPS-02", Title: "a crash dump that nobody finds",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests,
		Looks: "Releases with a read-only root, and those with ERL_CRASH_DUMP, that have no volume for the dump.",
		Why:   "The VM writes what it knows when it crashes. Where it may not write there is nothing, and what it writes into the container goes with the container.",
		Fix:   "mount an emptyDir and set ERL_CRASH_DUMP to a file in it, and ERL_CRASH_DUMP_SECONDS to 10 or so",
		Check: lostDump,
	},
}

// ingressHosts are the hosts by which Ingresses, and the Gateway API's routes, lead to a workload.
func (in *Input) ingressHosts(b Beam) (hosts []manifest.Field) {
	for _, s := range in.Selecting("Service", b.Workload) {
		for _, r := range in.ingressRules()[s.Name] {
			if i := r.Object(); manifest.SameNamespace(i, s) && in.Objects.Near(b.Object, i) {
				hosts = append(hosts, r.Key("host"))
			}
		}
		for _, o := range in.routesTo()[s.Name] {
			if o.Kind == "HTTPRoute" && manifest.SameNamespace(o, s) && in.Objects.Near(b.Object, o) {
				hosts = append(hosts, routeHosts(o)...)
			}
		}
	}
	return hosts
}

// ingressRules are the rules of all Ingresses by the Services that they lead to.
func (in *Input) ingressRules() map[string][]manifest.Field {
	if in.ingresses == nil {
		in.ingresses = map[string][]manifest.Field{}
		for _, i := range in.Objects.OfKind("Ingress") {
			for r := range i.At("spec.rules").Items() {
				for name := range leadsTo(r) {
					in.ingresses[name] = append(in.ingresses[name], r)
				}
			}
		}
	}
	return in.ingresses
}

func otherHost(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		hosts := in.ingressHosts(b)
		known := len(hosts) > 0
		for _, h := range hosts {
			known = known && h.String() != "" && !strings.Contains(h.String(), "*")
		}
		if !known {
			continue
		}
		if in.ofProject(b) && len(in.projectOf(b).Endpoints) > 0 {
			in.otherURL(b, hosts, f)
			continue
		}
		e, ok := b.Container.EnvVar(beam.EnvPhoenixHost)
		host, literal := e.Value().Text()
		if ok && literal && host != "" && !strings.Contains(host, "$(") && !hasHost(hosts, host) {
			f.At(b.Object, e.Value(), "PHX_HOST is %s, and the %s leads %s here", host, hosts[0].Object().Kind, hosts[0]).Also(hosts[0], "the host by which people come")
		}
	}
}

func hasHost(hosts []manifest.Field, host string) bool {
	for _, h := range hosts {
		if strings.EqualFold(h.String(), host) {
			return true
		}
	}
	return false
}

// otherURL compares what the project's endpoint takes for its host. Several endpoints may be meant for several hosts.
func (in *Input) otherURL(b Beam, hosts []manifest.Field, f *Finder) {
	all := in.projectOf(b).Endpoints
	if len(all) > 1 {
		return
	}
	e := all[0]
	s := in.surroundings(b)
	if checks, known := checksOrigin(e.CheckOrigin.Eval(s.get), hosts); !checks || !known {
		return
	}
	url := e.URLHost.Eval(s.get)
	host, ok := url.AsText()
	if url.Absent() {
		host, ok = "localhost", true
	}
	if !ok || host == "" || hasHost(hosts, host) {
		return
	}
	var n *Finding
	if v, set := b.Container.EnvVar(beam.EnvPhoenixHost); set && v.Value().String() == host {
		n = f.At(b.Object, v.Value(), "PHX_HOST is %s, and the %s leads %s here", host, hosts[0].Object().Kind, hosts[0]).Also(hosts[0], "the host by which people come")
	} else {
		n = f.At(b.Object, hosts[0], "the %s leads %s here, and %s takes %s for its host", hosts[0].Object().Kind, hosts[0], e.Module, host)
		if names := e.URLHost.Variables(); len(names) > 0 {
			n.Mend("set %s to %s", names[0], hosts[0])
		}
	}
	n.place(in, e.URLHost.At, "its url:")
	if len(e.Sockets) == 0 {
		n.As(finding.Info, Hint) // links are wrong, and nothing is refused
	}
}

// checksOrigin says whether an endpoint compares the origin of sockets with its host: a list of its own may name the others.
func checksOrigin(origin project.Expr, hosts []manifest.Field) (checks, known bool) {
	switch {
	case origin.Nil() || origin.Is("true"):
		return true, true
	case origin.Is("false") || origin.Is("conn"):
		return false, true
	case origin.Kind != project.ExprList:
		return false, false
	}
	for _, i := range origin.Items {
		t, ok := i.Value.AsText()
		if !ok {
			return false, false
		}
		_, host, _ := strings.Cut(t, "//")
		host, _, _ = strings.Cut(host, ":")
		for _, h := range hosts {
			suffix, wild := strings.CutPrefix(host, "*")
			if strings.EqualFold(h.String(), host) || wild && strings.HasSuffix(h.String(), suffix) {
				return false, true
			}
		}
	}
	return true, true
}

// leadsTo are the names of the Services behind a rule's paths.
func leadsTo(rule manifest.Field) map[string]bool {
	names := map[string]bool{}
	for p := range rule.At("http.paths").Items() {
		for _, at := range []string{"backend.service.name", "backend.serviceName"} {
			if name := p.At(at).String(); name != "" {
				names[name] = true
			}
		}
	}
	return names
}

func connOrigin(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		for _, h := range in.ingressHosts(b) {
			tls := h.Object().At("spec.tls")
			if tls.Len() == 0 {
				continue
			}
			s := in.surroundings(b)
			for _, e := range in.projectOf(b).Endpoints {
				if e.CheckOrigin.Eval(s.get).Is("conn") && len(e.Sockets) > 0 {
					f.In(subjectOf(in.Project), e.CheckOrigin.At, "%s compares the origin with the connection, which is plain http behind the Ingress %s", e.Module, h.Object().Name).
						Also(tls, "TLS ends here")
				}
			}
			break
		}
	}
}

func shortRead(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		told := map[*manifest.Object]bool{}
		for _, h := range in.ingressHosts(b) {
			i := h.Object()
			at := i.At("metadata.annotations").Key("nginx.ingress.kubernetes.io/proxy-read-timeout")
			if n, ok := parsePort(at.String()); ok && n <= 30 && !told[i] && http(b.Container) != "" {
				told[i] = true
				f.At(i, at, "the Ingress closes connections that are quiet for %d s, and sockets are for 30", n)
			}
		}
	}
}

func onlySix(in *Input, f *Finder) {
	four, six := false, false
	for _, s := range in.Objects.OfKind("Service") {
		for family := range s.At("spec.ipFamilies").Items() {
			six = six || family.String() == "IPv6"
			four = four || family.String() == "IPv4"
		}
		six = six || strings.HasSuffix(s.At("spec.ipFamilyPolicy").String(), "DualStack")
	}
	if !four || six {
		return
	}
	for _, b := range in.Serving() {
		e, ok := b.Container.EnvVar("ECTO_IPV6")
		if v := e.Value().String(); !ok || v != "true" && v != "1" || slices.Contains(readFlags(flags(b.Container)).Protos, beam.ProtoTCP6) {
			continue
		}
		f.At(b.Object, e.Value(), "the database is looked up by IPv6, and the Services here are for IPv4 alone")
	}
}

func lostDump(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		c := b.Container
		dump, set := c.EnvVar("ERL_CRASH_DUMP")
		if seconds, ok := c.EnvVar("ERL_CRASH_DUMP_SECONDS"); ok && seconds.Value().String() == "0" || managed(b.Workload) {
			continue // none is wanted
		}
		at, literal := dump.Value().Text()
		ro := c.At("securityContext.readOnlyRootFilesystem")
		switch {
		case set && literal && strings.HasPrefix(at, "/") && at != "/dev/null" && !strings.HasPrefix(at, "/proc/") && !writable(c, at):
			f.At(b.Object, dump.Value(), "the crash dump goes to %s, which is in no volume", at)
		case !set && ro.True():
			f.At(b.Object, ro, "no crash dump can be written: the root is read-only, and ERL_CRASH_DUMP is not set")
		}
	}
}
