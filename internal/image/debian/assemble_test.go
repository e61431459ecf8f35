package debian

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/image/tree"
)

// fingerprint is a hash over all that a tree has.
func fingerprint(t *testing.T, files tree.Tree) string {
	t.Helper()
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %v %q %d %d\n", f.Path, f.Mode, f.Link, f.Size, f.Time)
		if f.Mode.IsRegular() {
			b, err := f.Content()
			check(t, err)
			if int64(len(b)) != f.Size {
				t.Errorf("%s has %d bytes, said to be %d", f.Path, len(b), f.Size)
			}
			h.Write(b)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func mustAssemble(t *testing.T, o Options) *Root {
	t.Helper()
	r, err := Assemble(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(t *testing.T, r *Root, name string) string {
	t.Helper()
	f, ok := r.Files.Find(name)
	if !ok || !f.Mode.IsRegular() {
		t.Fatalf("no file %s in the root", name)
	}
	b, err := f.Content()
	check(t, err)
	return string(b)
}

// What a root consists of, to the file.
func TestAssemble(t *testing.T) {
	a := newArchive(t, lib("libfoo1", "1.0", "libfoo.so.1", "libbar-2.so.0"), lib("libbar-2-0t64", "1.0", "libbar-2.so.0", "libc.so.6"),
		pkg("unused", "1", "", "usr/bin/unused=x"))
	o := a.options(t)
	o.Libraries = append(o.Libraries, "libfoo.so.1", "libgone.so.7")
	o.Commands = []string{"sh", "/usr/bin/cat", "git", "uname"}
	r := mustAssemble(t, o)
	var got []string
	for _, f := range r.Files {
		line := f.Path
		switch {
		case f.Link != "":
			line += " -> " + f.Link
		case f.Mode.IsDir():
			line += "/"
		}
		if f.Time != 0 {
			t.Errorf("%s has the time %d", f.Path, f.Time)
		}
		got = append(got, line)
	}
	want := strings.Fields(strings.ReplaceAll(`bin->usr/bin dev/ etc/debian_version etc/group etc/localtime->/usr/share/zoneinfo/Etc/UTC etc/nsswitch.conf
		etc/os-release->../usr/lib/os-release etc/passwd etc/ssl/certs/ca-certificates.crt etc/timezone home/ lib->usr/lib lib64->usr/lib64
		mnt/ opt/ proc/ root/ run/ run/lock/ sbin->usr/sbin srv/ sys/ tmp/ usr/bin/ usr/bin/[->busybox usr/bin/[[->busybox
		usr/bin/awk->busybox usr/bin/busybox usr/bin/cat->busybox usr/bin/readlink->busybox usr/bin/sh->busybox usr/bin/uname->busybox
		usr/lib/ usr/lib/locale/C.utf8/LC_CTYPE usr/lib/os-release usr/lib/ssl/cert.pem->/etc/ssl/certs/ca-certificates.crt
		usr/lib/ssl/certs->/etc/ssl/certs usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
		usr/lib/x86_64-linux-gnu/libbar-2.so.0->libbar-2.so.0.1 usr/lib/x86_64-linux-gnu/libbar-2.so.0.1 usr/lib/x86_64-linux-gnu/libc.so.6
		usr/lib/x86_64-linux-gnu/libfoo.so.1->libfoo.so.1.1 usr/lib/x86_64-linux-gnu/libfoo.so.1.1 usr/lib/x86_64-linux-gnu/libgcc_s.so.1
		usr/lib/x86_64-linux-gnu/libresolv.so.2 usr/lib64/ld-linux-x86-64.so.2->/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
		usr/sbin/ usr/sbin/nologin->../bin/busybox usr/share/common-licenses/GPL-3 usr/share/doc/base-files/copyright
		usr/share/doc/busybox/copyright usr/share/doc/ca-certificates/copyright usr/share/doc/libbar-2-0t64/copyright
		usr/share/doc/libc-bin/copyright usr/share/doc/libc6/copyright usr/share/doc/libfoo1/copyright usr/share/doc/libgcc-s1/copyright
		usr/share/doc/tzdata/copyright usr/share/zoneinfo/Etc/UTC var/cache/ var/lib/ var/lib/dpkg/status.d/base-files
		var/lib/dpkg/status.d/busybox var/lib/dpkg/status.d/ca-certificates var/lib/dpkg/status.d/libbar-2-0t64
		var/lib/dpkg/status.d/libc-bin var/lib/dpkg/status.d/libc6 var/lib/dpkg/status.d/libfoo1 var/lib/dpkg/status.d/libgcc-s1
		var/lib/dpkg/status.d/tzdata var/lock->/run/lock var/log/ var/run->/run var/tmp/`, "->", "→"))
	for i := range want {
		want[i] = strings.Replace(want[i], "→", " -> ", 1)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the root (-want +got):\n%s", d)
	}
	wantMissing := Missing{Libraries: []MissingLibrary{{Name: "libgone.so.7"}}, Commands: []string{"git"}}
	if d := cmp.Diff(wantMissing, r.Missing); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
	if got := text(t, r, "etc/ssl/certs/ca-certificates.crt"); got != "A\nB\n" {
		t.Errorf("the bundle of certificates is %q", got)
	}
	if got := text(t, r, "var/lib/dpkg/status.d/libgcc-s1"); !strings.HasPrefix(got, "Package: libgcc-s1\nVersion: 12.2\n") {
		t.Errorf("the control paragraph of libgcc-s1 is %q", got)
	}
	if f, _ := r.Files.Find("tmp"); f.Mode != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("tmp has the mode %v", f.Mode)
	}
	if f, _ := r.Files.Find("usr/bin/busybox"); f.Mode != tree.ModeExecutable {
		t.Errorf("busybox has the mode %v", f.Mode)
	}
	i := slices.IndexFunc(r.Packages, func(p Package) bool { return p.Name == "libgcc-s1" })
	if p := r.Packages[i]; p.Source != "gcc-12" || p.SourceVersion != "12.2-1" || p.Whole || p.Version != "12.2" || p.Arch != "amd64" {
		t.Errorf("libgcc-s1 is told as %+v", p)
	}
}

// The same packages give the same tree, in whatever order they come; a second run asks only whether
// anything has changed, and works while the mirror is down.
func TestAgain(t *testing.T) {
	a := newArchive(t, lib("libfoo1", "1.0", "libfoo.so.1"), lib("hidden", "1", "libodd.so.3"))
	a.publish(t, "debian", "bookworm-updates", nil)
	a.publish(t, "security", "bookworm-security", nil, lib("libfoo1", "1.1", "libfoo.so.1"))
	o := a.options(t)
	o.Libraries = []string{"libodd.so.3", "libfoo.so.1", "libc.so.6"}
	first := mustAssemble(t, o)
	a.requests()
	second := mustAssemble(t, o)
	want := []string{"if GET /debian/dists/bookworm-updates/InRelease", "if GET /debian/dists/bookworm/InRelease",
		"if GET /security/dists/bookworm-security/InRelease"}
	if d := cmp.Diff(want, a.requests()); d != "" {
		t.Errorf("requests of the second run (-want +got):\n%s", d)
	}
	slices.Reverse(o.Libraries)
	o.Cache = t.TempDir()
	third := mustAssemble(t, o)
	for i, r := range []*Root{second, third} {
		if fingerprint(t, first.Files) != fingerprint(t, r.Files) {
			t.Errorf("run %d gives another tree", i+2)
		}
		if d := cmp.Diff(first.Packages, r.Packages); d != "" {
			t.Errorf("packages of run %d (-first +this):\n%s", i+2, d)
		}
	}

	a.spoil = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
	var said []string
	o.Progress = func(s string) { said = append(said, s) }
	fourth := mustAssemble(t, o)
	if fingerprint(t, first.Files) != fingerprint(t, fourth.Files) {
		t.Error("without the mirror it is another tree")
	}
	if !strings.Contains(strings.Join(said, "\n"), "bookworm: the mirror can't be reached") {
		t.Errorf("that the mirror is down was not said: %q", said)
	}
	o.Now = func() time.Time { return day.AddDate(0, 0, 8) }
	if _, err := Assemble(t.Context(), o); err == nil || !strings.Contains(err.Error(), "mirror can't be reached") {
		t.Errorf("with an expired index and no mirror: %v", err)
	}
}

// Of a package in several suites the highest version is taken, as Debian orders versions.
func TestVersions(t *testing.T) {
	a := newArchive(t, lib("libfoo1", "1.9", "libfoo.so.1"), lib("libbar1", "1:1.0", "libbar.so.1"), lib("libbaz1", "2.0", "libbaz.so.1"),
		lib("libbaz1", "2.0~rc1", "libbaz.so.1"))
	a.publish(t, "debian", "bookworm-updates", nil, lib("libfoo1", "1.10", "libfoo.so.1"), lib("libbar1", "2.0", "libbar.so.1"))
	a.publish(t, "security", "bookworm-security", nil, lib("libfoo1", "1.10~deb12u1", "libfoo.so.1"))
	o := a.options(t)
	o.Libraries = []string{"libfoo.so.1", "libbar.so.1", "libbaz.so.1"}
	got := map[string]string{}
	for _, p := range mustAssemble(t, o).Packages {
		if strings.HasPrefix(p.Name, "libba") || p.Name == "libfoo1" {
			got[p.Name] = p.Version
		}
	}
	if d := cmp.Diff(map[string]string{"libfoo1": "1.10", "libbar1": "1:1.0", "libbaz1": "2.0"}, got); d != "" {
		t.Errorf("versions (-want +got):\n%s", d)
	}
}

func TestWhereALibraryIs(t *testing.T) {
	for _, c := range []struct {
		name   string
		debs   []fakeDeb
		soname string
		want   string // the package
	}{
		{"policy", []fakeDeb{lib("libfoo1", "1", "libfoo.so.1")}, "libfoo.so.1", "libfoo1"},
		{"t64", []fakeDeb{lib("libfoo1t64", "1", "libfoo.so.1")}, "libfoo.so.1", "libfoo1t64"},
		{"t64 behind a package of the plain name", []fakeDeb{lib("libfoo1", "1", "libother.so.1"), lib("libfoo1t64", "1", "libfoo.so.1")}, "libfoo.so.1", "libfoo1t64"},
		{"only Contents knows", []fakeDeb{lib("odd", "1", "libfoo.so.1")}, "libfoo.so.1", "odd"},
		{"candidate without it, then Contents", []fakeDeb{lib("libfoo1", "1", "libother.so.1"), lib("odd", "1", "libfoo.so.1")}, "libfoo.so.1", "odd"},
		{"not where the loader looks", []fakeDeb{pkg("odd", "1", "", libs+"odd/libfoo.so.1="+fakeELF(nil, ""))}, "libfoo.so.1", ""},
		{"a linker's script", []fakeDeb{pkg("libfoo1", "1", "", libs+"libfoo.so.1=INPUT(x)")}, "libfoo.so.1", ""},
		{"openssl", []fakeDeb{lib("libssl3t64", "1", "libcrypto.so.3")}, "libcrypto.so.3", "libssl3t64"},
		{"before /usr was merged", []fakeDeb{pkg("zlib1g", "1", "", "lib/x86_64-linux-gnu/libz.so.1="+fakeELF(nil, ""))}, "libz.so.1", "zlib1g"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newArchive(t, c.debs...).options(t)
			o.Libraries = []string{c.soname}
			r := mustAssemble(t, o)
			_, has := r.Files.Find(libs + c.soname)
			if has != (c.want != "") || has == (len(r.Missing.Libraries) > 0) {
				t.Errorf("%s is there: %v, missing: %v, want it from %q", c.soname, has, r.Missing.Libraries, c.want)
			}
			if got := slices.ContainsFunc(r.Packages, func(p Package) bool { return p.Name == c.want }); has && !got {
				t.Errorf("%s is from %v, want %s", c.soname, r.Packages, c.want)
			}
		})
	}
}

// A library finds its private companions by its RUNPATH, and what one misses says who misses it.
func TestRunpath(t *testing.T) {
	a := newArchive(t, pkg("libfoo1", "1", "", libs+"libfoo.so.1="+fakeELF([]string{"libprivate.so", "libgone.so.1"}, "$ORIGIN/foo"),
		libs+"foo/libprivate.so="+fakeELF(nil, "")))
	o := a.options(t)
	o.Libraries = []string{"libfoo.so.1"}
	r := mustAssemble(t, o)
	if _, ok := r.Files.Find(libs + "foo/libprivate.so"); !ok {
		t.Error("libprivate.so is not there")
	}
	if d := cmp.Diff([]MissingLibrary{{"libgone.so.1", libs + "libfoo.so.1"}}, r.Missing.Libraries); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
}

// OpenSSL's old ciphers are in the package of libcrypto or, since trixie, in one of their own.
func TestLegacyProvider(t *testing.T) {
	legacy := libs + "ossl-modules/legacy.so=" + fakeELF([]string{"libcrypto.so.3"}, "")
	for _, debs := range [][]fakeDeb{
		{pkg("libssl3", "1", "", libs+"libcrypto.so.3="+fakeELF(nil, ""), legacy)},
		{pkg("libssl3t64", "1", "", libs+"libcrypto.so.3="+fakeELF(nil, "")), pkg("openssl-provider-legacy", "1", "", legacy)},
	} {
		o := newArchive(t, debs...).options(t)
		o.Libraries = []string{"libcrypto.so.3"}
		if _, ok := mustAssemble(t, o).Files.Find(libs + "ossl-modules/legacy.so"); !ok {
			t.Errorf("with %s: no legacy.so", debs[0].name)
		}
	}
}

// Packages that are asked for come whole, with what they depend on.
func TestWholePackages(t *testing.T) {
	a := newArchive(t,
		pkg("git", "1", "Depends: libfoo1 (>= 1), nothere | shell:any, virtual, debconf (>= 1) | debconf-2.0\nPre-Depends: pre",
			"usr/bin/git=#!/bin/sh\n", "usr/share/man/man1/git.1=x", "usr/share/doc/git/README=x", "var/lib/git/", "usr/bin/cat=mine"),
		lib("libfoo1", "1", "libfoo.so.1"), pkg("shell", "1", "", "bin/sh -> dash", "bin/dash=x"),
		pkg("real", "1", "Provides: other, virtual (= 1)", "usr/share/real=x"), pkg("pre", "1", "", "usr/share/pre=x"), pkg("debconf", "1", "", "usr/share/debconf=x"))
	o := a.options(t)
	o.Packages = []string{"git"}
	o.Commands = []string{"git", "sh"}
	r := mustAssemble(t, o)
	for name, want := range map[string]bool{"usr/bin/git": true, "usr/share/man/man1/git.1": false, "usr/share/doc/git/README": false,
		"usr/share/doc/git/copyright": true, "var/lib/git": true, libs + "libfoo.so.1": true, "usr/bin/dash": true, "usr/share/real": true,
		"usr/share/pre": true, "usr/share/debconf": false} {
		if _, ok := r.Files.Find(name); ok != want {
			t.Errorf("%s is there: %v, want %v", name, ok, want)
		}
	}
	if f, _ := r.Files.Find("usr/bin/sh"); f.Link != "dash" {
		t.Errorf("sh leads to %q, want the package's own", f.Link)
	}
	if got := text(t, r, "usr/bin/cat"); got != "mine" {
		t.Errorf("cat is %q, want the package's own", got)
	}
	if len(r.Missing.Commands) > 0 {
		t.Errorf("missing %v", r.Missing.Commands)
	}
	for _, p := range r.Packages {
		if want := slices.Contains([]string{"git", "libfoo1", "shell", "real", "pre"}, p.Name); p.Whole != want {
			t.Errorf("%s is whole: %v, want %v", p.Name, p.Whole, want)
		}
	}
	for _, c := range []struct{ pkg, want string }{{"nothere", `no package "nothere"`}, {"broken", "depends on gone or lost"}} {
		a.publish(t, "debian", "bookworm", nil, append(baseDebs(), pkg("broken", "1", "Depends: gone | lost", "usr/x=x"))...)
		o.Packages, o.Cache = []string{c.pkg}, t.TempDir()
		if _, err := Assemble(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("package %s: %v, want %q", c.pkg, err, c.want)
		}
	}
}

// A file of one package below a symbolic link of another goes to where that leads.
func TestBelowALink(t *testing.T) {
	a := newArchive(t, pkg("one", "1", "", "usr/share/data -> ../lib/data", "usr/lib/data/x=x"), pkg("two", "1", "", "usr/share/data/y=y"))
	o := a.options(t)
	o.Packages = []string{"one", "two"}
	r := mustAssemble(t, o)
	if got := text(t, r, "usr/lib/data/y"); got != "y" {
		t.Errorf("usr/lib/data/y is %q", got)
	}
	a.publish(t, "debian", "bookworm", nil, append(baseDebs(), pkg("one", "1", "", "usr/share/data=x"), pkg("two", "1", "", "usr/share/data/y=y"))...)
	o.Cache = t.TempDir()
	if _, err := Assemble(t.Context(), o); err == nil || !strings.Contains(err.Error(), "below usr/share/data, which is a file of the package one") {
		t.Errorf("a file below a file: %v", err)
	}
}

// Copyright files may be in another package of the same source.
func TestCopyrightElsewhere(t *testing.T) {
	foo := lib("libfoo1", "1", "libfoo.so.1")
	foo.files = append(foo.files[:len(foo.files)-1], pkg("x", "1", "", "usr/share/doc/libfoo1 -> foo-base").files[0])
	a := newArchive(t, foo, pkg("foo-base", "1", ""))
	o := a.options(t)
	o.Libraries = []string{"libfoo.so.1"}
	r := mustAssemble(t, o)
	if got := text(t, r, "usr/share/doc/libfoo1/copyright"); got != "Copyright of foo-base\n" {
		t.Errorf("the copyright is %q", got)
	}
	if slices.ContainsFunc(r.Packages, func(p Package) bool { return p.Name == "foo-base" }) {
		t.Error("foo-base counts as in the root")
	}
}

// What is damaged in the cache is found and made again.
func TestDamagedCache(t *testing.T) {
	a := newArchive(t)
	o := a.options(t)
	first := fingerprint(t, mustAssemble(t, o).Files)
	files := 0
	check(t, filepath.WalkDir(o.Cache, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(name)
		check(t, err)
		b[len(b)/2] ^= 1
		return os.WriteFile(name, b, 0o600)
	}))
	if files < 10 {
		t.Errorf("only %d files in the cache", files)
	}
	if got := fingerprint(t, mustAssemble(t, o).Files); got != first {
		t.Error("a damaged cache gives another tree")
	}
}

// What was of no use for a month goes, what was used stays.
func TestCacheIsTidied(t *testing.T) {
	o := newArchive(t).options(t)
	mustAssemble(t, o)
	files := func() (all []string) {
		check(t, filepath.WalkDir(o.Cache, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasSuffix(name, ".deb") { // of which what was unpacked is used
				all = append(all, name)
			}
			return err
		}))
		return all
	}
	before := files()
	stray := filepath.Join(o.Cache, "indexes", "old.1")
	write(t, stray, "x")
	long := time.Now().Add(-2 * keep)
	for _, name := range append(before, stray) {
		check(t, os.Chtimes(name, long, long))
	}
	mustAssemble(t, o)
	if d := cmp.Diff(before, files()); d != "" {
		t.Errorf("files in the cache (-before +after):\n%s", d)
	}
}
