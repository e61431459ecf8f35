package intent

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// The words that start a release are followed to its own script, and no further than they are
// read.
func TestStarts(t *testing.T) {
	for _, c := range []struct {
		words     string // with | between them
		name, why string
	}{
		{"bin/shop|start", "shop", ""},
		{"/app/bin/shop|start_iex", "shop", ""},
		{"./prod/rel/shop/bin/shop|start", "shop", ""},
		{"/app/bin/server", "", ""},
		{"/usr/bin/tini|--|/app/bin/server", "", ""},
		{"tini|-g|--|/app/bin/shop|start", "shop", ""},
		{"sh|-c|exec bin/shop start", "shop", ""},
		{"/bin/bash|-ec|bin/shop eval 'Shop.Release.migrate()' && exec bin/shop start", "shop", ""},
		{"sh|-c|PORT=4000 bin/shop start", "shop", ""},
		{"bin/shop start", "shop", ""},
		{"sh|-c|RELEASE_NODE=shop@$POD_IP exec bin/shop start", "shop", ""},
		{"sh|-c|export ERL_AFLAGS=\"-name a@b.c\"; bin/shop start", "shop", ""},
		{"sh|-c|. /vault/secrets/env; exec bin/shop start", "shop", ""},
		{"sh|-c|source /vault/env && bin/shop start", "shop", ""},
		{"sh|-c|cd /app && exec ./shop start", "shop", ""},
		{"sh|-c|cd /app && exec ./other start", "", "./other"},
		{"sh|-c|exec \"$0\" \"$@\"|bin/shop|start", "", "is not known"},
		{"sh|-c|exec \"$@\"|sh|bin/shop|start", "shop", ""},
		{"sh|-c|bin/shop eval 1; bin/shop start", "shop", ""},
		{"sh|-c|bin/shop eval 1", "", "bin/shop"},
		{"sh|-c|bin/shop start & wait", "", "in the background"},
		{"sh|-c|bin/shop start 2>&1 | tee /log", "shop", ""},
		{"sh|-c|(cd /app; exec bin/shop start)", "shop", ""},
		{"sh|-c|if [ -f /x ]; then exec bin/shop start; else exec bin/cart start; fi", "", "which of several"},
		{"sh|-c|[ -f /x ] && exec bin/shop eval 1; exec bin/shop start", "shop", ""},
		{"sh|-c|[ -f /x ] && exec bin/shop start; exec bin/shop start", "shop", ""},
		{"sh|-c|exec $START", "", "is not known"},
		{"sh|-c|$START", "", "is not known"},
		{"sh|-c|exec \"$DIR/bin/shop\" start", "shop", ""},
		{"sh|-c|\"$DIR/bin/shop\" start", "shop", ""},
		{"sh|-c|exec bin/\"$APP\" start", "", "is not known"},
		{"sh|-c|if true; then exec bin/shop start", "", "no shell reads"},
		{"sh|-c|exec bin/shop start; if true; then", "", "must be followed"},
		{"sh|-c|exit 0; bin/shop start", "", "ends before the release starts"},
		{"env|RELEASE_NODE=shop@x|bin/shop|start", "shop", ""},
		{"env|-i|bin/shop|start", "", "-i"},
		{"gosu|app|bin/shop|start", "shop", ""},
		{"sh|-c|exec gosu app bin/shop start", "shop", ""},
		{"sh|-c|exec /wait.sh db -- bin/shop start", "", "wait.sh"},
		{"sh|-c|doppler run -- bin/shop start", "", "doppler"},
		{"/entry.sh", "", "/entry.sh"},
		{"/entry.sh|bin/shop|start", "", "entry.sh"},
		{"mix|phx.server", "", "mix"},
		{"bin/shop|foreground", "", "bin/shop"},
		{"/app/bin/shop|daemon", "", "bin/shop daemon leaves the node in the background"},
		{"sh|-c|exec \"bin/shop\" daemon_iex", "", "bin/shop daemon_iex leaves the node in the background"},
		{"elixir|--name|a@b.c|-S|mix|run", "", "elixir"},
		{"bin/server_of_ours|start", "server_of_ours", ""},
		{"/bin/bash|/app/run.sh", "", "/app/run.sh"},
		{"sh", "", "not known"},
		{"sh|-c|", "", "an empty line"},
		{"", "", "not known"},
	} {
		l := &starter{app: App{Name: "shop"}}
		env := envsh.Env{Vars: map[string]envsh.Value{"POD_IP": {Text: "10.0.0.7"}, "START": {Unknown: "a Secret"}, "APP": {Unknown: "a Secret"}, "DIR": {Unknown: "a Secret", Filled: true}}}
		got := l.follow(t.Context(), strings.Split(c.words, "|"), env, "k8s.yaml:9:3", "", 0)
		if got.name != c.name || (got.why == "") != (c.why == "") || !strings.Contains(got.why, c.why) {
			t.Errorf("%s: %q, %q; want %q and a reason with %q", c.words, got.name, got.why, c.name, c.why)
		}
	}
}

