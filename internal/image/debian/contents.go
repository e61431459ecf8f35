package debian

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// holders gives the packages that have a shared library after the suite's Contents, an index
// of all files of all packages. It is large, so of it only lines of shared libraries are
// kept, in the cache: "SONAME PACKAGE", sorted.
func (a *assembly) holders(ctx context.Context, soname string) ([]string, error) {
	var all []string
	for _, s := range a.suites {
		name, want, ok := s.index("main/Contents-" + a.Arch)
		if !ok || want.size < 64 { // updates have one that is empty
			continue
		}
		_, b, err := a.cache.sealed(ctx, "indexes", want.sha256+".libraries.1", func(w io.Writer) error {
			a.say("%s: fetching the list of all files (%s), for %s", s.codename, megabytes(want.size), soname)
			return a.withList(ctx, s, name, want, func(r io.Reader) error {
				if err := sharedLibraries(r, a.machine, w); err != nil {
					return fmt.Errorf("%s of %s is damaged: %w; use another mirror", name, s.codename, err)
				}
				return nil
			})
		})
		if err != nil {
			return nil, err
		}
		for line := range linesOf(b, soname) {
			_, p, _ := strings.Cut(line, "\t")
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all, nil
}

// sharedLibraries goes through a Contents index: lines of a path and, behind white space, a list
// "section/package,section/package".
func sharedLibraries(r io.Reader, m machine, w io.Writer) error {
	lines := bufio.NewReaderSize(r, 1<<20)
	var found []string
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return errors.New("it has a line without an end")
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if bytes.Contains(line, []byte(".so")) {
			line := bytes.TrimSpace(line)
			if i := bytes.LastIndexAny(line, " \t"); i > 0 {
				file, packages := string(bytes.TrimSpace(line[:i])), string(line[i+1:])
				if m.inLibraryDir(file) {
					for p := range strings.SplitSeq(packages, ",") {
						if name := path.Base(p); isPackageName(name) {
							found = append(found, path.Base(file)+"\t"+name+"\n")
						}
					}
				}
			}
		}
		if err != nil {
			break
		}
	}
	slices.Sort(found)
	out := bufio.NewWriter(w)
	for _, l := range slices.Compact(found) {
		if _, err := out.WriteString(l); err != nil {
			return err
		}
	}
	return out.Flush()
}
