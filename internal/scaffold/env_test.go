package scaffold_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/scaffold"
)

// file generates one file for a project that has nothing.
func file(t *testing.T, path string) string {
	t.Helper()
	p, err := project.Read(fstest.MapFS{"mix.exs": {Data: []byte(`def project, do: [app: :shop, version: "1.0.0"]`)}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := scaffold.Generate(p, scaffold.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Files {
		if f.Path == path {
			return string(f.Content)
		}
	}
	t.Fatalf("no %s", path)
	return ""
}

// env.sh is read by /bin/sh, under `set -e`, whatever sh that is.
func TestEnvSh(t *testing.T) {
	// What EEx would make of it, which knows only the one tag.
	script := strings.ReplaceAll(file(t, "rel/env.sh.eex"), "<%= @release.name %>", "shop")
	if strings.Contains(script, "<%") {
		t.Fatalf("another tag:\n%s", script)
	}
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := write("env.sh", script, 0o644)
	plain := write("plain", "from-file", 0o600)
	newline := write("newline", "from-file\n", 0o600)
	odd := write("odd name", `a b"c$HOME'd\e`+"\n", 0o600)
	empty := write("empty", "", 0o600)

	type vars struct{ node, distribution, cookie string }
	cases := []struct {
		name string
		set  []string
		want vars
	}{
		{"nothing", nil, vars{}},
		{"address", []string{"POD_IP=10.0.0.7"}, vars{"shop@10.0.0.7", "name", ""}},
		{"IPv6", []string{"POD_IP=fd00::7"}, vars{"shop@fd00::7", "name", ""}},
		{"name from outside", []string{"POD_IP=10.0.0.7", "RELEASE_NODE=shop@shop-0.shop-headless.prod.svc.cluster.local"},
			vars{"shop@shop-0.shop-headless.prod.svc.cluster.local", "name", ""}},
		{"distribution from outside", []string{"POD_IP=10.0.0.7", "RELEASE_DISTRIBUTION=none"}, vars{"shop@10.0.0.7", "none", ""}},
		{"empty address", []string{"POD_IP="}, vars{}},
		{"cookie from outside, no file", []string{"RELEASE_COOKIE=outside", "PHIAL_COOKIE_FILE=" + filepath.Join(dir, "none")}, vars{"", "", "outside"}},
		{"file", []string{"PHIAL_COOKIE_FILE=" + plain}, vars{"", "", "from-file"}},
		{"file wins", []string{"RELEASE_COOKIE=outside", "PHIAL_COOKIE_FILE=" + plain}, vars{"", "", "from-file"}},
		{"newline", []string{"RELEASE_COOKIE=outside", "PHIAL_COOKIE_FILE=" + newline}, vars{"", "", "from-file"}},
		{"signs that the shell knows", []string{"PHIAL_COOKIE_FILE=" + odd}, vars{"", "", `a b"c$HOME'd\e`}},
		{"empty file", []string{"RELEASE_COOKIE=outside", "PHIAL_COOKIE_FILE=" + empty}, vars{"", "", "outside"}},
		{"a directory", []string{"RELEASE_COOKIE=outside", "PHIAL_COOKIE_FILE=" + dir}, vars{"", "", "outside"}},
	}
	ran := 0
	for _, sh := range [][]string{{"dash"}, {"busybox", "sh"}, {"bash", "--posix"}} {
		path, err := exec.LookPath(sh[0])
		if err != nil {
			t.Logf("%s is not here, so env.sh was not run by it", sh[0])
			continue
		}
		ran++
		for _, c := range cases {
			t.Run(sh[0]+"/"+c.name, func(t *testing.T) {
				args := append(sh[1:], "-euc", `. "$0"; printf '%s\n' "${RELEASE_NODE-}" "${RELEASE_DISTRIBUTION-}" "${RELEASE_COOKIE-}"; env | grep -c phial_cookie || true`, env)
				cmd := exec.CommandContext(t.Context(), path, args...)
				cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/nowhere"}, c.set...)
				var stderr strings.Builder
				cmd.Stderr = &stderr
				out, err := cmd.Output()
				if err != nil || stderr.Len() > 0 {
					t.Fatalf("%v: %s", err, stderr.String())
				}
				want := strings.Join([]string{c.want.node, c.want.distribution, c.want.cookie, "0"}, "\n") + "\n"
				if d := cmp.Diff(want, string(out)); d != "" {
					t.Errorf("node, distribution, cookie, left-overs (-want +got):\n%s", d)
				}
			})
		}
	}
	if ran == 0 {
		t.Error("no shell at all")
	}
}
