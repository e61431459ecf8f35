package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/report"
)

// Bounds of a look.
const (
	wordWithin    = 10 * time.Second // what an agent knows
	observeWithin = 70 * time.Second // what it looks for, with a walk along each missing link
	execsAtOnce   = 10
	mostLooks     = 3 // from other places, where the first does not reach everybody
)

// word is what a replica's own agent says of it, or why it could not be asked.
type word struct {
	replica
	views.View
	err error
}

// Look asks each replica's agent for its own word, and one of them to look at all nodes.
// Nodes whose pods are starting or leaving do not count; pods that do not start are
// findings.
func (a *App) Look(ctx context.Context) (report.Sight, error) {
	words := a.words(ctx)
	if err := ctx.Err(); err != nil {
		return report.Sight{}, err
	}
	s := report.Sight{Report: mesh.NewReport(mesh.Observation{})}
	asked := slices.ContainsFunc(words, func(w word) bool { return w.err == nil })
	if asked {
		var err error
		if s.Report, s.From, err = a.observe(ctx, words); err != nil {
			return s, err
		}
		s.Report = s.KeptOut("pod "+s.From, nil)
		if err := a.refresh(ctx, words); err != nil {
			return s, err
		}
	}
	a.awaited(ctx, words)
	stuck := stuckPods(words)
	if !asked && len(stuck) == 0 {
		// An agent that ran and did not answer tells more than one that does not run.
		slices.SortStableFunc(words, func(x, y word) int { return cmp.Compare(len(x.away), len(y.away)) })
		return s, fmt.Errorf("no agent of %s could be asked: %s: %w", a.Name, words[0].name, words[0].err)
	}
	s.Report = s.Aside(a.phases(s.Report, words))
	s.Findings = append(stuck, s.Findings...)
	for _, w := range words {
		s.Agents = append(s.Agents, agentOfWord(w))
	}
	return s, nil
}

// words asks all agents that run.
func (a *App) words(ctx context.Context) []word {
	words := make([]word, len(a.pods))
	slots := make(chan struct{}, execsAtOnce)
	var all sync.WaitGroup
	for i, r := range a.pods {
		words[i].replica = r
		if r.away != "" {
			words[i].err = errors.New(r.away)
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			words[i].View, words[i].err = a.word(ctx, r.name)
		})
	}
	all.Wait()
	a.learn(words)
	return words
}

// learn takes the nodes' names from their agents, who know better than a pod's spec.
func (a *App) learn(words []word) {
	for i, w := range words {
		if w.err == nil && w.Node != "" {
			a.pods[i].node, words[i].node = w.Node, w.Node
		}
	}
}

func (a *App) word(ctx context.Context, pod string) (views.View, error) {
	text, err := a.client.agents(ctx, pod, wordWithin, "state", "-o", "json")
	if err != nil {
		return views.View{}, err
	}
	var v views.View
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fmt.Errorf("what the agent of %s says cannot be read: %w", pod, err)
	}
	return v, nil
}

// observe has one agent look at all nodes: the one that sees most of them. Where it does
// not reach a node that is there, another looks, and whoever reached most is believed.
func (a *App) observe(ctx context.Context, words []word) (best mesh.Report, from string, err error) {
	places := slices.DeleteFunc(slices.Clone(words), func(w word) bool { return w.err != nil })
	slices.SortStableFunc(places, func(x, y word) int {
		return cmp.Or(cmp.Compare(rank(y), rank(x)), cmp.Compare(len(y.Peers), len(x.Peers)))
	})
	looks := 0
	for _, p := range places {
		rep, lookErr := a.observeFrom(ctx, p.name)
		if lookErr != nil {
			err = errors.Join(err, lookErr)
			if ctx.Err() != nil {
				return best, "", ctx.Err()
			}
			continue
		}
		if looks++; from == "" || away(rep, words) < away(best, words) {
			best, from = rep, p.name
		}
		if away(best, words) == 0 || looks == mostLooks {
			break
		}
	}
	if from == "" {
		return best, "", fmt.Errorf("no agent of %s could look at the nodes: %w", a.Name, err)
	}
	return best, from, nil
}

