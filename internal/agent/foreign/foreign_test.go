package foreign

import (
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
)

const cookie = "a-cookie-that-must-not-be-seen"

// Nodes say their own names: the task has nothing but addresses.
func TestLookAtNodesThatNameThemselves(t *testing.T) {
	m := erltest.StartMesh(t, erltest.MeshOptions{Size: 3, Cookie: dist.NewCookie(cookie)})
	names := m.Names()
	m.Cut(names[1], names[2])
	task := Task{EPMDPort: m.EPMD.Port(), TimeoutMS: 10_000}
	_, host, _ := strings.Cut(names[0], "@")
	for _, n := range names {
		base, h, _ := strings.Cut(n, "@")
		task.Pods = append(task.Pods, Pod{Name: "pod-" + base, IP: h, Node: n})
	}
	a, err := Look(t.Context(), task, dist.NewCookie(cookie))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Report.Nodes) != 3 || a.Report.Links.Up != 2 || len(a.Report.Findings) == 0 {
		t.Errorf("seen: %+v", a.Report)
	}
	for _, n := range names {
		base, _, _ := strings.Cut(n, "@")
		if a.Pods[n] != "pod-"+base {
			t.Errorf("%s is in %q", n, a.Pods[n])
		}
	}
	text, err := json.Marshal(a)
	if err != nil || strings.Contains(string(text), cookie) {
		t.Errorf("the answer: %v %s", err, text)
	}

	// Without a word of the spec, all names of the EPMD are asked.
	task.Pods = []Pod{{Name: "pod", IP: host}}
	got := task.nodes(t.Context(), task.Pods[0])
	if slices.Sort(got); !slices.Equal(got, names) {
		t.Errorf("the pod has %v, want %v", got, names)
	}
}

func TestNamesOfNodesThatCannotBeAsked(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close() // nothing listens there
	pod := func(node string) Pod { return Pod{Name: "shop-0", IP: "127.0.0.1", Node: node} }
	for _, tt := range []struct {
		task Task
		pod  Pod
		want string
	}{
		{Task{}, pod("shop@shop-0.shop.prod.svc.cluster.local"), "shop@shop-0.shop.prod.svc.cluster.local"},
		{Task{Base: "store"}, pod("shop@10.0.0.7"), "store@127.0.0.1"},
		{Task{Base: "store", Template: "{base}@{pod}.store"}, pod(""), "store@shop-0.store"},
		{Task{}, pod(""), "shop-0@127.0.0.1"},
		{Task{DistPort: port, Base: "store"}, pod(""), "store@127.0.0.1"},
	} {
		tt.task.EPMDPort = port
		if got := tt.task.nodes(t.Context(), tt.pod); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%+v of %+v: %v, want %s", tt.task, tt.pod, got, tt.want)
		}
	}
}

func TestOneNodeAmongSeveral(t *testing.T) {
	bases := []string{"admin", "shop"}
	for _, tt := range []struct {
		base, node string
		want       []string
	}{
		{"", "", bases},
		{"admin", "shop@10.0.0.7", []string{"admin"}},
		{"", "shop@10.0.0.7", []string{"shop"}},
		{"", "other@10.0.0.7", bases},
		{"none", "shop@10.0.0.7", nil},
	} {
		if got := (Task{Base: tt.base}).meant(bases, Pod{Node: tt.node}); !slices.Equal(got, tt.want) {
			t.Errorf("base %q, node %q: %v, want %v", tt.base, tt.node, got, tt.want)
		}
	}
}

func TestLookNeedsPods(t *testing.T) {
	if _, err := Look(t.Context(), Task{}, dist.NewCookie(cookie)); err == nil {
		t.Error("a look at nothing")
	}
}
