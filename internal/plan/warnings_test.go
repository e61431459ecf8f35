package plan_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/plan"
)

// quiet is a BeamApp that is warned of nothing but its cookie's Secret.
func quiet() *v1alpha1.BeamApp {
	a := &v1alpha1.BeamApp{Spec: v1alpha1.BeamAppSpec{
		Image: "registry.example.com:5000/shop:1.4.2",
		Resources: corev1.ResourceRequirements{
			Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
		},
	}}
	a.Name, a.Namespace = "shop", "prod"
	return a
}

const secretPath = "spec.clustered.cookie.secretRef"

func TestWarnings(t *testing.T) {
	const agent = "registry.example.com/phial-agent:0.4.0"
	clustered := func(s *v1alpha1.BeamAppSpec, c v1alpha1.ClusteredSpec) { s.Clustered = &c }
	kafka := func(partitions *int32) *v1alpha1.KafkaSpec {
		return &v1alpha1.KafkaSpec{Brokers: []string{"kafka:9092"}, Group: "g", Topics: []string{"t"}, Partitions: partitions, Concurrency: 2}
	}
	tests := []struct {
		name   string
		change func(*v1alpha1.BeamApp)
		agent  string
		path   string // empty: no warning but that of the Secret
		code   finding.Code
		says   string
	}{
		{name: "nothing to say", change: func(*v1alpha1.BeamApp) {}, agent: agent},
		{name: "digest", change: func(a *v1alpha1.BeamApp) { a.Spec.Image = "shop@sha256:0123" }, agent: agent},
		{name: "no tag", change: func(a *v1alpha1.BeamApp) { a.Spec.Image = "registry.example.com:5000/shop" }, agent: agent,
			path: "spec.image", says: "name a version"},
		{name: "latest", change: func(a *v1alpha1.BeamApp) { a.Spec.Image = "shop:latest" }, agent: agent,
			path: "spec.image", says: "shop:latest names no version"},
		{name: "API server from nowhere", change: func(a *v1alpha1.BeamApp) {
			a.Namespace = ""
			clustered(&a.Spec, v1alpha1.ClusteredSpec{Discovery: v1alpha1.DiscoveryLibclusterKubernetes})
		}, agent: agent, path: "metadata.namespace", says: `takes "default"`},
		{name: "no namespace needed", change: func(a *v1alpha1.BeamApp) { a.Namespace = "" }, agent: agent},
		{name: "agents that do not join", change: func(a *v1alpha1.BeamApp) { clustered(&a.Spec, v1alpha1.ClusteredSpec{Join: v1alpha1.JoinNever}) }, agent: agent,
			path: "spec.clustered.discovery", code: finding.NobodyDials, says: "spec.clustered.join is Never"},
		{name: "disabled agents", change: func(a *v1alpha1.BeamApp) { a.Spec.Agent = v1alpha1.Disabled }, agent: agent,
			path: "spec.clustered.discovery", code: finding.NobodyDials, says: "nobody joins these replicas"},
		{name: "nobody to join", change: func(a *v1alpha1.BeamApp) {
			a.Spec.Agent, a.Spec.Replicas = v1alpha1.Disabled, new(int32(1))
			a.Spec.HTTP, a.Spec.Health.Path = &v1alpha1.HTTPSpec{}, "/ready"
		}, agent: agent},
		{name: "a library of the app's joins", change: func(a *v1alpha1.BeamApp) {
			a.Spec.Agent = v1alpha1.Disabled
			clustered(&a.Spec, v1alpha1.ClusteredSpec{Discovery: v1alpha1.DiscoveryDNSCluster})
			a.Spec.HTTP, a.Spec.Health.Path = &v1alpha1.HTTPSpec{}, "/ready"
		}, agent: agent},
		{name: "impossible pair", change: func(a *v1alpha1.BeamApp) {
			clustered(&a.Spec, v1alpha1.ClusteredSpec{Discovery: v1alpha1.DiscoveryLibclusterDNS, Identity: v1alpha1.Stable})
		}, agent: agent, path: "spec.clustered.discovery", code: finding.HostMismatch, says: "they never meet"},
		{name: "A records and IPv6", change: func(a *v1alpha1.BeamApp) {
			a.Spec.Network.IPFamilies = []corev1.IPFamily{corev1.IPv6Protocol}
			clustered(&a.Spec, v1alpha1.ClusteredSpec{Discovery: v1alpha1.DiscoveryLibclusterDNS})
		}, agent: agent, path: "spec.clustered.discovery", says: "AAAA"},
		{name: "AAAA records and IPv6", change: func(a *v1alpha1.BeamApp) {
			a.Spec.Network.IPFamilies = []corev1.IPFamily{corev1.IPv6Protocol}
			clustered(&a.Spec, v1alpha1.ClusteredSpec{Discovery: v1alpha1.DiscoveryDNSCluster})
		}, agent: agent},
		{name: "nothing to ask", change: func(*v1alpha1.BeamApp) {}, path: "spec.http", says: "as soon as its process runs"},
		{name: "only a port to ask", change: func(a *v1alpha1.BeamApp) { a.Spec.HTTP = &v1alpha1.HTTPSpec{Port: 8080} },
			path: "spec.health.path", says: "port 8080"},
		{name: "no image of the agent", change: func(*v1alpha1.BeamApp) {}, path: "spec.agent", says: "no agent image"},
		{name: "a hook that nobody calls", change: func(a *v1alpha1.BeamApp) { a.Spec.Shutdown.Hook = &v1alpha1.HookSpec{Module: "M", Function: "f"} },
			path: "spec.shutdown.hook", says: "nobody does"},
		{name: "CPU without a request", change: func(a *v1alpha1.BeamApp) { a.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 5} }, agent: agent,
			path: "spec.autoscaling.targetCPUUtilizationPercentage", says: "spec.resources.requests.cpu"},
		{name: "memory, of which a limit is a request", change: func(a *v1alpha1.BeamApp) {
			a.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 5, TargetMemoryUtilizationPercentage: new(int32(80))}
		}, agent: agent},
		{name: "more replicas than partitions", change: func(a *v1alpha1.BeamApp) {
			a.Spec.Pipelines = []v1alpha1.PipelineSpec{{Name: "p"}, {Name: "q", Kafka: kafka(new(int32(5))), Replicas: new(int32(3))}}
		}, agent: agent, path: "spec.pipelines[1].replicas", says: "more than 2 would be idle"},
		{name: "more by KEDA than partitions", change: func(a *v1alpha1.BeamApp) {
			a.Spec.Pipelines = []v1alpha1.PipelineSpec{{Name: "p", Kafka: kafka(new(int32(5))), MaxReplicas: new(int32(3)), LagPerReplica: new(int64(1))}}
		}, agent: agent, path: "spec.pipelines[0].maxReplicas", says: "more than 2 would be idle"},
		{name: "no bound", change: func(a *v1alpha1.BeamApp) {
			a.Spec.Pipelines = []v1alpha1.PipelineSpec{{Name: "p", Kafka: kafka(nil), LagPerReplica: new(int64(1))}}
		}, agent: agent, path: "spec.pipelines[0].maxReplicas", says: "bound of 100"},
		{name: "migration", change: func(a *v1alpha1.BeamApp) {
			a.Spec.Migration = &v1alpha1.MigrationSpec{Command: []string{"bin/migrate"}}
		}, agent: agent,
			path: "spec.migration", says: "kubectl apply alone does not hold a rollout"},
		{name: "API server behind a policy", change: func(a *v1alpha1.BeamApp) {
			a.Spec.NetworkPolicy.Egress = v1alpha1.IsManaged
			clustered(&a.Spec, v1alpha1.ClusteredSpec{Discovery: v1alpha1.DiscoveryLibclusterKubernetes})
		}, agent: agent, path: "spec.networkPolicy.egressRules", says: "API server"},
		{name: "brokers behind a policy", change: func(a *v1alpha1.BeamApp) {
			a.Spec.NetworkPolicy.Egress = v1alpha1.IsManaged
			a.Spec.Pipelines = []v1alpha1.PipelineSpec{{Name: "p", Kafka: kafka(nil)}}
		}, agent: agent, path: "spec.networkPolicy.egressRules", says: "brokers"},
		{name: "no memory limit", change: func(a *v1alpha1.BeamApp) { a.Spec.Resources = corev1.ResourceRequirements{} }, agent: agent,
			path: "spec.resources.limits.memory", says: "all the memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := quiet()
			tt.change(a)
			p, err := plan.New(a, plan.Options{AgentImage: tt.agent})
			if err != nil {
				t.Fatal(err)
			}
			if tt.path == "" {
				if len(p.Warnings) != 1 || p.Warnings[0].Path != secretPath {
					t.Fatalf("warnings, and there is nothing to warn of: %+v", p.Warnings)
				}
				return
			}
			i := slices.IndexFunc(p.Warnings, func(w plan.Warning) bool { return w.Path == tt.path })
			if i < 0 {
				t.Fatalf("no warning about %s: %+v", tt.path, p.Warnings)
			}
			if w := p.Warnings[i]; w.Code != string(tt.code) || !strings.Contains(w.Text, tt.says) {
				t.Errorf("%+v, want code %q and …%s…", w, tt.code, tt.says)
			}
		})
	}
}

