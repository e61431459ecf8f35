package plan_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/plan"
)

// disagreements looks for what does not fit together in a plan, from the objects alone:
// it knows nothing of how they were made.
func disagreements(p *plan.Plan) (bad []string) {
	wrong := func(format string, a ...any) { bad = append(bad, fmt.Sprintf(format, a...)) }
	t := p.PodTemplate()
	pods := append([]*corev1.PodTemplateSpec{t}, pipelineTemplates(p)...)
	for i, pod := range pods {
		name := "node pods"
		if i > 0 {
			name = p.Pipelines[i-1].Name
		}
		for _, b := range podDisagreements(p, pod) {
			wrong("%s: %s", name, b)
		}
	}
	app := t.Spec.Containers[0]

	// Who selects node pods, selects these and no others.
	selectors := map[string]map[string]string{}
	if p.Deployment != nil {
		selectors["Deployment"] = p.Deployment.Spec.Selector.MatchLabels
	}
	if p.StatefulSet != nil {
		selectors["StatefulSet"] = p.StatefulSet.Spec.Selector.MatchLabels
	}
	for _, svc := range []*corev1.Service{p.Service, p.HeadlessService} {
		if svc == nil {
			continue
		}
		selectors["Service "+svc.Name] = svc.Spec.Selector
		for _, port := range svc.Spec.Ports {
			if !hasPort(app, port.TargetPort) {
				wrong("Service %s: target port %s is no port of the container", svc.Name, port.TargetPort.String())
			}
		}
	}
	if p.Budget != nil {
		selectors["PodDisruptionBudget"] = p.Budget.Spec.Selector.MatchLabels
	}
	for _, c := range t.Spec.TopologySpreadConstraints {
		selectors["spread "+c.TopologyKey] = c.LabelSelector.MatchLabels
	}
	if p.NetworkPolicy != nil {
		selectors["NetworkPolicy"] = p.NetworkPolicy.Spec.PodSelector.MatchLabels
	}
	for _, who := range slices.Sorted(maps.Keys(selectors)) {
		if len(selectors[who]) == 0 || !selects(selectors[who], t.Labels) {
			wrong("%s does not select the node pods", who)
		}
		for _, other := range pods[1:] {
			if selects(selectors[who], other.Labels) {
				wrong("%s selects a pipeline's pods", who)
			}
		}
	}
	for i, pipe := range p.Pipelines {
		for j, pod := range pods {
			if got, want := selects(pipe.Deployment.Spec.Selector.MatchLabels, pod.Labels), i+1 == j; got != want {
				wrong("pipeline %s selects pods %d: %v", pipe.Name, j, got)
			}
		}
	}

	// The name that a node has is one that its peers look up.
	env := environment(app)
	base, host, _ := strings.Cut(env["RELEASE_NODE"], "@")
	if base != p.App.Spec.ReleaseName {
		wrong("the node's base name is %s", base)
	}
	clustered := p.App.Spec.Type == v1alpha1.Clustered
	loopback := host == "127.0.0.1" || host == "::1"
	switch {
	case !clustered:
		if !loopback || p.HeadlessService != nil || p.StatefulSet != nil {
			wrong("a Stateless node is %s", env["RELEASE_NODE"])
		}
	case p.App.Spec.Clustered.Identity == v1alpha1.Stable:
		want := "$(POD_NAME)." + p.HeadlessService.Name + ".$(POD_NAMESPACE).svc." + p.App.Spec.Network.ClusterDomain
		if host != want || p.StatefulSet.Spec.ServiceName != p.HeadlessService.Name || t.Spec.Subdomain != p.HeadlessService.Name {
			wrong("a Stable node's host is %s, serviceName %s, subdomain %s", host, p.StatefulSet.Spec.ServiceName, t.Spec.Subdomain)
		}
	default:
		if host != "$(POD_IP)" {
			wrong("an Address node's host is %s", host)
		}
	}
	if q := env["DNS_CLUSTER_QUERY"]; q != "" && !strings.HasPrefix(q, p.HeadlessService.Name+".") {
		wrong("DNS_CLUSTER_QUERY asks for %s", q)
	}

	// Where it listens is where others are let in.
	first, last := listens(env["ELIXIR_ERL_OPTIONS"])
	if onLoopback := strings.Contains(env["ELIXIR_ERL_OPTIONS"], "inet_dist_use_interface"); onLoopback == clustered {
		wrong("Clustered %v, and listening on loopback %v", clustered, onLoopback)
	}
	if clustered {
		bad = append(bad, portDisagreements(p, app, first, last)...)
	}
	if h := p.App.Spec.HTTP; h != nil && (env["PORT"] != strconv.Itoa(int(h.Port)) || port(app, "http") != h.Port) {
		wrong("http.port %d, PORT %s, container port %d", h.Port, env["PORT"], port(app, "http"))
	}
	return bad
}