// rank is higher for a place that is better to look from.
func rank(w word) (n int) {
	for _, good := range []bool{w.Booted, w.SilentSeconds == 0, !w.leaving() && !w.Draining} {
		if good {
			n++
		}
	}
	return n
}

// away counts the nodes that were not reached although they answer their agents.
func away(r mesh.Report, words []word) (n int) {
	for _, node := range r.Nodes {
		there := slices.ContainsFunc(words, func(w word) bool {
			return w.err == nil && w.Node == node.Name && w.Booted && w.SilentSeconds == 0
		})
		if !node.Reached && there {
			n++
		}
	}
	return n
}

func (a *App) observeFrom(ctx context.Context, pod string) (mesh.Report, error) {
	text, err := a.client.agents(ctx, pod, observeWithin, "mesh", "-o", "json", "--observe")
	if err != nil {
		return mesh.Report{}, err
	}
	var m views.Mesh
	if err := json.Unmarshal(text, &m); err != nil || m.Report == nil {
		return mesh.Report{}, fmt.Errorf("what the agent of %s saw cannot be read (%w)", pod, cmp.Or(err, errNoReport))
	}
	return *m.Report, nil
}

var errNoReport = errors.New("it has no report")

// agentOfWord is a word as it is shown.
func agentOfWord(w word) report.Agent {
	a := report.Agent{Replica: w.name, Node: w.node, Phase: w.phase(), Gate: report.GateUnknown, Cookie: views.CookieUnknown, Draining: w.leaving()}
	if w.err != nil {
		if a.Reason = w.err.Error(); w.away != "" && w.health.why != "" {
			a.Reason = w.health.why
		}
		return a
	}
	a.Gate, a.Reason, a.Booted, a.Joined, a.Join = report.GateClosed, w.Reason, w.Booted, w.Joined, w.Join
	if w.Ready {
		a.Gate = report.GateOpen
	}
	// What cannot be read is unknown.
	_ = a.Status.UnmarshalText([]byte(w.Status))
	a.Draining, a.Drained, a.SilentSeconds = w.leaving() || w.Draining, w.Drained, w.SilentSeconds
	a.Cookie, a.CookieSwitchAt = cmp.Or(w.Cookie, views.CookieUnknown), w.CookieSwitchAt
	a.AgentSeconds, a.Version = w.AgentSeconds, w.Version
	return a
}

// Trace walks from one node to another, from the one's own network: its agent does it.
// Where that cannot be asked, the other's does, and says whence it looked.
func (a *App) Trace(ctx context.Context, from, to string) mesh.Trace {
	unseen := ""
	for _, node := range []string{from, to} {
		i := slices.IndexFunc(a.pods, func(r replica) bool { return r.node == node })
		if i < 0 {
			continue
		}
		t, err := a.traceBy(ctx, a.pods[i], from, to)
		if err == nil {
			return t
		}
		unseen = cmp.Or(unseen, err.Error())
	}
	if unseen == "" {
		unseen = "neither end is a pod of " + a.Name
	}
	return mesh.Trace{From: from, To: to, Place: mesh.FromPhial,
		Steps: []mesh.Step{{Kind: mesh.KindName, State: mesh.Unseen, Evidence: unseen}}}
}

func (a *App) traceBy(ctx context.Context, r replica, from, to string) (t mesh.Trace, err error) {
	if r.away != "" {
		return t, errors.New(r.away)
	}
	text, err := a.client.agents(ctx, r.name, observeWithin, "why", from, to, "-o", "json")
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(text, &t); err != nil {
		return t, fmt.Errorf("what the agent of %s says cannot be read: %w", r.name, err)
	}
	return t, nil
}
