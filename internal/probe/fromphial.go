package probe

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// fromPhial tells the walk by what Phial met when it dialled b, where a could not be
// asked. A step passes by what was seen in it; of a's cookie nothing was.
func (w *walker) fromPhial(s *steps, a, b *end) {
	if _, ok := w.name(s, a, s.t.To); !ok {
		w.rest(s, mesh.KindDNS)
		return
	}
	f := b.r.epmd // where it was found past EPMD, that is what a peer would meet first
	if f == nil {
		f = b.failure
	}
	came := len(order) // where Phial's connection failed; a call comes after all of them
	if f != nil && f.Stage != mesh.KindCall {
		came = slices.Index(order, f.Stage)
	}
	for i, k := range order {
		switch {
		case k == mesh.KindName: // it has passed, see above
		case s.failed:
			s.unseen(k, "an earlier step failed")
		case k == mesh.KindCookie:
			w.cookieOfPhial(s, a, b)
		case i < came:
			if text := passedText(k, s.t.To, b); text != "" {
				s.pass(k, text)
			} else {
				s.unseen(k, "Phial did not see it")
			}
		default:
			s.fail(k, f.Cause, f.Detail, found(f)...)
		}
	}
}

// cookieOfPhial: what Phial's own cookie tells of the two nodes' when one cannot be asked.
func (w *walker) cookieOfPhial(s *steps, a, b *end) {
	from, to := s.t.From, s.t.To
	refuses := func(e *end) bool {
		return e.failure != nil && (e.failure.Cause == mesh.CauseCookie || e.failure.Cause == mesh.CauseCookieSpace)
	}
	switch {
	case refuses(b):
		s.unseen(mesh.KindCookie, to+" refuses the cookie that Phial was given; whether it has that of "+from+" was not seen")
	case b.failure != nil && b.failure.Stage != mesh.KindCall:
		s.fail(mesh.KindCookie, b.failure.Cause, b.failure.Detail)
	case refuses(a):
		s.fail(mesh.KindCookie, a.failure.Cause, to+" takes the cookie that Phial was given, and "+from+" refuses it")
	default:
		s.unseen(mesh.KindCookie, to+" takes the cookie that Phial was given; whether "+from+" has it was not seen")
	}
}

func found(f *mesh.Failure) []string {
	switch {
	case f.Cause == mesh.CauseNotRegistered:
		return f.Known
	case f.Cause == mesh.CauseNameMismatch:
		return []string{f.PeerName}
	case f.Port != 0:
		return []string{strconv.Itoa(int(f.Port))}
	case f.Addr != "":
		return []string{f.Addr}
	}
	return nil
}

// passedText says what was seen in a step that Phial's own connection passed; "" where
// nothing was.
func passedText(k mesh.Kind, node string, b *end) string {
	addr, name := "", node // where it came to, and who answered there
	switch {
	case b.r.Conn != nil:
		addr, name = b.r.Peer().Addr, b.r.Peer().Name
	case b.failure != nil:
		addr, name = b.failure.Addr, cmp.Or(b.failure.PeerName, node)
	}
	n, _ := beam.ParseName(node)
	if _, is := n.Addr(); is && k == mesh.KindDNS {
		return n.Host + " is an address"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	switch k {
	case mesh.KindDNS:
		return n.Host + " stands for " + host
	case mesh.KindEPMD:
		return fmt.Sprintf("EPMD at %s has %s on port %s", host, n.Base, port)
	case mesh.KindPort:
		return addr + " accepts"
	}
	return name + " answers at " + addr
}
