package local

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/host"
	"github.com/phialdev/phial/internal/plan/plantest"
)

// beamApp is a BeamApp for a test.
func beamApp(name string, set func(s *v1alpha1.BeamAppSpec)) *v1alpha1.BeamApp {
	a := &v1alpha1.BeamApp{}
	a.Name = name
	a.Spec.Image = name + ":1.0.0"
	if set != nil {
		set(&a.Spec)
	}
	return a
}

func mustPlan(t *testing.T, o Options) *cast {
	t.Helper()
	c, _, err := planOf(o, "shop")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// launchOf is the launch of a workload's replica, in slot 3.
func (c *cast) launchOf(w *workload, ordinal int, env ...string) launch {
	l := launch{net: c.network(3), n: w.first + ordinal, plan: c.plan, work: w, state: openState("/s", c.plan.App.Name),
		httpPort: 20301, env: env}
	l.listenOn = erlangAddr(l.net.addr(l.n))
	l.mounts, _ = mountsOf(w, c.plan, l.dir()).pointedTo(w.texts(c.plan))
	return l
}

func TestOptionsReplace(t *testing.T) {
	shop := func(set func(s *v1alpha1.BeamAppSpec)) *v1alpha1.BeamApp { return beamApp("my-shop", set) }
	for _, c := range []struct {
		name string
		o    Options
		want string // NAME NODE REPLICAS
		told []string
	}{
		{"nothing", Options{App: shop(nil)}, "my-shop-0 my_shop@127.77.3.1 3", nil},
		{"made", Options{Name: "till", Replicas: 2, Identity: IdentityStable, Namespace: "prod"}, "till-0 shop@till-0.till-headless.prod.svc.cluster.local 2", nil},
		{"file", Options{App: shop(func(s *v1alpha1.BeamAppSpec) {
			s.Replicas, s.ReleaseName = new(int32(5)), "till"
			s.Clustered = &v1alpha1.ClusteredSpec{Identity: v1alpha1.Stable}
			s.Network.ClusterDomain = "k8s.example.com"
		})}, "my-shop-0 till@my-shop-0.my-shop-headless.default.svc.k8s.example.com 5", nil},
		{"flags", Options{App: shop(nil), AppFile: "phial.yaml", Name: "till", Replicas: 4, Identity: IdentityStable, Namespace: "prod"},
			"till-0 my_shop@till-0.till-headless.prod.svc.cluster.local 4",
			[]string{"--name till, in place of my-shop in phial.yaml", "--replicas 4, in place of 3 in phial.yaml",
				"--identity stable, in place of address in phial.yaml"}},
		{"flags that say the same", Options{App: shop(nil), Name: "my-shop", Replicas: 3, Identity: IdentityAddress}, "my-shop-0 my_shop@127.77.3.1 3", nil},
		{"autoscaled", Options{App: shop(func(s *v1alpha1.BeamAppSpec) {
			s.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: 4, MaxReplicas: 9}
		})}, "my-shop-0 my_shop@127.77.3.1 4", nil},
		{"not autoscaled", Options{Replicas: 2, App: shop(func(s *v1alpha1.BeamAppSpec) {
			s.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: 4, MaxReplicas: 9}
		})}, "my-shop-0 my_shop@127.77.3.1 2", []string{"--replicas 2, in place of autoscaling in the BeamApp"}},
		{"stateless", Options{App: shop(func(s *v1alpha1.BeamAppSpec) { s.Type = v1alpha1.Stateless })}, "my-shop-0 my_shop@127.77.3.1 3", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.o.App.DeepCopy()
			got, told, err := planOf(c.o, "shop")
			if err != nil {
				t.Fatal(err)
			}
			l := got.launchOf(got.serving, 0)
			vars, _ := l.planned(noCookie)
			node := vars[slices.IndexFunc(vars, func(v variable) bool { return v.name == beam.EnvReleaseNode })].value
			if is := strings.Join([]string{l.net.pod(0), node, strconv.Itoa(got.serving.replicas)}, " "); is != c.want {
				t.Errorf("got %s, want %s", is, c.want)
			}
			if diff := cmp.Diff(c.told, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, c.o.App); diff != "" {
				t.Errorf("the caller's BeamApp was changed (-was +is):\n%s", diff)
			}
		})
	}
}

