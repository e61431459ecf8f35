package abi

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/phialdev/phial/internal/image/tree"
)

// archive makes a tar of headers; a regular file's content is its Linkname.
func archive(tb testing.TB, headers ...tar.Header) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := ""
		if h.Typeflag == tar.TypeReg {
			content, h.Linkname = h.Linkname, ""
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		fmt.Fprint(w, content)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestReadTar(t *testing.T) {
	b := archive(t,
		tar.Header{Name: "./usr/bin/cat", Typeflag: tar.TypeReg, Mode: 0o755},
		tar.Header{Name: "usr/share/doc/cat", Typeflag: tar.TypeReg, Mode: 0o644, Linkname: "of no interest"},
		tar.Header{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin"},
		tar.Header{Name: "bin/later", Typeflag: tar.TypeReg, Mode: 0o755}, // by a later layer, through the link
		tar.Header{Name: "/usr/bin/hard", Typeflag: tar.TypeLink, Linkname: "usr/bin/cat"},
		tar.Header{Name: "../../usr/bin/up", Typeflag: tar.TypeReg, Mode: 0o711},
		tar.Header{Name: "usr/bin/twice", Typeflag: tar.TypeReg, Mode: 0o755},
		tar.Header{Name: "usr/bin/twice", Typeflag: tar.TypeReg, Mode: 0o644},
		tar.Header{Name: "loop", Typeflag: tar.TypeSymlink, Linkname: "loop/x"},
		tar.Header{Name: "usr/lib/", Typeflag: tar.TypeDir},
		tar.Header{Name: "usr/lib/libx.so", Typeflag: tar.TypeReg, Mode: 0o644, Linkname: "INPUT(libx.so.1)"},
		tar.Header{Name: "usr/lib/libcut.so", Typeflag: tar.TypeReg, Mode: 0o644, Linkname: "\x7fELF\x02\x01"},
		tar.Header{Name: "etc/os-release", Typeflag: tar.TypeSymlink, Linkname: "../usr/lib/os-release"},
		tar.Header{Name: "usr/lib/os-release", Typeflag: tar.TypeReg, Mode: 0o644, Linkname: "ID=debian\nPRETTY_NAME=\"Debian 12\"\n"},
		tar.Header{Name: "dev/null", Typeflag: tar.TypeChar},
	)
	root, err := ReadTar(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/bin", "/etc/os-release", "/loop", "/usr/bin/cat", "/usr/bin/hard", "/usr/bin/later", "/usr/bin/up", "/usr/lib/libcut.so", "/usr/lib/os-release"}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(root.files))); d != "" {
		t.Errorf("kept (-want +got):\n%s", d)
	}
	if root.Name() != "Debian 12" {
		t.Errorf("it is called %q", root.Name())
	}
	l := layers{root.files}
	for name, want := range map[string]string{"/bin/cat": "/usr/bin/cat", "bin/../bin/hard": "/usr/bin/hard", "/loop": "", "/bin/none": "", "/../bin/up": "/usr/bin/up"} {
		if at, n, ok := l.stat(name); ok != (want != "") || ok && (at != want || !n.Exec) {
			t.Errorf("%s is %q, %+v, want %q", name, at, n, want)
		}
	}
	if p := root.files["/usr/lib/libcut.so"].Problem; p != errTruncated.Error() {
		t.Errorf("a library that is cut off: %q", p)
	}
	for n := 1; n < len(b); n += 311 { // a download that broke off
		if root, err := ReadTar(bytes.NewReader(b[:n])); err == nil {
			t.Errorf("%d of %d bytes are taken: %d files", n, len(b), len(root.files))
		}
	}
}

// What is kept of a base is all there is to it.
func TestRootJSON(t *testing.T) {
	p := newParts(t)
	base := append(p.base(), plain("usr/lib/libfoo.so.1", p.foo(t, 2)), plain("etc/os-release", []byte("ID=debian\n")))
	root := rootOfTree(t, base)
	b, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	var back Root
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(root.files, back.files, cmpopts.IgnoreUnexported(object{})); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
	for _, bad := range []string{`{}`, `{"form":0,"files":{}}`, `[]`, strings.Replace(string(b), `"form":`, `"form":9`, 1)} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%.40s is taken", bad)
		}
	}
}

// An archive and a tree of the same files are one root.
func TestTarIsTree(t *testing.T) {
	lib := string(small(orderOfTests))
	fromTar, err := ReadTar(bytes.NewReader(archive(t,
		tar.Header{Name: "usr/lib/libfoo.so.1", Typeflag: tar.TypeReg, Mode: 0o644, Linkname: lib},
		tar.Header{Name: "lib", Typeflag: tar.TypeSymlink, Linkname: "usr/lib"},
		tar.Header{Name: "etc/ld.so.conf", Typeflag: tar.TypeReg, Mode: 0o644, Linkname: "/opt\n"},
		tar.Header{Name: "bin/sh", Typeflag: tar.TypeReg, Mode: 0o755})))
	if err != nil {
		t.Fatal(err)
	}
	fromTree := rootOfTree(t, tree.Tree{plain("usr/lib/libfoo.so.1", []byte(lib)), tree.Symlink("lib", "usr/lib"),
		plain("etc/ld.so.conf", []byte("/opt\n")), exe("bin/sh", nil), tree.Dir("tmp")})
	if d := cmp.Diff(fromTar.files, fromTree.files, cmpopts.IgnoreUnexported(object{})); d != "" {
		t.Errorf("(-tar +tree):\n%s", d)
	}
}

func FuzzTar(f *testing.F) {
	f.Add(archive(f, tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "b/../a"}, tar.Header{Name: "a/b", Typeflag: tar.TypeReg, Linkname: "x"}))
	f.Add(archive(f, tar.Header{Name: "lib/x.so", Typeflag: tar.TypeReg, Linkname: string(small(orderOfTests))},
		tar.Header{Name: "etc/ld.so.conf", Typeflag: tar.TypeReg, Linkname: "include *.conf\ninclude /etc/ld.so.conf\n"},
		tar.Header{Name: "etc/ld.so.cache", Typeflag: tar.TypeReg}))
	f.Add(archive(f, tar.Header{Name: "../etc/os-release", Typeflag: tar.TypeLink, Linkname: "../../x"}))
	r, err := Read(tree.Tree{exe("app/bin/x", small(orderOfTests))})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		root, err := ReadTar(bytes.NewReader(b))
		if err != nil {
			return
		}
		for name := range root.files {
			if !strings.HasPrefix(name, "/") || strings.Contains(name, "/../") {
				t.Errorf("a file at %q", name)
			}
		}
		Check(r, root, []string{"LD_LIBRARY_PATH=/lib:."}, "amd64")
		if b, err := json.Marshal(root); err != nil || json.Unmarshal(b, &Root{}) != nil {
			t.Errorf("can't be kept: %v", err)
		}
	})
}
