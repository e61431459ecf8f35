package beamtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// errNoMirror is what a machine that isn't Debian gets.
var errNoMirror = errors.New("no Debian archive found in the machine's apt sources: " +
	"set PHIAL_DEBIAN_MIRROR to the URL of one")

// source is one archive of the apt sources.
type source struct {
	uri        string
	suites     []string
	components []string
}

// mirror gives the URL of the Debian archive that this machine's own packages come from.
func mirror() (string, error) {
	if m := os.Getenv("PHIAL_DEBIAN_MIRROR"); m != "" {
		return m, nil
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", errNoMirror
	}
	sources, err := readSources("/etc/apt")
	if err != nil {
		return "", err
	}
	return pickMirror(string(release), sources)
}

// pickMirror finds the archive that has the machine's own suite with the component main. Third parties' archives have
// suites or components of other names, and the security archive's suite has a suffix.
func pickMirror(osRelease string, sources []source) (string, error) {
	var id, codename string
	for line := range strings.Lines(osRelease) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.Trim(value, `"`); key {
		case "ID":
			id = value
		case "VERSION_CODENAME":
			codename = value
		}
	}
	if id != "debian" {
		return "", errNoMirror
	}
	names := []string{codename, "stable", "testing", "unstable", "sid"}
	for _, s := range sources {
		named := slices.ContainsFunc(s.suites, func(suite string) bool { return suite != "" && slices.Contains(names, suite) })
		if named && slices.Contains(s.components, "main") {
			return resolveMirrorList(s.uri)
		}
	}
	return "", errNoMirror
}

// resolveMirrorList takes the first line of a mirror+file: list, as cloud images have.
func resolveMirrorList(uri string) (string, error) {
	path, ok := strings.CutPrefix(uri, "mirror+file:")
	if !ok {
		return strings.TrimSuffix(uri, "/"), nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 0 && !strings.HasPrefix(fields[0], "#") {
			return strings.TrimSuffix(fields[0], "/"), nil
		}
	}
	return "", fmt.Errorf("%s names no mirror", path)
}

// readSources reads sources.list and sources.list.d of an apt directory, in both formats (sources.list(5)).
func readSources(dir string) ([]source, error) {
	lists, err := filepath.Glob(filepath.Join(dir, "sources.list.d", "*"))
	if err != nil {
		return nil, err
	}
	var all []source
	for _, path := range append([]string{filepath.Join(dir, "sources.list")}, lists...) {
		read := readOneLine
		switch filepath.Ext(path) {
		case ".list":
		case ".sources":
			read = readDeb822
		default:
			continue
		}
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found, err := read(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, found...)
	}
	return all, nil
}

// readOneLine reads "deb [options] URI suite components...".
func readOneLine(r io.Reader) (all []source, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb")
		if !ok || rest == "" || !strings.ContainsAny(rest[:1], " \t") { // deb-src is none
			continue
		}
		if options, after, ok := strings.Cut(rest, "]"); ok && strings.HasPrefix(strings.TrimSpace(options), "[") {
			rest = after
		}
		if fields := strings.Fields(rest); len(fields) >= 2 {
			all = append(all, source{uri: fields[0], suites: fields[1:2], components: fields[2:]})
		}
	}
	return all, lines.Err()
}

// readDeb822 reads stanzas of fields, which may go on over several indented lines.
func readDeb822(r io.Reader) (all []source, err error) {
	fields := map[string][]string{}
	last := ""
	flush := func() {
		if slices.Contains(fields["types"], "deb") && !slices.Equal(fields["enabled"], []string{"no"}) {
			for _, uri := range fields["uris"] {
				all = append(all, source{uri: uri, suites: fields["suites"], components: fields["components"]})
			}
		}
		clear(fields)
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			fields[last] = append(fields[last], strings.Fields(line)...)
		default:
			key, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(key)
			fields[last] = strings.Fields(value)
		}
	}
	flush()
	return all, lines.Err()
}
