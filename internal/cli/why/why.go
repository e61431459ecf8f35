package why

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

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
	Findings []finding.Finding `json:"findings"` // those that speak of A or B
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
	ans.Link, ans.Findings = linked(rep, a, b), about(rep.Findings, a, b)
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

// about gives the findings that speak of either node.
func about(fs []finding.Finding, a, b string) []finding.Finding {
	out := []finding.Finding{}
	for _, f := range fs {
		text := f.Subject + "\n" + f.Cause + "\n" + strings.Join(f.Evidence, "\n")
		if strings.Contains(text, a) || strings.Contains(text, b) {
			out = append(out, f)
		}
	}
	return out
}

func write(s *term.IO, ans Answer, style report.Style) {
	for _, tr := range ans.Traces {
		report.Trace(s.Out, tr, style)
		fmt.Fprintln(s.Out)
	}
	report.LinkVerdict(s.Out, ans.A, ans.B, string(ans.Link), style)
	report.Findings(s.Out, ans.Findings, style)
}
