package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
)

const (
	n0 = "tally@127.77.0.1"
	n1 = "tally@127.77.0.2"
	n2 = "tally@127.77.0.3"
	n3 = "tally@127.77.0.4"
	n4 = "tally@127.77.0.5"
)

var alias = map[string]string{n0: "tally-0", n1: "tally-1", n2: "tally-2"}

func up(name string, peers ...string) mesh.Node {
	return mesh.Node{Name: name, Reached: true, Peers: peers, OTP: "25", ERTS: "13.1.5", Status: mesh.Started,
		Apps: []mesh.App{{Name: "tally", Version: "0.1.0"}}, Uptime: 75 * time.Second, Memory: 38 << 20, Processes: 91,
		Flags: mesh.Flags{LongNames: mesh.Yes, ConnectAll: mesh.Yes, PreventOverlapping: mesh.Yes, Hidden: mesh.No,
			NetTicktime: 60, ListenMin: 9100, ListenMax: 9107, DistPort: 9100, Proto: "inet_tcp"}}
}

// observations are what the texts and the schema are tried on.
var observations = map[string]mesh.Observation{
	"full": {
		Expected: []string{n0, n1, n2},
		Nodes:    []mesh.Node{up(n0, n1, n2), up(n1, n0, n2), up(n2, n0, n1)},
	},
	"cookie": {
		Expected: []string{n0, n1, n2},
		Nodes: []mesh.Node{up(n0, n1), up(n1, n0), {Name: n2, Failure: &mesh.Failure{
			Stage: mesh.KindCookie, Cause: mesh.CauseCookie, Detail: "it closed the connection at the challenge: another cookie", PeerName: n2,
			Addr: "127.77.0.3:9116", Port: 9116}}},
	},
	"gone": {
		Expected: []string{n0, n1},
		Nodes: []mesh.Node{up(n0), {Name: n1, Failure: &mesh.Failure{
			Stage: mesh.KindEPMD, Cause: mesh.CauseNotRegistered, Detail: "EPMD does not know it", Known: []string{"tilly"}}}},
	},
	"frozen": {
		Expected: []string{n0, n1},
		Nodes: []mesh.Node{up(n0, n1), {Name: n1, Failure: &mesh.Failure{
			Stage: mesh.KindHandshake, Cause: mesh.CauseFrozen, Detail: n1 + " (127.77.0.2:9108): status: no answer"}}},
	},
	"dark": {
		Expected: []string{n0, n1, n2},
		Nodes: []mesh.Node{up(n0), {Name: n1, Failure: &mesh.Failure{Stage: mesh.KindEPMD, Cause: mesh.CauseEPMDFiltered, Detail: "EPMD of " + n1 + ": no answer"}},
			{Name: n2, Failure: &mesh.Failure{Stage: mesh.KindEPMD, Cause: mesh.CauseEPMDFiltered, Detail: "EPMD of " + n2 + ": no answer"}}},
	},
	"walled": {
		Expected: []string{n0, n1},
		Nodes: []mesh.Node{{Name: n0, Failure: &mesh.Failure{Stage: mesh.KindEPMD, Cause: mesh.CauseEPMDFiltered, Addr: "127.77.0.1:4369", Detail: "no answer"}},
			{Name: n1, Failure: &mesh.Failure{Stage: mesh.KindEPMD, Cause: mesh.CauseEPMDFiltered, Addr: "127.77.0.2:4369", Detail: "no answer"}}},
	},
	// Two of the former replicas are gone or going, and one is not there yet.
	"rollout": {
		Expected: []string{n0, n1, n2, n3, n4},
		Nodes: []mesh.Node{up(n0, n1, n2), up(n1, n0), up(n2, n0),
			{Name: n3, Failure: &mesh.Failure{Stage: mesh.KindEPMD, Cause: mesh.CauseEPMDRefused, Detail: "refused"}},
			{Name: n4, Failure: &mesh.Failure{Stage: mesh.KindEPMD, Cause: mesh.CauseEPMDFiltered, Detail: "no answer"}}},
	},
	"none": {},
}

