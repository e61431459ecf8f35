package mesh

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// manyApps are sound apps of three replicas in one namespace, each with its Service and its
// policy, of which none knows another. Those of two realms have nothing in common.
func manyApps(realm, n int) Intent {
	in := Intent{Domain: sure("cluster.local")}
	ns := fmt.Sprintf("prod%d", realm)
	for k := range n {
		name := fmt.Sprintf("app%d-%d", realm, k)
		labels := map[string]string{"app": name, "tier": "web"}
		own := Selector{Labels: map[string]string{"app": name}}
		in.Services = append(in.Services, Service{
			Name: name + "-headless", Namespace: ns, Headless: true, NotReadyToo: true, Ports: 2, Selector: own.Labels, Labels: labels,
		})
		in.Policies = append(in.Policies, Policy{Name: name, Namespace: ns, Pods: own, Ingress: &[]PolicyRule{{
			Peers: []PolicyPeer{{Pods: &own}}, Ports: []PolicyPort{{First: 4369, Last: 4369}, {First: 9100, Last: 9107}},
		}}})
		for i := range 3 {
			id := fmt.Sprintf("%s-%d", name, i)
			r := Replica{
				ID: id, Pod: id, Workload: "StatefulSet " + ns + "/" + name, Namespace: ns, IP: fmt.Sprintf("%d.%d.%d.%d", 10+realm, k>>8, k&255, i+1),
				Hostname: id, Subdomain: name + "-headless", Labels: labels, Long: Yes, Cookie: Cookie{From: "Secret " + ns + "/" + name},
				EPMD: 4369, ListenMin: 9100, ListenMax: 9107, ReadyAlone: No,
				Ways: []Way{{Name: "Phial's agent", Agent: true, Query: sure(name + "-headless"), Looks: beam.LookupSRV, Dials: DialName}},
			}
			r.Node = sure(name + "@" + r.Host("cluster.local"))
			in.Replicas = append(in.Replicas, r)
		}
	}
	return in
}

// randomApps are a few apps with mistakes, some of which find one another's replicas.
func randomApps(rng *rand.Rand, realm int) Intent {
	in := manyApps(realm, 1+rng.IntN(6))
	prod, stage := fmt.Sprintf("prod%d", realm), fmt.Sprintf("stage%d", realm)
	in.Replicas = slices.DeleteFunc(in.Replicas, func(Replica) bool { return rng.IntN(4) == 0 })
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	rarely := func() bool { return rng.IntN(8) == 0 }
	app := func() string { return fmt.Sprintf("app%d-%d", realm, rng.IntN(6)) }
	var places []string
	for _, r := range in.Replicas {
		below := func(names ...string) string { return "x@" + strings.Join(append(names, "cluster.local"), ".") }
		places = append(places, "x@"+r.IP, r.Node.Value, below(dashes.Replace(r.IP), r.Subdomain, prod, "svc"), below(dashes.Replace(r.IP), prod, "pod"))
	}
	places = append(places, "x@nowhere", "x@1.1.1.1", "x@127.0.0.1", "x")
	for k := range in.Services {
		s := &in.Services[k]
		s.NotReadyToo, s.Headless = !rarely(), !rarely()
		if rarely() {
			s.Namespace = stage
		}
		switch rng.IntN(8) {
		case 0:
			s.Selector = map[string]string{"tier": "web"}
		case 1:
			s.Selector = nil
		case 2:
			s.Selector = map[string]string{"app": app(), "none": ""}
		}
	}
	for k := range in.Policies {
		p := &in.Policies[k]
		switch rng.IntN(6) {
		case 0:
			p.Pods = Selector{}
		case 1:
			p.Pods = Selector{Exprs: []Requirement{{"app", "In", []string{app(), app()}}}}
		case 2:
			p.Egress = &[]PolicyRule{}
		default:
			p.Ingress = nil
		}
	}
	oneCookie := rng.IntN(3) > 0
	if rng.IntN(2) == 0 {
		in.Policies = nil
	}
	each(&in, func(_ int, r *Replica) {
		w := &r.Ways[0]
		if oneCookie {
			r.Cookie = Cookie{ID: "one"}
		}
		if rng.IntN(3) == 0 {
			r.Node = sure("x@" + r.IP)
		}
		if rng.IntN(3) == 0 {
			w.Looks, w.Dials, w.Selects = beam.Lookup(1+rng.IntN(4)), DialForm(rng.IntN(3)), Selector{Labels: map[string]string{"app": app()}}
			w.Namespace, w.Allowed, w.Endpoints, w.Agent, w.Base = sure(prod), Tri(rng.IntN(3)), rng.IntN(2) == 0, rng.IntN(2) == 0, sure(pick("x", app()))
		}
		if rarely() {
			w.Query = sure(pick(app()+"-headless", app()+"-headless."+stage, "a.b.c", ""))
		}
		if rarely() {
			r.Namespace = stage
		}
		if rng.IntN(4) == 0 {
			r.Ways = append(r.Ways, Way{Name: "Epmd", Static: []string{places[rng.IntN(len(places))], places[rng.IntN(len(places))]}})
		}
		switch rng.IntN(24) {
		case 0:
			r.NoNode, r.Code = "it does not boot", pick("NAM-16", "")
		case 1:
			r.Node = NotKnown(pick("computed", "set elsewhere"), "")
		case 2:
			w.Unclear = pick("computed", "its source is not at hand")
		case 3:
			w.Idle, w.Code = "its query is not set", pick("DSC-13", "")
		case 4:
			r.Ways = nil
		case 5:
			r.Hidden = true
		case 6:
			r.ConnectAll = No
		case 7:
			r.Cookie = Cookie{ID: "other"}
		case 8:
			r.ReadyAlone = Tri(rng.IntN(3))
		case 9:
			r.Hostname = dashes.Replace(in.Replicas[rng.IntN(len(in.Replicas))].IP) // which DNS makes of another's address
		}
	})
	return in
}

