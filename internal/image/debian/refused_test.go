package debian

import (
	"archive/tar"
	"bytes"
	"context"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/host"
)

// wrong are all the ways for an archive not to be trusted. Each is refused in one line that says what
// is wrong, and leaves nothing in the cache that a later run would take.
func TestRefused(t *testing.T) {
	const inRelease = "debian/dists/bookworm/InRelease"
	deb := "debian/pool/main/busybox_1%3a1.35.deb"
	for _, c := range []struct {
		name string
		do   func(a *archive, o *Options)
		want string
	}{
		{"no signature", func(a *archive, o *Options) { a.files[inRelease] = []byte("Origin: Debian\n") },
			"carries no signature"},
		{"text changed", func(a *archive, o *Options) {
			a.files[inRelease] = bytes.Replace(a.files[inRelease], []byte("arm64"), []byte("arm46"), 1)
		}, "its signature is wrong"},
		{"signature of another text", func(a *archive, o *Options) {
			_, signature, _ := bytes.Cut(sign(a.t, a.key, "Origin: Debian\n"), []byte("-----BEGIN PGP SIGNATURE"))
			head, _, _ := bytes.Cut(a.files[inRelease], []byte("-----BEGIN PGP SIGNATURE"))
			a.files[inRelease] = []byte(string(head) + "-----BEGIN PGP SIGNATURE" + string(signature))
		}, "its signature is wrong"},
		{"unknown key", func(a *archive, o *Options) {
			a.key = newKey()
			a.publish(a.t, "debian", "bookworm", nil, baseDebs()...)
		}, "none of the keys that signed it is in"},
		{"expired", func(a *archive, o *Options) { o.Now = func() time.Time { return day.AddDate(0, 0, 8) } },
			"it was good until 2026-03-08 08:00:00"},
		{"from the future", func(a *archive, o *Options) { o.Now = func() time.Time { return day.AddDate(0, 0, -3) } },
			"check this machine's clock"},
		{"no date", func(a *archive, o *Options) {
			a.publish(a.t, "debian", "bookworm", map[string]string{"Date": "yesterday"}, baseDebs()...)
		}, "no Date that can be read"},
		{"another suite", func(a *archive, o *Options) {
			a.publish(a.t, "debian", "bookworm", map[string]string{"Codename": "buster", "Suite": "oldoldstable"}, baseDebs()...)
		}, "it is for buster (oldoldstable), not bookworm"},
		{"not Debian's", func(a *archive, o *Options) {
			a.publish(a.t, "debian", "bookworm", map[string]string{"Origin": "Acme"}, baseDebs()...)
		}, `is of "Acme", not of Debian`},
		{"no such suite", func(a *archive, o *Options) { o.Suite = "trixie" }, "no Debian suite trixie"},
		{"no name of a suite", func(a *archive, o *Options) { o.Suite = "../x" }, `"../x" is no name of a Debian suite`},
		{"unknown architecture", func(a *archive, o *Options) { o.Arch = "vax" }, `is called "vax"`},
		{"architecture not in the suite", func(a *archive, o *Options) { o.Arch = "s390x" }, "no packages for s390x in Debian bookworm, only for amd64, arm64"},
		{"too long", func(a *archive, o *Options) { a.files[inRelease] = make([]byte, maxRelease+1) }, "it has more than"},
		{"index changed", func(a *archive, o *Options) {
			a.change("Packages.gz", func(b []byte) []byte { b[len(b)-5] ^= 1; return b })
			a.change("/by-hash/", func(b []byte) []byte { b[len(b)-5] ^= 1; return b })
		}, "main/binary-amd64/Packages.gz of bookworm is refused: the SHA256 of"},
		{"index cut short", func(a *archive, o *Options) {
			a.change("/by-hash/", func(b []byte) []byte { return b[:len(b)-1] })
		}, "not the"},
		{"index gone", func(a *archive, o *Options) {
			for name := range a.files {
				if strings.Contains(name, "Packages.gz") || strings.Contains(name, "by-hash") {
					delete(a.files, name)
				}
			}
		}, "the mirror lacks a file that its own index lists"},
		{"package changed", func(a *archive, o *Options) {
			a.change(deb, func(b []byte) []byte { b[len(b)-9] ^= 1; return b })
		}, "the package busybox 1:1.35 is refused: the SHA256 of"},
		{"package cut short", func(a *archive, o *Options) {
			a.change(deb, func(b []byte) []byte { return b[:len(b)/2] })
		}, "the package busybox 1:1.35 is refused:"},
		{"package too long", func(a *archive, o *Options) {
			a.change(deb, func(b []byte) []byte { return append(b, make([]byte, 1<<20)...) })
		}, "has more than"},
		{"package gone", func(a *archive, o *Options) { delete(a.files, deb) }, "the mirror lacks the package busybox 1:1.35"},
		{"connection cut", func(a *archive, o *Options) {
			a.spoil = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, ".deb") {
					return false
				}
				w.Header().Set("Content-Length", "100000")
				_, _ = w.Write([]byte("!<arch>"))
				return true
			}
		}, "unexpected EOF"},
		{"updates are not signed", func(a *archive, o *Options) {
			a.files["security/dists/bookworm-security/InRelease"] = []byte("<html>")
		}, "bookworm-security/InRelease is refused: it carries no signature"},
		{"no keyring", func(a *archive, o *Options) { o.Sources.Keyring = "/nonexistent" }, "the keyring can't be read"},
		{"not a keyring", func(a *archive, o *Options) { o.Sources.Keyring = "/proc/self/exe" }, "is no OpenPGP keyring"},
		{"not a URL", func(a *archive, o *Options) { o.Sources.Mirror = "example" }, `--mirror "example" is not the URL`},
		{"forbidden", func(a *archive, o *Options) {
			a.spoil = func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(http.StatusForbidden); return true }
		}, "the server answers 403"},
		{"nothing has changed, to who asks the first time", func(a *archive, o *Options) {
			a.spoil = func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(http.StatusNotModified); return true }
		}, "to who never asked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newArchive(t)
			o := a.options(t)
			good := o
			files := map[string][]byte{}
			for name, b := range a.files {
				files[name] = bytes.Clone(b)
			}
			key := a.key
			c.do(a, &o)
			_, err := Assemble(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
			a.mu.Lock()
			a.files, a.spoil, a.key = files, nil, key
			a.mu.Unlock()
			good.Progress = func(s string) {
				if strings.Contains(s, "mirror has an older index") {
					t.Error("the cache holds what was refused")
				}
			}
			got := fingerprint(t, mustAssemble(t, good).Files)
			good.Cache = t.TempDir()
			if want := fingerprint(t, mustAssemble(t, good).Files); got != want {
				t.Error("what was refused is in the tree of the next run")
			}
		})
	}
}

