package cluster

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/report"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// aPod is a pod as the plan makes them, of the image that each node has.
const aPod = `apiVersion: v1
kind: Pod
metadata:
  name: %[1]s
  labels: {app.kubernetes.io/name: %[1]s, app.kubernetes.io/component: node, app.kubernetes.io/managed-by: phial}
spec:
  terminationGracePeriodSeconds: 1
  initContainers:
  - {name: phial-agent, image: "localhost/pause:1", imagePullPolicy: Never, restartPolicy: Always, env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}, {name: RELEASE_NODE, value: %[1]s@$(POD_IP)}]}
  containers: [{name: app, image: "localhost/pause:1", imagePullPolicy: Never}]
`

// A kubelet and a scheduler in their own words: each pod that does not start is one finding,
// which says what is missing.
func TestRealPodsThatDoNotStart(t *testing.T) {
	n := kubetest.StartNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := n.Namespace(ctx, "prod"); err != nil {
		t.Fatal(err)
	}
	in := func(old, with string) func(string) string {
		return func(pod string) string { return strings.Replace(pod, old, with, 1) }
	}
	mount := func(volume string) func(string) string {
		return func(pod string) string {
			mounted := strings.Replace(pod, "restartPolicy: Always", "restartPolicy: Always, volumeMounts: [{name: phial-cookie, mountPath: /cookie}]", 1)
			return mounted + "  volumes: [{name: phial-cookie, secret: {" + volume + "}}]\n"
		}
	}
	app := `containers: [{name: app, image: "localhost/pause:1", imagePullPolicy: Never`
	cases := []struct {
		name   string
		change func(string) string
		says   []string
	}{
		{"runs", in("", ""), nil},
		{"cookie", mount("secretName: no-cookie"), []string{`secret "no-cookie" not found`, "kubectl create secret generic no-cookie --namespace prod"}},
		{"key", mount("secretName: there, items: [{key: none, path: none}]"), []string{"references non-existent secret key: none", "give the Secret there in namespace prod the key none"}},
		{"env", in(app, app+", envFrom: [{secretRef: {name: no-env}}]"), []string{`CreateContainerConfigError: secret "no-env" not found`, "make the Secret no-env in namespace prod"}},
		{"image", in(app, `containers: [{name: app, image: "localhost:1/none:1"`), []string{"localhost:1/none:1", "imagePullSecrets"}},
		{"program", in(app, app+", command: [/none]"), []string{"/none"}},
		{"room", in(app, app+`, resources: {requests: {memory: 900Gi}}`), []string{"is not scheduled: 0/1 nodes are available", "requests"}},
	}
	var stream strings.Builder
	stream.WriteString("apiVersion: v1\nkind: Secret\nmetadata: {name: there}\n")
	for _, c := range cases {
		stream.WriteString("---\n" + c.change(fmt.Sprintf(aPod, c.name)))
	}
	if _, stderr, err := n.Kubectl(ctx, []byte(stream.String()), "apply", "--server-side", "-n", "prod", "-f", "-"); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	client, err := (&Flags{Kubeconfig: n.Kubeconfig, Namespace: "prod"}).Connect()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var f finding.Finding
			for {
				app, err := client.Open(ctx, c.name)
				if err != nil {
					t.Fatal(err)
				}
				if c.says == nil && app.pods[0].health.phase == mesh.Counts {
					return
				}
				s, err := app.Look(ctx) // nobody is in there that could be asked
				if f = first(s); c.says != nil && err == nil && contains(f, c.says) {
					if s.Agents[0].Phase != mesh.Stuck || len(s.Findings) != 1 {
						t.Errorf("%+v", s)
					}
					break
				}
				select {
				case <-ctx.Done():
					t.Fatalf("after a while: %v, %+v", err, f)
				case <-time.After(probeAgain):
				}
			}
			t.Logf("%s; %s", f.Cause, f.Fix)
		})
	}
}

func first(s report.Sight) (f finding.Finding) {
	if len(s.Findings) > 0 {
		f = s.Findings[0]
	}
	return f
}

func contains(f finding.Finding, parts []string) bool {
	return f.Code == finding.PodStuck && !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(f.Cause+f.Fix, p) })
}

// The API server's own NetworkPolicies, as whoever looks may list them.
func TestRealPolicies(t *testing.T) {
	c := kubetest.Shared(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Namespace(ctx, "walled"); err != nil {
		t.Fatal(err)
	}
	const policies = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: walls}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: shop}}
  ingress:
  - {from: [{podSelector: {matchLabels: {app.kubernetes.io/name: shop}}}], ports: [{port: 4369}, {port: 9100, endPort: 9107}]}
  - {ports: [{port: 4000}]}
`
	if _, stderr, err := c.Kubectl(ctx, []byte(policies), "apply", "--server-side", "-n", "walled", "-f", "-"); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	client, err := (&Flags{Kubeconfig: c.Kubeconfig, Namespace: "walled"}).Connect()
	if err != nil {
		t.Fatal(err)
	}
	all, err := client.policies(ctx)
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	pod, looker := podOf("shop", "shop-0", "10.0.0.7"), podOf("phial-probe", "phial-probe-1", "10.0.0.8")
	for port, want := range map[int]mesh.Tri{4369: mesh.No, 9104: mesh.No, 4000: mesh.Yes} {
		if got := into(all, pod, looker, port); got.let != want || got.names[0] != "walls" {
			t.Errorf("port %d: %+v, want %v", port, got, want)
		}
		if got := into(all, pod, podOf("shop", "shop-1", "10.0.0.9"), port); got.let != mesh.Yes {
			t.Errorf("port %d of its like: %+v", port, got)
		}
		if got := outOf(all, looker, pod, port); got.let != mesh.Yes || len(got.names) > 0 {
			t.Errorf("port %d, on its way out: %+v", port, got)
		}
	}
}