func TestPlanRefused(t *testing.T) {
	for want, o := range map[string]Options{
		"fewer with --replicas": {App: beamApp("shop", func(s *v1alpha1.BeamAppSpec) { s.Replicas = new(int32(80)) })},
		"nothing to run":        {App: beamApp("shop", func(s *v1alpha1.BeamAppSpec) { s.Replicas = new(int32(0)) })},
		"of type Stateless":     {Identity: IdentityStable, App: beamApp("shop", func(s *v1alpha1.BeamAppSpec) { s.Type = v1alpha1.Stateless })},
	} {
		if _, _, err := planOf(o, ""); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one line with %q", err, want)
		}
	}
	for _, name := range []string{"PORT", "RELEASE_NODE", "RELEASE_COOKIE", "PHIAL_PIPELINE", "ELIXIR_ERL_OPTIONS", "POD_IP"} {
		o := Options{Values: map[string]string{name: "secret"}}
		if err := o.complete(); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "secret") {
			t.Errorf("a value for %s: %v", name, err)
		}
	}
}

// A pod's environment as it is here: what differs, and that the rest does not.
func TestTranslation(t *testing.T) {
	app := beamApp("shop", func(s *v1alpha1.BeamAppSpec) {
		s.HTTP = &v1alpha1.HTTPSpec{Port: 8080}
		s.VM.Flags = []string{"+P 2000000"}
		s.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")}
		s.Env = []corev1.EnvVar{
			{Name: "SELF", Value: "http://$(POD_IP):$(PORT)/$(NOBODY)/$$(PORT)"},
			{Name: "UPLOADS", Value: "/var/uploads:/tmp/x,/tmpfile"},
			{Name: "ZONE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['app.kubernetes.io/name']"}}},
			{Name: "MEMORY", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: resource.MustParse("1Mi")}}},
			{Name: "DATABASE_URL", ValueFrom: secretKey("shop-db")},
			{Name: "MAYBE", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Optional: new(true)}}},
			{Name: "GIVEN", ValueFrom: secretKey("shop-given")},
		}
		s.Security.WritablePaths = []string{"/var/uploads", "/var/nobody"}
	})
	c := mustPlan(t, Options{App: app, Values: map[string]string{"GIVEN": "a$(PORT)b$"}})
	env := c.launchOf(c.serving, 0, "DATABASE_URL=ecto://here/shop", "PATH=/bin", "ERL_AFLAGS=-x").podEnv()
	const dir = "/s/shop/pods/shop-0"
	for name, want := range map[string]string{
		"POD_NAME": "shop-0", "HOSTNAME": "shop-0", "POD_IP": "127.77.3.1", "POD_NAMESPACE": "default",
		"PORT": "20301", "PHX_SERVER": "true", "RELEASE_NODE": "shop@127.77.3.1", "RELEASE_DISTRIBUTION": "name",
		"ERL_EPMD_PORT": "14372", "PATH": "/s/shop/bin:/bin", "LANG": "C.UTF-8", "PHIAL_SERVICE": "shop-headless",
		"HOME": dir + "/volumes/phial-tmp", "RELEASE_TMP": dir + "/volumes/phial-tmp/release",
		"PHIAL_COOKIE_FILE":  dir + "/secrets/phial-cookie/cookie",
		"ERL_CRASH_DUMP":     dir + "/volumes/phial-crash/erl_crash.dump",
		"ELIXIR_ERL_OPTIONS": "-start_epmd false -kernel inet_dist_use_interface {127,77,3,1} -kernel inet_dist_listen_min 9100 -kernel inet_dist_listen_max 9107",
		"ERL_ZFLAGS":         "+Q 65536 +P 2000000",
		"SELF":               "http://127.77.3.1:20301/$(NOBODY)/$(PORT)",
		"UPLOADS":            dir + "/volumes/phial-writable-0:" + dir + "/volumes/phial-tmp/x,/tmpfile",
		"ZONE":               "shop", "MEMORY": "512", "DATABASE_URL": "ecto://here/shop", "GIVEN": "a$(PORT)b$",
	} {
		if got, _ := host.LookupEnv(env, name); got != want {
			t.Errorf("%s=%q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"MAYBE", "RELEASE_COOKIE", "ERL_AFLAGS"} {
		if v, ok := host.LookupEnv(env, name); ok {
			t.Errorf("%s=%q is set", name, v)
		}
	}
	if got := c.launchOf(c.serving, 0).cookieEnv("hush"); !slices.Equal(got, []string{"RELEASE_COOKIE=hush"}) {
		t.Error("the cookie is not in RELEASE_COOKIE alone") // and is not printed
	}
	err := c.complete(Options{})
	if err == nil || !strings.Contains(err.Error(), "DATABASE_URL (of Secret shop-db)") || strings.Contains(err.Error(), "MAYBE") {
		t.Errorf("with nothing given: %v", err)
	}
	if err := c.complete(Options{Env: []string{"DATABASE_URL=x"}}); err != nil {
		t.Errorf("with all given: %v", err)
	}
	want := []string{"ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "image", "resources", "securityContext",
		"serviceAccountName", "topologySpreadConstraints", "volume phial-writable-1 at /var/nobody"}
	if diff := cmp.Diff(want, c.ignored()); diff != "" {
		t.Errorf("left to Kubernetes (-want +got):\n%s", diff)
	}
}

func secretKey(name string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: "x"}}
}