// A release of which it is not known how it is started is no mesh in pieces for certain.
func TestStartedOtherwise(t *testing.T) {
	const config = "import Config\nconfig :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: \"shop-headless\", application_name: \"shop\"]]]\n"
	const base = "FROM debian:12\n"
	plain := strings.NewReplacer("        - {name: RELEASE_DISTRIBUTION, value: name}\n", "", "        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n", "")
	manifests := plain.Replace(hand)
	if manifests == hand {
		t.Fatal("the manifests name no node")
	}
	with := func(line string) string {
		return strings.Replace(manifests, "        env:\n", "        "+line+"\n        env:\n", 1)
	}
	for name, c := range map[string]struct {
		files     map[string]string
		manifests string
		doubt     string // empty: the mesh is known to be in pieces
	}{
		"no Dockerfile":                  {nil, manifests, ""},
		"the image starts the release":   {map[string]string{"Dockerfile": base + "CMD [\"/app/bin/server\"]\n"}, manifests, ""},
		"in two parts":                   {map[string]string{"Dockerfile": base + "ENTRYPOINT [\"/app/bin/shop\"]\nCMD [\"start\"]\n"}, manifests, ""},
		"arguments for the image's":      {map[string]string{"Dockerfile": base + "ENTRYPOINT [\"/app/bin/shop\"]\n"}, with("args: [start]"), ""},
		"arguments in place of its own":  {map[string]string{"Dockerfile": base + "CMD [\"/entry.sh\"]\n"}, with("args: [/app/bin/shop, start]"), ""},
		"a command in place of a script": {map[string]string{"Dockerfile": base + "ENTRYPOINT [\"/entry.sh\"]\n"}, with("command: [/app/bin/shop, start]"), ""},
		"a script":                       {map[string]string{"Dockerfile": base + "ENTRYPOINT [\"/entry.sh\"]\n"}, manifests, "/entry.sh"},
		"a script before the release":    {map[string]string{"Dockerfile": base + "ENTRYPOINT [\"/entry.sh\"]\nCMD [\"bin/shop\", \"start\"]\n"}, manifests, "entry.sh"},
		"a script before arguments":      {map[string]string{"Dockerfile": base + "ENTRYPOINT [\"/entry.sh\"]\n"}, with("args: [bin/shop, start]"), "entry.sh"},
		"a shell's form":                 {map[string]string{"Dockerfile": base + "CMD bin/shop eval 1 && bin/shop start\n"}, manifests, ""},
		"a shell's form behind a file":   {map[string]string{"Dockerfile": base + "CMD . /vault/env && bin/shop start\n"}, manifests, "what `. /vault/env` reads"},
		"a shell's line":                 {nil, with("command: [sh, -c, 'RELEASE_NODE=shop@$(curl -s http://x) exec bin/shop start']"), "what `curl -s http://x` prints"},
		"mix in the image":               {map[string]string{"Dockerfile": base + "CMD [\"mix\", \"phx.server\"]\n"}, manifests, "mix"},
		"one of two Dockerfiles": {map[string]string{
			"Dockerfile.web": base + "CMD [\"/app/bin/server\"]\n", "Dockerfile.job": base + "CMD [\"/entry.sh\"]\n",
		}, manifests, "/entry.sh"},
		"one beside that for work on the app": {map[string]string{
			"Dockerfile": base + "CMD [\"/app/bin/server\"]\n", "Dockerfile.dev": base + "CMD [\"mix\", \"phx.server\"]\n",
		}, manifests, ""},
		"Distillery": {map[string]string{
			"mix.exs":        strings.Replace(mixExs, "deps, do: [", "deps, do: [{:distillery, \"~> 2.0\"}, ", 1),
			"rel/config.exs": "use Distillery.Releases.Config\n", "rel/vm.args": "-name shop@${POD_IP}\n",
		}, manifests, "Distillery"},
		"Distillery through another package": {map[string]string{
			"mix.lock": "%{\n  \"distillery\": {:hex, :distillery, \"1.5.5\", \"00\", [:mix], [], \"hexpm\", \"00\"},\n}\n", "vm.args": "-name shop@${POD_IP}\n",
		}, manifests, "Distillery"},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for _, all := range []map[string]string{{
				"mix.exs": mixExs, "config/runtime.exs": config, "config/config.exs": "import Config\n",
				"lib/shop/application.ex": application("{Cluster.Supervisor, [topologies, [name: Shop.ClusterSupervisor]]}"),
			}, c.files} {
				for name, text := range all {
					files[name] = &fstest.MapFile{Data: []byte(text)}
				}
			}
			p, err := project.Read(files)
			if err != nil {
				t.Fatal(err)
			}
			set := read(t, c.manifests)
			got := mesh.Predict(Of(t.Context(), set, of(AppOf(p, project.Pos.String), runsOf(set)), ""))
			refused := false
			for _, l := range got.Links {
				for _, o := range l.Why {
					refused = refused || l.Up == mesh.No && o.Code == "NAM-01"
				}
			}
			if doubts := strings.Join(got.Doubts, "; "); refused != (c.doubt == "") || !strings.Contains(doubts, c.doubt) {
				t.Errorf("refused for short names: %v, doubts %q; want a doubt with %q", refused, doubts, c.doubt)
				tell(t, got)
			}
		})
	}
}

