package intent

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/mesh"
)

const secretText = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: prod}\n%s: {cookie: %s}\n"

// pair is the sound deployment and a worker of its mesh with a cookie of another Secret.
func pair(one, other string) string {
	first, rest, _ := strings.Cut(hand, "---\n")
	worker := strings.Replace(first, "metadata: {name: shop, namespace: prod}", "metadata: {name: worker, namespace: prod}", 1)
	worker = strings.Replace(worker, "secretKeyRef: {name: shop,", "secretKeyRef: {name: worker,", 1)
	return first + "---\n" + worker + "---\n" + rest + one + other
}

func TestCookiesOfSecrets(t *testing.T) {
	secret := func(name, value string) string { return fmt.Sprintf(secretText, name, "stringData", value) }
	encoded := func(name, value string) string { return fmt.Sprintf(secretText, name, "data", value) }
	a, b := strings.Repeat("a", 32), strings.Repeat("b", 32)
	const as = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=" // a
	for _, c := range []struct {
		name, one, other, script string
		same                     mesh.Tri
	}{
		{"another", secret("shop", a), secret("worker", b), "", mesh.No},
		{"the same", secret("shop", a), secret("worker", a), "", mesh.Yes},
		{"the same, encoded", secret("shop", a), encoded("worker", as), "", mesh.Yes},
		{"another, encoded", secret("shop", b), encoded("worker", as), "", mesh.No},
		{"no text", secret("shop", a), encoded("worker", "'***'"), "", mesh.Unknown},
		{"one is elsewhere", secret("shop", a), "", "", mesh.Unknown},
		{"another key", secret("shop", a), strings.Replace(secret("worker", b), "{cookie:", "{other:", 1), "", mesh.Unknown},
		{"to be put in", secret("shop", "CHANGE_ME"), secret("worker", "change-me-too"), "", mesh.Unknown},
		{"sealed", secret("shop", "'ENC[AES256_GCM]'"), secret("worker", "'ENC[AES256_GCM2]'"), "", mesh.Unknown},
		{"more around both", secret("shop", a), secret("worker", b), "export RELEASE_COOKIE=x$RELEASE_COOKIE\n", mesh.Unknown},
		{"taken from elsewhere", secret("shop", a), secret("worker", b), "export RELEASE_COOKIE=$(cat /run/cookie)\n", mesh.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, pair(c.one, c.other))
			app := App{Known: true, Name: "shop", Finds: dnsCluster(), EnvSh: envsh.Source{Name: "rel/env.sh.eex", Text: []byte(c.script)}}
			in := Of(t.Context(), set, of(app, runsOf(set)), "")
			for _, l := range mesh.Predict(in).Links {
				if l.A == "shop-0" && l.B == "worker-0" && l.Up != c.same {
					t.Errorf("link %v, want %v\n%+v %+v", l.Up, c.same, in.Replicas[0].Cookie, in.Replicas[len(in.Replicas)-1].Cookie)
				}
			}
			if shown := fmt.Sprintf("%+v", in); strings.Contains(shown, a) || strings.Contains(shown, b) {
				t.Error("a cookie is in the intent")
			}
		})
	}
}

// Of two -setcookie the BEAM takes neither.
func TestCookieGivenTwice(t *testing.T) {
	mounted := strings.Replace(hand, "        env:\n", "        volumeMounts: [{name: c, mountPath: /root/.erlang.cookie, subPath: cookie}]\n        env:\n", 1)
	flags := []Line{{[]string{"+sbwt", "none"}, "rel/vm.args.eex:2:1"}, {[]string{"-setcookie", "hunter2"}, "rel/vm.args.eex:3:1"}}
	for _, c := range []struct {
		name, manifests string
		app             App
		up              mesh.Tri
	}{
		{"once", hand, App{}, mesh.Yes},
		{"twice", hand, App{VMArgs: flags}, mesh.No},
		{"twice, by a variable", strings.Replace(hand, "        env:\n", "        env:\n        - {name: ERL_FLAGS, value: -setcookie a}\n", 1), App{}, mesh.No},
		{"once, and once for another node", hand, App{VMArgs: []Line{{[]string{"-setcookie", "other@10.0.0.1", "a"}, "rel/vm.args.eex:3:1"}}}, mesh.Yes},
		{"twice, and the image has a file", hand, App{VMArgs: flags, CookieFile: true}, mesh.Unknown},
		{"twice, and a volume has a file", mounted, App{VMArgs: flags}, mesh.Unknown},
		{"twice, and the script writes a file", hand, App{VMArgs: flags, EnvSh: envsh.Source{Name: "e", Text: []byte("echo \"$RELEASE_COOKIE\" >/root/.erlang.cookie\n")}}, mesh.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, c.manifests)
			c.app.Known, c.app.Name, c.app.Finds = true, "shop", dnsCluster()
			p := mesh.Predict(Of(t.Context(), set, of(c.app, runsOf(set)), ""))
			if l := p.Links[0]; l.Up != c.up || c.up == mesh.No && (l.Why[0].Code != "COO-01" || !strings.Contains(l.Why[0].Text, "twice")) {
				t.Errorf("%+v, want %v", l, c.up)
			}
		})
	}
}

// What a start script makes up is another at each start.
func TestCookieMadeUp(t *testing.T) {
	const whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
	for script, want := range map[string]string{
		"export RELEASE_COOKIE=\"$(openssl rand -hex 16)\"\n":                                          apart,
		"RELEASE_COOKIE=`uuidgen`\n":                                                                   apart,
		"export RELEASE_COOKIE=\"$(cat /proc/sys/kernel/random/uuid)\"\n":                              apart,
		"export RELEASE_COOKIE=$(head -c 32 /dev/urandom | base64)\n":                                  apart,
		"export RELEASE_COOKIE=$(cat /run/cookie)\n":                                                   whole,
		"export RELEASE_COOKIE=$(cat /run/cookie || openssl rand -hex 16)\n":                           whole,
		"if [ -z \"$RELEASE_COOKIE\" ]; then\nexport RELEASE_COOKIE=\"$(openssl rand -hex 16)\"\nfi\n": whole,
		"# no RELEASE_COOKIE=$(openssl rand -hex 16)\n":                                                whole,
	} {
		set := read(t, hand)
		app := App{Known: true, Name: "shop", Finds: dnsCluster(), EnvSh: envsh.Source{Name: "rel/env.sh.eex", Text: []byte(script)}}
		p := mesh.Predict(Of(t.Context(), set, of(app, runsOf(set)), ""))
		if got := islands(p); got != want {
			t.Errorf("%sislands %s, want %s", script, got, want)
		}
		if want == apart && p.Links[0].Why[0].Slip != mesh.MadeUpCookie {
			t.Errorf("%s%+v", script, p.Links[0].Why)
		}
	}
}
