package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beamtest"
)

// Disabled agents join nobody, and the app's own path is the gate: three replicas that
// are ready, take traffic and never connect, which is what they would be in a cluster.
func TestWithoutAgentsNobodyJoins(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t), App: beamApp("tally", func(s *v1alpha1.BeamAppSpec) {
		s.Agent = v1alpha1.Disabled
		s.HTTP = &v1alpha1.HTTPSpec{}
		s.Health.Path = "/health/ready"
		s.Shutdown.EndpointDelaySeconds = new(int32(0))
	})})
	a.allReady(3)
	if r := a.mesh(); len(r.Islands) != 3 || r.Links.Up != 0 {
		t.Errorf("islands %v, links %+v; want three islands", r.Islands, r.Links)
	}
	if news := a.news.String(); !strings.Contains(news, "warning: spec.clustered.discovery: nobody joins these replicas") {
		t.Errorf("nobody is told:\n%s", news)
	}
}

// Stateless replicas, and a pipeline beside them: nodes each for itself, that tools
// still reach.
func TestStatelessAndPipelines(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t), App: beamApp("tally", func(s *v1alpha1.BeamAppSpec) {
		s.Type, s.Replicas = v1alpha1.Stateless, new(int32(2))
		s.HTTP = &v1alpha1.HTTPSpec{}
		s.Shutdown.EndpointDelaySeconds = new(int32(0))
		s.Pipelines = []v1alpha1.PipelineSpec{{Name: "orders", Env: []corev1.EnvVar{{Name: "DEPTH", Value: "7"}}}}
	})})
	var s Status
	eventually(t, "the serving replicas and the pipeline's node", func() error {
		if s = a.status(); len(s.Pods) != 3 || s.Ready() != 3 {
			return fmt.Errorf("%+v", s.Pods)
		}
		return nil
	})
	p, _ := s.Pod("tally-orders-0")
	if p.Pipeline != "orders" || p.HTTPPort != 0 || p.Node != "tally@"+p.IP || s.Type != "Stateless" {
		t.Errorf("status %+v", s)
	}
	if got := a.rpc("tally-orders-0", `IO.puts("#{node()} #{System.get_env("PHIAL_PIPELINE")} #{System.get_env("DEPTH")}")`); got != p.Node+" orders 7" {
		t.Errorf("the pipeline says %q", got)
	}
	target, err := a.MeshTarget(t.Context())
	if err != nil || target.Clustered || len(target.Nodes) != 2 || target.Service != "" {
		t.Errorf("target %+v, %v", target, err)
	}
	if r := a.mesh(); r.Links.Up != 0 {
		t.Errorf("links %+v", r.Links)
	}
	if err := a.Scale(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	a.allReady(4)
	if err := a.Restart(t.Context(), "tally-orders-0"); err != nil {
		t.Fatal(err)
	}
	a.allReady(4)
}

// A pipeline stands beside a mesh and is no part of it.
func TestPipelinesAreNoMembers(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t), NoHTTP: true, App: beamApp("tally", func(s *v1alpha1.BeamAppSpec) {
		s.Replicas = new(int32(2))
		s.Clustered = &v1alpha1.ClusteredSpec{Identity: v1alpha1.Stable, Distribution: v1alpha1.DistributionSpec{EPMD: v1alpha1.Disabled}}
		s.Pipelines = []v1alpha1.PipelineSpec{{Name: "orders"}}
	})})
	a.allReady(3)
	a.fullMesh(2)
	if got := a.rpc("tally-orders-0", `IO.inspect(Node.list())`); got != "[]" {
		t.Errorf("the pipeline is connected to %s", got)
	}
}

// Distribution over TLS, by both identities: the nodes mesh, tools reach them, and
// nobody does who has no certificate.
func TestDistributionOverTLS(t *testing.T) {
	t.Parallel()
	for _, id := range []v1alpha1.Identity{v1alpha1.Address, v1alpha1.Stable} {
		t.Run(string(id), func(t *testing.T) {
			t.Parallel()
			a := up(t, Options{Dir: beamtest.BuildRelease(t, "testdata/scout"), EndpointDelay: -1, App: beamApp("scout", func(s *v1alpha1.BeamAppSpec) {
				s.Replicas, s.HTTP = new(int32(2)), &v1alpha1.HTTPSpec{}
				s.Clustered = &v1alpha1.ClusteredSpec{Identity: id}
				s.Clustered.Distribution.TLS = v1alpha1.DistributionTLSSpec{Mode: v1alpha1.Enabled, SecretName: "scout-tls"}
			})})
			a.fullMesh(2)
			if got := a.rpc("scout-0", `IO.puts(length(Node.list()))`); got != "1" {
				t.Errorf("rpc says %s peers", got)
			}
			p, target := a.prober()
			p.TLS = nil
			if o, err := p.Observe(t.Context(), target.Nodes); err != nil || o.Nodes[0].Flags.Proto != "" {
				t.Errorf("without a certificate: %+v, %v", o, err)
			}
		})
	}
}

