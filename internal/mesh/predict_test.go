package mesh

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

func sure(v string) Setting { return Setting{Value: v} }

// tallyIntent is three replicas of a sound app with addresses for names, which find each
// other by the headless Service.
func tallyIntent() Intent {
	in := Intent{
		Domain: sure("cluster.local"),
		Services: []Service{{
			Name: "tally-headless", Namespace: "prod", Headless: true, NotReadyToo: true, Ports: 2,
			Selector: map[string]string{"app": "tally"}, Labels: map[string]string{"app": "tally"},
		}},
	}
	for i := range 3 {
		ip := fmt.Sprintf("10.0.0.%d", i+1)
		in.Replicas = append(in.Replicas, Replica{
			ID: fmt.Sprintf("tally-%d", i), Workload: "Deployment prod/tally", Namespace: "prod", IP: ip,
			Labels: map[string]string{"app": "tally"}, Node: sure("tally@" + ip), Long: Yes, Cookie: Cookie{From: "Secret prod/tally"},
			EPMD: 4369, ListenMin: 9100, ListenMax: 9107, ReadyAlone: No,
			Ways: []Way{{Name: "dns_cluster", Query: sure("tally-headless.prod.svc.cluster.local"), Looks: beam.LookupAOrAAAA, Base: sure("tally")}},
		})
	}
	return in
}

// each changes every replica.
func each(in *Intent, f func(i int, r *Replica)) {
	for i := range in.Replicas {
		f(i, &in.Replicas[i])
	}
}

func stable(in *Intent) {
	each(in, func(i int, r *Replica) {
		r.Hostname, r.Subdomain = r.ID, "tally-headless"
		r.Node = sure("tally@" + r.Host("cluster.local"))
	})
}

