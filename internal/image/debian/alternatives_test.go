package debian

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAlternatives(t *testing.T) {
	script := `#!/bin/sh
set -e
update-alternatives --install /usr/lib/x86_64-linux-gnu/libblas.so.3 \
                    libblas.so.3-x86_64-linux-gnu /lib/x86_64-linux-gnu/blas/libblas.so.3 10
if [ "$1" = "configure" ]; then
	for prog in convert identify; do
	update-alternatives --quiet --install "/usr/bin/$prog" $prog /usr/bin/${prog}-im6 60 \
	        --slave /usr/share/man/man1/$prog.1.gz $prog.1.gz /usr/share/man/man1/$prog-im6.1.gz
	done
fi
update-alternatives --install /usr/bin/$prog prog /usr/bin/x 1
update-alternatives --install /usr/bin/$(uname) prog /usr/bin/x 1
update-alternatives --install /../etc/x prog /usr/bin/x 1
update-alternatives --install /usr/bin/x
echo --install /usr/bin/x x /usr/bin/y 1
`
	got := parseAlternatives(script)
	want := []alternative{
		{"usr/lib/x86_64-linux-gnu/libblas.so.3", "usr/lib/x86_64-linux-gnu/blas/libblas.so.3", 10},
		{"usr/bin/convert", "usr/bin/convert-im6", 60}, {"usr/share/man/man1/convert.1.gz", "usr/share/man/man1/convert-im6.1.gz", 60},
		{"usr/bin/identify", "usr/bin/identify-im6", 60}, {"usr/share/man/man1/identify.1.gz", "usr/share/man/man1/identify-im6.1.gz", 60},
	}
	opts := cmp.AllowUnexported(alternative{})
	if d := cmp.Diff(want, got, opts); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff(want, readAlternatives(formatAlternatives(got)), opts); d != "" {
		t.Errorf("written and read again (-want +got):\n%s", d)
	}
}

// A library that stands aside until an alternative is made is found, alone and in a whole package.
func TestAlternatives(t *testing.T) {
	aside := func(name, dir, priority string) fakeDeb {
		d := pkg(name, "1", "", libs+dir+"/libblas.so.3="+fakeELF([]string{"libm.so.6"}, ""))
		d.postinst = "update-alternatives --install /" + libs + "libblas.so.3 libblas /" + libs + dir + "/libblas.so.3 " + priority + "\n"
		return d
	}
	meta := pkg("libblas3", "1", "Depends: libblas3-real | libblas3-other")
	for _, c := range []struct {
		name      string
		debs      []fakeDeb
		libraries []string
		packages  []string
		want      string
	}{
		{"library", []fakeDeb{aside("libblas3", "blas", "10")}, []string{"libblas.so.3"}, nil, "blas"},
		{"library of a package that leaves it to another", []fakeDeb{meta, aside("libblas3-real", "real", "10")}, []string{"libblas.so.3"}, nil, "real"},
		{"whole", []fakeDeb{aside("one", "blas", "10"), aside("two", "open", "100")}, nil, []string{"one", "two"}, "open"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newArchive(t, c.debs...).options(t)
			o.Libraries, o.Packages = c.libraries, c.packages
			r := mustAssemble(t, o)
			f, ok := r.Files.Find(libs + "libblas.so.3")
			if want := "/" + libs + c.want + "/libblas.so.3"; !ok || f.Link != want {
				t.Errorf("libblas.so.3 leads to %q, want %q", f.Link, want)
			}
			if _, ok := r.Files.Find(libs + "libm.so.6"); ok != (c.libraries != nil) {
				t.Errorf("what the library needs is there: %v", ok)
			}
		})
	}
}
