package mesh

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

// PolicyPort is a TCP port or a range of them, or what a container of the pod that is
// connected to calls so. All admits every port.
type PolicyPort struct {
	First, Last uint16
	All         bool
	Name        string
}

// admits reports whether the policies let TCP from one replica to a port range of
// another, the whole of it, and which policy it is that does not.
func (p *predictor) admits(from, to int, first, last uint16) (Tri, string) {
	if ok, who := p.oneWay(to, from, true, first, last); ok != Yes {
		return ok, who
	}
	return p.oneWay(from, to, false, first, last)
}

// oneWay asks the policies that select own, of one direction: some must admit, if there
// is any.
func (p *predictor) oneWay(own, other int, ingress bool, first, last uint16) (Tri, string) {
	selected, unclear := "", false
	connected := &p.in.Replicas[other]
	if ingress {
		connected = &p.in.Replicas[own]
	}
	for _, policy := range p.index.policies[own] {
		rules := policy.Egress
		if ingress {
			rules = policy.Ingress
		}
		if rules == nil {
			continue
		}
		if selected == "" {
			selected = "NetworkPolicy " + policy.Namespace + "/" + policy.Name + " (" + policy.From + ")"
		}
		for _, r := range *rules {
			switch r.admits(policy, &p.in.Replicas[other], connected, first, last) {
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

// admits asks one rule about another replica, and about ports of the one that is connected to.
func (r PolicyRule) admits(p *Policy, other, connected *Replica, first, last uint16) Tri {
	peers := Yes
	if len(r.Peers) > 0 {
		peers = No
		for _, peer := range r.Peers {
			peers = better(peers, peer.admits(p, other))
		}
	}
	if len(r.Ports) > 0 && !covered(r.Ports, connected, first, last) {
		return No
	}
	return peers
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

// covered reports whether ports together hold all of a range of a replica's.
func covered(ports []PolicyPort, of *Replica, first, last uint16) bool {
	next := int(first) // that is not covered yet
	for found := true; found && next <= int(last); {
		found = false
		for _, q := range ports {
			low, high := int(q.First), int(q.Last)
			switch {
			case q.All:
				return true
			case q.Name != "":
				low = int(of.Ports[q.Name])
				high = low
			}
			if low > 0 && low <= next && next <= high {
				next, found = high+1, true
			}
		}
	}
	return next > int(last)
}

func (p PolicyPeer) admits(of *Policy, other *Replica) Tri {
	switch {
	case p.Block:
		return Unknown
	case p.Pods != nil && !p.Pods.Selects(other.Labels), p.Namespaces == nil && other.Namespace != of.Namespace:
		return No
	case p.Namespaces == nil:
		return Yes
	case len(p.Namespaces.Exprs) > 0:
		return Unknown
	}
	// Labels of namespaces are seldom in what was read; that of the name is always there.
	up := Yes
	for k, v := range p.Namespaces.Labels {
		switch {
		case k != "kubernetes.io/metadata.name":
			up = Unknown
		case v != other.Namespace:
			return No
		}
	}
	return up
}
