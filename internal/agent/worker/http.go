package worker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

const httpTime = 2 * time.Second

// httpAccepts tries the app's http port, and its own readiness where it has one; nil
// for an app without http.
func httpAccepts(s settings.Settings) func(context.Context) error {
	if s.HTTPPort == 0 {
		return nil
	}
	if s.HealthPath == "" {
		return func(ctx context.Context) error { return accepts(ctx, httpAddr(s)) }
	}
	return func(ctx context.Context) error { return healthy(ctx, httpAddr(s), s.HealthPath) }
}

func httpAddr(s settings.Settings) string {
	host := "127.0.0.1"
	if s.PodIP.IsValid() {
		host = s.PodIP.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(s.HTTPPort)))
}

func accepts(ctx context.Context, addr string) error {
	d := net.Dialer{Timeout: httpTime}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("the http port does not accept: %w", err)
	}
	return conn.Close()
}

// client takes an answer for what it is, as the kubelet does: a redirect is one, and a
// certificate is not looked at.
var client = &http.Client{
	Timeout: httpTime,
	Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil, DisableCompression: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // see above
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// healthy asks a path; 200 to 399 is a yes.
func healthy(ctx context.Context, addr, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "phial-agent")
	resp, err := client.Do(req)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err
		}
		return fmt.Errorf("the app does not answer at %s: %w", path, err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10)) //nolint:errcheck // only the status counts
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Errorf("the app answers %d at %s", resp.StatusCode, path)
	}
	return nil
}

// blindNode is a node that cannot be asked, since there is no cookie to ask it with:
// that of a Stateless app whose Secret nobody made. It is up while its http port
// accepts, and always where it has none.
type blindNode struct{ conf settings.Settings }

func (b blindNode) Look(ctx context.Context) (agent.View, error) {
	up := agent.View{Status: mesh.Started, Incarnation: "not known"}
	if b.conf.HTTPPort == 0 {
		return up, nil
	}
	err := accepts(ctx, httpAddr(b.conf))
	if err == nil {
		return up, nil
	}
	return agent.View{}, &probe.Unreached{Node: b.conf.Node, Failure: mesh.Failure{
		Stage: mesh.KindPort, Cause: mesh.CauseNotRegistered, Detail: err.Error()}}
}

func (b blindNode) Connect(context.Context, string) error { return errNoCookie }
func (b blindNode) Close() error                          { return nil }
