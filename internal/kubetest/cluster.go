package kubetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/testkit"
)

// startTimeout is for machines that are busy with something else; an idle one takes about three seconds.
const startTimeout = 3 * time.Minute

// Cluster is a running control plane. Its methods may be called from several goroutines.
type Cluster struct {
	Kubeconfig string // path of a file that makes one the administrator: keep it private
	URL        string // of the API server: https://127.0.0.1:port, or on a node's link
	Programs   Programs

	dir       string
	ca        *authority
	admin     pair
	client    *http.Client
	resources resources
	remove    func() error
	closing   sync.Once
	closed    error

	mu         sync.Mutex
	components []*component   // in the order they were started
	watches    []func() error // what else says that something is wrong
}

type options struct {
	site        site
	controllers bool
	kubelet     bool // there is one
	progress    io.Writer

	fastServices bool
}

func newOptions(set []Option) options {
	o := options{site: alone, progress: os.Stderr}
	for _, set := range set {
		set(&o)
	}
	return o
}

// An Option changes what is started.
type Option func(*options)

// Controllers starts kube-controller-manager too: Deployments get their ReplicaSets, namespaces their service accounts,
// and what is deleted takes what it owns along.
func Controllers() Option { return func(o *options) { o.controllers = true } }

// Progress says where to tell a person that the programs are being built. The default is standard error.
func Progress(w io.Writer) Option { return func(o *options) { o.progress = w } }

// Run starts a control plane and waits until it serves. The caller closes it. Tests use [Start].
func Run(ctx context.Context, opts ...Option) (*Cluster, error) {
	o := newOptions(opts)
	programs, err := Prepare(ctx, o.progress)
	if err != nil {
		return nil, err
	}
	c, err := newCluster(programs)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patient(startTimeout))
	defer cancel()
	if err := c.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("start Kubernetes %s: %w", programs.Version, err), c.Close())
	}
	return c, nil
}

// newCluster makes one with a directory, which is removed with the cgroups when this process ends, and nothing in it.
func newCluster(programs Programs, cgroups ...string) (*Cluster, error) {
	dir, err := privateDir()
	if err != nil {
		return nil, err
	}
	remove, err := reap(dir, cgroups...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &Cluster{Programs: programs, dir: dir, remove: remove}, nil
}

// Close ends every process and removes every file. The second call gives the answer of the first.
func (c *Cluster) Close() error {
	c.closing.Do(func() {
		components, _ := c.parts()
		for _, p := range slices.Backward(components) {
			p.stop()
		}
		if c.client != nil {
			c.client.CloseIdleConnections()
		}
		c.closed = c.remove()
	})
	return c.closed
}

// Ended says which process of the cluster has ended although nobody closed it, and how; nil if none has.
func (c *Cluster) Ended() error {
	components, watches := c.parts()
	for _, p := range components {
		if err := p.ended(); err != nil {
			return err
		}
	}
	for _, watch := range watches {
		if err := watch(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) parts() ([]*component, []func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.components), slices.Clone(c.watches)
}

// Kubectl runs kubectl, of the server's own version, with input on its standard input.
func (c *Cluster) Kubectl(ctx context.Context, input []byte, args ...string) (stdout, stderr []byte, err error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Programs.Kubectl(), args...)
	cmd.Env = []string{"KUBECONFIG=" + c.Kubeconfig, "HOME=" + c.dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &errs
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, testkit.LastLines(errs.Bytes()))
	}
	return out.Bytes(), errs.Bytes(), err
}
