package local

import (
	"context"
	"net"

	"github.com/phialdev/phial/erlang/epmd"
)

// port is what answers for a replica on its address, whether it runs or not.
type port struct {
	epmd net.Listener // nil: broken
	dns  *dnsSockets
	log  *logFile
}

// serveNetwork begins to answer EPMD on 127.0.0.1 and DNS for everybody.
func (e *engine) serveNetwork() (stop func()) {
	e.epmd = &epmd.Server{Owner: e.net.owner, Replica: e.net.isReplica}
	e.serveEPMD(e.slot.epmd)
	e.zone = newZone(e.net)
	e.dns = &dnsServer{zone: e.zone, forward: machineForwarder()}
	if err := e.dns.serve(e.slot.dns, nil); err != nil {
		e.say("DNS: " + err.Error())
	}
	return func() {
		e.epmd.Close()
		e.slot.close()
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, p := range e.ports {
			p.dns.close()
			p.log.Close()
		}
		e.dns.wait()
	}
}

// serveEPMD answers on a listener until that is closed, or the server is.
func (e *engine) serveEPMD(ln net.Listener) {
	ctx := context.WithoutCancel(e.ctx) // nodes stay registered while they stop
	e.background.Go(func() {
		if err := e.epmd.Serve(ctx, ln); err != nil {
			e.say("EPMD at " + ln.Addr().String() + ": " + err.Error())
		}
	})
}

// open makes a replica's address answer.
func (e *engine) open(n int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ports[n] != nil {
		return nil
	}
	addr := e.net.addr(n)
	p := &port{}
	var err error
	if p.epmd, err = listenTCP(e.ctx, addr.String(), e.net.epmdPort()); err != nil {
		return err
	}
	if p.dns, err = listenDNS(e.ctx, addr, e.net.dnsPort()); err != nil {
		p.epmd.Close()
		return err
	}
	if p.log, err = openLog(e.state.logPath(e.net.pod(n))); err != nil {
		p.epmd.Close()
		p.dns.close()
		return err
	}
	e.serveEPMD(p.epmd)
	e.ports[n] = p
	return e.dns.serve(p.dns, func() bool { return e.zone.blind(n) })
}

// shut takes a replica's address away.
func (e *engine) shut(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.ports[n]
	if p == nil {
		return
	}
	delete(e.ports, n)
	if p.epmd != nil {
		p.epmd.Close()
	}
	p.dns.close()
	p.log.Close()
}

// setEPMD lets EPMD answer on a replica's address, or not.
func (e *engine) setEPMD(n int, on bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.ports[n]
	switch {
	case p == nil || on == (p.epmd != nil):
		return nil
	case !on:
		p.epmd.Close()
		p.epmd = nil
		return nil
	}
	ln, err := listenTCP(e.ctx, e.net.addr(n).String(), e.net.epmdPort())
	if err != nil {
		return err
	}
	p.epmd = ln
	e.serveEPMD(ln)
	return nil
}
