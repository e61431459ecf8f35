package epmd_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/erlang/epmd"
)

// serve has s answer on addr and gives host:port. All ends with the test.
func serve(t *testing.T, s *epmd.Server, addr string) (hostport string, l net.Listener) {
	t.Helper()
	l = listen(t, addr)
	done := make(chan error, 1)
	go func() { done <- s.Serve(t.Context(), l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String(), l
}

func register(t *testing.T, addr string, e epmd.Entry) *epmd.Registration {
	t.Helper()
	r, err := new(epmd.Client).Register(testContext(t), addr, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func names(t *testing.T, addr string) (got []string) {
	t.Helper()
	entries, err := new(epmd.Client).Names(testContext(t), addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%s:%d", e.Name, e.Port))
	}
	return got
}

func node(name string, port uint16) epmd.Entry {
	return epmd.Entry{Name: name, Port: port, Highest: 6, Lowest: 5}
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestRegisterAndAsk(t *testing.T) {
	var s epmd.Server
	addr, _ := serve(t, &s, "127.0.0.1")
	var client epmd.Client
	if _, err := client.Lookup(testContext(t), addr, "shop"); cause(err) != epmd.NotRegistered {
		t.Fatalf("before: %v", err)
	}
	shop := epmd.Entry{Name: "shop", Port: 9100, Hidden: true, Highest: 6, Lowest: 5, Extra: []byte("x\x00y")}
	r := register(t, addr, shop)
	got, err := client.Lookup(testContext(t), addr, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(shop, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	register(t, addr, node("later", 9101))
	if d := cmp.Diff([]string{"later:9101", "shop:9100"}, names(t, addr)); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	if _, err := client.Register(testContext(t), addr, node("shop", 1)); cause(err) != epmd.NameTaken {
		t.Errorf("second of the name: %v", err)
	}

	first := r.Creation
	if first < 4 {
		t.Errorf("creation %d is one of an old node", first)
	}
	r.Close()
	if r.Err() != nil {
		t.Errorf("closed by its holder: %v", r.Err())
	}
	eventually(t, "name given back", func() bool {
		_, err := client.Lookup(testContext(t), addr, "shop")
		return cause(err) == epmd.NotRegistered
	})
	if again := register(t, addr, shop); again.Creation == first {
		t.Errorf("both incarnations have creation %d", first)
	}
}

// Nodes of before OTP 23 know creations 1 to 3 only; they, too, must differ from one incarnation to the next.
func TestOldCreations(t *testing.T) {
	var s epmd.Server
	addr, _ := serve(t, &s, "127.0.0.1")
	last := uint32(0)
	for range 7 {
		r := register(t, addr, epmd.Entry{Name: "old", Port: 1, Highest: 5, Lowest: 5})
		if r.Creation < 1 || r.Creation > 3 || r.Creation == last {
			t.Fatalf("creation %d after %d", r.Creation, last)
		}
		last = r.Creation
		r.Close()
		eventually(t, "name given back", func() bool { return len(s.Snapshot()) == 0 })
	}
}

func TestRegistrationLost(t *testing.T) {
	var s epmd.Server
	addr, _ := serve(t, &s, "127.0.0.1")
	r := register(t, addr, node("shop", 1))
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	s.Close()
	<-r.Done()
	if cause(r.Err()) != epmd.Closed {
		t.Errorf("server gone: %v", r.Err())
	}
	r.Close()
}

func TestAdd(t *testing.T) {
	var s epmd.Server
	addr, _ := serve(t, &s, "127.0.0.1")
	remove, err := s.Add(netip.Addr{}, node("fake", 7))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(netip.Addr{}, node("fake", 8)); cause(err) != epmd.NameTaken {
		t.Errorf("second of the name: %v", err)
	}
	if _, err := s.Add(netip.Addr{}, node("", 8)); cause(err) != epmd.BadEntry {
		t.Errorf("empty name: %v", err)
	}
	if d := cmp.Diff([]string{"fake:7"}, names(t, addr)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	remove()
	remove()
	if got := names(t, addr); got != nil {
		t.Errorf("removed, but listed: %v", got)
	}
}

// ask sends bytes as they are and gives all that comes back.
func ask(t *testing.T, addr, send string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(deadline))
	io.WriteString(conn, send)
	b, _ := io.ReadAll(conn) // a reset is as good as an end
	return string(b)
}

func TestRefusedRequests(t *testing.T) {
	var s epmd.Server
	addr, _ := serve(t, &s, "127.0.0.1")
	register(t, addr, node("shop", 1))
	for name, c := range map[string][2]string{
		"kill":                {"\x00\x01k", "NO"},
		"dump":                {"\x00\x01d", ""},
		"stop":                {"\x00\x05sshop", ""},
		"unknown":             {"\x00\x01?", ""},
		"nothing":             {"\x00\x00", ""},
		"too long":            {"\xff\xff", ""},
		"HTTP":                {"GET / HTTP/1.1\r\n\r\n", ""},
		"port of a bad name":  {"\x00\x03z\xff\xff", ""},
		"name not allowed":    {"\x00\x0fx\x00\x01M\x00\x00\x06\x00\x06\x00\x02\xff\xff\x00\x00", "\x76\x01\x00\x00\x00\x63"},
		"taken":               {"\x00\x11x\x00\x01M\x00\x00\x06\x00\x06\x00\x04shop\x00\x00", "\x76\x01\x00\x00\x00\x63"},
		"taken, to old nodes": {"\x00\x11x\x00\x01M\x00\x00\x05\x00\x05\x00\x04shop\x00\x00", "\x79\x01\x00\x63"},
	} {
		if got := ask(t, addr, c[0]); got != c[1] {
			t.Errorf("%s: answered %q, want %q", name, got, c[1])
		}
	}
	if d := cmp.Diff([]string{"shop:1"}, names(t, addr)); d != "" {
		t.Errorf("after all that (-want +got):\n%s", d)
	}
}

// As with epmd, a registered node that sends anything more has given up its name.
func TestTalkEndsRegistration(t *testing.T) {
	var s epmd.Server
	addr, _ := serve(t, &s, "127.0.0.1")
	got := ask(t, addr, "\x00\x11x\x00\x01M\x00\x00\x06\x00\x06\x00\x04shop\x00\x00more")
	if len(got) != 6 || got[:2] != "\x76\x00" {
		t.Errorf("answered %q, want a creation", got)
	}
	eventually(t, "name given back", func() bool { return len(s.Snapshot()) == 0 })
}

func TestSlowAskersEnd(t *testing.T) {
	s := epmd.Server{Timeout: 30 * time.Millisecond}
	addr, _ := serve(t, &s, "127.0.0.1")
	for _, part := range []string{"", "\x00", "\x00\x05zsh"} {
		if got := ask(t, addr, part); got != "" {
			t.Errorf("%q was answered with %q", part, got)
		}
	}
	r := register(t, addr, node("shop", 1)) // the limit is for requests, not for registrations
	if got := ask(t, addr, "\x00"); got != "" || r.Err() != nil {
		t.Errorf("after another timeout: %q, %v", got, r.Err())
	}
}

func TestTooMany(t *testing.T) {
	s := epmd.Server{MaxConns: 2, MaxNames: 2, Timeout: deadline}
	addr, _ := serve(t, &s, "127.0.0.1")
	for i := range 2 { // registrations don't count as askers
		register(t, addr, node(fmt.Sprint("n", i), 1))
	}
	if _, err := new(epmd.Client).Register(testContext(t), addr, node("n3", 1)); cause(err) != epmd.NameTaken {
		t.Errorf("third name: %v", err)
	}
	var idle []net.Conn
	for range 2 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		idle = append(idle, conn)
	}
	eventually(t, "a third asker is turned away", func() bool {
		_, err := new(epmd.Client).Names(testContext(t), addr)
		return cause(err) == epmd.Closed
	})
	idle[0].Close()
	eventually(t, "there is room again", func() bool {
		_, err := new(epmd.Client).Names(testContext(t), addr)
		return err == nil
	})
}

func TestManyAtOnce(t *testing.T) {
	var s epmd.Server
	addr, _ := serve(t, &s, "127.0.0.1")
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			name := fmt.Sprint("node", i)
			r, err := new(epmd.Client).Register(testContext(t), addr, node(name, uint16(i)))
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			if e, err := new(epmd.Client).Lookup(testContext(t), addr, name); err != nil || int(e.Port) != i {
				t.Errorf("%s: port %d, error %v", name, e.Port, err)
			}
		})
	}
	all.Wait()
	eventually(t, "all gone", func() bool { return len(s.Snapshot()) == 0 })
}

func TestClosedServer(t *testing.T) {
	var s epmd.Server
	s.Close()
	l := listen(t, "127.0.0.1")
	if err := s.Serve(t.Context(), l); err != nil {
		t.Errorf("Serve after Close: %v", err)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("the listener is open")
	}
}