func TestFlags(t *testing.T) {
	l := launch{net: network{slot: 1}, n: 2, listenOn: "{127,77,1,3}"}
	const ours = "-start_epmd false -kernel inet_dist_use_interface {127,77,1,3} -kernel inet_dist_listen_min 9116 -kernel inet_dist_listen_max 9123"
	for planned, want := range map[string]string{
		"": ours,
		"-kernel inet_dist_use_interface {127,0,0,1} inet_dist_listen_min 9100 inet_dist_listen_max 9107":   ours,
		"-kernel inet_dist_listen_min 9100 -kernel inet_dist_listen_max 9107 net_ticktime 20 +Q 5":          "-kernel net_ticktime 20 +Q 5 " + ours,
		"-start_epmd false -erl_epmd_port 9100 -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9100": ours,
	} {
		if got := l.flags(planned); got != want {
			t.Errorf("%s:\n got %s\nwant %s", planned, got, want)
		}
	}
	for line, want := range map[string]string{"-proto_dist inet6_tcp": "", "-proto_dist inet6_tcp -x y": "-x y", "-proto_dist inet6_tls": "-proto_dist inet_tls", "-x": "-x"} {
		if got := overIPv4(line); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	defined := func(name string) (string, bool) { return "<" + name + ">", name == "A" || name == "B" }
	for in, want := range map[string]string{ // as the kubelet's own tests have it
		"": "", "x": "x", "$(A)": "<A>", "$(A)$(B)-": "<A><B>-", "$(C)": "$(C)", "$$(A)": "$(A)", "$$$(A)": "$<A>", "$$$$(A)": "$$(A)",
		"$": "$", "$$": "$", "a$": "a$", "$A": "$A", "$(A": "$(A", "$(A$(B)": "$(A$(B)", "(A)": "(A)", "$()": "$()",
	} {
		if got := expand(in, defined); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Whatever a BeamApp says, its replicas have places of their own, and nothing that is
// told to one leads out of its place.
func TestAnyPlanHasItsPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		app := plantest.Apps().Draw(t, "app")
		c, _, err := planOf(Options{App: app, Replicas: rapid.IntRange(0, 5).Draw(t, "replicas")}, "")
		if err != nil {
			return // too many for one machine, TLS
		}
		c.ignored()
		places := map[int]bool{}
		for _, w := range c.all() {
			for i := range w.replicas {
				n := w.first + i
				if places[n] || n >= maxPlaces {
					t.Fatalf("%s-%d has place %d", w.name, i, n)
				}
				places[n] = true
				l := c.launchOf(w, i)
				if got := l.net.pod(n); got != podName(w.name, i) {
					t.Fatalf("place %d is %s, want %s", n, got, podName(w.name, i))
				}
				vars, _ := l.planned(noCookie)
				for _, v := range vars {
					switch v.name {
					case beam.EnvReleaseNode:
						name, err := beam.ParseName(v.value)
						own := name.Host == l.net.addr(n).String() || name.Host == l.net.podFQDN(n)
						if err != nil || !own || name.Base != l.net.base && w.member {
							t.Fatalf("%s: node %s", l.net.pod(n), v.value)
						}
					case beam.EnvElixirErlOptions:
						if !strings.Contains(v.value, l.listenOn) || strings.Contains(v.value, beam.LoopbackInterfaceIPv4) {
							t.Fatalf("%s: flags %s", l.net.pod(n), v.value)
						}
					case beam.EnvReleaseTmp, beam.EnvErlCrashDump, beam.EnvPhialCookieFile, beam.EnvReleaseRemoteVMArgs:
						if !strings.HasPrefix(v.value, l.dir()+"/") {
							t.Fatalf("%s: %s=%s", l.net.pod(n), v.name, v.value)
						}
					}
				}
			}
			if w.grace <= 0 || w.delay < 0 || w.delay >= w.grace || w.startTime <= 0 {
				t.Fatalf("%s: grace %v, delay %v, start %v", w.name, w.grace, w.delay, w.startTime)
			}
		}
	})
}