func TestMeshText(t *testing.T) {
	var b strings.Builder
	for _, name := range []string{"full", "cookie", "gone", "frozen", "dark", "walled", "none"} {
		b.WriteString("==== " + name + "\n")
		Mesh(&b, mesh.NewReport(observations[name]), Style{Alias: alias, Width: 100})
	}
	b.WriteString("==== cookie, coloured, without replicas\n")
	Mesh(&b, mesh.NewReport(observations["cookie"]), Style{Colour: true, Width: 80})
	golden(t, "testdata/mesh.golden", b.String())
}

// sights are what agents say of the replicas of observations.
var sights = map[string]Sight{
	"closed": {Report: mesh.NewReport(observations["full"]), From: "tally-0", Agents: []Agent{
		{Replica: "tally-0", Node: n0, Gate: GateOpen, Reason: "joined", Status: mesh.Started, Booted: true, Joined: true, Cookie: "expected", AgentSeconds: 75, Version: "1.2.3"},
		{Replica: "tally-1", Node: n1, Gate: GateClosed, Reason: "closed: a larger island serves: " + n0, Status: mesh.Started, Booted: true, Join: "not joined: " + n0 + " does not answer", Cookie: "another", SilentSeconds: 3.2},
		{Replica: "tally-2", Node: n2, Gate: GateClosed, Reason: "told to drain", Status: mesh.Stopping, Booted: true, Joined: true, Draining: true, Cookie: "expected"},
		{Replica: "tally-3", Phase: mesh.Stuck, Gate: GateUnknown, Reason: "cannot start: ImagePullBackOff: back-off", Cookie: "unknown"},
		{Replica: "tally-4", Phase: mesh.Starting, Gate: GateClosed, Status: mesh.Booting, Cookie: "unknown"},
		{Replica: "tally-5", Gate: GateUnknown, Reason: "the agent of tally-5 did not answer within 10s", Cookie: "unknown"},
	}},
	"rollout": {Report: mesh.NewReport(observations["rollout"]).Aside(map[string]mesh.Phase{n2: mesh.Leaving, n3: mesh.Starting, n4: mesh.Gone}), From: "tally-0", Agents: []Agent{
		{Replica: "tally-0", Node: n0, Gate: GateOpen, Reason: "joined", Status: mesh.Started, Booted: true, Joined: true, Cookie: "expected"},
		{Replica: "tally-1", Node: n1, Gate: GateOpen, Reason: "joined", Status: mesh.Started, Booted: true, Joined: true, Cookie: "expected"},
		{Replica: "tally-2", Node: n2, Phase: mesh.Leaving, Gate: GateClosed, Reason: "told to drain", Status: mesh.Stopping, Booted: true, Joined: true, Draining: true, Cookie: "expected"},
		{Replica: "tally-3", Node: n3, Phase: mesh.Starting, Gate: GateUnknown, Reason: "its container app has not started: PodInitializing", Cookie: "unknown"},
		{Replica: "tally-4", Phase: mesh.Starting, Gate: GateUnknown, Reason: "the pod is Pending", Cookie: "unknown"},
	}},
	"none is there": {Report: mesh.NewReport(mesh.Observation{}), Agents: []Agent{
		{Replica: "tally-0", Phase: mesh.Stuck, Gate: GateUnknown, Reason: "cannot start", Cookie: "unknown"},
		{Replica: "tally-1", Phase: mesh.Leaving, Draining: true, Gate: GateUnknown, Cookie: "unknown"},
	}},
	"open": {Report: mesh.NewReport(mesh.Observation{Expected: []string{n0}, Nodes: []mesh.Node{up(n0)}}), From: "tally-0", Agents: []Agent{
		{Replica: "tally-0", Node: n0, Gate: GateOpen, Reason: "alone", Status: mesh.Started, Booted: true, Joined: true, Cookie: "expected"},
		{Replica: "tally-1", Gate: GateClosed, Status: mesh.Stopping, Booted: true, Draining: true, Drained: true, Cookie: "expected"},
	}},
}

