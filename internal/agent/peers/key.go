package peers

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
)

// minKey is how many bytes a key has at least. Keys are meant to be random: one that
// can be guessed keeps out nobody who sees a connection being made.
const minKey = 16

const keyShown = "[agent key]"

// Key is the secret that the agents of one app share. It never shows: in whatever way
// it is printed, logged or marshalled, what comes out is "[agent key]". The zero value
// is no key.
type Key struct {
	// What is derived from the secret; the secret itself is not kept. A pointer to a
	// pointer, so that printers that can't call the methods below, because a Key is in
	// a field that is not exported, show an address: package fmt follows a pointer to
	// a struct where the verb does not fit (%s).
	id **identity
}

// NewKey makes a key of b without the newline at its end, of which one is trimmed.
// Fewer than 16 bytes are refused. b is not kept.
func NewKey(b []byte) (Key, error) {
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	if len(b) < minKey {
		return Key{}, fmt.Errorf("a key of %d bytes is too short, it has at least %d: "+
			"put a random one into the Secret, such as `openssl rand -hex 32` prints", len(b), minKey)
	}
	id, err := newIdentity(b)
	if err != nil {
		return Key{}, fmt.Errorf("deriving the agents' identity: %w", err)
	}
	return Key{id: &id}, nil
}

// IsZero says whether k is no key.
func (k Key) IsZero() bool { return k.id == nil }

// Equal says whether both are the same key.
func (k Key) Equal(other Key) bool {
	if k.IsZero() || other.IsZero() {
		return k.IsZero() && other.IsZero()
	}
	return k.identity().is(other.identity().public())
}

// identity gives what a key stands for, nil for no key.
func (k Key) identity() *identity {
	if k.id == nil {
		return nil
	}
	return *k.id
}

// String gives "[agent key]".
func (k Key) String() string { return keyShown }

// GoString gives "[agent key]".
func (k Key) GoString() string { return keyShown }

// Format writes "[agent key]" whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, keyShown) }

// LogValue gives "[agent key]".
func (k Key) LogValue() slog.Value { return slog.StringValue(keyShown) }

// MarshalText gives "[agent key]", in JSON as well.
func (k Key) MarshalText() ([]byte, error) { return []byte(keyShown), nil }
