package worker

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/agent/supervisor"
)

// A Stateless app whose Secret nobody made has a node that cannot be asked: its gate goes
// by the http port and its health path, and draining is the endpoint delay.
func TestWithoutACookie(t *testing.T) {
	var healthy atomic.Bool
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" && !healthy.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer app.Close()
	_, port, err := net.SplitHostPort(app.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	p := &pod{t: t, log: &lines{}, others: func() []string { return nil }}
	p.conf = settings.Default()
	p.conf.Node, p.conf.PodIP, p.conf.HTTPPort, p.conf.HealthPath = "shop@127.0.0.1", netip.MustParseAddr("127.0.0.1"), uint16(n), "/health"
	p.conf.CookieFile = filepath.Join(t.TempDir(), "cookie")
	p.conf.RunDir, p.conf.DelaySeconds, p.conf.DrainSeconds = t.TempDir(), 1, 5
	p.work(supervisor.Order{})
	defer func() { p.stop() }()
	p.await("closed, for the app says so", func(w supervisor.Word) bool {
		return w.Booted && !w.Ready && strings.Contains(w.Reason, "503 at /health")
	})
	healthy.Store(true)
	p.await("open", ready)
	since := time.Now()
	if err := p.orders.Encode(supervisor.Order{Drain: &supervisor.DrainOrder{ID: "one", Since: since}}); err != nil {
		t.Fatal(err)
	}
	p.await("drained", func(w supervisor.Word) bool { return w.Drained && !w.Ready })
	if took := time.Since(since); took < p.conf.EndpointDelay() {
		t.Errorf("drained after %v", took)
	}
	var told Progress
	if err := json.Unmarshal(p.word().Drain, &told); err != nil || !strings.Contains(told.Line, "endpoint delay was left") {
		t.Errorf("%v: %+v", err, told)
	}
	if err := p.orders.Encode(supervisor.Order{Undo: true}); err != nil {
		t.Fatal(err)
	}
	p.await("open again", ready)
	app.Close()
	p.await("closed, for nobody listens", func(w supervisor.Word) bool { return !w.Booted && !w.Ready })
	if !strings.Contains(p.log.String(), "there is no cookie to ask the node with") {
		t.Error("nobody is told")
	}
}
