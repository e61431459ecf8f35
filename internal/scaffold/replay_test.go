package scaffold_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/scaffold"
)

const tally = "../../examples/tally"

// What stands in the example is what init writes for it.
func TestTallyIsAsInitWritesIt(t *testing.T) {
	p, err := project.Read(os.DirFS(tally))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scaffold.Generate(p, scaffold.Options{CI: scaffold.NoCI})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Files {
		there, err := os.ReadFile(filepath.Join(tally, f.Path))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if string(there) != string(f.Content) {
			t.Errorf("%s/%s is not what `phial init --force` writes", tally, f.Path)
		}
	}
}

// The image's build, step by step on this machine, from no more than .dockerignore leaves; then the release that came
// of it, as a real node: it has the cookie of the file, and tools get in after both were changed.
func TestReplay(t *testing.T) {
	t.Parallel()
	host := beamtest.Host(t)
	context, files := buildContext(t)
	release := replay(t, context, files["Dockerfile"])

	const stale, first, second = "the-containers-cookie", "the-file's-cookie", "the-next-cookie"
	slot := beamtest.FreeSlot(t)
	e := slot.EPMD(t, 1)
	dir := t.TempDir()
	cookie := filepath.Join(dir, "cookie")
	rewrite(t, cookie, first)
	opts := e.Options("tally", 0, stale)
	ip := opts.Addr.String()
	opts.Release = release
	// Nothing names the node but its address.
	opts.Env = []string{"POD_IP=" + ip, "PORT=4000", "RELEASE_NODE=", "RELEASE_DISTRIBUTION=", "PHIAL_COOKIE_FILE=" + cookie}
	node := host.StartNode(t, opts)
	if node.Name != "tally@"+ip {
		t.Errorf("the node is %s, want tally@%s", node.Name, ip)
	}
	holds := func(c string) {
		t.Helper()
		if node.Eval(t, fmt.Sprintf(`erlang:get_cookie() =:= list_to_atom(%q)`, c)) != "true" {
			t.Error("the node has another cookie than the file")
		}
	}
	holds(first)
	// +Q of vm.args.
	if got := node.Eval(t, "erlang:system_info(port_limit)"); got != "65536" {
		t.Errorf("port limit %s, want 65536 as in vm.args", got)
	}

	_, port := slot.Ports(0)
	tool := func(cookieFile string) (string, error) {
		ctx, cancel := contextWithin(t)
		defer cancel()
		cmd := exec.CommandContext(ctx, filepath.Join(release, "bin", "tally"), "rpc", "IO.puts(node())")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "RELEASE_TMP=" + dir, "POD_IP=" + ip,
			"RELEASE_COOKIE=" + stale, "PHIAL_COOKIE_FILE=" + cookieFile, fmt.Sprintf("ERL_EPMD_PORT=%d", opts.EPMDPort),
			fmt.Sprintf("ERL_AFLAGS=-start_epmd false -kernel inet_dist_use_interface {%s} inet_dist_listen_min %d inet_dist_listen_max %d", strings.ReplaceAll(ip, ".", ","), port, port)}
		cmd.WaitDelay = time.Second
		out, err := cmd.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	getsIn := func(when string) {
		t.Helper()
		if out, err := tool(cookie); err != nil || out != node.Name {
			t.Errorf("rpc %s: %v\n%s", when, err, out)
		}
	}
	getsIn("with the file's cookie")
	if out, err := tool(filepath.Join(dir, "none")); err == nil {
		t.Errorf("rpc gets in with the cookie of the environment, so that the file proves nothing:\n%s", out)
	}

	// A rotation, as it is done: the node is told, and the file is written anew.
	node.Eval(t, fmt.Sprintf(`erlang:set_cookie(list_to_atom(%q))`, second))
	if out, err := tool(cookie); err == nil {
		t.Errorf("rpc gets in with the cookie of before:\n%s", out)
	}
	rewrite(t, cookie, second+"\n")
	holds(second)
	getsIn("after the cookie was changed")
}

func contextWithin(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), 2*time.Minute)
}

func rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// buildContext makes what `docker build` would send for the example: its files with those that init makes, without those
// that .dockerignore names.
func buildContext(t *testing.T) (dir string, files map[string]string) {
	t.Helper()
	p, err := project.Read(os.DirFS(tally))
	if err != nil {
		t.Fatal(err)
	}
	r, err := scaffold.Generate(p, scaffold.Options{})
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	all := map[string][]byte{}
	err = fs.WalkDir(os.DirFS(tally), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && name == "_build" {
			return fs.SkipDir // what somebody has built here; one of it is made below
		}
		if err != nil || d.IsDir() {
			return err
		}
		all[name], err = os.ReadFile(filepath.Join(tally, name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Files {
		files[f.Path] = string(f.Content)
		all[f.Path] = f.Content
	}
	// Things that a developer's machine has, and an image must not.
	for _, name := range []string{".env", "_build/prod/rel/tally/bin/tally", "deps/x/mix.exs", ".git/config", "erl_crash.dump", "config/prod.secret.exs"} {
		all[name] = []byte("not for the image")
	}
	patterns, err := ignorefile.ReadAll(strings.NewReader(files[".dockerignore"]))
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	var sent []string
	for name, content := range all {
		if out, err := ignored.MatchesOrParentMatches(name); err != nil || out {
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		if strings.HasPrefix(string(content), "not for the image") {
			t.Errorf("%s is sent to the image's build", name)
		}
		sent = append(sent, name)
		write(t, filepath.Join(dir, name), content)
	}
	for _, name := range []string{"mix.exs", "config/config.exs", "config/runtime.exs", "lib/tally.ex", "rel/env.sh.eex", "rel/vm.args.eex"} {
		if !slices.Contains(sent, name) {
			t.Errorf("%s is not sent to the image's build", name)
		}
	}
	return dir, files
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// replay runs the first stage of a Dockerfile, except for what installs Debian's packages and Hex, and gives the
// directory of the release.
func replay(t *testing.T, from, dockerfile string) string {
	t.Helper()
	root := t.TempDir()
	release := filepath.Join(root, "release")
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + root, "MIX_HOME=" + filepath.Join(root, ".mix"), "HEX_OFFLINE=1"}
	work := root
	ran := 0
	for _, in := range stages(t, dockerfile)[1] {
		switch in.name {
		case "ENV":
			for i := 0; i+1 < len(in.args); i += 3 { // name, value, and what stood between
				env = append(env, in.args[i]+"="+in.args[i+1])
			}
		case "WORKDIR":
			work = filepath.Join(root, in.args[0])
			if err := os.MkdirAll(work, 0o755); err != nil {
				t.Fatal(err)
			}
		case "COPY":
			to := filepath.Join(work, in.args[len(in.args)-1])
			some := false
			for _, pattern := range in.args[:len(in.args)-1] {
				found, err := filepath.Glob(filepath.Join(from, pattern))
				if err != nil || len(found) == 0 && !strings.Contains(pattern, "*") {
					t.Fatalf("COPY %s: found %q: %v", pattern, found, err)
				}
				for _, src := range found {
					some = true
					copyInto(t, src, to)
				}
			}
			if !some {
				t.Fatalf("COPY %v: nothing to copy", in.args)
			}
		case "RUN":
			line := in.args[0]
			if strings.HasPrefix(line, "apt-get ") || strings.Contains(line, "mix local.") {
				continue
			}
			ran++
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			cmd := exec.CommandContext(ctx, "/bin/sh", "-c", strings.ReplaceAll(line, "/release", release))
			cmd.Dir, cmd.Env = work, env
			out, err := cmd.CombinedOutput()
			cancel()
			if err != nil {
				t.Fatalf("RUN %s: %v\n%s", line, err, out)
			}
		}
	}
	if ran < 4 {
		t.Errorf("only %d steps ran", ran)
	}
	return release
}

// copyInto copies a file into a directory, or what is in a directory.
func copyInto(t *testing.T, src, to string) {
	t.Helper()
	fi, err := os.Stat(src)
	if err != nil {
		t.Fatal(err)
	}
	if !fi.IsDir() {
		content, err := os.ReadFile(src)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, filepath.Base(src)), content)
		return
	}
	if err := os.CopyFS(to, noClobber{os.DirFS(src), to}); err != nil {
		t.Fatal(err)
	}
}

// noClobber leaves out what is there already, which os.CopyFS would not write again; here it is always the same.
type noClobber struct {
	fs.FS
	to string
}

func (n noClobber) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(n.FS, name)
	return slices.DeleteFunc(all, func(d fs.DirEntry) bool {
		_, err := os.Stat(filepath.Join(n.to, name, d.Name()))
		return !d.IsDir() && err == nil
	}), err
}