// What is told of many is what going through every pair of them tells: the islands, each
// doubt, and each first link that tells what one lacks.
func TestPredictLeavesNothingOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	left, met := 0, 0
	for range 3000 {
		in := randomApps(rng, 0)
		p := predict(&in)
		var every []PredictedLink
		var doubts []string
		workload := map[string]string{}
		up := newIslands(len(in.Replicas))
		for i, a := range in.Replicas {
			workload[a.ID] = a.Workload
			for j, b := range in.Replicas {
				if j <= i {
					continue
				}
				l := PredictedLink{A: a.ID, B: b.ID}
				l.Up, l.Why = p.verdict(i, j)
				every = append(every, l)
				if l.Up == Yes {
					up.join(i, j)
					if a.Workload != b.Workload {
						met++
					}
				}
				for _, o := range l.Why {
					if l.Up == Unknown && !p.islands.same(i, j) && !slices.Contains(doubts, o.Text) {
						doubts = append(doubts, o.Text)
					}
				}
			}
		}
		left += len(every) - len(p.out.Links)
		if diff := cmp.Diff(up.of, p.islands.of); diff != "" {
			t.Fatalf("islands by every link: %s", diff)
		}
		if diff := cmp.Diff(doubts, p.out.Doubts); diff != "" {
			t.Fatalf("doubts of every link: %s", diff)
		}
		if diff := cmp.Diff(firsts(every, workload), firsts(p.out.Links, workload)); diff != "" {
			t.Fatalf("what every link tells: %s", diff)
		}
	}
	if left < 3000 || met < 3000 {
		t.Errorf("of 3000 sets %d links are left out, and %d join two apps: too few to show anything", left, met)
	}
}

// firsts are the first links that tell each thing of each workload.
func firsts(all []PredictedLink, workload map[string]string) (out []string) {
	type thing struct {
		workload, at string
		code         finding.Code
	}
	before := map[thing]bool{}
	for _, l := range all {
		for _, o := range l.Why {
			th := thing{workload[o.From], fmt.Sprint(o.At), o.Code}
			if l.Up != No || o.Code == finding.NobodyDials || before[th] {
				continue
			}
			before[th] = true
			out = append(out, fmt.Sprintf("%s -- %s: %+v", l.A, l.B, o))
		}
	}
	return out
}

// Who is connected to one is connected to all, whatever app it is of.
func TestPredictSpreads(t *testing.T) {
	in := manyApps(0, 4)
	in.Policies = nil
	each(&in, func(_ int, r *Replica) {
		r.Ways, r.Cookie = []Way{{Name: "Epmd", Static: []string{in.Replicas[5].Node.Value}}}, Cookie{From: "one"}
	})
	p := Predict(in)
	if len(p.Islands) != 1 || len(p.Links) != 12*11/2 {
		t.Errorf("%d islands and %d links of 12 replicas", len(p.Islands), len(p.Links))
	}
	for _, l := range p.Links {
		if l.Up != Yes {
			t.Errorf("%+v", l)
		}
	}
}

// The index finds what going through everything finds.
func TestIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		in := randomApps(rng, 0)
		x := newIndex(&in)
		where := func(ok func(r *Replica) bool) (all []int) {
			for i := range in.Replicas {
				if ok(&in.Replicas[i]) {
					all = append(all, i)
				}
			}
			return all
		}
		same := func(what string, want, got []int) {
			if !slices.Equal(want, got) {
				t.Fatalf("%s: %v, want %v", what, got, want)
			}
		}
		listed := map[int]bool{}
		for k := range in.Services {
			s := &in.Services[k]
			want := where(func(r *Replica) bool {
				return len(s.Selector) > 0 && r.Namespace == s.Namespace && Selector{Labels: s.Selector}.Selects(r.Labels)
			})
			same("selected by "+s.Name, want, x.selects(s))
			for _, i := range want {
				listed[i] = true
			}
		}
		for i, r := range in.Replicas {
			var policies []*Policy
			for k := range in.Policies {
				if p := &in.Policies[k]; p.Namespace == r.Namespace && p.Pods.Selects(r.Labels) {
					policies = append(policies, p)
				}
			}
			if !slices.Equal(policies, x.policies[i]) || x.selected(i) != listed[i] {
				t.Fatalf("policies of %s: %v, want %v; listed %v, want %v", r.ID, x.policies[i], policies, x.selected(i), listed[i])
			}
			same("at "+r.IP, where(func(o *Replica) bool { return o.IP == r.IP })[:1], []int{x.at(r.IP)})
			for _, name := range []string{r.Hostname, dashes.Replace(r.IP), "nobody"} {
				want := append(where(func(o *Replica) bool {
					return o.Namespace == r.Namespace && (o.Hostname == name && o.Subdomain == r.Subdomain || dashes.Replace(o.IP) == name)
				}), -1)[:1]
				same(name, want, []int{x.pod(r.Namespace, r.Subdomain, name)})
			}
		}
	}
}

