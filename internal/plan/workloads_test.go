package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/plan"
)

// Which flags stand where, by option. What they do to a real release, the tests of that
// show.
func TestFlags(t *testing.T) {
	const dist = "-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107"
	cpu := corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}}
	tests := []struct {
		name   string
		change func(*v1alpha1.BeamAppSpec)
		want   map[string]string
	}{
		{"as it is", func(*v1alpha1.BeamAppSpec) {}, map[string]string{"ELIXIR_ERL_OPTIONS": dist, "ERL_ZFLAGS": "+Q 65536"}},
		{"range", func(s *v1alpha1.BeamAppSpec) { s.Clustered.Distribution.PortRange = "9200-9203" }, map[string]string{
			"ELIXIR_ERL_OPTIONS": "-kernel inet_dist_listen_min 9200 inet_dist_listen_max 9203", "ERL_ZFLAGS": "+Q 65536",
		}},
		{"CPU limit", func(s *v1alpha1.BeamAppSpec) { s.Resources = cpu }, map[string]string{
			"ELIXIR_ERL_OPTIONS": dist, "ERL_ZFLAGS": "+Q 65536 +sbwt none +sbwtdcpu none +sbwtdio none",
		}},
		{"CPU limit, and busy all the same", func(s *v1alpha1.BeamAppSpec) { s.Resources, s.VM.BusyWait = cpu, v1alpha1.BusyWaitDefault }, map[string]string{
			"ELIXIR_ERL_OPTIONS": dist, "ERL_ZFLAGS": "+Q 65536",
		}},
		{"the team's last", func(s *v1alpha1.BeamAppSpec) {
			s.VM.Flags = []string{"+P 262144"}
			s.Clustered.Distribution.NetTicktimeSeconds = new(int32(15))
		}, map[string]string{"ELIXIR_ERL_OPTIONS": dist, "ERL_ZFLAGS": "+Q 65536 -kernel net_ticktime 15 +P 262144"}},
		{"without EPMD", func(s *v1alpha1.BeamAppSpec) { s.Clustered.Distribution.EPMD = v1alpha1.Disabled }, map[string]string{
			"ELIXIR_ERL_OPTIONS": "-start_epmd false -erl_epmd_port 9100 -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9100",
			"ERL_ZFLAGS":         "+Q 65536", "RELEASE_REMOTE_VM_ARGS": "/etc/phial/vm/remote.vm.args",
		}},
		{"TLS, beside the team's ERL_AFLAGS", func(s *v1alpha1.BeamAppSpec) {
			s.Clustered.Distribution.TLS = v1alpha1.DistributionTLSSpec{Mode: v1alpha1.Enabled, SecretName: "x"}
			s.Env = []corev1.EnvVar{{Name: "ERL_AFLAGS", Value: "+S 4"}}
		}, map[string]string{
			"ELIXIR_ERL_OPTIONS": dist + " -ssl_dist_optfile /etc/phial/vm/ssl_dist.conf", "ERL_ZFLAGS": "+Q 65536",
			"ERL_AFLAGS": "-proto_dist inet_tls +S 4",
		}},
		{"TLS over IPv6", func(s *v1alpha1.BeamAppSpec) {
			s.Clustered.Distribution.TLS = v1alpha1.DistributionTLSSpec{Mode: v1alpha1.Enabled, SecretName: "x"}
			s.Network.IPFamilies = []corev1.IPFamily{corev1.IPv6Protocol, corev1.IPv4Protocol}
		}, map[string]string{
			"ELIXIR_ERL_OPTIONS": dist + " -ssl_dist_optfile /etc/phial/vm/ssl_dist.conf", "ERL_ZFLAGS": "+Q 65536",
			"ERL_AFLAGS": "-proto_dist inet6_tls",
		}},
		{"IPv4 first", func(s *v1alpha1.BeamAppSpec) {
			s.Network.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
		}, map[string]string{"ELIXIR_ERL_OPTIONS": dist, "ERL_ZFLAGS": "+Q 65536"}},
		{"Stateless", func(s *v1alpha1.BeamAppSpec) { s.Type, s.Clustered = v1alpha1.Stateless, nil }, map[string]string{
			"ELIXIR_ERL_OPTIONS": "-kernel inet_dist_use_interface {127,0,0,1} inet_dist_listen_min 9100 inet_dist_listen_max 9107",
			"ERL_ZFLAGS":         "+Q 65536", "ERL_EPMD_ADDRESS": "127.0.0.1",
		}},
		{"Stateless over IPv6", func(s *v1alpha1.BeamAppSpec) {
			s.Type, s.Clustered = v1alpha1.Stateless, nil
			s.Network.IPFamilies = []corev1.IPFamily{corev1.IPv6Protocol}
		}, map[string]string{
			"ELIXIR_ERL_OPTIONS": "-kernel inet_dist_use_interface {0,0,0,0,0,0,0,1} inet_dist_listen_min 9100 inet_dist_listen_max 9107",
			"ERL_ZFLAGS":         "+Q 65536", "ERL_EPMD_ADDRESS": "::1", "ERL_AFLAGS": "-proto_dist inet6_tcp",
		}},
	}
	about := []string{"ELIXIR_ERL_OPTIONS", "ERL_ZFLAGS", "ERL_AFLAGS", "ERL_FLAGS", "ERL_EPMD_ADDRESS", "RELEASE_REMOTE_VM_ARGS"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := environment(planned(t, tallyApp(tt.change)).PodTemplate().Spec.Containers[0])
			maps.DeleteFunc(env, func(name, _ string) bool { return !slices.Contains(about, name) })
			if d := cmp.Diff(tt.want, env); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// What a replica is asked, and what it does before it stops.
func TestProbesAndHooks(t *testing.T) {
	withPath := func(s *v1alpha1.BeamAppSpec) { s.Health.Path = "/ready" }
	tests := []struct {
		name         string
		options      plan.Options
		change       func(*v1alpha1.BeamAppSpec)
		ready, live  string
		startSeconds int32
		preStop      string
	}{
		{"a path", plan.Options{}, withPath, "GET http/ready", "", 120, "sleep 5"},
		{"both paths", plan.Options{}, func(s *v1alpha1.BeamAppSpec) { withPath(s); s.Health.LivePath = "/live" }, "GET http/ready", "GET http/live", 120, "sleep 5"},
		{"no path", plan.Options{}, func(*v1alpha1.BeamAppSpec) {}, "TCP http", "", 120, "sleep 5"},
		{"no HTTP", plan.Options{}, func(s *v1alpha1.BeamAppSpec) { s.HTTP = nil }, "", "", 0, "sleep 5"},
		{"no delay", plan.Options{}, func(s *v1alpha1.BeamAppSpec) { withPath(s); s.Shutdown.EndpointDelaySeconds = new(int32(0)) }, "GET http/ready", "", 120, ""},
		{"time to start is never cut", plan.Options{}, func(s *v1alpha1.BeamAppSpec) { withPath(s); s.Health.StartTimeoutSeconds = 11 }, "GET http/ready", "", 15, "sleep 5"},
		{"an agent", withAgent, withPath, "GET 9110/ready", "/phial/bin/phial-agent live", 120, "/phial/bin/phial-agent drain"},
		{"an agent, and a path for liveness", withAgent, func(s *v1alpha1.BeamAppSpec) { s.Health.LivePath = "/live" }, "GET 9110/ready", "GET http/live", 120, "/phial/bin/phial-agent drain"},
		{"an agent, not wanted", withAgent, func(s *v1alpha1.BeamAppSpec) { withPath(s); s.Agent = v1alpha1.Disabled }, "GET http/ready", "", 120, "sleep 5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := plan.New(tallyApp(tt.change), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			c := p.PodTemplate().Spec.Containers[0]
			if got := asks(c.ReadinessProbe); got != tt.ready {
				t.Errorf("readiness: %q, want %q", got, tt.ready)
			}
			if got := asks(c.LivenessProbe); got != tt.live {
				t.Errorf("liveness: %q, want %q", got, tt.live)
			}
			if s := c.StartupProbe; s == nil && tt.startSeconds != 0 || s != nil && s.PeriodSeconds*s.FailureThreshold != tt.startSeconds {
				t.Errorf("startup: %+v, want %d s", s, tt.startSeconds)
			}
			hook := ""
			if l := c.Lifecycle; l != nil && l.PreStop.Sleep != nil {
				hook = "sleep " + resource.NewQuantity(l.PreStop.Sleep.Seconds, resource.DecimalSI).String()
			} else if l != nil {
				hook = strings.Join(l.PreStop.Exec.Command, " ")
			}
			if hook != tt.preStop {
				t.Errorf("preStop: %q, want %q", hook, tt.preStop)
			}
		})
	}
}