// The command for the Secret holds no cookie: it makes one, where nobody sees it, and
// without a line end.
func TestCookieCommand(t *testing.T) {
	p, err := plan.New(quiet(), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `printf 'cookie=%s\n' "$(openssl rand -hex 32)" | kubectl create secret generic shop-cookie --namespace prod --from-env-file=/dev/stdin`
	if got := p.Cookie.Command("prod"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	i := slices.IndexFunc(p.Warnings, func(w plan.Warning) bool { return w.Path == secretPath })
	if i < 0 || !p.Warnings[i].ByHand || len(p.Warnings[i].Text) > 120 || !strings.Contains(p.Warnings[i].Text, "Secret shop-cookie") || !strings.Contains(p.Warnings[i].Text, "--cookie-command") {
		t.Errorf("the warnings do not say in a short line where the command for the Secret is: %+v", p.Warnings)
	}
	with, err := plan.New(quiet(), plan.Options{AgentImage: "agent:1"})
	if err != nil {
		t.Fatal(err)
	}
	want = `printf 'cookie=%s\nagent-key=%s\n' "$(openssl rand -hex 32)" "$(openssl rand -hex 32)" | kubectl create secret generic shop-cookie --from-env-file=/dev/stdin`
	if got := with.Cookie.Command(""); got != want {
		t.Errorf("with an agent: %s\nwant\n%s", got, want)
	}
	stateless := quiet()
	stateless.Spec.Type = v1alpha1.Stateless
	if p, err = plan.New(stateless, plan.Options{}); err != nil || p.Cookie.Required ||
		slices.ContainsFunc(p.Warnings, func(w plan.Warning) bool { return w.Path == secretPath }) {
		t.Errorf("a Stateless app is asked for a cookie: %+v, %v", p.Warnings, err)
	}
}

// A warning is about a field, in one line, by a code that can be looked up.
func TestWarningsAreWellFormed(t *testing.T) {
	path := regexp.MustCompile(`^(metadata|spec)(\.[a-z][A-Za-z]*(\[\d+\])?)+$`)
	rapid.Check(t, func(t *rapid.T) {
		for _, w := range randomPlan(t).Warnings {
			if !path.MatchString(w.Path) || w.Text == "" || strings.ContainsAny(w.Text, "\n{}") || strings.HasSuffix(w.Text, ".") {
				t.Errorf("%+v", w)
			}
			if _, known := finding.Lookup(finding.Code(w.Code)); w.Code != "" && !known {
				t.Errorf("nobody can look %s up: %+v", w.Code, w)
			}
		}
	})
}
