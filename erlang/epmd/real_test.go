package epmd_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/internal/beamtest"
)

const cookie beamtest.Cookie = "of-the-tests-of-epmd"

// Our client gets along with the epmd program of every generation.
func TestClientOfRealEPMD(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			addr := o.RealEPMD(t)
			var client epmd.Client
			if got := names(t, addr); got != nil {
				t.Fatalf("names before: %v", got)
			}
			want := epmd.Entry{Name: "shöp", Port: 9100, Hidden: true, Highest: 6, Lowest: 5, Extra: []byte("x\x00y")}
			r := register(t, addr, want)
			if r.Creation == 0 {
				t.Error("creation 0")
			}
			got, err := client.Lookup(testContext(t), addr, want.Name)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			register(t, addr, node("other", 1))
			if d := cmp.Diff([]string{"other:1", "shöp:9100"}, names(t, addr)); d != "" {
				t.Errorf("names (-want +got):\n%s", d)
			}
			if _, err := client.Lookup(testContext(t), addr, "nobody"); cause(err) != epmd.NotRegistered {
				t.Errorf("unknown name: %v", err)
			}
			if _, err := client.Register(testContext(t), addr, want); cause(err) != epmd.NameTaken {
				t.Errorf("second of the name: %v", err)
			}
			r.Close()
			eventually(t, "name given back", func() bool { return len(names(t, addr)) == 1 })
		})
	}
}

// alive2 is an ALIVE2_REQ with the lengths that are claimed, which need not be true.
func alive2(highest byte, nameLen int, name string, extraLen int, extra string) string {
	body := "x\x23\x8cM\x00\x00" + string([]byte{highest}) + "\x00\x05" + size(nameLen) + name + size(extraLen) + extra
	return size(len(body)) + body
}

func size(n int) string { return string([]byte{byte(n >> 8), byte(n)}) }

func sized(body string) string { return size(len(body)) + body }

// Byte for byte our server answers what the epmd program does, to proper requests and to improper ones.
func TestServerAnswersAsRealEPMD(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 255)
	requests := map[string]string{
		"names":                sized("n"),
		"names with more":      sized("nothing"),
		"known":                sized("zshop"),
		"known, ends in zero":  sized("zshop\x00"),
		"unknown":              sized("znobody"),
		"part of a name":       sized("zsho"),
		"name too long":        sized("z" + long + "n"), // epmd does not even answer for 255, with which one can register
		"no name":              sized("z"),
		"a zero in the name":   sized("zsh\x00op"),
		"not UTF-8":            sized("z\xff\xfe"),
		"taken":                alive2(6, 4, "shop", 0, ""),
		"taken, of old nodes":  alive2(5, 4, "shop", 0, ""),
		"register too long":    alive2(6, 256, long+"n", 0, ""),
		"register no UTF-8":    alive2(6, 2, "\xff\xfe", 0, ""),
		"register a zero":      alive2(6, 3, "a\x00b", 0, ""),
		"register nothing":     alive2(6, 0, "", 0, ""),
		"name length lies":     alive2(6, 40, "shop", 0, ""),
		"extra length lies":    alive2(6, 4, "best", 9, "x"),
		"kill with live nodes": sized("k"),
		"stop":                 sized("sshop"),
		"unknown request":      sized("?"),
		"old ALIVE":            sized("a\x23\x8cshop"),
		"empty":                "\x00\x00",
		"huge":                 "\xff\xff",
		"cut":                  "\x00\x05zsh",
	}
	var ours epmd.Server
	addr, _ := serve(t, &ours, "127.0.0.1")
	register(t, addr, node("shop", 9100))
	stock := beamtest.Host(t).RealEPMD(t)
	register(t, stock, node("shop", 9100))
	for name, request := range requests {
		got, want := ask2(t, addr, request), ask2(t, stock, request)
		if got != want {
			t.Errorf("%s (%q): answered %q, epmd answers %q", name, request, got, want)
		}
	}
}

// ask2 sends a request and its end, so that nobody waits for the rest of a cut one, and gives the answer without the
// port of EPMD in front of a listing.
func ask2(t *testing.T, addr, send string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(deadline))
	io.WriteString(conn, send)
	conn.(*net.TCPConn).CloseWrite()
	b, _ := io.ReadAll(conn)
	if at := strings.Index(string(b), "name "); at == 4 {
		return string(b[4:])
	}
	return string(b)
}