func TestPredict(t *testing.T) {
	const whole, apart = "tally-0 tally-1 tally-2", "tally-0 | tally-1 | tally-2"
	way := func(change func(*Way)) func(*Intent) {
		return func(in *Intent) { each(in, func(_ int, r *Replica) { change(&r.Ways[0]) }) }
	}
	srv := way(func(w *Way) { w.Looks, w.Dials = beam.LookupSRV, DialName })
	api := way(func(w *Way) {
		w.Looks, w.Namespace, w.Allowed, w.Selects = beam.LookupAPI, sure("prod"), Yes, Selector{Labels: map[string]string{"app": "tally"}}
	})
	agent := way(func(w *Way) { w.Agent = true })
	policy := func(rules ...PolicyRule) func(*Intent) {
		return func(in *Intent) {
			in.Policies = append(in.Policies, Policy{Name: "p", Namespace: "prod", Pods: Selector{Labels: map[string]string{"app": "tally"}}, Ingress: &rules})
		}
	}
	random := func(why string) func(*Intent) {
		return func(in *Intent) {
			each(in, func(_ int, r *Replica) { r.ListenMin, r.ListenMax, r.ListenWhy = 0, 0, why })
		}
	}
	fixed := func(epmd uint16) func(*Intent) {
		return func(in *Intent) {
			each(in, func(_ int, r *Replica) { r.EPMD, r.FixedPort, r.ListenMin, r.ListenMax = epmd, 9200, 9200, 9200 })
		}
	}
	dns := func(which Resolver) func(*Intent) {
		return func(in *Intent) { each(in, func(_ int, r *Replica) { r.Resolver = which }) }
	}
	port := func(first, last uint16) PolicyPort { return PolicyPort{First: first, Last: last} }
	for _, c := range []struct {
		name    string
		changes []func(*Intent)
		islands string
		code    string // of the first obstacle
		doubt   string
	}{
		{"sound", nil, whole, "", ""},
		{"short query", []func(*Intent){way(func(w *Way) { w.Query = sure("tally-headless") })}, whole, "", ""},
		{"query with a dot at the end", []func(*Intent){way(func(w *Way) { w.Query = sure("tally-headless.prod.svc.cluster.local.") })}, whole, "", ""},
		{"short query with a dot at the end", []func(*Intent){way(func(w *Way) { w.Query = sure("tally-headless.") })}, apart, "DSC-03", ""},
		{"query with an empty part", []func(*Intent){way(func(w *Way) { w.Query = sure("tally-headless..svc.cluster.local") })}, apart, "DSC-03", ""},
		{"short query without the search list", []func(*Intent){way(func(w *Way) { w.Query, w.Whole = sure("tally-headless"), true })}, apart, "DSC-03", ""},
		{"full query without the search list", []func(*Intent){way(func(w *Way) { w.Whole = true })}, whole, "", ""},
		{"a namespace where nobody is", []func(*Intent){way(func(w *Way) { w.Query = sure("tally-headless.stage") })}, apart, "DSC-03", ""},
		{"another domain", []func(*Intent){way(func(w *Way) { w.Query = sure("tally-headless.prod.svc.k8s.example") })}, apart, "NAM-10", ""},
		{"names that addresses are not", []func(*Intent){stable}, apart, "NAM-02", ""},
		{"names by SRV", []func(*Intent){stable, srv}, whole, "", ""},
		{"addresses by SRV", []func(*Intent){srv}, apart, "NAM-02", ""},
		{"SRV without ports", []func(*Intent){stable, srv, func(in *Intent) { in.Services[0].Ports = 0 }}, apart, "DSC-04", ""},
		{"another base", []func(*Intent){way(func(w *Way) { w.Base = sure("shop") })}, apart, "NAM-03", ""},
		{"no Service", []func(*Intent){func(in *Intent) { in.Services = nil }}, apart, "DSC-03", "no Service"},
		{"not headless", []func(*Intent){func(in *Intent) { in.Services[0].Headless = false }}, apart, "DSC-01", ""},
		{"selects nobody", []func(*Intent){func(in *Intent) { in.Services[0].Selector = map[string]string{"app": "x"} }}, apart, "DSC-02", ""},
		{"waits for itself", []func(*Intent){func(in *Intent) { in.Services[0].NotReadyToo = false }}, apart, "DSC-07", ""},
		{"may wait for itself", []func(*Intent){func(in *Intent) {
			in.Services[0].NotReadyToo = false
			each(in, func(_ int, r *Replica) { r.ReadyAlone = Unknown })
		}}, apart, "", "ready before"},
		{"may wait for itself, and why", []func(*Intent){func(in *Intent) {
			in.Services[0].NotReadyToo = false
			each(in, func(_ int, r *Replica) { r.ReadyAlone, r.ReadyWhy = Unknown, "its code asks" })
		}}, apart, "", "its code asks"},
		{"API", []func(*Intent){api}, whole, "", ""},
		{"API, refused", []func(*Intent){api, way(func(w *Way) { w.Allowed = No })}, apart, "DSC-09", ""},
		{"API, endpoints without the label", []func(*Intent){api, way(func(w *Way) { w.Endpoints = true }), func(in *Intent) { in.Services[0].Labels = nil }}, apart, "DSC-08", ""},
		{"API, host names of a Deployment", []func(*Intent){api, way(func(w *Way) { w.Dials = DialName })}, apart, "DSC-10", ""},
		{"API, host names", []func(*Intent){stable, api, way(func(w *Way) { w.Dials, w.Query = DialName, sure("tally-headless") })}, whole, "", ""},
		{"loopback", []func(*Intent){func(in *Intent) { each(in, func(_ int, r *Replica) { r.Node = sure("tally@127.0.0.1") }) }}, apart, "NAM-02", ""},
		{"one short", []func(*Intent){func(in *Intent) { in.Replicas[1].Long, in.Replicas[1].Node = No, sure("tally@b") }}, "tally-0 tally-2 | tally-1", "NAM-01", ""},
		{"one with another cookie", []func(*Intent){func(in *Intent) {
			for i := range in.Replicas {
				in.Replicas[i].Cookie.ID = fmt.Sprint(i / 2)
			}
		}}, "tally-0 tally-1 | tally-2", "COO-01", ""},
		{"one that makes up its cookie", []func(*Intent){func(in *Intent) { in.Replicas[1].Cookie.Own = "no file has it" }}, "tally-0 tally-2 | tally-1", "COO-01", ""},
		{"all that make up their cookies", []func(*Intent){func(in *Intent) { each(in, func(_ int, r *Replica) { r.Cookie.Own = "no file has it" }) }}, apart, "COO-01", ""},
		{"a name that is not known, of which something is said", []func(*Intent){func(in *Intent) {
			in.Replicas[1].Node, in.Replicas[1].Code = NotKnown("its script", "rel/env.sh.eex:3:1"), "NAM-04"
		}}, "tally-0 tally-2 | tally-1", "NAM-04", "its script"},
		{"cookies of two places", []func(*Intent){func(in *Intent) { in.Replicas[2].Cookie = Cookie{From: "the image"} }}, "tally-0 tally-1 | tally-2", "", "cookies"},
		{"more around the cookie of one", []func(*Intent){func(in *Intent) { in.Replicas[2].Cookie.After, in.Replicas[2].Cookie.Around = 1, "a" }}, "tally-0 tally-1 | tally-2", "COO-01", ""},
		{"the same around every cookie", []func(*Intent){func(in *Intent) { each(in, func(_ int, r *Replica) { r.Cookie.After, r.Cookie.Around = 1, "a" }) }}, whole, "", ""},
		{"as much around every cookie", []func(*Intent){func(in *Intent) {
			each(in, func(i int, r *Replica) { r.Cookie.After, r.Cookie.Around = 1, fmt.Sprint(i/2) })
		}}, "tally-0 tally-1 | tally-2", "", "cookies"},
		{"one hidden", []func(*Intent){func(in *Intent) { in.Replicas[1].Hidden = true }}, "tally-0 tally-2 | tally-1", "NET-24", ""},
		{"policy without ports", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{port(4000, 4000)}})}, apart, "NET-02", ""},
		{"policy with EPMD alone", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{port(4369, 4369)}})}, apart, "NET-02", ""},
		{"policy with all", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{port(4369, 4369), port(9100, 9107)}})}, whole, "", ""},
		{"policy with the first port of the range", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{port(4369, 4369), port(9100, 9100)}})}, whole, "", ""},
		{"policy by a container's names", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{{Name: "epmd"}, {Name: "dist"}}}),
			func(in *Intent) {
				each(in, func(_ int, r *Replica) { r.Ports = map[string]uint16{"epmd": 4369, "dist": 9100} })
			}}, whole, "", ""},
		{"policy by names that one has", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{{Name: "epmd"}, {Name: "dist"}}}),
			func(in *Intent) {
				in.Replicas[0].Ports = map[string]uint16{"epmd": 4369, "dist": 9100}
				in.Replicas[0].Ways, in.Replicas[2].Ways = nil, nil // the second dials both
			}}, "tally-0 tally-1 | tally-2", "DSC-15", ""}, // the first and the third do not dial each other
		{"policy by a name that no container has", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{{Name: "epmd"}}})}, apart, "NET-02", ""},
		{"policy with every port, and a random one", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{port(1024, 40000), port(30000, 65535), port(4369, 4369)}}), random("")}, whole, "", ""},
		{"policy with the usual ports, and a random one", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{port(4369, 4369), port(32768, 60999)}}), random("")}, apart, "", "admits"},
		{"policy and a port that is not known", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{port(4369, 4369), port(9100, 9107)}}), random("vm.args is not at hand")}, apart, "", "vm.args"},
		{"policy and a random port", []func(*Intent){policy(PolicyRule{Ports: []PolicyPort{port(4369, 4369), port(9100, 9107)}}),
			random("")}, apart, "NET-01", ""},
		{"policy for others", []func(*Intent){policy(PolicyRule{Peers: []PolicyPeer{{Pods: &Selector{Labels: map[string]string{"app": "x"}}}}})}, apart, "NET-02", ""},
		{"policy by address", []func(*Intent){policy(PolicyRule{Peers: []PolicyPeer{{Block: true}}})}, apart, "", "admits"},
		{"nobody dials", []func(*Intent){func(in *Intent) { each(in, func(_ int, r *Replica) { r.Ways = nil }) }}, apart, "DSC-15", ""},
		{"only the first dials", []func(*Intent){func(in *Intent) { in.Replicas[1].Ways, in.Replicas[2].Ways = nil, nil }}, whole, "", ""},
		{"only the first dials, connect_all false", []func(*Intent){func(in *Intent) {
			in.Replicas[1].Ways, in.Replicas[2].Ways = nil, nil
			each(in, func(_ int, r *Replica) { r.ConnectAll = No })
		}}, whole, "GLB-04", ""}, // the links of the first are enough for one island
		{"connect_all false, and all dial all", []func(*Intent){func(in *Intent) { each(in, func(_ int, r *Replica) { r.ConnectAll = No }) }}, whole, "", ""},
		{"agents, connect_all false", []func(*Intent){agent, func(in *Intent) { each(in, func(_ int, r *Replica) { r.ConnectAll = No }) }}, apart, "GLB-04", ""},
		{"agents, one with connect_all false", []func(*Intent){agent, func(in *Intent) { in.Replicas[1].ConnectAll = No }}, "tally-0 tally-2 | tally-1", "GLB-04", ""},
		{"agents, one hidden", []func(*Intent){agent, func(in *Intent) { in.Replicas[0].Hidden = true }}, "tally-1 tally-2 | tally-0", "NET-24", ""},
		{"agents", []func(*Intent){agent}, whole, "", ""},
		{"agents, names", []func(*Intent){agent, stable}, whole, "", ""},
		{"agents, one that nobody may reach", []func(*Intent){agent, func(in *Intent) {
			in.Replicas[2].Labels = map[string]string{"app": "tally", "odd": "yes"}
			in.Policies = []Policy{{Name: "p", Namespace: "prod", Pods: Selector{Labels: map[string]string{"odd": "yes"}}, Ingress: new([]PolicyRule)}}
		}}, "tally-0 tally-1 | tally-2", "NET-02", ""},
		{"no boot", []func(*Intent){func(in *Intent) { in.Replicas[0].NoNode, in.Replicas[0].Code = "POD_IP is empty", "NAM-04" }}, "tally-1 tally-2 | tally-0", "NAM-04", ""},
		{"a name that is not known", []func(*Intent){func(in *Intent) { in.Replicas[0].Node = NotKnown("computed by a command", "env.sh:3") }}, "tally-1 tally-2 | tally-0", "", "computed"},
		{"a way that is not known", []func(*Intent){way(func(w *Way) { w.Unclear = "computed" })}, apart, "", "computed"},
		{"no EPMD on one", []func(*Intent){func(in *Intent) { in.Replicas[0].EPMD = 0 }}, "tally-1 tally-2 | tally-0", "NET-08", ""},
		{"one port for all, without EPMD", []func(*Intent){fixed(0)}, whole, "", ""},
		{"one port for all, beside EPMD", []func(*Intent){fixed(4369)}, whole, "", ""},
		{"one port beside EPMD, on one", []func(*Intent){func(in *Intent) { in.Replicas[0].FixedPort, in.Replicas[0].ListenMin = 9200, 9200 }}, whole, "", ""}, // others ask EPMD
		{"one port without EPMD, where others listen", []func(*Intent){func(in *Intent) { in.Replicas[0].EPMD, in.Replicas[0].FixedPort = 0, 9100 }}, whole, "", ""},
		{"one port, and others' is not known", []func(*Intent){random("vm.args is not at hand"), func(in *Intent) { in.Replicas[0].EPMD, in.Replicas[0].FixedPort = 0, 9100 }},
			"tally-1 tally-2 | tally-0", "NET-08", "vm.args"}, // it may dial them; they can't dial it
		{"a module in EPMD's place", []func(*Intent){func(in *Intent) {
			each(in, func(_ int, r *Replica) { r.OtherEPMD = Flaw{Why: "Tally.EPMD answers"} })
		}}, apart, "", "Tally.EPMD"},
		{"one on loopback", []func(*Intent){func(in *Intent) { in.Replicas[0].Deaf = Flaw{Why: "listens on loopback"} }}, whole, "", ""}, // it dials the others
		{"all on loopback", []func(*Intent){func(in *Intent) { each(in, func(_ int, r *Replica) { r.Deaf = Flaw{Why: "listens on loopback"} }) }}, apart, "NET-01", ""},
		{"none listens", []func(*Intent){func(in *Intent) {
			each(in, func(_ int, r *Replica) { r.Deaf, r.Hidden = Flaw{Why: "does not listen"}, true })
		}}, apart, "NET-24", ""},
		{"agents, one on loopback", []func(*Intent){agent, func(in *Intent) { in.Replicas[0].Deaf = Flaw{Why: "listens on loopback"} }}, "tally-1 tally-2 | tally-0", "NET-01", ""},
		{"TLS without a certificate", []func(*Intent){func(in *Intent) {
			each(in, func(_ int, r *Replica) { r.Proto, r.NoTLS = beam.ProtoTLS, Flaw{Why: "has no certificate"} })
		}}, apart, "NET-30", ""},
		{"TLS that may be without a certificate", []func(*Intent){func(in *Intent) {
			each(in, func(_ int, r *Replica) {
				r.Proto, r.NoTLS = beam.ProtoTLS, Flaw{Why: "has none, as far as flags are known", Unsure: true}
			})
		}}, apart, "NET-30", "as far as"},
		{"on loopback, perhaps", []func(*Intent){func(in *Intent) {
			each(in, func(_ int, r *Replica) { r.Deaf = Flaw{Why: "its address is computed", Unsure: true} })
		}}, apart, "NET-01", "computed"},
		{"TLS, and one without a certificate", []func(*Intent){func(in *Intent) {
			each(in, func(_ int, r *Replica) { r.Proto = beam.ProtoTLS })
			in.Replicas[0].NoTLS = Flaw{Why: "has no certificate"}
		}}, "tally-1 tally-2 | tally-0", "NET-30", "whether"},
		{"the machine's DNS", []func(*Intent){dns(Resolver{Machine: "it asks the machine's DNS"})}, apart, "DSC-28", ""},
		{"a DNS that is not known", []func(*Intent){dns(Resolver{Unclear: "dnsConfig sets it"})}, apart, "DSC-28", "dnsConfig"},
		{"the machine's DNS, on one", []func(*Intent){func(in *Intent) { in.Replicas[0].Resolver.Machine = "it asks the machine's DNS" }}, whole, "", ""}, // others dial it
		{"the machine's DNS, and names", []func(*Intent){stable, srv, dns(Resolver{Machine: "it asks the machine's DNS"})}, apart, "DSC-28", ""},
		{"the machine's DNS, and names in a list", []func(*Intent){stable, dns(Resolver{Machine: "it asks the machine's DNS"}), way(func(w *Way) {
			w.Static = []string{"tally@tally-0.tally-headless.prod.svc.cluster.local"}
		})}, apart, "DSC-28", ""},
		{"the machine's DNS, and addresses in a list", []func(*Intent){dns(Resolver{Machine: "it asks the machine's DNS"}), way(func(w *Way) {
			w.Static = []string{"tally@10.0.0.1"}
		})}, whole, "", ""},
		{"API, the machine's DNS", []func(*Intent){api, dns(Resolver{Machine: "it asks the machine's DNS"})}, apart, "DSC-28", ""},
		{"API, the machine's DNS, and told where", []func(*Intent){api, way(func(w *Way) { w.Where = true }), dns(Resolver{Machine: "it asks the machine's DNS"})}, apart, "", "where it finds the API"},
		{"named by the machine", []func(*Intent){func(in *Intent) {
			each(in, func(i int, r *Replica) {
				r.Node, r.Slip, r.NamedBy = sure(fmt.Sprintf("tally@192.168.0.%d", i+1)), OfMachine, Flaw{Why: "which is its machine's address"}
			})
		}}, apart, "NAM-02", ""},
		{"IPv6 on one", []func(*Intent){func(in *Intent) { in.Replicas[0].Proto = beam.ProtoTCP6 }}, "tally-1 tally-2 | tally-0", "NET-10", ""},
		{"TLS on one", []func(*Intent){func(in *Intent) { in.Replicas[0].Proto = beam.ProtoTLS }}, "tally-1 tally-2 | tally-0", "NET-19", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := tallyIntent()
			for _, change := range c.changes {
				change(&in)
			}
			p := Predict(in)
			if got := islandsText(p); got != c.islands {
				t.Errorf("islands %s, want %s", got, c.islands)
			}
			if code := firstCode(p); code != c.code {
				t.Errorf("the first obstacle is %q, want %q", code, c.code)
			}
			if got := strings.Join(p.Doubts, "; "); (got == "") != (c.doubt == "") || !strings.Contains(got, c.doubt) {
				t.Errorf("doubts %q, want %q", got, c.doubt)
			}
			if t.Failed() {
				for _, r := range p.Replicas {
					for _, s := range r.Steps {
						t.Logf("%s %s: %s", r.ID, s.State, s.Text)
					}
				}
				t.Logf("%+v", p.Links)
			}
		})
	}
}

