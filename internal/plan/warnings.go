package plan

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// warnings say what the plan can't put right, in the order of the spec. Each is one
// line for a person: what will be, and what to do about it.
func warnings(s *settings) []Warning {
	var all []Warning
	for _, about := range []func(*settings) []Warning{
		warnNamespace, warnImage, warnDiscovery, warnCookie, warnProbes, warnAgent,
		warnAutoscaling, warnPipelines, warnMigration, warnEgress, warnResources,
	} {
		all = append(all, about(s)...)
	}
	return all
}

func warn(path string, code finding.Code, format string, args ...any) []Warning {
	return []Warning{{Path: path, Code: string(code), Text: fmt.Sprintf(format, args...)}}
}

// byHand is a warning about what an operator does and nobody else.
func byHand(path, format string, args ...any) []Warning {
	return []Warning{{Path: path, Text: fmt.Sprintf(format, args...), ByHand: true}}
}

func warnNamespace(s *settings) []Warning {
	if s.app.Namespace != "" || !s.asksAPI() {
		return nil
	}
	return warn("metadata.namespace", "",
		"the RoleBinding has to name the account's namespace, and takes %q; set metadata.namespace where the app goes elsewhere", s.subjectNamespace())
}

func warnImage(s *settings) []Warning {
	const path = "spec.image"
	name, digest, _ := strings.Cut(s.spec.Image, "@")
	_, tag, _ := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ":")
	if digest != "" || tag != "" && tag != "latest" {
		return nil
	}
	return warn(path, "",
		"%s names no version: replicas may run different builds in one mesh, and there is no way back; name a version or, better, a digest", s.spec.Image)
}

func warnDiscovery(s *settings) []Warning {
	const path = "spec.clustered.discovery"
	if !s.clustered {
		return nil
	}
	d := beam.Discovery(s.cluster.Discovery)
	if ok, reason := beam.Pair(d, beam.Identity(s.cluster.Identity)); !ok {
		return warn(path, finding.HostMismatch, "%s", reason)
	}
	if d.Looks(beam.Identity(s.cluster.Identity)) == beam.LookupA && s.ipv6 {
		return warn(path, "",
			"%s asks for A records, which pods with IPv6 addresses have none of; give the strategy a resolver that asks for AAAA, or use discovery %s", s.cluster.Discovery, beam.DiscoveryPhial)
	}
	if d.OfApp() || s.mostReplicas() < 2 {
		return nil
	}
	if why := nobodyJoins(s); why != "" {
		return warn(path, finding.NobodyDials,
			"nobody joins these replicas: discovery Phial is the agents' work, and %s; each will be a mesh of its own. Let the app find its peers (dns_cluster, with discovery DNSCluster; libcluster, with the one that it uses) and say so here", why)
	}
	return nil
}

// nobodyJoins says why the agents do not join the replicas, if they do not.
func nobodyJoins(s *settings) string {
	switch {
	case s.spec.Agent == v1alpha1.Disabled:
		return "spec.agent is Disabled"
	case !s.agent:
		return "no agent image is given"
	case s.cluster.Join == v1alpha1.JoinNever:
		return "spec.clustered.join is Never"
	}
	return ""
}

// warnCookie says that somebody has to make the Secret, and where the command for it is.
func warnCookie(s *settings) []Warning {
	c := s.cookie()
	if !c.Required {
		return nil
	}
	return byHand("spec.clustered.cookie.secretRef",
		"no pod starts without the Secret %s, which is made once: phial render --cookie-command says how", c.SecretName)
}

// Command is a shell's command line that makes the Secret, each key with 256 random
// bits. An empty namespace is kubectl's own. printf is the shell's own: no key is in the
// arguments of a process. The cookie is in nobody's terminal, and ends without a line end,
// which would be part of it.
func (c CookieSource) Command(namespace string) string {
	of := ""
	if namespace != "" {
		of = " --namespace " + namespace
	}
	format, values := CookieKey+`=%s\n`, ` "$(openssl rand -hex 32)"`
	if c.AgentKey {
		format, values = format+AgentKey+`=%s\n`, values+values
	}
	return "printf '" + format + "'" + values + " | kubectl create secret generic " + c.SecretName + of + " --from-env-file=/dev/stdin"
}

