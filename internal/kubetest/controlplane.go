package kubetest

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/phialdev/phial/internal/testkit"
)

// site is where a control plane serves.
type site struct {
	address  string   // of the API server
	services string   // the ranges of ClusterIPs
	ips      []net.IP // for the certificates, beside loopback
}

const loopback = "127.0.0.1"

// alone is the site of a control plane without nodes. It has ClusterIPs of both families, so that dual-stack Services
// are judged and not refused out of hand.
var alone = site{address: loopback, services: "10.96.0.0/16,fd00:10:96::/112"}

func (c *Cluster) start(ctx context.Context, o options) (err error) {
	if c.ca, err = newAuthority(c.dir, o.site.ips...); err != nil {
		return err
	}
	if c.admin, err = c.ca.sign("admin", "admin", "system:masters"); err != nil {
		return err
	}
	if c.client, err = c.ca.client(c.admin); err != nil {
		return err
	}
	var etcd string
	err = onFreePort(loopback, func(port string) error {
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
	err = onFreePort(o.site.address, func(port string) error {
		c.URL = "https://" + net.JoinHostPort(o.site.address, port)
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
		"--bind-address=" + o.site.address, "--secure-port=" + port, "--advertise-address=" + o.site.address,
		"--tls-cert-file=" + c.ca.file("kube-apiserver.crt"), "--tls-private-key-file=" + c.ca.file("kube-apiserver.key"),
		"--client-ca-file=" + c.ca.file("ca.crt"), "--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.ca.file("service-accounts.key"),
		"--service-account-signing-key-file=" + c.ca.file("service-accounts.key"),
		"--service-cluster-ip-range=" + o.site.services,
		"--allow-privileged=true", "--profiling=false",
	}
	if o.site.address == loopback {
		// It may not stand in the Endpoints of the Service "kubernetes", so that has none.
		args = append(args, "--endpoint-reconciler-type=none")
	}
	if o.kubelet {
		if _, err := c.ca.sign("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"); err != nil {
			return err
		}
		args = append(args, "--enable-admission-plugins=NodeRestriction", "--kubelet-preferred-address-types=InternalIP",
			"--kubelet-certificate-authority="+c.ca.file("ca.crt"),
			"--kubelet-client-certificate="+c.ca.file("kubelet-client.crt"), "--kubelet-client-key="+c.ca.file("kubelet-client.key"))
	}
	if !o.controllers {
		// Nobody makes the service accounts that it would ask for in every Pod.
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	return c.startComponent(ctx, "kube-apiserver", c.URL+"/readyz", args)
}

func (c *Cluster) startControllers(ctx context.Context) error {
	kubeconfig, err := c.kubeconfigFor("kube-controller-manager", "system:kube-controller-manager")
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
	c.keep(p)
	return nil
}

// keep has a component belong to the cluster.
func (c *Cluster) keep(p *component) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.components = append(c.components, p)
}

// kubeconfigFor makes name.kubeconfig for a new user.
func (c *Cluster) kubeconfigFor(name, user string, groups ...string) (string, error) {
	p, err := c.ca.sign(name, user, groups...)
	if err != nil {
		return "", err
	}
	return c.writeKubeconfig(name, p)
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
