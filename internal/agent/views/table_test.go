package views

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// others is the other agents, by host.
type others struct {
	mu    sync.Mutex
	views map[string]View // who is not in it does not answer
	asked map[string]int
	said  map[string]int // by method
	known []string
}

func (o *others) Call(ctx context.Context, host, method string, in, out any) error {
	o.mu.Lock()
	v, there := o.views[host]
	o.asked[host]++
	o.said[method]++
	o.mu.Unlock()
	if !there {
		<-ctx.Done()
		return errors.New("no answer")
	}
	time.Sleep(2 * time.Millisecond)
	switch method {
	case MethodView:
		*out.(*View) = v
	case MethodLean:
		*out.(*mesh.LeanAnswer) = mesh.LeanAnswer{From: in.(mesh.LeanRequest).To, ID: in.(mesh.LeanRequest).ID}
	}
	return nil
}

func (o *others) set(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

// table runs in a bubble of synctest, with agents at b and c; c does not answer. What is to be otherwise is set before it asks.
func table(t *testing.T, well bool, otherwise ...func(*others)) (*Table, *others) {
	t.Helper()
	o := &others{asked: map[string]int{}, said: map[string]int{}, views: map[string]View{
		"b": {Node: "shop@b", Status: "started", Gate: mesh.GateView{Node: "shop@b", Serving: true, Peers: []string{"shop@a"}}},
	}}
	o.known = []string{"shop@b", "shop@c"}
	for _, f := range otherwise {
		f(o)
	}
	known := func() (names []string) { o.set(func() { names = o.known }); return names }
	tab := NewTable("shop@a", o, known, func() bool { return well }, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); tab.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return tab, o
}

// What is heard is kept with its age, and who does not answer is asked less often.
func TestTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, o := table(t, false)
		time.Sleep(10500 * time.Millisecond)
		heard := tab.Heard()
		if len(heard) != 2 || heard[0].Node != "shop@b" || heard[0].Error != "" || heard[0].AgeSeconds < 0 || heard[0].AgeSeconds > 1.1 {
			t.Errorf("heard %+v", heard)
		}
		if c := heard[1]; c.Node != "shop@c" || c.AgeSeconds != -1 || c.Error != "no answer" {
			t.Errorf("of who does not answer: %+v", c)
		}
		if v := tab.Views(); len(v) != 1 || !v[0].Serving || v[0].Age > 1100*time.Millisecond {
			t.Errorf("views %+v", v)
		}
		if peers, up := tab.Up("shop@b"); !up || len(peers) != 1 {
			t.Errorf("up: %v %v", peers, up)
		}
		if _, up := tab.Up("shop@c"); up {
			t.Error("who was never heard is up")
		}
		o.set(func() {
			if b, c := o.asked["b"], o.asked["c"]; b < 9 || b > 11 || c < 3 || c > 5 {
				t.Errorf("asked b %d and c %d times in ten seconds", b, c)
			}
			delete(o.views, "b")
		})
		time.Sleep(10 * time.Second)
		if heard := tab.Heard(); heard[0].Error == "" || heard[0].AgeSeconds < 9 || !heard[0].Gate.Serving {
			t.Errorf("a view that has grown old: %+v", heard[0])
		}
		if _, up := tab.Up("shop@b"); up {
			t.Error("an old view says that the node is up")
		}
	})
}

// Another pod has the address by now: what its agent says is not taken for the node's.
func TestAnotherAgentAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, _ := table(t, false, func(o *others) { o.views["b"] = View{Node: "other@b"} })
		time.Sleep(2 * time.Second)
		if h := tab.Heard()[0]; h.AgeSeconds != -1 || h.Error != "the agent there is that of other@b" {
			t.Errorf("%+v", h)
		}
	})
}

// Questions, answers and what is said go their way; who is not listed any more is forgotten.
func TestWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab, o := table(t, true)
		answered := make(chan mesh.LeanAnswer, 1)
		tab.Ask(mesh.LeanRequest{To: "shop@b", ID: 7}, func(a mesh.LeanAnswer) { answered <- a })
		tab.Ask(mesh.LeanRequest{To: "shop@c", ID: 8}, func(mesh.LeanAnswer) { t.Error("nobody answered, and it is called") })
		tab.Release([]string{"shop@b"})
		tab.Leave([]mesh.LeanLeave{{To: "shop@b"}})
		time.Sleep(3 * time.Second)
		if a := <-answered; a.From != "shop@b" || a.ID != 7 {
			t.Errorf("%+v", a)
		}
		o.set(func() {
			if o.said[MethodLean] != 2 || o.said[MethodRelease] != 1 || o.said[MethodLeave] != 1 {
				t.Errorf("said %v", o.said)
			}
		})
		o.set(func() { o.known = []string{"shop@c"} })
		time.Sleep(2 * time.Second)
		if heard := tab.Heard(); len(heard) != 1 || heard[0].Node != "shop@c" {
			t.Errorf("of who is not listed any more: %+v", heard)
		}
	})
}

// While all is well many are asked less often.
func TestWellIsAskedLess(t *testing.T) {
	for _, well := range []bool{true, false} {
		tab := NewTable("shop@a", &others{}, func() []string {
			names := make([]string, 100)
			for i := range names {
				names[i] = "shop@" + string(rune('A'+i))
			}
			return names
		}, func() bool { return well }, slog.New(slog.DiscardHandler))
		now := time.Now()
		if due := tab.due(now); len(due) != 100 {
			t.Errorf("at first %d are due", len(due))
		}
		for _, e := range tab.all {
			e.pending = false
		}
		if due := tab.due(now.Add(2 * time.Second)); (len(due) == 0) != well {
			t.Errorf("well %v: %d are due after 2 s", well, len(due))
		}
	}
}
