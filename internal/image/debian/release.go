package debian

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// release is what a Release file says, having been verified.
type release struct {
	name          string // what messages call it: its URL
	origin        string
	suite         string // "stable"
	codename      string // "trixie"
	architectures []string
	date, until   time.Time // until is zero where the file is good for ever
	byHash        bool
	allApart      bool // packages for every architecture are in an index of their own
	sums          map[string]sum
}

// sum is what a file must be.
type sum struct {
	sha256 string
	size   int64
}

// parseRelease reads the text of a Release file.
func parseRelease(name, text string) (*release, error) {
	r := &release{name: name, sums: map[string]sum{}}
	fields := map[string]string{}
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, " ") {
			if section != "sha256" {
				continue
			}
			// Written out rather than by Fields: there are thousands of lines.
			hash, rest, _ := strings.Cut(line[1:], " ")
			number, path, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
			size, err := strconv.ParseInt(number, 10, 64)
			if err != nil || size < 0 || !isSHA256(hash) || path == "" {
				return nil, fmt.Errorf("%s is damaged: it has the line %q below SHA256; use another mirror", name, line)
			}
			r.sums[path] = sum{hash, size}
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		section = strings.ToLower(key)
		fields[section] = strings.TrimSpace(value)
	}
	r.origin, r.suite, r.codename = fields["origin"], fields["suite"], fields["codename"]
	r.architectures = strings.Fields(fields["architectures"])
	r.byHash = fields["acquire-by-hash"] == "yes"
	r.allApart = slices.Contains(r.architectures, "all") && fields["no-support-for-architecture-all"] != "Packages"
	var err error
	if r.date, err = releaseTime(fields["date"]); err != nil {
		return nil, fmt.Errorf("%s is refused: it has no Date that can be read (%w); use another mirror", name, err)
	}
	if until := fields["valid-until"]; until != "" {
		if r.until, err = releaseTime(until); err != nil {
			return nil, fmt.Errorf("%s is refused: its Valid-Until can't be read (%w); use another mirror", name, err)
		}
	}
	return r, nil
}

func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && strings.ToLower(s) == s
}

func releaseTime(s string) (time.Time, error) {
	if strings.HasSuffix(s, "UTC") {
		s = strings.TrimSuffix(s, "UTC") + "GMT"
	}
	return http.ParseTime(s)
}

// slack is how far a mirror's clock may be before ours.
const slack = 24 * time.Hour

// usable says whether the file may be relied on at this time, for this suite. A file of
// another suite would be a way to have us take old packages.
func (r *release) usable(suite string, now time.Time, stale bool) error {
	if suite != r.codename && suite != r.suite {
		return fmt.Errorf("%s is refused: it is for %s (%s), not %s; use another mirror", r.name, r.codename, r.suite, suite)
	}
	if r.date.After(now.Add(slack)) {
		return fmt.Errorf("%s is refused: it was made on %s, which is still to come; check this machine's clock", r.name, r.date.Format(time.DateTime))
	}
	if !stale && !r.until.IsZero() && now.After(r.until) {
		return fmt.Errorf("%s is refused: it was good until %s; the mirror is not kept up to date, use another, or check this machine's clock",
			r.name, r.until.Format(time.DateTime))
	}
	return nil
}

// index finds the best form of an index: path is its name without a suffix.
func (r *release) index(path string) (name string, s sum, ok bool) {
	for _, ext := range []string{".xz", ".gz", ""} {
		if s, ok := r.sums[path+ext]; ok {
			return path + ext, s, true
		}
	}
	return "", sum{}, false
}
