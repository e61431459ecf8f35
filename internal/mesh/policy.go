package mesh

import "slices"

// Policy is a Kubernetes NetworkPolicy, as far as traffic between replicas goes.
type Policy struct {
	Name, Namespace string
	Pods            Selector
	Ingress, Egress *[]PolicyRule // nil: it says nothing of that direction
	From            string
}

// PolicyRule admits some peers to some ports.
type PolicyRule struct {
	Peers []PolicyPeer // none: everybody
	Ports []PolicyPort // none: every port
}

// PolicyPeer is who a rule admits.
type PolicyPeer struct {
	Pods       *Selector // nil with Namespaces: all of them
	Namespaces *Selector // nil: the policy's own
	// Block is an address range: whether the replicas' addresses are in it is not known.
	Block bool
}

// PolicyPort is a TCP port or a range of them. All admits every port.
type PolicyPort struct {
	First, Last uint16
	All         bool
	Unclear     bool // a named port
}

// admits reports whether the policies let TCP from one replica to a port range of
// another, the whole of it, and which policy it is that does not.
func (in *Intent) admits(from, to *Replica, first, last uint16) (Tri, string) {
	if ok, who := in.oneWay(to, from, true, first, last); ok != Yes {
		return ok, who
	}
	return in.oneWay(from, to, false, first, last)
}

// oneWay asks the policies that select own, of one direction: some must admit, if there
// is any.
func (in *Intent) oneWay(own, other *Replica, ingress bool, first, last uint16) (Tri, string) {
	selected, unclear := "", false
	for i := range in.Policies {
		p := &in.Policies[i]
		rules := p.Egress
		if ingress {
			rules = p.Ingress
		}
		if rules == nil || p.Namespace != own.Namespace || !p.Pods.Selects(own.Labels) {
			continue
		}
		if selected == "" {
			selected = "NetworkPolicy " + p.Namespace + "/" + p.Name + " (" + p.From + ")"
		}
		for _, r := range *rules {
			switch r.admits(p, other, first, last) {
			case Yes:
				return Yes, ""
			case Unknown:
				unclear = true
			case No:
			}
		}
	}
	switch {
	case selected == "":
		return Yes, ""
	case unclear:
		return Unknown, selected
	}
	return No, selected
}

func (r PolicyRule) admits(p *Policy, other *Replica, first, last uint16) Tri {
	peers := Yes
	if len(r.Peers) > 0 {
		peers = No
		for _, peer := range r.Peers {
			peers = better(peers, peer.admits(p, other))
		}
	}
	ports := Yes
	if len(r.Ports) > 0 {
		ports = No
		if slices.ContainsFunc(r.Ports, func(q PolicyPort) bool { return q.Unclear }) {
			ports = Unknown
		}
		if covered(r.Ports, first, last) {
			ports = Yes
		}
	}
	switch {
	case peers == No || ports == No:
		return No
	case peers == Yes && ports == Yes:
		return Yes
	}
	return Unknown
}

// better is the better of two answers: yes before not known before no.
func better(a, b Tri) Tri {
	switch {
	case a == Yes || b == Yes:
		return Yes
	case a == Unknown || b == Unknown:
		return Unknown
	}
	return No
}

// covered reports whether ports together hold all of a range; a first of 0 is any port.
func covered(ports []PolicyPort, first, last uint16) bool {
	if first == 0 {
		return slices.ContainsFunc(ports, func(q PolicyPort) bool { return q.All || q.First <= 1 && q.Last == 1<<16-1 })
	}
	for at := int(first); at <= int(last); at++ {
		if !slices.ContainsFunc(ports, func(q PolicyPort) bool { return q.All || int(q.First) <= at && at <= int(q.Last) }) {
			return false
		}
	}
	return true
}

func (p PolicyPeer) admits(of *Policy, other *Replica) Tri {
	switch {
	case p.Block:
		return Unknown
	case p.Namespaces != nil && len(p.Namespaces.Labels)+len(p.Namespaces.Exprs) > 0:
		// Labels of namespaces are seldom in what was read; that of the name is always there.
		name := map[string]string{"kubernetes.io/metadata.name": other.Namespace}
		for k := range p.Namespaces.Labels {
			if _, ok := name[k]; !ok {
				return Unknown
			}
		}
		if len(p.Namespaces.Exprs) > 0 {
			return Unknown
		}
		if !p.Namespaces.Selects(name) {
			return No
		}
	case p.Namespaces == nil && other.Namespace != of.Namespace:
		return No
	}
	return TriOf(p.Pods == nil || p.Pods.Selects(other.Labels))
}
