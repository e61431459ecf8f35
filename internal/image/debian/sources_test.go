package debian

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/google/go-cmp/cmp"
)

func TestParseSources(t *testing.T) {
	oneLine := `# a comment
deb http://mirror.example/debian bookworm main contrib # behind
deb [arch=amd64,arm64 signed-by=/a.gpg,/b.asc check-valid-until=no] http://mirror.example/other trixie main
deb-src http://mirror.example/debian bookworm main
deb [broken http://mirror.example/debian bookworm main
deb http://mirror.example/flat ./
`
	deb822 := `Types: deb deb-src
# a comment in between
URIs: http://one.example/debian http://two.example/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/a.gpg 0123456789abcdef0123456789abcdef01234567!

Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main

types: deb
uris: http://key.example/debian
suites: sid
components: main
check-valid-until: No
signed-by:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQ==
 -----END PGP PUBLIC KEY BLOCK-----
`
	opts := cmp.AllowUnexported(source{}, keySpec{})
	if d := cmp.Diff([]source{
		{uri: "http://mirror.example/debian", suites: []string{"bookworm"}, components: []string{"main", "contrib"}},
		{uri: "http://mirror.example/other", suites: []string{"trixie"}, components: []string{"main"}, stale: true,
			keys: keySpec{files: []string{"/a.gpg", "/b.asc"}}},
	}, parseOneLine(oneLine), opts); d != "" {
		t.Errorf("one line each (-want +got):\n%s", d)
	}
	keys := keySpec{files: []string{"/usr/share/keyrings/a.gpg"}, fingerprints: []string{"0123456789ABCDEF0123456789ABCDEF01234567"}}
	suites := []string{"bookworm", "bookworm-updates"}
	if d := cmp.Diff([]source{
		{uri: "http://one.example/debian", suites: suites, components: []string{"main"}, keys: keys},
		{uri: "http://two.example/debian", suites: suites, components: []string{"main"}, keys: keys},
		{uri: "http://key.example/debian", suites: []string{"sid"}, components: []string{"main"}, stale: true,
			keys: keySpec{armored: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n-----END PGP PUBLIC KEY BLOCK-----\n"}},
	}, parseDeb822(deb822), opts); d != "" {
		t.Errorf("deb822 (-want +got):\n%s", d)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(name), 0o755))
	check(t, os.WriteFile(name, []byte(content), 0o600))
}

func TestFindSources(t *testing.T) {
	list := filepath.Join(t.TempDir(), "mirrors")
	write(t, list, "# mirrors\nhttp://listed.example/debian/\n")
	for _, c := range []struct {
		name, list     string
		sources        Sources
		main, security string // URIs
		err            string
	}{
		{name: "main and security", list: "deb http://a.example/debian/ bookworm main\ndeb http://a.example/debian bookworm-updates main\n" +
			"deb http://s.example/security bookworm-security main\n",
			main: "http://a.example/debian", security: "http://s.example/security"},
		{name: "a newer suite than the machine's", list: "deb http://a.example/debian bullseye main", main: "http://a.example/debian"},
		{name: "list of mirrors", list: "deb mirror+file:" + list + " bookworm main", main: "http://listed.example/debian"},
		{name: "others' suites and components", list: "deb http://p.example/apt bookworm-pgdg main\ndeb http://d.example/docker bookworm stable\n" +
			"deb file:/mnt bookworm main\n", err: "name no Debian archive: give the URL of one with --mirror"},
		{name: "another distribution", list: "deb http://u.example/ubuntu noble main", err: "--mirror"},
		{name: "given", list: "deb http://a.example/debian bookworm main\ndeb http://s.example/security bookworm-security main",
			sources: Sources{Mirror: "https://given.example/debian/"}, main: "https://given.example/debian"},
		{name: "security given", list: "deb http://a.example/debian bookworm main\ndeb http://s.example/security bookworm-security main",
			sources: Sources{Security: "https://given.example/s"}, main: "http://a.example/debian", security: "https://given.example/s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "sources.list"), c.list)
			got, err := c.sources.find("trixie", dir)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %v, want %q", err, c.err)
				}
				return
			}
			check(t, err)
			uris := func(all []source) string {
				var s []string
				for _, one := range all {
					s = append(s, one.uri)
				}
				return strings.Join(s, " ")
			}
			if m, s := uris(got.main), uris(got.security); m != c.main || s != c.security {
				t.Errorf("main %s, security %s; want %s, %s", m, s, c.main, c.security)
			}
		})
	}
}

