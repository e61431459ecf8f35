package program

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/erlang/etf"
)

const fqdn = "shop@shop-0.shop-headless.prod.svc.cluster.local" // in no DNS

func TestLive(t *testing.T) {
	for _, tt := range []struct {
		name   string
		node   erltest.Options
		epmd   erltest.EPMDFault
		env    map[string]string
		closed bool // the node has gone
		alive  bool
		says   string
	}{
		{name: "well", alive: true, says: "alive: shop@127.0.0.1 answers\n"},
		{name: "another cookie", node: erltest.Options{Cookie: dist.NewCookie("another")}, alive: true, says: "refuses the cookie"},
		{name: "cookie of the environment", env: map[string]string{"PHIAL_COOKIE_FILE": "/none", "RELEASE_COOKIE": "secret"}, alive: true, says: "shop@127.0.0.1 answers\n"},
		{name: "no cookie", env: map[string]string{"PHIAL_COOKIE_FILE": "/none"}, alive: true, says: "refuses the cookie"},
		{name: "not allowed", node: fault(erltest.Faults{NotAllowed: true}), alive: true, says: "answers and refuses"},
		{name: "too old", node: fault(erltest.Faults{OldFlags: true}), alive: true},
		{name: "slow", node: fault(erltest.Faults{Slow: time.Second}), alive: true},
		{name: "call fails", node: fault(erltest.Faults{CallFails: true}), alive: true},
		{name: "call breaks off", node: fault(erltest.Faults{DropAtCall: true}), alive: true},
		{name: "hangs up", node: fault(erltest.Faults{HangUp: true}), alive: true},
		{name: "no node", node: fault(erltest.Faults{Garbage: "HTTP/1.1 400 Bad Request\r\n\r\n"}), alive: true},
		{name: "misnamed", node: fault(erltest.Faults{OtherName: "shop@10.9.9.9"}), alive: true, says: "by the name shop@10.9.9.9"},
		{name: "booting", node: erltest.Options{Answers: map[string]erltest.Answer{"init:get_status/0": func(*erltest.Node, []etf.Term) any {
			return etf.Tuple{etf.Atom("starting"), etf.Atom("applications_loaded")}
		}}}, alive: true},
		{name: "EPMD gone", epmd: erltest.EPMDRefused, alive: true, says: "shop@127.0.0.1 answers\n"},
		{name: "EPMD mute", epmd: erltest.EPMDMute, alive: true},
		{name: "EPMD odd", epmd: erltest.EPMDGarbage, alive: true},
		{name: "not registered", node: fault(erltest.Faults{NotRegistered: true}), alive: true},
		{name: "EPMD gone, another cookie", node: erltest.Options{Cookie: dist.NewCookie("another")}, epmd: erltest.EPMDRefused, alive: true, says: "refuses the cookie"},
		{name: "EPMD gone, misnamed", node: fault(erltest.Faults{OtherName: "shop@10.9.9.9"}), epmd: erltest.EPMDRefused, alive: true, says: "by the name shop@10.9.9.9"},
		{name: "host name, loopback", node: erltest.Options{Name: fqdn}, alive: true, says: fqdn + " answers\n"},
		{name: "host name, pod's address", node: erltest.Options{Name: fqdn, Addr: "127.0.0.7"}, env: map[string]string{"POD_IP": "127.0.0.7"}, epmd: erltest.EPMDRefused, alive: true},
		{name: "nobody named", env: map[string]string{"RELEASE_NODE": ""}, alive: true, says: "RELEASE_NODE is not set"},

		{name: "frozen", node: fault(erltest.Faults{Mute: true}), says: "dead: shop@127.0.0.1 at 127.0.0.1: it takes connections and says nothing"},
		{name: "frozen, EPMD gone", node: fault(erltest.Faults{Mute: true}), epmd: erltest.EPMDRefused, says: "no node answers on ports"},
		{name: "frozen, EPMD too", node: fault(erltest.Faults{Mute: true}), epmd: erltest.EPMDMute, says: "no node answers on ports"},
		{name: "call hangs", node: fault(erltest.Faults{CallHangs: true}), says: "does not answer a call"},
		{name: "silent", node: fault(erltest.Faults{Silent: true}), says: "does not answer a call"},
		{name: "port closed", node: fault(erltest.Faults{Refused: true}), says: "dead: shop@127.0.0.1"},
		{name: "gone", closed: true, says: "no node answers on ports"},
		{name: "gone, and EPMD", closed: true, epmd: erltest.EPMDRefused, says: "no node answers on ports"},
		{name: "a tool alone", node: fault(erltest.Faults{OtherName: "rpc-1a2b-shop@127.0.0.1"}), says: "rpc-1a2b-shop@127.0.0.1 answers, a tool"},
		{name: "a tool alone, EPMD gone", node: fault(erltest.Faults{OtherName: "rem-1a2b-shop@127.0.0.1"}), epmd: erltest.EPMDRefused, says: "no node answers on ports"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := erltest.StartEPMD(t)
			o := tt.node
			if o.Name == "" {
				o.Name = "shop@127.0.0.1"
			}
			if o.Cookie.IsZero() {
				o.Cookie = dist.NewCookie("secret")
			}
			o.EPMD = e
			n := erltest.Start(t, o)
			if err := e.Fail("127.0.0.1", tt.epmd); err != nil {
				t.Fatal(err)
			}
			if tt.closed {
				n.Close()
			}
			checkLive(t, liveEnv(t, o.Name, n, e, tt.env), tt.alive, tt.says)
		})
	}
}

