package intent

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/mesh"
)

// What an image runs before its release names the node as env.sh would, as far as it can be
// followed: what is computed there is not known, and what it does not reach it does not do.
func TestEntryScripts(t *testing.T) {
	const build = "FROM elixir:1.17 AS build\nCOPY . .\nRUN mix release\nFROM debian:12\nCOPY --from=build /app/_build/prod/rel/shop /app\n"
	const names = "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@$POD_IP\n"
	const whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
	entry := build + "COPY docker/entry.sh /usr/local/bin/entry.sh\nENTRYPOINT [\"/usr/local/bin/entry.sh\"]\n"
	run := func(script string) map[string]string {
		return map[string]string{"Dockerfile": entry, "docker/entry.sh": script}
	}
	with := func(cmd, script string) map[string]string {
		return map[string]string{"Dockerfile": entry + cmd + "\n", "docker/entry.sh": script}
	}
	overlay := func(cmd, script string) map[string]string {
		return map[string]string{"Dockerfile": build + cmd + "\n", "rel/overlays/bin/server": script}
	}
	for _, c := range []struct {
		name    string
		files   map[string]string
		islands string
		doubt   string
	}{
		{"sets the names", run("#!/bin/sh\nset -e\n" + names + "exec /app/bin/shop start\n"), whole, ""},
		{"sets no names", run("#!/bin/sh\nexec /app/bin/shop start\n"), apart, ""},
		{"sets them, and does not export", run("#!/bin/sh\nRELEASE_DISTRIBUTION=name\nRELEASE_NODE=shop@$POD_IP\nexec /app/bin/shop start\n"), apart, ""},
		{"sets them for the one command", run("#!/bin/sh\nRELEASE_DISTRIBUTION=name RELEASE_NODE=shop@$POD_IP exec /app/bin/shop start\n"), whole, ""},
		{"sets them, and takes them back", run("#!/bin/sh\n" + names + "unset RELEASE_NODE\nexec /app/bin/shop start\n"), apart, ""},
		{"sets them behind the release", run("#!/bin/sh\n/app/bin/shop start\n" + names), apart, ""},
		{"sets another name", run("#!/bin/sh\nexport RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@127.0.0.1\nexec /app/bin/shop start\n"), apart, ""},
		{"computes it", run("#!/bin/sh\nexport RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@$(curl -s http://169.254.169.254/)\nexec /app/bin/shop start\n"), apart, "what `curl -s http://169.254.169.254/` prints is not known"},
		{"asks hostname", run("#!/bin/sh\nexport RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@$(hostname -i)\nexec /app/bin/shop start\n"), whole, ""},
		{"reads a file", run("#!/bin/sh\n. /vault/secrets/env\nexec /app/bin/shop start\n"), apart, "what `. /vault/secrets/env` reads is not known"},
		{"reads a file, and sets the names behind it", run("#!/bin/sh\nset -a\n. /vault/secrets/env\nset +a\n" + names + "exec /app/bin/shop start\n"), apart, "what `. /vault/secrets/env` reads is not known"},
		{"waits and migrates before it", run("#!/bin/bash\nset -euo pipefail\n" + names + "until nc -z db 5432; do\n  sleep 1\ndone\n/app/bin/migrate\n/app/bin/shop eval 'Shop.Release.migrate()'\nexec /app/bin/shop start\n"), whole, ""},
		{"runs what it is given", with(`CMD ["/app/bin/shop", "start"]`, "#!/bin/sh\n"+names+"exec \"$@\"\n"), whole, ""},
		{"runs what it is given, with tini", with(`CMD ["/app/bin/shop", "start"]`, "#!/bin/sh -e\n"+names+"exec tini -- \"$@\"\n"), whole, ""},
		{"is given nothing", run("#!/bin/sh\n" + names + "exec \"$@\"\n"), apart, "docker/entry.sh runs what it is given, and is given nothing"},
		{"in the branch that is taken", with(`CMD ["app"]`, "#!/bin/sh\ncase \"$1\" in\n  app)\n"+names+"    exec /app/bin/shop start ;;\n  *) exec \"$@\" ;;\nesac\n"), whole, ""},
		{"in the branch that is not taken", with(`CMD ["app"]`, "#!/bin/sh\nif [ \"$1\" = job ]; then\n"+names+"fi\nexec /app/bin/shop start\n"), apart, ""},
		{"in a branch that hangs on a file", run("#!/bin/sh\nif [ -f /etc/names ]; then\n" + names + "fi\nexec /app/bin/shop start\n"), apart, "whether RELEASE_DISTRIBUTION is set is not known"},
		{"in the background", run("#!/bin/sh\n" + names + "/app/bin/shop start &\nwait\n"), apart, "in the background"},
		{"as a daemon", run("#!/bin/sh\n" + names + "/app/bin/shop daemon\n"), apart, ""},
		{"by a script of a script", map[string]string{
			"Dockerfile": entry + "COPY docker/run.sh /usr/local/bin/\n", "docker/entry.sh": "#!/bin/sh\nexport RELEASE_DISTRIBUTION=name\nexec /usr/local/bin/run.sh\n", "docker/run.sh": "#!/bin/sh\nexport RELEASE_NODE=\"shop@${POD_IP}\"\n/app/bin/shop start\n",
		}, whole, ""},
		{"by a script that is not there", run("#!/bin/sh\n" + names + "exec /usr/local/bin/run.sh\n"), apart, "it starts with /usr/local/bin/run.sh"},
		{"around a program that may do more", run("#!/bin/sh\n" + names + "exec doppler run -- /app/bin/shop start\n"), apart, "it is started by doppler"},
		{"of Phoenix's", overlay(`CMD ["/app/bin/server"]`, "#!/bin/sh\nset -eu\n\ncd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"), apart, ""},
		{"of Phoenix's, with names", overlay(`CMD ["/app/bin/server"]`, "#!/bin/sh\nset -eu\n"+names+"cd -P -- \"$(dirname -- \"$0\")\"\nPHX_SERVER=true exec ./shop start\n"), whole, ""},
		{"not copied", map[string]string{"Dockerfile": build + "ENTRYPOINT [\"/entry.sh\"]\n", "docker/entry.sh": "#!/bin/sh\n" + names + "exec /app/bin/shop start\n"}, apart, "whether the image has docker/entry.sh is not known"},
		{"written anew", map[string]string{"Dockerfile": entry + "RUN sed -i s/shop/cart/ /usr/local/bin/entry.sh\n", "docker/entry.sh": "#!/bin/sh\n" + names + "exec /app/bin/shop start\n"}, apart, "may write docker/entry.sh anew (Dockerfile:8:1)"},
		{"one of two of its name", map[string]string{"Dockerfile": build + "COPY . /src\nENTRYPOINT [\"/src/entry.sh\"]\n", "a/entry.sh": "#!/bin/sh\n", "b/entry.sh": "#!/bin/sh\n"}, apart, "a/entry.sh or b/entry.sh"},
		{"with the line ends of Windows", run(strings.ReplaceAll("#!/bin/sh\n"+names+"exec /app/bin/shop start\n", "\n", "\r\n")), apart, ""},
		{"of another language", run("#!/usr/bin/env python3\nimport os\n"), apart, "is no script of a shell's"},
		{"that needs what it is not given", run("#!/bin/sh\n: \"${CLUSTER:?}\"\n" + names + "exec /app/bin/shop start\n"), apart, "ends before the release starts"},
		{"that needs what bash alone has", run("#!/bin/bash\nIP=(a b)\n" + names + "exec /app/bin/shop start\n"), apart, "sh does not have this"},
		{"that no shell reads", run("#!/bin/sh\nif true; then\n" + names + "exec /app/bin/shop start\n"), apart, ""},
		{"that runs itself", run("#!/bin/sh\nexec /usr/local/bin/entry.sh\n"), apart, "more scripts start one another than are followed"},
		{"that does not end", run("#!/bin/sh\nwhile :; do\n  :\ndone\n"), apart, "does not come to an end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, podWith(hand, ""))
			p := mesh.Predict(Of(t.Context(), set, of(appOf(t, c.files), runsOf(set)), ""))
			if doubts := strings.Join(p.Doubts, "; "); islands(p) != c.islands || (doubts == "") != (c.doubt == "") || !strings.Contains(doubts, c.doubt) {
				t.Errorf("islands %s, doubts %q; want %s, %q", islands(p), doubts, c.islands, c.doubt)
				tell(t, p)
			}
		})
	}
}
