package abi

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/phialdev/phial/internal/image/tree"
)

// Go's own reader, which goes by sections, is the oracle for all libraries of this machine.
func TestELFAgainstDebugELF(t *testing.T) {
	n := 0
	for _, dir := range []string{"/usr/lib", "/usr/bin", "/usr/sbin"} {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if info, infoErr := d.Info(); err != nil || infoErr != nil || !d.Type().IsRegular() || info.Size() > 2<<20 || n == 300 {
				return nil //nolint:nilerr // not for us
			}
			b, err := os.ReadFile(name)
			if err != nil || !isELF(b) {
				return nil //nolint:nilerr // not for us
			}
			f, err := elf.NewFile(bytes.NewReader(b))
			if err != nil || f.Type != elf.ET_DYN && f.Type != elf.ET_EXEC || strings.HasSuffix(name, ".debug") {
				return nil //nolint:nilerr // not for us
			}
			n++
			got, err := parseELF(b)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return nil
			}
			if d := cmp.Diff(asDebugELF(t, f), got, cmpopts.IgnoreUnexported(object{})); d != "" {
				t.Errorf("%s (-debug/elf +ours):\n%s", name, d)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if t.Logf("%d files", n); n == 0 {
		t.Skip("this machine has no ELF files")
	}
}

func asDebugELF(t *testing.T, f *elf.File) *object {
	t.Helper()
	o := &object{Machine: f.Machine, Class: byte(f.Class), Order: byte(f.Data), Type: f.Type, Versym: f.SectionByType(elf.SHT_GNU_VERSYM) != nil}
	one := func(tag elf.DynTag) string {
		s, err := f.DynString(tag)
		if err != nil || len(s) == 0 {
			return ""
		}
		return s[len(s)-1]
	}
	o.Soname, o.Rpath, o.Runpath = one(elf.DT_SONAME), one(elf.DT_RPATH), one(elf.DT_RUNPATH)
	o.Needed, _ = f.ImportedLibraries()
	if len(o.Needed) == 0 {
		o.Needed = nil
	}
	if s := f.Section(".interp"); s != nil {
		b, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		o.Interp = strings.TrimRight(string(b), "\x00")
	}
	defines, _ := f.DynamicVersions()
	for _, v := range defines {
		o.Defines = append(o.Defines, v.Name)
	}
	needs, _ := f.DynamicVersionNeeds()
	for _, n := range needs {
		for _, v := range n.Needs {
			o.Requires = append(o.Requires, version{n.Name, v.Dep, v.Flags&elf.DynamicVersionFlag(weak) != 0})
		}
	}
	return o
}

// A file without section headers, as strippers leave it, is loaded all the same.
func TestELFWithoutSections(t *testing.T) {
	p := newParts(t)
	want, err := parseELF(p.emulator)
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Clone(p.emulator)
	clear(b[40:48]) // e_shoff
	clear(b[60:64]) // e_shnum, e_shstrndx
	got, err := parseELF(b)
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(object{})); err != nil || d != "" || len(got.Needed) == 0 {
		t.Errorf("%v %s", err, d)
	}
}

// Cut off anywhere, or with any byte changed, a file is an error or something, and never a panic.
func TestBrokenELF(t *testing.T) {
	p := newParts(t)
	b := p.foo(t, 2)
	for n := range b {
		if n > 8192 && n%97 != 0 {
			continue
		}
		o, err := parseELF(b[:n])
		if err == nil && n < 4096 && !cmp.Equal(o, mustParse(t, b), cmpopts.IgnoreUnexported(object{})) {
			t.Errorf("%d of %d bytes are a whole file: %+v", n, len(b), o)
		}
	}
	for i := range min(len(b), 2048) {
		c := bytes.Clone(b)
		c[i] ^= 0xff
		_, _ = parseELF(c) // it must not panic
	}
}

