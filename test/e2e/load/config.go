// Package load sends HTTP requests at a fixed rate and counts what became of each. It is an honest client: nothing is
// sent twice, a connection that dies under a request is a failed request, and a late answer is counted from the time at
// which the request was due. It stands on the standard library alone, so that it runs from an empty image.
package load

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says what is sent. Start from [Defaults].
type Config struct {
	Targets []Target // requests go to each in turn
	Rate    float64  // requests per second to all targets together

	Post     float64 // share of POST among the requests that are not slow
	New      float64 // share of requests on a connection of their own; the others take one from the pool
	Slow     float64 // share of slow requests, whatever connection they are on
	SlowPost float64 // share of POST among the slow

	SlowMin, SlowMax time.Duration // how long slow requests ask the server to take

	Path     string // of requests that are not slow; {name} is one of Names names
	SlowPath string // of slow requests; {name}, and {seconds} ("3.214") or {ms} ("3214")
	Names    int    // how many different names there are

	Pool int // connections that are kept for reuse, for each target; they are used in turn

	Idle      int           // connections to each target that are mostly idle
	IdleEvery time.Duration // how often each is used

	Long      int           // long-lived connections to each target, opened anew as soon as they are closed
	LongPath  string        // what is asked on them: an answer that streams may take as long as it likes
	LongEvery time.Duration // how long after an answer's end the next request follows on the same connection

	ConnectLimit time.Duration // a connection that takes longer than this to open is a failure
	Timeout      time.Duration // for a lookup, a connection, and an answer, each; a slow answer's delay comes on top

	Duration time.Duration // zero: until the context ends
	Seed     uint64        // the same seed makes the same choices
	Examples int           // how many failures are told one by one
}

// A Target is where requests go.
type Target struct {
	URL  string `json:"url"`            // http://host:port, and a path that stands before every request's
	Host string `json:"host,omitempty"` // the Host header, if it is not the URL's host
	Name string `json:"name"`           // what the report calls it; the URL if empty
	Bare bool   `json:"bare,omitempty"` // POSTs have no body

	address, port, prefix string
}

// Defaults is the load under which a rolling update has to lose nothing.
func Defaults() Config {
	return Config{
		Rate: 200, Post: 0.5, New: 0.5, Slow: 0.1, SlowPost: -1,
		SlowMin: 3 * time.Second, SlowMax: 5 * time.Second,
		Path: "/tally/{name}", SlowPath: "/tally/{name}?delay={seconds}", Names: 20,
		Pool: 32, IdleEvery: 20 * time.Second, LongPath: "/", LongEvery: 10 * time.Second,
		ConnectLimit: 500 * time.Millisecond, Timeout: 15 * time.Second,
		Seed: 1, Examples: 50,
	}
}

// Check says what is wrong with a configuration.
func (c Config) Check() error {
	_, err := c.ready()
	return err
}

// ready gives the configuration with what follows from it filled in.
func (c Config) ready() (Config, error) {
	if len(c.Targets) == 0 {
		return c, errors.New("no target: give a URL")
	}
	if c.Rate <= 0 || c.Rate > 1e6 {
		return c, fmt.Errorf("rate %g: from 0 to 1000000 requests per second", c.Rate)
	}
	if c.SlowPost < 0 {
		c.SlowPost = c.Post
	}
	for name, share := range map[string]float64{"post": c.Post, "new": c.New, "slow": c.Slow, "slow post": c.SlowPost} {
		if share < 0 || share > 1 {
			return c, fmt.Errorf("share of %s %g: from 0 to 1", name, share)
		}
	}
	if c.SlowMax < c.SlowMin || c.Names < 1 || c.Pool < 0 || c.Idle < 0 || c.Long < 0 {
		return c, errors.New("slow answers need min <= max; names at least 1; pool, idle and long may not be negative")
	}
	if c.ConnectLimit <= 0 || c.Timeout <= 0 || c.IdleEvery <= 0 || c.LongEvery <= 0 {
		return c, errors.New("limits and intervals have to be longer than nothing")
	}
	targets := make([]Target, len(c.Targets))
	for i, t := range c.Targets {
		var err error
		if targets[i], err = t.parsed(); err != nil {
			return c, err
		}
	}
	c.Targets = targets
	return c, c.checkPaths()
}

// checkPaths makes a request of every path, as they are made later.
func (c Config) checkPaths() error {
	for _, t := range c.Targets {
		for _, path := range []string{c.Path, c.SlowPath, c.LongPath} {
			if !strings.HasPrefix(path, "/") {
				return fmt.Errorf("path %q: begins with /", path)
			}
			j := job{target: &target{Target: t}, method: http.MethodGet, path: expand(path, 0, c.SlowMax)}
			if _, err := j.request(); err != nil {
				return fmt.Errorf("path %q: %w", path, err)
			}
		}
	}
	return nil
}

func (t Target) parsed() (Target, error) {
	u, err := url.Parse(t.URL)
	if err != nil {
		return t, err
	}
	if u.Scheme != "http" || u.Hostname() == "" || u.RawQuery != "" {
		return t, fmt.Errorf("target %q: http://host, without a query", t.URL)
	}
	t.address, t.port, t.prefix = u.Hostname(), u.Port(), u.EscapedPath()
	if t.port == "" {
		t.port = "80"
	}
	if t.prefix == "/" {
		t.prefix = ""
	}
	if t.Host == "" {
		t.Host = u.Host
	}
	if t.Name == "" {
		t.Name = t.URL
	}
	return t, nil
}

// literal: the host is an address, which needs no lookup.
func (t Target) literal() bool { return net.ParseIP(t.address) != nil }

func (t Target) authority() string { return net.JoinHostPort(t.address, t.port) }
