package debian

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unpacked puts a .deb through what Assemble does with it.
func unpacked(t *testing.T, b []byte) (*deb, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.deb")
	check(t, os.WriteFile(name, b, 0o600))
	var out bytes.Buffer
	if err := unpack(name, &out); err != nil {
		return nil, err
	}
	return openDeb(record{}, name, out.Bytes())
}

func TestDamagedPackages(t *testing.T) {
	whole := pkg("x", "1", "", "usr/bin/x=x").build(t)
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "not a .deb file"},
		{"something else", []byte("<html>\n\n\n"), "not a .deb file"},
		{"cut in a header", whole[:30], "cut short"},
		{"cut in the files", whole[:len(whole)-20], ""},
		{"no files", whole[:bytes.Index(whole, []byte("data.tar"))], "lacks control.tar or data.tar"},
		{"packed otherwise", bytes.Replace(whole, []byte("data.tar.gz "), []byte("data.tar.br "), 1), `".br", which is not known`},
	} {
		if _, err := unpacked(t, c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Deb files that mean no harm or all of it: nothing is outside of the root, nothing panics.
func FuzzDeb(f *testing.F) {
	f.Add([]byte("!<arch>\n"))
	f.Add(pkg("x", "1", "", "usr/bin/x=x", "bin/y -> ../x", "etc/").build(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := unpacked(t, b)
		if err != nil {
			return
		}
		for name := range d.files {
			if !localPath(name) {
				t.Errorf("a file %q", name)
			}
		}
	})
}
