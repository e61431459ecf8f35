package mesh

import (
	"testing"

	"pgregory.net/rapid"
)

func ready() GateInput {
	return GateInput{Incarnation: "1", Status: Started, PortAccepts: Yes, AppReady: Yes, Clustered: true, Peers: 1, PeerAlive: Yes}
}

func TestGateOpens(t *testing.T) {
	tests := []struct {
		name   string
		change func(*GateInput)
		open   bool
	}{
		{"joined", func(*GateInput) {}, true},
		{"alone when no peer is alive", func(in *GateInput) { in.Peers, in.PeerAlive = 0, No }, true},
		{"not alone when one is", func(in *GateInput) { in.Peers = 0 }, false},
		{"not before that is known", func(in *GateInput) { in.Peers, in.PeerAlive = 0, Unknown }, false},
		{"stateless: nobody is asked for", func(in *GateInput) { in.Peers, in.Clustered = 0, false }, true},
		{"booting", func(in *GateInput) { in.Status = Booting }, false},
		{"stopping", func(in *GateInput) { in.Status = Stopping }, false},
		{"the node does not answer", func(in *GateInput) { in.Status = StatusUnknown }, false},
		{"an application does not run", func(in *GateInput) { in.MissingApps = []string{"shop"} }, false},
		{"port closed", func(in *GateInput) { in.PortAccepts = No }, false},
		{"port not looked at", func(in *GateInput) { in.PortAccepts = Unknown }, false},
		{"app not ready", func(in *GateInput) { in.AppReady = No }, false},
		{"app's readiness unknown", func(in *GateInput) { in.AppReady = Unknown }, false},
		{"draining", func(in *GateInput) { in.Draining = true }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := ready()
			tt.change(&in)
			var g Gate
			if d := g.Decide(in); d.Open != tt.open || d.Reason == "" {
				t.Errorf("%+v, want open %v and a reason", d, tt.open)
			}
		})
	}
}

// Joined counts once: what held the gate then may come later than the link.
func TestGateRemembersThatItJoined(t *testing.T) {
	var g Gate
	in := ready()
	in.PortAccepts = No
	g.Decide(in)
	in.PortAccepts, in.Peers = Yes, 0
	if d := g.Decide(in); !d.Open {
		t.Errorf("closed (%s) though it joined before", d.Reason)
	}
}

func gateInputs(t *rapid.T) GateInput {
	tri := rapid.SampledFrom([]Tri{Unknown, Yes, No})
	return GateInput{
		Incarnation: "1",
		Status:      rapid.SampledFrom([]Status{StatusUnknown, Booting, Started, Stopping}).Draw(t, "status"),
		MissingApps: rapid.SampledFrom([][]string{nil, {"shop"}}).Draw(t, "apps"),
		PortAccepts: tri.Draw(t, "port"), AppReady: tri.Draw(t, "app"), PeerAlive: tri.Draw(t, "alive"),
		Clustered: rapid.Bool().Draw(t, "clustered"), Peers: rapid.IntRange(0, 2).Draw(t, "peers"),
		Draining: rapid.IntRange(0, 5).Draw(t, "draining") == 0,
	}
}

// Once open, nothing that happens to the mesh, the port or the app closes it: draining
// and the node's own stop do, and a restart.
func TestGateIsSticky(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g Gate
		open := false
		for range rapid.IntRange(1, 20).Draw(t, "looks") {
			in := gateInputs(t)
			d := g.Decide(in)
			closing := in.Draining || in.Status == Stopping
			if open && !closing && !d.Open {
				t.Fatalf("closed (%s) by %+v", d.Reason, in)
			}
			if closing && d.Open {
				t.Fatalf("open while %s", in.Status)
			}
			open = d.Open
		}
		if open {
			in := ready()
			in.Incarnation, in.Status = "2", Booting
			if d := g.Decide(in); d.Open {
				t.Fatal("a new incarnation of the node is open before it has booted")
			}
		}
	})
}