func asks(p *corev1.Probe) string {
	switch {
	case p == nil:
		return ""
	case p.HTTPGet != nil:
		return "GET " + p.HTTPGet.Port.String() + p.HTTPGet.Path
	case p.TCPSocket != nil:
		return "TCP " + p.TCPSocket.Port.String()
	}
	return strings.Join(p.Exec.Command, " ")
}

// A rollout that is paused touches no replica, and one that goes on has time to.
func TestRollouts(t *testing.T) {
	stable := func(change func(*v1alpha1.BeamAppSpec)) *plan.Plan {
		return planned(t, tallyApp(func(s *v1alpha1.BeamAppSpec) {
			s.Clustered.Identity = v1alpha1.Stable
			change(s)
		}))
	}
	if p := stable(func(*v1alpha1.BeamAppSpec) {}); *p.StatefulSet.Spec.UpdateStrategy.RollingUpdate.Partition != 0 || *p.StatefulSet.Spec.Replicas != 3 {
		t.Errorf("a StatefulSet as it is: %+v", p.StatefulSet.Spec)
	}
	if p := stable(func(s *v1alpha1.BeamAppSpec) { s.Paused = true }); *p.StatefulSet.Spec.UpdateStrategy.RollingUpdate.Partition != 3 {
		t.Errorf("paused: partition %d of 3 replicas", *p.StatefulSet.Spec.UpdateStrategy.RollingUpdate.Partition)
	}
	scaled := stable(func(s *v1alpha1.BeamAppSpec) {
		s.Paused, s.Autoscaling = true, &v1alpha1.AutoscalingSpec{MaxReplicas: 12}
	})
	if *scaled.StatefulSet.Spec.UpdateStrategy.RollingUpdate.Partition != 12 || scaled.StatefulSet.Spec.Replicas != nil {
		t.Errorf("paused and scaled: %+v", scaled.StatefulSet.Spec)
	}

	p := planned(t, tallyApp(func(s *v1alpha1.BeamAppSpec) {
		s.Paused, s.Health.StartTimeoutSeconds, s.Rollout.MinReadySeconds = true, 3600, new(int32(3600))
	}))
	d := p.Deployment.Spec
	if !d.Paused || *d.ProgressDeadlineSeconds <= 7200 || d.Strategy.RollingUpdate.MaxUnavailable.IntVal != 0 || d.Strategy.RollingUpdate.MaxSurge.IntVal != 1 {
		t.Errorf("a Deployment: %+v", d)
	}
}

