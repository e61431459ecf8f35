package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/image/tree"
)

// What stands in for the cookie that is not in the image, asked as bin/NAME asks it.
func TestGuard(t *testing.T) {
	tmp := t.TempDir()
	f, err := guarded(tree.Text("app/releases/1.0/env.sh", "#!/bin/sh\n# the team's own\nexport OURS=1\n\n\n", tree.ModePlain))
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.Content()
	if err != nil {
		t.Fatal(err)
	}
	env := filepath.Join(tmp, "env.sh")
	if err := os.WriteFile(env, text, 0o600); err != nil {
		t.Fatal(err)
	}
	// As in a release: RELEASE_COMMAND is set, env.sh read, and the cookie's file asked for where there is no cookie.
	script := `set -e
RELEASE_COMMAND="$1"; export RELEASE_COMMAND
. "` + env + `"
RELEASE_COOKIE="${RELEASE_COOKIE:-"$(cat "` + tmp + `/COOKIE")"}"
[ "$OURS" = 1 ]
echo "cookie=$RELEASE_COOKIE $(sh -c 'echo $RELEASE_COOKIE')"
`
	shells := [][]string{{"sh"}, {"bash"}}
	run := func(shell, vars []string, command string) (string, string, error) {
		args := append(append([]string{}, shell[1:]...), "-c", script, "bin/shop")
		if command != "" {
			args = append(args, command)
		} else {
			args = append(args, "")
		}
		cmd := exec.Command(shell[0], args...)
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "RELEASE_TMP=" + tmp + "/release"}, vars...)
		var out, errOut strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errOut
		err := cmd.Run()
		return out.String(), errOut.String(), err
	}
	for _, shell := range shells {
		var own string
		for _, c := range []struct {
			vars    []string
			command string
			want    string // given, own: kept from one to the next; new: another each time; refused
		}{
			{[]string{"RELEASE_COOKIE=mine"}, "start", "given"},
			{[]string{"RELEASE_COOKIE=mine", "RELEASE_NODE=shop@10.0.0.1"}, "rpc", "given"},
			{nil, "start", "refused"},
			{nil, "start_iex", "refused"},
			{nil, "daemon", "refused"},
			{nil, "rpc", "refused"},
			{nil, "remote", "refused"},
			{[]string{"RELEASE_DISTRIBUTION=name", "RELEASE_NODE=shop@10.0.0.1"}, "start", "refused"},
			{[]string{"RELEASE_DISTRIBUTION=name", "RELEASE_NODE=shop@127.0.0.1.example.com"}, "start", "refused"},
			{[]string{"RELEASE_COOKIE=", "RELEASE_DISTRIBUTION=name", "RELEASE_NODE=shop@10.0.0.1"}, "start", "refused"},
			{[]string{"RELEASE_DISTRIBUTION=name", "RELEASE_NODE=shop@127.0.0.1"}, "start", "own"},
			{[]string{"RELEASE_DISTRIBUTION=name", "RELEASE_NODE=shop@127.0.0.1"}, "rpc", "own"},
			{[]string{"RELEASE_DISTRIBUTION=name", "RELEASE_NODE=shop@::1"}, "stop", "own"},
			{[]string{"RELEASE_DISTRIBUTION=none"}, "start", "new"},
			{[]string{"RELEASE_NODE=shop@10.0.0.1"}, "eval", "new"},
			{nil, "version", "new"},
			{nil, "", "new"},
		} {
			out, errOut, err := run(shell, c.vars, c.command)
			what := strings.Join(append(c.vars, c.command), " ")
			if c.want == "refused" {
				if err == nil || !strings.Contains(errOut, "RELEASE_COOKIE is not set") || strings.Count(errOut, "\n") != 1 || out != "" {
					t.Errorf("%s: %s: %v, %q, %q; want one line that says what is missing", shell, what, err, out, errOut)
				}
				continue
			}
			if err != nil || errOut != "" {
				t.Errorf("%s: %s: %v, %q", shell, what, err, errOut)
				continue
			}
			got, exported, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(out), "cookie="), " ")
			if c.want != "given" && exported != got {
				t.Errorf("%s: %s: programs that it starts get %q, want %q", shell, what, exported, got)
			}
			switch c.want {
			case "given":
				if got != "mine" {
					t.Errorf("%s: %s: %q, want the one that was given", shell, what, got)
				}
			case "own":
				if len(got) < 32 || own != "" && got != own {
					t.Errorf("%s: %s: %q, want the same each time (%q)", shell, what, got, own)
				}
				own = got
			case "new":
				if again, _, _ := run(shell, c.vars, c.command); len(got) < 32 || again == out || got == own {
					t.Errorf("%s: %s: %q, then %q, want another each time", shell, what, got, again)
				}
			}
		}
	}
	fi, err := os.Stat(filepath.Join(tmp, "release", "cookie"))
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the container's own cookie: %v, %v, want mode 0600", fi, err)
	}
}
