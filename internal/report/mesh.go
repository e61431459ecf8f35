package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
)

// matrixMost is the most nodes whose matrix fits a screen.
const matrixMost = 40

// Mesh writes a table of the nodes, a matrix of who sees whom, the islands and
// the findings.
func Mesh(w io.Writer, r mesh.Report, s Style) {
	nodes(w, r, s, nil)
	links(w, r, s)
}

// links writes who sees whom and what is wrong, without the table of the nodes.
func links(w io.Writer, r mesh.Report, s Style) {
	if n := len(counted(r)); n > 1 && n <= matrixMost {
		fmt.Fprintln(w)
		matrix(w, r, s)
	}
	fmt.Fprintln(w)
	summary(w, r, s)
	Findings(w, r.Findings, s)
}

// nodes writes the table of the nodes; with a column for their gates where there are
// agents, and a row for each replica of which no node was looked at.
func nodes(w io.Writer, r mesh.Report, s Style, agents []Agent) {
	gates := map[string]cell{}
	for _, a := range agents {
		gates[a.Node] = gate(a)
	}
	replicas := len(s.Alias) > 0 || len(agents) > 0
	head := []string{"NODE"}
	if agents != nil {
		head = append(head, "GATE")
	}
	head = append(head, "OTP", "STATUS", "PEERS", "UPTIME", "MEMORY", "PROCESSES", "RUN QUEUE")
	if replicas {
		head = append([]string{"REPLICA"}, head...)
	}
	t := table{clip: true} // why a node was not reached stands below in full
	var cells []cell
	for _, h := range head {
		cells = append(cells, cell{h, bold})
	}
	t.add(cells...)
	for _, n := range r.Nodes {
		cells = nil
		if replicas {
			cells = append(cells, cell{text: s.Alias[n.Name]})
		}
		cells = append(cells, cell{text: n.Name})
		if agents != nil {
			g := gates[n.Name]
			g.text = orDash(g.text)
			cells = append(cells, g)
		}
		status := cell{n.Status.String(), statusColour(n.Status)}
		if n.Phase != mesh.Counts {
			status = phase(n.Phase)
		}
		switch {
		case !n.Reached && n.Phase != mesh.Counts:
			t.add(append(cells, cell{text: "-"}, status)...)
			continue
		case !n.Reached:
			why := cell{failureText(n), red}
			t.add(append(cells, cell{text: "-"}, cell{"not reached", red}, why)...)
			continue
		}
		hidden := ""
		if len(n.Hidden) > 0 {
			hidden = fmt.Sprintf(" + %d hidden", len(n.Hidden))
		}
		t.add(append(cells,
			cell{text: orDash(n.OTP)},
			status,
			cell{text: strconv.Itoa(len(n.Peers)) + hidden},
			cell{text: Since(time.Duration(n.UptimeMS) * time.Millisecond)},
			cell{text: Bytes(n.Memory)},
			cell{text: strconv.Itoa(n.Processes)},
			cell{text: strconv.Itoa(n.RunQueue)})...)
	}
	for _, a := range agents {
		if slices.ContainsFunc(r.Nodes, func(n mesh.ReportNode) bool { return n.Name == a.Node }) {
			continue
		}
		status := cell{"not looked at", red}
		switch {
		case a.Phase != mesh.Counts:
			status = phase(a.Phase)
		case a.Draining:
			status = phase(mesh.Leaving)
		}
		cells = nil
		if replicas {
			cells = append(cells, cell{text: a.Replica})
		}
		t.add(append(cells, cell{text: orDash(a.Node)}, gate(a), cell{text: "-"}, status)...)
	}
	t.write(w, s)
}

// phase says why a node does not count, in place of its status.
func phase(p mesh.Phase) cell {
	if p == mesh.Stuck {
		return cell{"does not start", red}
	}
	return cell{string(p), yellow}
}

// failureText says why a node was not reached; its name stands in the row already.
func failureText(n mesh.ReportNode) string {
	if n.Failure == nil {
		return ""
	}
	if n.Failure.Detail == "" {
		return string(n.Failure.Cause)
	}
	return strings.TrimPrefix(n.Failure.Detail, n.Name+" ")
}

