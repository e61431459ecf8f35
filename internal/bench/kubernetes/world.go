package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/test/e2e/stage"
)

const replicas = 3

// world is a node with what is measured on it.
type world struct {
	*stage.Stage
	options
	images map[string]string // by HTTP server: inets, cowboy
	otp    map[string]string
	missed []error
}

// newWorld starts the node and makes the images. Kube-proxy has its default periods.
func newWorld(ctx context.Context, o options) (w *world, err error) {
	note("starting Kubernetes")
	n, err := kubetest.RunNode(ctx)
	if err != nil {
		return nil, err
	}
	w = &world{Stage: &stage.Stage{Node: n}, options: o, images: map[string]string{}, otp: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	note("making images")
	root, err := stage.Root()
	if err != nil {
		return nil, err
	}
	if err := w.Agent(ctx); err != nil {
		return nil, err
	}
	if err := w.buildOnInets(ctx, filepath.Join(root, "examples", "tally")); err != nil {
		return nil, err
	}
	if o.has("cowboy") || o.has("cowboy-plain") || o.has("cowboy-bare") {
		if err := w.buildOnCowboy(ctx, filepath.Join(root, "examples", "tally")); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Close ends everything.
func (w *world) Close() error { return errors.Join(w.Ended(), w.Node.Close()) }

func (w *world) buildOnInets(ctx context.Context, dir string) (err error) {
	return withBeams(ctx, func(tb testing.TB) error {
		tb.Helper()
		w.otp["inets"] = beamtest.Host(tb).Release
		w.images["inets"], err = w.Build(ctx, "tally", "1", dir)
		return err
	})
}

// buildOnCowboy takes the OTP that has cowboy: Debian's newer suites do.
func (w *world) buildOnCowboy(ctx context.Context, dir string) error {
	return withBeams(ctx, func(tb testing.TB) error {
		tb.Helper()
		for _, o := range beamtest.OTPs(tb) {
			if !o.HasCowboy() {
				continue
			}
			release := filepath.Join(o.Root, o.BuildOnCowboy(tb, dir))
			image, err := w.Build(ctx, "tally-cowboy", "1", "--release-dir", release, "--suite", o.Suite)
			w.images["cowboy"], w.otp["cowboy"] = image, o.Release
			return err
		}
		return errors.New("no OTP of this machine has cowboy")
	})
}

// tally is the app, on an HTTP server, as a team would run it behind an ingress.
func (w *world) tally(server, namespace string, change func(*v1alpha1.BeamApp)) *v1alpha1.BeamApp {
	a := &v1alpha1.BeamApp{}
	a.APIVersion, a.Kind, a.Name = v1alpha1.GroupVersion.String(), v1alpha1.Kind, "tally"
	s := &a.Spec
	s.Image, s.ImagePullPolicy, s.Type, s.Replicas = w.images[server], corev1.PullNever, v1alpha1.Clustered, new(int32(replicas))
	s.HTTP = &v1alpha1.HTTPSpec{Port: 4000, Ingress: &v1alpha1.IngressSpec{Hosts: []string{stage.IngressHost(namespace)}}}
	s.Health.Path = "/health/ready"
	s.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("96Mi")}
	s.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")}
	if change != nil {
		change(a)
	}
	return a
}

// meshed deploys the app and waits until it is one mesh.
func (w *world) meshed(ctx context.Context, namespace string, app *v1alpha1.BeamApp) (*stage.App, []stage.Pod, error) {
	a, err := w.Deploy(ctx, namespace, app)
	if err != nil {
		return nil, nil, err
	}
	pods, err := a.AwaitReady(ctx, replicas, 3*time.Minute)
	if err == nil {
		err = a.AwaitMesh(ctx, pods, time.Minute)
	}
	return a, pods, err
}

// remove takes an app away and waits until its pods are gone: they would use the CPU of
// what is measured next.
func remove(ctx context.Context, a *stage.App) error {
	if err := a.Remove(ctx); err != nil {
		return err
	}
	return stage.Await(ctx, 2*time.Minute, func(ctx context.Context) error {
		pods, err := a.Pods(ctx)
		if err == nil && len(pods) > 0 {
			err = fmt.Errorf("still there: %s", stage.Describe(pods))
		}
		return err
	})
}

// beams is the testing.TB by which beamtest tells of failures.
type beams struct {
	testing.TB
	ctx context.Context //nolint:containedctx // as testing.TB has it
}

// failure is what a beams panics with.
type failure struct{ error }

func (b beams) Helper()                        {}
func (b beams) Context() context.Context       { return b.ctx }
func (b beams) Fatal(a ...any)                 { panic(failure{errors.New(fmt.Sprint(a...))}) }
func (b beams) Fatalf(format string, a ...any) { panic(failure{fmt.Errorf(format, a...)}) }

// withBeams calls what takes a testing.TB, outside of a test.
func withBeams(ctx context.Context, do func(testing.TB) error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failure:
			err = p.error
		default:
			panic(p)
		}
	}()
	return do(beams{ctx: ctx})
}
