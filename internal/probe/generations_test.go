package probe

import (
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/mesh"
)

// Each generation of OTP alone, and all in one mesh; plain and over TLS. Each is seen
// whole, each tells its version and flags, and each shows a wrong cookie.
func TestGenerations(t *testing.T) {
	t.Parallel()
	all := beamtest.OTPs(t)
	sets := map[string][]beamtest.OTP{"mixed": all}
	for _, o := range all {
		sets[o.String()] = []beamtest.OTP{o}
	}
	for name, otps := range sets {
		t.Run(name+"/plain", func(t *testing.T) { generation(t, otps, nil) })
		t.Run(name+"/tls", func(t *testing.T) { generation(t, otps, beamtest.NewTLS(t)) })
	}
}

func generation(t *testing.T, otps []beamtest.OTP, authority *beamtest.TLS) {
	t.Helper()
	const stranger = 3 // has another cookie
	c := realCluster(t, 4, func(i int, o *beamtest.NodeOptions) {
		if o.TLS = authority; i == stranger {
			o.Cookie = "another-cookie-than-theirs"
		}
	}, otps...)
	proto := "inet_tcp"
	if authority != nil {
		c.p.TLS, proto = authority.Config(t, "phial"), "inet_tls"
	}
	c.link(t, 0, 1, 2)
	want := []string{"COO-01 " + c.names[stranger]}
	if len(otps) > 1 {
		want = append(want, "NET-27 pg") // 25 and 29 in one mesh
	}
	r := c.wants(t, want...)
	if r.Links != (mesh.ReportLinks{Expected: 6, Up: 3}) || len(r.Islands) != 2 {
		t.Errorf("links %+v, islands %v", r.Links, r.Islands)
	}
	for i, n := range r.Nodes[:stranger] {
		if !n.Reached || len(n.Unanswered) > 0 || n.Status != mesh.Started || n.OTP != c.nodes[i].OTP.Release || n.Flags.Proto != proto {
			t.Errorf("%+v", n)
		}
	}
}
