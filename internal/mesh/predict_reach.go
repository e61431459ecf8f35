package mesh

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// codes of what only a prediction sees; the others are the catalogue's.
const (
	codeReadyDeadlock finding.Code = "DSC-07"
	codeAPIRefuses    finding.Code = "DSC-09"
	codeNoHostname    finding.Code = "DSC-10"
	codeEPMDless      finding.Code = "NET-08"
	codeDomain        finding.Code = "NAM-10"
)

// reach says whether one replica's node would be connected to another's if it dialled
// that by a name, and if not, at what it fails.
func (p *predictor) reach(i, j int, dialled string) (Tri, Obstacle) {
	from, to := &p.in.Replicas[i], &p.in.Replicas[j]
	o := Obstacle{From: from.ID, To: to.ID, Dialled: dialled}
	end := func(up Tri, code finding.Code, text string, at ...string) (Tri, Obstacle) {
		o.Code, o.Text, o.At = code, text, at
		return up, o
	}
	for _, r := range []*Replica{from, to} {
		switch {
		case r.NoNode != "":
			return end(No, finding.Code(r.Code), r.NoNode, r.Node.From)
		case !r.Node.Known():
			return end(Unknown, "", "the name of "+r.ID+" is not known: "+r.Node.Why, r.Node.From)
		}
	}
	if from.Long != Unknown && to.Long != Unknown && from.Long != to.Long {
		return end(No, finding.ShortAgainstLong, "one runs with short names and the other with long ones", from.Node.From, to.Node.From)
	}
	if from.Long == No && parts(dialled).Long() {
		return end(No, finding.ShortAgainstLong, "its own node runs with short names, and can't dial a long one", from.Node.From)
	}
	if a, b := proto(from), proto(to); a != b {
		code := finding.FamilyMismatch
		if isTLS(a) != isTLS(b) {
			code = finding.TLSAgainstPlain
		}
		return end(No, code, fmt.Sprintf("one runs distribution over %s and the other over %s", a, b))
	}
	if from.EPMD != to.EPMD || to.EPMD == 0 && from.ListenMin != to.ListenMin {
		return end(No, codeEPMDless, "they do not use EPMD at the same port, or one of them not at all")
	}
	if up, o := p.allowed(from, to, o); up != Yes {
		return up, o
	}
	dialledName, actual := parts(dialled), parts(to.Node.Value)
	switch {
	case dialledName.Base != actual.Base:
		return end(No, finding.BasenameMismatch, fmt.Sprintf("EPMD there knows %s and not %s", actual.Base, dialledName.Base), to.Node.From)
	case dialledName.Host != actual.Host:
		return end(No, finding.HostMismatch, fmt.Sprintf("the node there calls itself %s, and takes only who dials that", to.Node.Value), to.Node.From)
	}
	switch from.Cookie.same(to.Cookie) {
	case No:
		return end(No, finding.CookieDiffers, "their cookies are not the same", from.Cookie.From, to.Cookie.From)
	case Unknown:
		return end(Unknown, "", "whether their cookies are the same is not known", from.Cookie.From, to.Cookie.From)
	case Yes:
	}
	for _, r := range []*Replica{from, to} {
		if r.Hidden {
			return end(No, finding.HiddenNode, r.ID+" is a hidden node: it is connected and no part of the mesh, and neither sees the other among its nodes")
		}
	}
	return end(Yes, "", "")
}

func proto(r *Replica) string {
	if r.Proto == "" {
		return beam.ProtoTCP
	}
	return r.Proto
}

// allowed asks the policies about EPMD and the distribution port.
func (p *predictor) allowed(from, to *Replica, o Obstacle) (Tri, Obstacle) {
	if to.EPMD != 0 {
		if up, who := p.in.admits(from, to, to.EPMD, to.EPMD); up != Yes {
			o.Text, o.At = who+" does not admit EPMD's port "+strconv.Itoa(int(to.EPMD)), []string{who}
			return barred(up, finding.PortFiltered, who, o)
		}
	}
	if up, who := p.in.admits(from, to, to.ListenMin, max(to.ListenMin, to.ListenMax)); up != Yes {
		if to.ListenMin == 0 {
			o.Text, o.At = "the distribution port is a random one, and "+who+" does not admit every port", []string{who}
			return barred(up, finding.PortClosed, who, o)
		}
		o.Text, o.At = fmt.Sprintf("%s does not admit the distribution ports %d to %d", who, to.ListenMin, to.ListenMax), []string{who}
		return barred(up, finding.PortFiltered, who, o)
	}
	return Yes, o
}

