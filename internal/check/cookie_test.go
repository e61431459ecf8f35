package check

import "testing"

// A cookie with white space is wrong for certain where its like has none.
func TestSpacedCookieWeighs(t *testing.T) {
	cookied := func(name, image, from string) string {
		return workload(name, image, "        env: [{name: RELEASE_COOKIE, "+from+"}]\n")
	}
	const (
		spaced = "valueFrom: {secretKeyRef: {name: spaced, key: cookie}}"
		bare   = "valueFrom: {secretKeyRef: {name: bare, key: cookie}}"
		made   = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: spaced}\ndata: {cookie: bG9uZ2VyLXRoYW4tbW9uc3Rlcgo=}\n" +
			"---\napiVersion: v1\nkind: Secret\nmetadata: {name: bare}\nstringData: {cookie: longer-than-monster}\n"
	)
	for name, c := range map[string]struct{ text, want string }{
		"alone":             {cookied("a", "shop:1", spaced), "warning"},
		"all of them":       {cookied("a", "shop:1", spaced) + cookied("b", "shop:1", spaced), "warning"},
		"beside its like":   {cookied("a", "shop:1", spaced) + cookied("b", "shop:2", bare), "error"},
		"beside a literal":  {cookied("a", "shop:1", spaced) + cookied("b", "shop:1", "value: longer-than-monster"), "error"},
		"beside other apps": {cookied("a", "shop:1", spaced) + cookied("b", "mailer:1", bare), "warning"},
	} {
		r := Run(filesOf(map[string]string{"a.yaml": c.text + made}), Options{Rules: rules(t, "COO-03")})
		if len(r.Findings) != 1 || r.Findings[0].Severity.String() != c.want {
			t.Errorf("%s: %v, want one %s", name, found(r), c.want)
		}
	}
}
