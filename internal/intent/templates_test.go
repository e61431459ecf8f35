package intent

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/mesh"
)

// Nodes are named by the start script that their image has, and by no file of the tree that does
// not get there.
func TestTemplatesOfTheImage(t *testing.T) {
	const build = "FROM elixir:1.17 AS build\nCOPY mix.exs mix.lock ./\nCOPY lib ./lib\n"
	const run = "FROM debian:12\nCOPY --from=build /app/_build/prod/rel/shop /app\nCMD [\"/app/bin/shop\", \"start\"]\n"
	const script = "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@$POD_IP\n"
	const whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
	elsewhere := func(dir string) string {
		return strings.Replace(mixExs, "deps:", "releases: [shop: [rel_templates_path: "+dir+"]], deps:", 1)
	}
	for _, c := range []struct {
		name    string
		files   map[string]string
		islands string
		doubt   string
	}{
		{"no Dockerfile", nil, whole, ""},
		{"copied", map[string]string{"Dockerfile": build + "COPY rel ./rel\nRUN mix release\n" + run}, whole, ""},
		{"the whole tree", map[string]string{"Dockerfile": build + "COPY . .\nRUN mix release\n" + run}, whole, ""},
		{"not copied", map[string]string{"Dockerfile": build + "RUN mix release\n" + run}, apart, ""},
		{"not copied, and dropped by none", map[string]string{"Dockerfile": build + "RUN mix release\n" + run, ".dockerignore": "_build\n"}, apart, ""},
		{"ignored", map[string]string{"Dockerfile": build + "COPY . .\nRUN mix release\n" + run, ".dockerignore": "rel\n"}, apart, ""},
		{"perhaps", map[string]string{"Dockerfile": build + "COPY $MORE ./\nRUN mix release\n" + run}, apart, "whether the image gets rel/env.sh.eex is not known"},
		{"by one of two", map[string]string{
			"Dockerfile.a": build + "COPY . .\nRUN mix release\n" + run, "Dockerfile.b": build + "RUN mix release\n" + run,
		}, apart, "another Dockerfile does otherwise"},
		{"by neither of two", map[string]string{
			"Dockerfile.a": build + "RUN mix release\n" + run, "Dockerfile.b": build + "RUN mix release\n" + run,
		}, apart, ""},
		{"another place, without a script", map[string]string{"mix.exs": elsewhere(`"deploy"`)}, apart, ""},
		{"another place, with one", map[string]string{"mix.exs": elsewhere(`"deploy"`), "deploy/env.sh.eex": script, "rel/env.sh.eex": "export RELEASE_DISTRIBUTION=none\n"}, whole, ""},
		{"another place that is not copied", map[string]string{
			"mix.exs": elsewhere(`"deploy"`), "deploy/env.sh.eex": script, "Dockerfile": build + "COPY rel ./rel\nRUN mix release\n" + run,
		}, apart, ""},
		{"a computed place", map[string]string{"mix.exs": elsewhere("Shop.dir()")}, apart, "takes its templates from is computed (mix.exs:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"rel/env.sh.eex": script}
			for name, text := range c.files {
				files[name] = text
			}
			set := read(t, podWith(hand, ""))
			p := mesh.Predict(Of(t.Context(), set, of(appOf(t, files), runsOf(set)), ""))
			if doubts := strings.Join(p.Doubts, "; "); islands(p) != c.islands || (doubts == "") != (c.doubt == "") || !strings.Contains(doubts, c.doubt) {
				t.Errorf("islands %s, doubts %q; want %s, %q", islands(p), doubts, c.islands, c.doubt)
				tell(t, p)
			}
		})
	}
}

// What does not get into the image sets no port either, and what may sets one that is not known.
func TestFlagsOfTheImage(t *testing.T) {
	const build = "FROM elixir:1.17 AS build\nCOPY mix.exs mix.lock ./\n"
	for _, c := range []struct {
		name, dockerfile string
		first            uint16
		why              string
	}{
		{"copied", "COPY rel ./rel\nRUN mix release\n", 9100, ""},
		{"not copied", "RUN mix release\n", 0, ""},
		{"another file of it", "COPY rel/env.sh.eex rel/\nRUN mix release\n", 0, ""},
		{"perhaps", "COPY $MORE ./\nRUN mix release\n", 0, "whether the image gets rel/vm.args.eex"},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, hand)
			files := map[string]string{"rel/vm.args.eex": "-kernel inet_dist_listen_min 9100\n", "Dockerfile": build + c.dockerfile + "FROM debian:12\nCMD [\"/app/bin/shop\", \"start\"]\n"}
			r := Of(t.Context(), set, of(appOf(t, files), runsOf(set)), "").Replicas[0]
			if r.ListenMin != c.first || (r.ListenWhy == "") != (c.why == "") || !strings.Contains(r.ListenWhy, c.why) {
				t.Errorf("port %d, %q; want %d, %q", r.ListenMin, r.ListenWhy, c.first, c.why)
			}
		})
	}
}
