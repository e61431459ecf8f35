package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/phialdev/phial/internal/beam"
)

// asker gives the answer of one probe.
type asker func(ctx context.Context) (status int, text string, err error)

// byClient asks as the kubelet does, by net/http, whose own hand-overs between goroutines
// are in the time then.
func byClient(c *http.Client, addr string) asker {
	return func(ctx context.Context) (int, string, error) { return ask(ctx, c, addr, beam.AgentReadyPath) }
}

// bySocket asks with blocking calls of one thread, a connection for each: what is left is
// the server's time and the kernel's.
func bySocket(addr string) (asker, error) {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		addr = net.JoinHostPort(addr, strconv.Itoa(beam.AgentProbePort))
	}
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", beam.AgentReadyPath, addr)
	return func(context.Context) (int, string, error) {
		answer, err := exchange(to, request)
		if err != nil {
			return 0, "", fmt.Errorf("ask %s: %w", addr, err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(answer)), nil)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text), err
	}, nil
}

// exchange sends a request and reads until the other end closes, for at most two seconds a
// call. It waits in the kernel as a thread of C would: were Go told of it, the time would
// have its scheduler's hand-overs in it.
func exchange(to netip.AddrPort, request []byte) ([]byte, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer syscall.Close(fd) //nolint:errcheck // what was read was read
	for _, opt := range []int{syscall.SO_RCVTIMEO, syscall.SO_SNDTIMEO} {
		if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, opt, &syscall.Timeval{Sec: 2}); err != nil {
			return nil, err
		}
	}
	if err := connect(fd, to); err != nil {
		return nil, err
	}
	if _, err := call(syscall.SYS_WRITE, fd, unsafe.Pointer(&request[0]), len(request)); err != nil {
		return nil, err
	}
	answer := make([]byte, 4<<10)
	for got := 0; got < len(answer); {
		n, err := call(syscall.SYS_READ, fd, unsafe.Pointer(&answer[got]), len(answer)-got)
		switch {
		case err != nil:
			return nil, err
		case n == 0:
			return answer[:got], nil
		default:
			got += n
		}
	}
	return nil, fmt.Errorf("an answer of more than %d bytes", len(answer))
}

// connect connects. Go's own signals interrupt calls; a connect that was goes on by itself.
func connect(fd int, to netip.AddrPort) error {
	addr := syscall.RawSockaddrInet4{Family: syscall.AF_INET, Addr: to.Addr().As4()}
	port := (*[2]byte)(unsafe.Pointer(&addr.Port)) // in the network's order
	port[0], port[1] = byte(to.Port()>>8), byte(to.Port())
	_, err := call(syscall.SYS_CONNECT, fd, unsafe.Pointer(&addr), syscall.SizeofSockaddrInet4)
	for errors.Is(err, syscall.EALREADY) {
		_, err = call(syscall.SYS_CONNECT, fd, unsafe.Pointer(&addr), syscall.SizeofSockaddrInet4)
	}
	if errors.Is(err, syscall.EISCONN) {
		return nil
	}
	return err
}

// call makes a call on a socket until no signal interrupts it.
func call(number uintptr, fd int, p unsafe.Pointer, n int) (int, error) {
	for {
		got, _, err := syscall.RawSyscall(number, uintptr(fd), uintptr(p), uintptr(n))
		switch err {
		case 0:
			return int(got), nil
		case syscall.EINTR:
		default:
			return 0, err
		}
	}
}
