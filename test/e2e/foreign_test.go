package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/test/e2e/stage"
)

// cart is an app that somebody wrote manifests for by hand: a Deployment whose nodes
// take their names from a script in the image, and a StatefulSet that names them in its
// environment. Nothing connects them.
const cart = `apiVersion: v1
kind: Secret
metadata: {name: cart}
data: {erlang: %[2]s}
---
apiVersion: v1
kind: Service
metadata: {name: stock}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: stock}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: app
        image: %[1]s
        imagePullPolicy: Never
        readinessProbe: {tcpSocket: {port: 4000}, periodSeconds: 1}
        env:
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: RELEASE_COOKIE, valueFrom: {secretKeyRef: {name: cart, key: erlang}}}
        - {name: PHIAL_COOKIE_FILE, value: /none}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: stock}
spec:
  replicas: 2
  serviceName: stock
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: stock}}
  template:
    metadata: {labels: {app: stock}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: app
        image: %[1]s
        imagePullPolicy: Never
        readinessProbe: {tcpSocket: {port: 4000}, periodSeconds: 1}
        env:
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: RELEASE_DISTRIBUTION, value: name}
        - {name: RELEASE_NODE, value: tally@$(POD_NAME).stock.%[3]s.svc.cluster.local}
        - {name: RELEASE_COOKIE, valueFrom: {secretKeyRef: {name: cart, key: erlang}}}
        - {name: PHIAL_COOKIE_FILE, value: /none}
`

// foreigners deploys cart, in a namespace of its own, and gives its cookie.
func foreigners(t *testing.T, s *stage.Stage) (a *stage.App, cookie string) {
	t.Helper()
	a, cookie = &stage.App{Stage: s, Namespace: "e2e-foreign", Name: "cart"}, rand.Text()
	if err := s.Namespace(t.Context(), a.Namespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if err := a.Remove(ctx); err != nil {
			t.Error(err)
		}
	})
	text := fmt.Sprintf(cart, ready.image, base64.StdEncoding.EncodeToString([]byte(cookie)), a.Namespace)
	if _, _, err := a.Kubectl(t.Context(), []byte(text), "apply", "-n", a.Namespace, "-f", "-"); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"deployment/cart", "statefulset/stock"} {
		if _, _, err := a.Kubectl(t.Context(), nil, "rollout", "status", "-n", a.Namespace, what, "--timeout=2m"); err != nil {
			t.Fatal(err)
		}
	}
	return a, cookie
}

// noProbe fails the test where a pod that looks is left.
func noProbe(t *testing.T, a *stage.App) {
	t.Helper()
	await(t, "no pod that looks is left", 20*time.Second, func(ctx context.Context) error {
		out, _, err := a.Kubectl(ctx, nil, "get", "pods", "-n", a.Namespace, "-l", "phial.dev/probe", "-o", "name")
		if err == nil && len(out) > 0 {
			err = fmt.Errorf("there is %s", out)
		}
		return err
	})
}

