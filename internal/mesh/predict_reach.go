package mesh

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
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
	codeMachineDNS    finding.Code = "DSC-28"
	codeNoCertificate finding.Code = "NET-30"
	codeTwoNodes      finding.Code = "NET-09"
	codeNoAddresses   finding.Code = "DSC-21"
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
			o.Slip = r.Slip
			return end(No, finding.Code(r.Code), r.NoNode, r.Node.From)
		case !r.Node.Known():
			o.Slip = r.Slip
			return end(Unknown, finding.Code(r.Code), "the name of "+r.ID+" is not known: "+r.Node.Why+at(placeOf(r.Node)), r.Node.From)
		}
	}
	for _, r := range []*Replica{from, to} {
		if r.Twin.there() {
			return end(Unknown, codeTwoNodes, "which node boots in a pod of "+r.Workload+" is not known: "+r.Twin.Why, r.Twin.At)
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
	if ofIPv6(to.IP) && !speaksIPv6(from) {
		return end(No, finding.FamilyMismatch, fmt.Sprintf("%s has an IPv6 address alone, and distribution over %s dials IPv4", to.ID, proto(from)))
	}
	if !ofIPv6(to.IP) && speaksIPv6(from) {
		o.Slip = OverIPv6
		return end(Unknown, finding.FamilyMismatch, fmt.Sprintf("whether the pods have IPv6 addresses is not known, and distribution over %s dials no others", proto(from)))
	}
	if up, o := secured(from, to, o); up != Yes {
		return up, o
	}
	if up, o := listening(from, to, o); up != Yes {
		return up, o
	}
	if up, o := p.allowed(i, j, o); up != Yes {
		return up, o
	}
	dialledName, actual := parts(dialled), parts(to.Node.Value)
	switch {
	case dialledName.Base != actual.Base:
		return end(No, finding.BasenameMismatch, fmt.Sprintf("EPMD there knows %s and not %s", actual.Base, dialledName.Base), to.Node.From)
	case dialledName.Host != actual.Host:
		text, at := fmt.Sprintf("the node there calls itself %s, and takes only who dials that", to.Node.Value), []string{to.Node.From}
		if to.Slip == OfMachine {
			o.Slip, text, at = OfMachine, text+"; "+to.NamedBy.Why, slices.Insert(at, 0, to.NamedBy.At)
		}
		return end(No, finding.HostMismatch, text, at...)
	}
	switch from.Cookie.same(to.Cookie) {
	case No:
		text := "their cookies are not the same"
		if own := cmp.Or(from.Cookie.Own, to.Cookie.Own); own != "" {
			text, o.Slip = text+": "+own, cmp.Or(from.Cookie.Slip, to.Cookie.Slip)
		}
		return end(No, finding.CookieDiffers, text, from.Cookie.From, to.Cookie.From)
	case Unknown:
		return end(Unknown, "", "whether their cookies are the same is not known", from.Cookie.From, to.Cookie.From)
	case Yes:
	}
	for _, r := range []*Replica{from, to} {
		if r.Hidden {
			return end(No, finding.HiddenNode, r.ID+" is a hidden node: it is connected and no part of the mesh, and neither sees the other among its nodes", r.HiddenAt)
		}
	}
	return end(Yes, "", "")
}

// secured says whether the two get through the handshake of TLS, where they speak that.
func secured(from, to *Replica, o Obstacle) (Tri, Obstacle) {
	switch {
	case to.NoTLS.there() && to.NoTLS.Unsure:
		o.Code, o.Text, o.At = codeNoCertificate, "whether "+to.ID+" has a certificate is not known: it "+to.NoTLS.Why, []string{to.NoTLS.At}
		return Unknown, o
	case to.NoTLS.there():
		o.Code, o.Text, o.At = codeNoCertificate, to.ID+" "+to.NoTLS.Why, []string{to.NoTLS.At}
		return No, o
	case from.NoTLS.there():
		o.Code, o.Text, o.At = codeNoCertificate, "whether "+to.ID+" takes one without a certificate is not known: "+from.ID+" "+from.NoTLS.Why, []string{from.NoTLS.At}
		return Unknown, o
	}
	return Yes, o
}

// listening says whether one learns the port of the other, and whether somebody listens there.
func listening(from, to *Replica, o Obstacle) (Tri, Obstacle) {
	end := func(up Tri, code finding.Code, text string, at ...string) (Tri, Obstacle) {
		o.Code, o.Text, o.At = code, text, at
		return up, o
	}
	switch fixed := from.FixedPort; {
	case to.Deaf.there() && to.Deaf.Unsure:
		return end(Unknown, finding.PortClosed, "whether a peer reaches "+to.ID+" is not known: "+to.Deaf.Why, to.Deaf.At)
	case to.Deaf.there() && to.Hidden:
		return end(No, finding.HiddenNode, to.ID+" "+to.Deaf.Why, to.Deaf.At)
	case to.Deaf.there():
		o.Slip = OnLoopback
		return end(No, finding.PortClosed, to.ID+" "+to.Deaf.Why, to.Deaf.At)
	case from.OtherEPMD.there():
		return end(Unknown, "", "where "+from.ID+" dials is not known: "+from.OtherEPMD.Why, from.OtherEPMD.At)
	case to.OtherEPMD.there():
		return end(Unknown, "", "where "+to.ID+" listens, and who knows of it, is not known: "+to.OtherEPMD.Why, to.OtherEPMD.At)
	case fixed != 0 && to.ListenMin == fixed:
	case fixed != 0 && to.ListenMin == 0 && to.ListenWhy != "":
		return end(Unknown, "", fmt.Sprintf("%s dials every node at port %d, and which port %s has is not known: %s", from.ID, fixed, to.ID, to.ListenWhy))
	case fixed != 0:
		return end(No, codeEPMDless, fmt.Sprintf("%s dials every node at port %d (-erl_epmd_port), and %s does not listen there", from.ID, fixed, to.ID))
	case from.EPMD != to.EPMD, from.EPMD == 0 && from.ListenMin != to.ListenMin:
		return end(No, codeEPMDless, "they do not use EPMD at the same port, or one of them not at all")
	}
	return Yes, o
}

// ofIPv6 says whether an address is one of IPv6.
func ofIPv6(address string) bool { return strings.Contains(address, ":") }

// speaksIPv6 says whether a node's distribution dials addresses of IPv6.
func speaksIPv6(r *Replica) bool { return r.Proto == beam.ProtoTCP6 || r.Proto == beam.ProtoTLS6 }

func proto(r *Replica) string {
	if r.Proto == "" {
		return beam.ProtoTCP
	}
	return r.Proto
}

// allowed asks the policies about EPMD and the distribution port.
func (p *predictor) allowed(i, j int, o Obstacle) (Tri, Obstacle) {
	to := &p.in.Replicas[j]
	if to.EPMD != 0 && p.in.Replicas[i].FixedPort == 0 {
		if up, who := p.admits(i, j, to.EPMD, to.EPMD); up != Yes {
			o.Text, o.At = who+" does not admit EPMD's port "+strconv.Itoa(int(to.EPMD)), []string{who}
			return barred(up, finding.PortFiltered, who, o)
		}
	}
	// The release takes the first of its range; those after it are for tools.
	if to.ListenMin != 0 {
		up, who := p.admits(i, j, to.ListenMin, to.ListenMin)
		o.Text, o.At = fmt.Sprintf("%s does not admit the distribution port %d", who, to.ListenMin), []string{who}
		return barred(up, finding.PortFiltered, who, o)
	}
	up, who := p.admits(i, j, firstOpen, lastPort)
	usual, _ := p.admits(i, j, firstUsual, lastUsual)
	switch {
	case up == No && to.ListenWhy != "":
		o.Text = "which distribution port " + to.ID + " has is not known, and " + who + " does not admit every port: " + to.ListenWhy
		o.At = []string{who}
		return Unknown, o
	case up == No && usual != No:
		up = Unknown // what the kernel gives by default is admitted, and may be set otherwise
	}
	o.Text, o.At = "the distribution port is a random one, and "+who+" does not admit every port", []string{who}
	return barred(up, finding.PortClosed, who, o)
}

// The ports that a kernel may give to who asks for any, and those that Linux gives by default.
const (
	firstOpen, lastPort   = 1024, 1<<16 - 1
	firstUsual, lastUsual = 32768, 60999
)

func barred(up Tri, code finding.Code, who string, o Obstacle) (Tri, Obstacle) {
	switch up {
	case Yes:
		o.Text, o.At = "", nil
	case No:
		o.Code = code
	case Unknown:
		o.Text = "whether " + who + " admits it is not known"
	}
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
		if j := p.index.at(host); j >= 0 {
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
	if state, lost := from.asked(host); state != Yes {
		o.Code, o.Text, o.At = lost.Code, lost.Text, lost.At
		return -1, state, o
	}
	labels := strings.Split(name, ".")
	switch {
	case len(labels) == 4 && labels[3] == "svc":
		if j := p.index.pod(labels[2], labels[1], labels[0]); j >= 0 {
			return p.listedAs(j, labels[1], host, o)
		}
		if p.more(labels[2], labels[1], labels[0]) {
			return -1, Yes, o
		}
		return no(No, finding.PodNameUnknown, "DNS has no record of %s", host)
	case len(labels) == 3 && labels[2] == "pod":
		if j := p.index.dashedAt(labels[0]); j >= 0 {
			o.Text = "pod records such as " + host + " need `pods insecure` or `pods verified` in CoreDNS"
			return j, Unknown, o
		}
	}
	return no(No, finding.HostUnknown, "DNS does not know %s", host)
}

// more says whether a name below a Service is that of a replica for which others stand.
func (p *predictor) more(namespace, service, name string) bool {
	at := strings.LastIndexByte(name, '-')
	if at < 0 {
		return false
	}
	n, err := strconv.Atoi(name[at+1:])
	j := p.index.pod(namespace, service, name[:at]+"-0")
	return err == nil && j >= 0 && n < p.in.Scale[p.in.Replicas[j].Workload]
}

// listedAs is what DNS says of a replica's own name below a Service.
func (p *predictor) listedAs(j int, service, host string, o Obstacle) (int, Tri, Obstacle) {
	r := &p.in.Replicas[j]
	s := p.index.named[[2]string{r.Namespace, service}]
	switch {
	case s == nil:
		o.Text = "there is no Service " + service + " in what was read"
		return j, Unknown, o
	case !s.Headless || len(s.Selector) > 0 && !(Selector{Labels: s.Selector}).Selects(r.Labels):
		o.Code, o.Text = finding.PodNameUnknown, "no headless Service "+service+" lists "+r.ID+", so DNS does not know "+host
		return j, No, o
	case s.NotReadyToo || r.ReadyAlone == Yes:
		return j, Yes, o
	case r.ReadyAlone == No:
		o.Code, o.Text, o.At = codeReadyDeadlock, "Service "+service+" lists only what is ready, and "+r.ID+" is not before it has joined", []string{s.From}
		return j, No, o
	}
	o.Text = "whether " + r.ID + " is ready before it has joined is not known" + p.readyWhy(j)
	return j, Unknown, o
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
