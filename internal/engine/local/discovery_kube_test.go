package local

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/plan"
)

// scoutAPI is a real API server for the scouts that ask one. The first of them starts it,
// and it ends with the test of them all.
type scoutAPI struct {
	tb   testing.TB
	once sync.Once
	kube *kubetest.Cluster
	err  error
}

func (a *scoutAPI) cluster(t *testing.T) *kubetest.Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a real Kubernetes API server, and -short was asked for")
	}
	a.once.Do(func() {
		if a.kube, a.err = kubetest.Run(context.WithoutCancel(t.Context())); a.err == nil {
			a.tb.Cleanup(func() {
				if err := a.kube.Close(); err != nil {
					a.tb.Error(err)
				}
			})
		}
	})
	if a.err != nil {
		t.Fatal(a.err)
	}
	return a.kube
}

// allow makes the service account of the plan's pods, with what the plan lets it do.
func (a *scoutAPI) allow(t *testing.T, p *plan.Plan) {
	t.Helper()
	if err := a.cluster(t).Namespace(t.Context(), p.App.Namespace); err != nil {
		t.Fatal(err)
	}
	a.apply(t, p.ServiceAccount, p.Role, p.RoleBinding)
}

// deny takes the right to list pods away: the API server answers with 403.
func (a *scoutAPI) deny(t *testing.T, p *plan.Plan) {
	t.Helper()
	path := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + p.App.Namespace + "/rolebindings/" + p.RoleBinding.Name
	if _, _, err := a.cluster(t).Do(t.Context(), http.MethodDelete, path, "", nil); err != nil {
		t.Fatal(err)
	}
}

func (a *scoutAPI) apply(t *testing.T, objects ...plan.Object) {
	t.Helper()
	var stream bytes.Buffer
	if err := plan.Encode(&stream, objects); err != nil {
		t.Fatal(err)
	}
	if _, err := a.cluster(t).Apply(t.Context(), stream.Bytes(), false); err != nil {
		t.Fatal(err)
	}
}

// account makes the directory of a service account that would be mounted into the pods,
// and gives the environment that leads there.
func (a *scoutAPI) account(t *testing.T, p *plan.Plan) []string {
	t.Helper()
	kube, ctx := a.cluster(t), t.Context()
	path := "/api/v1/namespaces/" + p.App.Namespace + "/serviceaccounts/" + p.PodTemplate().Spec.ServiceAccountName + "/token"
	body := []byte(`{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}`)
	answer, _, err := kube.Do(ctx, http.MethodPost, path, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	var request struct{ Status struct{ Token string } }
	if err := json.Unmarshal(answer, &request); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{"token": []byte(request.Status.Token), "ca.crt": authorityOf(t, kube)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	selector := plan.LabelName + "=" + p.App.Name + "," + plan.LabelComponent + "=" + plan.ComponentNode
	// By name, as libcluster does: OTP holds a certificate against names.
	url := strings.Replace(kube.URL, "127.0.0.1", "localhost", 1)
	return []string{"SCOUT_API=" + url, "SCOUT_ACCOUNT=" + dir, "SCOUT_SELECTOR=" + selector}
}

var authorityData = regexp.MustCompile(`certificate-authority-data: ([A-Za-z0-9+/=]+)`)

func authorityOf(t *testing.T, kube *kubetest.Cluster) []byte {
	t.Helper()
	config, err := os.ReadFile(kube.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	m := authorityData.FindSubmatch(config)
	if m == nil {
		t.Fatal("the kubeconfig names no authority")
	}
	pem, err := base64.StdEncoding.DecodeString(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return pem
}

// pods makes a Pod of the plan's template for each replica, as its controller and its
// kubelet would leave it, and one of another app, which nobody should dial.
func (a *scoutAPI) pods(t *testing.T, p *plan.Plan, replicas []Pod) {
	t.Helper()
	for _, r := range replicas {
		a.pod(t, p, r.Name, p.App.Name, r.IP)
	}
	a.pod(t, p, "other-0", "other", "127.77.251.1")
}

func (a *scoutAPI) pod(t *testing.T, p *plan.Plan, name, app, ip string) {
	t.Helper()
	template := p.PodTemplate().DeepCopy()
	pod := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Name, pod.Namespace = name, p.App.Namespace
	pod.Labels[plan.LabelName] = app
	if set := p.StatefulSet; set != nil { // whose controller does this
		pod.Spec.Hostname, pod.Spec.Subdomain = name, set.Spec.ServiceName
	}
	a.apply(t, pod)
	path := "/api/v1/namespaces/" + pod.Namespace + "/pods/" + name + "/status"
	status := fmt.Appendf(nil, `{"status": {"podIP": %q, "podIPs": [{"ip": %[1]q}]}}`, ip)
	if _, _, err := a.cluster(t).Do(t.Context(), http.MethodPatch, path, "application/merge-patch+json", status); err != nil {
		t.Fatal(err)
	}
}
