package abi

import (
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/image/tree"
)

const tally = "../../../examples/tally"

func readRelease(tb testing.TB, dir string) *Release {
	tb.Helper()
	files, err := tree.Read(dir, "app")
	if err != nil {
		tb.Fatal(err)
	}
	return releaseOfTree(tb, files)
}

// Every release, and all that is compiled in every OTP, on every base: what is said before is what ld.so says of
// each file when it is really put there.
func TestRealReleasesOnRealBases(t *testing.T) {
	otps := beamtest.OTPs(t)
	roots := map[string]*Root{}
	for _, base := range otps {
		roots[base.Root] = readRoot(t, base.Root)
	}
	for _, o := range otps {
		dir := filepath.Join(o.Root, o.BuildRelease(t, tally))
		r := readRelease(t, dir)
		if r.Arch() != runtime.GOARCH {
			t.Errorf("%s: the release is for %q", o, r.Arch())
		}
		whole, err := treeOfSystem(o.Root, "usr/lib/erlang")
		if err != nil {
			t.Fatal(err)
		}
		for _, base := range otps {
			t.Run(o.String()+" on "+base.Suite, func(t *testing.T) {
				got := Check(r, roots[base.Root], nil, runtime.GOARCH)
				for _, f := range got {
					t.Logf("%s\n  fix: %s\n  %s", f, f.Fix, strings.Join(f.Evidence, "\n  "))
				}
				want := complaints(t, base, filepath.Join(dir, "erts-*/bin/*"))
				if d := cmp.Diff(want, predicted(r, roots[base.Root])); d != "" {
					t.Errorf("(-ld.so +link):\n%s", d)
				}
				if (len(want) > 0) != (len(got) > 0) {
					t.Errorf("ld.so says %q, and Check %q", want, codes(got))
				}
				want = complaints(t, base, filepath.Join(o.Root, "usr/lib/erlang/erts-*/bin/*"), filepath.Join(o.Root, "usr/lib/erlang/lib/*/priv/*/*"))
				if d := cmp.Diff(want, predicted(releaseOfTree(t, whole), roots[base.Root])); d != "" {
					t.Errorf("all of OTP (-ld.so +link):\n%s", d)
				}
			})
		}
	}
}

var (
	lack = regexp.MustCompile("(\\S+): version `(\\S+)' not found \\(required by (\\S+)\\)")
	gone = regexp.MustCompile(`(\S+) => not found`)
)

// complaints puts programs and libraries into the base and lets its loader list what it can't find.
func complaints(t *testing.T, base beamtest.OTP, patterns ...string) (all []string) {
	t.Helper()
	at, err := os.MkdirTemp(filepath.Join(base.Root, "tmp"), "phial-abi-") //nolint:usetesting // inside the base
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(at) })
	files := 0
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil || !isELF(b) {
				continue
			}
			files++
			here := filepath.Join(at, filepath.Base(name))
			if err := os.WriteFile(here, b, 0o755); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), platforms[runtime.GOARCH].glibc, "--list", strings.TrimPrefix(here, base.Root))
			cmd.Env, cmd.Dir, cmd.SysProcAttr = []string{"LC_ALL=C"}, "/", chroot(base.Root)
			out, err := cmd.CombinedOutput()
			if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
				t.Fatal(err)
			}
			for _, m := range lack.FindAllStringSubmatch(string(out), -1) {
				all = append(all, filepath.Base(m[3])+" "+m[2]+" "+filepath.Base(m[1]))
			}
			for _, m := range gone.FindAllStringSubmatch(string(out), -1) {
				all = append(all, filepath.Base(name)+" "+m[1])
			}
		}
	}
	if files == 0 {
		t.Fatalf("no programs in %q", patterns)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// predicted is the like as Check sees it, file by file: its findings name some files only.
func predicted(r *Release, base *Root) (all []string) {
	l := newLinker(r, base, nil, runtime.GOARCH)
	for _, name := range r.objects() {
		problems, _ := l.link(name)
		for _, p := range problems {
			switch p.kind {
			case lacking:
				all = append(all, path.Base(p.by)+" "+p.version+" "+path.Base(p.library))
			case missing:
				all = append(all, path.Base(p.file)+" "+p.library)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A base that really lacks something, and one that is bare.
func TestRealReleaseOnPoorerBases(t *testing.T) {
	o := beamtest.OTPs(t)[0]
	r := readRelease(t, filepath.Join(o.Root, o.BuildRelease(t, tally)))
	all, err := treeOfSystem(o.Root, "bin", "sbin", "lib", "lib64", "usr", "etc")
	if err != nil {
		t.Fatal(err)
	}
	without := func(patterns ...string) *Root {
		return rootOfTree(t, slices.DeleteFunc(slices.Clone(all), func(f tree.File) bool {
			return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, path.Base(f.Path)); return ok })
		}))
	}
	for _, c := range []struct {
		without []string
		want    []string
	}{
		{nil, nil},
		{[]string{"libtinfo.so.*", "libncurses*"}, []string{"IMG-02 error libtinfo.so.6"}},
		{[]string{"libstdc++*"}, []string{"IMG-02 error libstdc++.so.6"}},
		{[]string{"libcap.so*"}, []string{"IMG-02 error libcap.so.2"}}, // epmd, by way of libsystemd
		{[]string{"mawk"}, []string{"IMG-17 error awk"}},
		{[]string{"dash", "sh", "bash"}, []string{"IMG-17 error /bin/sh"}},
		{[]string{"ld-linux*"}, []string{"IMG-16 error " + platforms[runtime.GOARCH].glibc}},
	} {
		got := Check(r, without(c.without...), nil, runtime.GOARCH)
		if d := cmp.Diff(append([]string{}, c.want...), codes(got)); d != "" {
			t.Errorf("without %q (-want +got):\n%s", c.without, d)
		}
		for _, f := range got {
			t.Logf("%s\n  fix: %s\n  %s", f, f.Fix, strings.Join(f.Evidence, "\n  "))
		}
	}
}

// The machine's own release on the machine's own suite.
func TestHostRelease(t *testing.T) {
	start := time.Now()
	dir := beamtest.BuildRelease(t, tally)
	t.Logf("built in %s", time.Since(start))
	r := readRelease(t, dir)
	libs := strings.Join(r.Libraries(), " ")
	for _, want := range []string{"libc.so.6", "libtinfo.so.6", "libstdc++.so.6"} {
		if !strings.Contains(libs, want) {
			t.Errorf("libraries %s lack %s", libs, want)
		}
	}
	if v := r.Versions(); !slices.Contains(v, "GLIBC_2.34") || !slices.Contains(v, "GLIBCXX_3.4.29") {
		t.Errorf("versions %q", v)
	}
	want := []string{"/bin/sh", "awk", "basename", "cat", "cut", "date", "dd", "dirname", "grep", "mkdir", "od", "readlink", "sed"}
	if d := cmp.Diff(want, r.Commands()); d != "" {
		t.Errorf("commands (-want +got):\n%s", d)
	}
}

func readRoot(tb testing.TB, dir string) *Root {
	tb.Helper()
	files, err := treeOfSystem(dir, "bin", "sbin", "lib", "lib64", "usr", "etc")
	if err != nil {
		tb.Fatal(err)
	}
	return rootOfTree(tb, files)
}
