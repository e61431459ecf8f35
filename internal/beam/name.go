package beam

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// MaxNameLen is the longest node name in characters: it is an atom.
const MaxNameLen = 255

// Form says what the host part of a node name looks like.
type Form uint8

// The forms of a host part.
const (
	Short    Form = iota // no dot: what -sname gives
	LongHost             // a name with dots: what -name gives
	LongIPv4             // an IPv4 address
	LongIPv6             // an IPv6 address
)

func (f Form) String() string {
	switch f {
	case Short:
		return "short name"
	case LongHost:
		return "fully qualified name"
	case LongIPv4:
		return "IPv4 address"
	case LongIPv6:
		return "IPv6 address"
	}
	return "unknown form"
}

// Name is a node name, base@host. The zero value names nobody.
type Name struct{ Base, Host string }

func (n Name) String() string {
	if n == (Name{}) {
		return ""
	}
	return n.Base + "@" + n.Host
}

// Form tells the form of the host part.
func (n Name) Form() Form {
	if a, err := netip.ParseAddr(n.Host); err == nil {
		if a.Is4() {
			return LongIPv4
		}
		return LongIPv6
	}
	if strings.Contains(n.Host, ".") {
		return LongHost
	}
	return Short
}

// Long reports whether a node of this name runs with long names. OTP takes a
// host with a dot, or an IP address, for long, and refuses to let short and long
// names meet (inet_tcp_dist splitnode).
func (n Name) Long() bool { return n.Form() != Short }

// Addr gives the host part as an address, if it is one.
func (n Name) Addr() (netip.Addr, bool) {
	a, err := netip.ParseAddr(n.Host)
	return a, err == nil
}

// Loopback reports whether the host part is the one loopback address or name that
// every machine calls itself by (127.0.0.1, ::1, localhost). Other addresses of
// 127.0.0.0/8 can tell nodes apart on one machine and are not meant.
func (n Name) Loopback() bool {
	switch n.Host {
	case "127.0.0.1", "::1", "localhost", "localhost.localdomain":
		return true
	}
	return false
}

// A NameError says what is wrong with a node name and how it should look.
type NameError struct{ Name, Problem string }

func (e *NameError) Error() string {
	return fmt.Sprintf("node name %q: %s", e.Name, e.Problem)
}

// BaseOf is what stands before the @ of a node name that is known to be one.
func BaseOf(node string) string {
	base, _, _ := strings.Cut(node, "@")
	return base
}

// HostOf is what stands behind it.
func HostOf(node string) string {
	_, host, _ := strings.Cut(node, "@")
	return host
}

// ParseName takes a full node name apart. It accepts what OTP accepts of a name
// that can be dialled: a base of letters, digits, '_' and '-' (net_kernel's
// valid_name_head; the base may not be empty), one '@', and a host that is a DNS
// name, an IPv4 or an IPv6 address. The error is a *NameError for a person.
func ParseName(s string) (Name, error) {
	bad := func(format string, a ...any) (Name, error) {
		return Name{}, &NameError{s, fmt.Sprintf(format, a...)}
	}
	base, host, ok := strings.Cut(s, "@")
	switch {
	case s == "":
		return bad("is empty; give base@host, for example shop@10.0.0.7")
	case !utf8.ValidString(s):
		return bad("is not UTF-8")
	case utf8.RuneCountInString(s) > MaxNameLen:
		return bad("has %d characters; a node name has at most %d", utf8.RuneCountInString(s), MaxNameLen)
	case !ok:
		return bad("has no host part; give base@host, for example %s@10.0.0.7", s)
	case base == "":
		return bad("has nothing before the @; give base@host")
	case host == "":
		return bad("has nothing after the @: was the variable for the host empty?")
	case strings.Contains(host, "@"):
		return bad("has more than one @")
	}
	if err := ValidBase(base); err != nil {
		return Name{}, &NameError{s, err.Error()}
	}
	if problem := hostProblem(host); problem != "" {
		return bad("%s", problem)
	}
	return Name{base, host}, nil
}

// ValidBase checks the part before the @ alone.
func ValidBase(base string) error {
	if base == "" {
		return errors.New("the part before the @ is empty")
	}
	for _, r := range base {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
		default:
			return fmt.Errorf("%q may not stand before the @: only letters, digits, _ and - may", r)
		}
	}
	return nil
}

func hostProblem(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	switch {
	case strings.ContainsAny(host, " \t\n\r"):
		return "has white space in the host part: several addresses, or a line end, got into it"
	case strings.ContainsAny(host, "$(){}"):
		return "has an unexpanded variable or command in the host part: no shell has seen it"
	case strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, ".."):
		return "has an empty label in the host part: was a variable in it empty?"
	case strings.Contains(host, ":"):
		return "has a ':' in the host part, but that is no IPv6 address; a port does not belong in a node name"
	}
	for _, r := range host {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
		default:
			return fmt.Sprintf("has %q in the host part, which is no host name or IP address", r)
		}
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) > 63 {
			return fmt.Sprintf("has a label of %d characters in the host part; DNS allows 63", len(label))
		}
	}
	return ""
}
