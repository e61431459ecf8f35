package plantest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/api/v1alpha1"
)

// Apps are random BeamApps that the API server would take: any option may be there or
// not, beside any other that it does not contradict. None has a podTemplate.
func Apps() *rapid.Generator[*v1alpha1.BeamApp] { return rapid.Custom(app) }

func app(t *rapid.T) *v1alpha1.BeamApp {
	a := &v1alpha1.BeamApp{}
	a.APIVersion, a.Kind = v1alpha1.GroupVersion.String(), v1alpha1.Kind
	a.Name = rapid.StringMatching(`[a-z]([-a-z0-9]{0,10}[a-z0-9])?`).Draw(t, "name")
	a.Namespace = rapid.SampledFrom([]string{"", "prod", "team-a"}).Draw(t, "namespace")
	s := &a.Spec
	s.Image = rapid.SampledFrom([]string{
		"shop", "shop:latest", "shop:1.4.2", "registry.example.com:5000/team/shop:v1_2-rc.1",
		"shop@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "shop:-odd",
	}).Draw(t, "image")
	s.ReleaseName = rapid.SampledFrom([]string{"", "shop", "my_shop2"}).Draw(t, "releaseName")
	s.Type = rapid.SampledFrom([]v1alpha1.AppType{"", v1alpha1.Clustered, v1alpha1.Stateless}).Draw(t, "type")
	s.Agent = rapid.SampledFrom([]v1alpha1.Switch{"", v1alpha1.Enabled, v1alpha1.Disabled}).Draw(t, "agent")
	s.Paused = rapid.Bool().Draw(t, "paused")
	s.DisruptionBudget = rapid.SampledFrom([]v1alpha1.Switch{"", v1alpha1.Disabled}).Draw(t, "budget")
	if s.Type != v1alpha1.Stateless && rapid.Bool().Draw(t, "clustered") {
		s.Clustered = clustered(t)
	}
	if rapid.Bool().Draw(t, "http") {
		s.HTTP = http(t)
		s.Health.Path = rapid.SampledFrom([]string{"", "/health/ready"}).Draw(t, "path")
		s.Health.LivePath = rapid.SampledFrom([]string{"", "/health/live"}).Draw(t, "livePath")
	}
	s.Health.StartTimeoutSeconds = rapid.SampledFrom([]int32{0, 10, 11, 3600}).Draw(t, "startTimeout")
	s.Shutdown.EndpointDelaySeconds = maybe(t, "endpointDelay", 0, 600)
	s.Shutdown.DrainTimeoutSeconds = maybe(t, "drainTimeout", 0, 86400)
	s.Shutdown.StopTimeoutSeconds = maybe(t, "stopTimeout", 1, 3600)
	if s.Agent != v1alpha1.Disabled && rapid.Bool().Draw(t, "hook") {
		s.Shutdown.Hook = &v1alpha1.HookSpec{Module: "Shop.Drainer", Function: "drain"}
	}
	s.Rollout.MinReadySeconds = maybe(t, "minReady", 0, 3600)
	if rapid.Bool().Draw(t, "surge") {
		s.Rollout.MaxSurge = new(rapid.SampledFrom([]intstr.IntOrString{intstr.FromInt32(2), intstr.FromString("25%")}).Draw(t, "maxSurge"))
	}
	if rapid.Bool().Draw(t, "autoscaling") {
		s.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: rapid.Int32Range(2, 1000).Draw(t, "maxReplicas")}
		s.Replicas = maybe(t, "replicas", 1, 1000)
	} else {
		s.Replicas = maybe(t, "replicas", 0, 1000)
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "pipelines") {
		s.Pipelines = append(s.Pipelines, pipeline(t, i))
	}
	if rapid.Bool().Draw(t, "migration") {
		s.Migration = &v1alpha1.MigrationSpec{Command: []string{"bin/shop", "eval", "Shop.Release.migrate()"}}
	}
	network(t, s)
	s.TopologySpread.Zone = spread(t, "zone")
	s.TopologySpread.Node = spread(t, "node")
	s.VM = v1alpha1.VMSpec{
		MaxPorts: rapid.SampledFrom([]int32{0, 1024, 1 << 20}).Draw(t, "maxPorts"),
		BusyWait: rapid.SampledFrom([]v1alpha1.BusyWait{"", v1alpha1.BusyWaitNever, v1alpha1.BusyWaitDefault}).Draw(t, "busyWait"),
		Flags:    rapid.SampledFrom([][]string{nil, {"+P 262144", "-kernel shell_history enabled"}}).Draw(t, "flags"),
	}
	s.VM.CrashDump.Mode = rapid.SampledFrom([]v1alpha1.Switch{"", v1alpha1.Disabled}).Draw(t, "crashDump")
	s.Security.RunAsUser = rapid.SampledFrom([]int64{0, 1000, 2147483647}).Draw(t, "runAsUser")
	s.Security.ReadOnlyRootFilesystem = rapid.SampledFrom([]v1alpha1.Switch{"", v1alpha1.Disabled}).Draw(t, "readOnly")
	s.Security.WritablePaths = rapid.SampledFrom([][]string{nil, {"/app/priv", "/var/cache/shop"}}).Draw(t, "writable")
	s.Resources = resources(t)
	s.Env = env(t, "env")
	if rapid.Bool().Draw(t, "envFrom") {
		s.EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
	}
	s.ServiceAccountName = rapid.SampledFrom([]string{"", "shop-runner"}).Draw(t, "serviceAccount")
	return a
}

