package local

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
)

// Every pair of discovery and identity is run, and the mesh is what beam's table says:
// one, or three islands; so is what comes of a lookup that fails. testdata/scout plays the
// libraries: it asks the same questions, by the same functions of OTP, and dials what they
// would dial.
func TestDiscoveryAndIdentity(t *testing.T) {
	t.Parallel()
	api := &scoutAPI{tb: t}
	for _, d := range beam.Discoveries() {
		for _, i := range beam.Identities() {
			t.Run(string(d)+"+"+string(i), func(t *testing.T) {
				t.Parallel()
				s := newScouts(t, d, i, api)
				switch meet, _ := beam.Pair(d, i); {
				case !meet:
					s.neverMeet(t)
				case d.OfApp():
					s.meet(t)
					s.loseLookups(t)
				default:
					s.fullMesh(scoutReplicas)
				}
			})
		}
	}
}

const scoutReplicas = 3

// scouts are the replicas of one pair.
type scouts struct {
	*app
	discovery beam.Discovery
	identity  beam.Identity
	plan      *plan.Plan
	api       *scoutAPI // nil where nobody asks it
}

// scoutStatus is what a scout tells of itself.
type scoutStatus struct {
	Node      string
	Discovery string
	Asked     string
	Error     string
	Found     []string
	Dialled   map[string]bool // name -> whether that connected, the last time
	Connected []string
	Rounds    int
}

func newScouts(t *testing.T, d beam.Discovery, i beam.Identity, api *scoutAPI) *scouts {
	t.Helper()
	if d.Looks(i) != beam.LookupAPI {
		api = nil
	}
	a := scoutApp(d, i)
	p, err := plan.New(a, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "SCOUT_DISCOVERY="+string(d))
	if api != nil {
		api.allow(t, p)
		env = append(env, api.account(t, p)...)
		mode := "ip"
		if d.Dials(i) == beam.HostName {
			mode = "hostname"
		}
		env = append(env, "SCOUT_MODE="+mode)
	}
	s := &scouts{
		app: up(t, Options{
			Dir: beamtest.BuildRelease(t, "testdata/scout"), App: a, Env: env, EndpointDelay: -1,
		}),
		discovery: d, identity: i, plan: p, api: api,
	}
	if api != nil {
		api.pods(t, p, s.status().Pods)
	}
	return s
}

// scoutApp is the BeamApp of a pair, which the rules of the API may well refuse.
func scoutApp(d beam.Discovery, i beam.Identity) *v1alpha1.BeamApp {
	app := &v1alpha1.BeamApp{}
	app.Name, app.Namespace = "scout", strings.ToLower(string(d)+"-"+string(i))
	app.Spec.Image, app.Spec.Type = "scout:1.0.0", v1alpha1.Clustered
	app.Spec.Replicas, app.Spec.HTTP = new(int32(scoutReplicas)), &v1alpha1.HTTPSpec{}
	app.Spec.Clustered = &v1alpha1.ClusteredSpec{Discovery: v1alpha1.Discovery(d), Identity: v1alpha1.Identity(i)}
	if d.OfApp() { // agents would join what the library leaves apart
		app.Spec.Agent = v1alpha1.Disabled
	}
	return app
}

// meet waits until every scout has found all by the names that they have, and for the mesh.
func (s *scouts) meet(t *testing.T) {
	t.Helper()
	s.fullMesh(scoutReplicas)
	all := s.until(t, "every scout finds all", scoutStatus.foundAll)
	var nodes []string
	for _, st := range all {
		nodes = append(nodes, st.Node)
	}
	slices.Sort(nodes)
	for _, st := range all {
		if !slices.Equal(st.Found, nodes) {
			t.Errorf("%s found %v by %s, there are %v", st.Node, st.Found, st.Asked, nodes)
		}
	}
	s.dialsAsTheTableSays(t, nodes)
}

