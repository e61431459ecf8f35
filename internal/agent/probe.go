package agent

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

// Probe is the Network of real nodes.
type Probe struct{ *probe.Prober }

// Open connects to a node. The error is a *probe.Unreached.
func (p Probe) Open(ctx context.Context, node string) (Node, error) {
	s, err := p.Session(ctx, node)
	if err != nil {
		return nil, err
	}
	return Over(s), nil
}

// Over makes a Node of a session.
func Over(s *probe.Session) Node { return session{s} }

type session struct{ *probe.Session }

// Look asks in three calls, about a millisecond in all on loopback.
func (s session) Look(ctx context.Context) (v View, err error) {
	v.Incarnation = incarnation(s.Creation())
	if v.Status, err = s.Status(ctx); err != nil {
		return View{}, err
	}
	if v.Peers, err = s.Peers(ctx); err != nil {
		return View{}, err
	}
	apps, err := s.Applications(ctx)
	if err != nil && v.Status == mesh.Started { // while it boots, the application controller may be busy
		return View{}, err
	}
	for _, a := range apps {
		v.Apps = append(v.Apps, a.Name)
	}
	return v, nil
}

// unreached says why the own node was not reached, without naming it.
func unreached(node string, err error) string {
	var u *probe.Unreached
	if !errors.As(err, &u) {
		return "the node does not answer: " + err.Error()
	}
	detail, named := strings.CutPrefix(u.Failure.Detail, node)
	if !named {
		detail = ": " + detail
	}
	return "the node cannot be reached" + detail // which goes on with an address or a colon
}

// booting says whether an error is what a node gives that has not come up yet.
func booting(err error) bool {
	var u *probe.Unreached
	return errors.As(err, &u) && u.Failure.Cause == mesh.CauseNotRegistered
}

// gone says whether an error shows that no node of that name runs: nobody is
// registered, or nobody listens. The agent stands beside its node, so that what
// refuses there is no network's fault.
func gone(err error) bool {
	var u *probe.Unreached
	if !errors.As(err, &u) {
		return false
	}
	switch u.Failure.Cause {
	case mesh.CauseNotRegistered, mesh.CauseEPMDRefused, mesh.CausePortRefused:
		return true
	}
	return false
}

// unsure says whether an error is silence: packets that are lost, a machine that is
// gone, a node that is frozen. An answer, whatever it says, is none.
func unsure(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var u *probe.Unreached
	if !errors.As(err, &u) {
		return false
	}
	switch u.Failure.Cause {
	case mesh.CauseEPMDFiltered, mesh.CauseEPMDMute, mesh.CausePortFiltered, mesh.CauseFrozen, mesh.CauseDNSSilent:
		return true
	}
	return false
}

func incarnation(creation uint32) string { return strconv.FormatUint(uint64(creation), 10) }

// refusedBy is the incarnation of the node that refuses; empty: it is not known.
func refusedBy(err error) string {
	var u *probe.Unreached
	if !errors.As(err, &u) || u.Failure.Creation == 0 {
		return ""
	}
	return incarnation(u.Failure.Creation)
}

// refuses says whether an error is what a node gives that runs and does not let
// us in: with another cookie, say. It writes a line to its log each time, and does
// not change its mind from one moment to the next.
func refuses(err error) bool {
	var u *probe.Unreached
	if !errors.As(err, &u) || u.Failure.Cause == mesh.CauseFrozen {
		return false
	}
	return u.Failure.Stage == mesh.KindHandshake || u.Failure.Stage == mesh.KindCookie
}