func islandsText(p Prediction) string {
	var all []string
	for _, i := range p.Islands {
		all = append(all, strings.Join(i, " "))
	}
	return strings.Join(all, " | ")
}

func firstCode(p Prediction) string {
	for _, l := range p.Links {
		for _, o := range l.Why {
			if o.Code != "" {
				return string(o.Code)
			}
		}
	}
	return ""
}

// What it tells of a replica reads as a story.
func TestPredictTells(t *testing.T) {
	in := tallyIntent()
	in.Replicas[0].Node.From = "k8s/app.yaml:20:11"
	in.Replicas[1].Cookie = Cookie{ID: "other", From: "Secret prod/old"}
	in.Replicas[0].Cookie.ID, in.Replicas[2].Cookie.ID = "one", "one"
	want := []Narration{
		{State: Passed, Text: "will be named tally@10.0.0.1 (k8s/app.yaml:20:11)", At: Place{"k8s/app.yaml", 20, 11}},
		{State: Passed, Text: "dns_cluster will look up tally-headless.prod.svc.cluster.local (A and AAAA); DNS answers 10.0.0.1, 10.0.0.2, 10.0.0.3"},
		{State: Failed, Text: "will dial tally@10.0.0.2: refused, because their cookies are not the same", Code: finding.CookieDiffers},
		{State: Passed, Text: "will dial tally@10.0.0.3: accepted"},
	}
	if diff := cmp.Diff(want, Predict(in).Replicas[0].Steps); diff != "" {
		t.Error(diff)
	}
}