func clustered(t *rapid.T) *v1alpha1.ClusteredSpec {
	c := &v1alpha1.ClusteredSpec{}
	pair := rapid.SampledFrom([]struct {
		d v1alpha1.Discovery
		i v1alpha1.Identity
	}{
		{"", ""}, {v1alpha1.DiscoveryPhial, v1alpha1.Stable}, {v1alpha1.DiscoveryPhial, v1alpha1.Address},
		{v1alpha1.DiscoveryLibclusterDNS, v1alpha1.Address}, {v1alpha1.DiscoveryDNSCluster, v1alpha1.Address},
		{v1alpha1.DiscoveryLibclusterDNSSRV, v1alpha1.Stable},
		{v1alpha1.DiscoveryLibclusterKubernetes, v1alpha1.Address}, {v1alpha1.DiscoveryLibclusterKubernetes, v1alpha1.Stable},
	}).Draw(t, "discovery and identity")
	c.Discovery, c.Identity = pair.d, pair.i
	if c.Discovery != "" && c.Discovery != v1alpha1.DiscoveryPhial && rapid.Bool().Draw(t, "never") {
		c.Join = v1alpha1.JoinNever
	}
	d := &c.Distribution
	d.PortRange = rapid.SampledFrom([]string{"", "9200-9201", "1024-2023", "64536-65535"}).Draw(t, "portRange")
	d.EPMD = rapid.SampledFrom([]v1alpha1.Switch{"", v1alpha1.Disabled}).Draw(t, "epmd")
	d.NetTicktimeSeconds = maybe(t, "ticktime", 5, 3600)
	if rapid.Bool().Draw(t, "tls") {
		d.TLS = v1alpha1.DistributionTLSSpec{Mode: v1alpha1.Enabled, SecretName: "shop-dist"}
	}
	if rapid.Bool().Draw(t, "cookie") {
		c.Cookie.SecretRef = &v1alpha1.SecretReference{Name: "own-cookie"}
	}
	if c.Identity == v1alpha1.Stable && rapid.Bool().Draw(t, "storage") {
		c.Storage = &v1alpha1.StorageSpec{
			Size:      resource.MustParse("10Gi"),
			MountPath: rapid.SampledFrom([]string{"", "/var/lib/shop"}).Draw(t, "mountPath"),
		}
	}
	return c
}

