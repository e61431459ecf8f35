package advise

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/project"
)

func facts(t *testing.T, name string) Facts {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for _, f := range a.Files {
		tree[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	p, err := project.Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	return FactsOf(p)
}

// answers reads "nodes=fixed count=3".
func answers(t *testing.T, text string) Answers {
	t.Helper()
	var a Answers
	for _, w := range strings.Fields(text) {
		name, value, _ := strings.Cut(w, "=")
		if err := a.Set(name, value); err != nil {
			t.Fatalf("%s: %v", w, err)
		}
	}
	return a
}

func TestAdvise(t *testing.T) {
	const small = "nodes=fixed count=3 traffic=heavy"
	for _, c := range []struct {
		project, answers string
		way              Way
		confidence       Confidence
		beside           bool
	}{
		{"stateless", "", Stateless, High, false},
		{"stateless", "traffic=none kubernetes=yes", Stateless, High, false},
		{"stateless", "kubernetes=no nodes=fixed count=2", Machines, Low, false},
		{"stateless", "traffic=heavy nodes=fixed kubernetes=no", Machines, Low, false},
		{"stateless", "traffic=heavy", Clustered, Low, false}, // the answer against what was seen
		{"clustered", "", Clustered, High, false},
		{"clustered", "kubernetes=yes nodes=varying traffic=some", Clustered, High, false},
		{"horde", "", Clustered, Low, false}, // a list of hosts speaks for machines
		{"horde", small, Machines, High, false},
		{"horde", small + " kubernetes=yes bin-packing=yes zones=3", Machines, High, false}, // it decides
		{"horde", "nodes=varying traffic=some kubernetes=yes", Clustered, High, false},
		{"mnesia", small, Machines, High, false},
		{"mnesia", "nodes=varying traffic=some kubernetes=yes", Clustered, High, false},
		{"kafka", "", Pipelines, High, false},
		{"kafka", "kubernetes=yes nodes=varying", Pipelines, High, false},
		{"umbrella", "", Stateless, High, true},
		{"session", "kubernetes=no nodes=fixed count=2", Machines, High, false},
		{"library", "", "", Medium, false},
		{"library", small, "", Medium, false},
		{"computed", "", Stateless, Low, false},
	} {
		t.Run(c.project+" "+c.answers, func(t *testing.T) {
			got := Advise(facts(t, c.project), answers(t, c.answers))
			if got.Recommended != c.way || got.Confidence != c.confidence || got.Beside != c.beside {
				t.Errorf("%q, confidence %s, beside %v; want %q, %s, %v\n%s", got.Recommended, got.Confidence, got.Beside, c.way, c.confidence, c.beside, scores(got))
			}
		})
	}
}

func scores(a Advice) string {
	var b strings.Builder
	for _, v := range a.Ways {
		b.WriteString(string(v.Way) + " " + number(v.Score))
		for _, e := range slices.Concat(v.For, v.Against) {
			b.WriteString("\n  " + string(e.Signal) + " " + e.Weight.String())
		}
		b.WriteString("\n")
	}
	for _, c := range a.Changes {
		b.WriteString(c.If + " -> " + string(c.To) + "\n")
	}
	return b.String()
}

// What a project says is seen where it stands.
func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		project string
		signal  Signal
		at      string
	}{
		{"stateless", http, "mix.exs:14:7"},
		{"stateless", dnsCluster, "mix.exs:19:7"},
		{"stateless", pubsub, "lib/shop/application.ex:8:8"},
		{"stateless", nothingShared, ""},
		{"clustered", libcluster, "mix.exs:13:28"},
		{"clustered", topology, "config/runtime.exs:7:19"},
		{"clustered", presence, "lib/chat_web/presence.ex:2:7"},
		{"clustered", broadcast, "lib/chat_web/room_channel.ex:2:3"},
		{"horde", horde, "lib/arena/application.ex:9:8"},
		{"horde", hostList, "lib/arena/application.ex:5:40"},
		{"mnesia", mnesia, "lib/ledger/application.ex:5:5"},
		{"kafka", kafka, "lib/feed/orders.ex:7:26"},
		{"session", localSession, "lib/desk_web/endpoint.ex:4:3"},
		{"session", cron, "mix.exs:5:86"},
		{"umbrella", kafka, "apps/feed/lib/feed/orders.ex:6:26"},
	} {
		f := facts(t, c.project)
		i := slices.IndexFunc(f.Seen, func(s Seen) bool { return s.Signal == c.signal })
		if i < 0 {
			t.Errorf("%s: %s not seen", c.project, c.signal)
			continue
		}
		var at string
		if len(f.Seen[i].At) > 0 {
			at = f.Seen[i].At[0].String()
		}
		if at != c.at {
			t.Errorf("%s: %s at %q, want %q", c.project, c.signal, at, c.at)
		}
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		project   string
		identity  beam.Identity
		discovery beam.Discovery
	}{
		{"stateless", beam.IdentityAddress, beam.DiscoveryDNSCluster},
		{"clustered", beam.IdentityAddress, beam.DiscoveryLibclusterDNS},
		{"horde", beam.IdentityAddress, beam.DiscoveryPhial},
		{"mnesia", beam.IdentityStable, beam.DiscoveryPhial},
	} {
		f := facts(t, c.project).Fit
		if f.Identity != c.identity || f.Discovery != c.discovery {
			t.Errorf("%s: %s, %s; want %s, %s", c.project, f.Identity, f.Discovery, c.identity, c.discovery)
		}
		if ok, why := beam.Pair(f.Discovery, f.Identity); !ok {
			t.Errorf("%s: %s", c.project, why)
		}
	}
}

