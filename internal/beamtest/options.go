package beamtest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Cookie is the magic cookie of a test's nodes. Formatting one does not show it.
type Cookie string

// Format writes a placeholder, whatever the verb.
func (c Cookie) Format(f fmt.State, _ rune) { io.WriteString(f, "[cookie]") } //nolint:errcheck // as fmt does

// NodeOptions say how a node is started. Only Name and Cookie are needed.
type NodeOptions struct {
	Name   string // base@host; a host with a dot or colon in it makes a node of long names
	Short  bool   // short names whatever the host looks like
	Long   bool   // long names whatever the host looks like
	Cookie Cookie // lies in a file of the node's HOME, never in its arguments

	// Addr is where the distribution listens. Zero: the host part where that is an IP address, else everywhere.
	Addr netip.Addr
	// Ports are the first and last distribution port; zero means any.
	Ports [2]uint16
	// EPMDPort is the port of the EPMD at 127.0.0.1 to register with. The node starts none of its own.
	EPMDPort int
	// FixedPort, if not 0, does without EPMD: the node listens there and dials every other node there, too
	// (-erl_epmd_port).
	FixedPort uint16

	// Release, if not empty, is a release to start instead of a bare erl: a directory as BuildRelease gives it. What it
	// is to read from its environment goes into Env.
	Release string

	Hidden    bool
	TLS       *TLS     // distribution over TLS, with a certificate of the host's
	Inetrc    string   // content of the file that ERL_INETRC names, if any
	Env       []string // further KEY=value; nothing else of the test's own environment reaches the node
	ExtraArgs []string // further arguments of erl
}

// render gives the arguments and the environment, and writes the files that they name.
func (opts NodeOptions) render(home, outside string) (args, env []string, err error) {
	base, host, ok := strings.Cut(opts.Name, "@")
	if !ok || base == "" {
		return nil, nil, fmt.Errorf("%q is no full node name", opts.Name)
	}
	write := func(name, content string) (inside string, err error) {
		return filepath.Join(home, name), os.WriteFile(filepath.Join(outside, name), []byte(content), 0o400)
	}
	if _, err := write(".erlang.cookie", string(opts.Cookie)); err != nil {
		return nil, nil, err
	}
	args = []string{"-noinput", "-start_epmd", "false", "-" + opts.distribution(), opts.Name}
	addr := opts.Addr
	if !addr.IsValid() {
		addr, _ = netip.ParseAddr(host)
	}
	if addr.IsValid() {
		args = append(args, "-kernel", "inet_dist_use_interface", erlangAddr(addr))
	}
	if opts.Ports[0] != 0 {
		last := max(opts.Ports[0], opts.Ports[1])
		args = append(args, "-kernel", "inet_dist_listen_min", strconv.Itoa(int(opts.Ports[0])),
			"inet_dist_listen_max", strconv.Itoa(int(last)))
	}
	if opts.FixedPort != 0 {
		args = append(args, "-erl_epmd_port", strconv.Itoa(int(opts.FixedPort)))
	}
	if opts.EPMDPort != 0 {
		env = append(env, "ERL_EPMD_PORT="+strconv.Itoa(opts.EPMDPort))
	}
	if opts.Hidden {
		args = append(args, "-hidden")
	}
	if opts.TLS != nil {
		more, err := opts.TLS.args(host, write)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, more...)
	}
	if opts.Inetrc != "" {
		path, err := write("inetrc", opts.Inetrc)
		if err != nil {
			return nil, nil, err
		}
		env = append(env, "ERL_INETRC="+path)
	}
	args = append(args, opts.ExtraArgs...)
	return append(args, "-eval", control), append(env, opts.Env...), nil
}

// distribution is "name" or "sname".
func (opts NodeOptions) distribution() string {
	_, host, _ := strings.Cut(opts.Name, "@")
	if opts.Long || !opts.Short && strings.ContainsAny(host, ".:") {
		return "name"
	}
	return "sname"
}

// release turns what starts a bare node into what starts a release: its script takes the name and the cookie from the
// environment, and the flags go into ERL_AFLAGS.
func (opts NodeOptions) release(o OTP, home, outside string, args, env []string) (program string, _, _ []string, err error) {
	scripts, err := filepath.Glob(filepath.Join(o.Root, opts.Release, "releases", "*", "start.boot"))
	if err != nil || len(scripts) != 1 {
		return "", nil, nil, fmt.Errorf("%s is no release", opts.Release)
	}
	found, err := filepath.Glob(filepath.Join(o.Root, opts.Release, "bin", "*"))
	if err != nil {
		return "", nil, nil, err
	}
	for _, path := range found {
		if filepath.Ext(path) == "" {
			program = strings.TrimPrefix(path, o.Root)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "control"), []byte(control), 0o400); err != nil {
		return "", nil, nil, err
	}
	args = slices.DeleteFunc(args, func(a string) bool { return a == "-"+opts.distribution() || a == opts.Name })
	args[len(args)-1] = fmt.Sprintf(`file:eval(\"%s/control\")`, home)
	env = append([]string{
		"RELEASE_DISTRIBUTION=" + opts.distribution(), "RELEASE_NODE=" + opts.Name, "RELEASE_COOKIE=" + string(opts.Cookie),
		"RELEASE_TMP=" + home, "ERL_AFLAGS=" + strings.Join(args, " "),
	}, env...)
	return program, []string{"start"}, env, nil
}

// erlangAddr writes an address as the tuple that inet_dist_use_interface wants.
func erlangAddr(a netip.Addr) string {
	var parts []string
	if a.Is4() {
		for _, b := range a.As4() {
			parts = append(parts, strconv.Itoa(int(b)))
		}
	} else {
		for pair := range slices.Chunk(a.AsSlice(), 2) {
			parts = append(parts, strconv.Itoa(int(binary.BigEndian.Uint16(pair))))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}
