package peers

import (
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"sync"
)

// maxKeyFile is how large the file of a key may be.
const maxKeyFile = 4 << 10

// maxGreetings is how many texts of a caller's first message are tried.
const maxGreetings = 4

// Keys holds the key that counts and the one that did before. Its zero value holds
// none, lets nobody in and reaches nobody. Its methods may be called at any time by
// any goroutine.
type Keys struct {
	mu                sync.RWMutex
	current, previous Key
}

// Set makes k the current key and says whether it was another one before, which is
// then the previous one. No key is no news.
func (k *Keys) Set(key Key) (changed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key.IsZero() || key.Equal(k.current) {
		return false
	}
	k.current, k.previous = key, k.current
	return true
}

// Forget drops the previous key: connections that were made with it end at their next
// request. It is for when every agent is known to have the current one.
func (k *Keys) Forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.previous = Key{}
}

// Load sets the key that a file holds, and says whether that is another one than
// before. When it fails, nothing changes.
func (k *Keys) Load(path string) (changed bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("reading the agents' key: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	defer clear(b)
	if err != nil {
		return false, fmt.Errorf("reading the agents' key: %w", err)
	}
	if len(b) > maxKeyFile {
		return false, fmt.Errorf("reading the agents' key: %s holds more than %d bytes: is this the key's file?", path, maxKeyFile)
	}
	key, err := NewKey(b)
	if err != nil {
		return false, fmt.Errorf("reading the agents' key: %s: %w", path, err)
	}
	return k.Set(key), nil
}

// known gives the identities that count, the current one first.
func (k *Keys) known() []*identity {
	k.mu.RLock()
	defer k.mu.RUnlock()
	out := make([]*identity, 0, 2)
	for _, key := range [...]Key{k.current, k.previous} {
		if !key.IsZero() {
			out = append(out, key.identity())
		}
	}
	return out
}

// find gives the identity of a public key, nil where it counts no more.
func (k *Keys) find(public ed25519.PublicKey) *identity {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, key := range [...]Key{k.current, k.previous} {
		if !key.IsZero() && key.identity().is(public) {
			return key.identity()
		}
	}
	return nil
}

// greeted gives the identity to meet a caller with, nil for a stranger.
func (k *Keys) greeted(texts []string) *identity {
	texts = texts[:min(len(texts), maxGreetings)]
	for _, id := range k.known() {
		for _, text := range texts {
			if id.greeted(text) {
				return id
			}
		}
	}
	return nil
}

// caller makes the configuration of one connection to a peer. It greets with every
// key that counts, and shows the one that the peer has shown.
func (k *Keys) caller() *tls.Config {
	var peer *identity
	config := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		CurvePreferences:       curves(),
		InsecureSkipVerify:     true, // no authority and no names: VerifyConnection knows the key itself
		SessionTicketsDisabled: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			if peer = k.find(shown(&state)); peer == nil {
				return errOtherKey
			}
			return nil
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if peer == nil {
				return nil, errOtherKey
			}
			return &peer.cert, nil
		},
	}
	for _, id := range k.known() {
		config.NextProtos = append(config.NextProtos, id.greet())
	}
	return config
}
