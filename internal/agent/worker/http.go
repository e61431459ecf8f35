package worker

import (
	"context"
	"fmt"
	"net"
	"net/http"
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
		return func(ctx context.Context) error { return accepts(ctx, s) }
	}
	return func(ctx context.Context) error { return healthy(ctx, s) }
}

func httpAddr(s settings.Settings) string {
	host := "127.0.0.1"
	if s.PodIP.IsValid() {
		host = s.PodIP.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(s.HTTPPort)))
}

func accepts(ctx context.Context, s settings.Settings) error {
	ctx, cancel := context.WithTimeout(ctx, httpTime)
	defer cancel()
	if err := agent.Accepts(ctx, httpAddr(s)); err != nil {
		return fmt.Errorf("the http port does not accept: %w", err)
	}
	return nil
}

func healthy(ctx context.Context, s settings.Settings) error {
	ctx, cancel := context.WithTimeout(ctx, httpTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+httpAddr(s)+s.HealthPath, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "phial-agent")
	return agent.Healthy(req)
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
	err := accepts(ctx, b.conf)
	if err == nil {
		return up, nil
	}
	return agent.View{}, &probe.Unreached{Node: b.conf.Node, Failure: mesh.Failure{
		Stage: mesh.KindPort, Cause: mesh.CauseNotRegistered, Detail: err.Error()}}
}

func (b blindNode) Connect(context.Context, string) error { return errNoCookie }
func (b blindNode) Close() error                          { return nil }
