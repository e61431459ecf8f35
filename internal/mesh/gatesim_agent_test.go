package mesh

import "time"

// lost draws whether a message gets lost.
//
//go:norace
func (w *world) lost(i, j, what int) bool {
	return w.loss > 0 && w.chance(i, j, what)%100 < w.loss
}

// delay draws how long a message takes.
//
//go:norace
func (w *world) delay(i, j, what int) time.Duration {
	x := w.chance(i, j, what)
	switch {
	case w.slow:
		return tick * time.Duration(1+x%20)
	case x%16 == 0:
		return tick * time.Duration(1+x>>8%12)
	}
	return tick * time.Duration(x>>8%3)
}

// send puts a message on its way.
func (w *world) send(m message) {
	what := 10 + int(m.kind)
	if w.agents[m.dialler].has(m.to+m.from-m.dialler) || w.lost(m.from, m.to, what) {
		w.stats.answers["message lost"]++
		return
	}
	at := func(d time.Duration) *[]message { return &w.ring[int((w.now+d)/tick)%ringSize] }
	d := w.delay(m.from, m.to, what)
	b := at(d + tick)
	*b = append(*b, m)
	if w.chance(m.from, m.to, what+8)%50 == 0 {
		b = at(d + 11*tick)
		*b = append(*b, m)
		w.stats.answers["message doubled"]++
	}
}

// deliver hands over what arrives now.
//
//go:norace
func (w *world) deliver() {
	b := &w.ring[int(w.now/tick)%ringSize]
	for _, m := range *b {
		r := &w.r[m.to]
		switch {
		case !r.present || w.now < r.upAt || w.agents[m.dialler].has(m.to+m.from-m.dialler):
			w.stats.answers["message lost"]++
		case w.now < r.frozen:
			r.inbox = append(r.inbox, m)
		default:
			w.handle(m)
		}
	}
	*b = (*b)[:0]
}

func (w *world) handle(m message) {
	r := &w.r[m.to]
	clock := w.now + r.offset
	switch m.kind {
	case msgAsk:
		a := r.gate.Grant(m.ask, clock)
		if a.Refused == "" {
			w.stats.answers["granted"]++
		} else {
			w.stats.refused[a.Refused]++
		}
		if w.trace != nil {
			w.trace("%s asked by %s: refused %q", replicaName(m.to), m.ask.From, a.Refused)
		}
		w.send(message{kind: msgAnswer, from: m.to, to: m.from, dialler: m.from, answer: a})
		return
	case msgAnswer:
		r.gate.Answer(m.answer, clock)
	case msgRelease:
		r.gate.Released(replicaName(m.from))
		w.stats.answers["released"]++
	case msgLeave:
		r.gate.Left(m.leave)
		w.stats.answers["left"]++
	}
	r.next = w.now // at once, or nearly
	if x := w.chance(m.to, m.from, 30); x%8 == 0 {
		r.next += tick * time.Duration(x>>8%5)
	}
}

// pull takes the views that have come and asks for new ones.
//
//go:norace
func (w *world) pull(i int, of set) {
	r := &w.r[i]
	for j := range w.r {
		if j == i {
			continue
		}
		if r.pulls.has(j) && w.now >= r.coming[j].at {
			r.pulls.put(j, false)
			if r.coming[j].view.Node != "" {
				r.views[j] = r.coming[j]
				r.has.put(j, true)
			}
		}
		if !of.has(j) || r.pulls.has(j) {
			continue
		}
		o := &w.r[j]
		c := held{asked: w.now, at: w.now + 2*time.Second} // a timeout, where nothing comes
		if o.awake(w.now) && !w.agents[i].has(j) && !w.lost(i, j, 40) && o.view.Node != "" {
			c.view, c.peers, c.at = o.view, o.peers, w.now+tick+w.delay(i, j, 41)
		} else if o.present && w.now >= o.frozen {
			c.at = w.now + tick // refused at once
		}
		r.coming[j] = c
		r.pulls.put(j, true)
	}
}

// lookup is what discovery answers.
//
//go:norace
func (w *world) lookup(r *replica) []string {
	if r.discEnd != 0 && w.now >= r.discEnd {
		r.disc, r.discEnd = lookupGood, 0
	}
	switch r.disc {
	case lookupEmpty:
		return []string{}
	case lookupFails:
		return nil
	case lookupStale:
		if !r.everSaw {
			return nil
		}
	case lookupGood:
		r.listed, r.everSaw = w.present(), true
	}
	return names[r.listed]
}

// input is what an agent knows.
//
//go:norace
func (w *world) input(i int) GateInput {
	r := &w.r[i]
	in := GateInput{PortAccepts: Yes, AppReady: Yes, Clustered: true, Draining: r.told,
		Now: w.now + r.offset, Self: replicaName7[i], Worker: numbers[r.worker&255], OnPartition: w.policy}
	in.Listed = w.lookup(r)
	if w.now >= r.mute {
		switch r.node {
		case boots:
			in.Status = Booting
		case runs:
			in.Status = Started
			in.Links = names[r.links]
			in.Peers = r.links.len()
			if r.told && w.now >= r.stopAt {
				in.Status = Stopping
			}
		}
		if r.node != down {
			r.known = numbers[r.life&255]
		}
	}
	in.Incarnation = r.known
	if r.everSaw {
		in.PeerAlive = TriOf(w.alive(i) != 0)
	}
	w.pull(i, r.listed|r.links)
	w.scratch = w.scratch[:0]
	for j := range w.r {
		if r.has.has(j) {
			v := r.views[j].view
			v.Age = w.now - r.views[j].asked
			w.scratch = append(w.scratch, v)
		}
	}
	in.Views = w.scratch
	return in
}

var replicaName7 = func() (all [most]string) {
	for i := range all {
		all[i] = names[1<<i][0]
	}
	return all
}()

// alive are the listed peers whose nodes the own one reaches.
//
//go:norace
func (w *world) alive(i int) (s set) {
	r := &w.r[i]
	for j := range w.r {
		s.put(j, j != i && r.listed.has(j) && w.r[j].node == runs && !w.beam[i].has(j) && !w.beam[j].has(i))
	}
	return s
}

// decide lets an agent decide, does what it says, and looks whether it should have.
//
//go:norace
func (w *world) decide(i int) {
	r := &w.r[i]
	in := w.input(i)
	d := r.gate.Decide(in)
	if r.next = w.now + pace; w.calm {
		r.next += pace
	}
	r.view, r.peers = d.View, 0
	if in.Status >= Started {
		r.peers = r.links
	}
	was := r.last
	r.last = d
	if d.Open != was.Open || d.Reason != was.Reason {
		w.stats.answer(d.Reason)
		if w.trace != nil {
			w.trace("%s open=%v: %s", in.Self, d.Open, d.Reason)
		}
	}
	if d.Ask != nil {
		w.stats.answers["asked"]++
		if to := number(d.Ask.To); to < most {
			w.send(message{kind: msgAsk, from: i, to: to, dialler: i, ask: *d.Ask})
		}
	}
	for _, n := range d.Release {
		if to := number(n); to < most {
			w.send(message{kind: msgRelease, from: i, to: to, dialler: i})
		}
	}
	for _, l := range d.Leave {
		if to := number(l.To); to < most {
			w.send(message{kind: msgLeave, from: i, to: to, dialler: i, leave: l})
		}
	}
	w.check(i, in, was)
}
