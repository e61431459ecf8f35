package scaffold

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/project"
)

// image is one published hexpm/elixir image. Its tag names everything in it, so that it is the same tomorrow, and the
// system image that it was made from, so that the release can run on exactly that.
type image struct {
	elixir, otp, system string
}

// published are images known to be there, the preferred first: the newest Elixir is preferred only where the project asks
// for it, because a project that does not say what it runs on is more often held back by its dependencies (many packages
// locked before 2025 do not compile on OTP 28).
var published = map[string][]image{
	Debian: {
		{"1.18.4", "27.3.4.2", "bookworm-20250811-slim"},
		{"1.19.4", "28.2", "trixie-20251208-slim"},
		{"1.20.3", "29.0.5", "trixie-20260803-slim"},
		{"1.17.3", "27.1.2", "bookworm-20241016-slim"},
		{"1.16.3", "26.2.5", "bookworm-20240513-slim"},
		{"1.15.7", "26.1.2", "bookworm-20231009-slim"},
	},
	Alpine: {
		{"1.18.4", "27.3.4.2", "3.22.1"},
		{"1.19.4", "28.2", "3.22.2"},
		{"1.20.4", "29.0.6", "3.22.5"},
		{"1.17.3", "27.1.2", "3.20.3"},
	},
}

// exact is a version of which nothing is left open. Elixir's may end in -otp-27, which the image's name says otherwise.
var exact = regexp.MustCompile(`^[0-9]+\.[0-9]+(\.[0-9]+)*(-rc\.?[0-9]+)?$`)

// pick finds the images to build with and to run on, and says what it had to assume.
func pick(p *project.Project, base string) (image, []Note) {
	var notes []Note
	elixir, elixirAt := pinned(p, "elixir")
	otp, otpAt := pinned(p, "erlang")
	all := published[base]
	fits := func(i image) bool {
		if elixir != "" && !within(i.elixir, elixir) || otp != "" && !within(i.otp, otp) {
			return false
		}
		return elixir != "" || satisfies(i.elixir, p.Mix.Elixir.Value)
	}
	for _, i := range all {
		if fits(i) {
			if elixir == "" || otp == "" || i.elixir != elixir || i.otp != otp {
				notes = append(notes, Note{At: firstAt(elixirAt, otpAt, p.Mix.Elixir.At),
					Text: fmt.Sprintf("assumed Elixir %s on OTP %s in the image: .tool-versions does not name %s exactly; put there what you run", i.elixir, i.otp, missing(elixir, otp))})
			}
			return i, notes
		}
	}
	// What is pinned is pinned: the nearest image only lends its system.
	near := all[0]
	for _, i := range all {
		if elixir != "" && minor(i.elixir) == minor(elixir) || elixir == "" && otp != "" && major(i.otp) == major(otp) {
			near = i
			break
		}
	}
	got := image{elixir: near.elixir, otp: near.otp, system: near.system}
	if exact.MatchString(elixir) && strings.Count(elixir, ".") >= 2 {
		got.elixir = elixir
	}
	if exact.MatchString(otp) && strings.Contains(otp, ".") {
		got.otp = otp
	}
	if elixir == "" && !satisfies(got.elixir, p.Mix.Elixir.Value) {
		notes = append(notes, Note{At: p.Mix.Elixir.At,
			Text: fmt.Sprintf("no image known for elixir: %q; the Dockerfile has Elixir %s, put there what you run", p.Mix.Elixir.Value, got.elixir)})
		return got, notes
	}
	notes = append(notes, Note{At: firstAt(elixirAt, otpAt, project.Pos{File: "Dockerfile"}),
		Text: fmt.Sprintf("could not tell whether %s was published; if not, `docker build` says so: change the versions at the top of the Dockerfile", got.builder(base))})
	return got, notes
}

// builder is the name of the image to build with.
func (i image) builder(base string) string {
	return fmt.Sprintf("hexpm/elixir:%s-erlang-%s-%s-%s", i.elixir, i.otp, base, i.system)
}

// pinned gives the version of a tool in .tool-versions, without what does not name one (ref:…, latest).
func pinned(p *project.Project, tool string) (string, project.Pos) {
	t, ok := p.Tools[tool]
	if !ok {
		return "", project.Pos{}
	}
	v, _, _ := strings.Cut(t.Version, "-otp-")
	if v == "" || v[0] < '0' || v[0] > '9' {
		return "", t.At
	}
	return v, t.At
}

func firstAt(all ...project.Pos) project.Pos {
	for _, at := range all {
		if at.File != "" {
			return at
		}
	}
	return project.Pos{File: "mix.exs"}
}

func missing(elixir, otp string) string {
	switch {
	case elixir == "" && otp == "":
		return "elixir and erlang"
	case elixir == "":
		return "elixir"
	case otp == "":
		return "erlang"
	}
	return "elixir and erlang"
}

// within says whether a version is the wanted one or, where that is not whole, one of its kind: 27.3 is within 27.
func within(version, want string) bool {
	return version == want || !full(want) && strings.HasPrefix(version, want+".")
}

// full says whether a version leaves nothing open: 27.3 is an OTP of its own, as 1.18 is no Elixir.
func full(v string) bool {
	n := strings.Count(v, ".")
	return n >= 2 || n == 1 && !strings.HasPrefix(v, "1.")
}

func major(v string) string { m, _, _ := strings.Cut(v, "."); return m }

func minor(v string) string {
	parts := strings.SplitN(v, ".", 3)
	if len(parts) < 2 {
		return v
	}
	return parts[0] + "." + parts[1]
}

// satisfies says whether an Elixir version meets a requirement of mix.exs. What it can't read it takes as met, since mix
// itself looks again when the image is built.
func satisfies(version, requirement string) bool {
	v, ok := numbers(version)
	if !ok || requirement == "" {
		return true
	}
	for alternative := range strings.SplitSeq(requirement, " or ") {
		all := true
		for part := range strings.SplitSeq(alternative, " and ") {
			all = all && meets(v, strings.TrimSpace(part))
		}
		if all {
			return true
		}
	}
	return false
}

func meets(v []int, part string) bool {
	op := strings.TrimRight(part[:len(part)-len(strings.TrimLeft(part, "~>=<! "))], " ")
	want, ok := numbers(strings.TrimLeft(part, "~>=<! "))
	if !ok {
		return true
	}
	c := compare(v, want)
	switch op {
	case ">=":
		return c >= 0
	case ">":
		return c > 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case "!=":
		return c != 0
	case "~>":
		upTo := max(len(want)-1, 1)
		return c >= 0 && len(v) >= upTo && compare(v[:upTo], want[:upTo]) == 0
	}
	return c == 0
}

func numbers(s string) ([]int, bool) {
	s, _, _ = strings.Cut(s, "-")
	var all []int
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		all = append(all, n)
	}
	return all, true
}

func compare(a, b []int) int {
	for i := range max(len(a), len(b)) {
		var x, y int
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return x - y
		}
	}
	return 0
}