// change changes the files of which the name ends so.
func (a *archive) change(part string, how func([]byte) []byte) {
	for name, b := range a.files {
		if strings.Contains(name, part) {
			a.files[name] = how(bytes.Clone(b))
		}
	}
}

// A mirror that had newer indexes before doesn't get to have us take the older ones.
func TestOlderIndex(t *testing.T) {
	a := newArchive(t, lib("libfoo1", "1", "libfoo.so.1"))
	o := a.options(t)
	o.Libraries = []string{"libfoo.so.1"}
	first := fingerprint(t, mustAssemble(t, o).Files)
	a.publish(t, "debian", "bookworm", map[string]string{"Date": day.Add(-time.Hour).Format(time.RFC1123)}, append(baseDebs(), lib("libfoo1", "0.9", "libfoo.so.1"))...)
	var said []string
	o.Progress = func(s string) { said = append(said, s) }
	if got := fingerprint(t, mustAssemble(t, o).Files); got != first || !strings.Contains(strings.Join(said, "\n"), "the mirror has an older index") {
		t.Errorf("the older index was taken; said: %q", said)
	}
}

// While a mirror is brought up to date its index and its lists don't fit; what was had before does, and
// the next run asks again.
func TestHalfUpdatedMirror(t *testing.T) {
	a := newArchive(t, lib("libfoo1", "1", "libfoo.so.1"))
	o := a.options(t)
	o.Libraries = []string{"libfoo.so.1"}
	first := fingerprint(t, mustAssemble(t, o).Files)
	a.publish(t, "debian", "bookworm", map[string]string{"Date": day.Add(time.Hour).Format(time.RFC1123)}, append(baseDebs(), lib("libfoo1", "2", "libfoo.so.1"))...)
	good := maps.Clone(a.files)
	a.change("Packages.gz", func(b []byte) []byte { return b[:len(b)-1] })
	a.change("/by-hash/", func(b []byte) []byte { return b[:len(b)-1] })
	var said []string
	o.Progress = func(s string) { said = append(said, s) }
	for range 2 {
		if got := fingerprint(t, mustAssemble(t, o).Files); got != first || !strings.Contains(strings.Join(said, "\n"), "the mirror's new index can't be used") {
			t.Errorf("what was had before isn't used; said: %q", said)
		}
		said = nil
	}
	a.mu.Lock()
	a.files = good
	a.mu.Unlock()
	r := mustAssemble(t, o)
	if i := slices.IndexFunc(r.Packages, func(p Package) bool { return p.Name == "libfoo1" }); r.Packages[i].Version != "2" {
		t.Errorf("once the mirror is up to date, libfoo1 is %+v", r.Packages[i])
	}
}

