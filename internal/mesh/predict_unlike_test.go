package mesh

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/beam"
)

// What addresses, domains and neighbours of one pod make of a mesh that would be whole.
func TestPredictUnlike(t *testing.T) {
	const whole, apart = "tally-0 tally-1 tally-2", "tally-0 | tally-1 | tally-2"
	all := func(f func(*Replica)) func(*Intent) {
		return func(in *Intent) { each(in, func(_ int, r *Replica) { f(r) }) }
	}
	way := func(f func(*Way)) func(*Intent) { return all(func(r *Replica) { f(&r.Ways[0]) }) }
	// The pods of a cluster that has IPv6 alone are named by that.
	six := func(in *Intent) {
		in.Services[0].IPv6 = true
		each(in, func(i int, r *Replica) {
			r.IP = fmt.Sprintf("fd00::%d", i+1)
			r.Node = sure("tally@" + r.IP)
		})
	}
	alone := func(in *Intent) { in.Services[0].IPv6 = true } // of pods that have IPv4 as well
	four := func(in *Intent) { in.Services[0].IPv4 = true }
	over6 := all(func(r *Replica) { r.Proto = beam.ProtoTCP6 })
	onlyA := way(func(w *Way) { w.Looks = beam.LookupA })
	own := way(func(w *Way) { w.Looks, w.Own = beam.LookupA, true })
	srv := way(func(w *Way) { w.Looks, w.Dials = beam.LookupSRV, DialName })
	agent := way(func(w *Way) { w.Agent = true })
	api := way(func(w *Way) {
		w.Looks, w.Namespace, w.Allowed, w.Selects = beam.LookupAPI, sure("prod"), Yes, Selector{Labels: map[string]string{"app": "tally"}}
	})
	record := func(in *Intent) {
		api(in)
		each(in, func(_ int, r *Replica) {
			r.Ways[0].Dials, r.Node = DialPodRecord, sure("tally@"+dashes.Replace(r.IP)+".prod.pod.cluster.local")
		})
	}
	unknown := func(in *Intent) { in.Domain = NotKnown("two are named", "k8s.yaml:3:1") }
	twin := func(in *Intent) {
		in.Replicas[1].Twin = Flaw{Why: "a and b start a node of one name", At: "k8s.yaml:9:1"}
	}
	for _, c := range []struct {
		name    string
		changes []func(*Intent)
		islands string
		code    string // of the first obstacle
		doubt   string
	}{
		{"IPv6, over IPv4", []func(*Intent){six}, apart, "NET-10", ""},
		{"IPv6, over IPv6", []func(*Intent){six, over6}, whole, "", ""},
		{"IPv6, over TLS of IPv6", []func(*Intent){six, all(func(r *Replica) { r.Proto = beam.ProtoTLS6 })}, whole, "", ""},
		{"IPv6, A records alone", []func(*Intent){six, over6, onlyA}, apart, "DSC-21", ""},
		{"IPv6, a resolver of its own", []func(*Intent){six, over6, own}, apart, "DSC-21", "own"},
		{"IPv6, names", []func(*Intent){six, stable, srv, over6}, whole, "", ""},
		{"IPv6, names, over IPv4", []func(*Intent){six, stable, srv}, apart, "NET-10", ""},
		{"IPv6, agents", []func(*Intent){six, over6, agent}, whole, "", ""},
		{"IPv6, agents, over IPv4", []func(*Intent){six, agent}, apart, "NET-10", ""},
		{"IPv6, the API", []func(*Intent){six, over6, api}, whole, "", ""},
		{"IPv6, the API, over IPv4", []func(*Intent){six, api}, apart, "NET-10", ""},
		{"IPv6, records of pods", []func(*Intent){six, over6, record}, apart, "", "CoreDNS"},
		{"records of pods", []func(*Intent){record}, apart, "", "CoreDNS"},
		{"IPv6 of two families, over IPv4", []func(*Intent){alone}, apart, "NET-10", ""},
		{"IPv6 of two families, over IPv6", []func(*Intent){alone, over6}, apart, "NET-10", "named by these"},
		{"IPv4 alone, over IPv6", []func(*Intent){four, over6}, apart, "NET-10", ""},
		{"IPv4 alone", []func(*Intent){four}, whole, "", ""},
		{"IPv4 alone, A records alone", []func(*Intent){four, onlyA}, whole, "", ""},
		{"no family is named, over IPv6", []func(*Intent){over6}, apart, "NET-10", "IPv6 addresses is not known"},
		{"a domain that is not known", []func(*Intent){unknown}, apart, "NAM-10", "two are named"},
		{"a domain that is not known, and a short query", []func(*Intent){unknown, way(func(w *Way) { w.Query = sure("tally-headless.prod.svc") })}, whole, "", ""},
		{"two nodes in one pod", []func(*Intent){twin}, "tally-0 tally-2 | tally-1", "NET-09", "one name"},
		{"two nodes in one pod, agents", []func(*Intent){twin, agent}, "tally-0 tally-2 | tally-1", "NET-09", "one name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := tallyIntent()
			for _, change := range c.changes {
				change(&in)
			}
			p := Predict(in)
			doubts := strings.Join(p.Doubts, "; ")
			if got, code := islandsText(p), firstCode(p); got != c.islands || code != c.code || (doubts == "") != (c.doubt == "") || !strings.Contains(doubts, c.doubt) {
				t.Errorf("islands %s, code %q, doubts %q; want %s, %q, %q", got, code, doubts, c.islands, c.code, c.doubt)
				for _, r := range p.Replicas {
					t.Logf("%+v", r)
				}
			}
		})
	}
}

// Of two nodes in one pod it is told which does not boot, and where the other stands.
func TestPredictTwin(t *testing.T) {
	in := tallyIntent()
	in.Replicas[0].Twin = Flaw{Why: "a and b start a node of one name", At: "k8s.yaml:9:1"}
	told := 0
	for _, s := range Predict(in).Replicas[0].Steps {
		if s.State == Failed && s.Code == "NET-09" && s.At.Line == 9 && strings.Contains(s.Text, "does not boot") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("it is told %d times", told)
	}
}

// A name of a replica for which others stand is no mistake; one beyond them all is.
func TestPredictScale(t *testing.T) {
	for _, c := range []struct {
		host string
		ok   bool
	}{
		{"tally-7", true}, {"tally-9", true}, {"tally-10", false}, {"tally--1", false}, {"tally-x", false}, {"tally", false}, {"other-7", false}, {"-7", false},
	} {
		in := tallyIntent()
		stable(&in)
		in.Scale = map[string]int{in.Replicas[0].Workload: 10}
		each(&in, func(_ int, r *Replica) {
			r.Ways = []Way{{Name: "Epmd", Static: []string{in.Replicas[0].Node.Value, "tally@" + c.host + ".tally-headless.prod.svc.cluster.local"}}}
		})
		p := Predict(in)
		failed := false
		for _, s := range p.Replicas[0].Steps {
			failed = failed || s.State == Failed
		}
		if failed == c.ok || len(p.Islands) != 1 {
			t.Errorf("%s: failed %v, islands %v, %+v", c.host, failed, p.Islands, p.Replicas[0].Steps)
		}
	}
}