func TestMigration(t *testing.T) {
	dir := fakeRelease(t, "shop", `if [ "$1" = eval ]; then
  echo "migrating $2 as $RELEASE_DISTRIBUTION ${RELEASE_NODE-nobody} in $(basename "$PWD") $DATABASE_URL"
  exit $CODE
fi
echo started
sleep 1000
`)
	o := Options{Dir: dir, App: beamApp("shop", func(s *v1alpha1.BeamAppSpec) {
		s.Replicas, s.Agent = new(int32(1)), v1alpha1.Disabled
		s.Migration = &v1alpha1.MigrationSpec{Command: []string{"bin/shop", "eval", "Shop.migrate()"}}
		s.Env = []corev1.EnvVar{{Name: "DATABASE_URL", ValueFrom: secretKey("shop-db")}, {Name: "CODE", Value: "0"}}
	}), Values: map[string]string{"DATABASE_URL": "ecto://here"}, Grace: time.Second, AppFile: "phial.yaml"}
	a := up(t, o)
	eventually(t, "the app after its migration", func() error {
		out := a.out.String()
		before, _, ok := strings.Cut(out, "shop-0 | started")
		if want := "shop-migrate | migrating Shop.migrate() as none nobody in " + filepath.Base(dir) + " ecto://here"; !ok || !strings.Contains(before, want) {
			return errors.New(out)
		}
		return nil
	})
	if news := a.news.String(); !strings.Contains(news, "migration: bin/shop eval Shop.migrate()") || !strings.Contains(news, "left to Kubernetes: ") {
		t.Errorf("news:\n%s", news)
	}
	if s := a.status(); len(s.Ignored) == 0 {
		t.Error("the status does not say what is left to Kubernetes")
	}
	o.Values["CODE"], o.Name, o.StateDir = "3", "till", t.TempDir()
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "ended with exit status 3; no replica was started") || !strings.Contains(err.Error(), "migrating Shop.migrate()") {
		t.Errorf("a migration that fails: %v", err)
	}
	o.Values = nil
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "DATABASE_URL (of Secret shop-db)") {
		t.Errorf("without the Secret: %v", err)
	}
}

// A replica that does not start in its time is started anew, with the reason.
func TestStartTimeout(t *testing.T) {
	dir := fakeRelease(t, "late", "trap 'exit 0' TERM\nsleep 1000 &\nwait\n")
	app := beamApp("late", func(s *v1alpha1.BeamAppSpec) {
		s.Replicas, s.Agent = new(int32(1)), v1alpha1.Disabled
		s.HTTP = &v1alpha1.HTTPSpec{}
		s.Health.Path, s.Health.StartTimeoutSeconds = "/ready", 1
	})
	a := up(t, Options{Dir: dir, App: app, EndpointDelay: -1})
	eventually(t, "a restart", func() error {
		p := a.pod("late-0")
		if p.Restarts == 0 || !strings.Contains(a.news.String(), "health.startTimeoutSeconds") {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
}

// The gate without an agent follows the answers; with one it asks until it is open.
func TestReadinessPath(t *testing.T) {
	var code atomic.Int32
	code.Store(http.StatusServiceUnavailable)
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ready" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(int(code.Load()))
	})}
	go srv.Serve(ln)
	defer srv.Close()
	addr := ln.Addr().String()
	for _, c := range []struct {
		code int
		path string
		want string
	}{
		{503, "/ready", "the app answers 503 at /ready"},
		{200, "/ready", ""}, {302, "/ready", ""}, {399, "/ready", ""}, {400, "/ready", "400"},
		{200, "/other", "the app answers 404 at /other"},
	} {
		code.Store(int32(c.code))
		err := httpGet(t.Context(), "", addr, c.path, nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d at %s: %v", c.code, c.path, err)
		}
	}
	srv.Close()
	if err := httpGet(context.Background(), "", addr, "/ready", nil); err == nil || strings.Contains(err.Error(), "http://") {
		t.Errorf("nobody there: %v", err)
	}
}
