package local

import (
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

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/kubetest"
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

const scoutSelector = "app.kubernetes.io/name=scout,app.kubernetes.io/component=node"

// scoutRights let the scouts read pods, and nothing else.
const scoutRights = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: scout, namespace: NAMESPACE}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: scout, namespace: NAMESPACE}
rules:
- {apiGroups: [""], resources: [pods], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: scout, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: scout}
subjects:
- {kind: ServiceAccount, name: scout, namespace: NAMESPACE}
`

// allow makes the scouts' service account in a namespace, with what it may do.
func (a *scoutAPI) allow(t *testing.T, namespace string) {
	t.Helper()
	kube := a.cluster(t)
	if err := kube.Namespace(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	if _, err := kube.Apply(t.Context(), []byte(strings.ReplaceAll(scoutRights, "NAMESPACE", namespace)), false); err != nil {
		t.Fatal(err)
	}
}

// deny takes the right to read pods away: the API server answers with 403.
func (a *scoutAPI) deny(t *testing.T, namespace string) {
	t.Helper()
	path := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/rolebindings/scout"
	if _, _, err := a.cluster(t).Do(t.Context(), http.MethodDelete, path, "", nil); err != nil {
		t.Fatal(err)
	}
}

// account makes the directory of a service account that would be mounted into the pods,
// and gives the environment that leads there.
func (a *scoutAPI) account(t *testing.T, namespace string) []string {
	t.Helper()
	kube, ctx := a.cluster(t), t.Context()
	path := "/api/v1/namespaces/" + namespace + "/serviceaccounts/scout/token"
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
	// By name, as libcluster does: OTP holds a certificate against names.
	url := strings.Replace(kube.URL, "127.0.0.1", "localhost", 1)
	return []string{"SCOUT_API=" + url, "SCOUT_ACCOUNT=" + dir, "SCOUT_SELECTOR=" + scoutSelector}
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

// pods makes a Pod for each replica, as its controller and its kubelet would leave it,
// and one of another app, which nobody should dial.
func (a *scoutAPI) pods(t *testing.T, replicas []Pod, namespace string, i beam.Identity) {
	t.Helper()
	for _, r := range replicas {
		hostname := ""
		if i == beam.IdentityStable {
			hostname = fmt.Sprintf("hostname: %s, subdomain: scout-headless, ", r.Name)
		}
		a.pod(t, namespace, r.Name, "scout", r.IP, hostname)
	}
	a.pod(t, namespace, "other-0", "other", "127.77.251.1", "hostname: other-0, subdomain: other-headless, ")
}

func (a *scoutAPI) pod(t *testing.T, namespace, name, app, ip, hostname string) {
	t.Helper()
	kube, ctx := a.cluster(t), t.Context()
	object := fmt.Appendf(nil, `
apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: %s
  labels: {app.kubernetes.io/name: %s, app.kubernetes.io/component: node}
spec: {%scontainers: [{name: app, image: "%[3]s:1.0.0"}]}
`, name, namespace, app, hostname)
	if _, err := kube.Apply(ctx, object, false); err != nil {
		t.Fatal(err)
	}
	path := "/api/v1/namespaces/" + namespace + "/pods/" + name + "/status"
	status := fmt.Appendf(nil, `{"status": {"podIP": %q, "podIPs": [{"ip": %[1]q}]}}`, ip)
	if _, _, err := kube.Do(ctx, http.MethodPatch, path, "application/merge-patch+json", status); err != nil {
		t.Fatal(err)
	}
}
