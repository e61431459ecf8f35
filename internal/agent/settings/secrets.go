package settings

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/phialdev/phial/erlang/dist"
)

// Cookie reads the cookie of now.
func (s Settings) Cookie() (dist.Cookie, error) { return dist.CookieFromFile(s.CookieFile) }

// TLS reads what distribution over TLS takes; nil where the node speaks plain.
//
// The peer's certificate has to be of the authority; the name in it is not compared.
// All replicas have the same certificate, so it says no more than that the peer is one
// of them: the plan's ssl_dist.conf has it the same way.
func (s Settings) TLS() (*tls.Config, error) {
	if s.TLSDir == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.TLSDir, "tls.crt"), filepath.Join(s.TLSDir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("the certificate of distribution: %w", err)
	}
	ca := filepath.Join(s.TLSDir, "ca.crt")
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("the authority of distribution: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the authority of distribution: no certificate in %s", ca)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, RootCAs: roots, ClientCAs: roots,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection verifies all but the name
		VerifyConnection:   func(c tls.ConnectionState) error { return chain(c.PeerCertificates, roots) },
	}, nil
}

// chain verifies certificates as package tls does, but for the name.
func chain(certs []*x509.Certificate, roots *x509.CertPool) error {
	if len(certs) == 0 {
		return errors.New("the node shows no certificate")
	}
	o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range certs[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := certs[0].Verify(o)
	return err
}
