package mesh

import (
	"slices"
	"strings"
)

// index finds what an intent holds without going through all of it for each replica.
type index struct {
	in        *Intent
	replicas  shelf
	services  shelf
	named     map[[2]string]*Service // by namespace and name
	workload  map[string][]int       // the replicas of each
	addresses map[string]int
	pods      map[[3]string]int  // by namespace, host name and subdomain, as a StatefulSet's pods have them
	dashed    map[[2]string]int  // by namespace and address, as DNS writes it
	policies  [][]*Policy        // of each replica those that select it
	lists     map[*Service][]int // whom a Service selects, of those that were asked for
	listed    map[int]bool       // who is selected by a Service; nil: nobody has asked
}

func newIndex(in *Intent) *index {
	x := &index{
		in: in, replicas: newShelf(), services: newShelf(), named: map[[2]string]*Service{}, workload: map[string][]int{}, addresses: map[string]int{},
		pods: map[[3]string]int{}, dashed: map[[2]string]int{}, policies: make([][]*Policy, len(in.Replicas)), lists: map[*Service][]int{},
	}
	for i := range in.Replicas {
		r := &in.Replicas[i]
		x.replicas.add(r.Namespace, r.Labels)
		x.workload[r.Workload] = append(x.workload[r.Workload], i)
		keep(x.addresses, r.IP, i)
		keep(x.pods, [3]string{r.Namespace, r.Hostname, r.Subdomain}, i)
		keep(x.dashed, [2]string{r.Namespace, dashes.Replace(r.IP)}, i)
	}
	for i := range in.Services {
		s := &in.Services[i]
		x.services.add(s.Namespace, s.Labels)
		keep(x.named, [2]string{s.Namespace, s.Name}, s)
	}
	for k := range in.Policies {
		p := &in.Policies[k]
		for _, i := range x.replicas.choose(p.Namespace, p.Pods) {
			x.policies[i] = append(x.policies[i], p)
		}
	}
	return x
}

// dashes writes an address as DNS has it in names.
var dashes = strings.NewReplacer(".", "-", ":", "-")

// keep takes what comes first under a key.
func keep[K comparable, V any](all map[K]V, key K, v V) {
	if _, ok := all[key]; !ok {
		all[key] = v
	}
}

// at is the replica that has an address; -1: none has.
func (x *index) at(address string) int {
	if j, ok := x.addresses[address]; ok {
		return j
	}
	return -1
}

// dashedAt is the replica of an address as DNS writes it in names, in any namespace; -1: none has it.
func (x *index) dashedAt(address string) int {
	if j := x.at(strings.ReplaceAll(address, "-", ".")); j >= 0 {
		return j
	}
	return x.at(strings.ReplaceAll(address, "-", ":"))
}

// pod is the replica that a name below a Service may stand for, its own or that of its
// address; -1: there is none.
func (x *index) pod(namespace, service, name string) int {
	own, ok := x.pods[[3]string{namespace, name, service}]
	by, ok2 := x.dashed[[2]string{namespace, name}]
	switch {
	case ok && ok2:
		return min(own, by)
	case ok:
		return own
	case ok2:
		return by
	}
	return -1
}

// selects are the replicas that a Service selects, ready or not.
func (x *index) selects(s *Service) []int {
	if len(s.Selector) == 0 {
		return nil
	}
	all, known := x.lists[s]
	if !known {
		all = x.replicas.choose(s.Namespace, Selector{Labels: s.Selector})
		x.lists[s] = all
	}
	return all
}

// selected says whether a Service lists a replica, so that there is one to carry labels.
func (x *index) selected(i int) bool {
	if x.listed == nil {
		x.listed = map[int]bool{}
		for k := range x.in.Services {
			for _, j := range x.selects(&x.in.Services[k]) {
				x.listed[j] = true
			}
		}
	}
	return x.listed[i]
}

// shelf finds things of a namespace by their labels; each is a number, in the order in
// which it came.
type shelf struct {
	labels    []map[string]string
	namespace map[string][]int
	labelled  map[tag][]int
}

// tag is a label in a namespace.
type tag struct{ namespace, key, value string }

func newShelf() shelf { return shelf{namespace: map[string][]int{}, labelled: map[tag][]int{}} }

func (s *shelf) add(namespace string, labels map[string]string) {
	n := len(s.labels)
	s.labels = append(s.labels, labels)
	s.namespace[namespace] = append(s.namespace[namespace], n)
	for k, v := range labels {
		s.labelled[tag{namespace, k, v}] = append(s.labelled[tag{namespace, k, v}], n)
	}
}

// choose gives those of a namespace that a selector selects, of the fewest that may be.
func (s *shelf) choose(namespace string, by Selector) []int {
	few := s.namespace[namespace]
	for k, v := range by.Labels {
		if v == "" {
			continue // selects also what has no such label
		}
		if some := s.labelled[tag{namespace, k, v}]; len(some) < len(few) {
			few = some
		}
	}
	return slices.DeleteFunc(slices.Clone(few), func(i int) bool { return !by.Selects(s.labels[i]) })
}
