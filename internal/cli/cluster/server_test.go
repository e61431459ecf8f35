package cluster

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/phialdev/phial/internal/plan"
)

// api is an API server of a few pods: the client's own requests reach it over HTTP.
type api struct {
	mu      sync.Mutex
	pods    map[string]*corev1.Pod
	events  []corev1.Event
	log     string
	refuse  *apierrors.StatusError // whatever is asked
	started func(*corev1.Pod)      // how a pod that was made goes on, at each look at it
	removed []string
	execs   []string // methods by which a command was to be run; each is refused

	policies   []networkingv1.NetworkPolicy
	noPolicies bool // who asks may not list them
}

// eventsOf gives the events of the pod that a field selector names; one that names no pod
// is of every pod.
func (a *api) eventsOf(selector string) (some []corev1.Event) {
	for _, e := range a.events {
		if e.InvolvedObject.Name == "" || strings.Contains(selector+",", "involvedObject.name="+e.InvolvedObject.Name+",") {
			some = append(some, e)
		}
	}
	return some
}

func (a *api) answerPolicies(w http.ResponseWriter) {
	if a.noPolicies {
		status := apierrors.NewForbidden(schema.GroupResource{Resource: "networkpolicies"}, "", errors.New(`User "ann" cannot list resource "networkpolicies"`)).ErrStatus
		status.TypeMeta = kind("Status")
		answer(w, http.StatusForbidden, status)
		return
	}
	answer(w, http.StatusOK, networkingv1.NetworkPolicyList{Items: a.policies})
}

func (a *api) client(t *testing.T, pods ...*corev1.Pod) *Client {
	t.Helper()
	a.pods = map[string]*corev1.Pod{}
	for _, p := range pods {
		a.pods[p.Name] = p
	}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	c, err := newClient(&rest.Config{Host: srv.URL}, "prod", "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/exec") {
		a.execs = append(a.execs, r.Method)
		status := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "shop-0", errors.New(`User "ann" cannot create resource "pods/exec" in API group ""`)).ErrStatus
		status.TypeMeta = kind("Status")
		answer(w, http.StatusForbidden, status)
		return
	}
	if a.refuse != nil {
		status := a.refuse.ErrStatus
		status.TypeMeta = kind("Status")
		answer(w, int(status.Code), status)
		return
	}
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/"), "/")
	switch {
	case strings.HasSuffix(r.URL.Path, "/networkpolicies"):
		a.answerPolicies(w)
	case len(path) == 1 && path[0] == "prod":
		answer(w, http.StatusOK, corev1.Namespace{TypeMeta: kind("Namespace")})
	case path[0] != "prod" && strings.HasSuffix(r.URL.Path, "/pods"):
		answer(w, http.StatusOK, corev1.PodList{TypeMeta: kind("PodList")})
	case len(path) == 3 && r.Method == http.MethodDelete:
		a.removed = append(a.removed, path[2])
		delete(a.pods, path[2])
		answer(w, http.StatusOK, metav1.Status{TypeMeta: kind("Status"), Status: metav1.StatusSuccess})
	case len(path) == 2 && r.Method == http.MethodPost:
		var p corev1.Pod
		json.NewDecoder(r.Body).Decode(&p)
		a.pods[p.Name] = &p
		answer(w, http.StatusCreated, p)
	case len(path) == 2 && path[1] == "pods":
		answer(w, http.StatusOK, a.list(r.URL.Query()))
	case len(path) == 2 && path[1] == "events":
		answer(w, http.StatusOK, corev1.EventList{TypeMeta: kind("EventList"), Items: a.eventsOf(r.URL.Query().Get("fieldSelector"))})
	case len(path) == 4 && path[3] == "log":
		w.Write([]byte(a.log))
	case len(path) == 3 && a.pods[path[2]] != nil:
		p := a.pods[path[2]]
		if a.started != nil {
			a.started(p)
		}
		answer(w, http.StatusOK, p)
	default:
		status := apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, path[len(path)-1]).ErrStatus
		status.TypeMeta = kind("Status")
		answer(w, http.StatusNotFound, status)
	}
}

// list gives one pod a page.
func (a *api) list(q url.Values) corev1.PodList {
	out := corev1.PodList{TypeMeta: kind("PodList")}
	selector, err := labels.Parse(q.Get("labelSelector"))
	if err != nil {
		return out
	}
	for _, name := range sortedKeys(a.pods) {
		p := a.pods[name]
		switch {
		case name <= q.Get("continue") || !selector.Matches(labels.Set(p.Labels)):
		case len(out.Items) > 0:
			out.Continue = out.Items[0].Name
			return out
		default:
			out.Items = append(out.Items, *p)
		}
	}
	return out
}

func kind(name string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: "v1", Kind: name} }

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

// podOf is a pod of an app that Phial deployed, whose agent runs.
func podOf(app, name, ip string) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: kind("Pod"),
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "prod", Labels: map[string]string{
			plan.LabelName: app, plan.LabelComponent: plan.ComponentNode, plan.LabelManagedBy: plan.ManagedBy}},
		Spec: corev1.PodSpec{InitContainers: []corev1.Container{{Name: plan.ContainerAgent, Env: []corev1.EnvVar{
			{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
			{Name: "RELEASE_NODE", Value: app + "@$(POD_IP)"},
		}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip, InitContainerStatuses: []corev1.ContainerStatus{
			{Name: plan.ContainerAgent, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}},
	}
}

func kubeconfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// says fails the test where an error does not say something.
func says(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if err == nil || !strings.Contains(err.Error(), p) {
			t.Errorf("the error does not say %q: %v", p, err)
		}
	}
}
