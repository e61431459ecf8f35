package kubetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/testkit"
)

// appImage is the program of testdata/app.
const appImage = "localhost/app:1"

// app builds its image once, for all nodes of the tests.
var app = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "phial-app-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "app")
	if _, err := testkit.Go(context.Background(), ".", "build", "-trimpath", "-o", program, "testdata/app/main.go"); err != nil {
		return nil, err
	}
	var tarball bytes.Buffer
	err = WriteImage(&tarball, appImage, program)
	return tarball.Bytes(), err
})

// withApp gives the shared node, with app's image in it and a namespace that ends with the test.
func withApp(t *testing.T, namespace string) *Node {
	t.Helper()
	n := SharedNode(t)
	importApp(t, n)
	if err := n.Namespace(within(t), namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, _, err := n.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "namespace", namespace, "--wait=false"); err != nil {
			t.Error(err)
		}
	})
	return n
}

func importApp(t *testing.T, n *Node) {
	t.Helper()
	tarball, err := app()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Import(within(t), bytes.NewReader(tarball)); err != nil {
		t.Fatal(err)
	}
}

// workload is a Deployment of app with Services; NAME and NS are to be replaced.
const workload = `apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: NS}
spec:
  replicas: 1
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: app
        image: localhost/app:1
        imagePullPolicy: Never
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
        livenessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1, failureThreshold: 3}
---
apiVersion: v1
kind: Service
metadata: {name: NAME, namespace: NS}
spec:
  selector: {app: NAME}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: v1
kind: Service
metadata: {name: NAME-all, namespace: NS}
spec:
  clusterIP: None
  selector: {app: NAME}
  ports: [{name: http, port: 8080}]
`

// run applies workloads and gives the addresses of their pods, which are ready.
func run(t *testing.T, n *Node, namespace string, replicas int, names ...string) [][]string {
	t.Helper()
	var all [][]string
	for _, name := range names {
		stream := strings.NewReplacer("NAME", name, "NS", namespace, "replicas: 1", fmt.Sprint("replicas: ", replicas)).Replace(workload)
		if _, err := n.Apply(within(t), []byte(stream), false); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		all = append(all, podIPs(t, n, namespace, name, replicas))
	}
	return all
}

func podIPs(t *testing.T, n *Node, namespace, name string, replicas int) (ips []string) {
	t.Helper()
	err := testkit.Poll(within(t), func() (bool, error) {
		answer, err := n.Get(t.Context(), "/api/v1/namespaces/"+namespace+"/pods?labelSelector="+url.QueryEscape("app="+name))
		if err != nil {
			return true, err
		}
		var list struct{ Items []json.RawMessage }
		if err := json.Unmarshal(answer, &list); err != nil {
			return true, err
		}
		ips = nil
		for _, item := range list.Items {
			var pod struct{ Status struct{ PodIP string } }
			if err := json.Unmarshal(item, &pod); err != nil {
				return true, err
			}
			if err = ready(item); err != nil {
				return false, err
			}
			ips = append(ips, pod.Status.PodIP)
		}
		return len(ips) == replicas, fmt.Errorf("%d pods of %s are ready, of %d", len(ips), name, replicas)
	})
	if len(ips) != replicas {
		t.Fatal(err)
	}
	return ips
}

// ask has the app at an address do something.
func ask(ctx context.Context, address, path, arg string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patient(5*time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path+"?arg="+url.QueryEscape(arg), nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(body)))
	}
	return string(body), err
}

// becomes waits until the app at a pod's address gets an answer, or none, to what it is asked to do.
func becomes(t *testing.T, works bool, ip, path, arg string) (answer string) {
	t.Helper()
	err := testkit.Poll(within(t), func() (bool, error) {
		var err error
		answer, err = ask(t.Context(), ip+":8080", path, arg)
		if (err == nil) == works {
			return true, nil
		}
		return false, fmt.Errorf("%s %s from %s: %q, %w", path, arg, ip, answer, err)
	})
	if err != nil {
		t.Fatalf("it was to work: %v; and still: %v", works, err)
	}
	return answer
}

// counts waits until the answer of the app at a pod's address holds something so many times.
func counts(t *testing.T, want int, ip, path, arg, what string) {
	t.Helper()
	if err := testkit.Poll(within(t), func() (bool, error) {
		got, err := ask(t.Context(), ip+":8080", path, arg)
		if err == nil && strings.Count(got, what) != want {
			err = fmt.Errorf("%s %s: %q, and not %d of %s", path, arg, got, want, what)
		}
		return err == nil, err
	}); err != nil {
		t.Error(err)
	}
}

