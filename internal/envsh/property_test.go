package envsh_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/phialdev/phial/internal/envsh"
)

// A writer makes scripts of lines such as people write, and of such as they should not.
type writer struct{ t *rapid.T }

func (w writer) of(all ...string) string { return rapid.SampledFrom(all).Draw(w.t, "") }
func (w writer) name() string {
	return w.of("A", "B", "C", "POD_IP", "RELEASE_NODE", "RELEASE_NAME", "x")
}

func (w writer) text() string {
	return w.of("", "a", "b c", "10.0.0.7", "tally@10.0.0.7", "a.b.c", " x ", "name", "1", "2", "-n", "a,b", "a-b", "start")
}

func (w writer) word(depth int) string {
	n := 10
	if depth <= 0 {
		n = 4
	}
	switch rapid.IntRange(0, n).Draw(w.t, "word") {
	case 0, 1:
		return `"$` + w.name() + `"`
	case 2:
		return w.of("a", "1", "tally", "'b c'", `"x.y"`, `a\ b`, "''", "${RELEASE_NAME}-1", "'$A'", `"a\$b"`, "c.d", `"$1"`)
	case 3:
		return "$" + w.name()
	case 4:
		return `"${` + w.name() + w.of(":-", "-", ":+", "+") + w.of("", "d", "$B", "e f") + `}"`
	case 5:
		return w.of(`"`, "") + "${" + w.name() + w.of("%", "%%", "#", "##") + w.of(".*", "*.", "*", "a", "[a-c]*", "?", "'*'", "*@", "@*")
	case 10:
		return w.of(`"`, "") + "${" + w.name() + w.of(notDash...) + "}"
	case 6:
		return `"$(` + w.command(depth-1) + `)"`
	case 7:
		return "$(" + w.command(depth-1) + ")"
	case 8:
		return "$((" + w.of("1 + 2", "A + 1", "$B * 2", "3 > 2", "x % 2") + "))"
	}
	return w.word(depth-1) + w.of("@", ".", "-", "") + w.word(depth-1)
}

// notDash are expansions that dash ends at, and other shells do not.
var notDash = []string{"//./-", "/a/b", ":0:2", "^^", ",", "@Q"}

// whole closes what word may have left open: a quote, a brace.
func (w writer) whole(depth int) string {
	s := w.word(depth)
	if strings.Count(s, "${") > strings.Count(s, "}") {
		s += "}"
	}
	if strings.Count(strings.ReplaceAll(s, `\"`, ""), `"`)%2 == 1 {
		s += `"`
	}
	return s
}

func (w writer) command(depth int) string {
	switch rapid.IntRange(0, 12).Draw(w.t, "command") {
	case 0, 1:
		return "echo " + w.whole(depth-1) + " " + w.whole(depth-1)
	case 2:
		return "hostname " + w.of("", "-f", "-s", "-i", "-I", "-d")
	case 3:
		return "hostname " + w.of("-f", "-i", "-I") + " | " + w.of("cut -d. -f1", "cut -d' ' -f2", "awk '{print $1}'", "awk '{ print $NF }'",
			"tr ' ' '\\n'", "tr -d ' '", "sed 's/\\./-/g'", "head -n1", "xargs", "cut -c1-4", "awk -F. '{print $2}'", "sed 's/[0-9]*//'", "sed s/.*y/z/", "tail -n 1", "cat")
	case 4:
		return "printf '%s\\n' " + w.whole(depth-1)
	case 5:
		return "printf '%s-%s' " + w.whole(depth-1) + " " + w.whole(depth-1)
	case 6:
		return w.of("true", "false", "cat /nowhere 2>/dev/null", "exit 3", "echo a; false", "echo $?", "return 1")
	case 7:
		return "echo " + w.whole(depth-1) + " | " + w.of("cut -d. -f1,3", "tr a-z A-Z", "awk '{print $2}'", "sed 's/a/bb/'", "{ read -r l m; echo \"$m:$l\"; }", "tr . -", "cut -d@ -f 2- -s")
	case 8:
		return w.test()
	case 9:
		return w.of("f", "f "+w.whole(depth-1), "g", "g 1 2")
	}
	return "echo -n " + w.whole(depth-1)
}

func (w writer) test() string {
	switch rapid.IntRange(0, 5).Draw(w.t, "test") {
	case 0:
		return "[ -z " + w.whole(0) + " ]"
	case 1:
		return "[ -n " + w.whole(0) + " ]"
	case 2:
		return "[ " + w.whole(0) + w.of(" = ", " != ", " -eq ", " -lt ") + w.whole(0) + " ]"
	case 3:
		return "test " + w.whole(0)
	case 4:
		return "[ -n \"$" + w.name() + "\" " + w.of("-a", "-o") + " \"$" + w.name() + "\" = " + w.of("a", "1", "''") + " ]"
	}
	return w.of("[ -e /nowhere ]", "[ ! -d /tmp ]", "[ -r /etc/hostname ]", "! [ \"$A\" ]", "grep -q zz /dev/null", "[ \"$(date +%s)\" -gt 5 ]")
}

