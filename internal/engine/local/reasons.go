package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// httpAccepts tries an app's http port, and its own readiness where it has a path for
// it, and says what to do where the port is closed.
func httpAccepts(ip netip.Addr, port int, path string) func(context.Context) error {
	addr := net.JoinHostPort(ip.String(), strconv.Itoa(port))
	loopback := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	return func(ctx context.Context) error {
		err := accepts(ctx, addr)
		var netErr net.Error
		switch {
		case err == nil && path != "":
			return httpGet(ctx, "", addr, path, nil)
		case err == nil:
			return nil
		case errors.Is(err, syscall.ECONNREFUSED) && accepts(ctx, loopback) == nil:
			return fmt.Errorf("the app listens on 127.0.0.1:%d alone; as in a pod, it has to on POD_IP or on all addresses", port)
		case errors.Is(err, syscall.ECONNREFUSED):
			return fmt.Errorf("the app does not listen on PORT=%d (its http port); if it has none, use --no-http", port)
		case errors.As(err, &netErr) && netErr.Timeout():
			return fmt.Errorf("the app takes no connection on PORT=%d (its http port) in time", port)
		}
		return fmt.Errorf("PORT=%d (the app's http port): %w", port, err)
	}
}

// byReplica says in a reason replica names for node names, which are long, and
// says the replica's own name once.
func (e *engine) byReplica(r *replica, reason string) string {
	replicas := map[string]string{}
	for _, other := range e.all() {
		replicas[other.node] = other.name
	}
	own := false
	return nodeName.ReplaceAllStringFunc(reason, func(node string) string {
		name := strings.TrimRight(node, ".-") // of the sentence
		rest := node[len(name):]
		replica, known := replicas[name]
		switch {
		case !known:
			return node
		case replica == r.name && own:
			return "it" + rest
		}
		own = own || replica == r.name
		return replica + rest
	})
}

// A node name within a text.
var nodeName = regexp.MustCompile(`[a-z][a-zA-Z0-9_]*@[a-zA-Z0-9.-]+`)
