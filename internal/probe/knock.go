package probe

import (
	"context"

	"github.com/phialdev/phial/erlang/dist"
)

// Knock goes the way that a peer would go to connect to a node, from this place, up to
// where the node says its name: name, DNS, EPMD, port, and that somebody of this name
// answers there. The cookie does not come into it. It costs the node no log line and no
// name; the error is an *Unreached.
func (p *Prober) Knock(ctx context.Context, node string) error {
	if _, err := dist.Identify(ctx, node, p.config()); err != nil {
		return &Unreached{node, *p.failure(ctx, err)}
	}
	return nil
}
