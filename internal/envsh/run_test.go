package envsh_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/envsh"
)

type vars = map[string]string

// Each script is run by dash as well, which has to agree with whatever is said to be known.
var scripts = []struct {
	name   string
	script string
	env    vars
	want   vars   // what has to be known
	gaps   string // variables that can't be known
	ends   string // what the script ends with, surely
	maybe  int    // how many places there are where it may end
	vague  string // part of why nothing is known
}{
	{name: "nothing", script: "#!/bin/sh\n", want: vars{"RELEASE_NAME": "tally", "RELEASE_VSN": "1.0.0", "RELEASE_ROOT": "/app", "RELEASE_COMMAND": "start"}},
	{name: "name from outside", script: "", env: vars{"RELEASE_NAME": "other"}, want: vars{"RELEASE_NAME": "other"}},
	{name: "name@POD_IP", env: vars{"POD_IP": "10.0.0.7"}, script: `
export RELEASE_DISTRIBUTION=name
export RELEASE_NODE="<%= @release.name %>@${POD_IP}"
`, want: vars{"RELEASE_DISTRIBUTION": "name", "RELEASE_NODE": "tally@10.0.0.7"}},
	{name: "POD_IP is not given", script: `
export RELEASE_DISTRIBUTION=name
export RELEASE_NODE=<%= @release.name %>@${POD_IP}
`, want: vars{"RELEASE_NODE": "tally@"}},
	{name: "POD_IP is needed", script: ": \"${POD_IP:?is not set}\"\nexport A=1\n", ends: "POD_IP"},
	{name: "POD_IP is needed and there", script: ": \"${POD_IP:?}\"\nexport A=$POD_IP\n", env: vars{"POD_IP": "10.0.0.7"}, want: vars{"A": "10.0.0.7"}},
	{name: "hostname -f", script: "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=tally@$(hostname -f)\n",
		want: vars{"RELEASE_NODE": "tally@tally-0.tally.prod.svc.cluster.local"}},
	{name: "hostname in backquotes", script: "export RELEASE_NODE=\"tally@`hostname -s`\"\n", want: vars{"RELEASE_NODE": "tally@tally-0"}},
	{name: "hostname -i gives two", script: "export RELEASE_NODE=tally@$(hostname -i)\n", want: vars{"RELEASE_NODE": "tally@10.0.0.7 fd00::7"}},
	{name: "hostname -I ends with a space", script: "export RELEASE_NODE=\"tally@$(hostname -I)\"\n", want: vars{"RELEASE_NODE": "tally@10.0.0.7 fd00::7 "}},
	{name: "one address of several, awk", script: "ip=$(hostname -i | awk '{print $1}')\nexport RELEASE_NODE=tally@$ip\n", want: vars{"RELEASE_NODE": "tally@10.0.0.7"}},
	{name: "one address of several, cut", script: "export IP=$(hostname -I | cut -d' ' -f1) D=$(hostname -f | cut -d . -f 2-)\n",
		want: vars{"IP": "10.0.0.7", "D": "tally.prod.svc.cluster.local"}},
	{name: "one address of several, sed and tr", script: `export A="$(hostname -i | tr ' ' '\n' | head -n1 | sed 's/\./-/g')" B=$(hostname -i|tr ' ' '\n'|tail -1) C=$(hostname -I|xargs)` + "\n",
		want: vars{"A": "10-0-0-7", "B": "fd00::7", "C": "10.0.0.7 fd00::7"}},
	{name: "one address of several, sets", script: "set -- $(hostname -i)\nexport A=$1 B=$2 N=$#\n", want: vars{"A": "10.0.0.7", "B": "fd00::7", "N": "2"}},
	{name: "one address of several, loop", script: `
for a in $(hostname -i); do
  case $a in *:*) continue ;; esac
  ip=$a
  break
done
export RELEASE_NODE="tally@$ip"
`, want: vars{"RELEASE_NODE": "tally@10.0.0.7"}},
	{name: "one address of several, read", script: "hostname -i | { read -r a b; echo \"$a\"; }\nA=$(hostname -i | { read -r a b; echo \"$a/$b\"; })\nexport A\n", want: vars{"A": "10.0.0.7/fd00::7"}},
	{name: "default of the same name", script: `export RELEASE_NODE="${RELEASE_NODE:-tally@127.0.0.1}" B=${B-b} C="${C:-"c d"}"` + "\n", env: vars{"B": ""},
		want: vars{"RELEASE_NODE": "tally@127.0.0.1", "B": "", "C": "c d"}},
	{name: "default within default", script: `export A="${A:-${B:-$(hostname)}}"` + "\n", want: vars{"A": "tally-0"}},
	{name: "default from outside wins", script: `export RELEASE_NODE="${RELEASE_NODE:-x}"`, env: vars{"RELEASE_NODE": "a@b"}, want: vars{"RELEASE_NODE": "a@b"}},
	{name: "assigned default", script: ": \"${A:=1}\" ${B=2}\nexport A B\n", want: vars{"A": "1", "B": "2"}},
	{name: "only if unset", script: "if [ -z \"$A\" ]; then export A=1; fi\n[ -n \"${B:-}\" ] || export B=2\ntest \"${C}\" || C=3\n", env: vars{"B": "x"},
		want: vars{"A": "1", "B": "x"}},
	{name: "by command", script: `
case $RELEASE_COMMAND in
  start*|daemon*)
    ELIXIR_ERL_OPTIONS="-kernel inet_dist_listen_min 9000 inet_dist_listen_max 9000"
    export ELIXIR_ERL_OPTIONS
    ;;
  *) export OTHER=1 ;;
esac
case "$1" in start) export ONE=1;; esac
`, want: vars{"ELIXIR_ERL_OPTIONS": "-kernel inet_dist_listen_min 9000 inet_dist_listen_max 9000", "ONE": "1"}},
	{name: "as Phoenix writes it for IPv6", script: `
# configure node for distributed erlang with IPV6 support
export ERL_AFLAGS="-proto_dist inet6_tcp"
export ECTO_IPV6="true"
export DNS_CLUSTER_QUERY="${FLY_APP_NAME}.internal"
export RELEASE_DISTRIBUTION="name"
export RELEASE_NODE="${FLY_APP_NAME}-${FLY_IMAGE_REF##*-}@${FLY_PRIVATE_IP}"
`, env: vars{"FLY_APP_NAME": "tally", "FLY_IMAGE_REF": "registry/tally:deployment-01H9", "FLY_PRIVATE_IP": "fdaa::3"},
		want: vars{"RELEASE_NODE": "tally-01H9@fdaa::3", "DNS_CLUSTER_QUERY": "tally.internal"}},
	{name: "a file", script: "if [ -f /nowhere/cookie ]; then export RELEASE_COOKIE=$(cat /nowhere/cookie); fi\nexport A=1\n", want: vars{"A": "1"}, gaps: "RELEASE_COOKIE", maybe: 0},
	{name: "a file without a condition", script: "export B=1\nX=$(cat /etc/hostname)\nexport A=1$X\n", want: vars{"B": "1"}, gaps: "A", maybe: 1},
	{name: "a file that is read", script: "export B=1\n. /nowhere/config\nexport A=1\n", maybe: 1, want: vars{"A": "1"}, gaps: "B"},
	{name: "as phial init writes it", script: `
if [ -n "${POD_IP:-}" ]; then
  export RELEASE_DISTRIBUTION="${RELEASE_DISTRIBUTION:-name}"
  export RELEASE_NODE="${RELEASE_NODE:-<%= @release.name %>@$POD_IP}"
fi
if [ -r "${PHIAL_COOKIE_FILE:-/var/run/phial/cookie/cookie}" ]; then
  phial_cookie=$(cat "${PHIAL_COOKIE_FILE:-/var/run/phial/cookie/cookie}" 2>/dev/null) || phial_cookie=
  if [ -n "$phial_cookie" ]; then
    export RELEASE_COOKIE="$phial_cookie"
  fi
  unset phial_cookie
fi
`, env: vars{"POD_IP": "10.0.0.7"}, want: vars{"RELEASE_DISTRIBUTION": "name", "RELEASE_NODE": "tally@10.0.0.7"}, gaps: "RELEASE_COOKIE"},
	{name: "a literal command in a value", script: "", env: vars{"RELEASE_NODE": "tally@$(hostname -f)"}, want: vars{"RELEASE_NODE": "tally@$(hostname -f)"}},
	{name: "set from an empty one", script: "export RELEASE_COOKIE=$ERLANG_COOKIE\n", want: vars{"RELEASE_COOKIE": ""}},
	{name: "set and not exported", script: "RELEASE_NODE=a@b\n"},
	{name: "exit", script: "export A=1\nif [ -z \"$POD_IP\" ]; then\n  echo no >&2\n  exit 1\nfi\n", ends: "exit 1"},
	{name: "a command that fails", script: "false\nexport A=1\n", ends: "false"},
	{name: "a test that fails at the end of a list", script: "[ -n \"$A\" ] && export B=1\nexport C=1\n", want: vars{"C": "1"}},
	{name: "a test alone that fails", script: "[ -n \"$A\" ]\nexport C=1\n", ends: `[ -n "$A" ]`},
	{name: "a substitution that fails", script: "X=$(false)\nexport C=1\n", ends: "X=$(false)"},
	{name: "an export of one that fails", script: "export X=$(false)\nexport C=1\n", want: vars{"C": "1", "X": ""}},
	{name: "set +e", script: "set +e\nfalse\nexport C=1\n", want: vars{"C": "1"}},
	{name: "set -u", script: "set -u\nexport A=${B:-1}\nexport C=$D\n", ends: "D is not set"},
	{name: "set -a", script: "set -a\nA=1\nset +a\nB=2\n", want: vars{"A": "1"}},
	{name: "return", script: "export A=1\nreturn 0\nexport A=2\n", want: vars{"A": "1"}},
	{name: "functions", script: "f() { local x=$1; echo \"<$x>\"; }\nx=0\nexport A=$(f a) X=$x\ng() { B=$1; }\ng b\nexport B\n", want: vars{"A": "<a>", "X": "0", "B": "b"}},
	{name: "while", script: "i=0\nwhile [ $i -lt 3 ]; do i=$((i + 1)); done\nexport I=$i\n", want: vars{"I": "3"}},
	{name: "loop without an end", script: "while true; do :; done\n", vague: "does not come to an end"},
	{name: "loop that grows", script: "a=x\nwhile true; do a=$a$a; done\n", vague: "grows"},
	{name: "function without an end", script: "f() { f; }\nf\n", vague: "nested"},
	{name: "loop of nobody knows how many", script: "export A=1 B=1\nwhile [ ! -e /nowhere/up ]; do A=2; break; done\n", want: vars{"B": "1"}, gaps: "A"},
	{name: "heredoc", script: "export A=$(cat <<EOF\na $RELEASE_NAME \\$x\nEOF\n) B=$(cat <<'EOF'\n$b\\\nEOF\n)\n", want: vars{"A": "a tally $x", "B": "$b\\"}},
	{name: "cuts", script: "h=$(hostname -f)\nexport A=${h%%.*} B=${h#*.} C=${h##*.} D=${h%.*.*} N=${#h} I=${h%%\".\"*}\n",
		want: vars{"A": "tally-0", "B": "tally.prod.svc.cluster.local", "C": "local", "D": "tally-0.tally.prod.svc", "N": "36", "I": "tally-0"}},
	{name: "quotes", script: `export A='a b'"c $RELEASE_NAME"\ d B="a\"b\\c\$d\e" C="${RELEASE_NAME}"'$x'` + "\n", want: vars{"A": "a bc tally d", "B": `a"b\c$d\e`, "C": "tally$x"}},
	{name: "an address of a StatefulSet", script: `
export POD_A_RECORD=$(echo $POD_IP | sed 's/\./-/g')
export RELEASE_NODE=<%= @release.name %>@$POD_A_RECORD.$NAMESPACE.pod.cluster.local
`, env: vars{"POD_IP": "10.0.0.7", "NAMESPACE": "prod"}, want: vars{"RELEASE_NODE": "tally@10-0-0-7.prod.pod.cluster.local"}},
	{name: "ordinal", script: "export N=${HOSTNAME##*-}\n[ \"$N\" -eq 0 ] && export FIRST=yes\nexport A=$((N + 1))\n", env: vars{"HOSTNAME": "tally-0"}, want: vars{"N": "0", "FIRST": "yes", "A": "1"}},
	{name: "eval", script: "eval \"export A_$RELEASE_COMMAND=1\"\n", want: vars{"A_start": "1"}},
	{name: "eval of what is not known", script: "export B=1\neval \"$(cat /etc/hostname)\" || true\n", gaps: "B", maybe: 1},
	{name: "bash's test", script: "if [[ -n $A ]]; then export B=1; fi\nexport C=1\n", want: vars{"C": "1"}, gaps: "B"},
	{name: "bash's ==", script: "if [ \"$A\" == \"\" ]; then export B=1; fi\nexport C=1\n", want: vars{"C": "1"}, gaps: "B"},
	{name: "bash's replacement", script: "export A=1\nexport B=a@${POD_IP//./-}.pod\nexport C=1\n", env: vars{"POD_IP": "10.0.0.7"}, ends: "${POD_IP//./-}"},
	{name: "bash's slice in quotes", script: "export B=\"${POD_IP:0:2}\"\n", env: vars{"POD_IP": "10.0.0.7"}, ends: "Bad substitution"},
	{name: "bash's capitals, of what is not set", script: "export B=${NOBODY^^}\n", ends: "${NOBODY^^}"},
	{name: "bash's other name's value", script: "X=POD_IP\nexport B=${!X}\n", env: vars{"POD_IP": "10.0.0.7"}, ends: "${!X}"},
	{name: "bash's replacement where nobody comes", script: "if [ -n \"$NOBODY\" ]; then export B=${POD_IP//./-}; fi\nexport C=1\n", env: vars{"POD_IP": "10.0.0.7"}, want: vars{"C": "1"}},
	{name: "bash's replacement in a shell of its own", script: "export C=1\nB=$(echo ${POD_IP//./-}) || true\nexport D=1\n", env: vars{"POD_IP": "10.0.0.7"}, want: vars{"C": "1", "D": "1"}},
	{name: "bash's replacement in a document", script: "read -r A <<E || true\n${POD_IP//./-}\nE\nexport C=1\n", env: vars{"POD_IP": "10.0.0.7"}, vague: "within a document"},
	{name: "what is needed, in a document", script: "read -r A <<E || true\n${NOBODY:?}\nE\nexport C=1\n", vague: "within a document"},
	{name: "bash's array", script: "a=(1 2)\nexport C=1\n", vague: "arrays"},
	{name: "bash's +=", script: "export C=1\nC+=2\n", gaps: "C", maybe: 1},
	{name: "a function that ends a subshell", script: "export C=1\nf() { local A; false; }\n(f) || true\n(f; C=2) || true\nexport D=$C\n", want: vars{"C": "1", "D": "1"}},
	{name: "a function that may end a subshell", script: "export C=1\nf() { local A; \"\"; }\n(f ) || true\n", want: vars{"C": "1"}},
	{name: "a function that may end a subshell, and with it the script", script: "export C=1\nf(){ local A;\"\";}\n(f )\n", maybe: 1, want: vars{"C": "1"}},
	{name: "source", script: "export C=1\nsource /nowhere || true\n", gaps: "C", maybe: 1},
	{name: "ends of Windows", script: "#!/bin/sh\r\n# nothing\r\nexport A=1\r\nB=2\r\nexport B\n", want: vars{"A": "1\r", "B": "2\r"}},
	{name: "ends of Windows, and an empty line", script: "export A=1\r\n\r\nexport B=2\r\n", ends: "fails"},
	{name: "ends of Windows, and a condition", script: "if [ -n \"$A\" ]; then\r\n  export B=1\r\nfi\r\n", ends: "line ends of Windows"},
	{name: "ends of Windows behind an end", script: "return 0\nif [ -n \"$A\" ]; then\r\n  export B=1\r\nfi\r\n", vague: ":"},
	{name: "ends of Windows in comments", script: "#!/bin/sh\r\n# export A=1\r\n", want: vars{}},
	{name: "ends of Windows behind a name", script: "A=1\nexport A\r\n", ends: "no name of a variable"},
	{name: "ends of Windows in a text", script: "export A='1\r\n2'\n", want: vars{"A": "1\r\n2"}},
	{name: "a carriage return", script: "export A=1\r2\nexport B=$A\n", want: vars{"A": "1\r2", "B": "1\r2"}},
	{name: "a sign that no text has", script: "export A=\x1c\n", vague: "no text has"},
	{name: "no shell at all", script: "if then\n", vague: ":1:"},
	{name: "another tag", script: "export A=<%= System.get_env(\"A\") %> B=1\n", want: vars{"B": "1"}, gaps: "A"},
	{name: "a tag's condition", script: "export B=1\n<%= if System.get_env(\"A\") do %>\nexport A=1\n<% else %>\nexport C=1\n<% end %>\n", want: vars{"B": "1"}, gaps: "A C"},
	{name: "a tag's comment", script: "<%# nothing %>\nexport A='<%!-- more --%>b'\n", want: vars{"A": "b"}},
	{name: "an escaped tag", script: "export A='<%% x %>'\n", want: vars{"A": "<% x %>"}},
	{name: "date", script: "export A=a-$(date +%s)\n", gaps: "A"},
	{name: "getent", script: "ip=$(getent hosts nowhere.invalid | awk '{print $1}')\nexport RELEASE_NODE=tally@$ip\n", gaps: "RELEASE_NODE"},
	{name: "splitting", script: "x='a  b'\nset -- $x \"$x\" ''\nexport N=$# A=$1 B=$3\nIFS=,\nx='a,,b,'\nset -- $x\nexport M=$#\n", want: vars{"N": "4", "A": "a", "B": "a  b", "M": "3"}},
	{name: "the shell's own", script: "export A=$PWD B=$$ C=$- D=$0\n", gaps: "A B C D"},
	{name: "a pipe's variables", script: "A=1\necho 2 | read A\nexport A\n", want: vars{"A": "1"}},
	{name: "a subshell's variables", script: "A=1\n( A=2; exit 0 )\nexport A\n", want: vars{"A": "1"}},
	{name: "unset", script: "unset A\nexport B=${A-none}\n", env: vars{"A": "1"}, want: vars{"B": "none"}},
	{name: "readonly", script: "readonly A=1\nexport A\nexport B=1\n", want: vars{"A": "1", "B": "1"}},
	{name: "a glob", script: "export A=* B=1\nset -- /etc/host*\nexport C=$1\n", want: vars{"A": "*", "B": "1"}, gaps: "C"},
	{name: "only to see", script: "command -v hostname >/dev/null 2>&1 && export A=1\nulimit -n 1024 || true\numask 022\nexport B=1\n", want: vars{"B": "1"}, gaps: "A", maybe: 1},
	{name: "a variable for one command", script: "A=1 hostname >/dev/null\nexport B=${A:-0}\nIFS=. read -r a b <<E\n1.2.3\nE\nexport C=$a D=$b\n", want: vars{"B": "0", "C": "1", "D": "2.3"}},
	{name: "errors among what is printed", script: "export A=$(hostname -f 2>&1) B=$(cat /nowhere/x 2>&1 || true)\n", want: vars{"A": pod.FQDN}, gaps: "B"},
}

