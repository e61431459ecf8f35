package kubetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// NodeName is what a node is called, among nodes and by itself.
const NodeName = "node-1"

// Node is a cluster of one node on which pods run: the control plane of a [Cluster], with its controllers and a
// scheduler, and in namespaces of their own containerd, kubelet, kube-proxy, a network of pods, and CoreDNS as a pod.
// NetworkPolicies count. The host reaches pods and ClusterIPs as pods do.
type Node struct {
	*Cluster

	slot     *slot
	version  int // of cgroups
	process1 *process1
	policies *enforcer
	cuts     cuts
	times    []startTime
	closing  sync.Once
	closed   error
}

// startTime is how long after the start something was there.
type startTime struct {
	what  string
	after time.Duration
}

// FastServices has kube-proxy follow changes within 50 ms, where it takes its time otherwise: a second at most. It is
// for tests that wait for Services and do not measure what happens meanwhile. Only nodes have a kube-proxy.
func FastServices() Option { return func(o *options) { o.fastServices = true } }

// RunNode starts a node and waits until it is Ready and its pods find each other by name. The caller closes it. Tests
// use [StartNode]. It takes root.
func RunNode(ctx context.Context, opts ...Option) (*Node, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("a node needs root: it makes namespaces, mounts and cgroups. Run this with sudo, or as root")
	}
	start := time.Now()
	o := newOptions(opts)
	o.controllers, o.kubelet = true, true
	programs, err := Prepare(ctx, o.progress)
	if err != nil {
		return nil, err
	}
	s, err := claimSlot(ctx)
	if err != nil {
		return nil, err
	}
	o.site = s.site()
	n, err := newNode(s, programs)
	if err != nil {
		return nil, errors.Join(err, s.release())
	}
	ctx, cancel := context.WithTimeout(ctx, patient(startTimeout))
	defer cancel()
	reached := func(what string) { n.times = append(n.times, startTime{what, time.Since(start)}) }
	if err := n.startAll(ctx, o, reached); err != nil {
		err = fmt.Errorf("start a node of Kubernetes %s: %w", programs.Version, err)
		return nil, errors.Join(err, n.failedStart(context.WithoutCancel(ctx)), n.Close())
	}
	return n, nil
}

// failedStart keeps what tells why a node did not start, and says where.
func (n *Node) failedStart(ctx context.Context) error {
	dir := evidenceDir(fmt.Sprintf("start-%d", os.Getpid()))
	ctx, cancel := context.WithTimeout(ctx, patient(evidenceTimeout))
	defer cancel()
	n.SaveEvidence(ctx, dir) //nolint:errcheck // of a node that is half there, half of it
	return fmt.Errorf("its logs are in %s, and after %s it came no further", dir, n.Times())
}

// newNode makes one with everything that has to be cleaned away, and nothing that runs.
func newNode(s *slot, programs Programs) (*Node, error) {
	version, err := cgroupVersion()
	if err != nil {
		return nil, err
	}
	cgroups, err := s.cgroups()
	if err != nil {
		return nil, err
	}
	c, err := newCluster(programs, cgroups...)
	if err != nil {
		return nil, err
	}
	n := &Node{Cluster: c, slot: s, version: version}
	if err := s.remember(c.dir, slices.Clone(cgroups)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return n, nil
}

// Close ends every process and removes every file, mount, cgroup and link. The second call gives the answer of the first.
func (n *Node) Close() error {
	n.closing.Do(func() {
		if n.policies != nil {
			n.policies.stop()
		}
		n.closed = errors.Join(n.Cluster.Close(), n.slot.release())
	})
	return n.closed
}

// IP is the node's address. Programs on the host have the one before it in the node's eyes.
func (n *Node) IP() string { return n.slot.node().String() }

// HostIP is the address that the host has for the node and its pods.
func (n *Node) HostIP() string { return n.slot.host().String() }

// DNS is the address of the cluster's name server, with the port.
func (n *Node) DNS() string { return n.slot.dns().String() + ":53" }

// Containerd is the path of the socket of the node's containerd, for clients on the host. Kubelet's images are in its
// namespace "k8s.io".
func (n *Node) Containerd() string { return filepath.Join(n.dir, "containerd.sock") }

// CgroupVersion tells which cgroups the node runs on, those of the machine: 1 or 2.
func (n *Node) CgroupVersion() int { return n.version }

// Times tells how long after the start each part of the node was there.
func (n *Node) Times() string {
	var all []string
	for _, t := range n.times {
		all = append(all, fmt.Sprintf("%s after %.1f s", t.what, t.after.Seconds()))
	}
	return strings.Join(all, ", ")
}