// Whatever the intent, every replica stands in one island, a link that is up joins two of
// one island, and one that is down for certain has a reason.
func TestPredictHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		in := randomIntent(rng)
		p := Predict(in)
		island := map[string]int{}
		for k, ids := range p.Islands {
			for _, id := range ids {
				if _, twice := island[id]; twice {
					t.Fatalf("%s stands in two islands: %v", id, p.Islands)
				}
				island[id] = k
			}
		}
		if len(island) != len(in.Replicas) {
			t.Fatalf("%d of %d replicas stand in an island", len(island), len(in.Replicas))
		}
		for _, l := range p.Links {
			if l.Up == Yes && island[l.A] != island[l.B] {
				t.Fatalf("%s and %s are linked, and in two islands", l.A, l.B)
			}
			if l.Up != Yes && len(l.Why) == 0 {
				t.Fatalf("nothing says why %s and %s are not linked: %+v", l.A, l.B, in)
			}
			if l.Up == Unknown && island[l.A] != island[l.B] && len(p.Doubts) == 0 {
				t.Fatalf("%s and %s may be linked, and nothing is in doubt", l.A, l.B)
			}
		}
		again := Predict(in)
		if diff := cmp.Diff(p, again); diff != "" {
			t.Fatal(diff)
		}
	}
}

