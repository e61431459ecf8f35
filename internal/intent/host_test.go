package intent

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/mesh"
)

// stateful is the sound deployment as a StatefulSet.
var stateful = strings.NewReplacer("kind: Deployment", "kind: StatefulSet", "  replicas: 3\n", "  replicas: 3\n  serviceName: shop-headless\n").Replace(hand)

// pod adds a line to the pod's specification, and leaves its name to the start script.
func podWith(manifests, line string) string {
	manifests = strings.Replace(manifests, "        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n", "", 1)
	manifests = strings.Replace(manifests, "        - {name: RELEASE_DISTRIBUTION, value: name}\n", "", 1)
	if line == "" {
		return manifests
	}
	return strings.Replace(manifests, "      containers:\n", "      "+line+"\n      containers:\n", 1)
}

// What a start script asks its pod for: HOSTNAME and hostname alike.
func TestHost(t *testing.T) {
	const long = "export RELEASE_DISTRIBUTION=name\n"
	const full = "shop-0.shop-headless.prod.svc.cluster.local"
	deployed := "shop-0"
	for _, c := range []struct {
		name, manifests, line, script string
		node                          string // of the first replica; ? where it is not known
		code                          string // why there is none
	}{
		{"HOSTNAME", stateful, "", long + "export RELEASE_NODE=shop@${HOSTNAME}.shop-headless.prod.svc.cluster.local\n", "shop@" + full, ""},
		{"hostname", stateful, "", long + "export RELEASE_NODE=shop@$(hostname).shop-headless.prod.svc.cluster.local\n", "shop@" + full, ""},
		{"HOSTNAME of a Deployment", hand, "", long + "export RELEASE_NODE=shop-${HOSTNAME}@${POD_IP}\n", "shop-" + deployed + "@10.244.1.10", ""},
		{"hostname of a Deployment", hand, "", long + "export RELEASE_NODE=shop-$(hostname)@${POD_IP}\n", "shop-" + deployed + "@10.244.1.10", ""},
		{"spec.hostname", hand, "hostname: web", long + "export RELEASE_NODE=$HOSTNAME@${POD_IP}\n", "web@10.244.1.10", ""},
		{"on the machine's network", hand, "hostNetwork: true", long + "export RELEASE_NODE=shop-$HOSTNAME@${POD_IP}\n", "?", ""},
		{"on the machine's network, by hostname", hand, "hostNetwork: true", long + "export RELEASE_NODE=shop-$(hostname)@${POD_IP}\n", "?", ""},
		{"full for HOSTNAME", stateful, "setHostnameAsFQDN: true", long + "export RELEASE_NODE=shop@$HOSTNAME\n", "shop@" + full, ""},
		{"HOSTNAME of the manifest", strings.Replace(hand, "        env:\n", "        env:\n        - {name: HOSTNAME, value: me}\n", 1), "",
			long + "export RELEASE_NODE=$HOSTNAME@${POD_IP}\n", "me@10.244.1.10", ""},
		{"HOSTNAME that a ConfigMap may set", strings.Replace(hand, "        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n", 1), "",
			long + "export RELEASE_NODE=$HOSTNAME@${POD_IP}\n", "?", ""},
		{"an ordinal that a StatefulSet has", stateful, "", long + "case $HOSTNAME in *-0) export RELEASE_NODE=first@$POD_IP ;; *) export RELEASE_NODE=shop@$POD_IP ;; esac\n", "first@10.244.1.10", ""},
		{"hostname -i", hand, "", long + "export RELEASE_NODE=shop@$(hostname -i)\n", "shop@10.244.1.10", ""},
		{"hostname -i beside other names", hand, "hostAliases: [{ip: 10.0.0.1, hostnames: [db]}]", long + "export RELEASE_NODE=shop@$(hostname -i)\n", "?", ""},
		{"hostname -i of two families", strings.Replace(hand, "  clusterIP: None\n", "  clusterIP: None\n  ipFamilyPolicy: RequireDualStack\n", 1), "",
			long + "export RELEASE_NODE=shop@$(hostname -i)\n", "?", ""},
		{"long without a host, of a Deployment", hand, "", long + "export RELEASE_NODE=shop\n", "", "NAM-16"},
		{"long without a name, of a Deployment", hand, "", long, "", "NAM-16"},
		{"long without a host, of a StatefulSet", stateful, "", long + "export RELEASE_NODE=shop\n", "shop@" + full, ""},
		{"long without a host, below a Service", hand, "subdomain: shop-headless", long + "export RELEASE_NODE=shop\n", "shop@" + deployed + ".shop-headless.prod.svc.cluster.local", ""},
		{"long without a host, on the machine's network", hand, "hostNetwork: true", long + "export RELEASE_NODE=shop\n", "?", ""},
		{"long without a host, with a domain of its own", strings.Replace(hand, "        env:\n", "        env:\n        - {name: ERL_INETRC, value: /app/inetrc}\n", 1), "", long + "export RELEASE_NODE=shop\n", "?", ""},
		{"line ends of Windows", hand, "", long + "export RELEASE_NODE=shop@${POD_IP}\r\n", "", "NAM-17"},
		{"line ends of Windows, of the kind of name", hand, "", "export RELEASE_DISTRIBUTION=name\r\nexport RELEASE_NODE=shop@${POD_IP}\n", "", "NAM-17"},
		{"line ends of Windows, and what is not known", hand, "", long + "export RELEASE_NODE=shop@$(curl metadata)\r\n", "", "NAM-17"},
		{"line ends of Windows, and an empty line", hand, "", long + "\r\nexport RELEASE_NODE=shop@${POD_IP}\n", "", "NAM-17"},
		{"line ends of Windows, and a condition", hand, "", "if [ -n \"$POD_IP\" ]; then\r\n" + long + "fi\r\n", "", "NAM-17"},
		{"line ends of Windows, and something that is not there", hand, "", ": \"${POD_ADDRESS:?}\"\r\n", "", "NAM-04"},
		{"line ends of Windows in comments", hand, "", "# its name\r\n" + long + "export RELEASE_NODE=shop@${POD_IP}\n", "shop@10.244.1.10", ""},
		{"short without a host", hand, "", "export RELEASE_NODE=shop\n", "shop@" + deployed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, podWith(c.manifests, c.line))
			app := App{Known: true, Name: "shop", Finds: dnsCluster(), EnvSh: envsh.Source{Name: "rel/env.sh.eex", Text: []byte(c.script)}}
			in := Of(t.Context(), set, of(app, runsOf(set)), "")
			r := in.Replicas[0]
			got := r.Node.Value
			if !r.Node.Known() {
				got = "?"
			} else if r.NoNode != "" {
				got = ""
			}
			if got != c.node || r.Code != c.code {
				t.Errorf("named %q, code %q, want %q and %q\n%+v", got, r.Code, c.node, c.code, r)
			}
		})
	}
}

