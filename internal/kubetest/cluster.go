package kubetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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
	URL        string // of the API server: https://127.0.0.1:port
	Programs   Programs

	dir        string
	ca         *authority
	admin      pair
	components []*component // in the order they were started
	client     *http.Client
	resources  resources
	remove     func() error
	closing    sync.Once
	closed     error
}

type options struct {
	controllers bool
	progress    io.Writer
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
	o := options{progress: os.Stderr}
	for _, set := range opts {
		set(&o)
	}
	programs, err := Prepare(ctx, o.progress)
	if err != nil {
		return nil, err
	}
	dir, err := privateDir()
	if err != nil {
		return nil, err
	}
	remove, err := reap(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c := &Cluster{Programs: programs, dir: dir, remove: remove}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := c.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("start Kubernetes %s: %w", programs.Version, err), c.Close())
	}
	return c, nil
}

// Close ends every process and removes every file. The second call gives the answer of the first.
func (c *Cluster) Close() error {
	c.closing.Do(func() {
		for _, p := range slices.Backward(c.components) {
			p.stop()
		}
		if c.client != nil {
			c.client.CloseIdleConnections()
		}
		c.closed = c.remove()
	})
	return c.closed
}

// Ended says which process of the control plane has ended although nobody closed it, and how; nil if none has.
func (c *Cluster) Ended() error {
	for _, p := range c.components {
		if err := p.ended(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) start(ctx context.Context, o options) (err error) {
	if c.ca, err = newAuthority(c.dir); err != nil {
		return err
	}
	if c.admin, err = c.ca.sign("admin", "admin", "system:masters"); err != nil {
		return err
	}
	if c.client, err = c.ca.client(c.admin); err != nil {
		return err
	}
	var etcd string
	err = onFreePort(func(port string) error {
		etcd = "https://127.0.0.1:" + port
		return c.startEtcd(ctx, etcd)
	})
	if err != nil {
		return err
	}
	if err := c.ca.newKey("service-accounts"); err != nil {
		return err
	}
	if _, err := c.ca.sign("kube-apiserver", "kube-apiserver"); err != nil {
		return err
	}
	err = onFreePort(func(port string) error {
		c.URL = "https://127.0.0.1:" + port
		return c.startAPIServer(ctx, etcd, port, o)
	})
	if err != nil {
		return err
	}
	if c.Kubeconfig, err = c.writeKubeconfig("admin", c.admin); err != nil {
		return err
	}
	// The server is ready before it has made the namespace that everybody uses.
	if err := c.present(ctx, "/api/v1/namespaces/default"); err != nil || !o.controllers {
		return err
	}
	return c.startControllers(ctx)
}

func (c *Cluster) startEtcd(ctx context.Context, url string) error {
	if _, err := c.ca.sign("etcd", "etcd"); err != nil {
		return err
	}
	data := filepath.Join(c.dir, "etcd")
	if err := os.RemoveAll(data); err != nil { // of a try on another port
		return err
	}
	return c.startComponent(ctx, "etcd", url+"/health", []string{
		"--name=test", "--data-dir=" + data, "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls=" + url, "--advertise-client-urls=" + url,
		"--cert-file=" + c.ca.file("etcd.crt"), "--key-file=" + c.ca.file("etcd.key"),
		"--trusted-ca-file=" + c.ca.file("ca.crt"), "--client-cert-auth",
		// It has no peers; where they would find it only has to be the same in both.
		"--listen-peer-urls=https://127.0.0.1:0",
		"--initial-advertise-peer-urls=https://127.0.0.1:1", "--initial-cluster=test=https://127.0.0.1:1",
		"--peer-cert-file=" + c.ca.file("etcd.crt"), "--peer-key-file=" + c.ca.file("etcd.key"),
		"--peer-trusted-ca-file=" + c.ca.file("ca.crt"), "--peer-client-cert-auth",
	})
}

func (c *Cluster) startAPIServer(ctx context.Context, etcd, port string, o options) error {
	args := []string{
		"--etcd-servers=" + etcd, "--etcd-cafile=" + c.ca.file("ca.crt"),
		"--etcd-certfile=" + c.ca.file("kube-apiserver.crt"), "--etcd-keyfile=" + c.ca.file("kube-apiserver.key"),
		"--bind-address=127.0.0.1", "--secure-port=" + port,
		// A loopback address may not stand in the Endpoints of the Service "kubernetes", so it has none.
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--tls-cert-file=" + c.ca.file("kube-apiserver.crt"), "--tls-private-key-file=" + c.ca.file("kube-apiserver.key"),
		"--client-ca-file=" + c.ca.file("ca.crt"), "--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.ca.file("service-accounts.key"),
		"--service-account-signing-key-file=" + c.ca.file("service-accounts.key"),
		// Both families, so that dual-stack Services are judged and not refused out of hand.
		"--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112",
		"--allow-privileged=true", "--profiling=false",
	}
	if !o.controllers {
		// Nobody makes the service accounts that it would ask for in every Pod.
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	return c.startComponent(ctx, "kube-apiserver", c.URL+"/readyz", args)
}

func (c *Cluster) startControllers(ctx context.Context) error {
	p, err := c.ca.sign("kube-controller-manager", "system:kube-controller-manager")
	if err != nil {
		return err
	}
	kubeconfig, err := c.writeKubeconfig("kube-controller-manager", p)
	if err != nil {
		return err
	}
	// It serves nothing; that it works shows in what it makes.
	err = c.startComponent(ctx, "kube-controller-manager", "", []string{
		"--kubeconfig=" + kubeconfig, "--secure-port=0", "--leader-elect=false",
		"--service-account-private-key-file=" + c.ca.file("service-accounts.key"),
		"--root-ca-file=" + c.ca.file("ca.crt"), "--use-service-account-credentials=true",
		"--allocate-node-cidrs=false", "--controller-start-interval=0s",
		"--kube-api-qps=500", "--kube-api-burst=1000",
	})
	if err != nil {
		return err
	}
	return c.present(ctx, "/api/v1/namespaces/default/serviceaccounts/default")
}

// startComponent starts a program and waits until url, unless it is empty, answers with 200.
func (c *Cluster) startComponent(ctx context.Context, name, url string, args []string) error {
	p, err := launch(c.Programs.kube, c.dir, name, args...)
	if err != nil {
		return err
	}
	if url != "" {
		err = p.await(ctx, func(ctx context.Context) error {
			_, _, err := c.request(ctx, http.MethodGet, url, "", nil)
			return err
		})
	}
	if err != nil {
		p.stop()
		return fmt.Errorf("%s does not serve: %w", name, err)
	}
	c.components = append(c.components, p)
	return nil
}

// present waits until there is an object at a path of the API.
func (c *Cluster) present(ctx context.Context, path string) error {
	return testkit.Poll(ctx, func() (bool, error) {
		_, err := c.Get(ctx, path)
		return err == nil || c.Ended() != nil, err
	})
}

// writeKubeconfig makes name.kubeconfig for whom the certificate names.
func (c *Cluster) writeKubeconfig(name string, user pair) (string, error) {
	b64 := base64.StdEncoding.EncodeToString
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: phial-test, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: %s, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: phial-test, context: {cluster: phial-test, user: %[3]s}}]
current-context: phial-test
`, c.URL, b64(c.ca.pem), name, b64(user.cert), b64(user.key))
	path := c.ca.file(name + ".kubeconfig")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// Kubectl runs kubectl, of the server's own version, with input on its standard input.
func (c *Cluster) Kubectl(ctx context.Context, input []byte, args ...string) (stdout, stderr []byte, err error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Programs.Kubectl(), args...)
	cmd.Env = []string{"KUBECONFIG=" + c.Kubeconfig, "HOME=" + c.dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &errs
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, lastLines(errs.Bytes()))
	}
	return out.Bytes(), errs.Bytes(), err
}
