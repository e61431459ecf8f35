package why

import (
	"slices"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/finding"
)

// A walk between two nodes answers for those two: what is wrong with a third is another
// question, also where it names one of them.
func TestAbout(t *testing.T) {
	const a, b, c = "shop@10.0.0.1", "shop@10.0.0.2", "shop@10.0.0.3"
	alias := map[string]string{a: "shop-0", b: "shop-1", c: "shop-2"}
	of := func(code finding.Code, subject string, links ...[2]string) finding.Finding {
		return finding.Finding{Code: code, Subject: subject, Links: links, Fix: "as it is", Cause: "speaks of " + a, Evidence: []string{"missing link: " + a + " -- " + c}}
	}
	ab, ac, bc := [2]string{a, b}, [2]string{a, c}, [2]string{b, c}
	for name, tt := range map[string]struct {
		f    finding.Finding
		want bool
	}{
		"one end":                    {of(finding.NodeDown, a), true},
		"the other":                  {of(finding.CookieDiffers, b), true},
		"a third":                    {of(finding.NodeDown, c), false},
		"both among others":          {of(finding.CookieOfPhial, a+", "+b+", "+c), true},
		"their link":                 {of(finding.PortFiltered, a+" -- "+b, ab), true},
		"their link, of an old look": {of(finding.PortFiltered, a+" -- "+b), true},
		"a link to a third":          {of(finding.PortFiltered, a+" -- "+c, ac), false},
		"that too, of an old look":   {of(finding.PortFiltered, a+" -- "+c), false},
		"a third that lacks both":    {of(finding.NobodyDials, c, ac, bc), false},
		"an end that lacks both":     {of(finding.NobodyDials, a, ab, ac), true},
		"an end that lacks a third":  {of(finding.NobodyDials, a, ac), false},
		"all of them":                {of(finding.OverlapCut, a+", "+b+", "+c, ab, ac), true},
		"a Service":                  {of(finding.ServiceEmpty, "shop-headless.prod.svc.cluster.local"), true},
		"a setting":                  {of(finding.TicktimeDiffers, "net_ticktime"), true},
		"the pod of an end":          {finding.Finding{Code: finding.PodStuck, Subject: "shop-1", Replicas: []string{"shop-1"}}, true},
		"the pod of a third":         {finding.Finding{Code: finding.PodStuck, Subject: "shop-2", Replicas: []string{"shop-2"}}, false},
		"a pod without a node":       {finding.Finding{Code: finding.PodStuck, Subject: "shop-9", Replicas: []string{"shop-9"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := about([]finding.Finding{tt.f}, alias, a, b); len(got) == 1 != tt.want {
				t.Errorf("%+v: %v, want %v", tt.f, got, tt.want)
			}
		})
	}
	got := about([]finding.Finding{of(finding.LinkUnexplained, a+" -- "+b, ab), of(finding.NodeUnexplained, a)}, alias, a, b)
	if i := slices.IndexFunc(got, func(f finding.Finding) bool { return f.Fix == "as it is" }); len(got) != 2 || i >= 0 {
		t.Errorf("who asked this is sent here again: %+v", got)
	}
}

// No fix that this verb shows sends people to this verb.
func TestNoFixPointsHere(t *testing.T) {
	for _, e := range finding.Entries() {
		if fix, own := instead[e.Code]; own {
			e.Fix = fix
		}
		if strings.Contains(e.Fix, "phial why") {
			t.Errorf("%s: %s", e.Code, e.Fix)
		}
	}
}
