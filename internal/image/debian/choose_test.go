package debian

import (
	"bytes"
	"debug/elf"
	"strings"
	"testing"
)

func TestSuiteFor(t *testing.T) {
	for _, c := range []struct{ needs, want string }{
		{"", "bookworm"},
		{"GLIBC_2.2.5 GLIBC_2.36 GLIBCXX_3.4.30 CXXABI_1.3.13 CXXABI_FLOAT128 GCC_3.0", "bookworm"},
		{"GLIBC_ABI_DT_RELR GLIBC_PRIVATE", "bookworm"},
		{"GLIBC_2.37", "trixie"},
		{"GLIBC_2.9 GLIBC_2.38", "trixie"},
		{"GLIBCXX_3.4.31", "trixie"},
		{"OPENSSL_3.2.0", "trixie"},
		{"GLIBC_ABI_GNU2_TLS", "trixie"},
		{"GLIBC_2.42", "sid"},
		{"GLIBCXX_3.4.34", "sid"},
		{"GLIBC_ABI_SOMETHING_NEW", "sid"},
		{"NCURSES6_TINFO_6.6.current", "sid"},
		{"LIBFOO_99", "bookworm"},
	} {
		if got := SuiteFor(strings.Fields(c.needs)); got != c.want {
			t.Errorf("SuiteFor(%s) = %s, want %s", c.needs, got, c.want)
		}
	}
}

// The table says what the packages of today say.
func TestOffersAreReal(t *testing.T) {
	for _, o := range offers {
		root := assembleReal(t, o.suite, "amd64")
		highest := map[string]string{}
		named := map[string]bool{}
		for _, f := range root.Files {
			if !f.Mode.IsRegular() || !strings.Contains(f.Path, ".so") {
				continue
			}
			b, err := f.Content()
			if err != nil {
				t.Fatal(err)
			}
			x, err := elf.NewFile(bytes.NewReader(b))
			if err != nil {
				continue
			}
			versions, _ := x.DynamicVersions()
			for _, v := range versions {
				named[v.Name] = true
				for family := range o.families {
					if n, ok := strings.CutPrefix(v.Name, family); ok && strings.Trim(n, "0123456789.") == "" && newer(n, highest[family]) {
						highest[family] = n
					}
				}
			}
		}
		for family, want := range o.families {
			if got := highest[family]; got != want {
				t.Errorf("%s has %s%s, the table says %s", o.suite, family, got, want)
			}
		}
		for _, n := range o.named {
			if !named[n] {
				t.Errorf("%s has no %s, the table says it has", o.suite, n)
			}
		}
	}
}
