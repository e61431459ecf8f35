package debian

import (
	"strconv"
	"strings"
)

// offer is what a suite's libraries offer: of each family of symbol versions the highest, and
// those that are no numbers.
type offer struct {
	suite    string
	families map[string]string
	named    []string
}

// offers are the suites that never change again but for repairs, the oldest first. The figures
// are read from the packages (see the test). What needs more than all of them gets sid.
var offers = []offer{
	{"bookworm", map[string]string{
		"GLIBC_": "2.36", "GLIBCXX_": "3.4.30", "CXXABI_": "1.3.13", "GCC_": "12.0.0", "OPENSSL_": "3.0.9",
		"NCURSES6_TINFO_": "6.2.20211010", "ZLIB_": "1.2.12", "LIBSYSTEMD_": "252",
	}, []string{"GLIBC_ABI_DT_RELR"}},
	{"trixie", map[string]string{
		"GLIBC_": "2.41", "GLIBCXX_": "3.4.33", "CXXABI_": "1.3.15", "GCC_": "14.0.0", "OPENSSL_": "3.5.0",
		"NCURSES6_TINFO_": "6.5.20240427", "ZLIB_": "1.2.12", "LIBSYSTEMD_": "257",
	}, []string{"GLIBC_ABI_DT_RELR", "GLIBC_ABI_GNU2_TLS", "GLIBC_ABI_DT_X86_64_PLT"}},
}

// SuiteFor gives the oldest suite, from bookworm on, whose libraries offer every symbol version
// that the release's files need: "GLIBC_2.38", "GLIBCXX_3.4.32", as debug/elf names them. Versions of
// other libraries than those that Erlang is built with don't count.
func SuiteFor(needs []string) string {
next:
	for _, o := range offers {
		for _, need := range needs {
			if !o.has(need) {
				continue next
			}
		}
		return o.suite
	}
	return "sid"
}

func (o offer) has(need string) bool {
	for _, n := range o.named {
		if n == need {
			return true
		}
	}
	if strings.HasPrefix(need, "GLIBC_ABI_") { // not a number, but new whenever there is one
		return false
	}
	for family, highest := range o.families {
		if v, ok := strings.CutPrefix(need, family); ok && v != "" && v[0] >= '0' && v[0] <= '9' {
			return !newer(v, highest)
		}
	}
	return true
}

// newer compares numbers with dots. What is no number ("6.6.current") is newer than any.
func newer(v, than string) bool {
	for v != "" {
		var a, b string
		a, v, _ = strings.Cut(v, ".")
		b, than, _ = strings.Cut(than, ".")
		x, err := strconv.Atoi(a)
		if err != nil {
			return true
		}
		y, _ := strconv.Atoi(b) // 0 where than has ended
		if x != y {
			return x > y
		}
	}
	return false
}
