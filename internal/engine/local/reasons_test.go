package local

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestReasonsNameReplicas(t *testing.T) {
	for id, c := range map[Identity]struct{ reason, want string }{
		IdentityAddress: {
			"not joined: joins shop@127.77.119.1, shop@127.77.119.2 as a whole or not at all: shop@127.77.119.3 does not reach shop@127.77.119.1 (port: shop@127.77.119.3 was refused by shop@127.77.119.1).",
			"not joined: joins shop-0, shop-1 as a whole or not at all: shop-2 does not reach shop-0 (port: it was refused by shop-0).",
		},
		IdentityStable: {
			"shop@shop-1.shop-headless.prod.svc.cluster.local calls itself shop@127.77.119.2, shop@127.77.119.30 is not listed",
			"shop-1 calls itself shop@127.77.119.2, shop@127.77.119.30 is not listed",
		},
	} {
		e := portEngine(t, 3, id)
		if got := e.byReplica(e.replicas[2], c.reason); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", id, got, c.want)
		}
	}
}

// Where the app does not take connections, the reason says what to do about it.
func TestHTTPAccepts(t *testing.T) {
	ip := network{slot: maxSlot - 2}.addr(0)
	says := func(port int, want string) {
		t.Helper()
		err := httpAccepts(ip, port, "")(t.Context())
		if got := fmt.Sprint(err); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	closed := int(closedPort(t).Port())
	says(closed, fmt.Sprintf("the app does not listen on PORT=%d (its http port); if it has none, use --no-http", closed))
	only := int(serveAs(t, "local", nil).Port())
	says(only, fmt.Sprintf("the app listens on 127.0.0.1:%d alone; as in a pod, it has to on POD_IP or on all addresses", only))
	ln, err := listenTCP(t.Context(), "0.0.0.0", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var port int
	fmt.Sscanf(ln.Addr().String(), "0.0.0.0:%d", &port)
	says(port, "<nil>")
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if err := httpAccepts(ip, port, "")(late); err == nil || !strings.HasSuffix(err.Error(), "(its http port) in time") {
		t.Errorf("no time: %v", err)
	}
}
