package envsh_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/envsh"
)

func follow(t *testing.T, script string, env envsh.Env, host envsh.Host) *envsh.Result {
	t.Helper()
	res, err := envsh.Run(t.Context(), envsh.Source{Name: "env.sh.eex", Text: []byte(script)}, release, env, host)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// What is not known of a variable is no more known afterwards, and no less than it has to be.
func TestUnknown(t *testing.T) {
	ip := envsh.Env{Vars: map[string]envsh.Value{"POD_IP": {Unknown: "status.podIP", Filled: true}}}
	config := envsh.Env{Unsure: func(n string) string {
		if n == "POD_IP" || n == "RELEASE_NODE" {
			return "ConfigMap web was not read"
		}
		return ""
	}}
	part := func(all ...string) (parts []envsh.Part) {
		for _, s := range all {
			if why, ok := strings.CutPrefix(s, "?"); ok {
				parts = append(parts, envsh.Part{Unknown: why})
			} else {
				parts = append(parts, envsh.Part{Text: s})
			}
		}
		return parts
	}
	cases := []struct {
		name, script string
		env          envsh.Env
		want         envsh.Value
	}{
		{"its shape", `export RELEASE_NODE="<%= @release.name %>@$POD_IP"`, ip,
			envsh.Value{Unknown: "status.podIP", Parts: part("tally@", "?status.podIP"), Filled: true, From: "env.sh.eex:1:8"}},
		{"it is not empty", `if [ -n "$POD_IP" ]; then RELEASE_NODE=a; fi; export RELEASE_NODE`, ip, envsh.Value{Text: "a", From: "env.sh.eex:1:27"}},
		{"it is needed and there", ": ${POD_IP:?}\nexport RELEASE_NODE=a", ip, envsh.Value{Text: "a", From: "env.sh.eex:2:8"}},
		{"its default is not needed", `export RELEASE_NODE="${POD_IP:+a}"`, ip, envsh.Value{Text: "a", From: "env.sh.eex:1:8"}},
		{"through a tool", `export RELEASE_NODE=a@$(echo $POD_IP | tr . -).b`, ip,
			envsh.Value{Unknown: "status.podIP", Parts: part("a@", "?status.podIP", ".b"), Filled: true, From: "env.sh.eex:1:8"}},
		{"it may be there", `if [ -n "${POD_IP:-}" ]; then export RELEASE_NODE="a@$POD_IP"; else export RELEASE_NODE=a@b; fi`, config,
			envsh.Value{
				Unknown: "whether `[ -n \"${POD_IP:-}\" ]` holds (line 1) is not known: ConfigMap web was not read",
				Parts:   part("a@", "?whether `[ -n \"${POD_IP:-}\" ]` holds (line 1) is not known: ConfigMap web was not read"), Filled: true,
			}},
		{"it is set to be sure", `: "${POD_IP:?}"; RELEASE_NODE="a@$POD_IP"; export RELEASE_NODE`, config,
			envsh.Value{Unknown: "ConfigMap web was not read", Parts: part("a@", "?ConfigMap web was not read"), Filled: true, From: "env.sh.eex:1:18"}},
		{"outside may win", `export RELEASE_NODE="${RELEASE_NODE:-a@b}"`, config,
			envsh.Value{Unknown: "ConfigMap web was not read", Parts: part("?ConfigMap web was not read"), Filled: true, From: "env.sh.eex:1:8"}},
		{"not known which way, and the same", `if [ -e /nowhere ]; then RELEASE_NODE=a; else RELEASE_NODE=a; fi; export RELEASE_NODE`, ip, envsh.Value{Text: "a"}},
		{"a prefix rules a case out", `case "a@$POD_IP" in b@*) RELEASE_NODE=b;; *) RELEASE_NODE=c;; esac; export RELEASE_NODE`, ip, envsh.Value{Text: "c", From: "env.sh.eex:1:46"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res := follow(t, c.script+"\n", c.env, pod)
			if d := cmp.Diff(c.want, res.Vars["RELEASE_NODE"]); d != "" {
				t.Errorf("RELEASE_NODE (-want +got):\n%s%s", d, res.Unclear)
			}
		})
	}
}

func TestHostNotKnown(t *testing.T) {
	for _, flag := range []string{"", "-s", "-f", "-d", "-i", "-I"} {
		res := follow(t, "export A=a@$(hostname "+flag+")\n", envsh.Env{}, envsh.Host{})
		if v := res.Vars["A"]; v.Known() || len(v.Parts) == 0 || v.Parts[0].Text != "a@" {
			t.Errorf("hostname %s gives %+v, want a@ and a gap", flag, v)
		}
	}
	res := follow(t, "export A=$(hostname -I)\n", envsh.Env{}, envsh.Host{Addrs: []string{"10.0.0.7"}, Busybox: true})
	if v := res.Vars["A"]; !v.Known() || v.Text != "" {
		t.Errorf("busybox's hostname -I gives %+v, want nothing", v)
	}
}

// What only other shells than dash have is not known where nobody knows which one it is.
func TestForeign(t *testing.T) {
	for _, c := range []struct {
		script  string
		foreign bool
	}{
		{"export A=${POD_IP//./-}\n", true},
		{"a=(1 2)\n", true},
		{"if then\n", false},
		{"while true; do :; done\n", false},
	} {
		if res := follow(t, c.script, envsh.Env{}, envsh.Host{}); res.Unclear == "" || res.Foreign != c.foreign {
			t.Errorf("%q: unclear %q, foreign %v, want %v", c.script, res.Unclear, res.Foreign, c.foreign)
		}
	}
	if res := follow(t, "if false; then export A=${POD_IP//./-}; fi\nexport B=1\n", envsh.Env{}, envsh.Host{}); res.Unclear != "" || res.Vars["B"].Text != "1" {
		t.Errorf("where nobody comes to it: unclear %q, B is %+v", res.Unclear, res.Vars["B"])
	}
}

func TestNode(t *testing.T) {
	cases := []struct {
		name, script string
		host         envsh.Host
		flag, node   string
		broken       string
	}{
		{"nothing", "", pod, "sname", "tally@tally-0", ""},
		{"long", "export RELEASE_DISTRIBUTION=name", pod, "name", "tally@" + pod.FQDN, ""},
		{"long, and no full name", "export RELEASE_DISTRIBUTION=name", envsh.Host{Short: "tally-0", FQDN: "tally-0"}, "name", "tally", "does not boot"},
		{"given", "RELEASE_DISTRIBUTION=name RELEASE_NODE=a@10.0.0.7", pod, "name", "a@10.0.0.7", ""},
		{"none", "RELEASE_DISTRIBUTION=none", pod, "none", "", ""},
		{"neither", "RELEASE_DISTRIBUTION=longnames", pod, "longnames", "tally", "has to be"},
		{"two addresses", "RELEASE_NODE=a@$(hostname -i)", pod, "sname", "a@10.0.0.7 fd00::7", "white space"},
		{"empty", "RELEASE_NODE=", pod, "sname", "tally@tally-0", ""},
		{"ends", "exit 1", pod, "?", "?", "ends"},
		{"not known", "RELEASE_NODE=$(cat /nowhere) || true", pod, "sname", "?", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := follow(t, c.script+"\n", envsh.Env{}, c.host).Node()
			show := func(v envsh.Value) string {
				if !v.Known() {
					return "?"
				}
				return v.Text
			}
			if c.broken != "" && strings.Contains(n.Broken, c.broken) && n.Broken != "" && c.flag == "?" {
				return
			}
			if show(n.Flag) != c.flag || show(n.Name) != c.node || !strings.Contains(n.Broken, c.broken) || c.broken == "" && n.Broken != "" {
				t.Errorf("got %+v, want %s %s %q", n, c.flag, c.node, c.broken)
			}
		})
	}
}

