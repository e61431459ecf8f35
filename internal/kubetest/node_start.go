package kubetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/phialdev/phial/internal/testkit"
)

// startAll starts the node: its namespaces, then the control plane and containerd at the same time, then the rest.
func (n *Node) startAll(ctx context.Context, o options, reached func(what string)) error {
	if err := n.startProcess1(ctx); err != nil {
		return err
	}
	reached("namespaces")
	values, err := n.configuration(o)
	if err != nil {
		return err
	}
	both, bothCtx := errgroup.WithContext(ctx)
	both.Go(func() error { return n.startContainerd(bothCtx) })
	both.Go(func() error { return n.start(bothCtx, o) })
	if err := both.Wait(); err != nil {
		return err
	}
	reached("control plane and containerd")
	if err := n.startPolicies(ctx); err != nil {
		return err
	}
	values.Proxy, err = n.kubeconfigFor("kube-proxy", "system:kube-proxy")
	if err != nil {
		return err
	}
	if err := values.write(); err != nil {
		return err
	}
	for _, start := range []func() error{n.startScheduler, n.startKubelet, n.startProxy} {
		if err := start(); err != nil {
			return err
		}
	}
	manifest, err := values.render("coredns.yaml")
	if err != nil {
		return err
	}
	if _, err := n.Apply(ctx, manifest, false); err != nil {
		return err
	}
	if err := n.awaitReady(ctx); err != nil {
		return err
	}
	reached("node Ready")
	if err := n.awaitDNS(ctx); err != nil {
		return err
	}
	reached("names resolve")
	return nil
}

// startProcess1 makes the node's namespaces and cgroups, and the link to it.
func (n *Node) startProcess1(ctx context.Context) error {
	kubelet, containerd := filepath.Join(n.dir, "kubelet"), filepath.Join(n.dir, "containerd")
	if err := errors.Join(os.Mkdir(kubelet, 0o700), os.Mkdir(containerd, 0o711)); err != nil {
		return err
	}
	setup := nodeSetup{Hostname: NodeName, Shared: []string{kubelet}}
	// An overlay, as containers have, takes none on top of it: the layers of images are.
	var st unix.Statfs_t
	if err := unix.Statfs(containerd, &st); err != nil {
		return fmt.Errorf("the file system of %s: %w", containerd, err)
	} else if st.Type == unix.OVERLAYFS_SUPER_MAGIC {
		setup.Memory = []string{containerd}
	}
	var err error
	n.process1, err = startProcess1(n.Programs.node, n.dir, setup)
	if err != nil {
		return err
	}
	n.keep(n.process1.component)
	cgroups, err := n.slot.cgroups()
	if err != nil {
		return err
	}
	for _, dir := range cgroups {
		if err := makeCgroup(dir, n.version); err != nil {
			return err
		}
		if err := joinCgroup(dir, n.process1.pid); err != nil {
			return err
		}
	}
	if err := n.slot.connect(ctx, n.process1.pid); err != nil {
		return err
	}
	return n.process1.furnish()
}

func (n *Node) configuration(o options) (nodeValues, error) {
	err := errors.Join(linkPlugins(n.dir, n.Programs.announce), os.Mkdir(n.newPods(), 0o700))
	if err != nil {
		return nodeValues{}, err
	}
	v := nodeValues{
		Dir: n.dir, Pods: n.slot.pods().String(), DNS: n.slot.dns().String(),
		PauseImage: pauseImage, CoreDNSImage: corednsImage, FastServices: o.fastServices, CgroupVersion: n.version,
	}
	return v, v.write()
}

// launchInside starts a program in the node's namespaces and cgroups. It belongs to the cluster from then on.
func (n *Node) launchInside(name, path string, args ...string) (*component, error) {
	c, err := n.process1.launch(name, path, args...)
	if err == nil {
		n.keep(c)
	}
	return c, err
}

