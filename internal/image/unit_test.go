package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image/tree"
)

func app(name, needs string) tree.File {
	base, _, _ := strings.Cut(name, "-")
	return tree.Text("app/lib/"+name+"/ebin/"+base+".app", "{application,"+base+",[{vsn,\"1\"},{applications,["+needs+"]}]}.", tree.ModePlain)
}

func TestSplit(t *testing.T) {
	files := tree.Sort(tree.Tree{
		tree.Text("app/bin/shop", "", tree.ModeExecutable),
		tree.Text("app/erts-13.1.5/bin/beam.smp", "", tree.ModeExecutable),
		tree.Dir("app/lib"),
		app("kernel-8.5.3", ""), app("stdlib-4.2", "kernel"), app("elixir-1.14.0", "kernel,stdlib"), app("logger-1.14.0", "elixir"),
		app("cowboy-2.9.0", "kernel,ranch"), app("ranch-1.8.0", "kernel"),
		app("shop_web-0.1.0", "shop,cowboy"), app("shop-0.1.0", "kernel,elixir"), app("shopping-1.0.0", "kernel"),
		app("tool-1.0.0", "kernel"), tree.Text("app/lib/shop-0.1.0/priv/static/app.js", "", tree.ModePlain),
		tree.Text("app/releases/0.1.0/sys.config", "", tree.ModePlain), tree.Text("app/lib/strange/file", "", tree.ModePlain),
		tree.Text("app/lib/cowboy-2.9.0/ebin/x.beam", "", tree.ModePlain),
	})
	// shopping is needed by nobody, as a program of its own would be; it is not taken for a part of shop.
	files = append(files, app("user-1.0.0", "shopping"))
	files = tree.Sort(files)
	all, err := split("shop", files)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range all {
		dirs := map[string]bool{}
		for _, f := range p.files {
			parts := strings.Split(f.Path, "/")
			dirs[strings.Join(parts[1:min(len(parts), 3)], "/")] = true
		}
		var names []string
		for d := range dirs {
			names = append(names, d)
		}
		slices.Sort(names)
		got[p.name] = strings.Join(names, " ")
	}
	want := map[string]string{
		"ERTS 13.1.5":    "erts-13.1.5/bin lib",
		"OTP and Elixir": "lib/elixir-1.14.0 lib/kernel-8.5.3 lib/logger-1.14.0 lib/stdlib-4.2",
		"dependencies":   "lib/cowboy-2.9.0 lib/ranch-1.8.0 lib/shopping-1.0.0",
		"app":            "bin/shop lib/shop-0.1.0 lib/shop_web-0.1.0 lib/strange lib/tool-1.0.0 lib/user-1.0.0 releases/0.1.0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
	if all, err := split("shop", tree.Tree{app("shop-0.1.0", "")}); err != nil || len(all) != 1 {
		t.Errorf("layers without files are left out: %d, %v", len(all), err)
	}
}

// The name under which compressed layers are remembered has to change with what compresses them.
func TestCodecsAreNamedForTheirLibrary(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`github.com/klauspost/compress v(\S+)`).FindSubmatch(mod)
	if version == nil {
		t.Fatal("go.mod does not name klauspost/compress")
	}
	for _, c := range Compressions {
		codec, err := codecOf(c)
		if err != nil || !strings.HasSuffix(codec.name, "klauspost"+string(version[1])) {
			t.Errorf("%s is remembered as %q, and go.mod has version %s", c, codec.name, version[1])
		}
	}
	if _, err := codecOf("lzma"); err == nil {
		t.Error("lzma was taken")
	}
}

func TestWithoutSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"https://github.com/acme/shop.git":                   "https://github.com/acme/shop",
		"https://ci:t0ken@git.example.com/acme/shop.git?a=b": "https://git.example.com/acme/shop",
		"https://t0ken@git.example.com/acme/shop":            "https://git.example.com/acme/shop",
		"git@github.com:acme/shop.git":                       "https://github.com/acme/shop",
		"ssh://git@git.example.com:2222/acme/shop.git":       "https://git.example.com/acme/shop",
		"/home/me/shop":     "",
		"../shop":           "",
		"file:///srv/shop":  "",
		"https://[::1/shop": "",
		"":                  "",
	} {
		if got := withoutSecrets(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestReadRevision(t *testing.T) {
	dir := t.TempDir()
	if r := ReadRevision(t.Context(), dir); r != (Revision{}) {
		t.Errorf("no repository: %+v", r)
	}
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z", "GIT_CONFIG_GLOBAL=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	if r := ReadRevision(t.Context(), dir); r != (Revision{}) {
		t.Errorf("no commit: %+v", r)
	}
	write := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	git("add", "a")
	git("commit", "-qm", "one")
	git("remote", "add", "origin", "https://ci:s3cret@git.example.com/shop.git")
	r := ReadRevision(t.Context(), dir)
	want := Revision{Commit: git("rev-parse", "HEAD"), Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Source: "https://git.example.com/shop"}
	if r != want || r.String() != want.Commit {
		t.Errorf("%+v, want %+v", r, want)
	}
	write("b")
	if r = ReadRevision(t.Context(), dir); !r.Dirty || r.String() != want.Commit+"-dirty" {
		t.Errorf("with a file that is not committed: %+v", r)
	}
}

// Contents of the same length and another text get another time, and so another ETag.
func TestTimesFollowContents(t *testing.T) {
	seen := map[int64]string{}
	for _, text := range []string{"a{color:#111}", "a{color:#112}", "a{color:#121}", "a{color:#211}"} {
		n, err := timeOf(tree.Text("app/lib/shop-1/priv/static/app.css", text, tree.ModePlain))
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[n]; ok {
			t.Errorf("%q and %q have the same time", text, other)
		}
		if at := time.Unix(n, 0); at.Year() < 1980 || at.Year() > 2011 {
			t.Errorf("%q: %v", text, at)
		}
		seen[n] = text
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	for name, want := range map[string]bool{
		"app/releases/COOKIE": true, "app/erl_crash.dump": true, "app/lib/shop-1/erl_crash.dump": true, "app/tmp": true, "app/tmp/pipe/x": true,
		"app/releases/1.0/COOKIE": false, "app/lib/shop-1/priv/tmp/x": false, "app/lib/tmp": false, "app/releases/1.0/env.sh": false,
	} {
		if _, out := left(name); out != want {
			t.Errorf("%s is left out: %v, want %v", name, out, want)
		}
	}
}

func TestStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codecOf(Gzip)
	if err != nil {
		t.Fatal(err)
	}
	files := tree.Tree{tree.Text("a", strings.Repeat("text ", 1000), tree.ModePlain)}
	l, err := s.newLayer(t.Context(), "x", files, c)
	if err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(l.kept); err != nil || fi.Size() != l.known.Size {
		t.Fatalf("%s is kept: %v, %v", l.kept, fi, err)
	}
	// From now on it is known, and only compressed when somebody asks for it.
	again, err := s.newLayer(t.Context(), "x", files, c)
	if err != nil || again.kept != l.kept || again.known != l.known {
		t.Errorf("again: %+v, %v; want %+v, and nothing compressed", again, err, l.known)
	}
	damage := func(text string) func() {
		return func() {
			if err := os.WriteFile(l.kept, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	// What was remembered and is damaged is made anew.
	if err := os.WriteFile(s.blobPath(l.diffID, c), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err = s.newLayer(t.Context(), "x", files, c); err != nil || again.known != l.known {
		t.Errorf("after damage: %+v, %v", again, err)
	}
	// Whatever becomes of what was kept, the layer is what it was.
	for _, first := range []func(){func() {}, damage("other"), damage(""), func() { os.Remove(l.kept) }} {
		first()
		r, err := again.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		sum := newSum()
		if _, err := sum.h.Write(nil); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 64<<10)
		for {
			n, err := r.Read(buf)
			sum.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if sum.hash() != l.known.Digest || sum.n != l.known.Size {
			t.Errorf("compressed: %s, %d bytes; want %+v", sum.hash(), sum.n, l.known)
		}
	}
	// What a build left behind that was killed goes, and what nobody has asked for in a long time.
	old, used := filepath.Join(dir, "blobs", "old"), filepath.Join(dir, "blobs", "used")
	for path, age := range map[string]time.Duration{old: keepFor + time.Hour, used: keepFor - time.Hour} {
		at := time.Now().Add(-age)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	gone := filepath.Join(dir, "tmp", "999999999-1")
	if err := os.MkdirAll(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	other, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(gone); err == nil {
		t.Error("what a killed build left is still there")
	}
	if _, err := os.Stat(s.tmp); err != nil {
		t.Error("what a build that runs needs has gone")
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("what nobody asks for is still there")
	}
	if _, err := os.Stat(used); err != nil {
		t.Error("what was asked for has gone")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if err := other.close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCookiesInFiles(t *testing.T) {
	env, err := guarded(tree.Text("app/releases/1.0/env.sh", "export RELEASE_COOKIE=\"$COOKIE\"\n", tree.ModePlain))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		found      bool
	}{
		{"releases/1.0/vm.args", "+Q 65536\n-setcookie hush-hush\n", true},
		{"releases/1.0/remote.vm.args", "  -setcookie 'hush-hush'", true},
		{"releases/1.0/vm.args", "## -setcookie hush-hush\n-name shop@127.0.0.1\n", false},
		{"releases/1.0/vm.args", "-setcookie ${COOKIE}\n", false},
		{"releases/1.0/env.sh", "export RELEASE_COOKIE=hush-hush\n", true},
		{"releases/1.0/env.sh", "RELEASE_COOKIE=\"hush-hush\"\n", true},
		{"releases/1.0/env.sh", "export RELEASE_COOKIE=\"${RELEASE_COOKIE:-$X}\"\nRELEASE_COOKIE=$(cat /c)\nRELEASE_COOKIE=\n", false},
		{"bin/server", "RELEASE_COOKIE=hush-hush exec ./shop start\n", true},
		{"lib/shop-1.0/priv/vm.args", "-setcookie hush-hush\n", false},
	} {
		all, err := cookiesIn(tree.Tree{tree.Text("app/"+c.name, c.text, tree.ModePlain), env})
		if err != nil || len(all) > 1 || (len(all) == 1) != c.found {
			t.Errorf("%s with %q: %v, %v, want a finding: %v", c.name, c.text, all, err, c.found)
		}
		for _, f := range all {
			if said := f.String() + f.Fix + strings.Join(f.Evidence, " "); strings.Contains(said, "hush") {
				t.Errorf("the finding shows the cookie: %s", said)
			}
		}
	}
}

func TestMissingModules(t *testing.T) {
	app := tree.Text("app/lib/shop-1/ebin/shop.app", "{application,shop,[{vsn,\"1\"},{modules,['Elixir.Shop',shelf]}]}.", tree.ModePlain)
	shop, shelf := tree.Text("app/lib/shop-1/ebin/Elixir.Shop.beam", "x", tree.ModePlain), tree.Text("app/lib/shop-1/ebin/shelf.beam", "x", tree.ModePlain)
	if all, err := missingModules(tree.Sort(tree.Tree{app, shop, shelf})); err != nil || len(all) != 0 {
		t.Errorf("nothing is missing: %v, %v", all, err)
	}
	all, err := missingModules(tree.Sort(tree.Tree{app, shelf}))
	if err != nil || len(all) != 1 || all[0].Code != finding.ModuleMissing || !strings.Contains(all[0].Cause, "Elixir.Shop") || strings.Contains(all[0].Cause, "shelf") {
		t.Errorf("a module is missing: %v, %v", all, err)
	}
}
