package plan_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/testkit"
)

const tally = "../../examples/tally"

// A kubelet starts releases with exactly the environment and the files that a plan gives
// their pods. The paths are those of directories of the test's own. What a network
// namespace does for a pod, an address of the test's own does here: it listens on that,
// and asks the test's own EPMD.
type kubelet struct {
	otp     beamtest.OTP
	release string
	cookie  beamtest.Cookie
	tls     map[string][]byte // the Secret
	epmd    *beamtest.EPMD    // nil without
	inetrc  string            // where names are looked up
	vmArgs  string            // the release's vm.args, in place of tally's
	more    []string          // what the image sets
}

// A started pod, and what a tool in it has for environment.
type started struct {
	*beamtest.Node
	program string
	env     []string
}

func (k kubelet) start(t *testing.T, p *plan.Plan, pod string, addr netip.Addr) started {
	t.Helper()
	dirs, put := k.directories(t)
	put(plan.PathCookie, plan.CookieKey, []byte(k.cookie))
	for name, content := range k.tls {
		put(plan.PathTLS, name, content)
	}
	if p.ConfigMap != nil {
		for name, content := range p.ConfigMap.Data {
			put(plan.PathVM, name, []byte(dirs.Replace(content)))
		}
	}
	values := map[string]string{
		"metadata.name": pod, "metadata.namespace": "prod", "status.podIP": addr.String(), plan.CookieKey: string(k.cookie),
	}
	env := map[string]string{}
	var list []string
	for _, e := range p.PodTemplate().Spec.Containers[0].Env {
		v := e.Value
		switch from := e.ValueFrom; {
		case from == nil:
		case from.FieldRef != nil:
			v = values[from.FieldRef.FieldPath]
		case from.SecretKeyRef != nil:
			v = values[from.SecretKeyRef.Key]
		}
		v = regexp.MustCompile(`\$\([A-Z_]+\)`).ReplaceAllStringFunc(v, func(ref string) string {
			if value, ok := env[strings.Trim(ref, "$()")]; ok {
				return value
			}
			return ref // as the kubelet leaves what it does not know
		})
		env[e.Name] = dirs.Replace(v)
		list = append(list, e.Name+"="+env[e.Name])
	}

	opts := beamtest.NodeOptions{
		Name: env["RELEASE_NODE"], Cookie: k.cookie, Release: k.release, Inetrc: k.inetrc, Addr: addr,
		ExtraArgs: strings.Fields(env["ERL_AFLAGS"]), // beamtest needs the variable for itself as well
	}
	listens := fmt.Sprintf("-start_epmd false -kernel inet_dist_use_interface %s %s", tuple(addr), env["ERL_AFLAGS"])
	if strings.Contains(env["ELIXIR_ERL_OPTIONS"], "inet_dist_use_interface") {
		opts.Addr = netip.MustParseAddr("127.0.0.1")
		listens = "-start_epmd false"
	}
	if k.epmd != nil {
		opts.EPMDPort = k.epmd.Port
		list = append(list, fmt.Sprintf("ERL_EPMD_PORT=%d", k.epmd.Port))
	}
	if k.vmArgs != "" {
		put(plan.PathTmp, "vm.args", []byte(k.vmArgs))
		list = append(list, "RELEASE_VM_ARGS="+dirs.Replace(plan.PathTmp)+"/vm.args")
	}
	list = append(list, k.more...)
	opts.Env = slices.DeleteFunc(slices.Clone(list), func(e string) bool { return strings.HasPrefix(e, "ERL_AFLAGS=") })
	s := started{Node: k.otp.StartNode(t, opts), program: filepath.Join(k.otp.Root, k.release, "bin/tally")}
	if k.inetrc != "" {
		put(plan.PathTmp, "inetrc", []byte(k.inetrc))
		list = append(list, "ERL_INETRC="+dirs.Replace(plan.PathTmp)+"/inetrc")
	}
	s.env = append(list, "PATH="+os.Getenv("PATH"), "ERL_AFLAGS="+listens)
	return s
}

