package intent

import (
	"slices"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/manifest"
)

// Of two nodes in one pod those that want one name of EPMD, or one port, can't both boot.
func TestTwin(t *testing.T) {
	const (
		ofPod    = "env: [{name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}"
		named    = ", {name: RELEASE_DISTRIBUTION, value: name}, {name: RELEASE_NODE, value: "
		onePort  = ", {name: ERL_FLAGS, value: -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9100}"
		aRange   = ", {name: ERL_FLAGS, value: -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107}"
		epmdless = ", {name: ERL_FLAGS, value: -start_epmd false -erl_epmd_port 9100}"
	)
	script := envsh.Source{Name: "rel/env.sh.eex", Text: []byte("export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@$POD_IP\n")}
	for _, c := range []struct {
		name, own, image, other string
		script                  envsh.Source
		why                     string // empty: both boot
	}{
		{"one name", "", "shop:1", ofPod + named + "shop@$(POD_IP)}]", envsh.Source{}, "one name, shop,"},
		{"one name of EPMD at other hosts", "", "shop:1", ofPod + named + "shop@127.0.0.1}]", envsh.Source{}, "one name, shop,"},
		{"another name", "", "shop:1", ofPod + named + "jobs@$(POD_IP)}]", envsh.Source{}, ""},
		{"none", "", "shop:1", ofPod + ", {name: RELEASE_DISTRIBUTION, value: none}]", envsh.Source{}, ""},
		{"one name by the script", "", "shop:1", ofPod + "]", script, "one name, shop,"},
		{"one name by the script of another image that starts the release", "", "other:1", "command: [/app/bin/shop, start]\n        " + ofPod + "]", script, "one name, shop,"},
		{"another image, of which the script is not known", "", "other:1", ofPod + "]", script, ""},
		{"another EPMD", "", "shop:1", ofPod + named + "shop@$(POD_IP)}, {name: ERL_EPMD_PORT, value: \"4370\"}]", envsh.Source{}, ""},
		{"another name and one port", onePort, "shop:1", ofPod + named + "jobs@$(POD_IP)}" + onePort + "]", envsh.Source{}, "one port 9100"},
		{"another name and one range", aRange, "shop:1", ofPod + named + "jobs@$(POD_IP)}" + aRange + "]", envsh.Source{}, ""},
		{"without EPMD, and one port", epmdless, "shop:1", ofPod + named + "jobs@$(POD_IP)}" + epmdless + "]", envsh.Source{}, "one port 9100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(hand, "        - {name: DNS_CLUSTER_QUERY", strings.Replace(c.own, ", ", "        - ", 1)+"\n        - {name: DNS_CLUSTER_QUERY", 1)
			set := read(t, strings.Replace(text, "      containers:\n", "      containers:\n      - name: jobs\n        image: "+c.image+"\n        "+c.other+"\n", 1))
			runs := of(App{Known: true, Name: "shop", Finds: dnsCluster(), EnvSh: c.script}, runsOf(set))
			runs[0].Beside = slices.DeleteFunc(slices.Collect(runs[0].Containers()), func(c manifest.Container) bool { return c.Called == "app" })
			if len(runs[0].Beside) != 1 {
				t.Fatal(runs[0].Beside)
			}
			for _, r := range Of(t.Context(), set, runs, "").Replicas {
				if (r.Twin.Why == "") != (c.why == "") || !strings.Contains(r.Twin.Why, c.why) || c.why != "" && r.Twin.At == "" {
					t.Errorf("%s: %+v, %q; its node %+v", r.ID, r.Twin, c.why, r.Node)
				}
			}
		})
	}
}
