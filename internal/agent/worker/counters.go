package worker

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/agent/metrics"
	"github.com/phialdev/phial/internal/agent/views"
)

// counters count what happens. They begin anew with each worker; the supervisor counts
// workers.
type counters struct {
	changed chan struct{} // there is something to tell the supervisor

	cookies atomic.Int64 // times that the node was given another cookie
	joins   atomic.Int64 // told to connect, and linked
	refused atomic.Int64 // joining would harm, or cannot work
	opened  atomic.Int64
	closed  atomic.Int64

	mu   sync.Mutex
	last agent.State
}

// see counts what a new state means.
func (c *counters) see(s agent.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.Ready && !c.last.Ready:
		c.opened.Add(1)
	case !s.Ready && c.last.Ready:
		c.closed.Add(1)
	}
	c.last = s
}

// join counts what joining says.
func (c *counters) join(line string) {
	switch {
	case strings.HasPrefix(line, "joined "):
		c.joins.Add(1)
	case strings.HasPrefix(line, "not joined: "):
		c.refused.Add(1)
	}
}

// metrics are the worker's, as Prometheus reads them. The supervisor adds its own.
func (w *worker) metrics() []byte {
	var t metrics.Text
	v, heard := w.view(), w.table.Heard()
	node := []string{"node", v.Node}
	t.Gauge("phial_node_info", "The node, as it says itself; 1.", metrics.Value(1, "node", v.Node, "status", v.Status, "agent_version", v.Version))
	t.Gauge("phial_node_answers", "Whether the node answers its agent.", metrics.Bool(v.SilentSeconds == 0 && v.Status != "unknown", node...))
	t.Gauge("phial_node_silent_seconds", "For how long a node that had booted has not answered; 0: it answers.", metrics.Value(v.SilentSeconds, node...))
	t.Gauge("phial_node_cookie_expected", "Whether the node has the cookie that the Secret says.", metrics.Bool(v.Cookie == views.CookieExpected, node...))
	t.Gauge("phial_mesh_peers", "Replicas of the app that the node is connected to.", metrics.Value(float64(len(v.Gate.Peers)), node...))
	t.Gauge("phial_mesh_listed_peers", "Other replicas of the app that discovery lists.", metrics.Value(float64(len(heard)), node...))
	t.Gauge("phial_mesh_joined", "Whether the node is connected to every listed replica that is alive.", metrics.Bool(v.Joined, node...))
	t.Gauge("phial_gate_state", "Why the gate is as it is; 1 for the one reason that holds.", metrics.Value(1, "open", yesNo(v.Ready), "reason", why(v)))
	t.Gauge("phial_gate_leans", "Whether the gate is closed on the word of a replica in a larger island.", metrics.Bool(v.Gate.LeansOn != ""))
	t.Counter("phial_gate_opened_total", "Times that this worker opened the gate.", count(&w.count.opened))
	t.Counter("phial_gate_closed_total", "Times that this worker closed the gate.", count(&w.count.closed))
	t.Counter("phial_joins_total", "Joins: the node was told to connect, and the links came up.", count(&w.count.joins))
	t.Counter("phial_joins_refused_total", "Joins that were refused, since a pair of replicas does not reach each other.", count(&w.count.refused))
	t.Counter("phial_cookie_changes_total", "Times that the node was given another cookie.", count(&w.count.cookies))
	t.Gauge("phial_agent_worker_age_seconds", "For how long this worker has run.", metrics.Value(time.Since(w.began).Seconds()))
	var ages, peers []metrics.Sample
	for _, h := range heard {
		peers = append(peers, metrics.Bool(h.Error == "" && h.AgeSeconds >= 0, "peer", h.Node))
		if h.AgeSeconds >= 0 {
			ages = append(ages, metrics.Value(h.AgeSeconds, "peer", h.Node))
		}
	}
	t.Gauge("phial_agent_peer_heard", "Whether the agent of another replica answered the last question.", peers...)
	t.Gauge("phial_agent_peer_view_age_seconds", "Age of what the agent of another replica said last.", ages...)
	w.drains.metrics(&t)
	if err := t.Err(); err != nil {
		w.log.Error("metrics left out", "error", err)
	}
	return t.Bytes()
}

func count(c *atomic.Int64) metrics.Sample { return metrics.Value(float64(c.Load())) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// why is the gate's reason in one word of a short list: a label must not grow with
// what happens.
func why(v views.View) string {
	switch {
	case v.Draining:
		return "draining"
	case v.Ready && v.SilentSeconds > 0:
		return "silent"
	case v.Ready && !v.Joined:
		return "not-joined"
	case v.Ready:
		return "serving"
	case v.Gate.LeansOn != "":
		return "island"
	case v.Gate.Willing:
		return "no-majority"
	case v.Status == "stopping":
		return "stopping"
	case v.Status == "unknown":
		return "unreached"
	case !v.Booted:
		return "booting"
	case !v.Joined:
		return "joining"
	}
	return "http"
}