// A mirror may fail twice; it may fail for good for what isn't needed.
func TestFlaky(t *testing.T) {
	a := newArchive(t)
	failed := map[string]int{}
	a.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "/InRelease") || strings.Contains(r.URL.Path, "busybox") {
			if failed[r.URL.Path]++; failed[r.URL.Path] <= 2 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
		}
		return false
	}
	mustAssemble(t, a.options(t))

	a.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	if _, err := Assemble(t.Context(), a.options(t)); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a mirror that is down for good: %v", err)
	}
}

// Who stops waiting isn't kept, and half a file has no name.
func TestCanceled(t *testing.T) {
	a := newArchive(t)
	ctx, cancel := context.WithCancel(t.Context())
	a.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, ".deb") {
			return false
		}
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write([]byte("!<arch>"))
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
		return true
	}
	o := a.options(t)
	if _, err := Assemble(ctx, o); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("canceled: %v", err)
	}
	check(t, filepath.WalkDir(o.Cache, func(name string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasPrefix(d.Name(), ".new") || strings.HasSuffix(name, ".deb")) {
			t.Errorf("%s is left", name)
		}
		return err
	}))
}

// Files of a package that would land elsewhere, or are no files.
func TestHostilePackages(t *testing.T) {
	for _, c := range []struct {
		name string
		h    tar.Header
		want string
	}{
		{"up", tar.Header{Typeflag: tar.TypeReg, Name: "./../etc/passwd"}, "outside of the root"},
		{"up in the middle", tar.Header{Typeflag: tar.TypeReg, Name: "./usr/../../x"}, "outside of the root"},
		{"absolute", tar.Header{Typeflag: tar.TypeReg, Name: "/etc/passwd"}, "outside of the root"},
		{"link up", tar.Header{Typeflag: tar.TypeSymlink, Name: "./usr/x", Linkname: "../../x"}, "out of the root"},
		{"hard link up", tar.Header{Typeflag: tar.TypeLink, Name: "./usr/x", Linkname: "../../etc/shadow"}, "no file before it"},
		{"hard link to nothing", tar.Header{Typeflag: tar.TypeLink, Name: "./usr/x", Linkname: "./usr/y"}, "no file before it"},
		{"device", tar.Header{Typeflag: tar.TypeBlock, Name: "./dev/sda"}, "a device or the like"},
		{"pipe", tar.Header{Typeflag: tar.TypeFifo, Name: "./pipe"}, "a device or the like"},
		{"two lines", tar.Header{Typeflag: tar.TypeReg, Name: "./a\nb"}, "outside of the root"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := lib("libbad1", "1", "libbad.so.1")
			bad.files = append(bad.files, c.h)
			o := newArchive(t, bad).options(t)
			o.Libraries = []string{"libbad.so.1"}
			if _, err := Assemble(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			o.Libraries, o.Packages = nil, []string{"libbad1"}
			if _, err := Assemble(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("whole: got %v, want %q", err, c.want)
			}
		})
	}
}

// The cache belongs to the user alone.
func TestCacheIsPrivate(t *testing.T) {
	o := newArchive(t).options(t)
	check(t, os.Chmod(o.Cache, 0o777))
	mustAssemble(t, o)
	fi, err := os.Stat(o.Cache)
	check(t, err)
	if fi.Mode().Perm() != 0o700 {
		t.Errorf("the cache has the mode %v", fi.Mode())
	}
	if !host.Exists(filepath.Join(o.Cache, "packages")) {
		t.Error("no packages in the cache")
	}
}

// A snapshot's index is out of date by its own word, and is taken where that was asked for; one that
// nobody signed is not.
func TestAnyAge(t *testing.T) {
	a := newArchive(t)
	o := a.options(t)
	o.Now = func() time.Time { return day.AddDate(1, 0, 0) }
	if _, err := Assemble(t.Context(), o); err == nil || !strings.Contains(err.Error(), "it was good until") {
		t.Errorf("an index of last year: %v", err)
	}
	o.Sources.AnyAge = true
	mustAssemble(t, o)
	stranger := a.options(t)
	stranger.Sources.AnyAge, stranger.Sources.Keyring = true, "/dev/null"
	if _, err := Assemble(t.Context(), stranger); err == nil {
		t.Error("an index was taken without a key for it")
	}
}
