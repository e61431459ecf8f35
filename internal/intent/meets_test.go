package intent

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/mesh"
)

// What flags, configuration and the pod say of where a node listens and whom it asks decides
// whether replicas that find one another meet.
func TestMeets(t *testing.T) {
	const whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
	flags := func(text string) map[string]string { return map[string]string{"rel/vm.args.eex": text + "\n"} }
	config := func(text string) map[string]string {
		return map[string]string{"config/prod.exs": "import Config\nconfig :kernel, " + text + "\n"}
	}
	pod := func(line string) string {
		return strings.Replace(hand, "      containers:\n", "      "+line+"\n      containers:\n", 1)
	}
	container := func(line string) string {
		return strings.Replace(hand, "        env:\n", "        "+line+"\n        env:\n", 1)
	}
	beside := func(c string) string {
		return strings.Replace(hand, "      containers:\n", "      containers:\n      - "+c+"\n", 1)
	}
	variable := func(name, value string) string {
		return strings.Replace(hand, "        env:\n", "        env:\n        - {name: "+name+", value: '"+value+"'}\n", 1)
	}
	hostIP := strings.Replace(hand, "status.podIP", "status.hostIP", 1)
	for _, c := range []struct {
		name, manifests string
		files           map[string]string
		islands         string
		code            string // of the first obstacle
		at              string // where that stands
		doubt           string
	}{
		{"no EPMD", hand, flags("-start_epmd false"), apart, "NET-08", "rel/vm.args.eex:1:1", ""},
		{"no EPMD by a variable", variable("ERL_FLAGS", "-start_epmd false"), nil, apart, "NET-08", "app.yaml:", ""},
		{"no EPMD in front", variable("ERL_AFLAGS", "-start_epmd false"), nil, apart, "NET-08", "app.yaml:", ""},
		{"no EPMD, and then one", variable("ERL_ZFLAGS", "-start_epmd true"), flags("-start_epmd false"), whole, "", "", ""},
		{"EPMD, and then none", variable("ERL_ZFLAGS", "-start_epmd false"), flags("-start_epmd true"), apart, "NET-08", "app.yaml:", ""},
		{"one port for all", hand, flags("-start_epmd false\n-erl_epmd_port 9100"), whole, "", "", ""},
		{"one port for all, beside EPMD", hand, flags("-erl_epmd_port 9100"), whole, "", "", ""},
		{"a module in EPMD's place", hand, flags("-start_epmd false -epmd_module Elixir.Shop.EPMD"), apart, "", "rel/vm.args.eex:1:1", "Elixir.Shop.EPMD"},
		{"EPMD in a container of its own", beside("{name: epmd, image: epmd:1, command: [/usr/bin/epmd]}"), flags("-start_epmd false"), whole, "", "", ""},
		{"a container that may have EPMD", beside("{name: helper, image: epmd:1}"), flags("-start_epmd false"), apart, "", "", "the container helper may start it"},
		{"a hook that starts EPMD", container("lifecycle: {postStart: {exec: {command: [epmd, -daemon]}}}"), flags("-start_epmd false"), apart, "", "", "may start it"},
		{"a line that starts EPMD", container("command: [sh, -c, 'epmd -daemon; exec /app/bin/shop start']"), flags("-start_epmd false"), apart, "", "", "may start it"},
		{"a script that starts EPMD", hand, map[string]string{"rel/vm.args.eex": "-start_epmd false\n", "rel/env.sh.eex": "epmd -daemon || true\n"}, apart, "", "", "rel/env.sh may start it"},
		{"an image that starts EPMD", hand, map[string]string{"rel/vm.args.eex": "-start_epmd false\n", "Dockerfile": "FROM debian:12\nCMD epmd -daemon; exec /app/bin/shop start\n"}, apart, "", "", "the image may start it (Dockerfile:2:1)"},
		{"EPMD of the machine", pod("hostNetwork: true\n      dnsPolicy: ClusterFirstWithHostNet"), flags("-start_epmd false"), apart, "", "", "the machine's may answer"},
		{"none listens", hand, flags("-start_epmd false -dist_listen false"), apart, "NET-24", "rel/vm.args.eex:1:1", ""},
		{"TLS without a certificate", hand, flags("-proto_dist inet_tls"), apart, "NET-30", "rel/vm.args.eex:1:1", ""},
		{"TLS without a certificate, and a ConfigMap", strings.Replace(hand, "        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n", 1), flags("-proto_dist inet_tls"), apart, "NET-30", "rel/vm.args.eex:1:1", "ConfigMap shop"},
		{"no EPMD, and a ConfigMap", strings.Replace(hand, "        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n", 1), flags("-start_epmd false"), apart, "", "rel/vm.args.eex:1:1", "ConfigMap shop"},
		{"on loopback, and a ConfigMap", strings.Replace(hand, "        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n", 1), flags("-kernel inet_dist_use_interface {127,0,0,1}"), apart, "NET-01", "rel/vm.args.eex:1:1", "ConfigMap shop"},
		{"TLS with a file", hand, flags("-proto_dist inet_tls\n-ssl_dist_optfile /etc/tls.conf"), whole, "", "", ""},
		{"TLS with options", hand, flags("-proto_dist inet_tls\n-ssl_dist_opt server_certfile /etc/tls.pem"), whole, "", "", ""},
		{"TLS with options that give none", hand, flags("-proto_dist inet_tls\n-ssl_dist_opt server_verify verify_none"), apart, "NET-30", "rel/vm.args.eex:1:1", ""},
		{"on loopback", hand, flags("-kernel inet_dist_use_interface {127,0,0,1}"), apart, "NET-01", "rel/vm.args.eex:1:1", ""},
		{"on loopback, with quotes", hand, flags("-kernel inet_dist_listen_min 9100 inet_dist_use_interface '{127, 0, 0, 1}'"), apart, "NET-01", "rel/vm.args.eex:1:1", ""},
		{"on loopback, by a variable", variable("ELIXIR_ERL_OPTIONS", "-kernel inet_dist_use_interface {127,0,0,1}"), nil, apart, "NET-01", "app.yaml:", ""},
		{"on loopback, by the configuration", hand, config("inet_dist_use_interface: {127, 0, 0, 1}"), apart, "NET-01", "config/prod.exs:2:", ""},
		{"on every address", hand, config("inet_dist_use_interface: {0, 0, 0, 0}"), whole, "", "", ""},
		{"on one that is computed", hand, config("inet_dist_use_interface: Shop.address()"), apart, "NET-01", "config/prod.exs:2:", "inet_dist_use_interface"},
		{"for another application", hand, flags("-shop inet_dist_use_interface {127,0,0,1}"), whole, "", "", ""},
		{"hidden", hand, flags("-hidden"), apart, "NET-24", "rel/vm.args.eex:1:1", ""},
		{"connect_all false", hand, flags("-connect_all false"), whole, "", "", ""},
		{"the machine's DNS", pod("dnsPolicy: Default"), nil, apart, "DSC-28", "app.yaml:", ""},
		{"the machine's network and DNS", pod("hostNetwork: true"), nil, apart, "DSC-28", "app.yaml:", ""},
		{"the machine's network, and its DNS by name", pod("hostNetwork: true\n      dnsPolicy: ClusterFirst"), nil, apart, "DSC-28", "app.yaml:", ""},
		{"the machine's network, and the cluster's DNS", pod("hostNetwork: true\n      dnsPolicy: ClusterFirstWithHostNet"), nil, whole, "", "", ""},
		{"the cluster's DNS", pod("dnsPolicy: ClusterFirst"), nil, whole, "", "", ""},
		{"a DNS of its own", pod("dnsPolicy: None\n      dnsConfig: {nameservers: [10.96.0.10]}"), nil, apart, "DSC-28", "app.yaml:", "dnsConfig"},
		{"the internet's DNS", pod("dnsPolicy: None\n      dnsConfig: {nameservers: [8.8.8.8, '2001:4860:4860::8888']}"), nil, apart, "DSC-28", "app.yaml:", ""},
		{"the machine's DNS and another", pod("dnsPolicy: Default\n      dnsConfig: {nameservers: [10.96.0.10]}"), nil, apart, "DSC-28", "app.yaml:", "dnsConfig"},
		{"named by the machine", hostIP, nil, apart, "NAM-02", "app.yaml:", ""},
		{"named by the machine, on its network", strings.Replace(hostIP, "      containers:\n", "      hostNetwork: true\n      dnsPolicy: ClusterFirstWithHostNet\n      containers:\n", 1), nil, whole, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.files == nil {
				c.files = map[string]string{}
			}
			set := read(t, c.manifests)
			runs := runsOf(set)
			p := mesh.Predict(Of(t.Context(), set, of(appOf(t, c.files), runs), ""))
			code, at := "", ""
			for _, l := range p.Links {
				for _, o := range l.Why {
					if code == "" {
						code = string(o.Code)
					}
					if at == "" {
						at = strings.Join(o.At, " ")
					}
				}
			}
			doubts := strings.Join(p.Doubts, "; ")
			if islands(p) != c.islands || code != c.code || !strings.Contains(at, c.at) || (doubts == "") != (c.doubt == "") || !strings.Contains(doubts, c.doubt) {
				t.Errorf("islands %s, code %q at %q, doubts %q; want %s, %q at %q, %q", islands(p), code, at, doubts, c.islands, c.code, c.at, c.doubt)
				tell(t, p)
			}
		})
	}
}