func TestReplicasText(t *testing.T) {
	var b strings.Builder
	for _, name := range []string{"closed", "open", "rollout", "none is there"} {
		b.WriteString("==== " + name + "\n")
		Replicas(&b, sights[name], Style{Alias: alias, Width: 80})
	}
	golden(t, "testdata/replicas.golden", b.String())
	for name, want := range map[string]bool{"closed": false, "open": true, "rollout": true, "none is there": false} {
		if got := sights[name].Good(); got != want {
			t.Errorf("%s is good: %v, want %v", name, got, want)
		}
	}
	var with, without strings.Builder
	Replicas(&with, Sight{Report: mesh.NewReport(observations["cookie"])}, Style{})
	Mesh(&without, mesh.NewReport(observations["cookie"]), Style{})
	if with.String() != without.String() {
		t.Errorf("without agents there is more to say:\n%s", with.String())
	}
}

func TestMeshTextSaysWhoAndWhy(t *testing.T) {
	var b strings.Builder
	Mesh(&b, mesh.NewReport(observations["cookie"]), Style{Alias: alias})
	for _, want := range []string{"tally-2", "cookie", string(finding.CookieDiffers), "island", "1 of 3 links"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, b.String())
		}
	}
}

func TestTraceText(t *testing.T) {
	tr := mesh.Trace{From: n0, To: n2, Place: n0, Steps: []mesh.Step{
		{Kind: mesh.KindName, State: mesh.Passed, Evidence: "both run with long names"},
		{Kind: mesh.KindPort, State: mesh.Passed, Evidence: "127.77.0.3:9116 accepts"},
		{Kind: mesh.KindCookie, State: mesh.Failed, Cause: mesh.CauseCookie, Evidence: "it closes the connection at the challenge, which is how a node answers another cookie than its own; " +
			"the handshake up to there was good"},
		{Kind: mesh.KindLink, State: mesh.Unseen, Evidence: "not asked"},
	}}
	var b strings.Builder
	Trace(&b, tr, Style{Alias: alias, Width: 80})
	tr.Place = mesh.FromPhial
	Trace(&b, tr, Style{Width: 60})
	for _, link := range []string{"up", "down", "unknown"} {
		LinkVerdict(&b, n0, n2, link, Style{Alias: alias})
	}
	golden(t, "testdata/trace.golden", b.String())
}

func TestReportsHoldToTheSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/reference/mesh.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Sight{}
	for name, s := range sights {
		all["agent "+name] = s
	}
	for name, o := range observations {
		all[name] = Sight{Report: mesh.NewReport(o)}
	}
	for name, r := range all {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	// The schema can say no.
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"nodes":[],"islands":[],"links":{"expected":0},"findings":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if schema.Validate(doc) == nil {
		t.Error("the schema lets a report without links.up pass")
	}
}

func TestNoLineIsLongerThanTheTerminal(t *testing.T) {
	text := strings.Repeat("some words of a cause that goes on ", 20)
	for _, w := range []int{20, 40, 79} {
		for _, l := range wrap(text, w) {
			if utf8.RuneCountInString(l) > w {
				t.Errorf("width %d: %q", w, l)
			}
		}
	}
	if got := strings.Join(wrap(text, 30), " "); got != strings.TrimSpace(text) {
		t.Errorf("wrap lost words: %q", got)
	}
}

func TestUnits(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1 << 10: "1 KiB", 38 << 20: "38 MiB", 3 << 29: "1.5 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m1s",
		90 * time.Minute: "1h30m", 49 * time.Hour: "2d1h"} {
		if got := Since(d); got != want {
			t.Errorf("Since(%s) = %q, want %q", d, got, want)
		}
	}
}
