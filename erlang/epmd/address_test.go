package epmd_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/phialdev/phial/erlang/epmd"
)

// replicas gives three addresses of one machine, their listeners, and a server that knows replica i by ports 9100+10i.
func replicas(t *testing.T, strict bool) (s *epmd.Server, local string, at []string, ls []net.Listener) {
	t.Helper()
	addrs := []netip.Addr{netip.MustParseAddr("127.78.1.1"), netip.MustParseAddr("127.78.1.2"), netip.MustParseAddr("127.78.1.3")}
	s = &epmd.Server{Owner: func(e epmd.Entry) (netip.Addr, bool) {
		if i := (int(e.Port) - 9100) / 10; e.Port >= 9100 && i < len(addrs) {
			return addrs[i], true
		}
		return netip.Addr{}, false
	}}
	if strict {
		s.Replica = func(a netip.Addr) bool { return strings.HasPrefix(a.String(), "127.78.1.") }
	}
	local, _ = serve(t, s, "127.0.0.1")
	for _, a := range addrs {
		hostport, l := serve(t, s, a.String())
		at, ls = append(at, hostport), append(ls, l)
	}
	return s, local, at, ls
}

func TestPerAddress(t *testing.T) {
	s, local, at, ls := replicas(t, true)
	var client epmd.Client
	regs := []*epmd.Registration{
		register(t, local, node("app", 9100)), register(t, local, node("app", 9110)), register(t, local, node("rpc_1", 9111)),
	}
	if _, err := client.Register(testContext(t), local, node("app", 9117)); cause(err) != epmd.NameTaken {
		t.Errorf("a second app of one replica: %v", err)
	}
	outside := register(t, local, node("app", 5000)) // of no replica

	for i, want := range []uint16{9100, 9110} {
		e, err := client.Lookup(testContext(t), at[i], "app")
		if err != nil || e.Port != want {
			t.Errorf("app at %s: port %d, error %v, want %d", at[i], e.Port, err, want)
		}
	}
	if _, err := client.Lookup(testContext(t), at[0], "rpc_1"); cause(err) != epmd.NotRegistered {
		t.Errorf("another replica's name: %v", err)
	}
	if _, err := client.Lookup(testContext(t), at[2], "app"); cause(err) != epmd.NotRegistered {
		t.Errorf("a replica that has not registered: %v", err)
	}
	if e, err := client.Lookup(testContext(t), local, "app"); err != nil || e.Port != 9100 {
		t.Errorf("app on 127.0.0.1: port %d, error %v, want the first", e.Port, err)
	}
	for i, want := range [][]string{{"app:9100"}, {"rpc_1:9111", "app:9110"}, nil} {
		if d := cmp.Diff(want, names(t, at[i])); d != "" {
			t.Errorf("names at %s (-want +got):\n%s", at[i], d)
		}
	}
	if d := cmp.Diff([]string{"app:5000", "rpc_1:9111", "app:9110", "app:9100"}, names(t, local)); d != "" {
		t.Errorf("names on 127.0.0.1 (-want +got):\n%s", d)
	}
	want := []epmd.Registered{
		{Entry: node("app", 5000), Creation: outside.Creation},
		{Entry: node("rpc_1", 9111), Owner: netip.MustParseAddr("127.78.1.2"), Creation: regs[2].Creation},
		{Entry: node("app", 9110), Owner: netip.MustParseAddr("127.78.1.2"), Creation: regs[1].Creation},
		{Entry: node("app", 9100), Owner: netip.MustParseAddr("127.78.1.1"), Creation: regs[0].Creation},
	}
	if d := cmp.Diff(want, s.Snapshot(), cmpopts.IgnoreUnexported(epmd.Registered{}), cmpopts.EquateComparable(netip.Addr{})); d != "" {
		t.Errorf("snapshot (-want +got):\n%s", d)
	}

	// One address loses its EPMD: what was registered stays, also what came in by that very listener.
	ls[1].Close()
	eventually(t, "listener gone", func() bool {
		_, err := client.Names(testContext(t), at[1])
		return cause(err) == epmd.Refused
	})
	if d := cmp.Diff([]string{"app:5000", "rpc_1:9111", "app:9110", "app:9100"}, names(t, local)); d != "" {
		t.Errorf("names after a listener closed (-want +got):\n%s", d)
	}
	for _, r := range regs {
		if r.Err() != nil {
			t.Errorf("registration lost: %v", r.Err())
		}
	}
	again, err := net.Listen("tcp", at[1])
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(t.Context(), again)
	eventually(t, "listener back", func() bool {
		e, err := client.Lookup(testContext(t), at[1], "app")
		return err == nil && e.Port == 9110
	})
}

func TestRegistrationOutlivesItsListener(t *testing.T) {
	_, local, at, ls := replicas(t, true)
	register(t, at[0], node("app", 9110)) // came in by one address, belongs to another
	ls[0].Close()
	if d := cmp.Diff([]string{"app:9110"}, names(t, at[1])); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"app:9110"}, names(t, local)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Without Replica an address is taken for a replica's once it has owned a name.
func TestReplicaByItsPast(t *testing.T) {
	_, local, at, _ := replicas(t, false)
	register(t, local, node("app", 9100))
	if d := cmp.Diff([]string{"app:9100"}, names(t, at[1])); d != "" {
		t.Errorf("an address that never owned a name (-want +got):\n%s", d)
	}
	r := register(t, local, node("app", 9110))
	if d := cmp.Diff([]string{"app:9110"}, names(t, at[1])); d != "" {
		t.Errorf("an owner (-want +got):\n%s", d)
	}
	r.Close()
	eventually(t, "its name is gone", func() bool { return len(names(t, local)) == 1 })
	if d := cmp.Diff([]string(nil), names(t, at[1])); d != "" {
		t.Errorf("an address that has owned a name (-want +got):\n%s", d)
	}
}