// neverMeet waits until every scout has dialled everybody it found, and finds islands:
// no dial after that is any other. Looked at by the names that were dialled, the mesh
// says why.
func (s *scouts) neverMeet(t *testing.T) {
	t.Helper()
	_, reason := beam.Pair(s.discovery, s.identity)
	if !slices.ContainsFunc(s.plan.Warnings, func(w plan.Warning) bool {
		return w.Code == string(finding.HostMismatch) && w.Text == reason
	}) {
		t.Errorf("the plan warns of %v, and not, as %s, of: %s", s.plan.Warnings, finding.HostMismatch, reason)
	}
	dialled := map[string]bool{}
	for _, st := range s.until(t, "every scout has dialled all", func(st scoutStatus) bool {
		return st.foundAll() && len(st.Dialled) == scoutReplicas // itself too, by a name that is not its own
	}) {
		for name, connected := range st.Dialled {
			dialled[name] = true
			if connected {
				t.Errorf("%s dialled %s, and there is a link", st.Node, name)
			}
		}
	}
	names := slices.Sorted(maps.Keys(dialled))
	if len(names) != scoutReplicas {
		t.Errorf("dialled: %v", names)
	}
	s.dialsAsTheTableSays(t, names)

	if r := s.mesh(); len(r.Islands) != scoutReplicas || r.Links.Up != 0 || !allReached(r) || len(r.Findings) != 1 || r.Findings[0].Code != finding.NobodyDials {
		t.Errorf("islands %v, links %+v, findings %v; want %s", r.Islands, r.Links, r.Findings, finding.NobodyDials)
	}
	p, _ := s.prober()
	o, err := p.Observe(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if f := findingOn(mesh.Diagnose(o), name); f == nil || f.Code != finding.HostMismatch {
			t.Errorf("dialled as %s: %v, want %s", name, f, finding.HostMismatch)
		}
	}
}

// loseLookups lets every lookup fail: who drops the nodes that are gone drops all, and
// nobody else does. With lookups again there is one mesh again.
func (s *scouts) loseLookups(t *testing.T) {
	t.Helper()
	pods := s.status().Pods
	if s.api != nil {
		s.api.deny(t, s.plan)
	} else {
		for _, pod := range pods {
			if _, err := s.Break(t.Context(), pod.Name, FaultDNS); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Whom it does not find, a scout drops before it tells that it found nobody.
	lost := s.until(t, "every lookup fails", func(st scoutStatus) bool { return len(st.Found) == 0 })
	if s.discovery.Drops() {
		s.until(t, "all are dropped", func(st scoutStatus) bool { return len(st.Connected) == 0 })
	} else {
		for _, st := range s.until(t, "lookups go on failing", func(st scoutStatus) bool {
			return len(st.Found) == 0 && !slices.ContainsFunc(lost, func(was scoutStatus) bool { return st.Rounds < was.Rounds+3 })
		}) {
			if len(st.Connected) != scoutReplicas-1 {
				t.Errorf("%s has dropped nodes: only %v are left", st.Node, st.Connected)
			}
		}
	}
	if s.api != nil {
		s.api.allow(t, s.plan)
	} else {
		for _, pod := range pods {
			if _, err := s.Mend(t.Context(), pod.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.fullMesh(scoutReplicas)
}

// dialsAsTheTableSays: the host part of the names is of the kind that the table has.
func (s *scouts) dialsAsTheTableSays(t *testing.T, names []string) {
	t.Helper()
	want := map[beam.HostPart]beam.Form{beam.HostAddress: beam.LongIPv4, beam.HostName: beam.LongHost}[s.discovery.Dials(s.identity)]
	for _, text := range names {
		if n, err := beam.ParseName(text); err != nil || n.Form() != want {
			t.Errorf("dials %s (%v), which is no name by %v", text, err, want)
		}
	}
}

// until waits until every scout tells what is wanted of it.
func (s *scouts) until(t *testing.T, what string, wanted func(scoutStatus) bool) []scoutStatus {
	t.Helper()
	var all []scoutStatus
	eventually(t, what, func() error {
		all = nil
		for _, pod := range s.status().Pods {
			st, err := askScout(fmt.Sprintf("http://%s:%d/status", pod.IP, pod.HTTPPort))
			if err != nil {
				return err
			}
			if !wanted(st) {
				return fmt.Errorf("%+v", st)
			}
			all = append(all, st)
		}
		return nil
	})
	return all
}

func (s scoutStatus) foundAll() bool { return len(s.Found) == scoutReplicas }

func askScout(url string) (st scoutStatus, err error) {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return st, err
	}
	defer resp.Body.Close()
	return st, json.NewDecoder(resp.Body).Decode(&st)
}

func allReached(r mesh.Report) bool {
	return !slices.ContainsFunc(r.Nodes, func(n mesh.ReportNode) bool { return !n.Reached })
}

func findingOn(all []finding.Finding, subject string) *finding.Finding {
	for i := range all {
		if all[i].Subject == subject {
			return &all[i]
		}
	}
	return nil
}