func mustParse(t *testing.T, b []byte) *object {
	t.Helper()
	o, err := parseELF(b)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestArch(t *testing.T) {
	const little, big, narrow, wide = byte(elf.ELFDATA2LSB), byte(elf.ELFDATA2MSB), byte(elf.ELFCLASS32), byte(elf.ELFCLASS64)
	for _, c := range []struct {
		m            elf.Machine
		class, order byte
		want         string
	}{
		{elf.EM_X86_64, wide, little, "amd64"}, {elf.EM_X86_64, narrow, little, "x86_64 (32 bit)"}, {elf.EM_386, narrow, little, "386"},
		{elf.EM_AARCH64, wide, little, "arm64"}, {elf.EM_AARCH64, wide, big, "aarch64 (big endian)"}, {elf.EM_ARM, narrow, little, "arm"},
		{elf.EM_PPC64, wide, little, "ppc64le"}, {elf.EM_PPC64, wide, big, "ppc64"}, {elf.EM_S390, wide, big, "s390x"},
		{elf.EM_RISCV, wide, little, "riscv64"}, {elf.EM_LOONGARCH, wide, little, "loong64"}, {elf.EM_MIPS, narrow, big, "mips (32 bit, big endian)"},
	} {
		if got := archOf(&object{Machine: c.m, Class: c.class, Order: c.order}); got != c.want {
			t.Errorf("%v of class %d and order %d is %s, want %s", c.m, c.class, c.order, got, c.want)
		}
	}
}

func TestCompareVersions(t *testing.T) {
	v := []string{"GLIBC_2.34", "GLIBC_2.4", "GLIBCXX_3.4.29", "GLIBC_2.2.5", "GLIBC_PRIVATE", "GLIBCXX_3.4", "OPENSSL_3.0.0"}
	slices.SortFunc(v, compareVersions)
	want := []string{"GLIBCXX_3.4", "GLIBCXX_3.4.29", "GLIBC_2.2.5", "GLIBC_2.4", "GLIBC_2.34", "GLIBC_PRIVATE", "OPENSSL_3.0.0"}
	if d := cmp.Diff(want, v); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := highest(v, "GLIBC_2.99"); got != "GLIBC_2.34" {
		t.Errorf("highest is %s", got)
	}
}

// small is an ELF file made by hand: a header, a loaded segment and a dynamic section, for
// seeds without a compiler.
func small(order binary.ByteOrder) []byte {
	b := make([]byte, 256)
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA], b[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	if order == binary.BigEndian {
		b[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	order.PutUint16(b[16:], uint16(elf.ET_DYN))
	order.PutUint16(b[18:], uint16(elf.EM_X86_64))
	order.PutUint64(b[32:], 64)
	order.PutUint16(b[54:], 56)
	order.PutUint16(b[56:], 2)
	order.PutUint32(b[64:], uint32(elf.PT_LOAD))
	order.PutUint64(b[96:], 256)
	order.PutUint32(b[120:], uint32(elf.PT_DYNAMIC))
	order.PutUint64(b[128:], 176)
	order.PutUint64(b[152:], 64)
	for i, v := range []uint64{uint64(elf.DT_NEEDED), 1, uint64(elf.DT_STRTAB), 240, uint64(elf.DT_STRSZ), 16, 0, 0} {
		order.PutUint64(b[176+8*i:], v)
	}
	copy(b[241:], "libfoo.so.1")
	return b
}

func TestSmallELF(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if o := mustParse(t, small(order)); !cmp.Equal(o.Needed, []string{"libfoo.so.1"}) {
			t.Errorf("%v: %+v", order, o)
		}
	}
	loop := small(binary.LittleEndian)
	binary.LittleEndian.PutUint64(loop[168+8:], 1<<62) // the dynamic section reaches far outside
	binary.LittleEndian.PutUint64(loop[152:], 1<<62)
	if o, err := parseELF(loop[:239]); err == nil {
		t.Errorf("a dynamic section outside the file: %+v", o)
	}
}

func FuzzELF(f *testing.F) {
	f.Add(small(binary.LittleEndian))
	f.Add(small(binary.BigEndian))
	if b, err := os.ReadFile("/bin/true"); err == nil {
		f.Add(b)
	}
	f.Add([]byte("MZ"))
	f.Add([]byte("\xca\xfe\xba\xbe\x00\x00\x00\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		files := tree.Tree{exe("app/erts-1/bin/beam.smp", b), exe("app/lib/x-1/priv/x.so", b), exe("app/releases/1/elixir", b)}
		r, err := Read(files)
		if err != nil {
			t.Fatal(err)
		}
		base, err := OfTree(tree.Tree{plain("lib/libfoo.so.1", b), plain("lib64/ld-linux-x86-64.so.2", b)})
		if err != nil {
			t.Fatal(err)
		}
		Check(r, base, nil, "amd64")
		r.Libraries()
		r.Versions()
		r.Commands()
	})
}

// orderOfTests is the byte order of files made by hand.
var orderOfTests = binary.LittleEndian
