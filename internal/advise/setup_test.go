package advise

import (
	"os/exec"
	"strings"
	"testing"
)

func section(t *testing.T, all []Section, title string) (Section, bool) {
	t.Helper()
	for _, s := range all {
		if s.Title == title {
			return s, true
		}
	}
	return Section{}, false
}

// Every name in what is written out is the same name.
func TestSetupAgrees(t *testing.T) {
	for _, c := range []struct {
		project, answers, node string
		discovery              string // "" = none is needed
	}{
		{"horde", "count=3 traffic=heavy", "arena@arena-1.internal", `:"arena@arena-1.internal", :"arena@arena-2.internal", :"arena@arena-3.internal"`},
		{"mnesia", "count=2", "ledger@ledger-1.internal", `:"ledger@ledger-1.internal", :"ledger@ledger-2.internal"]`},
		{"stateless", "traffic=some count=2", "shop@10.0.0.11", `"nodes.shop.internal"`},
		{"stateless", "", "", ""},
		{"horde", "traffic=none", "", ""},
	} {
		all := Setup(facts(t, c.project), answers(t, c.answers))
		found, ok := section(t, all, "Discovery")
		if ok != (c.discovery != "") || !strings.Contains(found.Text, c.discovery) {
			t.Errorf("%s %s: discovery %q, want %q", c.project, c.answers, found.Text, c.discovery)
		}
		node, _ := section(t, all, "Node name of each machine")
		if strings.TrimSpace(node.Text) != c.node {
			t.Errorf("%s %s: node %q, want %q", c.project, c.answers, node.Text, c.node)
		}
		for _, s := range all {
			if s.Text == "" || s.Why == "" || strings.Contains(s.Text, "%!") || !strings.HasSuffix(s.Text, "\n") {
				t.Errorf("%s: section %s: %q", c.project, s.Title, s.Text)
			}
		}
	}
}

// What is shell is shell: dash says so.
func TestSetupIsShell(t *testing.T) {
	for _, text := range []string{"", "traffic=heavy count=3"} {
		for _, s := range Setup(facts(t, "horde"), answers(t, text)) {
			if s.File != "rel/env.sh.eex" && s.File != "" {
				continue
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-n")
			cmd.Stdin = strings.NewReader(s.Text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", s.Title, err, out, s.Text)
			}
		}
	}
}

func TestStop(t *testing.T) {
	for grace, want := range map[string]int{"1_000": 60, "120_000": 135} {
		p := tree(t, map[string]string{
			"mix.exs":            "defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: \"1.0.0\", deps: [{:oban, \"~> 2.17\"}]]\nend\n",
			"config/config.exs":  "import Config\nconfig :a, Oban, shutdown_grace_period: " + grace + "\n",
			"lib/application.ex": "defmodule A.Application do\n  use Application\n  def start(_, _), do: Supervisor.start_link([{Oban, Application.fetch_env!(:a, Oban)}], strategy: :one_for_one)\nend\n",
		})
		if got := FactsOf(p).Stop; got != want {
			t.Errorf("grace %s: %d s, want %d", grace, got, want)
		}
	}
}
