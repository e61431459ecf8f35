package probe

import (
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
)

func TestDrainStandIns(t *testing.T) {
	t.Parallel()
	for _, otp := range beamtest.OTPs(t) {
		t.Run(otp.String(), func(t *testing.T) {
			t.Parallel()
			d := newShop(t, otp)
			in := d.survey()
			if len(in.Servers) != 1 || len(in.Jobs) != 1 || len(in.Pipelines) != 1 || len(in.Drainers) != 1 || len(in.Trackers) != 1 {
				t.Fatalf("found %+v", in)
			}
			for got, want := range map[string]string{
				in.Servers[0].Kind:   ServerThousandIsland,
				in.Servers[0].Name:   "{Shop.Endpoint,http}",
				in.Jobs[0].Name:      "Oban",
				in.Pipelines[0].Name: "Shop.Pipeline",
				in.Drainers[0].Name:  "Shop.Endpoint Phoenix.LiveView.Socket",
				in.Trackers[0].Name:  "Shop.Presence",
			} {
				if got != want {
					t.Errorf("named %q, want %q", got, want)
				}
			}
			if d.Eval(t, `is_pid(whereis(liar))`) != "true" || strings.Contains(d.Log(), "CRASH") {
				t.Error("the survey killed what is no supervisor")
			}
			d.said()
			t.Run("hook", func(t *testing.T) { d.hooks(t) })
			t.Run("jobs", func(t *testing.T) { d.jobs(t, in.Jobs[0]) })
			t.Run("pipeline", func(t *testing.T) { d.pipeline(t, in.Pipelines[0]) })
			t.Run("sockets", func(t *testing.T) { d.sockets(t, in.Drainers) })
			t.Run("island", func(t *testing.T) { d.island(t, in.Servers) })
			t.Run("tracker", func(t *testing.T) { d.tracker(t, in.Trackers[0]) })
		})
	}
}

// ok fails the test where one of some calls did.
func ok(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

func (d *drained) wants(t *testing.T, want string) {
	t.Helper()
	if got := d.said(); got != want {
		t.Errorf("what was done: %s\nwant: %s", got, want)
	}
}

func (d *drained) hooks(t *testing.T) {
	t.Helper()
	if got, err := d.Hook(t.Context(), "Shop.Drainer", "drain"); got != "ok" || err != nil {
		t.Errorf("hook: %s, %v", got, err)
	}
	for function, want := range map[string]string{"fail": "broken", "refuse": "busy"} {
		if _, err := d.Hook(t.Context(), "Shop.Drainer", function); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", function, err)
		}
	}
	d.wants(t, "[hook]")
}

// Both ways of Oban: with pause_all_queues, and as it was before 2.17. The queue that
// the team has paused is left paused.
func (d *drained) jobs(t *testing.T, j JobRunner) {
	t.Helper()
	count := func(want Jobs) {
		t.Helper()
		if got, err := d.Jobs(t.Context(), j); got != want || err != nil {
			t.Errorf("jobs %+v, %v, want %+v", got, err, want)
		}
	}
	count(Jobs{Running: 2, Unpaused: 1})
	ok(t, d.PauseJobs(t.Context(), j))
	count(Jobs{Running: 2, Unpaused: 0})
	ok(t, d.ResumeJobs(t.Context(), j))
	count(Jobs{Running: 2, Unpaused: 1})
	d.wants(t, `[{pause_all_queues,[{local_only,true}]},{resume_queue,[{local_only,true},{queue,<<"mail">>}]}]`)

	old := j
	old.all = false
	ok(t, d.PauseJobs(t.Context(), old), d.ResumeJobs(t.Context(), old))
	d.wants(t, `[{pause_queue,[{local_only,true},{queue,<<"mail">>}]},{resume_queue,[{local_only,true},{queue,<<"mail">>}]}]`)

	untouched := j
	untouched.queues = untouched.queues[:0:0]
	ok(t, d.ResumeJobs(t.Context(), untouched))
	d.wants(t, `[{resume_all_queues,[{local_only,true}]}]`)
}

// Terminating drains, and nobody starts the pipeline again before we do.
func (d *drained) pipeline(t *testing.T, c Child) {
	t.Helper()
	begun := time.Now()
	ok(t, d.Terminate(t.Context(), c))
	if took := time.Since(begun); took < 300*time.Millisecond {
		t.Errorf("it drained in %s", took)
	}
	d.wants(t, "[{pipeline_drained,shutdown}]")
	if d.Eval(t, `whereis('Elixir.Shop.Pipeline')`) != "undefined" {
		t.Error("the pipeline runs again")
	}
	ok(t, d.Restart(t.Context(), c), d.Restart(t.Context(), c))
	d.wants(t, "[pipeline_starts]")
}

func (d *drained) sockets(t *testing.T, drainers []Child) {
	t.Helper()
	d.Eval(t, `[{_, Part, _, _} | _] = supervisor:which_children('Elixir.Shop.Endpoint.Phoenix.LiveView.Socket'),
		[{ok, _} = supervisor:start_child(Part, []) || _ <- [1, 2, 3]]`)
	if n, err := d.Sockets(t.Context(), drainers); n != 3 || err != nil {
		t.Errorf("%d sockets, %v, want 3", n, err)
	}
	ok(t, d.Terminate(t.Context(), drainers[0]))
	d.wants(t, "[sockets_drained]")
	d.Eventually(t, `lists:sum([length(supervisor:which_children(P)) || {_, P, _, _} <- supervisor:which_children('Elixir.Shop.Endpoint.Phoenix.LiveView.Socket')])`, "0")
	if n, err := d.Sockets(t.Context(), drainers); n != 0 || err != nil {
		t.Errorf("%d sockets, %v, want none", n, err)
	}
	ok(t, d.Restart(t.Context(), drainers[0]))
	if after := d.survey(); len(after.Drainers) != 1 {
		t.Error("the drainer was not started again")
	}
}

func (d *drained) island(t *testing.T, servers []Server) {
	t.Helper()
	d.Eval(t, `[{ok, _} = supervisor:start_child(island_conns, []) || _ <- [1, 2, 3]]`)
	d.wait(servers, Traffic{Connections: 3})
	d.Eval(t, `[{_, A, _, _}, {_, B, _, _}, _] = supervisor:which_children(island_conns), gen_server:cast(A, 600), gen_server:cast(B, stream)`)
	d.wait(servers, Traffic{Requests: 2, Connections: 3})
	ok(t, d.Suspend(t.Context(), servers[0]), d.Resume(t.Context(), servers[0]))
	d.wants(t, "[suspended,resumed]")
}

func (d *drained) tracker(t *testing.T, tr Tracker) {
	t.Helper()
	ok(t, d.Permdown(t.Context(), tr))
	d.wants(t, "[{permdown,'Elixir.Shop.Presence'}]")
	d.Eventually(t, `is_pid(whereis('Elixir.Shop.Presence'))`, "true")
}