// portDisagreements compares distribution ports: the flags', the container's, the
// Service's and the policy's.
func portDisagreements(p *plan.Plan, app corev1.Container, first, last int32) (bad []string) {
	if port(app, "dist") != first {
		bad = append(bad, fmt.Sprintf("the node listens on %d, the container's port is %d", first, port(app, "dist")))
	}
	epmd := p.App.Spec.Clustered.Distribution.EPMD == v1alpha1.Enabled
	want := map[string]int32{"tcp-dist": first}
	if epmd {
		want["tcp-epmd"] = 4369
	}
	got := map[string]int32{}
	for _, sp := range p.HeadlessService.Spec.Ports {
		got[sp.Name] = sp.Port
	}
	if !maps.Equal(got, want) {
		bad = append(bad, fmt.Sprintf("the headless Service has ports %v, want %v", got, want))
	}
	if !p.HeadlessService.Spec.PublishNotReadyAddresses || p.HeadlessService.Spec.ClusterIP != "None" {
		bad = append(bad, "the headless Service is none, or lists ready pods alone")
	}
	if p.NetworkPolicy == nil || !slices.Contains(p.NetworkPolicy.Spec.PolicyTypes, "Ingress") {
		return bad
	}
	open := map[int32]bool{}
	for _, rule := range p.NetworkPolicy.Spec.Ingress {
		for _, np := range rule.Ports {
			to := np.Port.IntVal
			if np.EndPort != nil {
				to = *np.EndPort
			}
			for n := np.Port.IntVal; n <= to; n++ {
				if open[n] = true; len(rule.From) == 0 && (n == 4369 || n == 9111 || n >= first && n <= last) {
					bad = append(bad, fmt.Sprintf("the policy opens %d to everybody", n))
				}
			}
		}
	}
	for n := first; n <= last; n++ {
		if !open[n] {
			bad = append(bad, fmt.Sprintf("the policy does not let %d in", n))
		}
	}
	if open[4369] != epmd {
		bad = append(bad, fmt.Sprintf("EPMD %v, and let in %v", epmd, open[4369]))
	}
	return bad
}

