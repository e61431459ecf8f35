// Package abi answers whether a release will run on a base, before there is an image of
// the two: every executable and library of the release finds the dynamic loader, the
// libraries and the symbol versions that it was linked against, and its start scripts
// find the programs that they call. It goes by what the dynamic loaders of glibc and musl
// do, not by the names of distributions.
package abi

import (
	"debug/elf"
	"strings"
)

// archOf gives Go's name of what an ELF file runs on: machine, class and byte order in one.
func archOf(o *object) string {
	little, wide := o.Order == byte(elf.ELFDATA2LSB), o.Class == byte(elf.ELFCLASS64)
	switch {
	case o.Machine == elf.EM_X86_64 && wide:
		return "amd64"
	case o.Machine == elf.EM_386:
		return "386"
	case o.Machine == elf.EM_AARCH64 && wide && little:
		return "arm64"
	case o.Machine == elf.EM_ARM && little:
		return "arm"
	case o.Machine == elf.EM_RISCV && wide:
		return "riscv64"
	case o.Machine == elf.EM_PPC64 && little:
		return "ppc64le"
	case o.Machine == elf.EM_PPC64:
		return "ppc64"
	case o.Machine == elf.EM_S390 && wide:
		return "s390x"
	case o.Machine == elf.EM_LOONGARCH && wide:
		return "loong64"
	}
	name := strings.ToLower(strings.TrimPrefix(o.Machine.String(), "EM_"))
	switch {
	case !wide && !little:
		return name + " (32 bit, big endian)"
	case !wide:
		return name + " (32 bit)"
	case !little:
		return name + " (big endian)"
	}
	return name
}

// platform is what differs between architectures in how the loaders are called and where
// Debian puts libraries.
type platform struct {
	glibc, musl string // the loaders
	triplet     string // Debian's directory
	uname       string // what $PLATFORM stands for
}

var platforms = map[string]platform{
	"amd64":   {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1", "x86_64-linux-gnu", "x86_64"},
	"386":     {"/lib/ld-linux.so.2", "/lib/ld-musl-i386.so.1", "i386-linux-gnu", "i686"},
	"arm64":   {"/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-aarch64.so.1", "aarch64-linux-gnu", "aarch64"},
	"arm":     {"/lib/ld-linux-armhf.so.3", "/lib/ld-musl-armhf.so.1", "arm-linux-gnueabihf", "v7l"},
	"riscv64": {"/lib/ld-linux-riscv64-lp64d.so.1", "/lib/ld-musl-riscv64.so.1", "riscv64-linux-gnu", "riscv64"},
	"ppc64le": {"/lib64/ld64.so.2", "/lib/ld-musl-powerpc64le.so.1", "powerpc64le-linux-gnu", "power9"},
	"s390x":   {"/lib/ld64.so.1", "/lib/ld-musl-s390x.so.1", "s390x-linux-gnu", "z14"},
	"loong64": {"/lib64/ld-linux-loongarch-lp64d.so.1", "/lib/ld-musl-loongarch64.so.1", "loongarch64-linux-gnu", "loongarch64"},
}

// The C libraries. Their loaders differ in where they look and in what they hold against a
// library.
const (
	glibc = "glibc"
	musl  = "musl"
)

// libcOf says which C library a file was linked against, "" where nothing shows it.
func libcOf(o *object) string {
	if o.Interp != "" {
		return libcOfLoader(o.Interp)
	}
	for _, n := range o.Needed {
		switch {
		case strings.HasPrefix(n, "libc.musl-"), n == "libc.so":
			return musl
		case n == "libc.so.6", strings.HasPrefix(n, "ld-linux"):
			return glibc
		}
	}
	for _, v := range o.Requires {
		if strings.HasPrefix(v.Name, "GLIBC_") {
			return glibc
		}
	}
	return ""
}

// libcOfLoader goes by the name of a loader, or of the file behind it: Alpine's libc6-compat
// puts musl's where glibc's belongs.
func libcOfLoader(name string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	switch {
	case strings.HasPrefix(name, "ld-musl-"), strings.HasPrefix(name, "libc.musl-"), name == "libc.so":
		return musl
	case strings.HasPrefix(name, "ld-linux"), strings.HasPrefix(name, "ld64.so."), strings.HasPrefix(name, "ld-2."), name == "ld.so.1":
		return glibc
	}
	return ""
}