func fault(f erltest.Faults) erltest.Options { return erltest.Options{Faults: f} }

// liveEnv is the environment of an app's container beside an agent that has left nothing.
func liveEnv(t *testing.T, name string, n *erltest.Node, e *erltest.EPMD, more map[string]string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	cookie := filepath.Join(dir, "cookie")
	if err := os.WriteFile(cookie, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(int(n.Addr().Port()))
	env := map[string]string{
		"RELEASE_NODE": name, "PHIAL_COOKIE_FILE": cookie, "PHIAL_AGENT_RUN": dir,
		"ERL_EPMD_PORT": strconv.Itoa(e.Port()), "PHIAL_DIST_PORTS": port + "-" + port,
	}
	for k, v := range more {
		env[k] = v
	}
	return env
}

func checkLive(t *testing.T, env map[string]string, alive bool, says string) {
	t.Helper()
	began := time.Now()
	status, out, err := call1(env, "live")
	if took := time.Since(began); took > liveWithin+time.Second {
		t.Errorf("it took %s", took)
	}
	want := no
	if alive {
		want = ok
	}
	if status != want || !strings.Contains(out+err, says) || strings.Count(out+err, "\n") != 1 {
		t.Errorf("%d, %q, %q; want %d and %q", status, out, err, want, says)
	}
	if strings.Contains(out+err, "secret") {
		t.Error("it tells the cookie")
	}
}

func TestLiveOverTLS(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault erltest.Faults
		empty bool // there is nothing in the directory
		alive bool
		says  string
	}{
		{name: "well", alive: true, says: "shop@127.0.0.1 answers\n"},
		{name: "no certificate", empty: true, alive: true},
		{name: "frozen", fault: erltest.Faults{Mute: true}, says: "says nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			e := erltest.StartEPMD(t)
			o := erltest.Options{Name: "shop@127.0.0.1", Cookie: dist.NewCookie("secret"), EPMD: e, Faults: tt.fault, TLS: certify(t, dir)}
			n := erltest.Start(t, o)
			if tt.empty {
				dir = t.TempDir()
			}
			checkLive(t, liveEnv(t, o.Name, n, e, map[string]string{"PHIAL_TLS": dir}), tt.alive, tt.says)
		})
	}
}

// certify fills a directory as the Secret has it, and gives what a node does with it. The
// name in the certificate is no node's.
func certify(t *testing.T, dir string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"any.replica"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	for name, text := range map[string][]byte{"ca.crt": cert, "tls.crt": cert, "tls.key": private} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(cert, private)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12}
}
