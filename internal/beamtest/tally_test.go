package beamtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
)

const tally = "../../examples/tally"

// replica is a running tally.
type replica struct {
	*beamtest.Node
	url string
}

// replicas starts one tally for each OTP, not connected with one another.
func replicas(t *testing.T, otps []beamtest.OTP) (all []replica) {
	t.Helper()
	e := beamtest.FreeSlot(t).EPMD(t, len(otps))
	for i, o := range otps {
		opts := e.Options("tally", i, cookie)
		opts.Release = o.BuildRelease(t, tally)
		opts.Env = []string{"POD_IP=" + opts.Addr.String(), "PORT=4000"}
		all = append(all, replica{o.StartNode(t, opts), fmt.Sprintf("http://%s:4000", opts.Addr)})
	}
	return all
}

// answer is any of tally's answers.
type answer struct {
	Node    string
	Count   int
	Members []string
	Tallies map[string]int
}

// call may be called by any goroutine. What goes wrong is the test's error, and then status is 0.
func (r replica) call(t *testing.T, client *http.Client, method, path string) (a answer, status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, nil)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return answer{}, 0
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return answer{}, 0
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return answer{}, 0
	}
	return a, resp.StatusCode
}

// Replicas on different generations of OTP count together once somebody connects them, and the one that is told to
// stop leaves its counts behind and no request unanswered.
//
// Not OTP 25 and 29 in one cluster: pg of OTP 28 and later greets others in a way that OTP 25's does not know, and OTP
// 25's dies of it, again and again. OTP promises only that neighbours of up to two generations get along.
func TestTallyAcrossGenerations(t *testing.T) {
	t.Parallel()
	otps := beamtest.OTPs(t)
	for name, mix := range map[string][]beamtest.OTP{
		"25 and 27": {otps[0], otps[1], otps[0]},
		"27 and 29": {otps[2], otps[2], otps[1]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			countTogether(t, replicas(t, mix))
		})
	}
}

func countTogether(t *testing.T, all []replica) {
	t.Helper()
	var names []string
	for i, r := range all {
		names = append(names, r.Name)
		for range i + 1 {
			r.call(t, http.DefaultClient, "POST", "/tally/ada")
		}
		if a, _ := r.call(t, http.DefaultClient, "GET", "/"); a.Tallies["ada"] != i+1 || !slices.Equal(a.Members, []string{r.Name}) {
			t.Fatalf("%s alone: %+v", r.Name, a)
		}
	}
	for _, r := range all[1:] {
		r.Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", all[0].Name))
	}
	slices.Sort(names)
	for _, r := range all {
		r.Eventually(t, "length('Elixir.Tally':members())", "3")
		if a, _ := r.call(t, http.DefaultClient, "GET", "/"); a.Tallies["ada"] != 6 || !slices.Equal(a.Members, names) {
			t.Errorf("%s with the others: %+v, want members %v and 6 votes", r.Name, a, names)
		}
	}

	// The last one stops while it works: on a request in flight, and for a client that keeps its connection.
	leaving := all[2]
	slow := make(chan int)
	go func() {
		_, status := leaving.call(t, http.DefaultClient, "GET", "/slow?ms=1500")
		slow <- status
	}()
	leaving.Eventually(t, "'Elixir.Tally.Web.Requests':count()", "1")
	leaving.Kill(syscall.SIGTERM)
	steady := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	leaving.Eventually(t, "'Elixir.Tally.Web.Requests':'draining?'()", "true")
	if a, status := leaving.call(t, steady, "POST", "/tally/ada"); status != 200 || a.Count != 7 {
		t.Errorf("a vote while it drains: %d, %+v, want the seventh", status, a)
	}
	if _, status := leaving.call(t, steady, "GET", "/health/ready"); status != http.StatusServiceUnavailable {
		t.Errorf("ready while it drains: %d", status)
	}
	if status := <-slow; status != 200 {
		t.Errorf("the request in flight: %d", status)
	}
	select {
	case <-leaving.Done():
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not end", leaving.Name)
	}
	for _, r := range all[:2] {
		r.Eventually(t, "length('Elixir.Tally':members())", "2")
		if a, _ := r.call(t, http.DefaultClient, "GET", "/"); a.Tallies["ada"] != 7 {
			t.Errorf("%s after one has left: %+v, want all 7 votes", r.Name, a)
		}
	}
	if !strings.Contains(leaving.Log(), "handed the counts over to tally@") {
		t.Errorf("%s does not say to whom it handed its counts", leaving.Name)
	}
}

// Votes that come in while a replica leaves are all answered, and all are there afterwards.
func TestTallyLosesNothing(t *testing.T) {
	t.Parallel()
	host := beamtest.Host(t)
	all := replicas(t, []beamtest.OTP{host, host})
	all[0].Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", all[1].Name))
	all[0].Eventually(t, "length('Elixir.Tally':members())", "2")

	// Each voter goes to the one that leaves until it hears that it is leaving, as an ingress does, then to the other.
	var votes atomic.Int64
	var voters sync.WaitGroup
	for range 4 {
		client := &http.Client{Transport: &http.Transport{}}
		voters.Go(func() {
			for to, after := 1, 0; after < 20; {
				if _, status := all[to].call(t, client, "POST", "/tally/eve"); status != 200 {
					t.Errorf("a vote was answered with %d", status)
					return
				}
				votes.Add(1)
				if to == 0 {
					after++
				} else if _, status := all[1].call(t, client, "GET", "/health/ready"); status != 200 {
					to = 0
				}
			}
		})
	}
	all[1].Eventually(t, "'Elixir.Tally':count(<<\"eve\">>) > 50", "true")
	all[1].Stop(t)
	voters.Wait()
	all[0].Eventually(t, `'Elixir.Tally':count(<<"eve">>)`, fmt.Sprint(votes.Load()))
}
