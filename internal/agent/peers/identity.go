package peers

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"time"
)

// What is derived from a key. Another text gives another identity, so a change of
// these parts agents of different versions.
const (
	infoIdentity = "phial agent peers 1: identity"
	infoGreeting = "phial agent peers 1: greeting"
)

// A greeting is greetingMark, a nonce and the tag of that nonce, in hex. It goes in
// ALPN, which is the one list of free texts in a caller's first message.
const (
	greetingMark = "phial/1 "
	nonceSize    = 8
	tagSize      = 16
)

// errOtherKey is what fails a handshake with who shows another identity.
var errOtherKey = errors.New("the other end has another key")

// identity is what both ends of a connection show and want to see.
type identity struct {
	private  ed25519.PrivateKey
	cert     tls.Certificate
	greeting []byte      // keys the tags of greetings
	server   *tls.Config // for callers that greeted with this identity
}

func newIdentity(secret []byte) (*identity, error) {
	seed, err := hkdf.Key(sha256.New, secret, nil, infoIdentity, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	greeting, err := hkdf.Key(sha256.New, secret, nil, infoGreeting, sha256.Size)
	if err != nil {
		return nil, err
	}
	id := &identity{private: ed25519.NewKeyFromSeed(seed), greeting: greeting}
	der, err := x509.CreateCertificate(nil, certificate(), certificate(), id.public(), id.private)
	if err != nil {
		return nil, err
	}
	id.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: id.private}
	id.server = &tls.Config{
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       curves(),
		Certificates:           []tls.Certificate{id.cert},
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true, // each connection shows the key anew
		VerifyConnection:       id.verify,
	}
	return id, nil
}

// certificate is the same for all agents, so that the TLS library keeps one copy of
// it. Nobody looks at anything in it but the public key.
func certificate() *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "phial agent"},
		NotBefore:    time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	}
}

// curves leaves out post-quantum key exchange: what agents tell one another is worth
// nothing to who could read it in years, and it costs CPU and a kilobyte each way.
func curves() []tls.CurveID { return []tls.CurveID{tls.X25519} }

func (id *identity) public() ed25519.PublicKey {
	return id.private.Public().(ed25519.PublicKey)
}

// is says whether a public key is this identity's. It compares in constant time.
func (id *identity) is(public ed25519.PublicKey) bool { return id.public().Equal(public) }

// verify accepts who shows this identity. That they hold its private key is for the
// TLS library to see.
func (id *identity) verify(state tls.ConnectionState) error {
	if public := shown(&state); public == nil || !id.is(public) {
		return errOtherKey
	}
	return nil
}

// shown gives the public key that the other end of a connection has shown.
func shown(state *tls.ConnectionState) ed25519.PublicKey {
	if state == nil || len(state.PeerCertificates) == 0 {
		return nil
	}
	public, _ := state.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	return public
}

// greet makes the text by which a server sees that a caller holds this identity's key.
func (id *identity) greet() string {
	b := make([]byte, nonceSize, nonceSize+tagSize)
	_, _ = rand.Read(b) // never fails
	return greetingMark + hex.EncodeToString(append(b, id.tag(b)...))
}

// greeted says whether text is a greeting made with this identity's key.
func (id *identity) greeted(text string) bool {
	coded, ok := strings.CutPrefix(text, greetingMark)
	if !ok || len(coded) != 2*(nonceSize+tagSize) {
		return false
	}
	b, err := hex.DecodeString(coded)
	return err == nil && hmac.Equal(b[nonceSize:], id.tag(b[:nonceSize]))
}

func (id *identity) tag(nonce []byte) []byte {
	mac := hmac.New(sha256.New, id.greeting)
	mac.Write(nonce)
	return mac.Sum(nil)[:tagSize]
}
