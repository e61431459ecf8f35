package beamtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"
)

// TLS is a certificate authority for the distribution of one test's nodes. Both sides of a connection must show a
// certificate of it, and each checks that the other's is for the host that it dialled.
type TLS struct {
	ca  *x509.Certificate
	key *ecdsa.PrivateKey
	pem []byte
}

// NewTLS makes an authority.
func NewTLS(tb testing.TB) *TLS {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Distribution of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &TLS{ca: ca, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue makes a certificate and key, in PEM, for a host: a name or an IP address.
func (t *TLS) issue(host string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	// A node checks an address as if it were a name (inet_tls_dist gives it as the server's name); Go as an address.
	template.DNSNames = []string{host}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, t.ca, &private.PublicKey, t.key)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), nil
}

// Config gives what a Go program needs to talk to the nodes: the authority, and a certificate for host.
func (t *TLS) Config(tb testing.TB, host string) *tls.Config {
	tb.Helper()
	cert, key, err := t.issue(host)
	if err != nil {
		tb.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		tb.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(t.ca)
	return &tls.Config{RootCAs: pool, ClientCAs: pool, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

// files writes the authority, a certificate for host and its key with write, and gives their paths.
func (t *TLS) files(host string, write func(name, content string) (string, error)) (ca, cert, key string, err error) {
	certPEM, keyPEM, err := t.issue(host)
	if err != nil {
		return "", "", "", err
	}
	if ca, err = write("ca.pem", string(t.pem)); err != nil {
		return "", "", "", err
	}
	if cert, err = write("cert.pem", string(certPEM)); err != nil {
		return "", "", "", err
	}
	key, err = write("key.pem", string(keyPEM))
	return ca, cert, key, err
}

// args gives the arguments of erl for distribution over TLS, and writes the files that they name.
func (t *TLS) args(host string, write func(name, content string) (string, error)) ([]string, error) {
	ca, cert, key, err := t.files(host, write)
	if err != nil {
		return nil, err
	}
	common := fmt.Sprintf(`{cacertfile,%q},{certfile,%q},{keyfile,%q},{verify,verify_peer}`, ca, cert, key)
	path, err := write("tls.conf", fmt.Sprintf("[{server,[%s,{fail_if_no_peer_cert,true}]},{client,[%s]}].\n", common, common))
	if err != nil {
		return nil, err
	}
	return []string{"-proto_dist", "inet_tls", "-ssl_dist_optfile", path}, nil
}