// The machine's own sources are used with the keys that they name, and others' archives that use
// Debian's names are passed over.
func TestMachineSources(t *testing.T) {
	a := newArchive(t)
	other := &archive{key: a.key, files: map[string][]byte{}}
	other.publish(t, "acme", "bookworm", map[string]string{"Origin": "Acme"}, baseDebs()...)
	for name, b := range other.files {
		a.files[name] = b
	}
	var armored bytes.Buffer
	w, err := armor.Encode(&armored, "PGP PUBLIC KEY BLOCK", nil)
	check(t, err)
	check(t, a.key.Serialize(w))
	check(t, w.Close())
	inline := " " + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(armored.String()), "\n\n", "\n.\n"), "\n", "\n ")
	file := filepath.Join(t.TempDir(), "key.asc")
	write(t, file, armored.String())
	for name, sources := range map[string][2]string{
		"deb822, block":  {"x.sources", "Types: deb\nURIs: " + a.url + "/acme " + a.url + "/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n" + inline},
		"one line, file": {"x.list", "deb [signed-by=" + file + "] " + a.url + "/acme bookworm main\ndeb [signed-by=" + file + "] " + a.url + "/debian bookworm main"},
	} {
		t.Run(name, func(t *testing.T) {
			o := a.options(t)
			o.Sources, o.aptDir = Sources{}, t.TempDir()
			write(t, filepath.Join(o.aptDir, "sources.list.d", sources[0]), sources[1])
			r := mustAssemble(t, o)
			if !strings.HasPrefix(r.Packages[0].URL, a.url+"/debian/") {
				t.Errorf("packages are from %s", r.Packages[0].URL)
			}
		})
	}
	o := a.options(t)
	o.Sources, o.aptDir = Sources{}, t.TempDir()
	if _, err := Assemble(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--mirror") {
		t.Errorf("without sources: %v", err)
	}
}

// A snapshot's sources say that its index has expired and is meant to be used.
func TestCheckValidUntil(t *testing.T) {
	a := newArchive(t)
	o := a.options(t)
	o.Sources, o.aptDir = Sources{}, t.TempDir()
	a.publish(t, "debian", "bookworm", map[string]string{"Valid-Until": day.Format(http.TimeFormat)}, baseDebs()...)
	write(t, filepath.Join(o.aptDir, "sources.list"), "deb [check-valid-until=no signed-by="+a.keyring+"] "+a.url+"/debian bookworm main")
	mustAssemble(t, o)
}

func TestKeyrings(t *testing.T) {
	a := newArchive(t)
	fingerprint := fmt.Sprintf("%X", a.key.PrimaryKey.Fingerprint)
	for _, c := range []struct {
		name string
		spec keySpec
		want string
	}{
		{"standard", keySpec{}, ""},
		{"fingerprint", parseSignedBy(fingerprint + "!"), ""},
		{"other fingerprint", parseSignedBy(strings.Repeat("A", 40)), "holds none of the keys"},
		{"damaged block", keySpec{armored: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n"}, "can't be read"},
	} {
		k, err := c.spec.load(a.keyring)
		if c.want == "" && (err != nil || len(k.keys) != 1) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %d keys, %v; want %q", c.name, len(k.keys), err, c.want)
		}
	}
}

// Of several signatures one good one is enough, wherever it stands.
func TestSeveralSignatures(t *testing.T) {
	a := newArchive(t)
	old, err := openpgp.NewEntity("Expired", "", "old@example.com", &packet.Config{Time: past.Time, KeyLifetimeSecs: 3600})
	check(t, err)
	keys := keyring{keys: openpgp.EntityList{old, a.key}, name: "the keys"}
	unknown := newKey()
	for _, c := range []struct {
		name string
		by   []*openpgp.Entity
		want string
	}{
		{"expired, unknown, good", []*openpgp.Entity{old, unknown, a.key}, ""},
		{"good, expired", []*openpgp.Entity{a.key, old}, ""},
		{"expired", []*openpgp.Entity{old}, "expired"},
		{"unknown", []*openpgp.Entity{unknown}, "none of the keys that signed it is in the keys"},
	} {
		got, err := keys.verify("it", signAll(t, "text\n", c.by...), noon)
		if c.want == "" && (err != nil || strings.TrimSpace(string(got)) != "text") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("signed by %s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func FuzzSources(f *testing.F) {
	f.Add("deb [signed-by=/a] http://a.example/debian bookworm main\n")
	f.Add("Types: deb\nURIs: http://a.example\nSuites: sid\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n")
	f.Add(" \n:\n x\nTypes:deb\nURIs: a\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range append(parseOneLine(text), parseDeb822(text)...) {
			if s.uri == "" || strings.ContainsAny(s.uri, " \t\n") {
				t.Errorf("a source with the URI %q of %q", s.uri, text)
			}
			debianSuites(s.suites, "bookworm")
		}
	})
}
