package plan_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beamtest"
)

// freePort is one of [::1] that no connection is given by chance: below where the kernel
// takes those from.
func freePort(t *testing.T) int {
	t.Helper()
	for i := range 1000 {
		port := 12000 + (os.Getpid()*7+i*2)%16000
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("[::1]:%d", port))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatalf("no IPv6 on this machine's loopback: %v", err)
		}
		l.Close()
		return port
	}
	t.Fatal("no free port")
	return 0
}

// IPv6 names and their tools; and an image that asks for IPv6 itself, as those do that
// were made for a host with nothing else.
func TestIPv6(t *testing.T) {
	t.Parallel()
	host := beamtest.Host(t)
	port := freePort(t)
	k := kubelet{otp: host, release: host.BuildRelease(t, tally), cookie: "of-a-plan"}
	k.more = []string{"ERL_EPMD_PORT=1", "HTTP_BIND=127.0.0.1", "PORT=0"}
	p := planned(t, tallyApp(func(s *v1alpha1.BeamAppSpec) {
		s.Network.IPFamilies = []corev1.IPFamily{corev1.IPv6Protocol}
		s.Clustered.Distribution.EPMD = v1alpha1.Disabled
		s.Clustered.Distribution.PortRange = fmt.Sprintf("%d-%d", port, port+1)
		s.Env = []corev1.EnvVar{{Name: "ERL_AFLAGS", Value: "+P 262144"}}
	}))
	n := k.start(t, p, "tally-a", netip.IPv6Loopback())
	n.works(t, "tally@::1")
	if at, want := n.Eval(t, fmt.Sprintf(listening, port, port)), fmt.Sprintf("{ok,{%s,%d}}", tuple(netip.IPv6Loopback()), port); at != want {
		t.Errorf("it listens at %s, want %s", at, want)
	}
	if got := n.Eval(t, "init:get_argument(proto_dist)"); got != `{ok,[["inet6_tcp"]]}` {
		t.Errorf("-proto_dist is %s, want inet6_tcp once: OTP 25 takes inet_tcp where there are two", got)
	}
	if got := n.Eval(t, "erlang:system_info(process_limit)"); got != "262144" {
		t.Errorf("the team's own ERL_AFLAGS are lost: process limit %s", got)
	}
}

// Replicas that have the same Secret talk over TLS, and one with another authority's
// talks to none of them. OTP 25 wants the hosts in the certificate.
func TestTLS(t *testing.T) {
	t.Parallel()
	all := append([]beamtest.OTP{beamtest.Host(t)}, beamtest.OTPs(t)[1:]...)
	project := withSSL(t)
	for _, otp := range all {
		t.Run(otp.String(), func(t *testing.T) {
			t.Parallel()
			slot := beamtest.FreeSlot(t)
			var hosts []string
			if otp.Root == "" {
				for i := range 3 {
					hosts = append(hosts, slot.Addr(i).String())
				}
			}
			k := kubelet{otp: otp, release: otp.BuildRelease(t, project), cookie: "of-a-plan", tls: tlsSecret(t, hosts)}
			k.more = []string{"ERL_EPMD_PORT=1"}
			p := planned(t, tallyApp(func(s *v1alpha1.BeamAppSpec) {
				s.Clustered.Distribution.EPMD = v1alpha1.Disabled
				s.Clustered.Distribution.TLS = v1alpha1.DistributionTLSSpec{Mode: v1alpha1.Enabled, SecretName: "tally-tls"}
			}))
			a, b := k.start(t, p, "tally-a", slot.Addr(0)), k.start(t, p, "tally-b", slot.Addr(1))
			a.Eventually(t, fmt.Sprintf("net_adm:ping('%s')", b.Name), "pong")
			if got := a.Eval(t, "init:get_argument(proto_dist)"); got != `{ok,[["inet_tls"]]}` {
				t.Errorf("-proto_dist is %s", got)
			}
			if otp.Root == "" {
				a.works(t, "tally@"+slot.Addr(0).String())
			}
			k.tls = tlsSecret(t, hosts)
			c := k.start(t, p, "tally-c", slot.Addr(2))
			if got := c.Eval(t, fmt.Sprintf("net_adm:ping('%s')", a.Name)); got != "pang" {
				t.Errorf("a node with another authority's certificate: %s", got)
			}
		})
	}
}

// withSSL is tally with the application that distribution over TLS needs.
func withSSL(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tally")
	if err := os.CopyFS(dir, os.DirFS(tally)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "mix.exs")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(content), "[:logger, :inets]", "[:logger, :inets, :ssl]", 1)
	if with == string(content) {
		t.Fatal("mix.exs of tally no longer lists its applications as it did")
	}
	if err := os.WriteFile(path, []byte(with), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tlsSecret is the content of a Secret as cert-manager fills it, by an authority of its own.
func tlsSecret(t *testing.T, hosts []string) map[string][]byte {
	t.Helper()
	sign := func(template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	from, until := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	caKey, key := newKey(), newKey()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "tally"}, NotBefore: from, NotAfter: until,
		DNSNames: append([]string{"tally"}, hosts...), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"ca.crt":  sign(ca, ca, caKey, caKey),
		"tls.crt": sign(leaf, ca, key, caKey),
		"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}