// signals are all that the table knows.
func signals() (all []Signal) {
	for _, r := range table {
		if !slices.Contains(all, r.signal) {
			all = append(all, r.signal)
		}
	}
	return all
}

func score(vs []Verdict, w Way) Verdict {
	return vs[slices.IndexFunc(vs, func(v Verdict) bool { return v.Way == w })]
}

// More evidence for a way never lowers it, and if it was recommended and nothing else gains, it still is.
func TestMoreEvidenceNeverLowers(t *testing.T) {
	all := signals()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var seen []Seen
		for _, s := range all {
			if rnd.IntN(4) == 0 {
				seen = append(seen, Seen{Signal: s})
			}
		}
		before := weigh(seen)
		for _, s := range all {
			if has(seen, s) {
				continue
			}
			after := weigh(append(slices.Clone(seen), Seen{Signal: s}))
			alone := true // nothing else gains by it
			for _, w := range Ways() {
				gains := slices.ContainsFunc(rowsOf(w), func(r row) bool { return r.signal == s && r.weight > 0 })
				loses := slices.ContainsFunc(rowsOf(w), func(r row) bool { return r.signal == s && r.weight < 0 })
				b, a := score(before, w), score(after, w)
				if gains && (a.Score < b.Score || b.Decided && !a.Decided || b.Missing == "" && a.Missing != "") {
					t.Fatalf("%s lowers %s from %d to %d", s, w, b.Score, a.Score)
				}
				if loses && a.Score > b.Score {
					t.Fatalf("%s speaks against %s and raises it", s, w)
				}
				first := w == before[0].Way
				alone = alone && (first && gains || !first && !gains && (!a.Decided || b.Decided) && (a.Missing == "") == (b.Missing == ""))
			}
			if alone && after[0].Way != before[0].Way {
				t.Fatalf("%s speaks for %s alone, and %s is recommended instead", s, before[0].Way, after[0].Way)
			}
		}
	}
}

// The order in which facts were found does not matter.
func TestOrderDoesNotMatter(t *testing.T) {
	for _, name := range cases(t) {
		f := facts(t, name)
		a := answers(t, "nodes=fixed kubernetes=yes")
		want := Advise(f, a)
		for range 20 {
			rand.Shuffle(len(f.Seen), func(i, j int) { f.Seen[i], f.Seen[j] = f.Seen[j], f.Seen[i] })
			if d := cmp.Diff(want, Advise(f, a)); d != "" {
				t.Fatalf("%s (-want +got):\n%s", name, d)
			}
		}
	}
}

func cases(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".txtar"))
	}
	return names
}

