package local

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/internal/beam"
)

// distTLS is what the Secret of distribution over TLS holds here: an authority of this
// engine's own, and one certificate for all replicas, as in a cluster. The engine shows
// the same one.
type distTLS struct {
	files  map[string]string // as a Secret of type kubernetes.io/tls has them
	config *tls.Config
}

// tlsDays is longer than anybody leaves an app up.
const tlsDays = 90

// wantsTLS says whether the plan's nodes speak TLS to one another.
func (c *cast) wantsTLS() bool {
	return strings.Contains(c.serving.env(beam.EnvElixirErlOptions), "-"+beam.FlagTLSDistOptions)
}

// newDistTLS makes the authority and the certificate. OTP 25 compares the host that it
// dials with the names in a certificate, so it has those of all places.
func newDistTLS(w network) (*distTLS, error) {
	now := time.Now()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Phial on this machine, for " + w.app},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, tlsDays),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: w.app},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"},
	}
	for n := range MaxReplicas {
		cert.IPAddresses = append(cert.IPAddresses, net.IP(w.addr(n).AsSlice()))
		// As OTP compares them, an address is a name like any other.
		cert.DNSNames = append(cert.DNSNames, w.podFQDN(n), w.addr(n).String())
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, ca, &key.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	block := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	t := &distTLS{files: map[string]string{
		"ca.crt":                block("CERTIFICATE", caDER),
		corev1.TLSCertKey:       block("CERTIFICATE", der),
		corev1.TLSPrivateKeyKey: block("PRIVATE KEY", private),
	}}
	t.config, err = tlsConfig(func(name string) ([]byte, error) { return []byte(t.files[name]), nil })
	return t, err
}

// TLS gives the configuration to reach nodes that speak distribution over TLS; nil
// where they do not.
func (t MeshTarget) TLS() (*tls.Config, error) {
	if t.TLSDir == "" {
		return nil, nil
	}
	return tlsConfig(func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(t.TLSDir, name)) })
}

func tlsConfig(read func(name string) ([]byte, error)) (*tls.Config, error) {
	part := map[string][]byte{}
	for _, name := range []string{"ca.crt", corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		b, err := read(name)
		if err != nil {
			return nil, err
		}
		part[name] = b
	}
	pair, err := tls.X509KeyPair(part[corev1.TLSCertKey], part[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, fmt.Errorf("the certificate of the distribution: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(part["ca.crt"])
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, RootCAs: pool}, nil
}

// makeTLS makes what nodes need for TLS, where the plan wants that, and keeps it for
// whoever looks at the mesh.
func (e *engine) makeTLS() (err error) {
	if !e.cast.wantsTLS() {
		return nil
	}
	if e.tls, err = newDistTLS(e.net); err != nil {
		return fmt.Errorf("make a certificate for the distribution: %w", err)
	}
	return mounts{{dir: e.state.tlsDir(), files: e.tls.files}}.make("")
}

// fillTLS gives the volume of that Secret what it holds here.
func (e *engine) fillTLS(w *workload, ms mounts) {
	if e.tls == nil || e.cast.plan.App.Spec.Clustered == nil {
		return
	}
	secret := e.cast.plan.App.Spec.Clustered.Distribution.TLS.SecretName
	for _, v := range w.template.Spec.Volumes {
		for i := range ms {
			if ms[i].volume == v.Name && v.Secret != nil && v.Secret.SecretName == secret {
				ms[i].files = maps.Clone(e.tls.files)
			}
		}
	}
}
