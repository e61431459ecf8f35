package cluster

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/report"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func change(p *corev1.Pod, f func(*corev1.Pod)) *corev1.Pod {
	f(p)
	return p
}

func TestOpen(t *testing.T) {
	var a api
	c := a.client(t,
		podOf("shop", "shop-0", "10.0.0.7"), podOf("shop", "shop-1", "10.0.0.8"),
		change(podOf("shop", "shop-2", ""), func(p *corev1.Pod) {
			p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "no node fits"}}}
		}),
		change(podOf("shop", "shop-old", "10.0.0.9"), func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }),
		change(podOf("shop", "shop-migrate", "10.0.0.10"), func(p *corev1.Pod) { p.Labels[plan.LabelComponent] = plan.ComponentMigration }),
		podOf("cart", "cart-0", "10.0.1.7"))
	_, err := c.Open(t.Context(), "")
	says(t, err, "several apps", "--app", "cart, shop")
	_, err = c.Open(t.Context(), "store")
	says(t, err, "no pods of an app store", "cart, shop")
	app, err := c.Open(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	if got := app.names(); !slices.Equal(got, []string{"shop-0", "shop-1", "shop-2"}) {
		t.Errorf("pods: %v", got)
	}
	if got := app.Alias(); !maps.Equal(got, map[string]string{"shop@10.0.0.7": "shop-0", "shop@10.0.0.8": "shop-1"}) {
		t.Errorf("nodes: %v", got)
	}
	if away := app.pods[2].away; away != "the pod is not scheduled: no node fits" {
		t.Errorf("the third is away for %q", away)
	}
	if apps, err := c.apps(t.Context()); err != nil || !slices.Equal(apps, []string{"cart", "shop"}) {
		t.Errorf("apps: %v, %v", apps, err)
	}
}

func TestNothingToOpen(t *testing.T) {
	var a api
	c := a.client(t)
	_, err := c.Open(t.Context(), "")
	says(t, err, "namespace prod has no pods")
	c.Namespace = "pord"
	_, err = c.Open(t.Context(), "")
	says(t, err, "there is no namespace pord", `"test"`)

	c = a.client(t, change(podOf("shop", "shop-0", "10.0.0.7"), func(p *corev1.Pod) { p.Labels = nil }))
	_, err = c.Open(t.Context(), "")
	says(t, err, "one pod, and it is not of an app that Phial deployed", "--selector")

	c = a.client(t, change(podOf("shop", "shop-0", "10.0.0.7"), func(p *corev1.Pod) { p.Spec.InitContainers = nil }))
	_, err = c.Open(t.Context(), "")
	says(t, err, "no agent", "Disabled", "--selector app.kubernetes.io/name=shop,app.kubernetes.io/component=node")

	c = a.client(t, change(podOf("shop", "shop-0", "10.0.0.7"), func(p *corev1.Pod) { p.Spec.InitContainers[0].Env[1].Value = "shop@127.0.0.1" }))
	_, err = c.Open(t.Context(), "")
	says(t, err, "no mesh", "Stateless")
}

// An agent that does not run is no error, where another does: it is one where none does.
func TestAgentsThatDoNotRun(t *testing.T) {
	var a api
	waits := func(p *corev1.Pod) {
		p.Status.Phase = corev1.PodPending
		p.Status.InitContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "back-off"}}
	}
	c := a.client(t, change(podOf("shop", "shop-0", "10.0.0.7"), waits))
	app, err := c.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := app.Look(t.Context())
	if err != nil || len(s.Findings) != 1 || s.Good() || len(s.Agents) != 1 || s.Agents[0].Phase != mesh.Stuck {
		t.Fatalf("%v: %+v", err, s)
	}
	says(t, errors.New(s.Findings[0].Cause), "shop-0 cannot start: ImagePullBackOff: back-off")
	tr := app.Trace(t.Context(), "shop@10.0.0.7", "shop@10.0.0.8")
	if s := tr.Steps[0]; s.State != mesh.Unseen || !strings.Contains(s.Evidence, "ImagePullBackOff") {
		t.Errorf("%+v", tr)
	}
}