// Pods run, find each other by name, and are reached as they are in any cluster.
func TestNodeRunsPods(t *testing.T) {
	n := withApp(t, "pods")
	t.Logf("%s; cgroups v%d", n.Times(), n.CgroupVersion())
	start := time.Now()
	pods := run(t, n, "pods", 3, "web")[0]
	t.Logf("three replicas are ready after %.1f s", time.Since(start).Seconds())

	// Names, in a pod by the short form and on the host by the whole.
	// The name server hears of the last replica a moment later than the API server.
	counts(t, 3, pods[0], "/lookup", "web-all", "198.18.")
	counts(t, 3, pods[0], "/srv", "_http._tcp.web-all.pods.svc.cluster.local", ".web-all.pods.svc.cluster.local.:8080")
	dashed := strings.ReplaceAll(pods[1], ".", "-") + ".pods.pod.cluster.local"
	if got := becomes(t, true, pods[0], "/lookup", dashed); got != pods[1] {
		t.Errorf("%s is %q", dashed, got)
	}
	if got, err := ask(t.Context(), pods[0]+":8080", "/lookup", "nobody.example.com"); err == nil || !strings.Contains(err.Error(), "no such host") {
		t.Errorf("a name that is not: %q, %v", got, err)
	}
	// ClusterIPs, from a pod and from the host.
	if got := becomes(t, true, pods[0], "/get", "http://web/"); !strings.HasPrefix(got, "web-") {
		t.Errorf("http://web/ says %q", got)
	}
	vip, err := n.Resolver().LookupHost(within(t), "web.pods.svc.cluster.local")
	if err != nil || len(vip) != 1 {
		t.Fatalf("the host finds %v, %v", vip, err)
	}
	if got, err := ask(t.Context(), vip[0]+":80", "/", ""); err != nil || !strings.HasPrefix(got, "web-") {
		t.Errorf("the host asks the ClusterIP: %q, %v", got, err)
	}

	name := podName(t, n, "pods", "web")
	for _, test := range []struct {
		want string
		args []string
	}{
		{"hello from within", []string{"exec", "-n", "pods", name, "--", "/app", "hello", "from", "within"}},
		{"serving", []string{"logs", "-n", "pods", name}},
	} {
		out, _, err := n.Kubectl(within(t), nil, test.args...)
		if strings.TrimSpace(string(out)) != test.want {
			t.Errorf("kubectl %v: %q, %v", test.args, out, err)
		}
	}
	pid, err := n.ContainerPID(within(t), "pods", name, "app")
	if err != nil {
		t.Fatal(err)
	}
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || exe != "/app" {
		t.Errorf("process %d runs %q, %v", pid, exe, err)
	}
	if _, err := n.ContainerPID(within(t), "pods", name, "other"); err == nil {
		t.Error("a container that is not has a process")
	}
}

func podName(t *testing.T, n *Node, namespace, app string) string {
	t.Helper()
	out, _, err := n.Kubectl(within(t), nil, "get", "pods", "-n", namespace, "-l", "app="+app, "-o", "jsonpath={.items[0].metadata.name}")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// A probe that fails has kubelet start the container anew.
func TestNodeProbes(t *testing.T) {
	n := withApp(t, "probes")
	run(t, n, "probes", 1, "web")
	name := podName(t, n, "probes", "web")
	pid, err := n.ContainerPID(within(t), "probes", name, "app")
	if err != nil {
		t.Fatal(err)
	}
	// Stopped, it holds its port and answers nobody.
	if err := exec.Command("kill", "-STOP", fmt.Sprint(pid)).Run(); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Poll(within(t), func() (bool, error) {
		again, err := n.ContainerPID(t.Context(), "probes", name, "app")
		if err == nil && again == pid {
			err = errors.New("it is still the same process")
		}
		return err == nil, err
	}); err != nil {
		t.Fatal(err)
	}
}

// A container that takes more memory than it may is killed, and the pod says why.
func TestNodeLimitsMemory(t *testing.T) {
	n := withApp(t, "memory")
	limited := strings.NewReplacer("NAME", "web", "NS", "memory", "name: app\n", "name: app\n        resources: {limits: {memory: 64Mi}}\n").Replace(workload)
	if _, err := n.Apply(within(t), []byte(limited), false); err != nil {
		t.Fatal(err)
	}
	ip := podIPs(t, n, "memory", "web", 1)[0]
	if got, err := ask(t.Context(), ip+":8080", "/eat", ""); err == nil {
		t.Errorf("it ate all it wanted: %q", got)
	}
	if err := testkit.Poll(within(t), func() (bool, error) {
		out, _, err := n.Kubectl(t.Context(), nil, "get", "pods", "-n", "memory", "-l", "app=web", "-o", "jsonpath={.items[0].status.containerStatuses[0].lastState.terminated.reason}")
		if err == nil && string(out) != "OOMKilled" {
			err = fmt.Errorf("it ended for the reason %q", out)
		}
		return err == nil, err
	}); err != nil {
		t.Error(err)
	}
}

func TestNodeEvidence(t *testing.T) {
	n := withApp(t, "evidence")
	run(t, n, "evidence", 1, "web")
	dir := t.TempDir()
	if err := n.SaveEvidence(within(t), dir); err != nil {
		t.Error(err)
	}
	for file, want := range map[string]string{
		"kubelet.log": "web-", "kube-apiserver.log": "", "events.txt": "Started container app", "descriptions.txt": "Liveness:",
		"nft.txt": "table inet phial-policies", "objects.txt": "deployment.apps/web", "pods/evidence_web-*/app/0.log": "serving",
	} {
		found, err := filepath.Glob(filepath.Join(dir, file))
		if err != nil || len(found) != 1 {
			t.Errorf("%s: found %v, %v", file, found, err)
			continue
		}
		if text, err := os.ReadFile(found[0]); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s does not say %q (%v)", file, want, err)
		}
	}
	if log, err := n.Logs("kube-proxy"); err != nil || len(log) == 0 {
		t.Errorf("kube-proxy's log: %d bytes, %v", len(log), err)
	}
}