func TestVolumesEnd(t *testing.T) {
	dir := t.TempDir()
	ms := mounts{
		{path: "/cookie", dir: filepath.Join(dir, "secrets", "c"), cookie: true},
		{path: "/etc/x", dir: filepath.Join(dir, "secrets", "x"), files: map[string]string{"x.conf": "x"}},
		{path: "/tmp", dir: filepath.Join(dir, "volumes", "tmp")},
		{path: "/crash", dir: filepath.Join(dir, "volumes", "crash")},
		{path: "/data", dir: filepath.Join(dir, "claims", "data")},
	}
	if err := ms.make("hush"); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"volumes/tmp/x", "volumes/crash/erl_crash.dump", "claims/data/x"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	clearVolumes(dir)
	for f, want := range map[string]bool{"secrets": false, "volumes/tmp/x": false, "volumes/crash/erl_crash.dump": true, "claims/data/x": true} {
		if host.Exists(filepath.Join(dir, f)) != want {
			t.Errorf("%s is there: %v", f, !want)
		}
	}
}

func TestGraceIsThePlans(t *testing.T) {
	app := beamApp("shop", func(s *v1alpha1.BeamAppSpec) {
		s.HTTP = &v1alpha1.HTTPSpec{}
		s.Shutdown = v1alpha1.ShutdownSpec{EndpointDelaySeconds: new(int32(3)), DrainTimeoutSeconds: new(int32(10)), StopTimeoutSeconds: new(int32(7))}
		s.Pipelines = []v1alpha1.PipelineSpec{{Name: "orders", DrainTimeoutSeconds: new(int32(60))}}
		s.Health.StartTimeoutSeconds = 30
	})
	for _, agent := range []v1alpha1.Switch{v1alpha1.Enabled, v1alpha1.Disabled} {
		app.Spec.Agent = agent
		c := mustPlan(t, Options{App: app})
		w, p := c.serving, c.pipelines[0]
		if w.grace != 20*time.Second || w.delay != 3*time.Second || w.startTime != 30*time.Second || p.grace != 70*time.Second {
			t.Errorf("%s: grace %v, delay %v, start %v; pipeline %v", agent, w.grace, w.delay, w.startTime, p.grace)
		}
	}
	c := mustPlan(t, Options{App: app, Grace: time.Second, EndpointDelay: -1})
	if w := c.serving; w.grace != time.Second || w.delay != 0 {
		t.Errorf("replaced: grace %v, delay %v", w.grace, w.delay)
	}
	c = mustPlan(t, Options{Name: "shop"})
	if w := c.serving; w.grace != DefaultGrace || w.delay != DefaultEndpointDelay {
		t.Errorf("made: grace %v, delay %v", w.grace, w.delay)
	}
}