// Real nodes register with our server; several of one name, each on an address of its own.
func TestRealNodes(t *testing.T) {
	t.Parallel()
	otps := append(beamtest.OTPs(t), beamtest.Host(t))
	slot := beamtest.FreeSlot(t)
	e := slot.EPMD(t, len(otps)+1)
	var nodes []*beamtest.Node
	for i, o := range otps {
		n := o.StartNode(t, e.Options("app", i, cookie))
		first, _ := slot.Ports(i)
		if n.Port != first {
			t.Errorf("%s listens on %d, want %d", n.Name, n.Port, first)
		}
		nodes = append(nodes, n)
	}
	var client epmd.Client
	for i, n := range nodes {
		entry, err := client.Lookup(testContext(t), e.At(i), "app")
		if err != nil || entry.Port != n.Port || entry.Highest != 6 {
			t.Errorf("%s: %+v, %v", n.Name, entry, err)
		}
	}
	empty := len(otps)
	if _, err := client.Lookup(testContext(t), e.At(empty), "app"); cause(err) != epmd.NotRegistered {
		t.Errorf("an address without a node: %v", err)
	}

	// What the nodes themselves are told.
	for i, n := range nodes {
		for j, m := range nodes {
			ask := fmt.Sprintf("erl_epmd:port_please(\"app\", %s)", tuple(slot, j))
			if got, want := n.Eval(t, ask), fmt.Sprintf("{port,%d,6}", m.Port); got != want {
				t.Errorf("%s on %s: %s = %s, want %s", n.Name, otps[i], ask, got, want)
			}
			ask = fmt.Sprintf("erl_epmd:names(%s)", tuple(slot, j))
			if got, want := n.Eval(t, ask), fmt.Sprintf("{ok,[{\"app\",%d}]}", m.Port); got != want {
				t.Errorf("%s: %s = %s, want %s", n.Name, ask, got, want)
			}
		}
		ask := fmt.Sprintf("erl_epmd:port_please(\"app\", %s)", tuple(slot, empty))
		if got := n.Eval(t, ask); got != "noport" {
			t.Errorf("%s: %s = %s, want noport", n.Name, ask, got)
		}
		if got := n.Eval(t, "{ok, All} = erl_epmd:names({127,0,0,1}), length(All)"); got != fmt.Sprint(len(nodes)) {
			t.Errorf("%s counts %s nodes on 127.0.0.1, want %d", n.Name, got, len(nodes))
		}
	}
	// Creations tell incarnations apart, so no two may be alike.
	seen := map[uint32]bool{}
	for _, r := range e.Snapshot() {
		if seen[r.Creation] || r.Creation < 4 {
			t.Errorf("%s of %s has creation %d", r.Name, r.Owner, r.Creation)
		}
		seen[r.Creation] = true
	}

	// A second node of the same name on the same address is refused, as ever.
	twin := e.Options("app", 0, cookie)
	if n, err := otps[0].TryNode(t, twin); err == nil {
		t.Errorf("%s booted twice", n.Name)
	}

	// A node that ends gives back its name, and the address that had it stays empty.
	nodes[0].Stop(t)
	eventually(t, "the name of a node that ended is free", func() bool {
		_, err := client.Lookup(testContext(t), e.At(0), "app")
		return cause(err) == epmd.NotRegistered
	})
	otps[0].StartNode(t, e.Options("app", 0, cookie))
}

// tuple is the address of replica i as Erlang writes it.
func tuple(s beamtest.Slot, i int) string {
	return "{" + strings.ReplaceAll(s.Addr(i).String(), ".", ",") + "}"
}

// The epmd program as a client of our server.
func TestEPMDProgramAsks(t *testing.T) {
	t.Parallel()
	e := beamtest.FreeSlot(t).EPMD(t, 0)
	if _, err := e.Add(netip.Addr{}, node("shop", 9100)); err != nil {
		t.Fatal(err)
	}
	out := beamtest.Host(t).Run(t, "epmd", "-port", fmt.Sprint(e.Port), "-names")
	if want := fmt.Sprintf("epmd: up and running on port %d with data:\nname shop at port 9100\n", e.Port); out != want {
		t.Errorf("epmd -names printed %q, want %q", out, want)
	}
}