func (w writer) line(depth int) string {
	n := 16
	if depth <= 0 {
		n = 7
	}
	switch rapid.IntRange(0, n).Draw(w.t, "line") {
	case 0, 1:
		return "export " + w.name() + "=" + w.whole(2)
	case 2:
		return w.name() + "=" + w.whole(2)
	case 3:
		return w.name() + "=" + w.whole(1) + "; export " + w.name()
	case 4:
		return w.of(": \"${POD_IP:?}\"", ": ${A:=$B}", "unset "+w.name(), "set -- "+w.whole(1)+" "+w.whole(1), "export A=$# B=$1", "shift || true", "set +e", "set -u", "set -a", "IFS=.", "unset IFS", "export "+w.name())
	case 5:
		return w.test() + w.of(" && ", " || ") + w.name() + "=" + w.whole(1)
	case 6:
		return w.of("f() { local x; x=$1; A=$x; echo \"$A\"; }", "g() { [ -n \"$A\" ] && return; B=1$B; }", "f", "g", "f 1", "g || true", "exec 2>&1", "x=1 g", "A=5 hostname", "break",
			"f() { A=$(cat /etc/hostname) || return 0; export A; }")
	case 7:
		return w.command(1) + w.of("", " >/dev/null", " 2>/dev/null", " || true", " 2>&1 | cat")
	case 8, 9, 10:
		s := "if " + w.of("", "! ") + w.test() + w.of("", " && "+w.test(), " || "+w.test()) + "; then\n" + w.lines(depth-1)
		if rapid.Bool().Draw(w.t, "elif") {
			s += "elif " + w.test() + "; then\n" + w.lines(depth-1)
		}
		if rapid.Bool().Draw(w.t, "else") {
			s += "else\n" + w.lines(depth-1)
		}
		return s + "fi"
	case 11, 12:
		return "case " + w.whole(1) + " in\n" + w.of("start*", "a*|b", "*.*", "\"$A\"", "$B", "[a-z]") + ")\n" + w.lines(depth-1) + ";;\n" + w.of("?", "*", "'*'", "10.*", "*@*") + ")\n" + w.lines(depth-1) + ";;\nesac"
	case 13:
		return "for x in " + w.whole(1) + " " + w.whole(1) + "; do\n" + w.lines(depth-1) + w.of("", "[ -n \"$A\" ] && break\n", "continue\n", "[ -e /nowhere ] || break\n") + "done"
	case 14:
		return "{\n" + w.lines(depth-1) + "}" + w.of("", " >/dev/null", " 2>&1")
	case 15:
		return "(\n" + w.lines(depth-1) + ")" + w.of("", " || true")
	}
	return w.of("B=$(cat <<E\n$A ${x:-y}\nE\n)", "n=0; while [ $n -lt 3 ]; do n=$((n+1)); A=$A$n; done", "while [ -e /nowhere ]; do A=$A.; done",
		"until [ ! -e /nowhere ] || g; do B=x; done", "eval \"B=$A\"", "eval 'export C=$B'", "hostname -i | while read -r p q; do A=$q; echo $p; done", "read -r A B <<E\n$C d e\nE")
}

func (w writer) lines(depth int) string {
	var b strings.Builder
	for range rapid.IntRange(1, 3).Draw(w.t, "lines") {
		b.WriteString(w.line(depth) + "\n")
	}
	return b.String()
}

// Whatever is said to be known is what the shells give.
func TestShellsAgree(t *testing.T) {
	shells := map[string]*shell{"dash": newShell(t, pod, "dash"), "busybox": newShell(t, pod, "busybox", "sh")}
	unclear, total := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w := writer{rt}
		script := ""
		for range rapid.IntRange(1, 6).Draw(rt, "n") {
			script += w.line(2) + "\n"
		}
		env := vars{}
		for _, n := range []string{"A", "B", "POD_IP", "RELEASE_NODE", "RELEASE_NAME"} {
			if rapid.Bool().Draw(rt, n) {
				env[n] = w.text()
			}
		}
		told := environment(env)
		// Of some variables it is not told what they hold, or whether they are there.
		hidden := ""
		for _, n := range slices.Sorted(maps.Keys(env)) {
			v := env[n]
			switch rapid.IntRange(0, 5).Draw(rt, "hide "+n) {
			case 0:
				told.Vars[n] = envsh.Value{Unknown: "it is hidden", Filled: v != ""}
			case 1:
				delete(told.Vars, n)
				hidden += n + " "
			}
		}
		unsure := told.Unsure
		told.Unsure = func(n string) string {
			if strings.Contains(hidden, n+" ") || n == "C" {
				return "it may be there"
			}
			return unsure(n)
		}
		res, err := envsh.Run(t.Context(), envsh.Source{Name: "env.sh", Text: []byte(script)}, release, told, pod)
		if err != nil {
			rt.Fatal(err)
		}
		total++
		if res.Unclear != "" {
			unclear++
			return
		}
		for name, sh := range shells {
			if name == "busybox" && strings.Contains(script, "hostname") {
				continue // its hostname is its own, and tells of this machine
			}
			if name == "busybox" && slices.ContainsFunc(notDash, func(s string) bool { return strings.Contains(script, s+"}") }) {
				continue
			}
			for _, bad := range sh.agree(t, script, release, env, res) {
				rt.Errorf("%s, of\n%s\nin %v: %s", name, script, env, bad)
			}
		}
	})
	t.Logf("%d scripts, %d of them unclear", total, unclear)
}