// Where something else may connect the nodes, nobody says that they stay alone.
func TestConnectedOtherwise(t *testing.T) {
	const nobody = "defmodule Shop do\n  def start, do: :ok\nend\n"
	dep := func(name string) string {
		return strings.Replace(mixExs, "[{:libcluster, \"~> 3.5\"}, {:dns_cluster, \"~> 0.2\"}]", "[{:"+name+", \"~> 1.0\"}]", 1)
	}
	starts := func(children string) string {
		return "defmodule Shop do\n  use Supervisor\n  def init(_), do: Supervisor.init(" + children + ", strategy: :one_for_one)\nend\n"
	}
	lock := func(name string) string {
		return "%{\n  \"" + name + "\": {:hex, :" + name + ", \"3.5.0\", \"00\", [:mix], [], \"hexpm\", \"00\"},\n}\n"
	}
	for name, c := range map[string]struct{ mix, lock, code, doubt string }{
		"nothing":                     {dep("jason"), "", nobody, ""},
		"peerage":                     {dep("peerage"), "", nobody, "peerage"},
		"through a dependency":        {dep("cart"), lock("libcluster"), nobody, "libcluster is brought by another package"},
		"the app's own":               {mixExs, lock("libcluster"), nobody, ""},
		"topologies set as it starts": {mixExs, "", starts("[{Cluster.Supervisor, [[k8s: Application.get_env(:shop, :topology)]]}]"), "could not be read (lib/shop.ex:3:"},
		"children that are computed":  {mixExs, "", starts("Shop.Children.all()"), "cluster was not seen: Shop: children"},
		"no topologies at all":        {mixExs, "", starts("[{Cluster.Supervisor, [Application.get_env(:libcluster, :topologies, [])]}]"), ""},
		"by hand":                     {dep("jason"), "", "defmodule Shop do\n  def join(node), do: Node.connect(node)\nend\n", "Node.connect (lib/shop.ex:2:"},
		"by the kernel":               {dep("jason"), "", "defmodule Shop do\n  def join(node), do: :net_kernel.connect_node(node)\nend\n", ":net_kernel.connect_node"},
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for name, text := range map[string]string{
				"mix.exs": c.mix, "mix.lock": c.lock, "lib/shop.ex": c.code, "lib/shop/application.ex": application(""), "config/config.exs": "import Config\n",
			} {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			p, err := project.Read(files)
			if err != nil {
				t.Fatal(err)
			}
			set := read(t, hand)
			got := mesh.Predict(Of(t.Context(), set, of(AppOf(p, project.Pos.String), runsOf(set)), ""))
			if doubts := strings.Join(got.Doubts, "; "); (doubts == "") != (c.doubt == "") || !strings.Contains(doubts, c.doubt) {
				t.Errorf("doubts %q; want one with %q", doubts, c.doubt)
				tell(t, got)
			}
		})
	}
}