func randomIntent(rng *rand.Rand) Intent {
	in := tallyIntent()
	if rng.IntN(3) == 0 {
		stable(&in)
	}
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	in.Services[0].NotReadyToo, in.Services[0].Ports = rng.IntN(3) > 0, rng.IntN(2)
	each(&in, func(_ int, r *Replica) {
		w := &r.Ways[0]
		w.Looks = beam.Lookup(1 + rng.IntN(4))
		w.Dials = DialForm(rng.IntN(3))
		w.Query = sure(pick("tally-headless", "tally-headless.prod.svc.cluster.local", "other", "a.b.c", "", "_epmd._tcp.tally-headless.prod.svc"))
		w.Namespace, w.Allowed = sure("prod"), Tri(rng.IntN(3))
		w.Agent = rng.IntN(3) == 0
		r.ReadyAlone, r.ConnectAll, r.Long = Tri(rng.IntN(3)), Tri(rng.IntN(3)), Tri(rng.IntN(3))
		r.Cookie = Cookie{ID: pick("", "a", "b"), From: pick("", "x", "y")}
		switch rng.IntN(8) {
		case 0:
			r.NoNode = "it does not boot"
		case 1:
			r.Node = NotKnown("computed", "")
		case 2:
			w.Unclear = "computed"
		case 3:
			w.Static = []string{"tally@10.0.0.1", "tally@nowhere", "x"}
		case 4:
			r.Ways = nil
		}
	})
	return in
}