// That nobody knows is no answer.
func TestUnknownIsNoAnswer(t *testing.T) {
	for _, name := range cases(t) {
		f := facts(t, name)
		var a Answers
		want := Advise(f, a)
		for _, q := range Questions(f, a) {
			for _, c := range q.Choices {
				for _, v := range []string{c.Value, DontKnow} {
					if err := a.Set(q.Name, v); err != nil {
						t.Fatalf("%s %s: %v", q.Name, v, err)
					}
				}
			}
		}
		if d := cmp.Diff(want, Advise(f, a)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		for _, v := range want.Ways {
			for _, e := range slices.Concat(v.For, v.Against) {
				for _, s := range e.Seen {
					if strings.HasPrefix(s.What, "answered") {
						t.Errorf("%s: %s, and nobody did", name, s.What)
					}
				}
			}
		}
	}
}

// A small fixed set, heavy traffic and state in the mesh means machines, whatever else is answered.
func TestMachinesMust(t *testing.T) {
	for _, name := range []string{"horde", "mnesia"} {
		f := facts(t, name)
		for _, c := range all(t) {
			c.Nodes, c.Count, c.Traffic = "fixed", 5, "heavy"
			if got := Advise(f, c); got.Recommended != Machines || got.Confidence != High {
				t.Fatalf("%s %+v: %s, %s", name, c, got.Recommended, got.Confidence)
			}
		}
	}
	// Each condition counts: without any of them it is not decided.
	for _, text := range []string{"count=5 traffic=heavy", "nodes=fixed traffic=heavy", "nodes=fixed count=5", "nodes=fixed count=5 traffic=some", "nodes=varying count=5 traffic=heavy"} {
		if Advise(facts(t, "horde"), answers(t, text)).Ways[0].Decided {
			t.Errorf("%s decides", text)
		}
	}
	if Advise(facts(t, "stateless"), answers(t, "nodes=fixed count=5 traffic=heavy")).Ways[0].Decided {
		t.Error("it is decided without state in the mesh")
	}
}

// all combines the answers of the last four questions.
func all(t *testing.T) []Answers {
	t.Helper()
	out := []Answers{{}}
	for _, name := range []string{"latency", "regions", "zones", "kubernetes", "bin-packing"} {
		i := slices.IndexFunc(catalogue, func(q Question) bool { return q.Name == name })
		for _, a := range slices.Clone(out) {
			for _, c := range catalogue[i].Choices {
				if err := a.Set(name, c.Value); err != nil {
					t.Fatal(err)
				}
				out = append(out, a)
			}
		}
	}
	return out
}

func TestSet(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"nodes", "Fixed", "fixed"}, {"nodes", "some", "!"}, {"count", "0", "!"}, {"count", "-1", "!"}, {"count", "many", "!"},
		{"count", "7", "7"}, {"count", "1000000", "!"}, {"traffic", " heavy ", "heavy"}, {"regions", "unknown", ""}, {"kubernetes", "yes", "yes"}, {"weather", "fine", "!"},
	} {
		var a Answers
		err := a.Set(c.name, c.value)
		if got := a.get(c.name); c.want == "!" && (err == nil || got != "") || c.want != "!" && (err != nil || got != c.want) {
			t.Errorf("%s %q: %q, %v; want %q", c.name, c.value, got, err, c.want)
		}
	}
}

// A row without a reason, or twice, is a mistake; so is a signal that nothing weighs.
func TestTable(t *testing.T) {
	type key struct {
		Signal
		Way
	}
	seen := map[key]bool{}
	for _, r := range table {
		k := key{r.signal, r.way}
		if r.reason == "" || !strings.HasSuffix(r.reason, ".") || seen[k] || r.weight == 0 || r.weight.String() == "none" || abs(r.weight) == Deciding {
			t.Errorf("%s, %s: %d, %q", r.signal, r.way, r.weight, r.reason)
		}
		seen[k] = true
	}
	known := signals()
	for _, d := range dependencies {
		if !slices.Contains(known, d.signal) {
			t.Errorf("%s tells %s, which counts for nothing", d.name, d.signal)
		}
	}
	for _, n := range names {
		if !slices.Contains(known, n.signal) {
			t.Errorf("%s tells %s, which counts for nothing", n.prefix, n.signal)
		}
	}
	for _, w := range Ways() {
		for side, weight := range map[string]int{"for": 1, "against": -1} {
			if !slices.ContainsFunc(table, func(r row) bool { return r.way == w && int(r.weight)*weight > 0 }) {
				t.Errorf("nothing speaks %s %s", side, w)
			}
		}
	}
}

// What would change the advice changes it.
func TestChangesHold(t *testing.T) {
	for _, name := range cases(t) {
		f := facts(t, name)
		for _, text := range []string{"", "kubernetes=yes", "nodes=fixed count=3"} {
			a := answers(t, text)
			for _, c := range Advise(f, a).Changes {
				if c.Flag == "" {
					continue
				}
				other := a
				words := strings.Fields(c.Flag)
				for i := 0; i+1 < len(words); i += 2 {
					if err := other.Set(strings.TrimPrefix(words[i], "--"), words[i+1]); err != nil {
						t.Fatal(err)
					}
				}
				if got := Advise(f, other).Recommended; got != c.To {
					t.Errorf("%s %q: %s gives %s, and %s was said", name, text, c.Flag, got, c.To)
				}
			}
		}
	}
}

func tree(t *testing.T, files map[string]string) *project.Project {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	p, err := project.Read(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
