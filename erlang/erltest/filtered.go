//go:build unix

package erltest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"
)

// Filtered gives an address on loopback that does not answer to TCP: packets to
// it are dropped, as a firewall would. It is a listener that nobody accepts from
// and whose queue is full.
func Filtered(tb testing.TB) netip.AddrPort {
	tb.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		tb.Fatal(os.NewSyscallError("socket", err))
	}
	tb.Cleanup(func() { os.NewFile(uintptr(fd), "filtered").Close() })
	syscall.CloseOnExec(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatal(os.NewSyscallError("bind", err))
	}
	if err := syscall.Listen(fd, 0); err != nil {
		tb.Fatal(os.NewSyscallError("listen", err))
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		tb.Fatal(os.NewSyscallError("getsockname", err))
	}
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*syscall.SockaddrInet4).Port))
	if err := fill(tb, at); err != nil {
		tb.Fatal(err)
	}
	return at
}

// fill connects until the queue is full: until a connection is not answered.
func fill(tb testing.TB, at netip.AddrPort) error {
	tb.Helper()
	d := net.Dialer{Timeout: 200 * time.Millisecond}
	for range 16 {
		c, err := d.DialContext(tb.Context(), "tcp", at.String())
		var timeout net.Error
		switch {
		case err == nil:
			tb.Cleanup(func() { c.Close() })
		case errors.As(err, &timeout) && timeout.Timeout():
			return nil
		default:
			return err
		}
	}
	return fmt.Errorf("filtered address %s: its queue does not fill", at)
}