func http(t *rapid.T) *v1alpha1.HTTPSpec {
	h := &v1alpha1.HTTPSpec{Port: rapid.SampledFrom([]int32{0, 4000, 8080}).Draw(t, "port")}
	switch rapid.IntRange(0, 2).Draw(t, "way in") {
	case 1:
		h.Ingress = &v1alpha1.IngressSpec{Hosts: []string{"*.example.com", "shop.example.com"}}
	case 2:
		h.Gateway = &v1alpha1.GatewaySpec{ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
	}
	return h
}

func pipeline(t *rapid.T, i int) v1alpha1.PipelineSpec {
	p := v1alpha1.PipelineSpec{Name: fmt.Sprintf("p%d", i)}
	if rapid.Bool().Draw(t, "kafka") {
		p.Kafka = &v1alpha1.KafkaSpec{
			Brokers: []string{"kafka-0:9092", "kafka-1:9092"}, Group: p.Name, Topics: []string{"orders", "returns"},
			Partitions: maybe(t, "partitions", 8, 1000), Concurrency: rapid.Int32Range(0, 4).Draw(t, "concurrency"),
		}
		if rapid.Bool().Draw(t, "keda") {
			p.LagPerReplica = new(int64(1000))
		}
	}
	if rapid.Bool().Draw(t, "two") {
		p.Replicas = new(int32(2))
	}
	p.DrainTimeoutSeconds = maybe(t, "pipelineDrain", 0, 86400)
	if rapid.Bool().Draw(t, "pipelineResources") {
		p.Resources = new(resources(t))
	}
	p.Env = env(t, "pipelineEnv")
	return p
}

func network(t *rapid.T, s *v1alpha1.BeamAppSpec) {
	s.Network.IPFamilies = rapid.SampledFrom([][]corev1.IPFamily{
		nil, {corev1.IPv4Protocol}, {corev1.IPv6Protocol}, {corev1.IPv6Protocol, corev1.IPv4Protocol},
	}).Draw(t, "families")
	if len(s.Network.IPFamilies) == 2 {
		s.Network.IPFamilyPolicy = corev1.IPFamilyPolicyPreferDualStack
	}
	s.Network.ClusterDomain = rapid.SampledFrom([]string{"", "k8s.example.com"}).Draw(t, "domain")
	s.Network.ServiceMesh = rapid.SampledFrom([]v1alpha1.ServiceMesh{"", v1alpha1.MeshIstio, v1alpha1.MeshLinkerd}).Draw(t, "serviceMesh")
	if rapid.Bool().Draw(t, "unmanaged") {
		s.NetworkPolicy.Ingress = v1alpha1.IsUnmanaged
	}
	if rapid.Bool().Draw(t, "egress") {
		s.NetworkPolicy.Egress = v1alpha1.IsManaged
		s.NetworkPolicy.EgressRules = []networkingv1.NetworkPolicyEgressRule{{
			Ports: []networkingv1.NetworkPolicyPort{{Port: new(intstr.FromInt32(5432))}},
		}}
	}
}

func env(t *rapid.T, label string) []corev1.EnvVar {
	var all []corev1.EnvVar
	for _, e := range []corev1.EnvVar{
		{Name: "LANG", Value: "de_DE.UTF-8"}, {Name: "HOME", Value: "/home/shop"}, {Name: "PHX_HOST", Value: "elsewhere.example.com"},
		{Name: "ERL_AFLAGS", Value: "+S 4"}, {Name: "ERL_FLAGS", Value: "-kernel shell_history enabled"},
		{Name: "MY_URL", Value: "http://$(POD_IP):4000"}, {Name: "SECRET_KEY_BASE", ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "shop"}, Key: "base"},
		}},
	} {
		if rapid.Bool().Draw(t, label+" "+e.Name) {
			all = append(all, e)
		}
	}
	return all
}

func resources(t *rapid.T) corev1.ResourceRequirements {
	var r corev1.ResourceRequirements
	if rapid.Bool().Draw(t, "requests") {
		r.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("256Mi")}
	}
	if rapid.Bool().Draw(t, "limits") {
		r.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("512Mi")}
	}
	return r
}

func spread(t *rapid.T, label string) v1alpha1.Spread {
	return rapid.SampledFrom([]v1alpha1.Spread{"", v1alpha1.SpreadStrictly, v1alpha1.SpreadDisabled}).Draw(t, label)
}

func maybe(t *rapid.T, label string, least, most int32) *int32 {
	if !rapid.Bool().Draw(t, label+"?") {
		return nil
	}
	return new(rapid.Int32Range(least, most).Draw(t, label))
}
