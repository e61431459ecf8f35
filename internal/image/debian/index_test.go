package debian

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func paragraph(name, more string) string {
	return fmt.Sprintf("Package: %s\nVersion: 1\nArchitecture: amd64\nFilename: pool/%s.deb\nSize: 10\nSHA256: %s\n%s\n\n", name, name, strings.Repeat("ab", 32), more)
}

func compacted(t *testing.T, text string) index {
	t.Helper()
	var b bytes.Buffer
	check(t, compact(strings.NewReader(text), &b))
	x, err := openIndex(b.Bytes())
	check(t, err)
	return x
}

func TestIndex(t *testing.T) {
	x := compacted(t, paragraph("b", "Source: s (2)\nDepends: c (>= 1),\n d\nPre-Depends: e\nProvides: v (= 1), w")+
		paragraph("a", "Provides: v")+paragraph("b+c", "")+paragraph("b", "Description: long\n .\n text"))
	var names []string
	for _, r := range slices.Concat(x.find("a"), x.find("b"), x.find("b+c"), x.find("b+"), x.find(""), x.find("z")) {
		names = append(names, r.Name)
	}
	if d := cmp.Diff([]string{"a", "b", "b", "b+c"}, names); d != "" {
		t.Errorf("found (-want +got):\n%s", d)
	}
	b := x.find("b")
	i := slices.IndexFunc(b, func(r record) bool { return r.Source == "s" })
	if i < 0 || b[i].SourceVersion != "2" || b[i].Depends != "e, c (>= 1), d" || b[i].sum != (sum{strings.Repeat("ab", 32), 10}) {
		t.Errorf("b is %+v", b)
	}
	if d := cmp.Diff([]string{"a", "b"}, x.providers("v")); d != "" {
		t.Errorf("providers of v (-want +got):\n%s", d)
	}
}

// Of an index only the whole is taken.
func TestIndexRefused(t *testing.T) {
	good := paragraph("a", "")
	for _, c := range [][2]string{
		{strings.Replace(good, "pool/", "../", 1), `"../a.deb"`},
		{strings.Replace(good, "pool/", "/", 1), `"/a.deb"`},
		{strings.Replace(good, ": a\n", ": a/b\n", 1), `"a/b"`},
		{strings.Replace(good, "Size: 10", "Size: -1", 1), "no Size and SHA256 for the package a"},
		{strings.Replace(good, "SHA256", "MD5", 1), "no Size and SHA256 for the package a"},
	} {
		if err := compact(strings.NewReader(c[0]), new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("got %v, want %s", err, c[1])
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add(paragraph("a", "Depends: b | c (>= 2) [amd64], d:any\nProvides: e"))
	f.Add("Package: a\n\tb\n\n\n: x\nSize")
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		if compact(strings.NewReader(text), &b) != nil {
			return
		}
		x, err := openIndex(b.Bytes())
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		for line := range strings.Lines(string(x.packages)) {
			name, _, _ := strings.Cut(line, "\t")
			found := x.find(name)
			if len(found) == 0 {
				t.Errorf("%q is in the index and not found", name)
			}
			for _, r := range found {
				parseDepends(r.Depends)
			}
		}
	})
}

func FuzzRelease(f *testing.F) {
	f.Add("Origin: Debian\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nSHA256:\n " + strings.Repeat("ab", 32) + "  10 main/x\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRelease("it", text)
		if err != nil {
			return
		}
		for name, s := range r.sums {
			if name == "" || s.size < 0 || len(s.sha256) != 64 {
				t.Errorf("%q has %+v", name, s)
			}
		}
	})
}

func TestDepends(t *testing.T) {
	got := parseDepends("a (>= 1) | b:any [amd64], c, , d(<< 2) <!nocheck>, ${odd}")
	if d := cmp.Diff([][]string{{"a", "b"}, {"c"}, {"d"}}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestCandidates(t *testing.T) {
	for soname, want := range map[string]string{
		"libtinfo.so.6": "libtinfo6", "libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libgcc-s1", "libssl.so.3": "libssl3",
		"libcrypto.so.3": "libssl3", "libcrypto.so.1.1": "libssl1.1", "libsqlite3.so.0": "libsqlite3-0", "libz.so.1": "zlib1g",
		"libc.so.6": "libc6", "libm.so.6": "libc6", "ld-linux-x86-64.so.2": "libc6", "ld64.so.1": "libc6", "libnss_dns.so.2": "libc6",
		"libbz2.so.1.0": "libbz2-1.0", "libGL.so.1": "libgl1", "libgdk_pixbuf-2.0.so.0": "libgdk-pixbuf-2.0-0", "libdb-5.3.so": "libdb-5.3",
		"libfoo": "",
	} {
		got := candidates(soname)
		if want == "" && len(got) > 0 || want != "" && (len(got) == 0 || got[0] != want) {
			t.Errorf("candidates(%s) = %q, want %q first", soname, got, want)
		}
	}
}

func TestSharedLibraries(t *testing.T) {
	var b bytes.Buffer
	check(t, sharedLibraries(strings.NewReader("usr/lib/x86_64-linux-gnu/libx.so.1   libs/x,oldlibs/x-old\n"+
		"lib/x86_64-linux-gnu/libb.so.2\tnon-free/libs/b\nusr/lib/x86_64-linux-gnu/sub/libc.so libs/c\nusr/share/a b.so admin/d\nusr/lib/libe.so.5 libs/e"),
		machines["amd64"], &b))
	if d := cmp.Diff("libb.so.2\tb\nlibe.so.5\te\nlibx.so.1\tx\nlibx.so.1\tx-old\n", b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