// podDisagreements looks inside one pod.
func podDisagreements(p *plan.Plan, t *corev1.PodTemplateSpec) (bad []string) {
	wrong := func(format string, a ...any) { bad = append(bad, fmt.Sprintf(format, a...)) }
	spec, app := t.Spec, t.Spec.Containers[0]
	if app.Name != plan.ContainerApp {
		wrong("the first container is %s", app.Name)
	}
	if spec.HostNetwork || spec.HostPID || spec.HostIPC || spec.Hostname != "" {
		wrong("host's namespaces, or a host name")
	}
	sc := spec.SecurityContext
	if sc == nil || sc.RunAsNonRoot == nil || !*sc.RunAsNonRoot || *sc.RunAsUser == 0 || sc.FSGroup == nil {
		wrong("may run as root: %+v", sc)
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		seen := map[string]bool{}
		for _, e := range c.Env {
			if seen[e.Name] {
				wrong("%s is twice in %s", e.Name, c.Name)
			}
			for _, ref := range regexp.MustCompile(`\$\(([A-Z_]+)\)`).FindAllStringSubmatch(e.Value, -1) {
				if ours := regexp.MustCompile(`^(RELEASE|PHIAL|DNS)_`).MatchString(e.Name); ours && !seen[ref[1]] {
					wrong("%s of %s refers to %s, which does not stand before it", e.Name, c.Name, ref[1])
				}
			}
			seen[e.Name] = true
		}
		paths := map[string]bool{}
		for _, m := range c.VolumeMounts {
			if paths[m.MountPath] {
				wrong("%s is mounted twice in %s", m.MountPath, c.Name)
			}
			paths[m.MountPath] = true
			if !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) &&
				(p.StatefulSet == nil || len(p.StatefulSet.Spec.VolumeClaimTemplates) == 0 || m.Name != p.StatefulSet.Spec.VolumeClaimTemplates[0].Name) {
				wrong("%s mounts %s, which is no volume", c.Name, m.Name)
			}
		}
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
			if probe == nil || c.Name != plan.ContainerApp {
				continue // what a team's own container asks of itself is its business
			}
			if h := probe.HTTPGet; h != nil && !slices.ContainsFunc(slices.Concat(spec.InitContainers, spec.Containers), func(x corev1.Container) bool { return hasPort(x, h.Port) }) {
				wrong("a probe of %s asks port %s, which is nobody's", c.Name, h.Port.String())
			}
			if probe.TimeoutSeconds > probe.PeriodSeconds {
				wrong("a probe of %s takes longer than its period", c.Name)
			}
		}
	}

	env := environment(app)
	for _, e := range app.Env {
		if e.Name == "RELEASE_COOKIE" && (e.Value != "" || e.ValueFrom.SecretKeyRef.Name != p.Cookie.SecretName ||
			(e.ValueFrom.SecretKeyRef.Optional == nil) != p.Cookie.Required) {
			wrong("the cookie comes from %+v", e.ValueFrom)
		}
	}
	cookie := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Secret != nil && v.Secret.SecretName == p.Cookie.SecretName })
	if cookie < 0 {
		wrong("the cookie's Secret is no volume")
	} else if i := slices.IndexFunc(app.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == spec.Volumes[cookie].Name }); i < 0 ||
		env["PHIAL_COOKIE_FILE"] != app.VolumeMounts[i].MountPath+"/cookie" {
		wrong("PHIAL_COOKIE_FILE is %s", env["PHIAL_COOKIE_FILE"])
	}
	if n := strings.Count(env["ERL_AFLAGS"]+" "+env["ERL_FLAGS"]+" "+env["ELIXIR_ERL_OPTIONS"]+" "+env["ERL_ZFLAGS"], "-proto_dist"); n > 1 {
		wrong("-proto_dist is given %d times", n)
	}

	v6 := len(p.App.Spec.Network.IPFamilies) > 0 && p.App.Spec.Network.IPFamilies[0] == corev1.IPv6Protocol
	tls := t == p.PodTemplate() && p.App.Spec.Clustered != nil && p.App.Spec.Clustered.Distribution.TLS.Mode == v1alpha1.Enabled
	proto := map[[2]bool]string{{true, false}: "inet6_tcp", {false, true}: "inet_tls", {true, true}: "inet6_tls"}[[2]bool{v6, tls}]
	if got := strings.Contains(env["ERL_AFLAGS"]+" ", "-proto_dist "+proto+" "); got != (proto != "") {
		wrong("-proto_dist %s is wanted, and ERL_AFLAGS is %q", proto, env["ERL_AFLAGS"])
	}

	drain := *p.App.Spec.Shutdown.DrainTimeoutSeconds
	for _, pipe := range p.App.Spec.Pipelines {
		if pipe.Name == env["PHIAL_PIPELINE"] && pipe.DrainTimeoutSeconds != nil {
			drain = *pipe.DrainTimeoutSeconds
		}
	}
	grace := *spec.TerminationGracePeriodSeconds
	if parts := int64(*p.App.Spec.Shutdown.EndpointDelaySeconds + drain + *p.App.Spec.Shutdown.StopTimeoutSeconds); grace < parts {
		wrong("grace %d s, its parts %d s", grace, parts)
	}
	if l := app.Lifecycle; l != nil && l.PreStop != nil && l.PreStop.Sleep != nil && l.PreStop.Sleep.Seconds != int64(*p.App.Spec.Shutdown.EndpointDelaySeconds) {
		wrong("sleeps %d s of %d s of delay", l.PreStop.Sleep.Seconds, *p.App.Spec.Shutdown.EndpointDelaySeconds)
	}
	return bad
}

func pipelineTemplates(p *plan.Plan) (all []*corev1.PodTemplateSpec) {
	for _, pipe := range p.Pipelines {
		all = append(all, &pipe.Deployment.Spec.Template)
	}
	return all
}

func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

func environment(c corev1.Container) map[string]string {
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	return env
}

func port(c corev1.Container, name string) int32 {
	for _, p := range c.Ports {
		if p.Name == name {
			return p.ContainerPort
		}
	}
	return 0
}

func hasPort(c corev1.Container, want intstr.IntOrString) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
		return p.Name == want.StrVal && want.Type == intstr.String || p.ContainerPort == want.IntVal && want.Type == intstr.Int
	})
}

// listens reads the range out of the flags.
func listens(flags string) (first, last int32) {
	words := strings.Fields(flags)
	for i, w := range words[:max(len(words)-1, 0)] {
		n, _ := strconv.Atoi(words[i+1])
		switch w {
		case "inet_dist_listen_min":
			first = int32(n)
		case "inet_dist_listen_max":
			last = int32(n)
		}
	}
	return first, last
}