// `phial mesh --selector` of pods that Phial did not deploy, by a pod that is always
// removed.
func TestCLIForeign(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a, cookie := foreigners(t, s)
	// Pods that a restricted namespace refuses are none of ours.
	if _, _, err := a.Do(t.Context(), http.MethodPatch, "/api/v1/namespaces/"+a.Namespace, "application/merge-patch+json",
		[]byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`)); err != nil {
		t.Fatal(err)
	}
	phial := func(ctx context.Context, heard func(string), selector string, more ...string) said {
		args := []string{"mesh", "-n", a.Namespace, "--selector", selector, "--cookie-secret", "cart/erlang", "--agent-image", stage.AgentImage}
		r := run(ctx, s.Kubeconfig, heard, append(args, more...)...)
		r.noCookie(t, cookie)
		return r
	}

	begun := time.Now()
	r := phial(t.Context(), nil, "app=cart")
	t.Logf("it took %.1f s\n%s%s", time.Since(begun).Seconds(), r.err, r.out)
	r.wants(t, term.Findings, "made pod phial-probe-", "removed pod phial-probe-", "No full mesh: 2 islands, 0 of 1 links up")
	noProbe(t, a)
	alone := sight(t, phial(t.Context(), nil, "app=cart", "-o", "json"))
	if len(alone.Nodes) != 2 || len(alone.Findings) == 0 || len(alone.Agents) != 0 {
		t.Errorf("%+v", alone)
	}
	for _, n := range alone.Nodes {
		if !n.Reached || !strings.HasPrefix(n.Replica, "cart-") || !strings.HasPrefix(n.Name, "tally@198.") {
			t.Errorf("%+v", n)
		}
	}

	other := fmt.Sprintf("tally@stock-1.stock.%s.svc.cluster.local", a.Namespace)
	if out, err := a.Exec(t.Context(), "stock-0", "app", "bin/tally", "rpc", fmt.Sprintf("true = Node.connect(:%q)", other)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	whole := sight(t, phial(t.Context(), nil, "app=stock", "-o", "json"))
	if !whole.Good() || len(whole.Nodes) != 2 || whole.Nodes[1].Name != other || whole.Nodes[1].Replica != "stock-1" {
		t.Errorf("%+v", whole)
	}
	noProbe(t, a)
	walled(t, a, phial)
	interrupted(t, a, phial)
	refused(t, a, phial)
}

// walled puts a NetworkPolicy around the pods, which lets none in but those with a label.
func walled(t *testing.T, a *stage.App, phial func(context.Context, func(string), string, ...string) said) {
	t.Helper()
	const policy = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: walls}
spec:
  podSelector: {matchLabels: {app: cart}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {%s}}}]}]
`
	for label, want := range map[string]string{"app: cart": "gives no answer: the packets are dropped", `phial.dev/probe: "true"`: "0 of 1 links up"} {
		if _, _, err := a.Kubectl(t.Context(), fmt.Appendf(nil, policy, label), "apply", "-n", a.Namespace, "-f", "-"); err != nil {
			t.Fatal(err)
		}
		await(t, "the policy holds", lookWithin, func(ctx context.Context) error {
			return phial(ctx, nil, "app=cart", "--base", "tally", "--timeout", "3s").lacks(term.Findings, want)
		})
	}
	if err := a.Delete(t.Context(), "networkpolicy", "walls"); err != nil {
		t.Fatal(err)
	}
	noProbe(t, a)
}

// interrupted presses Ctrl-C as soon as there is a pod.
func interrupted(t *testing.T, a *stage.App, phial func(context.Context, func(string), string, ...string) said) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := phial(ctx, func(line string) {
		if strings.Contains(line, "made pod") {
			time.AfterFunc(500*time.Millisecond, cancel)
		}
	}, "app=cart")
	r.wants(t, term.Cannot, "made pod", "removed pod", "interrupted; nothing is left running")
	noProbe(t, a)
}

// refused are looks that cannot be taken: each says why, soon, and leaves no pod.
func refused(t *testing.T, a *stage.App, phial func(context.Context, func(string), string, ...string) said) {
	t.Helper()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--cookie-secret", "cart/cookie"}, "references non-existent secret key: cookie"},
		{[]string{"--cookie-secret", "none/cookie"}, `secret "none" not found`},
		{[]string{"--agent-image", "localhost/none:e2e"}, "localhost/none:e2e"},
	} {
		begun := time.Now()
		r := phial(t.Context(), nil, "app=cart", tt.args...)
		r.wants(t, term.Cannot, tt.want, "removed pod")
		t.Logf("after %.1f s: %s", time.Since(begun).Seconds(), r.err)
		noProbe(t, a)
	}
	phial(t.Context(), nil, "app=none").wants(t, term.Cannot, "no pod with an address")
}