func warnProbes(s *settings) []Warning {
	switch {
	case s.agent:
		return nil
	case s.spec.HTTP == nil:
		return warn("spec.http", "",
			"without an agent and without HTTP nothing can ask a replica whether it is ready: it counts as ready as soon as its process runs")
	case s.spec.Health.Path == "":
		return warn("spec.health.path", "",
			"a replica counts as ready as soon as port %d accepts, whatever the app can do by then; name a path that answers 200 when it can serve", s.spec.HTTP.Port)
	}
	return nil
}

func warnAgent(s *settings) []Warning {
	if s.spec.Agent == v1alpha1.Disabled || s.agent {
		return nil
	}
	all := warn("spec.agent", "", "no agent image is given (phial render --agent-image): the plan is as with agent Disabled, and nobody joins or drains; agent: Disabled says that you know")
	if s.spec.Shutdown.Hook != nil {
		all = append(all, warn("spec.shutdown.hook", "", "the agent calls the hook, and no agent image is given: nobody does")...)
	}
	return all
}

func warnAutoscaling(s *settings) []Warning {
	a := s.spec.Autoscaling
	if a == nil {
		return nil
	}
	var all []Warning
	for _, t := range []struct {
		target   *int32
		resource corev1.ResourceName
		field    string
	}{
		{a.TargetCPUUtilizationPercentage, corev1.ResourceCPU, "targetCPUUtilizationPercentage"},
		{a.TargetMemoryUtilizationPercentage, corev1.ResourceMemory, "targetMemoryUtilizationPercentage"},
	} {
		if t.target != nil && !requested(s.spec.Resources, t.resource) {
			all = append(all, warn("spec.autoscaling."+t.field, "",
				"it is a percentage of spec.resources.requests.%s, which is not set: nothing is scaled until it is", t.resource)...)
		}
	}
	return all
}

// requested tells whether there is a request; a limit is one too where no other is given.
func requested(r corev1.ResourceRequirements, name corev1.ResourceName) bool {
	_, request := r.Requests[name]
	_, limit := r.Limits[name]
	return request || limit
}

func warnPipelines(s *settings) []Warning {
	var all []Warning
	for i := range s.spec.Pipelines {
		w := s.pipelineWorkload(i)
		p := w.pipeline
		most := partitionReplicas(p.Kafka)
		switch {
		case s.scaled(w) && most > 0 && value(p.MaxReplicas) > most:
			all = append(all, warn(w.path+".maxReplicas", "",
				"%d replicas for %d partitions, %d at a time each: more than %d would be idle, and no more are started", *p.MaxReplicas, *p.Kafka.Partitions, p.Kafka.Concurrency, most)...)
		case s.scaled(w) && most == 0 && p.MaxReplicas == nil:
			all = append(all, warn(w.path+".maxReplicas", "",
				"with neither maxReplicas nor kafka.partitions KEDA's own bound of %d replicas holds; set one of them", kedaMaxReplicas)...)
		case !s.scaled(w) && most > 0 && value(p.Replicas) > most:
			all = append(all, warn(w.path+".replicas", "",
				"%d replicas for %d partitions, %d at a time each: more than %d would be idle, and no more are started", *p.Replicas, *p.Kafka.Partitions, p.Kafka.Concurrency, most)...)
		}
	}
	return all
}

func warnMigration(s *settings) []Warning {
	if s.spec.Migration == nil {
		return nil
	}
	return byHand("spec.migration",
		"kubectl apply alone does not hold a rollout for the migration: Helm and Argo CD do, by the Job's annotations; otherwise apply the Job, wait for it (kubectl wait --for=condition=Complete job/%s), then apply the rest", migration(s).Name)
}

func warnEgress(s *settings) []Warning {
	const path = "spec.networkPolicy.egressRules"
	if s.spec.NetworkPolicy.Egress != v1alpha1.IsManaged {
		return nil
	}
	var all []Warning
	if s.asksAPI() {
		all = append(all, warn(path, "",
			"discovery %s asks the API server: one of the rules has to let the replicas reach it", s.cluster.Discovery)...)
	}
	reads := slices.ContainsFunc(s.spec.Pipelines, func(p v1alpha1.PipelineSpec) bool { return p.Kafka != nil })
	if reads && len(s.spec.NetworkPolicy.EgressRules) == 0 {
		all = append(all, warn(path, "", "there is none, and the pipelines have to reach their brokers")...)
	}
	return all
}

func warnResources(s *settings) []Warning {
	if _, ok := s.spec.Resources.Limits[corev1.ResourceMemory]; ok {
		return nil
	}
	return warn("spec.resources.limits.memory", "",
		"without a limit one replica can take all the memory of its machine; set it to what the app needs at its busiest, and half as much again")
}
