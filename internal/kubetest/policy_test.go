package kubetest

import (
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Each file has policies, a line of dashes, and what they let the pods of world.yaml do.
func TestPolicyRules(t *testing.T) {
	around, err := os.ReadFile("testdata/policies/world.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir("testdata/policies")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".txt")
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("testdata/policies/" + f.Name())
			if err != nil {
				t.Fatal(err)
			}
			policies, want, ok := strings.Cut(string(text), "\n----\n")
			if !ok {
				t.Fatal("there is no line of dashes")
			}
			guards, err := worldOf(t, string(around)+"\n---\n"+policies).guards()
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, g := range guards {
				for _, d := range []struct {
					name  string
					lines []string
				}{{"in", g.in}, {"out", g.out}} {
					if d.lines == nil {
						continue
					}
					got.WriteString(g.ip.String() + " " + d.name + ":\n")
					for _, l := range d.lines {
						if l == "" {
							l = "(everything)"
						}
						got.WriteString("  " + l + "\n")
					}
				}
			}
			if d := cmp.Diff(want, got.String()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func worldOf(t *testing.T, stream string) (w world) {
	t.Helper()
	documents, err := split([]byte(stream))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		text, err := yaml.ToJSON(d)
		if err != nil {
			t.Fatal(err)
		}
		var head struct{ Kind string }
		if err := json.Unmarshal(text, &head); err != nil {
			t.Fatal(err)
		}
		switch head.Kind {
		case "NetworkPolicy":
			w.policies = keep(t, text, w.policies)
		case "Namespace":
			w.namespaces = keep(t, text, w.namespaces)
		case "Pod":
			w.pods = keep(t, text, w.pods)
		default:
			t.Fatalf("a %s in the world", head.Kind)
		}
	}
	return w
}

func keep[T any](t *testing.T, text []byte, list []T) []T {
	t.Helper()
	var one T
	if err := json.Unmarshal(text, &one); err != nil {
		t.Fatal(err)
	}
	return append(list, one)
}

// The whole of what nft is told.
func TestRuleset(t *testing.T) {
	got := ruleset([]guard{
		{ip: netip.MustParseAddr("10.0.0.2"), in: []string{"ip saddr 10.0.0.3 tcp dport 80"}, out: []string{}},
		{ip: netip.MustParseAddr("10.0.0.3"), out: []string{"meta l4proto udp"}},
	})
	const want = `table inet phial-policies
delete table inet phial-policies
table inet phial-policies {
	chain out_10_0_0_2 {
		ip saddr 10.0.0.2 ip daddr 10.0.0.2 return
		drop
	}
	chain in_10_0_0_2 {
		ip saddr 10.0.0.2 ip daddr 10.0.0.2 return
		ip saddr 10.0.0.3 tcp dport 80 return
		drop
	}
	chain out_10_0_0_3 {
		ip saddr 10.0.0.3 ip daddr 10.0.0.3 return
		meta l4proto udp return
		drop
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct direction reply accept
		ip saddr 10.0.0.2 jump out_10_0_0_2
		ip saddr 10.0.0.3 jump out_10_0_0_3
		iifname "eth0" accept
		ip daddr 10.0.0.2 jump in_10_0_0_2
	}
}
`
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestLosses(t *testing.T) {
	for name, test := range map[string]struct {
		cuts []Cut
		dns  bool
		want string
	}{
		"none": {},
		"everything, both ways": {
			cuts: []Cut{{From: "10.0.0.2", To: "10.0.0.3"}},
			want: "ip saddr 10.0.0.2 ip daddr 10.0.0.3 drop\nip saddr 10.0.0.3 ip daddr 10.0.0.2 drop\n",
		},
		"ports, one way": {
			cuts: []Cut{{From: "10.0.0.2", To: "10.0.0.3", Ports: []int{4369, 9100}, OneWay: true}},
			want: "ip saddr 10.0.0.2 ip daddr 10.0.0.3 tcp dport { 4369, 9100 } drop\n" +
				"ip saddr 10.0.0.2 ip daddr 10.0.0.3 tcp sport { 4369, 9100 } drop\n",
		},
		"names": {dns: true, want: "meta l4proto { tcp, udp } th dport 53 drop\n"},
	} {
		t.Run(name, func(t *testing.T) {
			rules, err := losses(test.cuts, test.dns)
			if err != nil {
				t.Fatal(err)
			}
			_, rules, _ = strings.Cut(rules, "policy accept;\n")
			rules = strings.TrimSuffix(strings.ReplaceAll(rules, "\t\t", ""), "\t}\n}\n")
			if d := cmp.Diff(test.want, rules); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	if _, err := losses([]Cut{{From: "web-0", To: "10.0.0.3"}}, false); err == nil || !strings.Contains(err.Error(), "web-0") {
		t.Errorf("a name for an address: %v", err)
	}
}
