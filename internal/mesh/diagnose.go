package mesh

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// Diagnose names the cause of everything that is wrong in an observation. A root
// cause hides its symptoms: a node that cannot be reached by anybody is one finding,
// and the links that it lacks are that finding's evidence. Every missing link is
// explained by some finding, if only by "cause not known" (LinkUnexplained); but a link
// that two nodes are just setting up (see Node.Pending), where every check passes, is
// not missing yet. The order of anything in the observation does not matter, and the
// gravest finding comes first.
func Diagnose(o Observation) []finding.Finding { return diagnose(o, Build(o)) }

func diagnose(o Observation, g *Graph) []finding.Finding {
	d := newDiagnosis(o, g)
	d.run()
	return d.findings()
}

func newDiagnosis(o Observation, g *Graph) *diagnosis {
	d := &diagnosis{o: o, g: g, traces: make(map[Link]*Trace, len(o.Traces)),
		blamed: map[string][]*cause{}, bases: map[string]bool{}, unlisted: map[string]*cause{}}
	for i := range o.Traces {
		t := &o.Traces[i]
		d.traces[Link{t.From, t.To}] = t
	}
	for _, e := range o.Expected {
		if n, err := beam.ParseName(e); err == nil {
			d.bases[n.Base] = true
		}
	}
	return d
}

func (d *diagnosis) run() {
	d.nodes()
	d.strangers()
	d.discovery()
	d.links()
}

// diagnosis is a diagnosis under way.
type diagnosis struct {
	o        Observation
	g        *Graph
	traces   map[Link]*Trace // by From and To
	bases    map[string]bool // base names of the expected nodes
	causes   []*cause
	blamed   map[string][]*cause // node -> what explains every link that it lacks
	lookup   *cause              // why discovery gives nobody anything
	unlisted map[string]*cause   // node -> why discovery does not give it
}

// cause is a finding under way: its links are told apart from its evidence until
// all of them are known.
type cause struct {
	code     finding.Code
	subject  string
	values   finding.Values
	evidence []string
	links    []Link
	between  bool             // found between two nodes, not at one by itself
	forLinks bool             // no finding unless there are links that it explains
	atLeast  finding.Severity // more than the code's own, for what came of it
}

func (d *diagnosis) add(code finding.Code, subject string, v finding.Values, evidence ...string) *cause {
	c := &cause{code: code, subject: subject, values: v}
	for _, e := range evidence {
		if e != "" {
			c.evidence = append(c.evidence, e)
		}
	}
	d.causes = append(d.causes, c)
	return c
}

// blame makes a cause answer for every link that a node lacks.
func (d *diagnosis) blame(node string, c *cause) { d.blamed[node] = append(d.blamed[node], c) }

func (d *diagnosis) findings() []finding.Finding {
	out := make([]finding.Finding, 0, len(d.causes))
	for _, c := range d.causes {
		if c.forLinks && len(c.links) == 0 {
			continue
		}
		links := distinctLinks(c.links)
		ev := append(slices.Clone(c.evidence), linksText(links, d.g.Known)...)
		f := finding.New(c.code, c.subject, c.values, ev...).Raised(c.atLeast)
		if c.between {
			f.Links = pairs(links)
		}
		out = append(out, f)
	}
	// They were found root causes first; only severity goes before that.
	slices.SortStableFunc(out, func(a, b finding.Finding) int { return -cmp.Compare(a.Severity, b.Severity) })
	return out
}

func distinctLinks(links []Link) []Link {
	ls := slices.Clone(links)
	sortLinks(ls)
	return slices.Compact(ls)
}

func pairs(links []Link) [][2]string {
	var out [][2]string
	for _, l := range links {
		out = append(out, [2]string{l.A, l.B})
	}
	return out
}

// linksText says which links are missing, and apart from those of which it is not known:
// neither end could be asked.
func linksText(links []Link, known func(a, b string) bool) (lines []string) {
	var missing, unknown []string
	for _, l := range links {
		if known(l.A, l.B) {
			missing = append(missing, l.String())
		} else {
			unknown = append(unknown, l.String())
		}
	}
	switch {
	case len(missing) == 1:
		lines = append(lines, "missing link: "+missing[0])
	case len(missing) > 1:
		lines = append(lines, strconv.Itoa(len(missing))+" missing links: "+some(missing))
	}
	switch {
	case len(unknown) == 1:
		lines = append(lines, "link not known, since neither end could be asked: "+unknown[0])
	case len(unknown) > 1:
		lines = append(lines, strconv.Itoa(len(unknown))+" links not known, since neither end could be asked: "+some(unknown))
	}
	return lines
}

// some joins names, and says how many more there are where they get too many.
func some(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most-1], ", ") + fmt.Sprintf(" and %d more", len(names)-most+1)
}

// seenBy gives the nodes that say they are connected to a node.
func (d *diagnosis) seenBy(name string) []string {
	i, ok := d.g.index[name]
	if !ok {
		return nil
	}
	var out []string
	for j, other := range d.g.names {
		if d.g.says[j].has(i) {
			out = append(out, other)
		}
	}
	return out
}

// reachedNames gives the nodes that were reached, but for one.
func (d *diagnosis) reachedNames(but string) []string {
	var out []string
	for i, n := range d.g.names {
		if n != but && d.g.reached(i) {
			out = append(out, n)
		}
	}
	return out
}

// parts takes a name apart, as far as it goes.
func parts(name string) beam.Name {
	base, host, _ := strings.Cut(name, "@")
	return beam.Name{Base: base, Host: host}
}

// tool reports whether a base name is that of a short-lived node of a release's own
// commands (`bin/app rpc`, `remote`), which belong to nobody's mesh.
func tool(base string) bool {
	return strings.HasPrefix(base, "rpc-") || strings.HasPrefix(base, "rem-")
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