func TestSelects(t *testing.T) {
	labels := map[string]string{"app": "tally", "tier": "web"}
	for _, c := range []struct {
		s    Selector
		want bool
	}{
		{Selector{}, true},
		{Selector{Labels: map[string]string{"app": "tally"}}, true},
		{Selector{Labels: map[string]string{"app": "shop"}}, false},
		{Selector{Exprs: []Requirement{{"app", "In", []string{"shop", "tally"}}}}, true},
		{Selector{Exprs: []Requirement{{"app", "NotIn", []string{"tally"}}}}, false},
		{Selector{Exprs: []Requirement{{"zone", "NotIn", []string{"a"}}}}, true},
		{Selector{Exprs: []Requirement{{"zone", "Exists", nil}}}, false},
		{Selector{Exprs: []Requirement{{"zone", "DoesNotExist", nil}}}, true},
	} {
		if got := c.s.Selects(labels); got != c.want {
			t.Errorf("%+v selects %v: %v", c.s, labels, got)
		}
	}
}

func TestCovered(t *testing.T) {
	of := &Replica{Ports: map[string]uint16{"epmd": 4369}}
	for _, c := range []struct {
		ports       []PolicyPort
		first, last uint16
		want        bool
	}{
		{[]PolicyPort{{All: true}}, 1, 65535, true},
		{[]PolicyPort{{First: 1, Last: 65535}}, 1024, 65535, true},
		{[]PolicyPort{{First: 9104, Last: 9107}, {First: 9100, Last: 9103}}, 9100, 9107, true},
		{[]PolicyPort{{First: 9105, Last: 9107}, {First: 9100, Last: 9103}}, 9100, 9107, false},
		{[]PolicyPort{{Name: "epmd"}}, 4369, 4369, true},
		{[]PolicyPort{{Name: "dist"}}, 1, 65535, false},
		{[]PolicyPort{{First: 1}}, 1, 1, false}, // of other protocols alone
		{nil, 4369, 4369, false},
	} {
		if got := covered(c.ports, of, c.first, c.last); got != c.want {
			t.Errorf("%+v cover %d to %d: %v", c.ports, c.first, c.last, got)
		}
	}
}