// The kubelet has no value for $(HOSTNAME), which is not in the manifest.
func TestHostnameForTheKubelet(t *testing.T) {
	set := read(t, strings.Replace(hand, "shop@$(POD_IP)", "$(HOSTNAME)@$(POD_IP)", 1))
	if r := Of(t.Context(), set, of(App{Known: true, Name: "shop"}, runsOf(set)), "").Replicas[0]; r.Code != "NAM-07" {
		t.Errorf("%+v", r)
	}
}

func TestLongHostname(t *testing.T) {
	long := strings.Repeat("a", 60)
	if got := shortened(long + "-b-c"); got != long+"-b" {
		t.Errorf("cut to %s", got)
	}
	if got := shortened(long + "a--b-c"); got != long+"a" {
		t.Errorf("cut to %s", got)
	}
}

// Flags name a node as well: -sname before -name, and of two of a kind the first, which is
// the start script's before that of vm.args.
func TestNameByFlags(t *testing.T) {
	with := func(name, value string) string {
		return strings.Replace(hand, "        env:\n", "        env:\n        - {name: "+name+", value: "+value+"}\n", 1)
	}
	none := strings.Replace(hand, "{name: RELEASE_DISTRIBUTION, value: name}", "{name: RELEASE_DISTRIBUTION, value: none}", 1)
	for _, c := range []struct {
		name, manifests, flags string
		node                   string
		long                   mesh.Tri
	}{
		{"nothing", hand, "", "shop@10.244.1.10", mesh.Yes},
		{"-name behind the script's", hand, "-name shop@127.0.0.1", "shop@10.244.1.10", mesh.Yes},
		{"-sname behind the script's -name", hand, "-sname web", "web@shop-0", mesh.No},
		{"-name before the script's", with("ERL_AFLAGS", "-name web@10.0.0.1"), "", "web@10.0.0.1", mesh.Yes},
		{"-name behind it, in ERL_FLAGS", with("ERL_FLAGS", "-name web@10.0.0.1"), "", "shop@10.244.1.10", mesh.Yes},
		{"no distribution but by a flag", none, "-name web@10.0.0.1", "web@10.0.0.1", mesh.Yes},
		{"no distribution", none, "", "", mesh.Unknown},
		{"nothing behind it", hand, "-name -kernel", "shop@10.244.1.10", mesh.Yes},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, c.manifests)
			app := App{Known: true, Name: "shop", VMArgs: []Line{{strings.Fields(c.flags), "rel/vm.args.eex:3:1"}}}
			r := Of(t.Context(), set, of(app, runsOf(set)), "").Replicas[0]
			if r.NoNode != "" {
				r.Node.Value = ""
			}
			if r.Node.Value != c.node || r.Long != c.long {
				t.Errorf("named %q, long %v, want %q, %v\n%+v", r.Node.Value, r.Long, c.node, c.long, r)
			}
		})
	}
}
