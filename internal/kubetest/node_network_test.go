package kubetest

import (
	"errors"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/testkit"
)

const denyWeb = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: policies}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
`

// What no policy allows is blocked, on connections that there are as well; what is allowed passes, and so do probes and
// the host. A policy that is lifted lets everything through again.
func TestNodeEnforcesPolicies(t *testing.T) {
	n := withApp(t, "policies")
	pods := run(t, n, "policies", 1, "web", "friend", "stranger")
	web, friend, stranger := pods[0][0], pods[1][0], pods[2][0]
	get := func(port string) string { return "http://" + web + ":" + port + "/" }
	becomes(t, true, friend, "/get", get("8080"))
	becomes(t, true, friend, "/hold", web+":9000")
	becomes(t, true, friend, "/held", "before")

	deny, err := n.Apply(within(t), []byte(denyWeb), false)
	if err != nil {
		t.Fatal(err)
	}
	becomes(t, false, friend, "/get", get("8080"))
	becomes(t, false, friend, "/held", "cut")
	becomes(t, false, web, "/get", "http://"+friend+":8080/")
	becomes(t, false, web, "/lookup", "friend")
	becomes(t, true, web, "/", "") // from the host
	becomes(t, true, web, "/get", "http://"+web+":8080/")

	if _, err := n.Apply(within(t), []byte(denyWeb+`  ingress:
  - from: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [friend]}]}}]
    ports: [{port: http}, {port: 8090, endPort: 9000}]
  egress:
  - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
    ports: [{port: 53, protocol: UDP}, {port: 53}]
`), false); err != nil {
		t.Fatal(err)
	}
	becomes(t, true, friend, "/get", get("8080"))
	becomes(t, true, friend, "/get", "http://web/")
	becomes(t, true, friend, "/held", "healed")
	becomes(t, true, web, "/lookup", "friend")
	becomes(t, false, friend, "/get", get("8081"))
	becomes(t, false, stranger, "/get", get("8080"))
	becomes(t, false, web, "/get", "http://friend/")
	podIPs(t, n, "policies", "web", 1) // the probes pass, so it is still ready

	if err := n.Delete(within(t), deny); err != nil {
		t.Fatal(err)
	}
	becomes(t, true, stranger, "/get", get("8081"))
	becomes(t, true, web, "/get", "http://friend/")
}

// A new pod never runs without its policies: what it tries first of all is blocked, although the API server knows its
// address only later. A new peer that a policy allows gets through at once for the same reason.
func TestNewPodsHaveTheirPolicies(t *testing.T) {
	n := withApp(t, "fresh")
	friend := run(t, n, "fresh", 1, "friend")[0][0]
	if _, err := n.Apply(within(t), []byte(`apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out, namespace: fresh}
spec:
  podSelector: {matchLabels: {app: locked}}
  policyTypes: [Egress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in, namespace: fresh}
spec:
  podSelector: {matchLabels: {app: friend}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [locked, open]}]}}]}]
`), false); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"locked": `first "", `, "open": `first "friend-`, "stranger": `first "", `} {
		stream := strings.NewReplacer("NAME", name, "NS", "fresh",
			"name: app\n", "name: app\n        env: [{name: FIRST, value: 'http://"+friend+":8080/'}]\n").Replace(workload)
		if _, err := n.Apply(within(t), []byte(stream), false); err != nil {
			t.Fatal(err)
		}
		podIPs(t, n, "fresh", name, 1)
		var out []byte
		if err := testkit.Poll(within(t), func() (bool, error) {
			var err error
			out, _, err = n.Kubectl(t.Context(), nil, "logs", "-n", "fresh", podName(t, n, "fresh", name))
			return err == nil, err
		}); err != nil || !strings.HasPrefix(string(out), want) {
			t.Errorf("%s met %q, and should have met %q; %v", name, out, want, err)
		}
	}
}

// Cuts lose packets between two pods, and nothing else.
func TestNodeCuts(t *testing.T) {
	n := withApp(t, "cuts")
	pods := run(t, n, "cuts", 1, "a", "b")
	a, b := pods[0][0], pods[1][0]
	becomes(t, true, a, "/hold", b+":9000")
	becomes(t, true, b, "/hold", a+":9000")
	if err := n.Cut(within(t), Cut{From: a, To: b, Ports: []int{9000}}); err != nil {
		t.Fatal(err)
	}
	becomes(t, false, a, "/held", "cut")
	becomes(t, false, b, "/held", "cut")
	becomes(t, true, a, "/get", "http://"+b+":8080/")
	if err := n.Heal(within(t)); err != nil {
		t.Fatal(err)
	}
	becomes(t, true, a, "/held", "healed")
	becomes(t, true, b, "/held", "healed")

	// One way, of all ports: no connection works without the other way. Other pods reach both.
	if err := n.Cut(within(t), Cut{From: b, To: a, OneWay: true}); err != nil {
		t.Fatal(err)
	}
	becomes(t, false, a, "/get", "http://"+b+":8080/")
	becomes(t, true, b, "/lookup", "a")
	// Another break goes, and this one stays.
	other := Cut{From: a, To: b, Ports: []int{1}}
	if err := errors.Join(n.Cut(within(t), other), n.Mend(within(t), other)); err != nil {
		t.Fatal(err)
	}
	becomes(t, false, a, "/get", "http://"+b+":8080/")
	if err := n.Mend(within(t), Cut{From: b, To: a, OneWay: true}); err != nil {
		t.Fatal(err)
	}
	becomes(t, true, a, "/get", "http://"+b+":8080/")

	if err := n.StopDNS(within(t)); err != nil {
		t.Fatal(err)
	}
	becomes(t, false, a, "/lookup", "b")
	becomes(t, true, a, "/get", "http://"+b+":8080/")
	if err := n.StartDNS(within(t)); err != nil {
		t.Fatal(err)
	}
	becomes(t, true, a, "/lookup", "b")
}
