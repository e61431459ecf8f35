package dist

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/phialdev/phial/erlang/epmd"
)

// Defaults of [Config].
const (
	DefaultHost             = "phial"
	DefaultFallback         = "phial_hidden"
	DefaultConnectTimeout   = 5 * time.Second
	DefaultHandshakeTimeout = 7 * time.Second  // kernel's net_setuptime
	DefaultTick             = 60 * time.Second // kernel's net_ticktime
	DefaultMaxMessage       = 64 << 20
)

// Config says how to connect. Beside a Cookie, which Dial needs, its zero value
// will do.
type Config struct {
	// Cookie is the cluster's secret.
	Cookie Cookie
	// Name is our own full name, base@host. Empty asks the node for one, which
	// costs it next to no atoms; a node that gives none gets Fallback@Host.
	// It must never be the name of another node: that would cut the real one off.
	Name string
	// Host is the host part of a name that the node gives, "phial" by default.
	// Keep it fixed: names are given again for the same host part only.
	Host string
	// Fallback is the base of our name towards nodes that give none,
	// "phial_hidden" by default. Two programs that use it at the same time
	// towards one node are in each other's way (CauseAlive).
	Fallback string
	// TakeOver answers "alive" (our name is already connected there) by taking
	// over: the older connection of that name is closed.
	TakeOver bool

	// EPMDPort is where to ask for the node's port, 4369 by default.
	EPMDPort int
	// Port, if not 0, is the node's distribution port; EPMD is not asked.
	Port int
	// Resolve gives the addresses of a host part that is no address itself. By
	// default the system's resolver. A *net.DNSError tells its causes apart.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial opens TCP connections, to EPMD too. By default a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS, if not nil, speaks distribution over TLS (-proto_dist inet_tls). An
	// empty ServerName stands for the node's host part.
	TLS *tls.Config

	// ConnectTimeout bounds each of: name resolution, EPMD's answer, TCP, TLS.
	// 5 s by default.
	ConnectTimeout time.Duration
	// HandshakeTimeout bounds the whole handshake, 7 s by default.
	HandshakeTimeout time.Duration
	// Tick is the net_ticktime: a keep-alive is sent after a quarter of it
	// without traffic, and a peer that sends nothing for all of it is given up
	// (CauseSilent). 60 s by default; a node with a longer net_ticktime of its
	// own may be idle for longer than a shorter Tick allows.
	Tick time.Duration
	// MaxMessage bounds one message from the peer, in bytes; 64 MiB by default.
	MaxMessage int
}

// withDefaults gives a copy with every unset field filled in.
func (c Config) withDefaults() Config {
	setDefault(&c.Host, DefaultHost)
	setDefault(&c.Fallback, DefaultFallback)
	setDefault(&c.EPMDPort, epmd.DefaultPort)
	setDefault(&c.ConnectTimeout, DefaultConnectTimeout)
	setDefault(&c.HandshakeTimeout, DefaultHandshakeTimeout)
	setDefault(&c.Tick, DefaultTick)
	setDefault(&c.MaxMessage, DefaultMaxMessage)
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Resolve == nil {
		c.Resolve = resolve
	}
	return c
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i, a := range addrs {
		addrs[i] = a.Unmap()
	}
	return addrs, err
}

// check says what cannot work in a configuration for node.
func (c Config) check(node string) error {
	switch {
	case c.Name == node:
		return fmt.Errorf("own name %s is the peer's", c.Name)
	case c.Name != "":
		if _, _, err := SplitName(c.Name); err != nil {
			return fmt.Errorf("own name: %w", err)
		}
	}
	return nil
}

// maxName is how many characters a node name can have: it is an atom.
const maxName = 255

// SplitName gives the two parts of a node name, base@host, or says why it is
// none.
func SplitName(node string) (base, host string, err error) {
	base, host, ok := strings.Cut(node, "@")
	switch {
	case !ok:
		return "", "", fmt.Errorf("%q has no @", node)
	case base == "":
		return "", "", fmt.Errorf("%q has nothing before the @", node)
	case host == "":
		return "", "", fmt.Errorf("%q has no host after the @", node)
	case strings.Contains(host, "@"):
		return "", "", fmt.Errorf("%q has more than one @", node)
	case !utf8.ValidString(node) || utf8.RuneCountInString(node) > maxName:
		return "", "", fmt.Errorf("%q is not text of at most %d characters", node, maxName)
	case strings.ContainsFunc(node, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return "", "", fmt.Errorf("%q has space or control characters", node)
	}
	return base, host, nil
}
