package e2e

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/plan"
)

var update = flag.Bool("update", false, "write docs/reference/metrics.md anew")

const metricsHead = `# Metrics of the agent

What ` + "`GET :9110/metrics`" + ` of each pod with an agent gives, in Prometheus' text format. Counters
begin anew with each worker of the agent (` + "`phial_agent_worker_restarts_total`" + ` counts those),
gauges are those of now. Seconds and bytes are what their names say; a metric that says
whether is 1 or 0. This page is written from what a real agent gives
(` + "`go test ./test/e2e -run TestMetrics -update`" + `).

| metric | type | labels | what it is |
|---|---|---|---|
`

// The reference page lists the metrics of a real agent, all of them and no others.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	if _, _, err := a.Kubectl(t.Context(), nil, "exec", "-n", a.Namespace, pods[0].Name, "-c", plan.ContainerApp, "--", "/phial/bin/phial-agent", "drain"); err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get("http://" + pods[0].IP + ":9110/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	page := metricsHead + strings.Join(rows(string(text)), "")
	path := filepath.Join(ready.root, "docs/reference/metrics.md")
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != page {
		t.Errorf("docs/reference/metrics.md is not what an agent gives (%v); -update writes it:\n%s", err, page)
	}
	if _, err := a.AgentVerb(t.Context(), pods[0].Name, "drain", "--undo"); err != nil {
		t.Error(err)
	}
	meshed(t, a, 3)
}

// rows makes a row of each family, in the order of their names.
func rows(text string) []string {
	type family struct {
		help, kind string
		labels     []string
	}
	all := map[string]*family{}
	of := func(name string) *family {
		if all[name] == nil {
			all[name] = &family{}
		}
		return all[name]
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "# HELP "):
			name, help, _ := strings.Cut(line[len("# HELP "):], " ")
			of(name).help = help
		case strings.HasPrefix(line, "# TYPE "):
			name, kind, _ := strings.Cut(line[len("# TYPE "):], " ")
			of(name).kind = kind
		default:
			name, rest, labelled := strings.Cut(line, "{")
			if !labelled {
				continue
			}
			labels, _, _ := strings.Cut(rest, "}")
			for pair := range strings.SplitSeq(labels, `",`) {
				label, _, _ := strings.Cut(pair, "=")
				if f := of(name); !slices.Contains(f.labels, label) {
					f.labels = append(f.labels, label)
				}
			}
		}
	}
	var out []string
	for name, f := range all {
		out = append(out, fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, f.kind, strings.Join(f.labels, ", "), f.help))
	}
	slices.Sort(out)
	return out
}
