package mesh

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// lookUp gives whom a way finds, and tells how that goes.
func (p *predictor) lookUp(i int, w *Way) []target {
	if len(w.Static) > 0 {
		p.say(i, Passed, w.From, "%s has names of its own%s", w.Name, at(w.From))
		var all []target
		for _, name := range w.Static {
			all = append(all, target{host: beam.HostOf(name), replica: -1, name: name})
		}
		return all
	}
	if w.Looks == beam.LookupAPI {
		return p.askAPI(i, w)
	}
	if !w.Query.Known() {
		p.say(i, Unseen, w.Query.From, "which name %s looks up is not known: %s%s", w.Name, w.Query.Why, at(placeOf(w.Query)))
		p.doubt(i, Obstacle{Text: "which name " + w.Name + " looks up is not known: " + w.Query.Why + at(placeOf(w.Query))})
		return nil
	}
	what := fmt.Sprintf("%s will look up %s (%s)%s", w.Name, w.Query.Value, w.Looks, at(w.Query.From))
	s, state, o := p.find(i, w)
	if s == nil {
		p.lost(i, what, w.Query.From, state, o)
		return nil
	}
	members, dropped, unclear := p.members(s)
	switch {
	case !s.Headless:
		p.lost(i, what, w.Query.From, No, Obstacle{Code: finding.ServiceNotHeadless, At: []string{s.From},
			Text: "Service " + s.Name + " is not headless: DNS answers with an address of its own, which is no replica's"})
		return nil
	case w.Looks == beam.LookupSRV && s.Ports == 0:
		p.lost(i, what, w.Query.From, No, Obstacle{Code: finding.ServiceWithoutSRV, At: []string{s.From}, Text: "Service " + s.Name + " has no ports, so there are no SRV records"})
		return nil
	case len(members) == 0 && len(unclear) > 0:
		p.lost(i, what, w.Query.From, Unknown, Obstacle{Text: "whether a replica is ready before it has joined is not known, and Service " + s.Name + " lists only what is ready" + p.readyWhy(unclear[0])})
		return nil
	case len(members) == 0 && len(dropped) > 0:
		p.lost(i, what, w.Query.From, No, Obstacle{Code: codeReadyDeadlock, At: []string{s.From},
			Text: "Service " + s.Name + " lists only what is ready, and no replica is before it has joined"})
		return nil
	case len(members) == 0 && len(s.Selector) == 0:
		p.lost(i, what, w.Query.From, Unknown, Obstacle{Text: "Service " + s.Name + " has no selector: whom it lists is set elsewhere"})
		return nil
	case len(members) == 0:
		p.lost(i, what, w.Query.From, No, Obstacle{Code: finding.ServiceEmpty, At: []string{s.From}, Text: "the selector of Service " + s.Name + " matches no replica"})
		return nil
	}
	for _, j := range unclear {
		p.doubt(j, Obstacle{Text: "whether it is listed before it has joined is not known" + p.readyWhy(j)})
	}
	if state, o := p.family(i, w, s, members); state != Yes {
		p.lost(i, what, w.Query.From, state, o)
		return nil
	}
	var found []target
	for _, j := range members {
		r := &p.in.Replicas[j]
		host := r.IP
		if w.Looks == beam.LookupSRV && w.Dials == DialName {
			host = p.srvTarget(r, s)
		}
		found = append(found, target{host: host, replica: j})
	}
	p.say(i, Passed, w.Query.From, "%s; DNS answers %s", what, hosts(found))
	return found
}

// family says whether a lookup gives addresses that the node can dial, where a Service has those of one family alone.
// No OTP dials an IPv4 address over inet6_tcp, nor an IPv6 address over inet_tcp.
func (p *predictor) family(i int, w *Way, s *Service, members []int) (Tri, Obstacle) {
	r := &p.in.Replicas[i]
	o := Obstacle{Code: finding.FamilyMismatch, At: []string{s.From}}
	has := "Service " + s.Name + " has IPv6 addresses alone, "
	switch {
	case s.IPv4 && speaksIPv6(r) && !w.Agent:
		o.Text = "Service " + s.Name + " has IPv4 addresses alone, and distribution over " + proto(r) + " dials none"
		o.Slip = OverIPv6
		return No, o
	case !s.IPv6:
	case w.Own:
		o.Code, o.Text = codeNoAddresses, has+"and which records "+w.Name+" asks for is not known: its resolver is the app's own"
		return Unknown, o
	case w.Looks == beam.LookupA:
		o.Code, o.Text = codeNoAddresses, has+"of which there are no A records"
		return No, o
	case w.Looks == beam.LookupSRV || w.Agent || ofIPv6(p.in.Replicas[members[0]].IP): // which say so when they are dialled
	case speaksIPv6(r):
		o.Text = has + "and whether its pods are named by these is not known: they have IPv4 addresses as well"
		return Unknown, o
	default:
		o.Text = has + "and distribution over " + proto(r) + " dials none"
		return No, o
	}
	return Yes, o
}

