package foreign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

// Look asks every node for its name, and then looks at all of them, from where this
// process is. A cookie that is refused may be the wrong one: nobody knows whose it is.
func Look(ctx context.Context, t Task, cookie dist.Cookie) (Answer, error) {
	if len(t.Pods) == 0 {
		return Answer{}, errors.New("there is no pod to look at")
	}
	ctx, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	pods := t.names(ctx)
	p := &probe.Prober{Cookie: cookie, EPMDPort: t.EPMDPort, Port: t.DistPort, Ports: []uint16{}, Timeout: t.timeout()}
	o, err := p.Observe(ctx, slices.Sorted(maps.Keys(pods)))
	if errors.Is(err, context.DeadlineExceeded) {
		return Answer{}, fmt.Errorf("%d pods could not be looked at within %s; a shorter --timeout for each step may do, or fewer pods", len(t.Pods), Within)
	}
	if err != nil {
		return Answer{}, err
	}
	return Answer{Report: mesh.NewReport(o), Pods: pods}, nil
}