// What apps do that can't meet is what each would do alone.
func TestPredictAloneAndTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		var all Intent
		var replicas []Predicted
		var links []PredictedLink
		islands := map[string]bool{}
		for k := range 4 {
			one := randomApps(rng, k)
			p := Predict(one)
			replicas, links = append(replicas, p.Replicas...), append(links, p.Links...)
			for _, i := range p.Islands {
				islands[fmt.Sprint(i)] = true
			}
			all.Domain = one.Domain
			all.Replicas, all.Services, all.Policies = append(all.Replicas, one.Replicas...), append(all.Services, one.Services...), append(all.Policies, one.Policies...)
		}
		p := Predict(all)
		if diff := cmp.Diff(replicas, p.Replicas); diff != "" {
			t.Fatal(diff)
		}
		for _, i := range p.Islands {
			if !islands[fmt.Sprint(i)] {
				t.Fatalf("%v is no island of one alone", i)
			}
		}
		if len(p.Islands) != len(islands) {
			t.Fatalf("%d islands, want %d", len(p.Islands), len(islands))
		}
		together := map[Link]PredictedLink{}
		for _, l := range p.Links {
			together[Link{l.A, l.B}] = l
		}
		for _, l := range links {
			if with, ok := together[Link{l.A, l.B}]; ok {
				if diff := cmp.Diff(l, with); diff != "" {
					t.Fatal(diff)
				}
			} else if l.Up == Yes {
				t.Fatalf("together there is no link of %s and %s", l.A, l.B)
			}
		}
	}
}

// A set that is twice as large costs twice as much.
func TestPredictIsLinear(t *testing.T) {
	cost := func(n int) float64 {
		in := manyApps(0, n)
		return testing.AllocsPerRun(2, func() { Predict(in) })
	}
	if small, large := cost(100), cost(400); large > 4.4*small {
		t.Errorf("of 100 apps %.0f allocations, of 400 %.0f", small, large)
	}
	if p := Predict(manyApps(0, 400)); len(p.Links) != 3*400 || len(p.Islands) != 400 || len(p.Doubts)+len(p.Beyond) > 0 {
		t.Errorf("%d links and %d islands of 400 apps; doubts %q, beyond %q", len(p.Links), len(p.Islands), p.Doubts, p.Beyond)
	}
}

// What is larger than what is followed is said to be, and not known.
func TestPredictBeyond(t *testing.T) {
	tooMany := func(change func(in *Intent)) Intent {
		in := manyApps(0, maxMesh/3+1)
		change(&in)
		return in
	}
	hub := func(in *Intent) {
		each(in, func(_ int, r *Replica) {
			r.Ways, r.Cookie = []Way{{Name: "Epmd", Static: []string{in.Replicas[0].Node.Value}}}, Cookie{From: "one"}
		})
		in.Policies = nil
	}
	for _, c := range []struct {
		name   string
		in     Intent
		beyond string
		island int
		doubts bool
	}{
		{"a Service that lists too many", tooMany(func(in *Intent) {
			for k := range in.Services {
				in.Services[k].Selector = map[string]string{"tier": "web"}
			}
		}), "finds 321 replicas", 1, true},
		{"an island that is too large", tooMany(hub), "one of 321 that are connected", 321, false},
		{"one that agents would make", tooMany(func(in *Intent) {
			hub(in)
			in.Replicas[0].Ways = []Way{{Name: "Phial's agent", Agent: true, Query: sure("app0-106-headless"), Looks: beam.LookupSRV, Dials: DialName}}
			for i := 318; i < 321; i++ {
				in.Replicas[i].Ways = nil
			}
		}), "would be one of 321", 320, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Predict(c.in)
			if len(p.Beyond) == 0 || !strings.Contains(p.Beyond[0], c.beyond) {
				t.Errorf("beyond: %q", p.Beyond)
			}
			if n := len(p.Islands[0]); n != c.island || (len(p.Doubts) > 0) != c.doubts {
				t.Errorf("the largest island is of %d, want %d; doubts %q", n, c.island, p.Doubts)
			}
		})
	}
}

func BenchmarkPredict(b *testing.B) {
	for _, n := range []int{60, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := manyApps(0, n)
			b.ReportAllocs()
			for b.Loop() {
				Predict(in)
			}
		})
	}
}
