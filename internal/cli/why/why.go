package why

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/cli/target"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/report"
)

// Link says whether two nodes are connected, as they say themselves.
type Link string

// What can be said of a link.
const (
	LinkUp      Link = "up"
	LinkDown    Link = "down"
	LinkUnknown Link = "unknown" // neither end could be asked
)

// Answer is the JSON of `phial why`.
type Answer struct {
	A        string            `json:"a"`
	B        string            `json:"b"`
	Link     Link              `json:"link"`
	Traces   []mesh.Trace      `json:"traces"`   // A to B, then B to A
	Findings []finding.Finding `json:"findings"` // those that concern the two
}

func walk(ctx context.Context, s *term.IO, to *target.Flags, a, b string, asJSON bool) error {
	t, err := to.OpenFor(ctx, a, b)
	if err != nil {
		return err
	}
	if a, err = t.Node(a); err != nil {
		return err
	}
	if b, err = t.Node(b); err != nil {
		return err
	}
	if a == b {
		return fmt.Errorf("%s and %s are the same node", a, b)
	}
	ans, err := ask(ctx, t, a, b)
	if err != nil {
		return err
	}
	if asJSON {
		if err := s.WriteJSON(ans); err != nil {
			return err
		}
	} else {
		write(s, ans, t.Style(s))
	}
	if ans.Link != LinkUp || slices.ContainsFunc(ans.Findings, func(f finding.Finding) bool { return f.Severity > finding.Info }) {
		return term.Found()
	}
	return nil
}

// ask looks at all the nodes and walks both ways at the same time: each may have
// to wait for a node that does not answer.
func ask(ctx context.Context, t *target.Target, a, b string) (Answer, error) {
	ans := Answer{A: a, B: b, Traces: make([]mesh.Trace, 2)}
	var walks sync.WaitGroup
	walks.Go(func() { ans.Traces[0] = t.Trace(ctx, a, b) })
	walks.Go(func() { ans.Traces[1] = t.Trace(ctx, b, a) })
	rep, err := t.Look(ctx)
	walks.Wait()
	if err != nil {
		return ans, err
	}
	ans.Link, ans.Findings = linked(rep, a, b), about(rep.Findings, t.Alias, a, b)
	return ans, nil
}

// linked: one end says so, and the other does or could not be asked.
func linked(r mesh.Report, a, b string) Link {
	said, asked := 0, 0
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		i := slices.IndexFunc(r.Nodes, func(n mesh.ReportNode) bool { return n.Name == pair[0] })
		if i < 0 || r.Nodes[i].Peers == nil {
			continue
		}
		asked++
		if slices.Contains(r.Nodes[i].Peers, pair[1]) || slices.Contains(r.Nodes[i].Hidden, pair[1]) {
			said++
		}
	}
	switch {
	case asked == 0:
		return LinkUnknown
	case said == asked:
		return LinkUp
	}
	return LinkDown
}

// about gives the findings that concern the link: those about one of its ends, those that
// were found between the two, and those about no node in particular, such as a Service. One
// about a third node, or a link to one, is no answer here, though it may name A or B.
func about(fs []finding.Finding, alias map[string]string, a, b string) []finding.Finding {
	ends := []string{a, b}
	for _, n := range []string{a, b} {
		if r := alias[n]; r != "" {
			ends = append(ends, r)
		}
	}
	out := []finding.Finding{}
	for _, f := range fs {
		if !concerns(f, ends) {
			continue
		}
		if fix, own := instead[f.Code]; own {
			f.Fix = fix
		}
		out = append(out, f)
	}
	return out
}

func concerns(f finding.Finding, ends []string) bool {
	if len(f.Links) > 0 {
		return slices.ContainsFunc(f.Links, func(l [2]string) bool { return slices.Contains(ends, l[0]) && slices.Contains(ends, l[1]) })
	}
	isEnd := func(n string) bool { return slices.Contains(ends, n) }
	named := mesh.Subjects(f)
	if strings.Contains(f.Subject, " -- ") {
		return !slices.ContainsFunc(named, func(n string) bool { return !isEnd(n) })
	}
	nobody := !slices.ContainsFunc(named, isNode) && len(f.Replicas) == 0
	return nobody || slices.ContainsFunc(named, isEnd)
}

func isNode(s string) bool {
	_, err := beam.ParseName(s)
	return err == nil
}

// instead are fixes in place of those that send people to this verb.
var instead = map[finding.Code]string{
	finding.LinkUnexplained: "see which of the steps above could not be looked at (?), and look again from a place that reaches both nodes",
	finding.NodeUnexplained: "look again; where it stays so, the last of the steps above that passed says how far the way goes",
}

func write(s *term.IO, ans Answer, style report.Style) {
	for _, tr := range ans.Traces {
		report.Trace(s.Out, tr, style)
		fmt.Fprintln(s.Out)
	}
	report.LinkVerdict(s.Out, ans.A, ans.B, string(ans.Link), style)
	report.Findings(s.Out, ans.Findings, style)
}
