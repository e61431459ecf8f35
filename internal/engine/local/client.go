package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/host"
)

// ErrNotRunning is returned where an instance was asked for and none runs.
var ErrNotRunning = errors.New("no app is up")

// Client talks to the engine of one instance.
type Client struct {
	st   *state
	info engineInfo
	http *http.Client
}

// Find gives the running instance of that name, or the only one when name is
// empty. Errors are [ErrNotRunning], wrapped, or say which instances there are.
func Find(name string) (*Client, error) { return FindIn("", name) }

// FindIn is Find with a state directory other than [StateRoot].
func FindIn(stateDir, name string) (*Client, error) {
	all, err := ListIn(stateDir)
	if err != nil {
		return nil, err
	}
	if name != "" {
		for _, c := range all {
			if c.Name() == name {
				return c, nil
			}
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("%w: %s", ErrNotRunning, name)
		}
		return nil, fmt.Errorf("%w under the name %s; running: %s", ErrNotRunning, name, names(all))
	}
	switch len(all) {
	case 0:
		return nil, ErrNotRunning
	case 1:
		return all[0], nil
	}
	return nil, fmt.Errorf("several apps are up, pick one with --name: %s", names(all))
}

func names(all []*Client) string {
	s := make([]string, 0, len(all))
	for _, c := range all {
		s = append(s, c.Name())
	}
	return strings.Join(s, ", ")
}

// List gives the running instances of this user, by name.
func List() ([]*Client, error) { return ListIn("") }

// ListIn is List with a state directory other than [StateRoot].
func ListIn(stateDir string) ([]*Client, error) {
	states, err := listStates(stateDir)
	if err != nil {
		return nil, err
	}
	var all []*Client
	for _, st := range states {
		info, err := st.readInfo()
		if err != nil || !st.held() {
			continue // starting, stopping, or left behind by a crash: nobody answers there
		}
		all = append(all, newClient(st, info))
	}
	return all, nil
}

func newClient(st *state, info engineInfo) *Client {
	return &Client{st: st, info: info, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return st.dialControl(ctx) },
	}}}
}

// Name is the instance's name.
func (c *Client) Name() string { return c.info.Name }

// PID is the engine's process id.
func (c *Client) PID() int { return c.info.PID }

// Dir is the instance's state directory.
func (c *Client) Dir() string { return c.st.dir }

// LogPath is the file with that replica's output; older output is beside it
// with .1 added. The empty name gives the engine's own log.
func (c *Client) LogPath(pod string) string { return c.st.logPath(pod) }

// Status asks how the instance is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	return s, c.call(ctx, http.MethodGet, "/status", nil, &s)
}

// WaitSettled polls until nothing is on its way any more, or ctx ends; it
// gives the last status either way. each, if not nil, sees every status.
func (c *Client) WaitSettled(ctx context.Context, each func(Status)) (Status, error) {
	var last Status
	for {
		s, err := c.Status(ctx)
		if err != nil {
			return last, err
		}
		last = s
		if each != nil {
			each(s)
		}
		if s.Settled {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// MeshTarget asks what a look at the mesh from outside needs.
func (c *Client) MeshTarget(ctx context.Context) (MeshTarget, error) {
	var t MeshTarget
	return t, c.call(ctx, http.MethodGet, "/target", nil, &t)
}

// Down stops every replica and the engine, and returns when the engine is gone.
func (c *Client) Down(ctx context.Context) error {
	if err := c.call(ctx, http.MethodPost, "/down", nil, nil); err != nil {
		return err
	}
	return c.st.waitFree(ctx)
}

// Scale sets the number of replicas. It returns when those that go are gone
// and those that come have been started.
func (c *Client) Scale(ctx context.Context, n int) error {
	if err := CheckReplicas(n); err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, "/scale", scaleRequest{Replicas: n}, nil)
}

// Restart drains and starts again one replica, or with the empty name each in
// turn, the next when the one before is ready.
func (c *Client) Restart(ctx context.Context, pod string) error {
	return c.call(ctx, http.MethodPost, "/restart", podRequest{Pod: pod}, nil)
}

// Break breaks one replica.
func (c *Client) Break(ctx context.Context, pod string, f Fault) (BreakReport, error) {
	var r BreakReport
	return r, c.call(ctx, http.MethodPost, "/break", podRequest{Pod: pod, Fault: f}, &r)
}

// Mend puts right whatever Break did to the replica, or with the empty name to any.
func (c *Client) Mend(ctx context.Context, pod string) (BreakReport, error) {
	var r BreakReport
	return r, c.call(ctx, http.MethodPost, "/mend", podRequest{Pod: pod}, &r)
}

// Remote is how to start a program of the release against a running replica.
type Remote struct {
	Path string   // bin/NAME of the release
	Args []string // what follows Path
	Env  []string // the whole environment; holds the cookie
	Node string   // the node that it will reach
}

// String leaves the environment, and so the cookie, out.
func (r Remote) String() string { return r.Path + " " + strings.Join(r.Args, " ") }

// GoString is String.
func (r Remote) GoString() string { return r.String() }

// MarshalJSON refuses: the environment must not be written down.
func (r Remote) MarshalJSON() ([]byte, error) {
	return nil, errors.New("a remote command holds a cookie and is not for writing down")
}

// Remote gives the command that opens a console on a replica, with the
// environment that the replica's own container would give it and the caller's
// terminal settings. It wants the caller's terminal as its standard input and
// output. args replace "remote", for example "rpc", "IO.puts(node())".
func (c *Client) Remote(ctx context.Context, pod string, args ...string) (Remote, error) {
	var a remoteAnswer
	if err := c.call(ctx, http.MethodPost, "/remote", podRequest{Pod: pod}, &a); err != nil {
		return Remote{}, err
	}
	cookie, err := dist.CookieFromFile(a.CookieFile)
	if err != nil {
		return Remote{}, err
	}
	if len(args) == 0 {
		args = []string{"remote"}
	}
	env := host.MergeEnv(host.InheritedEnv(os.Environ()), a.Env, []string{"RELEASE_COOKIE=" + cookie.Reveal()})
	if t := host.GetEnv(env, "TERM"); t == "" || t == "dumb" {
		// Without a terminal's abilities the console opens on a throw-away node of its own.
		env = host.MergeEnv(env, []string{"TERM=xterm"})
	}
	return Remote{Path: a.Path, Args: args, Env: env, Node: a.Node}, nil
}

// call sends one request to the engine and reads its answer into out.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	u := url.URL{Scheme: "http", Host: "engine", Path: path}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the engine of %s does not answer: %w", c.info.Name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		var e errorAnswer
		if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || e.Error == "" {
			return fmt.Errorf("the engine of %s answered %s", c.info.Name, resp.Status)
		}
		return errors.New(e.Error)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
