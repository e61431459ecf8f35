// Package target is what mesh and why share: which nodes are meant, and how to
// reach them. They are those of a running local engine, of an app on Kubernetes, or any
// given by --node.
package target

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/cli/cluster"
	"github.com/phialdev/phial/internal/cli/instance"
)

const defaultTimeout = 5 * time.Second

// Flags say which nodes to look at.
type Flags struct {
	App        instance.Flag
	Cluster    cluster.Flags
	Nodes      []string
	cookieFile string
	epmdPort   int
	distPort   int
	timeout    time.Duration
	tlsOn      bool
	tlsCA      string
	tlsCert    string
	tlsKey     string
	tlsName    string
}

// Add adds them to a command.
func (f *Flags) Add(cmd *cobra.Command) {
	f.App.Add(cmd)
	f.Cluster.Add(cmd)
	fl := cmd.Flags()
	fl.StringArrayVar(&f.Nodes, "node", nil, "base@host: look at this node and all that it knows, instead of a local app; may be repeated")
	fl.StringVar(&f.cookieFile, "cookie-file", "", "file with the nodes' cookie (default $RELEASE_COOKIE, then ~/.erlang.cookie)")
	fl.IntVar(&f.epmdPort, "epmd-port", 0, "where EPMD listens (default $ERL_EPMD_PORT, then 4369)")
	fl.IntVar(&f.distPort, "dist-port", 0, "the nodes' distribution port, where they run without EPMD")
	fl.DurationVar(&f.timeout, "timeout", defaultTimeout, "for each step of reaching a node, and for each question to it")
	fl.BoolVar(&f.tlsOn, "tls", false, "the nodes speak distribution over TLS (-proto_dist inet_tls)")
	fl.StringVar(&f.tlsCA, "tls-ca", "", "PEM file with the authorities to trust; implies --tls")
	fl.StringVar(&f.tlsCert, "tls-cert", "", "PEM file with Phial's own certificate, where the nodes ask for one; implies --tls")
	fl.StringVar(&f.tlsKey, "tls-key", "", "PEM file with the key of --tls-cert")
	fl.StringVar(&f.tlsName, "tls-server-name", "", "the name that the nodes' certificates must have (default the host part of each node's name)")
	for _, file := range []string{"cookie-file", "tls-ca", "tls-cert", "tls-key"} {
		_ = cmd.MarkFlagFilename(file)
	}
	cmd.MarkFlagsMutuallyExclusive("name", "node")
	for _, kube := range []string{"namespace", "context", "kubeconfig", "app"} {
		cmd.MarkFlagsMutuallyExclusive("name", kube)
		cmd.MarkFlagsMutuallyExclusive("node", kube)
	}
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
}

// remote says whether nodes outside a local engine are meant.
func (f *Flags) remote() bool { return len(f.Nodes) > 0 }

// OnCluster says whether an app on Kubernetes is meant.
func (f *Flags) OnCluster() bool {
	return f.Cluster.Given() || cluster.Plugin() && !f.remote() && f.App.Name == ""
}

// CompletePods completes the names of replicas as the first `most` arguments: of the app
// on Kubernetes where one is meant, else of the local one.
func (f *Flags) CompletePods(most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if f.OnCluster() && len(args) < most {
			return f.Cluster.CompletePods(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
		}
		return f.App.CompletePods(most)(cmd, args, word)
	}
}

// check refuses flags that make sense only with --node.
func (f *Flags) check() error {
	for _, n := range f.Nodes {
		if _, err := beam.ParseName(n); err != nil {
			return err
		}
	}
	if !f.remote() && (f.cookieFile != "" || f.distPort != 0 || f.useTLS()) {
		return errors.New("--cookie-file, --dist-port and --tls-… go with --node: an app that Phial runs has its own")
	}
	return f.checkNumbers()
}

// checkForeign refuses flags that mean nothing to a pod that looks.
func (f *Flags) checkForeign() error {
	switch {
	case f.Cluster.App != "":
		return errors.New("--app is an app that Phial deployed, and --selector pods that it did not: give one of them")
	case f.cookieFile != "":
		return errors.New("--cookie-file is on this machine: with --selector the cookie is in a Secret, --cookie-secret NAME/KEY")
	case f.useTLS():
		return errors.New("--tls-… does not go with --selector: a pod that looks has no certificate yet")
	}
	return f.checkNumbers()
}

func (f *Flags) checkNumbers() error {
	for _, p := range []int{f.epmdPort, f.distPort} {
		if p < 0 || p > 65535 {
			return fmt.Errorf("%d is no port", p)
		}
	}
	if f.timeout <= 0 {
		return errors.New("--timeout must be more than nothing, for example 5s")
	}
	return nil
}

// cookie finds the cookie of nodes given by --node. It is never an argument.
func (f *Flags) cookie() (dist.Cookie, error) {
	if f.cookieFile != "" {
		return dist.CookieFromFile(f.cookieFile)
	}
	if c := os.Getenv(beam.EnvReleaseCookie); c != "" {
		return dist.NewCookie(c), nil
	}
	if home, err := os.UserHomeDir(); err == nil {
		file := filepath.Join(home, ".erlang.cookie")
		if _, err := os.Stat(file); err == nil {
			return dist.CookieFromFile(file)
		}
	}
	return dist.Cookie{}, errors.New("no cookie: give the file that holds it with --cookie-file")
}

func (f *Flags) useTLS() bool { return f.tlsOn || f.tlsCA != "" || f.tlsCert != "" }

func (f *Flags) tls() (*tls.Config, error) {
	if !f.useTLS() {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.tlsName}
	if f.tlsCA != "" {
		pem, err := os.ReadFile(f.tlsCA)
		if err != nil {
			return nil, fmt.Errorf("read --tls-ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: no certificate in %s", f.tlsCA)
		}
	}
	if f.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return nil, fmt.Errorf("read --tls-cert and --tls-key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