func TestTooMuch(t *testing.T) {
	cases := map[string]string{
		"large":     strings.Repeat("#", 65<<10),
		"loops":     strings.Repeat("for a in 1 2 3 4 5 6 7 8 9; do ", 8) + ":" + strings.Repeat("; done", 8),
		"functions": "g() { if [ -e /x ]; then g; else g; fi; }\ng\n",
		"nested":    strings.Repeat("{ ", 500) + ":" + strings.Repeat("; }", 500),
		"unclear":   "x() { while [ -e /a ]; do x; done; }\nx\n",
		"output":    "A=$(while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done)",
		"eval":      "e='eval \"$e\"'; eval \"$e\"",
		"words":     "a='1 1 1 1 1 1 1 1 1 1'; set -- $a $a $a $a; while :; do set -- $* $*; set -- \"$@\" \"$@\" \"$@\"; done",
	}
	for name, script := range cases {
		t.Run(name, func(t *testing.T) {
			if res := follow(t, script+"\n", envsh.Env{}, pod); res.Unclear == "" {
				t.Errorf("it is followed to its end, want it given up: %+v", res)
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := envsh.Run(ctx, envsh.Source{Name: "e", Text: []byte("A=1\n")}, release, envsh.Env{}, pod); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func FuzzRun(f *testing.F) {
	for _, s := range scripts {
		f.Add([]byte(s.script))
	}
	f.Add([]byte("<%>"))
	f.Add([]byte("export ${00}"))
	f.Add([]byte("<%= if x do %>\na\n<% end %>"))
	f.Add([]byte("a=<% case x do %><% 1 -> %>\n<% end %>"))
	f.Add([]byte("a=\"<%= for x do %>\n<% end %>\n\""))
	f.Fuzz(func(t *testing.T, text []byte) {
		src := envsh.Source{Name: "env.sh", Text: text}
		env := envsh.Env{Vars: map[string]envsh.Value{"A": {Text: "a b"}, "POD_IP": {Unknown: "hidden"}}}
		res, err := envsh.Run(t.Context(), src, release, env, pod)
		if err != nil {
			t.Fatal(err)
		}
		res.Defaults()
		res.Node()
		for n, v := range res.Vars {
			if !v.Known() && v.Text != "" {
				t.Errorf("%s is not known and is %q", n, v.Text)
			}
		}
		envsh.Parse(src, release)
	})
}

// Where sh is dash, a script for another shell ends, and it is told from others that end.
func TestForeignEnds(t *testing.T) {
	for script, foreign := range map[string]bool{
		"export A=${B//x/y}\n":             true,
		"f() { export A=${B//x/y}; }\nf\n": true,
		": ${POD_IP:?}\n":                  false,
		"exit 3\n":                         false,
	} {
		res := follow(t, script, envsh.Env{}, envsh.Host{Dash: true})
		if res.Ends == nil || res.Ends.Foreign != foreign {
			t.Errorf("%q: %+v, %s", script, res.Ends, res.Unclear)
		}
	}
}
