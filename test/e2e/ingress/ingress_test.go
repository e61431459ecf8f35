package ingress

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/testkit"
)

// The controller, with the rights of its manifest and no others, sends requests to whatever is ready behind an Ingress's
// Service, and follows when that changes. Pods are played: this needs an API server and no node.
func TestFollowsEndpoints(t *testing.T) {
	c := kubetest.Start(t)
	program, err := Prepare(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, c, "apiVersion: v1\nkind: Namespace\nmetadata: {name: edge}\n")
	manifest, err := Manifest("edge", "localhost/skipper:1")
	if err != nil {
		t.Fatal(err)
	}
	apply(t, c, string(manifest))
	apply(t, c, `
apiVersion: v1
kind: Service
metadata: {name: tally, namespace: default}
spec: {selector: {app: tally}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: tally, namespace: default}
spec:
  rules:
  - host: tally.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: tally, port: {name: http}}}}]}
`)
	url := controller(t, c, program)
	old, recent := backend(t, "old"), backend(t, "recent")
	for _, step := range []struct {
		at     *net.TCPAddr
		ready  bool
		answer string
	}{
		{old, true, "200 old tally.test"},
		{recent, true, "200 recent tally.test"},
		{recent, false, "502 no endpoints"},
	} {
		apply(t, c, slice(step.at, step.ready))
		began := time.Now()
		await(t, url, step.answer)
		t.Logf("%q after %s", step.answer, time.Since(began).Round(time.Millisecond))
	}
}

// await asks until the answer is as wanted.
func await(t *testing.T, url, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := testkit.Poll(ctx, func() (bool, error) {
		got, err := ask(ctx, url)
		if err == nil && got != want {
			err = fmt.Errorf("answered %q, want %q", got, want)
		}
		return err == nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func apply(t *testing.T, c *kubetest.Cluster, stream string) {
	t.Helper()
	all, err := c.Apply(t.Context(), []byte(stream), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if len(a.Warnings) > 0 {
			t.Errorf("%s %s: %v", a.Kind, a.Name, a.Warnings)
		}
	}
}

// slice is what the endpoints controller writes of two pods: one that is ready or on its way out, and one that is on its
// way out in any case, at an address where nobody answers.
func slice(a *net.TCPAddr, ready bool) string {
	return fmt.Sprintf(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: tally, namespace: default, labels: {kubernetes.io/service-name: tally}}
addressType: IPv4
ports: [{name: http, port: %d, protocol: TCP}]
endpoints:
- {addresses: [%q], conditions: {ready: %t, serving: true, terminating: %t}}
- {addresses: [198.51.100.9], conditions: {ready: false, serving: true, terminating: true}}
`, a.Port, a.IP, ready, !ready)
}

// backend answers with its name and the host that it was asked for. An endpoint's address may not be a loopback's.
func backend(t *testing.T, name string) *net.TCPAddr {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, name+" "+r.Host)
	}))
	l, err := net.Listen("tcp4", net.JoinHostPort(ownAddress(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return l.Addr().(*net.TCPAddr)
}

func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address but its loopback's, which no endpoint may have")
	return ""
}

// controller runs skipper as in the cluster, but that it is told where the API server is, and gives where it listens.
func controller(t *testing.T, c *kubetest.Cluster, program Program) string {
	t.Helper()
	dir := t.TempDir()
	token, _, err := c.Kubectl(t.Context(), nil, "create", "token", Name, "--namespace=edge")
	if err != nil {
		t.Fatal(err)
	}
	tokenFile, caFile := filepath.Join(dir, "token"), filepath.Join(dir, "ca.crt")
	os.WriteFile(tokenFile, bytes.TrimSpace(token), 0o600)
	os.WriteFile(caFile, authority(t, c), 0o600)

	address, support := freeAddress(t), freeAddress(t)
	args := slices.DeleteFunc(arguments(), func(a string) bool { return strings.HasPrefix(a, "-address=") })
	args = append(args, "-address="+address, "-support-listener="+support, "-kubernetes-url="+c.URL, "-kubernetes-token-file="+tokenFile)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, program.Path, args...)
	cmd.Env = []string{"SSL_CERT_FILE=" + caFile}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	var ended sync.WaitGroup
	ended.Go(func() { testkit.Supervised(cmd, cmd.Run) })
	t.Cleanup(func() {
		cancel()
		ended.Wait()
		if t.Failed() {
			t.Logf("skipper said:\n%s", said.Bytes())
		}
	})
	return "http://" + address
}

// authority is the certificate by which the API server is known.
func authority(t *testing.T, c *kubetest.Cluster) []byte {
	t.Helper()
	text, err := os.ReadFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Data string `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	pem, err := base64.StdEncoding.DecodeString(config.Clusters[0].Cluster.Data)
	if err != nil {
		t.Fatal(err)
	}
	return pem
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ask gives the status and the body of an answer.
func ask(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Host = "tally.test"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, body), err
}
