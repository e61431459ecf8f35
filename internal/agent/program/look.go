package program

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/agent/foreign"
	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/agent/supervisor"
	facts "github.com/phialdev/phial/internal/mesh"
)

// why walks the way from one node to another, as this pod sees it.
func why(ctx context.Context, c call) int {
	var form string
	nodes, err := c.words(2, func(fs *flag.FlagSet) { fs.StringVar(&form, "o", "text", "") })
	if err == nil && form != "json" && form != "text" {
		err = fmt.Errorf("-o is %q: expected json or text", form)
	}
	if err != nil {
		c.notef("why: %v; see `phial-agent help`", err)
		return cannot
	}
	query := url.Values{"from": {nodes[0]}, "to": {nodes[1]}}.Encode()
	if form == "json" {
		return c.show(ctx, "trace", query, form)
	}
	ctx, cancel := context.WithTimeout(ctx, showWithin)
	defer cancel()
	body, err := supervisor.Client{Dir: settings.Find(c.Env).RunDir}.Ask(ctx, "trace", query)
	var t facts.Trace
	if err == nil {
		err = json.Unmarshal(body, &t)
	}
	if err != nil {
		c.notef("why: %v", err)
		return cannot
	}
	c.walk(t)
	return ok
}

// walk prints a walk for people, a line for each step.
func (c call) walk(t facts.Trace) {
	c.printf("%s to %s, seen from %s", t.From, t.To, t.Place)
	for _, s := range t.Steps {
		c.printf("  %-7s  %-9s  %s", s.State, s.Kind, s.Evidence)
	}
}

// words reads n arguments among a verb's flags, before them or behind.
func (c call) words(n int, define func(*flag.FlagSet)) ([]string, error) {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(new(strings.Builder))
	define(fs)
	var words []string
	for rest := c.args; len(rest) > 0; {
		if err := fs.Parse(rest); err != nil {
			return nil, err
		}
		if rest = fs.Args(); len(rest) > 0 {
			words, rest = append(words, rest[0]), rest[1:]
		}
	}
	if len(words) != n {
		return nil, fmt.Errorf("%d arguments were given, and %d are expected", len(words), n)
	}
	return words, nil
}

// look is what a pod of its own does, which `phial mesh` makes: one look at nodes that
// Phial did not deploy. All that it prints is the answer, as JSON.
func look(ctx context.Context, c call) int {
	var cookieFile string
	words, err := c.words(1, func(fs *flag.FlagSet) { fs.StringVar(&cookieFile, "cookie-file", "", "") })
	var task foreign.Task
	if err == nil {
		err = json.Unmarshal([]byte(words[0]), &task)
	}
	if err == nil && cookieFile == "" {
		err = errors.New("--cookie-file is not given")
	}
	if err != nil {
		c.notef("probe: %v; see `phial-agent help`", err)
		return cannot
	}
	cookie, err := dist.CookieFromFile(cookieFile)
	if err != nil {
		c.notef("probe: %v", err)
		return cannot
	}
	answer, err := foreign.Look(ctx, task, cookie)
	if err != nil {
		c.notef("probe: %v", err)
		return cannot
	}
	if err := json.NewEncoder(c.Out).Encode(answer); err != nil {
		c.notef("probe: %v", err)
		return cannot
	}
	return ok
}