// Stateless, pipelines and migrations have what they need to know, and no more.
func TestWhoIsToldWhat(t *testing.T) {
	p := planned(t, tallyApp(func(s *v1alpha1.BeamAppSpec) {
		s.Clustered.Discovery = v1alpha1.DiscoveryDNSCluster
		s.HTTP.Ingress = &v1alpha1.IngressSpec{Hosts: []string{"*.example.com", "shop.example.com"}}
		s.Env = []corev1.EnvVar{{Name: "TEAM", Value: "app's"}}
		s.Migration = &v1alpha1.MigrationSpec{Command: []string{"bin/tally", "eval", "1"}}
		s.Pipelines = []v1alpha1.PipelineSpec{{
			Name: "orders", Env: []corev1.EnvVar{{Name: "TEAM", Value: "pipeline's"}},
			Kafka: &v1alpha1.KafkaSpec{Brokers: []string{"a:1", "b:2"}, Group: "g", Topics: []string{"t", "u"}},
		}}
	}))
	names := []string{"PHX_HOST", "PORT", "DNS_CLUSTER_QUERY", "RELEASE_NODE", "RELEASE_DISTRIBUTION", "PHIAL_PIPELINE", "PHIAL_KAFKA_BROKERS", "PHIAL_KAFKA_TOPICS", "TEAM"}
	for who, tt := range map[string]struct {
		pod  corev1.PodSpec
		want []string
	}{
		"node":      {p.PodTemplate().Spec, []string{"shop.example.com", "4000", "tally-headless.$(POD_NAMESPACE).svc.cluster.local", "tally@$(POD_IP)", "name", "", "", "", "app's"}},
		"pipeline":  {p.Pipelines[0].Deployment.Spec.Template.Spec, []string{"", "", "", "tally@127.0.0.1", "name", "orders", "a:1,b:2", "t,u", "pipeline's"}},
		"migration": {p.Migration.Spec.Template.Spec, []string{"", "", "", "", "none", "", "", "", "app's"}},
	} {
		env := environment(tt.pod.Containers[0])
		var got []string
		for _, n := range names {
			got = append(got, env[n])
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", who, d)
		}
	}
	for _, c := range p.Migration.Spec.Template.Spec.Containers {
		for _, e := range c.Env {
			if e.Name == "RELEASE_COOKIE" {
				t.Error("the migration is no node and has the cookie")
			}
		}
	}
}

// Labels take the image's tag where it can be one.
func TestVersionLabel(t *testing.T) {
	for image, want := range map[string]string{
		"shop": "", "shop:1.4.2": "1.4.2", "registry.example.com:5000/shop": "", "registry.example.com:5000/a/shop:v1_2-rc.1": "v1_2-rc.1",
		"shop:1.4.2@sha256:0123": "1.4.2", "shop@sha256:0123": "", "shop:1.4.2-": "", "shop:_x": "", "shop:" + strings.Repeat("a", 64): "",
		"shop:" + strings.Repeat("a", 63): strings.Repeat("a", 63),
	} {
		p := planned(t, tallyApp(func(s *v1alpha1.BeamAppSpec) { s.Image = image }))
		if got := p.PodTemplate().Labels[plan.LabelVersion]; got != want {
			t.Errorf("%s: version %q, want %q", image, got, want)
		}
		if _, there := p.Deployment.Spec.Selector.MatchLabels[plan.LabelVersion]; there {
			t.Errorf("%s: the version selects", image)
		}
	}
}
