package debian

// machine is what differs between architectures in a Debian system.
type machine struct {
	triplet string // the directory of libraries below usr/lib
	loader  string // the path that binaries ask for as their ELF interpreter, without the slash in front
}

var machines = map[string]machine{
	"amd64":    {"x86_64-linux-gnu", "lib64/ld-linux-x86-64.so.2"},
	"arm64":    {"aarch64-linux-gnu", "lib/ld-linux-aarch64.so.1"},
	"armel":    {"arm-linux-gnueabi", "lib/ld-linux.so.3"},
	"armhf":    {"arm-linux-gnueabihf", "lib/ld-linux-armhf.so.3"},
	"i386":     {"i386-linux-gnu", "lib/ld-linux.so.2"},
	"loong64":  {"loongarch64-linux-gnu", "lib64/ld-linux-loongarch-lp64d.so.1"},
	"mips64el": {"mips64el-linux-gnuabi64", "lib64/ld.so.1"},
	"ppc64el":  {"powerpc64le-linux-gnu", "lib64/ld64.so.2"},
	"riscv64":  {"riscv64-linux-gnu", "lib/ld-linux-riscv64-lp64d.so.1"},
	"s390x":    {"s390x-linux-gnu", "lib/ld64.so.1"},
}

// ArchOf gives Debian's name of an architecture that Go calls goarch.
func ArchOf(goarch string) string {
	switch goarch {
	case "386":
		return "i386"
	case "arm":
		return "armhf"
	case "mips64le":
		return "mips64el"
	case "ppc64le":
		return "ppc64el"
	}
	return goarch
}