// directories stand for the pod's volumes.
func (k kubelet) directories(t *testing.T) (inside *strings.Replacer, put func(path, name string, content []byte)) {
	t.Helper()
	root, err := os.MkdirTemp(filepath.Join(k.otp.Root, "/tmp"), fmt.Sprintf("phial-%d-pod-", os.Getpid())) //nolint:usetesting // inside the OTP's own system
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	var pairs []string
	for _, path := range []string{plan.PathVM, plan.PathTLS, plan.PathCookie, plan.PathCrash, plan.PathTmp} {
		dir := filepath.Join(root, strings.ReplaceAll(path, "/", "-"))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, path, strings.TrimPrefix(dir, k.otp.Root))
	}
	inside = strings.NewReplacer(pairs...)
	return inside, func(path, name string, content []byte) {
		if err := os.WriteFile(filepath.Join(k.otp.Root, inside.Replace(path), name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// tool runs bin/tally with the pod's own environment, as kubectl exec does.
func (s started) tool(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), s.program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, &out, &errOut
	if err := testkit.Supervised(cmd, cmd.Run); err != nil {
		t.Fatalf("bin/tally %s: %v\n%s%s", args[0], err, out.String(), errOut.String())
	}
	return strings.TrimSpace(out.String())
}

// works asserts the name, and that tools get in.
func (s started) works(t *testing.T, name string) {
	t.Helper()
	if s.Name != name {
		t.Errorf("the node is %s, want %s", s.Name, name)
	}
	if got := s.tool(t, "rpc", "IO.puts node()"); got != name {
		t.Errorf("bin/tally rpc on %s says %q", name, got)
	}
	if got := s.tool(t, "pid"); got != fmt.Sprint(s.Pid) {
		t.Errorf("bin/tally pid says %q, want %d", got, s.Pid)
	}
}

func tuple(a netip.Addr) string {
	if a.Is6() {
		return "{0,0,0,0,0,0,0,1}"
	}
	return "{" + strings.ReplaceAll(a.String(), ".", ",") + "}"
}

// listening is where the node's distribution listens, as ss would say.
const listening = `hd([inet:sockname(P) || P <- erlang:ports(), {name, "tcp_inet"} <- [erlang:port_info(P, name)],
	{ok, {_, Port}} <- [inet:sockname(P)], Port >= %d, Port =< %d, element(1, inet:peername(P)) =:= error])`

func tallyApp(change func(*v1alpha1.BeamAppSpec)) *v1alpha1.BeamApp {
	app := &v1alpha1.BeamApp{}
	app.Name = "tally"
	app.Spec.Image = "tally:1.0.0"
	app.Spec.HTTP = &v1alpha1.HTTPSpec{}
	app.Spec.Clustered = &v1alpha1.ClusteredSpec{}
	change(&app.Spec)
	return app
}

func planned(t *testing.T, app *v1alpha1.BeamApp) *plan.Plan {
	t.Helper()
	p, err := plan.New(app, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The node has the name, the ports and the limits that the plan says, whatever the
// image's own vm.args and flags say, and tools beside it work.
func TestEnvironmentWinsAndTheToolsWork(t *testing.T) {
	t.Parallel()
	p := planned(t, tallyApp(func(s *v1alpha1.BeamAppSpec) {
		s.VM = v1alpha1.VMSpec{MaxPorts: 16384, BusyWait: v1alpha1.BusyWaitNever, Flags: []string{"+P 262144"}}
		s.Clustered.Distribution.NetTicktimeSeconds = new(int32(25))
	}))
	for _, otp := range append([]beamtest.OTP{beamtest.Host(t)}, beamtest.OTPs(t)[1:]...) {
		t.Run(otp.String(), func(t *testing.T) {
			t.Parallel()
			slot := beamtest.FreeSlot(t)
			k := kubelet{otp: otp, release: otp.BuildRelease(t, tally), cookie: "of-a-plan", epmd: slot.EPMD(t, 1)}
			k.vmArgs = "+Q 2048\n-kernel inet_dist_listen_min 9990 inet_dist_listen_max 9990 net_ticktime 45\n"
			k.more = []string{"ERL_FLAGS=+Q 1024 +P 100000 -kernel net_ticktime 50"}
			addr := slot.Addr(0)
			n := k.start(t, p, "tally-7d9f-x2x", addr)
			if otp.Root == "" {
				n.works(t, "tally@"+addr.String())
			}
			if n.Port != 9100 {
				t.Errorf("EPMD says port %d, want the first of the range", n.Port)
			}
			for expr, want := range map[string]string{
				"node()":                            "'tally@" + addr.String() + "'",
				"erlang:system_info(port_limit)":    "16384",
				"erlang:system_info(process_limit)": "262144",
				"net_kernel:get_net_ticktime()":     "25",
				`os:getenv("PORT")`:                 `"4000"`,
				"file:native_name_encoding()":       "utf8",
			} {
				if got := n.Eval(t, expr); got != want {
					t.Errorf("%s is %s, want %s", expr, got, want)
				}
			}
		})
	}
}

// A Stable node is named after its host, and finds itself by it.
func TestStableNameWorks(t *testing.T) {
	t.Parallel()
	host := beamtest.Host(t)
	slot := beamtest.FreeSlot(t)
	addr := slot.Addr(0)
	const name = "tally-0.tally-headless.prod.svc.cluster.local"
	k := kubelet{
		otp: host, release: host.BuildRelease(t, tally), cookie: "of-a-plan", epmd: slot.EPMD(t, 1),
		inetrc: fmt.Sprintf("{hosts_file,\"\"}.\n{host,%s,[%q]}.\n{lookup,[file]}.\n", tuple(addr), name),
	}
	p := planned(t, tallyApp(func(s *v1alpha1.BeamAppSpec) { s.Clustered.Identity = v1alpha1.Stable }))
	k.start(t, p, "tally-0", addr).works(t, "tally@"+name)
}

// What is in no mesh is a node all the same, for the tools beside it, and for nobody else.
func TestStatelessListensOnLoopbackAlone(t *testing.T) {
	t.Parallel()
	host := beamtest.Host(t)
	slot := beamtest.FreeSlot(t)
	k := kubelet{otp: host, release: host.BuildRelease(t, tally), cookie: "of-a-plan", epmd: slot.EPMD(t, 1)}
	app := tallyApp(func(s *v1alpha1.BeamAppSpec) { s.Type, s.Clustered = v1alpha1.Stateless, nil })
	n := k.start(t, planned(t, app), "tally-7d9f-x2x", slot.Addr(0))
	n.works(t, "tally@127.0.0.1")
	if n.Port < 9100 || n.Port > 9107 {
		t.Errorf("it listens on %d, want one of 9100 to 9107", n.Port)
	}
	at := n.Eval(t, fmt.Sprintf(listening, 9100, 9107))
	if want := fmt.Sprintf("{ok,{{127,0,0,1},%d}}", n.Port); at != want {
		t.Errorf("it listens at %s, want %s", at, want)
	}
}

// Without EPMD all nodes listen on the one port, meet there, and tools listen nowhere.
func TestEPMDLess(t *testing.T) {
	t.Parallel()
	host := beamtest.Host(t)
	slot := beamtest.FreeSlot(t)
	k := kubelet{otp: host, release: host.BuildRelease(t, tally), cookie: "of-a-plan"}
	k.more = []string{"ERL_EPMD_PORT=1"} // nobody is there, and nobody may ask
	p := planned(t, tallyApp(func(s *v1alpha1.BeamAppSpec) { s.Clustered.Distribution.EPMD = v1alpha1.Disabled }))
	a, b := k.start(t, p, "tally-a", slot.Addr(0)), k.start(t, p, "tally-b", slot.Addr(1))
	for i, n := range []started{a, b} {
		n.works(t, "tally@"+slot.Addr(i).String())
		if at, want := n.Eval(t, fmt.Sprintf(listening, 9100, 9107)), fmt.Sprintf("{ok,{%s,9100}}", tuple(slot.Addr(i))); at != want {
			t.Errorf("it listens at %s, want %s", at, want)
		}
	}
	a.Eventually(t, fmt.Sprintf("net_adm:ping('%s')", b.Name), "pong")
}
