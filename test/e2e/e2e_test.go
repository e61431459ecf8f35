// Package e2e tests the product on a real Kubernetes: kubelet, containerd, runc,
// CoreDNS, kube-proxy and an enforcer of NetworkPolicies, with images that `phial
// build` made of examples/tally and BEAM nodes that are what they are anywhere.
package e2e

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/test/e2e/stage"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// A test mostly waits for pods, so more run at a time than there are cores.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(kubetest.Main(m))
}

// onStage gives the stage that all tests share, with the images of the agent and of
// tally on it.
func onStage(t *testing.T) *stage.Stage {
	t.Helper()
	s := &stage.Stage{Node: kubetest.SharedNode(t)}
	ready.Do(func() {
		ready.err = s.Agent(t.Context())
		if ready.err != nil {
			return
		}
		ready.root, ready.err = stage.Root()
		if ready.err != nil {
			return
		}
		ready.image, ready.err = s.Build(t.Context(), "tally", "1", filepath.Join(ready.root, "examples/tally"))
	})
	if ready.err != nil {
		t.Fatal(ready.err)
	}
	return s
}

var ready struct {
	sync.Once
	root, image string
	err         error
}

// tally is the app of most tests.
func tally(change func(*v1alpha1.BeamApp)) *v1alpha1.BeamApp {
	a := &v1alpha1.BeamApp{}
	a.APIVersion, a.Kind, a.Name = v1alpha1.GroupVersion.String(), v1alpha1.Kind, "tally"
	s := &a.Spec
	s.Image, s.ImagePullPolicy, s.Type, s.Replicas = ready.image, corev1.PullNever, v1alpha1.Clustered, new(int32(3))
	s.HTTP = &v1alpha1.HTTPSpec{Port: 4000}
	s.Health.Path = "/health/ready"
	s.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("96Mi")}
	s.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")}
	s.Shutdown.EndpointDelaySeconds = new(int32(3))
	s.Rollout.MinReadySeconds = new(int32(0))
	if change != nil {
		change(a)
	}
	return a
}

// namespaceOf is the namespace of a test's own.
func namespaceOf(t *testing.T) string {
	t.Helper()
	name := "e2e-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(strings.TrimPrefix(t.Name(), "Test")))
	return strings.Trim(name[:min(len(name), 55)], "-")
}

// deployed gives the app on the cluster, in a namespace of the test's own.
func deployed(t *testing.T, s *stage.Stage, app *v1alpha1.BeamApp) *stage.App {
	t.Helper()
	a, err := s.Deploy(t.Context(), namespaceOf(t), app)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		keepEvidence(t, a)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := a.Remove(ctx); err != nil {
			t.Error(err)
		}
	})
	return a
}
