package abi

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/image/tree"
)

// parts are small programs and libraries with one property each.
type parts struct {
	dir      string
	loader   []byte // the machine's own loader and libc
	libc     []byte
	emulator []byte // dlopens what it is given, as the BEAM does with a NIF
	empty    []byte // the same file as a library without any needs
}

const (
	fooV1 = "int one(void) { return 0; }"
	fooV2 = "int one(void) { return 0; } int two(void) { return 0; }"
	uses1 = "int one(void); int main(void) { return one(); }"
	uses2 = "int two(void); int main(void) { return two(); }"
	loads = `#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
	if (argc < 2 || dlopen(argv[1], RTLD_NOW)) return 0;
	fprintf(stderr, "%s\n", dlerror());
	return 1;
}`
)

func newParts(tb testing.TB) *parts {
	tb.Helper()
	needGCC(tb)
	p := &parts{dir: tb.TempDir()}
	read := func(name string) []byte {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	p.loader = read(platforms[runtime.GOARCH].glibc)
	p.libc = read("/lib/" + platforms[runtime.GOARCH].triplet + "/libc.so.6")
	p.emulator = p.gcc(tb, "beam.smp", loads)
	p.empty = p.gcc(tb, "empty.so", "int nothing;", "-shared", "-nostdlib")
	return p
}

func (p *parts) gcc(tb testing.TB, out, source string, flags ...string) []byte {
	tb.Helper()
	return gcc(tb, p.dir, out, source, flags...)
}

// foo is libfoo.so.1 with versions up to FOO_level, or without any.
func (p *parts) foo(tb testing.TB, level int) []byte {
	tb.Helper()
	source, script := fooV1, ""
	if level >= 1 {
		script = "FOO_1.0 { global: one; };\n"
	}
	if level >= 2 {
		source, script = fooV2, script+"FOO_2.0 { global: two; } FOO_1.0;\n"
	}
	flags := []string{"-shared", "-fPIC", "-Wl,-soname,libfoo.so.1"}
	if level == 0 {
		source = fooV2
	} else {
		if err := os.WriteFile(filepath.Join(p.dir, "foo.map"), []byte(script), 0o600); err != nil {
			tb.Fatal(err)
		}
		flags = append(flags, "-Wl,--version-script,foo.map")
	}
	return p.gcc(tb, fmt.Sprintf("foo%d/libfoo.so.1", level), source, flags...)
}

// base is the smallest one that runs C programs.
func (p *parts) base() tree.Tree {
	at := platforms[runtime.GOARCH]
	loader := filepath.Base(at.glibc)
	return tree.Tree{
		tree.Symlink("lib", "usr/lib"), tree.Symlink("lib64", "usr/lib64"),
		exe("usr/lib/"+at.triplet+"/"+loader, p.loader),
		exe("usr/lib/"+at.triplet+"/libc.so.6", p.libc),
		tree.Symlink(filepath.Dir("usr"+at.glibc)+"/"+loader, "/lib/"+at.triplet+"/"+loader),
	}
}

// runs puts a tree on disk and runs a program in it.
func runs(t *testing.T, files tree.Tree, ldconfig bool, env []string, args ...string) (ok bool, said string) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		name := filepath.Join(dir, f.Path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if f.Mode&tree.ModeSymlink == tree.ModeSymlink {
			if err := os.Symlink(f.Link, name); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b, err := f.Content()
		if err == nil {
			err = os.WriteFile(name, b, f.Mode.Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if ldconfig {
		cmd := exec.CommandContext(t.Context(), "/sbin/ldconfig", "-r", dir)
		cmd.SysProcAttr = chroot("") // it goes there itself, and needs to be root to
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ldconfig: %v: %s", err, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append([]string{"LC_ALL=C", "LD_ORIGIN_PATH=" + filepath.Dir(args[0])}, env...) // there is no /proc to see $ORIGIN by
	cmd.Dir, cmd.SysProcAttr = "/", chroot(dir)
	out, err := cmd.CombinedOutput()
	return err == nil, strings.TrimSpace(string(out)) + " " + errText(err)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// What the loader does is seen by running each case in a root file system of its own, and is to be what Check said.
func TestLoaderRules(t *testing.T) {
	p := newParts(t)
	at := platforms[runtime.GOARCH]
	lib := "usr/lib/" + at.triplet + "/"
	v2 := p.foo(t, 2)
	prog := func(source string, flags ...string) tree.File {
		return exe("app/bin2/prog", p.gcc(t, "prog", source, append([]string{"-Lfoo2", "-l:libfoo.so.1"}, flags...)...))
	}
	one, two := prog(uses1), prog(uses2)
	origin := prog(uses2, "-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib")
	braces := prog(uses2, "-Wl,--enable-new-dtags,-rpath,/none:${ORIGIN}/../$LIB")
	oldOrigin := prog(uses2, "-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib")
	bar := p.gcc(t, "libbar.so.1", "int two(void); int bar(void) { return two(); }", "-shared", "-fPIC", "-Wl,-soname,libbar.so.1", "-Lfoo2", "-l:libfoo.so.1")
	barProg := func(flags ...string) tree.File {
		return exe("app/bin2/prog", p.gcc(t, "prog", "int bar(void); int main(void) { return bar(); }",
			append([]string{"-L.", "-l:libbar.so.1", "-Wl,--no-as-needed"}, flags...)...))
	}
	barRunpath := barProg("-Wl,--enable-new-dtags,-rpath,$ORIGIN/../lib")
	barRpath := barProg("-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib")
	barPlain := barProg()
	nif := func(flags ...string) tree.File {
		return plain("app/lib/x-1/priv/x.so", p.gcc(t, "x.so", "int two(void); int nif(void) { return two(); }",
			append([]string{"-shared", "-fPIC", "-Lfoo2", "-l:libfoo.so.1"}, flags...)...))
	}
	emulator := exe("app/erts-1/bin/beam.smp", p.emulator)
	emulatorWithFoo := exe("app/erts-1/bin/beam.smp", p.gcc(t, "beam2", strings.Replace(loads, "int main", "int two(void); int main", 1),
		"-Wl,--no-as-needed", "-Lfoo2", "-l:libfoo.so.1", "-Wl,--disable-new-dtags,-rpath,/opt/foo"))
	v1, none := p.foo(t, 1), p.foo(t, 0)
	noDefinitions := p.gcc(t, "none/libfoo.so.1", `#include <stdio.h>
int two(void) { return puts("two") < 0; }`, "-shared", "-fPIC", "-Wl,-soname,libfoo.so.1")
	other, _ := foreignMachine()
	slash := p.gcc(t, "libslash.so", "int slash;", "-shared", "-nostdlib", "-Wl,-soname,/opt/foo/libslash.so")
	slashProg := exe("app/bin2/prog", p.gcc(t, "prog", "extern int slash; int main(void) { return slash; }", "-L.", "-l:libslash.so"))
	conf := plain("etc/ld.so.conf", []byte("# ours\ninclude ld.so.conf.d/*.conf\n"))
	confD := plain("etc/ld.so.conf.d/foo.conf", []byte("/opt/foo # here\n"))

	for _, c := range []struct {
		name     string
		files    tree.Tree // under app: the release; the rest: the base
		env      []string
		ldconfig bool
		nif      bool
		want     []string
	}{
		{name: "in a default directory", files: tree.Tree{one, plain(lib+"libfoo.so.1", v1)}},
		{name: "not there", files: tree.Tree{one}, want: []string{"IMG-02 error libfoo.so.1"}},
		{name: "of another number", files: tree.Tree{one, plain(lib+"libfoo.so.2", v1), tree.Symlink(lib+"libfoo.so", "libfoo.so.2")},
			want: []string{"IMG-02 error libfoo.so.1"}}, // its soname is still libfoo.so.1, a file put in wrongly
		{name: "a version that it lacks", files: tree.Tree{two, plain(lib+"libfoo.so.1", v1)}, want: []string{"IMG-01 error FOO_2.0"}},
		{name: "the version that it has", files: tree.Tree{two, plain(lib+"libfoo.so.1", v2)}},
		{name: "a library without versions of its own", files: tree.Tree{two, plain(lib+"libfoo.so.1", noDefinitions)}}, // taken, with a warning
		{name: "a library without any versions", files: tree.Tree{two, plain(lib+"libfoo.so.1", none)}, want: []string{"IMG-01 error FOO_2.0"}},
		{name: "a link that leads nowhere", files: tree.Tree{one, tree.Symlink(lib+"libfoo.so.1", "libfoo.so.1.2")}, want: []string{"IMG-02 error libfoo.so.1"}},
		{name: "a link to it", files: tree.Tree{one, tree.Symlink(lib+"libfoo.so.1", "../../../opt/foo/libfoo.so.1.2"), plain("opt/foo/libfoo.so.1.2", v1)}},
		{name: "RUNPATH to the release", files: tree.Tree{origin, plain("app/lib/libfoo.so.1", v2)}},
		{name: "RUNPATH to somewhere else", files: tree.Tree{origin, plain("app/lib2/libfoo.so.1", v2)}, want: []string{"IMG-02 error libfoo.so.1"}},
		{name: "RUNPATH with $LIB", files: tree.Tree{braces, plain("app/lib/"+at.triplet+"/libfoo.so.1", v2)}},
		{name: "RUNPATH is not inherited", files: tree.Tree{barRunpath, plain(lib+"libbar.so.1", bar), plain("app/lib/libfoo.so.1", v2)},
			want: []string{"IMG-02 error libfoo.so.1"}},
		{name: "RPATH is", files: tree.Tree{barRpath, plain(lib+"libbar.so.1", bar), plain("app/lib/libfoo.so.1", v2)}},
		{name: "a library of the base that lacks its own", files: tree.Tree{barPlain, plain(lib+"libbar.so.1", bar)}, want: []string{"IMG-02 error libfoo.so.1"}},
		{name: "LD_LIBRARY_PATH", files: tree.Tree{two, plain("opt/foo/libfoo.so.1", v2)}, env: []string{"LD_LIBRARY_PATH=/none:/opt/foo"}},
		{name: "another LD_LIBRARY_PATH", files: tree.Tree{two, plain("opt/foo/libfoo.so.1", v2)}, env: []string{"LD_LIBRARY_PATH=/opt"},
			want: []string{"IMG-02 error libfoo.so.1"}},
		{name: "LD_LIBRARY_PATH is before RUNPATH", files: tree.Tree{origin, plain("app/lib/libfoo.so.1", v2), plain("opt/foo/libfoo.so.1", v1)},
			env: []string{"LD_LIBRARY_PATH=/opt/foo"}, want: []string{"IMG-01 error FOO_2.0"}},
		{name: "and after RPATH", files: tree.Tree{oldOrigin, plain("app/lib/libfoo.so.1", v2), plain("opt/foo/libfoo.so.1", v1)},
			env: []string{"LD_LIBRARY_PATH=/opt/foo"}},
		{name: "ld.so.conf", files: tree.Tree{two, plain("opt/foo/libfoo.so.1", v2), conf, confD}, ldconfig: true},
		{name: "ld.so.conf without ldconfig", files: tree.Tree{two, plain("opt/foo/libfoo.so.1", v2), conf, confD}, want: []string{"IMG-02 error libfoo.so.1"}},
		{name: "one of another machine is passed by", files: tree.Tree{two, plain("opt/foo/libfoo.so.1", machine(v1, other)), plain(lib+"libfoo.so.1", v2)},
			env: []string{"LD_LIBRARY_PATH=/opt/foo"}},
		{name: "by path", files: tree.Tree{slashProg, plain("opt/foo/libslash.so", slash)}},
		{name: "by path, elsewhere", files: tree.Tree{slashProg, plain(lib+"libslash.so", slash)}, want: []string{"IMG-02 error /opt/foo/libslash.so"}},
		{name: "static", files: tree.Tree{exe("app/bin2/prog", p.gcc(t, "prog", "int main(void) { return 0; }", "-static"))}},
		{name: "static and relocatable", files: tree.Tree{exe("app/bin2/prog", p.gcc(t, "prog", "int main(void) { return 0; }", "-static-pie"))}},
		{name: "musl's loader", files: tree.Tree{exe("app/bin2/prog", p.gcc(t, "prog", "int main(void) { return 0; }", "-Wl,--dynamic-linker="+at.musl))},
			want: []string{"IMG-16 error " + at.musl}},
		{name: "for another machine", files: tree.Tree{exe("app/bin2/prog", machine(p.emulator, other))}, want: []string{"IMG-15 error /app/bin2/prog"}},
		{name: "a NIF that finds it", nif: true, files: tree.Tree{emulator, nif(), plain(lib+"libfoo.so.1", v2)}},
		{name: "a NIF that does not", nif: true, files: tree.Tree{emulator, nif()}, want: []string{"IMG-02 error libfoo.so.1"}},
		{name: "a NIF with its library beside it", nif: true, files: tree.Tree{emulator, nif("-Wl,-rpath,$ORIGIN"), plain("app/lib/x-1/priv/libfoo.so.1", v2)}},
		{name: "a NIF whose library the emulator has", nif: true, files: tree.Tree{emulatorWithFoo, nif(), plain("opt/foo/libfoo.so.1", v2)}},
		{name: "a NIF whose library the emulator has older", nif: true,
			files: tree.Tree{emulatorWithFoo, nif("-Wl,-rpath,$ORIGIN"), plain("opt/foo/libfoo.so.1", v1), plain("app/lib/x-1/priv/libfoo.so.1", v2)},
			want:  []string{"IMG-01 error FOO_2.0"}},
		{name: "a NIF's library that needs the NIF's RPATH", nif: true,
			files: tree.Tree{emulator, plain("app/lib/x-1/priv/x.so", p.gcc(t, "x.so", "int bar(void); int nif(void) { return bar(); }",
				"-shared", "-fPIC", "-L.", "-l:libbar.so.1", "-Wl,--disable-new-dtags,-rpath,$ORIGIN")),
				plain("app/lib/x-1/priv/libfoo.so.1", v2), plain("app/lib/x-1/priv/libbar.so.1", bar)}},
		{name: "a NIF for another machine", nif: true, files: tree.Tree{emulator, plain("app/lib/x-1/priv/x.so", machine(p.empty, other))},
			want: []string{"IMG-15 error /app/lib/x-1/priv/x.so"}},
		{name: "a NIF that is cut off", nif: true, files: tree.Tree{emulator, plain("app/lib/x-1/priv/x.so", v2[:len(v2)/5])},
			want: []string{"IMG-18 error /app/lib/x-1/priv/x.so"}},
		{name: "a NIF that needs nothing", nif: true, files: tree.Tree{emulator, plain("app/lib/x-1/priv/x.so", p.empty)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := tree.Sort(append(p.base(), c.files...))
			var base, release tree.Tree
			for _, f := range all {
				if strings.HasPrefix(f.Path, "app/") {
					release = append(release, f)
				} else {
					base = append(base, f)
				}
			}
			if c.ldconfig {
				base = append(base, plain("etc/ld.so.cache", []byte("ldconfig's")))
			}
			got := Check(releaseOfTree(t, release), rootOfTree(t, base), c.env, runtime.GOARCH)
			if d := cmp.Diff(append([]string{}, c.want...), codes(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			args := []string{"/app/bin2/prog"}
			if c.nif {
				args = []string{"/app/erts-1/bin/beam.smp", "/app/lib/x-1/priv/x.so"}
			}
			ok, said := runs(t, all, c.ldconfig, c.env, args...)
			if ok != (len(got) == 0) {
				t.Errorf("it runs: %v (%s), and the findings are %q", ok, said, got)
			}
		})
	}
}
