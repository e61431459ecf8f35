package debian

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// index is an archive's list of packages for one architecture, in a compact form that can
// be searched as it lies: a line for each package, sorted by name, then a line "VIRTUAL
// PACKAGE" for each virtual package that one provides, sorted as well. Going through the
// 50 MB that Debian's own form has, or making a map of it, would take longer than all the rest.
type index struct {
	packages, virtual []byte
}

const indexHead = "phial-index 1 "

// maxIndex is how long an unpacked index may be, bytes.
const maxIndex = 1 << 30

// record is what an index says of a package.
type record struct {
	Name, Version, Arch   string
	Source, SourceVersion string
	Filename              string // below the archive's URL
	sum                   sum
	Depends, Provides     string // Depends with Pre-Depends

	from *suite
}

// compact writes the compact form of a list of packages (deb-control paragraphs).
func compact(packages io.Reader, w io.Writer) error {
	var lines, virtual []string
	limited := &io.LimitedReader{R: packages, N: maxIndex + 1}
	if err := paragraphs(limited, func(p map[string]string) error {
		line, err := compactLine(p)
		if err != nil {
			return err
		}
		lines = append(lines, line)
		for _, alternatives := range parseDepends(p["provides"]) {
			virtual = append(virtual, alternatives[0]+"\t"+p["package"]+"\n")
		}
		return nil
	}); err != nil {
		return err
	}
	if limited.N <= 0 {
		return fmt.Errorf("it is longer than %d bytes", maxIndex)
	}
	slices.Sort(lines)
	slices.Sort(virtual)
	size := 0
	for _, l := range lines {
		size += len(l)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s%d\n", indexHead, size)
	for _, l := range append(lines, slices.Compact(virtual)...) {
		if _, err := out.WriteString(l); err != nil {
			return err
		}
	}
	return out.Flush()
}

func compactLine(p map[string]string) (string, error) {
	name, file := p["package"], p["filename"]
	if !isPackageName(name) {
		return "", fmt.Errorf("it names a package %q", name)
	}
	if !localPath(file) {
		return "", fmt.Errorf("it has the package %s in %q", name, file)
	}
	if size, err := strconv.ParseInt(p["size"], 10, 64); err != nil || size <= 0 || !isSHA256(p["sha256"]) {
		return "", fmt.Errorf("it has no Size and SHA256 for the package %s", name)
	}
	depends := strings.Trim(p["pre-depends"]+", "+p["depends"], ", ")
	return strings.Join([]string{name, p["version"], p["architecture"], p["source"], file,
		p["size"], p["sha256"], depends, p["provides"]}, "\t") + "\n", nil
}

// isPackageName holds to Debian's rule (policy 5.6.1), so that a name can be part of a path.
func isPackageName(s string) bool {
	if s == "" || strings.Trim(s[:1], "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

var wanted = map[string]bool{"package": true, "version": true, "architecture": true, "source": true, "filename": true,
	"size": true, "sha256": true, "depends": true, "pre-depends": true, "provides": true}

// paragraphs calls each with the fields of every paragraph that we need. The map is used again.
func paragraphs(r io.Reader, each func(map[string]string) error) error {
	lines := bufio.NewReaderSize(r, 1<<16)
	fields := map[string]string{}
	last := ""
	flush := func() error {
		if len(fields) == 0 {
			return nil
		}
		err := each(fields)
		clear(fields)
		last = ""
		return err
	}
	for {
		line, err := lines.ReadSlice('\n')
		var long []byte
		for errors.Is(err, bufio.ErrBufferFull) && len(long) < 1<<22 {
			long = append(long, line...)
			line, err = lines.ReadSlice('\n')
		}
		if long != nil {
			line = append(long, line...)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		end := err != nil
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			if err := flush(); err != nil {
				return err
			}
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				fields[last] += " " + plainText(line)
			}
		default:
			key, value, _ := bytes.Cut(line, []byte(":"))
			last = ""
			if len(key) < 20 {
				if name := strings.ToLower(string(key)); wanted[name] {
					last = name
					fields[name] = plainText(value)
				}
			}
		}
		if end {
			return flush()
		}
	}
}

// plainText leaves nothing in a value that means something in the compact form.
func plainText(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, string(bytes.TrimSpace(b)))
}

// openIndex takes the compact form as it lies.
func openIndex(b []byte) (index, error) {
	head, rest, ok := bytes.Cut(b, []byte("\n"))
	size, err := strconv.Atoi(strings.TrimPrefix(string(head), indexHead))
	if !ok || err != nil || size < 0 || size > len(rest) {
		return index{}, errors.New("the cache holds an index of another form")
	}
	return index{rest[:size], rest[size:]}, nil
}

// find gives all versions of a package.
func (x index) find(name string) (all []record) {
	for line := range linesOf(x.packages, name) {
		f := strings.Split(line, "\t")
		if len(f) != 9 {
			continue
		}
		size, err := strconv.ParseInt(f[5], 10, 64)
		if err != nil {
			continue
		}
		r := record{Name: f[0], Version: f[1], Arch: f[2], Source: f[0], SourceVersion: f[1], Filename: f[4],
			sum: sum{f[6], size}, Depends: f[7], Provides: f[8]}
		if f[3] != "" {
			source, version, _ := strings.Cut(f[3], " ")
			r.Source = source
			if version = strings.Trim(version, "() "); version != "" {
				r.SourceVersion = version
			}
		}
		all = append(all, r)
	}
	return all
}

// providers gives the names of the packages that provide a virtual one.
func (x index) providers(virtual string) (all []string) {
	for line := range linesOf(x.virtual, virtual) {
		_, name, _ := strings.Cut(line, "\t")
		all = append(all, name)
	}
	return all
}

// linesOf finds the lines of a sorted text that begin with key and a tab.
func linesOf(text []byte, key string) func(func(string) bool) {
	return func(yield func(string) bool) {
		prefix := []byte(key + "\t")
		lo, hi := 0, len(text)
		for lo < hi { // the first line that isn't before the prefix begins in [lo, hi]
			mid := int(uint(lo+hi) / 2)
			start := bytes.LastIndexByte(text[lo:mid], '\n') + 1 + lo
			end := len(text)
			if i := bytes.IndexByte(text[mid:], '\n'); i >= 0 {
				end = mid + i + 1
			}
			if bytes.Compare(text[start:end], prefix) < 0 {
				lo = end
			} else {
				hi = start
			}
		}
		for rest := text[lo:]; bytes.HasPrefix(rest, prefix); {
			line, after, _ := bytes.Cut(rest, []byte("\n"))
			if !yield(string(line)) {
				return
			}
			rest = after
		}
	}
}
