package check

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/project"
)

// Families of what images stand on.
const (
	alpine = "Alpine"
	debian = "Debian"
	ubuntu = "Ubuntu"
)

// imageBase is what the name of a public image says of it. What it does not say is empty.
type imageBase struct {
	family  string
	release string // "12", "3.20", "22.04"
	program string // elixir, erlang: the language is in it; empty: a bare system
	slim    bool
	bare    bool // nothing but the system is in it, and root runs it
	tag     string
	digest  bool
}

// named are releases that go by a name.
var named = map[string]string{
	"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
	"bionic": "18.04", "focal": "20.04", "jammy": "22.04", "noble": "24.04",
}

// within is the system that a tag names behind a language's version: 1.18.1-erlang-27.2-debian-bookworm-20241223-slim.
var within = regexp.MustCompile(`(?:^|-)(alpine|debian|ubuntu)(?:-?([a-z]+|[0-9]+(?:\.[0-9]+)*))?(?:[-.]|$)`)

// readBase takes an image's name apart.
func readBase(ref string) imageBase {
	var b imageBase
	name, tag, digest := project.SplitImage(ref)
	b.tag, b.digest = tag, digest
	b.slim = strings.Contains(b.tag, "slim")
	last := path.Base(name)
	official := last == name || path.Dir(name) == "library" || path.Dir(name) == "docker.io/library"
	switch last {
	case "elixir", "erlang", "alpine-elixir", "alpine-elixir-phoenix", "alpine-erlang":
		b.program = strings.TrimSuffix(strings.TrimPrefix(last, "alpine-"), "-phoenix")
		if m := within.FindStringSubmatch(b.tag); m != nil {
			b.family, b.release = family(m[1]), release(m[1], m[2])
		} else if strings.HasPrefix(last, "alpine-") {
			b.family = alpine
		} else if official && b.tag != "" {
			b.family = debian
			for code, number := range named {
				if strings.Contains(b.tag, code) {
					b.release = number
				}
			}
		}
	case "alpine", "debian", "ubuntu":
		b.family, b.bare = family(last), true
		first, _, _ := strings.Cut(b.tag, "-")
		b.release = release(last, first)
	default:
		if _, number, ok := strings.Cut(last, "debian"); ok && strings.Contains(name, "distroless") {
			b.family, b.release = debian, number
		}
	}
	return b
}

func family(word string) string {
	return map[string]string{"alpine": alpine, "debian": debian, "ubuntu": ubuntu}[word]
}

// release makes one form of the names that a system's releases go by.
func release(system, word string) string {
	if n := named[word]; n != "" {
		return n
	}
	parts := strings.Split(word, ".")
	if _, err := strconv.Atoi(parts[0]); err != nil {
		return ""
	}
	switch {
	case system == "debian":
		return parts[0]
	case len(parts) > 1:
		return parts[0] + "." + parts[1]
	}
	return ""
}

// newer compares two releases of one system.
func newer(a, b string) bool {
	number := func(s string) int {
		major, minor, _ := strings.Cut(s, ".")
		x, _ := strconv.Atoi(major)
		y, _ := strconv.Atoi(minor)
		return x*1000 + y
	}
	return number(a) > number(b)
}

// moving are tags of systems that are another release some day.
var moving = regexp.MustCompile(`^([0-9]|stable|oldstable|testing|unstable|sid|devel)$`)

// otp is the OTP in an image of Elixir or Erlang, 0 where its name does not say.
func (b imageBase) otp() int {
	m := otpTag.FindStringSubmatch(b.tag)
	if b.program == "erlang" {
		m = leading.FindStringSubmatch(b.tag)
	}
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

var (
	otpTag  = regexp.MustCompile(`(?:erlang|otp)-(\d+)`)
	leading = regexp.MustCompile(`^(\d+)`)
)

// String is the system as people call it.
func (b imageBase) String() string { return strings.TrimSpace(b.family + " " + b.release) }

// floats says why an image of that name may be another tomorrow, and whether that is sure to be a surprise.
func (b imageBase) floats() (why string, latest bool) {
	version, _, _ := strings.Cut(b.tag, "-")
	switch {
	case b.digest:
		return "", false
	case b.tag == "":
		return "it has no tag, which means latest", true
	case b.tag == "latest" || b.tag == "edge" || b.tag == "slim" || b.tag == "alpine" || b.tag == "rolling":
		return "its tag is " + b.tag, true
	case b.program != "" && strings.Count(version, ".") < 2 || b.bare && moving.MatchString(version):
		return "its tag " + b.tag + " moves from version to version", false
	}
	return "", false
}