// With the line ends of Windows scripts do something else, if anything: what dash does.
func TestEndsOfWindows(t *testing.T) {
	dash := newShell(t, pod, "dash")
	ended, followed := 0, 0
	for _, c := range scripts {
		if strings.Contains(c.script, "<%") || strings.Contains(c.script, "\r") {
			continue
		}
		script := strings.ReplaceAll(c.script, "\n", "\r\n")
		res, err := envsh.Run(t.Context(), envsh.Source{Name: "env.sh", Text: []byte(script)}, release, environment(c.env), pod)
		if err != nil {
			t.Fatal(err)
		}
		if res.Windows != strings.Contains(script, "\r") {
			t.Errorf("%s: ends of Windows: %v", c.name, res.Windows)
		}
		if res.Ends != nil {
			ended++
		}
		if res.Unclear == "" {
			followed++
		}
		for _, bad := range dash.agree(t, script, release, c.env, res) {
			t.Errorf("%s: %s\n%q", c.name, bad, script)
		}
	}
	if ended < 20 || followed < 60 {
		t.Errorf("%d scripts end, and %d are followed: too few to show anything", ended, followed)
	}
}

func TestScripts(t *testing.T) {
	dash := newShell(t, pod, "dash")
	for _, c := range scripts {
		t.Run(c.name, func(t *testing.T) {
			res, err := envsh.Run(t.Context(), envsh.Source{Name: "env.sh.eex", Text: []byte(c.script)}, release, environment(c.env), pod)
			if err != nil {
				t.Fatal(err)
			}
			if c.vague != "" {
				if !strings.Contains(res.Unclear, c.vague) {
					t.Errorf("unclear is %q, want something with %q", res.Unclear, c.vague)
				}
				return
			}
			if res.Unclear != "" {
				t.Fatalf("unclear: %s", res.Unclear)
			}
			switch {
			case (res.Ends == nil) != (c.ends == ""):
				t.Errorf("ends: %+v, want %q", res.Ends, c.ends)
			case res.Ends != nil && !strings.Contains(res.Ends.Text+res.Ends.Why, c.ends):
				t.Errorf("ends: %+v, want something with %q", res.Ends, c.ends)
			case len(res.Perhaps) != c.maybe:
				t.Errorf("may end at %+v, want %d places", res.Perhaps, c.maybe)
			}
			got := vars{}
			for n, v := range res.Vars {
				if _, ok := c.want[n]; ok && v.Known() {
					got[n] = v.Text
				}
			}
			want := maps.Clone(c.want)
			if want == nil {
				want = vars{}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("known (-want +got):\n%s%v", d, res.Vars)
			}
			for _, n := range strings.Fields(c.gaps) {
				v, ok := res.Vars[n]
				if ok && v.Known() || !ok && res.Unsure(n) == "" {
					t.Errorf("%s is %+v, want it unknown", n, v)
				}
			}
			if strings.Contains(c.script, "<%") {
				return
			}
			for _, bad := range dash.agree(t, c.script, release, c.env, res) {
				t.Error(bad)
			}
		})
	}
}
