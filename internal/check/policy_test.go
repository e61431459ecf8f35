package check

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
)

// walled is the sound deployment, which listens at 9100, with other policies.
func walled(policies ...string) string {
	before, _, _ := strings.Cut(meshManifest, "---\napiVersion: networking.k8s.io/v1")
	before = strings.Replace(before, "        env:\n", "        ports: [{name: epmd, containerPort: 4369}, {name: dist, containerPort: 9100}]\n        env:\n", 1)
	for i, p := range policies {
		before += fmt.Sprintf("---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p%d, namespace: prod}\nspec: %s\n", i, p)
	}
	return before
}

const listens = `export ERL_FLAGS="-kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107"` + "\n"

// apart are the findings about policies that keep the nodes apart, without those about DNS.
func apart(r Report) []string {
	return slices.DeleteFunc(filtered(r), func(cause string) bool { return strings.Contains(cause, "DNS") })
}

// filtered are all findings about policies.
func filtered(r Report) (all []string) {
	for _, f := range r.Findings {
		if f.Code == finding.PortFiltered {
			all = append(all, f.Cause)
		}
	}
	return all
}

// The ports that a policy has to let in are those that the prediction has read.
func TestPoliciesByPrediction(t *testing.T) {
	manifests := walled("{podSelector: {matchLabels: {app: shop}}, ingress: [{ports: [{port: 4369}, {port: 9100}]}]}")
	if found := apart(Run(predictedInput(t, manifests, "", listens), Options{})); len(found) > 0 {
		t.Errorf("with a port that env.sh sets: %q", found)
	}
	if r := Run(predictedInput(t, manifests, "", ""), Options{}); len(apart(r)) > 0 || !strings.Contains(codes(r), "NET-01") {
		t.Errorf("with a port that may be any, which the prediction tells of: %s", codes(r))
	}
	for name, script := range map[string]string{
		"with a name that is not known":  listens + "export RELEASE_NODE=shop@$(ip addr)\n",
		"with flags that are not known":  "export ERL_FLAGS=$(cat /flags)\n",
		"with a script that is not read": "export ERL_FLAGS=${A//x/}\n",
	} {
		if found := apart(Run(predictedInput(t, manifests, "", script), Options{})); len(found) > 0 {
			t.Errorf("%s: %q", name, found)
		}
	}
	moved := strings.ReplaceAll(listens, "9100", "9103")
	if found := apart(Run(predictedInput(t, manifests, "", moved), Options{})); len(found) != 1 || !strings.Contains(found[0], "port 9103") {
		t.Errorf("with another port: %q", found)
	}
}

// The rule and the prediction read policies alike: what the one calls certain the other
// does not deny.
func TestPoliciesAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	several := func(most int, one func() string) string {
		var all []string
		for range rng.IntN(most + 1) {
			all = append(all, one())
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	port := func() string {
		return pick("{port: 4369}", "{port: 9100}", "{port: 9100, endPort: 9107}", "{port: epmd}", "{port: dist}", "{port: http}", "{port: 1, endPort: 65535}",
			"{protocol: UDP, port: 4369}", "{protocol: TCP}", "{port: 4000}")
	}
	peer := func() string {
		return pick("{podSelector: {matchLabels: {app: shop}}}", "{podSelector: {}}", "{podSelector: {matchLabels: {app: web}}}", "{namespaceSelector: {}}",
			"{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: prod}}}", "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: web}}}",
			"{namespaceSelector: {matchLabels: {team: a}}, podSelector: {matchLabels: {app: shop}}}", "{namespaceSelector: {matchLabels: {team: a}}, podSelector: {matchLabels: {app: web}}}",
			"{ipBlock: {cidr: 10.0.0.0/8}}")
	}
	count := map[mesh.Tri]int{}
	for range 300 {
		var policies []string
		for range 1 + rng.IntN(2) {
			rule := func(peers string) func() string {
				return func() string { return fmt.Sprintf("{%s: %s, ports: %s}", peers, several(2, peer), several(3, port)) }
			}
			policies = append(policies, fmt.Sprintf("{podSelector: %s, policyTypes: %s, ingress: %s, egress: %s}",
				pick("{matchLabels: {app: shop}}", "{matchLabels: {app: shop}}", "{}", "{matchLabels: {app: web}}"),
				pick("[Ingress]", "[Egress]", "[Ingress, Egress]"), several(2, rule("from")), several(2, rule("to"))))
		}
		manifests := walled(policies...)
		in := predictedInput(t, manifests, "", listens)
		r := Run(in, Options{})
		told := apart(r)
		up := in.Predicted().Links[0].Up
		if count[up]++; up == mesh.Yes && len(told) > 0 || up == mesh.No && len(filtered(r)) == 0 {
			t.Fatalf("predicted: %v; told: %q\n%+v\n%s", up, told, in.Predicted().Links[0], strings.Join(policies, "\n"))
		}
	}
	if count[mesh.Yes] < 30 || count[mesh.No] < 30 {
		t.Errorf("answers: %v; too few of one kind to show anything", count)
	}
}