func TestErrorsForPeople(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	cut := httptest.NewServer(nil)
	cut.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	at := func(host string) *Client {
		c, err := newClient(&rest.Config{Host: host}, "prod", "test")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	refusing := func(e *apierrors.StatusError) *Client {
		a := &api{refuse: e}
		return a.client(t)
	}
	for name, tt := range map[string]struct {
		c    *Client
		want []string
	}{
		"forbidden": {refusing(apierrors.NewForbidden(pods, "", errors.New(`User "ann" cannot list resource "pods" in API group "" in the namespace "prod"`))),
			[]string{"ann is not allowed to", "namespace prod", `"list" on "pods"`}},
		"unauthorized": {refusing(apierrors.NewUnauthorized("Unauthorized")), []string{"does not take the credentials", `"test"`, "expired"}},
		"unreachable":  {at(cut.URL), []string{"cannot be reached", "connection refused", `"test"`}},
		"authority":    {at(secure.URL), []string{"does not show the certificate", "unknown authority"}},
		"other":        {refusing(apierrors.NewInternalError(errors.New("etcd is full"))), []string{"could not list the pods", "etcd is full"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tt.c.Open(t.Context(), "")
			says(t, err, tt.want...)
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %v", err)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	const config = `apiVersion: v1
kind: Config
clusters: [{name: one, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: ann, user: {token: t}}]
contexts: [{name: one, context: {cluster: one, user: ann, namespace: shop}}, {name: two, context: {cluster: one, user: ann}}]
current-context: one
`
	path := kubeconfig(t, config)
	for _, tt := range []struct {
		f               Flags
		namespace, name string
	}{
		{Flags{Kubeconfig: path}, "shop", "one"},
		{Flags{Kubeconfig: path, Namespace: "cart"}, "cart", "one"},
		{Flags{Kubeconfig: path, Context: "two"}, "default", "two"},
	} {
		c, err := tt.f.Connect()
		if err != nil {
			t.Fatal(err)
		}
		if c.Namespace != tt.namespace || c.context != tt.name {
			t.Errorf("%+v: namespace %s of %s", tt.f, c.Namespace, c.context)
		}
	}
	_, err := (&Flags{Kubeconfig: path, Context: "three"}).Connect()
	says(t, err, `no context "three"`, "one, two")
	_, err = (&Flags{Kubeconfig: path + "-none"}).Connect()
	says(t, err, "no such file")
	_, err = (&Flags{Kubeconfig: kubeconfig(t, "{")}).Connect()
	says(t, err, "the kubeconfig cannot be used")
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for env, want := range map[string]string{
		"/nonexistent":         "$KUBECONFIG names /nonexistent, which is not there",
		"/nonexistent:/absent": "$KUBECONFIG names /nonexistent, /absent, which are not there",
	} {
		t.Setenv("KUBECONFIG", env)
		_, err = new(Flags).Connect()
		says(t, err, want, "--kubeconfig")
	}
	t.Setenv("KUBECONFIG", "")
	t.Setenv("HOME", t.TempDir())
	_, err = new(Flags).Connect()
	says(t, err, "no cluster to look at", "--kubeconfig")
}

func TestNodeOf(t *testing.T) {
	p := podOf("shop", "shop-0", "10.0.0.7")
	field := func(path string) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
	}
	p.Labels["team"] = "blue"
	for _, tt := range []struct {
		env  []corev1.EnvVar
		want string
	}{
		{[]corev1.EnvVar{{Name: "IP", ValueFrom: field("status.podIP")}, {Name: "RELEASE_NODE", Value: "shop@$(IP)"}}, "shop@10.0.0.7"},
		{[]corev1.EnvVar{{Name: "A", ValueFrom: field("metadata.name")}, {Name: "N", ValueFrom: field("metadata.namespace")},
			{Name: "RELEASE_NODE", Value: "shop@$(A).shop.$(N).svc.cluster.local"}}, "shop@shop-0.shop.prod.svc.cluster.local"},
		{[]corev1.EnvVar{{Name: "T", ValueFrom: field("metadata.labels['team']")}, {Name: "RELEASE_NODE", Value: "$(T)@a.b"}}, "blue@a.b"},
		{[]corev1.EnvVar{{Name: "RELEASE_NODE", Value: "shop@$(IP)"}, {Name: "IP", ValueFrom: field("status.podIP")}}, ""}, // not yet defined
		{[]corev1.EnvVar{{Name: "RELEASE_NODE", Value: "shop@$$(IP)"}}, ""},
		{[]corev1.EnvVar{{Name: "RELEASE_NODE", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{}}}}, ""},
		{nil, ""},
	} {
		if got := nodeOf(p, &corev1.Container{Env: tt.env}); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.env, got, tt.want)
		}
	}
	for in, want := range map[string]string{"$(A)-$(B)": "1-$(B)", "$$(A)": "$(A)", "a$": "a$", "$(A": "$(A", "$x": "$x", "": ""} {
		if got := expand(in, map[string]string{"A": "1"}); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestAgentOfWord(t *testing.T) {
	w := word{replica: replica{name: "shop-0", node: "shop@a.b"}, View: views.View{Ready: true, Status: "started", Booted: true, Cookie: "expected"}}
	if a := agentOfWord(w); a.Gate != report.GateOpen || a.Status != mesh.Started || a.Draining {
		t.Errorf("%+v", a)
	}
	w.health.phase = mesh.Leaving
	if a := agentOfWord(w); !a.Draining {
		t.Errorf("a pod that was told to stop: %+v", a)
	}
	w.err = errors.New("it does not run")
	if a := agentOfWord(w); a.Gate != report.GateUnknown || a.Reason != "it does not run" || a.Cookie != "unknown" {
		t.Errorf("%+v", a)
	}
}

// The best place to look from is one that sees most; nodes that nobody reaches because
// they are down do not make a place worse.
func TestPlaces(t *testing.T) {
	r := mesh.Report{Nodes: []mesh.ReportNode{{Name: "a@b.c", Reached: true}, {Name: "b@b.c"}, {Name: "c@b.c"}}}
	words := []word{{View: views.View{Node: "b@b.c", Booted: true}}, {View: views.View{Node: "c@b.c"}}}
	if n := away(r, words); n != 1 {
		t.Errorf("%d are there and were not reached", n)
	}
	good, silent := word{View: views.View{Booted: true}}, word{View: views.View{Booted: true, SilentSeconds: 3}}
	leaving := word{replica: replica{health: health{phase: mesh.Leaving}}, View: views.View{SilentSeconds: 3}}
	if rank(good) <= rank(silent) || rank(silent) <= rank(leaving) {
		t.Error("the order of places is wrong")
	}
}

func TestBounded(t *testing.T) {
	ended := false
	b := bounded{most: 4, full: func() { ended = true }}
	b.Write([]byte("abc"))
	if n, err := b.Write([]byte("def")); n != 1 || err == nil || !ended {
		t.Errorf("%d, %v", n, err)
	}
	if text, over := b.text(); string(text) != "abcd" || !over {
		t.Errorf("%q", text)
	}
	d := bounded{most: 4, drop: true}
	if n, err := d.Write([]byte("abcdef")); n != 6 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// Completion says nothing where it cannot ask.
func TestCompletionIsSilent(t *testing.T) {
	f := Flags{Kubeconfig: kubeconfig(t, "{")}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if got := f.CompletePods(ctx); got != nil {
		t.Errorf("%v", got)
	}
}

// Where a WebSocket does not pass, SPDY is tried: what only that asks for is what a
// person is told.
func TestExecFallsBack(t *testing.T) {
	var a api
	c := a.client(t, podOf("shop", "shop-0", "10.0.0.7"))
	app, err := c.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = app.Look(t.Context())
	says(t, err, "no agent of shop could be asked", "ann is not allowed to", `"create" on "pods/exec"`, "namespace prod")
	if !slices.Equal(a.execs, []string{http.MethodGet, http.MethodPost}) {
		t.Errorf("tried %v", a.execs)
	}
}
