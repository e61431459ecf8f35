package dist

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Cookie is the secret that the nodes of one cluster share. It never shows: in
// whatever way it is printed, logged or marshalled, what comes out is
// "[cookie]". The zero value is no cookie.
type Cookie struct {
	// A pointer, so that reflection-based printers that ignore the methods
	// below show an address and not the secret.
	secret *string
}

const cookieShown = "[cookie]"

// maxCookie is a bound for cookie files: an Erlang cookie is an atom, which has
// at most 255 characters.
const maxCookie = 4 * 255

// NewCookie makes a cookie of s as it is, byte by byte. An empty s gives the zero
// value.
func NewCookie(s string) Cookie {
	if s == "" {
		return Cookie{}
	}
	return Cookie{secret: &s}
}

// CookieFromFile reads a cookie as Erlang does from ~/.erlang.cookie: the file's
// bytes without the newline at its end, of which one is trimmed. An empty file
// and one that holds more than a cookie can are refused.
func CookieFromFile(path string) (Cookie, error) {
	f, err := os.Open(path)
	if err != nil {
		return Cookie{}, fmt.Errorf("reading cookie: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCookie+2))
	if err != nil {
		return Cookie{}, fmt.Errorf("reading cookie: %w", err)
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case s == "":
		return Cookie{}, fmt.Errorf("reading cookie: %s: %w", path, errEmptyCookie)
	case len(s) > maxCookie:
		return Cookie{}, fmt.Errorf("reading cookie: %s: longer than a cookie can be", path)
	}
	return NewCookie(s), nil
}

var errEmptyCookie = errors.New("the file is empty")

// IsZero says whether c is no cookie.
func (c Cookie) IsZero() bool { return c.secret == nil }

// Equal says whether both are the same cookie, in a time that does not depend on
// where they differ.
func (c Cookie) Equal(other Cookie) bool {
	return subtle.ConstantTimeCompare([]byte(c.Reveal()), []byte(other.Reveal())) == 1
}

// Reveal gives the secret itself, for the few places that have to hand it to a
// node. Do not put it where it can be seen.
func (c Cookie) Reveal() string {
	if c.secret == nil {
		return ""
	}
	return *c.secret
}

// String gives "[cookie]".
func (c Cookie) String() string { return cookieShown }

// GoString gives "[cookie]".
func (c Cookie) GoString() string { return cookieShown }

// Format writes "[cookie]" whatever the verb.
func (c Cookie) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, cookieShown) }

// LogValue gives "[cookie]".
func (c Cookie) LogValue() slog.Value { return slog.StringValue(cookieShown) }

// MarshalText gives "[cookie]".
func (c Cookie) MarshalText() ([]byte, error) { return []byte(cookieShown), nil }
