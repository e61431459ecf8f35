package debian

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// ofGlibc are the libraries of libc6 besides those that its names tell.
var ofGlibc = []string{"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libresolv.so.2", "libutil.so.1",
	"libanl.so.1", "libnsl.so.1", "libmvec.so.1", "libBrokenLocale.so.1", "libthread_db.so.1", "libc_malloc_debug.so.0"}

var soname = regexp.MustCompile(`^(.+)\.so\.([0-9][0-9A-Za-z.]*)$`)

// candidates gives the names of the packages that a library would be in after Debian's
// naming policy (8.1), the likeliest first. Whether it is there has to be looked up.
func candidates(name string) []string {
	if slices.Contains(ofGlibc, name) || strings.HasPrefix(name, "ld-linux") || strings.HasPrefix(name, "ld64.so.") ||
		strings.HasPrefix(name, "libnss_") && strings.HasSuffix(name, ".so.2") {
		return []string{"libc6"}
	}
	if name == "libz.so.1" {
		return []string{"zlib1g"}
	}
	if version, ok := strings.CutPrefix(name, "libcrypto.so."); ok {
		return []string{"libssl" + version, "libssl" + version + "t64"}
	}
	m := soname.FindStringSubmatch(name)
	if m == nil { // "libsystemd-shared-252.so" and the like
		base, ok := strings.CutSuffix(name, ".so")
		if !ok {
			return nil
		}
		base = policyName(base)
		return []string{base, base + "t64"}
	}
	base := policyName(m[1])
	if last := base[len(base)-1]; last >= '0' && last <= '9' {
		base += "-"
	}
	base += strings.ToLower(m[2])
	return []string{base, base + "t64"}
}

func policyName(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "-")) }

// libraryDirs are where the loader looks by itself, below a root with /usr merged.
func (m machine) libraryDirs() []string { return []string{"usr/lib/" + m.triplet, "usr/lib"} }

// inLibraryDir says whether a path is one of a shared library where the loader looks.
func (m machine) inLibraryDir(name string) bool {
	return slices.Contains(m.libraryDirs(), path.Dir(merged(name))) && strings.Contains(path.Base(name), ".so")
}