func statusColour(st mesh.Status) string {
	if st == mesh.Started {
		return green
	}
	return yellow
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// Since writes a span of time as kubectl writes ages.
func Since(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}

// matrix shows for each row whom that node says it is connected to.
func matrix(w io.Writer, r mesh.Report, s Style) {
	r.Nodes = counted(r)
	wide := 0
	for _, n := range r.Nodes {
		wide = max(wide, len(s.short(n.Name)))
	}
	digits := len(strconv.Itoa(len(r.Nodes) - 1))
	pad := strings.Repeat(" ", wide)
	head := pad + strings.Repeat(" ", digits+2)
	for i := range r.Nodes {
		head += fmt.Sprintf(" %*d", digits, i)
	}
	fmt.Fprintln(w, s.paint(bold, head))
	for i, n := range r.Nodes {
		name := s.short(n.Name)
		line := fmt.Sprintf("%s%s  %*d", name, pad[len(name):], digits, i)
		for j, p := range r.Nodes {
			mark, colour := "·", faint
			switch {
			case i == j:
			case !n.Reached || n.Peers == nil:
				mark, colour = "?", yellow
			case slices.Contains(n.Peers, p.Name):
				mark, colour = "●", green
			default:
				mark, colour = "○", red
			}
			line += strings.Repeat(" ", digits) + s.paint(colour, mark)
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprintln(w, s.paint(faint, "● connected, as the node in that row says   ○ not   ? could not ask"))
}

// counted gives the nodes that are to be in the mesh.
func counted(r mesh.Report) []mesh.ReportNode {
	return slices.DeleteFunc(slices.Clone(r.Nodes), func(n mesh.ReportNode) bool { return n.Phase != mesh.Counts })
}

func summary(w io.Writer, r mesh.Report, s Style) {
	all := counted(r)
	links := fmt.Sprintf("%d of %d links up", r.Links.Up, r.Links.Expected)
	if r.Links.Unknown > 0 {
		links += fmt.Sprintf(", %d not known", r.Links.Unknown)
	}
	away := 0
	for _, n := range all {
		if !n.Reached {
			away++
		}
	}
	islands, dark := r.Islands, []string(nil)
	if r.Links.Unknown > 0 {
		islands, dark = known(r)
	}
	switch {
	case len(r.Nodes) == 0:
		fmt.Fprintln(w, "no nodes")
	case len(all) == 0:
		fmt.Fprintln(w, s.paint(red, "No node is there yet."))
	case away == len(all):
		fmt.Fprintln(w, s.paint(red, fmt.Sprintf("Nothing is known of the mesh: none of %s could be asked.", plural(away, "node"))))
	case len(r.Islands) == 1 && r.Links.Up >= r.Links.Expected && away > 0:
		fmt.Fprintln(w, s.paint(red, fmt.Sprintf("%s, but %d of %d nodes could not be asked.", links, away, len(all))))
	case len(r.Islands) == 1 && r.Links.Up >= r.Links.Expected:
		fmt.Fprintln(w, s.paint(green, fmt.Sprintf("One full mesh of %d: %s.", len(all), links)))
	default:
		fmt.Fprintln(w, s.paint(red, fmt.Sprintf("No full mesh: %s, %s.", plural(len(islands), "island"), links)))
		for i, is := range islands {
			s.named(w, fmt.Sprintf("  island %d:  ", i+1), is)
		}
		if len(dark) > 0 {
			s.named(w, "  not asked: ", dark)
		}
	}
}

// known parts the islands into those of which something is known, and the nodes that
// could not be asked and that nobody sees: they may be connected to one another.
func known(r mesh.Report) (islands [][]string, dark []string) {
	asked := map[string]bool{}
	for _, n := range r.Nodes {
		asked[n.Name] = n.Peers != nil
	}
	for _, is := range r.Islands {
		if len(is) == 1 && !asked[is[0]] {
			dark = append(dark, is[0])
		} else {
			islands = append(islands, is)
		}
	}
	return islands, dark
}

// named writes nodes behind a label.
func (s Style) named(w io.Writer, label string, nodes []string) {
	names := make([]string, 0, len(nodes))
	for _, n := range nodes {
		names = append(names, s.short(n))
	}
	for _, l := range wrap(strings.Join(names, ", "), s.width()-14) {
		fmt.Fprintln(w, label+l)
		label = strings.Repeat(" ", len(label))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Findings writes each finding with its cause, its fix and what was seen.
func Findings(w io.Writer, fs []finding.Finding, s Style) {
	for _, f := range fs {
		fmt.Fprintln(w)
		fmt.Fprintf(w, "%s %s  %s\n", s.paint(severityColour(f.Severity), f.Severity.String()),
			s.paint(bold, string(f.Code)), s.subject(f.Subject))
		field(w, s, "cause", s.plain(f.Cause))
		field(w, s, "fix", f.Fix) // with the names that have to be written somewhere
		for _, e := range f.Evidence {
			field(w, s, "seen", e)
		}
	}
}

// Entry writes a row of the catalogue: what a code means in general.
func Entry(w io.Writer, e finding.Entry, s Style) {
	fmt.Fprintf(w, "%s %s  %s\n", s.paint(severityColour(e.Severity), e.Severity.String()), s.paint(bold, string(e.Code)), e.Title)
	field(w, s, "cause", e.Cause)
	field(w, s, "fix", e.Fix)
}

func severityColour(v finding.Severity) string {
	switch v {
	case finding.Error:
		return red
	case finding.Warning:
		return yellow
	}
	return cyan
}

func field(w io.Writer, s Style, name, text string) {
	for i, l := range wrap(text, s.width()-9) {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(w, "  %-5s  %s\n", name, l)
	}
}
