package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/intent"
	"github.com/phialdev/phial/internal/project"
)

// foreseen adds the mesh that would come of an input.
func foreseen(t *testing.T, in *Input) *Input {
	t.Helper()
	var runs []intent.Runs
	for _, b := range in.Serving() {
		runs = append(runs, intent.Runs{Workload: b.Workload, Container: b.Container, Scaled: in.Scaled(b.Workload), Beside: in.Beside(b), App: intent.AppOf(in.Project, project.Pos.String)})
	}
	i := intent.Of(t.Context(), in.Objects, runs, "")
	in.Intent = &i
	return in
}

// overIPv6 are changes by which nodes find one another by a Service of IPv6 addresses alone.
func overIPv6(more ...change) []change {
	return append([]change{
		{"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n        - {name: RELEASE_COOKIE, valueFrom: {secretKeyRef: {name: shop, key: cookie}}}\n        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n        - name: PHX_HOST\n"},
		{"headless.yaml", "", "apiVersion: v1\nkind: Service\nmetadata: {name: shop-headless, namespace: prod}\nspec:\n  clusterIP: None\n  ipFamilies: [IPv6]\n  publishNotReadyAddresses: true\n  selector: {app: shop}\n  ports: [{name: epmd, port: 4369}]\n"},
	}, more...)
}

// A flag counts wherever nodes are given it.
func TestIPv6Flag(t *testing.T) {
	const named = "export RELEASE_DISTRIBUTION=name RELEASE_NODE=shop@$POD_IP"
	warns := []string{"warning headless.yaml: ipFamilies: [IPv6]"}
	for name, c := range map[string]struct {
		changes []change
		want    []string
	}{
		"nowhere":                {[]change{envScript(named)}, warns},
		"in a comment":           {[]change{envScript(named + "\n# ERL_AFLAGS=\"-proto_dist inet6_tcp\"")}, warns},
		"another variable":       {[]change{envScript(named + "\nexport ERL_OPTS=\"-proto_dist inet6_tcp\"")}, warns},
		"rel/vm.args":            {[]change{envScript(named), {"rel/vm.args.eex", "+Q", "-proto_dist inet6_tcp\n+Q"}}, nil},
		"ERL_AFLAGS by env.sh":   {[]change{envScript(named + "\nexport ERL_AFLAGS=\"-proto_dist inet6_tcp\"")}, nil},
		"by Elixir's variable":   {[]change{envScript(named + "\nexport ELIXIR_ERL_OPTIONS=\"-proto_dist inet6_tcp\"")}, nil},
		"TLS":                    {[]change{envScript(named + "\nexport ERL_AFLAGS=\"-proto_dist inet6_tls\"")}, nil},
		"the image's":            {[]change{envScript(named), {"Dockerfile", "CMD [", "ENV ERL_AFLAGS=\"-proto_dist inet6_tcp\"\nCMD ["}}, nil},
		"the container's":        {[]change{envScript(named), {"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: ERL_AFLAGS, value: -proto_dist inet6_tcp}\n        - name: PHX_HOST\n"}}, nil},
		"computed by the script": {[]change{envScript(named + "\nexport ERL_AFLAGS=\"$(cat /etc/flags)\"")}, []string{"info headless.yaml: ipFamilies: [IPv6]"}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, foundOn(foreseen(t, shop(t, overIPv6(c.changes...))), "NET-10")); d != "" {
				t.Error(d)
			}
		})
	}
}

// What is there already is not named as a part of the fix.
func TestReadinessFix(t *testing.T) {
	for listed, want := range map[string]bool{"true": false, "false": true} {
		changes := overIPv6(change{"headless.yaml", "  ipFamilies: [IPv6]\n", ""})
		changes = append(changes, change{"headless.yaml", "publishNotReadyAddresses: true", "publishNotReadyAddresses: " + listed})
		found := false
		for _, f := range Run(shop(t, changes), Options{}).Findings {
			if f.Code != "HLT-09" {
				continue
			}
			found = true
			if got := strings.Contains(f.Fix, "publishNotReadyAddresses"); got != want {
				t.Errorf("publishNotReadyAddresses: %s, and the fix: %s", listed, f.Fix)
			}
		}
		if !found {
			t.Error("HLT-09 is silent")
		}
	}
}
