package program

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/phialdev/phial/internal/agent/views"
)

// texts write a worker's answers for people.
var texts = map[string]func(w io.Writer, body []byte) error{"mesh": meshText, "state": stateText}

// meshText is a line for each replica, as its own agent said it last, and what was
// found where there was a look.
func meshText(w io.Writer, body []byte) error {
	var m views.Mesh
	if err := json.Unmarshal(body, &m); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tPOD\tGATE\tJOINED\tPEERS\tCOOKIE\tSAID\tWHY")
	row(t, m.Self, "now")
	for _, h := range m.Others {
		if h.AgeSeconds < 0 {
			fmt.Fprintf(t, "%s\t-\t-\t-\t-\t-\tnever\t%s\n", h.Node, clip(h.Error))
			continue
		}
		said := strconv.FormatFloat(h.AgeSeconds, 'f', 1, 64) + " s ago"
		if h.Error != "" {
			said += ", silent since"
		}
		row(t, h.View, said)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if m.Report == nil {
		return nil
	}
	islands := fmt.Sprintf("%d islands", len(m.Report.Islands))
	if len(m.Report.Islands) == 1 {
		islands = "1 island"
	}
	fmt.Fprintf(w, "\n%d of %d links up, %s\n", m.Report.Links.Up, m.Report.Links.Expected, islands)
	for _, f := range m.Report.Findings {
		fmt.Fprintf(w, "%s %s\n  fix: %s\n", f.Severity, f, f.Fix)
	}
	return nil
}

func row(w io.Writer, v views.View, said string) {
	why := v.Reason
	if v.Join != "" && v.Join != v.Reason && !strings.HasPrefix(v.Join, "joined") {
		why += "; " + v.Join
	} else if strings.HasPrefix(v.Join, "joined, but") {
		why = v.Join
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", v.Node, dash(v.Pod), gate(v), yes(v.Joined), len(v.Gate.Peers), v.Cookie, said, clip(why))
}

// clip shortens what would break a row; -o json has the whole.
func clip(text string) string {
	const most = 80
	r := []rune(text)
	if len(r) <= most {
		return text
	}
	return strings.TrimRight(string(r[:most-1]), " :,;(") + "…"
}

func gate(v views.View) string {
	switch {
	case v.Draining:
		return "draining"
	case v.Ready:
		return "open"
	}
	return "closed"
}

// stateText is what the agent says of its own replica, a fact a line.
func stateText(w io.Writer, body []byte) error {
	var v views.View
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"node", v.Node}, {"status", v.Status}, {"gate", gate(v) + ": " + v.Reason}, {"joined", yes(v.Joined) + ": " + v.Join},
		{"peers", dash(strings.Join(v.Peers, ", "))}, {"cookie", v.Cookie}, {"leans on", dash(v.Gate.LeansOn)},
		{"agent", v.Version + ", for " + strconv.FormatFloat(v.AgentSeconds, 'f', 0, 64) + " s"},
	} {
		fmt.Fprintf(t, "%s\t%s\n", line[0], line[1])
	}
	return t.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
