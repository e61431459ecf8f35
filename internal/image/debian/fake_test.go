package debian

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/klauspost/compress/gzip"
)

// day is when the fake archive was made, and noon when it is looked at.
var (
	day  = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	noon = day.Add(4 * time.Hour)
)

// archive is a Debian archive on loopback, signed with a key of its own, whose answers can be spoilt.
type archive struct {
	t            *testing.T
	url, keyring string
	key          *openpgp.Entity
	mu           sync.Mutex
	files        map[string][]byte
	asked        []string                                          // requests: "GET /debian/dists/…" or, with conditions, "if GET …"
	spoil        func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
}

// past has keys and signatures made when the archive was.
var past = &packet.Config{Time: func() time.Time { return day.AddDate(0, 0, -14) }}

func newKey() *openpgp.Entity {
	key, err := openpgp.NewEntity("Archive of a test", "", "archive@example.com", past)
	if err != nil {
		panic(err)
	}
	return key
}

var testKey = sync.OnceValue(newKey)

// newArchive starts one with the suite bookworm and nothing but what every root needs.
func newArchive(t *testing.T, more ...fakeDeb) *archive {
	t.Helper()
	a := &archive{t: t, key: testKey(), files: map[string][]byte{}, keyring: filepath.Join(t.TempDir(), "keys.gpg")}
	var b bytes.Buffer
	if err := a.key.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.keyring, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	a.publish(t, "debian", "bookworm", nil, append(baseDebs(), more...)...)
	return a
}

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	what := r.Method + " " + r.URL.Path
	if r.Header.Get("If-None-Match") != "" {
		what = "if " + what
	}
	a.asked = append(a.asked, what)
	body, ok := a.files[strings.TrimPrefix(r.URL.Path, "/")]
	spoil := a.spoil
	a.mu.Unlock()
	if spoil != nil && spoil(w, r) {
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"`+hashOf(body)[:16]+`"`)
	http.ServeContent(w, r, r.URL.Path, day, bytes.NewReader(body))
}

// requests gives what was asked since the last time, in order.
func (a *archive) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := a.asked
	a.asked = nil
	slices.Sort(asked)
	return asked
}

func (a *archive) options(t *testing.T) Options {
	t.Helper()
	return Options{
		Suite: "bookworm", Arch: "amd64", Libraries: []string{"libc.so.6"}, Commands: []string{"sh"}, Cache: t.TempDir(),
		Sources: Sources{Mirror: a.url + "/debian", Security: a.url + "/security", Keyring: a.keyring},
		Now:     func() time.Time { return noon },
	}
}

// fakeDeb is a package to be made.
type fakeDeb struct {
	name, version, fields string // fields: further lines of its paragraph
	postinst              string
	files                 []tar.Header
	content               map[string]string // of the regular ones
}

// pkg makes a package of files "path=content", "path -> link" and "path/".
func pkg(name, version, fields string, files ...string) fakeDeb {
	d := fakeDeb{name: name, version: version, fields: fields, content: map[string]string{}}
	for _, f := range append(files, "usr/share/doc/"+name+"/copyright=Copyright of "+name+"\n") {
		if p, link, ok := strings.Cut(f, " -> "); ok {
			d.files = append(d.files, tar.Header{Typeflag: tar.TypeSymlink, Name: "./" + p, Linkname: link, Mode: 0o777})
			continue
		}
		p, content, ok := strings.Cut(f, "=")
		if !ok {
			d.files = append(d.files, tar.Header{Typeflag: tar.TypeDir, Name: "./" + p, Mode: 0o755})
			continue
		}
		mode := int64(0o644)
		if strings.Contains(p, "bin/") {
			mode = 0o755
		}
		d.files = append(d.files, tar.Header{Typeflag: tar.TypeReg, Name: "./" + p, Size: int64(len(content)), Mode: mode})
		d.content["./"+p] = content
	}
	return d
}

const libs = "usr/lib/x86_64-linux-gnu/"

// baseDebs are packages as every root needs them, laid out as in bookworm.
func baseDebs() []fakeDeb {
	return []fakeDeb{
		pkg("base-files", "12", "", "usr/lib/os-release=ID=debian\n", "etc/os-release -> ../usr/lib/os-release", "etc/debian_version=12.1\n",
			"usr/share/common-licenses/GPL-3=GPL\n"),
		pkg("busybox", "1:1.35", "", "bin/busybox="+fakeELF([]string{"libc.so.6", "libresolv.so.2"}, "")+
			"\x00[\x00[[\x00awk\x00cat\x00nologin\x00readlink\x00sh\x00uname\x00\x00"),
		pkg("ca-certificates", "2023", "", "usr/share/ca-certificates/mozilla/B.crt=B", "usr/share/ca-certificates/mozilla/A.crt=A\n"),
		pkg("libc-bin", "2.36", "", "usr/lib/locale/C.utf8/LC_CTYPE=ctype"),
		pkg("libc6", "2.36", "Source: glibc", "lib/x86_64-linux-gnu/libc.so.6="+fakeELF([]string{"ld-linux-x86-64.so.2"}, ""),
			"lib/x86_64-linux-gnu/libresolv.so.2="+fakeELF([]string{"libc.so.6"}, ""), "lib/x86_64-linux-gnu/libm.so.6="+fakeELF(nil, ""),
			"lib/x86_64-linux-gnu/ld-linux-x86-64.so.2="+fakeELF(nil, ""),
			"lib64/ld-linux-x86-64.so.2 -> /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
		pkg("libgcc-s1", "12.2", "Source: gcc-12 (12.2-1)", "lib/x86_64-linux-gnu/libgcc_s.so.1="+fakeELF([]string{"libc.so.6"}, "")),
		pkg("tzdata", "2026a", "", "usr/share/zoneinfo/Etc/UTC=TZif", "usr/share/zoneinfo/right/UTC=TZif", "usr/share/zoneinfo/posix/UTC=TZif"),
	}
}

// lib makes a package with one library, its file and the symbolic link of its soname.
func lib(name, version, soname string, needs ...string) fakeDeb {
	return pkg(name, version, "", libs+soname+".1="+fakeELF(needs, ""), libs+soname+" -> "+soname+".1")
}

// build makes the .deb.
func (d fakeDeb) build(tb testing.TB) []byte {
	tb.Helper()
	arch := "amd64"
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\n%s", d.name, d.version, arch, d.fields)
	var controlTar, dataTar bytes.Buffer
	c := tar.NewWriter(&controlTar)
	check(tb, c.WriteHeader(&tar.Header{Name: "./control", Size: int64(len(control)), Mode: 0o644}))
	_, err := c.Write([]byte(control))
	check(tb, err)
	if d.postinst != "" {
		check(tb, c.WriteHeader(&tar.Header{Name: "./postinst", Size: int64(len(d.postinst)), Mode: 0o755}))
		_, err := c.Write([]byte(d.postinst))
		check(tb, err)
	}
	check(tb, c.Close())
	z := gzip.NewWriter(&dataTar)
	w := tar.NewWriter(z)
	for _, h := range d.files {
		check(tb, w.WriteHeader(&h))
		if h.Typeflag == tar.TypeReg {
			_, err := w.Write([]byte(d.content[h.Name]))
			check(tb, err)
		}
	}
	check(tb, w.Close())
	check(tb, z.Close())
	var ar bytes.Buffer
	ar.WriteString("!<arch>\n")
	for _, m := range []struct {
		name string
		b    []byte
	}{{"debian-binary", []byte("2.0\n")}, {"control.tar", controlTar.Bytes()}, {"data.tar.gz", dataTar.Bytes()}} {
		fmt.Fprintf(&ar, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.name, 0, 0, 0, "100644", len(m.b))
		ar.Write(m.b)
		if len(m.b)%2 == 1 {
			ar.WriteByte('\n')
		}
	}
	return ar.Bytes()
}

// publish puts a suite with these packages into the archive; fields replace those of its Release file.
func (a *archive) publish(t *testing.T, root, suite string, fields map[string]string, debs ...fakeDeb) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	var packages, contents strings.Builder
	for _, d := range debs {
		b := d.build(t)
		file := fmt.Sprintf("pool/main/%s_%s.deb", d.name, strings.ReplaceAll(d.version, ":", "%3a"))
		a.files[root+"/"+file] = b
		fmt.Fprintf(&packages, "Package: %s\nVersion: %s\nArchitecture: amd64\n%s\nFilename: %s\nSize: %d\nSHA256: %s\nDescription: a package\n of a test\n\n",
			d.name, d.version, strings.TrimSpace("Section: libs\n"+d.fields), file, len(b), hashOf(b))
		for _, h := range d.files {
			fmt.Fprintf(&contents, "%-40s\tlibs/%s\n", strings.TrimPrefix(h.Name, "./"), d.name)
		}
	}
	all := map[string][]byte{"main/binary-amd64/Packages.gz": gz(t, packages.String()), "main/Contents-amd64.gz": gz(t, contents.String())}
	release := map[string]string{"Origin": "Debian", "Suite": "oldstable" + strings.TrimPrefix(suite, "bookworm"), "Codename": suite,
		"Date": day.Format(time.RFC1123), "Valid-Until": day.AddDate(0, 0, 7).Format(time.RFC1123), "Acquire-By-Hash": "yes",
		"Architectures": "all amd64 arm64", "No-Support-for-Architecture-all": "Packages", "Components": "main"}
	maps.Copy(release, fields)
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(release)) {
		if release[k] != "" {
			fmt.Fprintf(&text, "%s: %s\n", k, strings.Replace(release[k], "GMT", "UTC", 1))
		}
	}
	text.WriteString("SHA256:\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b := all[name]
		fmt.Fprintf(&text, " %s %8d %s\n", hashOf(b), len(b), name)
		dir := root + "/dists/" + suite + "/"
		a.files[dir+name] = b
		a.files[dir+filepath.Dir(name)+"/by-hash/SHA256/"+hashOf(b)] = b
	}
	a.files[root+"/dists/"+suite+"/InRelease"] = sign(t, a.key, text.String())
}

func sign(t *testing.T, key *openpgp.Entity, text string) []byte {
	t.Helper()
	return signAll(t, text, key)
}

func signAll(t *testing.T, text string, keys ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	var private []*packet.PrivateKey
	for _, k := range keys {
		private = append(private, k.PrivateKey)
	}
	w, err := clearsign.EncodeMulti(&b, private, past)
	check(t, err)
	_, err = w.Write([]byte(text))
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func gz(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

// fakeELF makes a shared library that has nothing but what it needs and where it looks for that.
func fakeELF(needs []string, runpath string) string {
	names := "\x00.dynstr\x00.dynamic\x00"
	strs := []byte{0}
	var dyn []elf.Dyn64
	add := func(tag elf.DynTag, s string) {
		dyn = append(dyn, elf.Dyn64{Tag: int64(tag), Val: uint64(len(strs))})
		strs = append(append(strs, s...), 0)
	}
	for _, n := range needs {
		add(elf.DT_NEEDED, n)
	}
	if runpath != "" {
		add(elf.DT_RUNPATH, runpath)
	}
	dyn = append(dyn, elf.Dyn64{})
	strs = append(strs, names...)
	nameAt := uint32(len(strs) - len(names))
	const head = 64
	dynAt := uint64(head + len(strs))
	sectionsAt := dynAt + uint64(len(dyn)*16)
	h := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: 1, Shoff: sectionsAt,
		Ehsize: head, Shentsize: 64, Shnum: 3, Shstrndx: 1}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	var b bytes.Buffer
	for _, part := range []any{h, strs, dyn, elf.Section64{},
		elf.Section64{Name: nameAt + 1, Type: uint32(elf.SHT_STRTAB), Off: head, Size: uint64(len(strs))},
		elf.Section64{Name: nameAt + 9, Type: uint32(elf.SHT_DYNAMIC), Off: dynAt, Size: uint64(len(dyn) * 16), Link: 1, Entsize: 16}} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			panic(err)
		}
	}
	return b.String()
}
