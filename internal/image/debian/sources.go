package debian

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Sources says where packages come from. What is left out is taken from the machine's own
// apt sources.
type Sources struct {
	// Mirror is the URL of a Debian archive: the directory that holds dists and pool.
	Mirror string
	// Security is the URL of its archive of security updates. With a Mirror and without
	// Security there are none.
	Security string
	// Keyring is a file of OpenPGP keys, binary or armored, that the archives are signed
	// with. Without it the machine's sources say (Signed-By), or it is Debian's own.
	Keyring string
	// AnyAge takes an index also when its validity is over, as that of a snapshot is, or of
	// a mirror that nobody brings up to date. It is still signed; that there is no newer one
	// is then anybody's word.
	AnyAge bool
}

// source is an archive that may have what is wanted.
type source struct {
	uri        string
	suites     []string
	components []string
	keys       keySpec
	stale      bool // it is said to be old, as snapshots are: Valid-Until doesn't count
}

// archives are the sources to try, in this order, until one turns out to be Debian's.
type archives struct {
	main, security []source
}

// find gives the archives that Sources asks for. aptDir is /etc/apt but for tests.
func (s Sources) find(suite, aptDir string) (archives, error) {
	found, err := s.search(suite, aptDir)
	for _, list := range [][]source{found.main, found.security} {
		for i := range list {
			list[i].stale = list[i].stale || s.AnyAge
		}
	}
	return found, err
}

func (s Sources) search(suite, aptDir string) (archives, error) {
	var found archives
	keys := keySpec{}
	if s.Keyring != "" {
		keys.files = []string{s.Keyring}
	}
	for _, given := range []struct {
		url, flag string
		into      *[]source
	}{{s.Mirror, "--mirror", &found.main}, {s.Security, "--security-mirror", &found.security}} {
		if given.url == "" {
			continue
		}
		u, err := url.Parse(given.url)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return archives{}, fmt.Errorf("%s %q is not the URL of a Debian archive: give http://HOST/PATH, where PATH holds dists and pool", given.flag, given.url)
		}
		*given.into = []source{{uri: strings.TrimRight(given.url, "/"), keys: keys}}
	}
	if s.Mirror != "" {
		return found, nil
	}
	machine, err := readSources(aptDir)
	if err != nil {
		return archives{}, err
	}
	security := found.security == nil
	for _, m := range machine {
		if s.Keyring != "" {
			m.keys = keys
		}
		if !slices.Contains(m.components, "main") && !slices.Contains(m.components, "updates/main") {
			continue
		}
		switch plain, secure := debianSuites(m.suites, suite); {
		case plain:
			found.main = addSource(found.main, m)
		case secure && security:
			found.security = addSource(found.security, m)
		}
	}
	if len(found.main) == 0 {
		return archives{}, fmt.Errorf("this machine's apt sources (%s) name no Debian archive: give the URL of one with --mirror", aptDir)
	}
	return found, nil
}

func addSource(all []source, s source) []source {
	if slices.ContainsFunc(all, func(o source) bool { return o.uri == s.uri }) {
		return all
	}
	return append(all, s)
}

// names are what Debian calls its suites. Others' archives use them too; whose an archive
// is shows in its Release file.
var names = []string{"bullseye", "bookworm", "trixie", "forky", "duke", "sid", "oldstable", "stable", "testing", "unstable"}

// debianSuites says whether suites named in a source look like an archive of Debian's, or
// like one of its security updates. Any suite will do: all of an archive are in one place.
func debianSuites(suites []string, wanted string) (plain, security bool) {
	for _, s := range suites {
		base, secure := strings.CutSuffix(s, "-security")
		if !secure {
			base = strings.TrimSuffix(s, "-updates")
		}
		if base != wanted && !slices.Contains(names, base) {
			continue
		}
		if secure {
			security = true
		} else {
			plain = true
		}
	}
	return plain, security
}

// readSources reads sources.list and sources.list.d of an apt directory, in both formats
// (sources.list(5)), in the order that apt reads them in.
func readSources(dir string) ([]source, error) {
	lists, err := filepath.Glob(filepath.Join(dir, "sources.list.d", "*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(lists)
	var all []source
	for _, name := range append([]string{filepath.Join(dir, "sources.list")}, lists...) {
		parse := parseOneLine
		switch filepath.Ext(name) {
		case ".list":
		case ".sources":
			parse = parseDeb822
		default:
			continue
		}
		b, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the machine's apt sources can't be read: %w; give the URL of a Debian archive with --mirror", err)
		}
		for _, s := range parse(string(b)) {
			if s.uri = resolveMirrorList(s.uri); s.uri != "" {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// resolveMirrorList gives the URL that a source's URI stands for, or "" where there is none
// that we can fetch from. Cloud images have a file that lists mirrors; its first is taken.
func resolveMirrorList(uri string) string {
	if name, ok := strings.CutPrefix(uri, "mirror+file:"); ok {
		b, err := os.ReadFile(name)
		if err != nil {
			return ""
		}
		uri = ""
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], "#") {
				uri = f[0]
				break
			}
		}
	}
	if !strings.HasPrefix(uri, "http://") && !strings.HasPrefix(uri, "https://") {
		return ""
	}
	return strings.TrimRight(uri, "/")
}

// parseOneLine reads lines of "deb [options] URI suite components...".
func parseOneLine(text string) (all []source) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb")
		if !ok || rest == "" || !strings.ContainsAny(rest[:1], " \t") { // deb-src is none
			continue
		}
		var s source
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			options, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				continue
			}
			for _, o := range strings.Fields(options) {
				key, value, _ := strings.Cut(o, "=")
				switch strings.ToLower(key) {
				case "signed-by":
					s.keys = parseSignedBy(strings.ReplaceAll(value, ",", " "))
				case "check-valid-until":
					s.stale = isNo(value)
				}
			}
			rest = after
		}
		f := strings.Fields(rest)
		if len(f) < 3 {
			continue
		}
		s.uri, s.suites, s.components = f[0], f[1:2], f[2:]
		all = append(all, s)
	}
	return all
}

// parseDeb822 reads stanzas of fields, which may go on over several indented lines.
func parseDeb822(text string) (all []source) {
	fields := map[string]string{}
	last := ""
	flush := func() {
		if slices.Contains(strings.Fields(fields["types"]), "deb") && !isNo(fields["enabled"]) {
			for _, uri := range strings.Fields(fields["uris"]) {
				all = append(all, source{
					uri: uri, suites: strings.Fields(fields["suites"]), components: strings.Fields(fields["components"]),
					keys: parseSignedBy(fields["signed-by"]), stale: isNo(fields["check-valid-until"]),
				})
			}
		}
		clear(fields)
		last = ""
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				fields[last] += "\n" + strings.TrimSpace(line)
			}
		default:
			key, value, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			last = strings.ToLower(strings.TrimSpace(key))
			fields[last] = strings.TrimSpace(value)
		}
	}
	flush()
	return all
}

func isNo(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "no", "false", "without", "off", "disable", "0":
		return true
	}
	return false
}