// lost tells of a lookup that gives nobody. What it could have found may be anybody.
func (p *predictor) lost(i int, what, from string, state Tri, o Obstacle) {
	id := p.in.Replicas[i].ID
	o.From = id
	if state == Unknown {
		p.say(i, Unseen, from, "%s; what it finds is not known: %s", what, o.Text)
		p.doubt(i, o)
		return
	}
	p.blame(i, o.Code, from, "%s; it finds nobody: %s", what, o.Text)
	for _, j := range p.index.workload[p.in.Replicas[i].Workload] {
		if j != i {
			p.mark(i, j, No, o)
		}
	}
}

// find gives the Service that a DNS name of a way stands for.
func (p *predictor) find(i int, w *Way) (*Service, Tri, Obstacle) {
	r := &p.in.Replicas[i]
	query := w.Query.Value
	name, absolute := strings.CutSuffix(query, ".")
	if name == "" || strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
		return nil, No, Obstacle{Code: finding.ServiceUnknown, At: []string{w.Query.From}, Text: fmt.Sprintf("%q is no name in DNS: a part of it is empty", query)}
	}
	labels := strings.Split(name, ".")
	for len(labels) > 0 && strings.HasPrefix(labels[0], "_") { // _epmd._tcp of an SRV record
		labels = labels[1:]
	}
	name = strings.Join(labels, ".")
	in, full := p.inCluster(name)
	if full && len(labels) > 4 && labels[2] == "svc" && !p.in.Domain.Known() {
		return nil, Unknown, Obstacle{Code: codeDomain, At: []string{w.Query.From, p.in.Domain.From},
			Text: fmt.Sprintf("whether DNS knows %s is not known: %s", query, p.in.Domain.Why)}
	}
	if full = full && len(labels) > 3; full {
		labels = strings.Split(in, ".")
	} else if absolute {
		return nil, No, Obstacle{Code: finding.ServiceUnknown, At: []string{w.Query.From}, Text: "the dot at the end makes " + query + " a full name, and DNS knows none such"}
	}
	if w.Whole && !full && len(labels) < 4 {
		return nil, No, Obstacle{Code: finding.ServiceUnknown, At: []string{w.Query.From},
			Text: fmt.Sprintf("%s is no full name, and %s asks without the search list", query, w.Name)}
	}
	namespace := r.Namespace
	switch {
	case len(labels) == 1:
	case len(labels) == 2, len(labels) == 3 && labels[2] == "svc":
		namespace = labels[1]
	case len(labels) > 3 && labels[2] == "svc":
		return nil, No, Obstacle{Code: codeDomain, At: []string{w.Query.From, p.in.Domain.From},
			Text: fmt.Sprintf("%s is not in the cluster's domain %s%s", query, p.in.Domain.Value, at(p.in.Domain.From))}
	default:
		return nil, Unknown, Obstacle{Text: "what DNS answers about " + query + " is not known"}
	}
	if state, o := r.asked(query); state != Yes {
		return nil, state, o
	}
	if s := p.index.named[[2]string{namespace, labels[0]}]; s != nil {
		return s, Yes, Obstacle{}
	}
	// Another may be installed beside what was read. Wherever it is, a Service lists pods of
	// its own namespace alone.
	if len(p.index.replicas.namespace[namespace]) > 0 {
		return nil, Unknown, Obstacle{Code: finding.ServiceUnknown, At: []string{w.Query.From},
			Text: fmt.Sprintf("there is no Service %s/%s in what was read", namespace, labels[0])}
	}
	return nil, No, Obstacle{Code: finding.ServiceUnknown, At: []string{w.Query.From}, Text: fmt.Sprintf("there is no Service %s in namespace %s", labels[0], namespace)}
}

// asked says whether a replica's lookup of a name of the cluster gets to the cluster's DNS.
func (r *Replica) asked(name string) (Tri, Obstacle) {
	o := Obstacle{Code: codeMachineDNS, At: []string{r.Resolver.At}}
	switch {
	case r.Resolver.Cut != "":
		o.Code, o.Text = finding.PortFiltered, "nobody answers about "+name+": "+r.Resolver.Cut
		return No, o
	case r.Resolver.Machine != "":
		o.Text = name + " is a name of the cluster, and " + r.Resolver.Machine
		return No, o
	case r.Resolver.Unclear != "":
		o.Text = "who answers about " + name + " is not known: " + r.Resolver.Unclear
		return Unknown, o
	}
	return Yes, Obstacle{}
}