func (n *Node) startContainerd(ctx context.Context) error {
	path, err := exec.LookPath("containerd")
	if err != nil {
		return fmt.Errorf("%w: install Debian's containerd and runc, as \"make setup-test\" does", err)
	}
	c, err := n.launchInside("containerd", path, "--config", filepath.Join(n.dir, "containerd.toml"), "--log-level", "info")
	if err != nil {
		return err
	}
	err = c.await(ctx, func(ctx context.Context) error {
		_, err := n.ctr(ctx, nil, "version")
		return err
	})
	if err != nil {
		return fmt.Errorf("containerd does not serve: %w", err)
	}
	images, err := os.Open(n.Programs.images)
	if err != nil {
		return err
	}
	defer images.Close()
	return n.Import(ctx, images)
}

func (n *Node) startScheduler() error {
	kubeconfig, err := n.kubeconfigFor("kube-scheduler", "system:kube-scheduler")
	if err != nil {
		return err
	}
	p, err := launch(n.Programs.kube, n.dir, "kube-scheduler", "--kubeconfig="+kubeconfig,
		"--secure-port=0", "--leader-elect=false", "--kube-api-qps=500", "--kube-api-burst=1000")
	if err != nil {
		return err
	}
	n.keep(p)
	return nil
}

func (n *Node) startKubelet() error {
	kubeconfig, err := n.kubeconfigFor("kubelet", "system:node:"+NodeName, "system:nodes")
	if err != nil {
		return err
	}
	_, err = n.launchInside("kubelet", n.Programs.kube, "--config="+filepath.Join(n.dir, "kubelet.yaml"), "--kubeconfig="+kubeconfig,
		"--root-dir="+filepath.Join(n.dir, "kubelet"), "--hostname-override="+NodeName, "--node-ip="+n.IP(), "--v=2")
	return err
}

func (n *Node) startProxy() error {
	_, err := n.launchInside("kube-proxy", n.Programs.kube, "--config="+filepath.Join(n.dir, "kube-proxy.yaml"), "--hostname-override="+NodeName, "--v=2")
	return err
}

// awaitReady waits until kubelet says that pods can run.
func (n *Node) awaitReady(ctx context.Context) error {
	return testkit.Poll(ctx, func() (bool, error) {
		answer, err := n.Get(ctx, "/api/v1/nodes/"+NodeName)
		if err == nil {
			err = ready(answer)
		}
		return err == nil || n.Ended() != nil, err
	})
}

// ready tells from a Node or a Pod whether it is.
func ready(object []byte) error {
	var o struct {
		Kind   string
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := json.Unmarshal(object, &o); err != nil {
		return err
	}
	for _, c := range o.Status.Conditions {
		if c.Type == "Ready" && c.Status == "True" {
			return nil
		} else if c.Type == "Ready" {
			return fmt.Errorf("the %s is not ready: %s", o.Kind, c.Message)
		}
	}
	return fmt.Errorf("the %s does not say whether it is ready", o.Kind)
}

const dnsPatience = 300 * time.Millisecond

// awaitDNS waits until the host gets an answer from the name server by its ClusterIP: CoreDNS runs then, and kube-proxy
// has brought the way to it about.
func (n *Node) awaitDNS(ctx context.Context) error {
	const name = "kubernetes.default.svc.cluster.local"
	r := n.Resolver()
	err := testkit.Poll(ctx, func() (bool, error) {
		// A question that comes before the way to the server is lost, and the resolver would wait five seconds for it.
		ask, cancel := context.WithTimeout(ctx, dnsPatience)
		defer cancel()
		found, err := r.LookupHost(ask, name)
		if want := nth(n.slot.services(), 1).String(); err == nil && strings.Join(found, " ") != want {
			err = fmt.Errorf("%s is %v, not %s", name, found, want)
		}
		return err == nil || n.Ended() != nil, err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("the cluster's name server: %w", err), n.Ended())
	}
	return nil
}

// Resolver asks the cluster's name server, by its ClusterIP. Names are to be whole: "web.default.svc.cluster.local".
func (n *Node) Resolver() *net.Resolver {
	var d net.Dialer
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, n.DNS())
	}}
}
