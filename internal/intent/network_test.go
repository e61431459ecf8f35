package intent

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/mesh"
)

const walls = `---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shop, namespace: prod}
spec:
  podSelector: {matchLabels: {app: shop}}
  ingress: [{ports: [{port: epmd}, {port: dist}]}]
`

const (
	named   = "        ports: [{name: epmd, containerPort: 4369}, {name: dist, containerPort: 9100}, {name: log, containerPort: 514, protocol: UDP}, {containerPort: 4000}]\n"
	listens = "        - {name: ERL_AFLAGS, value: -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107}\n"
)

// A policy may speak of ports by the names that containers give them.
func TestPolicyByNames(t *testing.T) {
	const whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
	app := App{Known: true, Name: "shop", Finds: dnsCluster()}
	for _, c := range []struct{ name, ports, env, islands string }{
		{"named", named, listens, whole},
		{"no such names", "", listens, apart},
		{"another port", strings.Replace(named, "9100", "9200", 1), listens, apart},
		{"a random port", named, "", apart},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(hand, "        env:\n", c.ports+"        env:\n"+c.env, 1) + walls
			set := read(t, text)
			in := Of(t.Context(), set, of(app, runsOf(set)), "")
			want := map[string]uint16{"epmd": 4369, "dist": 9100}
			if diff := cmp.Diff(want, in.Replicas[0].Ports); diff != "" && c.ports == named {
				t.Error(diff)
			}
			if p := mesh.Predict(in); islands(p) != c.islands || len(p.Doubts) > 0 {
				t.Errorf("islands %s, want %s", islands(p), c.islands)
				tell(t, p)
			}
		})
	}
}

// Without the source vm.args is not known, which may give the port.
func TestPortOfNoSource(t *testing.T) {
	for _, c := range []struct {
		app     App
		env     string
		unknown bool
	}{
		{App{}, "", true},
		{App{}, listens, false},
		{App{Known: true, Name: "shop"}, "", false},
	} {
		set := read(t, strings.Replace(hand, "        env:\n", "        env:\n"+c.env, 1))
		r := Of(t.Context(), set, of(c.app, runsOf(set)), "").Replicas[0]
		if (r.ListenWhy != "") != c.unknown || (r.ListenMin != 0) != (c.env != "") {
			t.Errorf("%+v with %q: port %d, not known: %q", c.app, c.env, r.ListenMin, r.ListenWhy)
		}
	}
}
