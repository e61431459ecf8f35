package abi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image/tree"
)

var (
	machO  = []byte("\xcf\xfa\xed\xfe\x0c\x00\x00\x01\x00\x00\x00\x00")
	fat    = []byte("\xca\xfe\xba\xbe\x00\x00\x00\x02\x01\x00\x00\x07")
	class  = []byte("\xca\xfe\xba\xbe\x00\x00\x00\x37\x01\x00\x00\x07") // of Java
	dosOld = append([]byte("MZ"), make([]byte, 100)...)
	pe     = func() []byte {
		b := append([]byte("MZ"), make([]byte, 1000)...)
		binary.LittleEndian.PutUint32(b[60:], 600)
		copy(b[600:], "PE\x00\x00")
		return b
	}()
)

// What is for other systems and machines, and how much it weighs.
func TestForeignFiles(t *testing.T) {
	p := newParts(t)
	m, arch := foreignMachine()
	beam := exe("app/erts-1/bin/beam.smp", p.emulator)
	const priv = "app/lib/x-1/priv/"
	good, other := p.emulator, machine(p.emulator, m)
	nif, otherNIF := p.empty, machine(p.empty, m)
	muslNIF := p.gcc(t, "musl.so", "int c;", "-shared", "-nostdlib", "-L"+p.dir, "-Wl,--no-as-needed", "-l:"+muslStub(t, p))
	for name, c := range map[string]struct {
		files tree.Tree
		want  []string
	}{
		"nothing foreign":                   {tree.Tree{beam, exe(priv+"port", good), plain(priv+"x.so", nif), plain(priv+"a.class", class), plain(priv+"old.com", dosOld)}, nil},
		"built on macOS":                    {tree.Tree{exe("app/erts-1/bin/beam.smp", machO), exe("app/erts-1/bin/epmd", fat)}, []string{"IMG-18 error /app/erts-1/bin/beam.smp"}},
		"built on Windows":                  {tree.Tree{plain("app/erts-1/bin/erl.exe", pe)}, []string{"IMG-18 error /app/erts-1/bin/erl.exe"}},
		"a NIF of macOS":                    {tree.Tree{beam, plain(priv+"x.so", machO)}, []string{"IMG-18 error /" + priv + "x.so"}},
		"a NIF of macOS beside ours":        {tree.Tree{beam, plain(priv+"x-linux.so", nif), plain(priv+"x-darwin.so", machO)}, []string{"IMG-18 warning /" + priv + "x-darwin.so"}},
		"Windows' ballast":                  {tree.Tree{beam, plain(priv+"x.exe", pe)}, nil},
		"everything of another machine":     {tree.Tree{exe("app/erts-1/bin/beam.smp", other), exe(priv+"port", other), plain(priv+"x.so", otherNIF)}, []string{"IMG-15 error /app/erts-1/bin/beam.smp"}},
		"a port of another machine":         {tree.Tree{beam, exe(priv+"port", other)}, []string{"IMG-15 error /" + priv + "port"}},
		"ports of two machines":             {tree.Tree{beam, exe(priv+"port", good), exe(priv+"port2", other)}, []string{"IMG-15 warning /" + priv + "port2"}},
		"one app's do not excuse another's": {tree.Tree{beam, exe("app/lib/y-1/priv/port", good), exe(priv+"port2", other)}, []string{"IMG-15 error /" + priv + "port2"}},
		"a NIF of another machine":          {tree.Tree{beam, plain(priv+"a.so", nif), plain(priv+"b.so", otherNIF)}, []string{"IMG-15 error /" + priv + "b.so"}},
		"NIFs of two machines by name":      {tree.Tree{beam, plain(priv+"x-"+runtime.GOARCH+".so", nif), plain(priv+"x-"+arch+".so", otherNIF)}, []string{"IMG-15 warning /" + priv + "x-" + arch + ".so"}},
		"a NIF for musl":                    {tree.Tree{beam, plain(priv+"x.so", muslNIF)}, []string{"IMG-16 error " + platforms[runtime.GOARCH].musl}},
		"NIFs for both by name":             {tree.Tree{beam, plain(priv+"x-gnu.so", nif), plain(priv+"x-musl.so", muslNIF)}, []string{"IMG-16 warning " + platforms[runtime.GOARCH].musl}},
		"a broken port":                     {tree.Tree{beam, exe(priv+"port", good[:200])}, []string{"IMG-18 error /" + priv + "port"}},
		"object files":                      {tree.Tree{beam, plain("app/lib/x-1/c_src/x.o", machine(objectFile(p.empty), m))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := Check(releaseOfTree(t, c.files), rootOfTree(t, p.base()), nil, runtime.GOARCH)
			if d := cmp.Diff(append([]string{}, c.want...), codes(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			for _, f := range got {
				t.Logf("%s\n  fix: %s", f, f.Fix)
			}
		})
	}
}

// muslStub makes a library that is called as musl is on Alpine.
func muslStub(t *testing.T, p *parts) string {
	t.Helper()
	name := "libc.musl-x86_64.so.1"
	p.gcc(t, name, "int stub;", "-shared", "-nostdlib", "-Wl,-soname,"+name)
	return name
}

func objectFile(b []byte) []byte {
	b = bytes.Clone(b)
	b[16] = 1 // ET_REL
	return b
}

// musl looks in other places, takes glibc's names for itself, and holds no versions against a library.
func TestMusl(t *testing.T) {
	p := newParts(t)
	at := platforms[runtime.GOARCH]
	v2, v1 := p.foo(t, 2), p.foo(t, 1)
	prog := exe("app/erts-1/bin/beam.smp", p.gcc(t, "prog", uses2, "-Lfoo2", "-l:libfoo.so.1", "-Wl,--dynamic-linker="+at.musl))
	loader := exe(at.musl[1:], p.empty)
	path := "etc/" + strings.TrimSuffix(at.musl[len("/lib/"):], ".so.1") + ".path"
	for name, c := range map[string]struct {
		base tree.Tree
		env  []string
		want []string
	}{
		"in /usr/lib":           {tree.Tree{loader, plain("usr/lib/libfoo.so.1", v2)}, nil, nil},
		"in no place of musl's": {tree.Tree{loader, plain("usr/lib/"+at.triplet+"/libfoo.so.1", v2)}, nil, []string{"IMG-02 error libfoo.so.1"}},
		"in its path":           {tree.Tree{loader, plain("opt/libfoo.so.1", v2), plain(path, []byte("/lib:/none\n/opt\n"))}, nil, nil},
		"not in its path":       {tree.Tree{loader, plain("usr/lib/libfoo.so.1", v2), plain(path, []byte("/opt\n"))}, nil, []string{"IMG-02 error libfoo.so.1"}},
		"in LD_LIBRARY_PATH":    {tree.Tree{loader, plain("opt/libfoo.so.1", v2)}, []string{"LD_LIBRARY_PATH=/opt"}, nil},
		"an older version":      {tree.Tree{loader, plain("usr/lib/libfoo.so.1", v1)}, nil, nil},
		"on glibc":              {append(p.base(), plain("usr/lib/libfoo.so.1", v2)), nil, []string{"IMG-16 error " + at.musl}},
		"on nothing":            {tree.Tree{}, nil, []string{"IMG-16 error " + at.musl}},
	} {
		if got := codes(Check(releaseOfTree(t, tree.Tree{prog}), rootOfTree(t, c.base), c.env, runtime.GOARCH)); !cmp.Equal(got, append([]string{}, c.want...)) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	// A release for glibc on Alpine, and on one with libc6-compat, which puts musl behind glibc's name.
	beam := releaseOfTree(t, tree.Tree{exe("app/erts-1/bin/beam.smp", p.emulator)})
	got := Check(beam, rootOfTree(t, tree.Tree{loader, plain("etc/os-release", []byte("ID=alpine\nPRETTY_NAME=\"Alpine Linux v3.20\"\n"))}), nil, runtime.GOARCH)
	want := []finding.Finding{{Code: "IMG-16", Severity: finding.Error, Subject: at.glibc,
		Cause:    fmt.Sprintf("built for glibc, whose loader %s the base does not have (it has %s (musl)): /app/erts-1/bin/beam.smp", at.glibc, at.musl),
		Fix:      "take a base with glibc, or build the release on Alpine Linux v3.20; or let Phial assemble one that fits: --base assemble, without --suite",
		Evidence: []string{"/app/erts-1/bin/beam.smp"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := codes(Check(beam, rootOfTree(t, tree.Tree{loader, tree.Symlink(at.glibc[1:], at.musl)}), nil, runtime.GOARCH)); len(got) > 0 {
		t.Errorf("with libc6-compat: %q", got)
	}
}

// A base for another machine is one finding, and what follows from it is none.
func TestBaseOfAnotherMachine(t *testing.T) {
	p := newParts(t)
	m, arch := foreignMachine()
	base := p.base()
	for i, f := range base {
		if f.Open != nil {
			b, err := f.Content()
			if err != nil {
				t.Fatal(err)
			}
			base[i] = exe(f.Path, machine(b, m))
		}
	}
	got := Check(releaseOfTree(t, tree.Tree{exe("app/erts-1/bin/beam.smp", p.emulator)}), rootOfTree(t, base), nil, runtime.GOARCH)
	if len(got) != 1 || got[0].Code != finding.OtherArchitecture || got[0].Cause != "for "+arch+", while the image is for "+runtime.GOARCH+": the base" {
		t.Errorf("got %q", got)
	}
}

// An older number of the same library is another finding than none at all.
func TestOtherNumber(t *testing.T) {
	p := newParts(t)
	lib := "usr/lib/" + platforms[runtime.GOARCH].triplet + "/"
	p.gcc(t, "libcrypto.so.1.1", "int crypto;", "-shared", "-nostdlib", "-Wl,-soname,libcrypto.so.1.1")
	three := p.gcc(t, "libcrypto.so.3", "int crypto;", "-shared", "-nostdlib", "-Wl,-soname,libcrypto.so.3")
	nif := p.gcc(t, "crypto.so", "extern int crypto; int *c = &crypto;", "-shared", "-fPIC", "-nostdlib", "-L.", "-l:libcrypto.so.1.1")
	r := releaseOfTree(t, tree.Tree{exe("app/erts-1/bin/beam.smp", p.emulator), plain("app/lib/crypto-5.0/priv/lib/crypto.so", nif), plain("app/lib/wx-2/priv/wx.so", nif)})
	got := Check(r, rootOfTree(t, append(p.base(), plain(lib+"libcrypto.so.3", three))), nil, runtime.GOARCH)
	want := []string{"IMG-01 error libcrypto.so.1.1", "IMG-01 warning libcrypto.so.1.1"} // nobody opens a window on a server
	if d := cmp.Diff(want, codes(got)); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	if want := "libcrypto.so.1.1 is needed by /app/lib/crypto-5.0/priv/lib/crypto.so, and the base has libcrypto.so.3 in its place"; got[0].Cause != want {
		t.Errorf("got %s, want %s", got[0].Cause, want)
	}
	if libs := r.Libraries(); !cmp.Equal(libs, []string{"libc.so.6", "libcrypto.so.1.1"}) {
		t.Errorf("libraries %q", libs)
	}
}

// What could not be read is said, and is no reason to refuse.
func TestUncheckedLibrary(t *testing.T) {
	p := newParts(t)
	lib := "usr/lib/" + platforms[runtime.GOARCH].triplet + "/libfoo.so.1"
	p.foo(t, 2)
	r := releaseOfTree(t, tree.Tree{exe("app/erts-1/bin/beam.smp", p.gcc(t, "prog", uses2, "-Lfoo2", "-l:libfoo.so.1"))})
	huge := tree.File{Path: lib, Mode: tree.ModePlain, Size: maxFile + 1, Open: plain(lib, nil).Open}
	for name, f := range map[string]tree.File{"/" + lib + ": it is larger than 256 MB": huge, "/" + lib + ": it is cut off": plain(lib, []byte("\x7fELF\x02"))} {
		got := Check(r, rootOfTree(t, append(p.base(), f)), nil, runtime.GOARCH)
		if len(got) != 1 || got[0].Code != finding.NotChecked || got[0].Severity != finding.Warning || got[0].Subject+": "+strings.TrimPrefix(got[0].Cause[strings.LastIndex(got[0].Cause, ": "):], ": ") != name {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A start script that sets LD_LIBRARY_PATH may find what lies in the release.
func TestLibraryPathOfScript(t *testing.T) {
	p := newParts(t)
	v2 := p.foo(t, 2)
	files := tree.Tree{plain("app/releases/start_erl.data", nil), exe("app/erts-1/bin/beam.smp", p.gcc(t, "prog", uses2, "-Lfoo2", "-l:libfoo.so.1")), plain("app/native/libfoo.so.1", v2)}
	root := rootOfTree(t, p.base())
	if got := codes(Check(releaseOfTree(t, files), root, nil, runtime.GOARCH)); !cmp.Equal(got, []string{"IMG-02 error libfoo.so.1"}) {
		t.Errorf("without: %q", got)
	}
	files = append(files, plain("app/releases/1/env.sh", []byte("export LD_LIBRARY_PATH=\"$RELEASE_ROOT/native\"\n")))
	if got := codes(Check(releaseOfTree(t, files), root, nil, runtime.GOARCH)); len(got) > 0 {
		t.Errorf("with: %q", got)
	}
}

// Two thousand files are looked at in well under 200 ms, and the same input gives the same findings.
func TestFastAndTheSame(t *testing.T) {
	p := newParts(t)
	files := tree.Tree{plain("app/releases/start_erl.data", nil), exe("app/erts-1/bin/beam.smp", p.emulator)}
	nif := p.gcc(t, "n.so", "int two(void); int nif(void) { return two(); }", "-shared", "-fPIC", "-L"+p.dir, "-Wl,--allow-shlib-undefined", "-Wl,-soname,n.so", "-Wl,--no-as-needed", "-l:"+muslStub(t, p), "-lm")
	for i := range 2000 {
		f := plain(fmt.Sprintf("app/lib/a%d-1/ebin/a.beam", i%50), []byte("FOR1"))
		if f.Path = fmt.Sprintf("app/lib/a%d-1/priv/%d.beam", i%50, i); i%20 == 0 {
			f = plain(fmt.Sprintf("app/lib/a%d-1/priv/%d.so", i%50, i), nif)
		}
		files = append(files, f)
	}
	root := rootOfTree(t, append(p.base(), plain("etc/ld.so.conf", []byte("/none\n"))))
	var first []finding.Finding
	best := time.Hour
	for i := range 5 {
		start := time.Now()
		got := Check(releaseOfTree(t, files), root, nil, runtime.GOARCH)
		best = min(best, time.Since(start))
		if i == 0 {
			first = got
		}
		if d := cmp.Diff(first, got); d != "" {
			t.Fatalf("other findings the second time:\n%s", d)
		}
	}
	t.Logf("%s for %d files", best, len(files))
	if len(first) != 1 || len(first[0].Evidence) != most+1 || first[0].Evidence[most] != "and 92 more" {
		t.Errorf("got %q", first)
	}
	if best > 2*time.Second { // of a busy machine with the race detector
		t.Errorf("it takes %s", best)
	}
}
