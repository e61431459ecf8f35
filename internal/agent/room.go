package agent

import (
	"maps"
	"sync"

	"github.com/phialdev/phial/internal/mesh"
)

// Room is where the agents of one app hear one another that are in one process.
type Room struct {
	mu  sync.Mutex
	all map[string]*Agent // by node
}

// NewRoom makes an empty one.
func NewRoom() *Room { return &Room{all: map[string]*Agent{}} }

// Seat is the place of the agent of a node, for its Config.
func (r *Room) Seat(node string) Peers { return seat{r, node} }

// Enter has the others hear an agent, in the place of one that was of the same node.
func (r *Room) Enter(a *Agent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[a.conf.Node] = a
}

// Leave takes an agent out, unless another has its place by now.
func (r *Room) Leave(a *Agent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all[a.conf.Node] == a {
		delete(r.all, a.conf.Node)
	}
}

func (r *Room) find(node string) *Agent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[node]
}

type seat struct {
	room *Room
	self string
}

func (s seat) Views() []mesh.GateView {
	s.room.mu.Lock()
	all := maps.Clone(s.room.all)
	s.room.mu.Unlock()
	var out []mesh.GateView
	for node, a := range all {
		if v := a.Decision().View; node != s.self && v.Node != "" {
			out = append(out, v)
		}
	}
	return out
}

func (s seat) Ask(r mesh.LeanRequest, answer func(mesh.LeanAnswer)) {
	if a := s.room.find(r.To); a != nil {
		go func() { answer(a.Grant(r)) }()
	}
}

func (s seat) Release(to []string) {
	for _, node := range to {
		if a := s.room.find(node); a != nil {
			go a.Released(s.self)
		}
	}
}

func (s seat) Leave(all []mesh.LeanLeave) {
	for _, m := range all {
		if a := s.room.find(m.To); a != nil {
			go a.Left(m)
		}
	}
}
