package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/internal/host"
)

func TestBackoff(t *testing.T) {
	var b backoff
	var got []time.Duration
	for range 7 {
		got = append(got, b.next(time.Second))
	}
	s := time.Second
	if diff := cmp.Diff([]time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s}, got); diff != "" {
		t.Errorf("pauses after short lives (-want +got):\n%s", diff)
	}
	if p := b.next(ranWell); p != s {
		t.Errorf("after a good life: %v, want %v", p, s)
	}
}

func TestAddressPlan(t *testing.T) {
	w := network{slot: 7, app: "my-shop", service: "my-shop-headless", namespace: "prod"}
	for n := range maxPlaces {
		first, last := w.distPorts(n)
		for p := first; p <= last; p++ {
			if a, ok := w.owner(epmd.Entry{Port: uint16(p)}); !ok || a != w.addr(n) {
				t.Fatalf("port %d belongs to %v, want replica %d's %v", p, a, n, w.addr(n))
			}
		}
		if got, ok := w.ordinalOf(w.addr(n)); !ok || got != n {
			t.Errorf("%v is replica %d, %v; want %d", w.addr(n), got, ok, n)
		}
	}
	for _, port := range []uint16{4369, 9099, 9100 + 8*maxPlaces, 65535} {
		if a, ok := w.owner(epmd.Entry{Port: port}); ok {
			t.Errorf("port %d belongs to %v, want nobody", port, a)
		}
	}
	if got := w.podFQDN(0); got != "my-shop-0.my-shop-headless.prod.svc.cluster.local" {
		t.Errorf("name below the Service: %s", got)
	}
}

func TestOrdinal(t *testing.T) {
	for pod, want := range map[string]int{"tally-0": 0, "tally-12": 12, "tally-": -1, "tally-01": -1, "tally--1": -1, "tally": -1, "other-1": -1, "tally-x-1": -1} {
		n, ok := ordinal("tally", pod)
		if !ok {
			n = -1
		}
		if n != want {
			t.Errorf("ordinal of %q: %d, want %d", pod, n, want)
		}
	}
}

func TestOptionsRefuse(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Replicas: -1}, "-1 replicas"},
		{Options{Replicas: MaxReplicas + 1}, "1 to 50"},
		{Options{Identity: "fqdn"}, "address and stable"},
		{Options{Name: "Tally"}, "no name for an app"},
		{Options{Name: strings.Repeat("a", 41)}, "at most 40"},
		{Options{Namespace: "a.b"}, "no name for a namespace"},
		{Options{HTTPPort: 70000}, "no port"},
		{Options{Grace: -time.Second}, "negative"},
	} {
		if err := c.o.complete(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error with %q", c.o, err, c.want)
		}
	}
	o := Options{Name: "tally", Replicas: 2, Break: map[string]Fault{"tally-2": FaultDNS}}
	c, _, err := planOf(o, "tally")
	if err != nil {
		t.Fatal(err)
	}
	if err := (&engine{opts: o, cast: c}).checkBreak(); err == nil || !strings.Contains(err.Error(), "tally-0 … tally-1") {
		t.Errorf("a fault for a replica that is not there: %v", err)
	}
}

func TestParseBreak(t *testing.T) {
	if pod, f, err := ParseBreak("tally-2=cookie"); pod != "tally-2" || f != FaultCookie || err != nil {
		t.Errorf("tally-2=cookie: %s %s %v", pod, f, err)
	}
	for _, bad := range []string{"", "tally-2", "=cookie", "tally-2=", "tally-2=fire"} {
		if _, _, err := ParseBreak(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestRemoteHidesItsCookie(t *testing.T) {
	r := Remote{Path: "/r/bin/shop", Args: []string{"remote"}, Env: []string{"RELEASE_COOKIE=hush"}}
	for _, s := range []string{fmt.Sprint(r), fmt.Sprintf("%+v", r), fmt.Sprintf("%#v", r), r.String(), fmt.Sprintf("%v", &r)} {
		if strings.Contains(s, "hush") {
			t.Errorf("printed: %s", s)
		}
	}
	if b, err := r.MarshalJSON(); err == nil {
		t.Errorf("marshalled: %s", b)
	}
}

func TestLogRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	l, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	l.max = 100
	for i := range 30 {
		fmt.Fprintf(l, "line %02d\n", i)
	}
	l.Close()
	for _, p := range []string{path, path + ".1"} {
		fi, err := os.Stat(p)
		if err != nil || fi.Size() > 100 || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want at most 100 bytes and mode 0600", p, fi, err)
		}
	}
	b, _ := os.ReadFile(path)
	if !bytes.HasSuffix(b, []byte("line 29\n")) {
		t.Errorf("the file ends in %q", b)
	}
}

func TestLines(t *testing.T) {
	var got []string
	w := &lineWriter{each: func(l []byte) { got = append(got, string(l)) }}
	for _, part := range []string{"a", "b\nc\r\n", "\n", strings.Repeat("x", maxLine+3), "y\nend"} {
		io.WriteString(w, part)
	}
	w.flush()
	want := []string{"ab", "c", "", strings.Repeat("x", maxLine), "xxxy", "end"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// stuck is a terminal that takes nothing until it is let go.
type stuck struct {
	go_ chan struct{}
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.go_
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func TestStoppedTerminalHoldsNobodyUp(t *testing.T) {
	out := &stuck{go_: make(chan struct{})}
	s := newScreen(out, true)
	for range maxWaiting + 100 {
		s.line("shop-0", 0, 6, []byte("hello"))
	}
	close(out.go_)
	s.close()
	out.mu.Lock()
	defer out.mu.Unlock()
	text := out.buf.String()
	if !strings.Contains(text, "lines left out") || !strings.Contains(text, "shop-0 |\x1b[0m hello") {
		t.Errorf("shown: %.100q … %.100q", text, text[len(text)-100:])
	}
}

func TestOneEngineForAName(t *testing.T) {
	root := t.TempDir()
	a, b := openState(root, "shop"), openState(root, "shop")
	if err := a.acquire(); err != nil {
		t.Fatal(err)
	}
	if err := b.acquire(); !errors.Is(err, errRunning) {
		t.Errorf("a second engine: %v, want errRunning", err)
	}
	if !b.held() {
		t.Error("the instance is not held")
	}
	// What a crash leaves: files without a lock.
	for _, f := range []string{"engine.json", "control.sock", "cookie"} {
		os.WriteFile(a.path(f), []byte("{}"), 0o600)
	}
	a.lock.Close()
	if all, err := ListIn(root); err != nil || len(all) != 0 {
		t.Errorf("a crashed engine is listed: %v %v", all, err)
	}
	if err := b.acquire(); err != nil {
		t.Fatalf("after a crash: %v", err)
	}
	for _, f := range []string{"engine.json", "control.sock", "cookie"} {
		if host.Exists(b.path(f)) {
			t.Errorf("%s of the crashed engine is still there", f)
		}
	}
	b.release()
	if b.held() {
		t.Error("held after release")
	}
}

func TestControlSocketInADeepDirectory(t *testing.T) {
	s := openState(filepath.Join(t.TempDir(), strings.Repeat("d", 120)), "shop")
	if err := s.acquire(); err != nil {
		t.Fatal(err)
	}
	defer s.release()
	ln, err := s.listenControl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := s.dialControl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if fi, err := os.Stat(s.path(controlSocket)); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v %v, want mode 0600", fi, err)
	}
}