// members are the replicas that a Service lists from the start; dropped those that it
// never lists, since they wait for it; unclear those of which that is not known.
func (p *predictor) members(s *Service) (listed, dropped, unclear []int) {
	for _, j := range p.index.selects(s) {
		r := &p.in.Replicas[j]
		switch {
		case s.NotReadyToo || r.ReadyAlone == Yes:
			listed = append(listed, j)
		case r.ReadyAlone == No:
			dropped = append(dropped, j)
		default:
			unclear = append(unclear, j)
		}
	}
	return listed, dropped, unclear
}

// readyWhy is the end of a sentence: why it is not known when a replica is ready.
func (p *predictor) readyWhy(i int) string {
	if why := p.in.Replicas[i].ReadyWhy; why != "" {
		return ": " + why
	}
	return ""
}

// srvTarget is the name of an SRV record: the pod's own, or one made of its address.
func (p *predictor) srvTarget(r *Replica, s *Service) string {
	domain := p.in.Domain.Value
	if domain == "" {
		domain = "cluster.local"
	}
	if r.Hostname != "" && r.Subdomain == s.Name {
		return r.Host(domain)
	}
	return dashes.Replace(r.IP) + "." + s.Name + "." + s.Namespace + ".svc." + domain
}

// askAPI is libcluster's Kubernetes strategy.
func (p *predictor) askAPI(i int, w *Way) []target {
	what := w.Name + " will ask the Kubernetes API" + at(w.From)
	switch {
	case !w.Namespace.Known():
		p.lost(i, what, w.From, Unknown, Obstacle{Text: w.Namespace.Why})
		return nil
	case p.in.Replicas[i].Resolver != Resolver{} && w.Where:
		p.lost(i, what, w.From, Unknown, Obstacle{Text: "where it finds the API is set, and " + cmp.Or(p.in.Replicas[i].Resolver.Machine, p.in.Replicas[i].Resolver.Unclear, p.in.Replicas[i].Resolver.Cut)})
		return nil
	case p.in.Replicas[i].Resolver != Resolver{}:
		state, o := p.in.Replicas[i].asked("kubernetes.default.svc." + p.domain())
		p.lost(i, what, w.From, state, o)
		return nil
	case w.Allowed == No:
		p.lost(i, what, w.From, No, Obstacle{Code: codeAPIRefuses, Text: "its service account may not ask for that"})
		return nil
	case w.Allowed == Unknown:
		p.lost(i, what, w.From, Unknown, Obstacle{Text: "whether its service account may ask the API is not known"})
		return nil
	}
	var members []int
	if w.Endpoints {
		services := p.index.services.choose(w.Namespace.Value, w.Selects)
		for _, k := range services {
			listed, _, _ := p.members(&p.in.Services[k])
			members = append(members, listed...)
		}
		if len(services) == 0 {
			state := Unknown
			if p.index.selected(i) {
				state = No
			}
			p.lost(i, what, w.From, state, Obstacle{Code: "DSC-08", Text: "no Service carries the labels that it asks for"})
			return nil
		}
	} else {
		members = p.index.replicas.choose(w.Namespace.Value, w.Selects)
	}
	slices.Sort(members)
	var found []target
	for _, j := range slices.Compact(members) {
		r := &p.in.Replicas[j]
		host := r.IP
		switch w.Dials {
		case DialName:
			if r.Hostname == "" {
				p.lost(i, what, w.From, No, Obstacle{Code: codeNoHostname, Text: "the pods have no host names in DNS: only a StatefulSet gives them"})
				return nil
			}
			host = r.Host(p.domain())
			if w.Query.Value != "" { // the Service that the strategy is told to put into the name
				host = strings.Join([]string{r.Hostname, w.Query.Value, r.Namespace, "svc", p.domain()}, ".")
			}
		case DialPodRecord:
			host = dashes.Replace(r.IP) + "." + r.Namespace + ".pod." + p.domain()
		case DialAddress:
		}
		found = append(found, target{host: host, replica: j})
	}
	if len(found) == 0 {
		p.lost(i, what, w.From, No, Obstacle{Code: finding.ServiceEmpty, Text: "nothing carries the labels that it asks for"})
		return nil
	}
	p.say(i, Passed, w.From, "%s, which answers %s", what, hosts(found))
	return found
}

func (p *predictor) domain() string {
	if p.in.Domain.Value == "" {
		return "cluster.local"
	}
	return p.in.Domain.Value
}

func hosts(all []target) string {
	var names []string
	for _, t := range all {
		names = append(names, t.host)
	}
	return some(names)
}
