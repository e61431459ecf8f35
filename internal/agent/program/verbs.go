package program

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/agent/supervisor"
	"github.com/phialdev/phial/internal/beam"
)

// ready asks what the kubelet asks, and then why.
func ready(ctx context.Context, c call) int {
	if !c.flags("ready", nil) {
		return cannot
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	s := settings.Find(c.Env)
	open, said, err := askProbe(ctx, s.ProbePort)
	if err != nil {
		c.notef("no agent answers probes: %v", err)
		return no
	}
	line := strings.TrimSpace(said)
	if g, err := (supervisor.Client{Dir: s.RunDir}).Gate(ctx); err == nil {
		line += explain(g)
	}
	c.printf("%s", line)
	if !open {
		return no
	}
	return ok
}

func explain(g supervisor.Gate) string {
	var why string
	switch {
	case g.Draining:
		why = ": told to drain"
	case g.Reason != "":
		why = ": " + g.Reason
	}
	if g.Worker == 0 {
		why += " (the agent's worker does not run now)"
	}
	return why
}

func askProbe(ctx context.Context, port uint16) (open bool, said string, err error) {
	u := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))) + beam.AgentReadyPath
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return false, "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy of the environment's
	resp, err := client.Do(req)
	if err != nil {
		return false, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return resp.StatusCode == http.StatusOK, string(text), err
}

func mesh(ctx context.Context, c call) int {
	var form string
	var observe bool
	if !c.flags("mesh", func(fs *flag.FlagSet) {
		fs.StringVar(&form, "o", "text", "")
		fs.BoolVar(&observe, "observe", false, "")
	}) {
		return cannot
	}
	query := ""
	if observe {
		query = "observe=1"
	}
	return c.show(ctx, "mesh", query, form)
}

func state(ctx context.Context, c call) int {
	var form string
	if !c.flags("state", func(fs *flag.FlagSet) { fs.StringVar(&form, "o", "text", "") }) {
		return cannot
	}
	return c.show(ctx, "state", "", form)
}

// showWithin is a little more than the supervisor gives the worker.
const showWithin = 65 * time.Second

// show prints what the worker answers: as it is, or for people.
func (c call) show(ctx context.Context, verb, query, form string) int {
	if form != "json" && form != "text" {
		c.notef("%s: -o is %q: expected json or text", verb, form)
		return cannot
	}
	ctx, cancel := context.WithTimeout(ctx, showWithin)
	defer cancel()
	s := settings.Find(c.Env)
	body, err := supervisor.Client{Dir: s.RunDir}.Ask(ctx, verb, query)
	if err != nil {
		c.notef("%s: %v", verb, err)
		return cannot
	}
	if form == "json" {
		c.printf("%s", bytes.TrimSpace(body))
		return ok
	}
	var out strings.Builder
	if err := texts[verb](&out, body); err != nil {
		c.notef("%s: the worker's answer: %v", verb, err)
		return cannot
	}
	c.printf("%s", strings.TrimRight(out.String(), "\n"))
	return ok
}

// drain runs before the app's container gets SIGTERM. It never fails once the endpoint
// delay was left: a hook that fails ends the app at once.
func drain(ctx context.Context, c call) int {
	var undo bool
	if !c.flags("drain", func(fs *flag.FlagSet) { fs.BoolVar(&undo, "undo", false, "") }) {
		return cannot
	}
	s := settings.Find(c.Env)
	client := supervisor.Client{Dir: s.RunDir}
	say := func(line string) { c.printf("%s", line) }
	if undo {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := client.Undrain(ctx, say); err != nil {
			c.notef("drain --undo: %v", err)
			return cannot
		}
		return ok
	}
	began := time.Now()
	err := follow(ctx, client, s, began, say)
	if err == nil {
		return ok
	}
	left := s.EndpointDelay() - time.Since(began)
	c.notef("drain: %v; nobody drains, but the endpoint delay is left (%s)", err, max(left, 0).Round(time.Second/10))
	// An agent that comes back meanwhile goes on with it.
	for again := time.NewTimer(0); time.Since(began) < s.EndpointDelay() && ctx.Err() == nil; again.Reset(drainAgain) {
		select {
		case <-ctx.Done():
		case <-time.After(s.EndpointDelay() - time.Since(began)):
		case <-again.C:
			if follow(ctx, client, s, began, say) == nil {
				return ok
			}
		}
	}
	return ok
}

// Waits of a drain's client.
const (
	drainAgain = time.Second     // between tries to reach the agent
	drainGrace = 5 * time.Second // over the budget, of which the agent keeps count
)

// follow drains by the agent and says how it goes.
func follow(ctx context.Context, client supervisor.Client, s settings.Settings, began time.Time, say func(string)) error {
	budget := s.EndpointDelay() + s.DrainTimeout() + drainGrace - time.Since(began)
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	return client.Drain(ctx, began, say)
}
