package project

import "testing"

// Times are what Elixir makes of them, or not known.
func TestDurations(t *testing.T) {
	for written, want := range map[string]string{
		":timer.seconds(30)":                 "30000",
		":timer.minutes(2)":                  "120000",
		":timer.hours(1)":                    "3600000",
		":timer.hms(1, 0, 30)":               "3630000",
		"30 |> :timer.seconds()":             "30000",
		"to_timeout(second: 30)":             "30000",
		"to_timeout(minute: 1, second: 30)":  "90000",
		"to_timeout(week: 1)":                "604800000",
		"to_timeout([])":                     "0",
		"to_timeout(5000)":                   "5000",
		"to_timeout(:infinity)":              "infinity",
		":timer.seconds(A.n())":              "?",
		":timer.seconds(-1)":                 "?",
		":timer.weeks(1)":                    "?",
		":timer.seconds(1.5)":                "?",
		"to_timeout(second: A.n())":          "?",
		"to_timeout(seconds: 30)":            "?",
		"to_timeout(second: 1, second: 2)":   "?",
		"to_timeout(second: -5)":             "?",
		"to_timeout(-5)":                     "?",
		"to_timeout(Duration.new!(hour: 1))": "?",
	} {
		p := read(t, "mix.exs", "defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: \"1.0.0\"]\nend\n",
			"config/config.exs", "import Config\nconfig :a, Oban, shutdown_grace_period: "+written+"\n",
			"lib/a.ex", "defmodule A.Application do\n  use Application\n  def start(_, _), do: Supervisor.start_link([{Oban, Application.fetch_env!(:a, Oban)}], strategy: :one_for_one)\nend\n")
		if len(p.Obans) != 1 {
			t.Fatalf("%s: %+v", written, p.Obans)
		}
		got := p.Obans[0].Grace.Text
		if k := p.Obans[0].Grace.Kind; k != ExprInteger && k != ExprAtom {
			got = "?"
		}
		if got != want {
			t.Errorf("%s is %s, want %s", written, got, want)
		}
	}
}
