package check

import (
	"strings"
	"testing"
)

// A short name that no pod can look up is not answered by that very name.
func TestShortNameIsToBeFull(t *testing.T) {
	for query, told := range map[string]bool{"shop-headless": true, "shop-headless.prod.svc.cluster.local": false} {
		r := Run(predictedInput(t, strings.Replace(meshManifest, "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n", "", 1),
			"config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.DNSPoll, config: [query: \""+query+"\", node_basename: \"shop\"]]]\n", ""), Options{})
		got := false
		for _, f := range r.Findings {
			if strings.Contains(f.Cause, "did you mean shop-headless") {
				t.Errorf("%s: %s", query, f.Cause)
			}
			got = got || f.Code == "DSC-03" && strings.Contains(f.Cause, "write its full name, shop-headless.prod.svc")
		}
		if got != told {
			t.Errorf("%s: %s", query, codes(r))
		}
	}
}

// A place in a script has a column, counted in characters.
func TestWordsOf(t *testing.T) {
	for line, want := range map[string]Span{
		"export A=1":  {File: "a.sh", Line: 4, Column: 1, EndLine: 4, EndColumn: 11},
		"\t bin/é \r": {File: "a.sh", Line: 4, Column: 3, EndLine: 4, EndColumn: 8},
		"":            {File: "a.sh", Line: 4, Column: 1, EndLine: 4, EndColumn: 1},
	} {
		if got := wordsOf("a.sh", 4, line); got != want {
			t.Errorf("%q: %+v", line, got)
		}
	}
}