func barred(up Tri, code finding.Code, who string, o Obstacle) (Tri, Obstacle) {
	if up == Unknown {
		o.Code, o.Text = "", "whether "+who+" admits it is not known"
		return up, o
	}
	o.Code = code
	return up, o
}

// target is one that a lookup found: what stands after the @, and which replica that is;
// -1 for none of them.
type target struct {
	host    string
	replica int
	name    string // the whole name, where the way knows it
}

// resolve finds the replica that a host part leads to, from another's own network.
func (p *predictor) resolve(i int, host string) (int, Tri, Obstacle) {
	from := &p.in.Replicas[i]
	o := Obstacle{From: from.ID}
	no := func(state Tri, code finding.Code, format string, a ...any) (int, Tri, Obstacle) {
		o.Code, o.Text = code, fmt.Sprintf(format, a...)
		return -1, state, o
	}
	if host == "" {
		return no(Unknown, "", "the name is not known")
	}
	if (beam.Name{Base: "x", Host: host}).Loopback() {
		return i, Yes, o
	}
	if _, err := netip.ParseAddr(host); err == nil {
		if j := p.byIP(host); j >= 0 {
			return j, Yes, o
		}
		return no(No, finding.ServiceNotHeadless, "%s is the address of no replica", host)
	}
	if !strings.Contains(host, ".") {
		return no(No, finding.HostUnknown, "DNS does not know %s, which is no full name", host)
	}
	name, ok := p.inCluster(host)
	if !ok {
		return no(Unknown, "", "what DNS answers about %s is not known", host)
	}
	labels := strings.Split(name, ".")
	switch {
	case len(labels) == 4 && labels[3] == "svc":
		for j := range p.in.Replicas {
			r := &p.in.Replicas[j]
			dashed := strings.NewReplacer(".", "-", ":", "-").Replace(r.IP)
			named := r.Hostname == labels[0] && r.Subdomain == labels[1]
			if r.Namespace == labels[2] && (named || dashed == labels[0]) {
				return p.listedAs(j, labels[1], host, o)
			}
		}
		return no(No, finding.PodNameUnknown, "DNS has no record of %s", host)
	case len(labels) == 3 && labels[2] == "pod":
		if j := p.byIP(strings.ReplaceAll(labels[0], "-", ".")); j >= 0 {
			o.Text = "pod records such as " + host + " need `pods insecure` or `pods verified` in CoreDNS"
			return j, Unknown, o
		}
	}
	return no(No, finding.HostUnknown, "DNS does not know %s", host)
}

// listedAs is what DNS says of a replica's own name below a Service.
func (p *predictor) listedAs(j int, service, host string, o Obstacle) (int, Tri, Obstacle) {
	r := &p.in.Replicas[j]
	s := p.service(r.Namespace, service)
	switch {
	case s == nil && !p.in.Whole:
		o.Text = "there is no Service " + service + " in what was read"
		return j, Unknown, o
	case s == nil || !s.Headless || len(s.Selector) > 0 && !(Selector{Labels: s.Selector}).Selects(r.Labels):
		o.Code, o.Text = finding.PodNameUnknown, "no headless Service "+service+" lists "+r.ID+", so DNS does not know "+host
		return j, No, o
	case s.NotReadyToo || r.ReadyAlone == Yes:
		return j, Yes, o
	case r.ReadyAlone == No:
		o.Code, o.Text, o.At = codeReadyDeadlock, "Service "+service+" lists only what is ready, and "+r.ID+" is not before it has joined", []string{s.From}
		return j, No, o
	}
	o.Text = "whether " + r.ID + " is ready before it has joined is not known"
	return j, Unknown, o
}

func (p *predictor) byIP(addr string) int {
	for j := range p.in.Replicas {
		if p.in.Replicas[j].IP == addr {
			return j
		}
	}
	return -1
}

func (p *predictor) service(namespace, name string) *Service {
	for i := range p.in.Services {
		if s := &p.in.Services[i]; s.Namespace == namespace && s.Name == name {
			return s
		}
	}
	return nil
}

// inCluster takes the cluster's domain off a full name; false where the name is not one
// of the cluster's, or its domain is not known.
func (p *predictor) inCluster(name string) (string, bool) {
	name = strings.TrimSuffix(name, ".")
	if !p.in.Domain.Known() {
		for _, mark := range []string{".svc.", ".pod."} {
			if at := strings.Index(name, mark); at > 0 {
				return name[:at+4], true
			}
		}
		return "", false
	}
	return strings.CutSuffix(name, "."+p.in.Domain.Value)
}
