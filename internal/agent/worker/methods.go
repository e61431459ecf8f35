package worker

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/phialdev/phial/internal/agent/peers"
	"github.com/phialdev/phial/internal/agent/turns"
	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/mesh"
)

// methods are what other agents may ask of this one.
func (w *worker) methods() map[string]peers.Handler {
	return map[string]peers.Handler{
		views.MethodView:    func(context.Context, netip.Addr, json.RawMessage) (any, error) { return w.view(), nil },
		views.MethodLean:    method(func(r mesh.LeanRequest) any { return w.agent.Grant(r) }),
		views.MethodRelease: method(func(r views.Release) any { w.agent.Released(r.From); return struct{}{} }),
		views.MethodLeave:   method(func(m mesh.LeanLeave) any { w.agent.Left(m); return struct{}{} }),
		turns.MethodAsk:     method(func(a turns.Ask) any { return w.turns.Give(a) }),
		turns.MethodDone:    method(func(d turns.Done) any { w.turns.Over(d); return struct{}{} }),
	}
}

var errBody = errors.New("that is not what this method takes")

// method makes a handler of a function of what the body holds.
func method[T any](f func(T) any) peers.Handler {
	return func(_ context.Context, _ netip.Addr, body json.RawMessage) (any, error) {
		var v T
		if err := json.Unmarshal(body, &v); err != nil {
			return nil, errBody
		}
		return f(v), nil
	}
}

// view is what this agent says of its replica.
func (w *worker) view() views.View {
	s, d := w.agent.State(), w.agent.Decision()
	v := views.View{
		Node: w.conf.Node, Pod: w.conf.Pod, Version: w.version, Incarnation: d.Incarnation,
		Status: s.Status.String(), Booted: s.Booted, Ready: s.Ready, Reason: s.Reason,
		Joined: s.Joined, Join: s.Join, Peers: append([]string{}, s.Peers...),
		Cookie: w.network.cookieState(), AgentSeconds: time.Since(w.began).Seconds(), Gate: d.View,
	}
	v.Draining, v.Drained = w.drains.state()
	if !s.Silent.IsZero() {
		v.SilentSeconds = time.Since(s.Silent).Seconds()
	}
	if at, announced := w.cookies.Rotation(); announced {
		v.CookieSwitchAt = &at
	}
	return v
}
