package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
	"github.com/phialdev/phial/internal/mesh"
)

// spotStatus is what a replica tells of itself.
type spotStatus struct {
	Node      string
	Connected []string
	Rounds    []int // of each that looks for others, how often it has looked and dialled
}

// run starts the release as phial.yaml says, with so many replicas, and gives the islands
// that come of it.
func (s *spot) run(t *testing.T, replicas int) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var out, news safeBuffer
	done := make(chan int, 1)
	go func() {
		done <- Run(ctx, &term.IO{In: strings.NewReader(""), Out: &out, Err: &news}, []string{"up", s.release, "-f", s.app, "--grace", "2s"})
	}()
	defer func() {
		cancel()
		if code := <-done; code != term.OK {
			t.Errorf("up ended with status %d", code)
		}
		if t.Failed() {
			t.Logf("%s\n%s", news.String(), out.String())
		}
	}()
	var islands string
	since := map[string][]int{} // how often each had looked when all were up
	deadline := time.Now().Add(predictPatience)
	for {
		var err error
		if islands, err = s.look(t, replicas, since); err == nil {
			return islands
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		select {
		case code := <-done:
			done <- code
			t.Fatalf("up ended with status %d\n%s", code, news.String())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// look gives the islands, or says why they may not be the last word yet: each replica that
// runs and looks for others has to have done so twice since all were up. Agents have done
// theirs when nothing is on its way any more.
func (s *spot) look(t *testing.T, replicas int, since map[string][]int) (string, error) {
	t.Helper()
	c, err := local.Find(s.name)
	if err != nil {
		return "", err
	}
	st, err := c.Status(t.Context())
	if err != nil {
		return "", err
	}
	switch {
	case len(st.Pods) != replicas:
		return "", fmt.Errorf("there are %d replicas, not %d", len(st.Pods), replicas)
	case s.agents && !st.Settled:
		return "", errors.New("its agents are at it")
	}
	if s.foreign {
		return s.mesh(t)
	}
	told := map[string]spotStatus{}
	for _, pod := range st.Pods {
		if pod.Restarts > 0 {
			continue // it does not boot
		}
		now, err := askSpot(fmt.Sprintf("http://%s:%d/", pod.IP, pod.HTTPPort))
		if err != nil {
			clear(since)
			return "", fmt.Errorf("%s, %s: %w", pod.Name, pod.Reason, err)
		}
		told[pod.Name] = now
	}
	if len(since) == 0 {
		for name, now := range told {
			since[name] = now.Rounds
		}
	}
	for name, now := range told {
		for i, n := range now.Rounds {
			if i >= len(since[name]) || n < since[name][i]+2 {
				return "", fmt.Errorf("%s has looked %d times", name, n)
			}
		}
	}
	for _, pod := range st.Pods {
		if _, ok := told[pod.Name]; !ok {
			t.Logf("%s does not boot", pod.Name)
		}
	}
	found := joined(st.Pods, told)
	if meshed, err := s.mesh(t); err != nil {
		return "", err
	} else if meshed != "" && meshed != found {
		return "", fmt.Errorf("phial mesh finds %s, and the nodes are connected as %s", meshed, found)
	}
	return found, nil
}

// mesh gives the islands that phial mesh finds; empty where there is a node that it does
// not reach.
func (s *spot) mesh(t *testing.T) (string, error) {
	t.Helper()
	code, out, stderr := phial(t, "mesh", "--name", s.name, "-o", "json")
	if code > term.Findings {
		return "", fmt.Errorf("phial mesh: %s", stderr)
	}
	var r mesh.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	replica := map[string]string{}
	for _, n := range r.Nodes {
		if !n.Reached {
			return "", nil
		}
		replica[n.Name] = n.Replica
	}
	var islands [][]string
	for _, island := range r.Islands {
		var ids []string
		for _, node := range island {
			ids = append(ids, replica[node])
		}
		islands = append(islands, ids)
	}
	return partition(islands, s.name), nil
}

// joined gives the parts that the nodes' own words make.
func joined(pods []local.Pod, told map[string]spotStatus) string {
	part := map[string]string{}
	for _, p := range pods {
		part[p.Name] = p.Name
	}
	for a, one := range told {
		for b, other := range told {
			if a != b && slices.Contains(one.Connected, other.Node) {
				from, to := part[a], part[b]
				for p := range part {
					if part[p] == from {
						part[p] = to
					}
				}
			}
		}
	}
	islands := map[string][]string{}
	for pod, of := range part {
		islands[of] = append(islands[of], pod[strings.LastIndexByte(pod, '-')+1:])
	}
	var all []string
	for _, island := range islands {
		slices.Sort(island)
		all = append(all, strings.Join(island, ""))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func askSpot(url string) (s spotStatus, err error) {
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s)
}
