package debian

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// maxUnpacked bounds what a package may unpack to, bytes.
const maxUnpacked = 4 << 30

// The number of the form is in the name of the file, too: change it with the form.
const (
	unpackedForm = "2"
	unpackedHead = "phial-deb " + unpackedForm + " "
)

// unpack writes what a package (deb(5)) holds in a form that files can be read from where
// they lie: a line with two lengths, the control paragraph, its alternatives, the tar of its files.
func unpack(name string, w io.Writer) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	members, err := readAr(f)
	if err != nil {
		return err
	}
	control, data := members["control.tar"], members["data.tar"]
	if control == nil || data == nil {
		return errors.New("it lacks control.tar or data.tar")
	}
	paragraph, script, err := readControl(control)
	if err != nil {
		return err
	}
	alternatives := formatAlternatives(parseAlternatives(script))
	r, err := data.open()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s%d %d\n%s%s", unpackedHead, len(paragraph), len(alternatives), paragraph, alternatives); err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(r, maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		err = fmt.Errorf("its files have more than %d bytes", maxUnpacked)
	}
	return err
}

// readControl gives the control paragraph and the script that runs after unpacking, if there is one.
func readControl(m *member) (paragraph, script string, err error) {
	r, err := m.open()
	if err != nil {
		return "", "", err
	}
	for t := tar.NewReader(io.LimitReader(r, 64<<20)); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) && paragraph != "" {
			return paragraph, script, nil
		}
		if errors.Is(err, io.EOF) {
			return "", "", errors.New("its control.tar has no control")
		}
		if err != nil {
			return "", "", fmt.Errorf("control.tar: %w", err)
		}
		name := path.Clean(h.Name)
		if name != "control" && name != "postinst" {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(t, 1<<20))
		if err != nil {
			return "", "", fmt.Errorf("control.tar: %w", err)
		}
		if name == "control" {
			paragraph = strings.TrimRight(string(b), "\n") + "\n"
		} else {
			script = string(b)
		}
	}
}

// member is a file in an ar archive.
type member struct {
	ext  string // ".xz"
	data *io.SectionReader
}

func (m *member) open() (io.Reader, error) { return decompress(m.data, m.ext) }

// decompress unpacks what is packed as the end of its name says.
func decompress(r io.Reader, name string) (io.Reader, error) {
	r = bufio.NewReaderSize(r, 1<<16) // xz reads byte by byte
	switch ext := path.Ext(name); ext {
	case "":
		return r, nil
	case ".gz":
		return gzip.NewReader(r)
	case ".xz":
		return xz.NewReader(r)
	case ".zst":
		return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) // with 1 it runs in the caller, so needs no Close
	default:
		return nil, fmt.Errorf("it is packed with %q, which is not known here", ext)
	}
}

// readAr finds the two members that matter, under their names without the compression's.
func readAr(r io.ReaderAt) (map[string]*member, error) {
	const magic = "!<arch>\n"
	head := make([]byte, 60)
	if n, err := r.ReadAt(head[:len(magic)], 0); n < len(magic) || string(head[:n]) != magic {
		return nil, fmt.Errorf("it is not a .deb file (%w)", errors.Join(err, fs.ErrInvalid))
	}
	members := map[string]*member{}
	for off := int64(len(magic)); ; {
		n, err := r.ReadAt(head, off)
		if n == 0 && errors.Is(err, io.EOF) {
			return members, nil
		}
		if n < len(head) || string(head[58:]) != "`\n" {
			return nil, fmt.Errorf("it is cut short or damaged at byte %d", off)
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("it is damaged at byte %d", off)
		}
		off += int64(len(head))
		name := strings.TrimSuffix(strings.TrimSpace(string(head[:16])), "/")
		for _, known := range []string{"control.tar", "data.tar"} {
			if ext, ok := strings.CutPrefix(name, known); ok {
				members[known] = &member{ext, io.NewSectionReader(r, off, size)}
			}
		}
		off += size + size%2
	}
}

// deb is an unpacked package.
type deb struct {
	record
	control      string
	alternatives []alternative
	path         string            // the cached file that its files are parts of
	files        map[string]*entry // by their path with /usr merged
}

// entry is a file of a package.
type entry struct {
	path      string
	mode      fs.FileMode // kind and, of a regular file, permissions
	link      string      // of a symbolic link, as written
	off, size int64
}

// openDeb reads the list of files from what unpack wrote.
func openDeb(r record, name string, content []byte) (*deb, error) {
	head, rest, ok := bytes.Cut(content, []byte("\n"))
	var n, m int
	if _, err := fmt.Sscanf(string(head), unpackedHead+"%d %d", &n, &m); !ok || err != nil || n < 0 || m < 0 || n+m > len(rest) {
		return nil, errors.New("the cache holds it in another form")
	}
	d := &deb{record: r, control: string(rest[:n]), alternatives: readAlternatives(string(rest[n : n+m])), path: name, files: map[string]*entry{}}
	data := bytes.NewReader(rest[n+m:])
	start := int64(len(content)) - data.Size()
	for t := tar.NewReader(data); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return nil, fmt.Errorf("its list of files is damaged: %w", err)
		}
		// The tar reader reads whole headers and nothing ahead, so it stands where the content begins.
		if err := d.add(h, start+data.Size()-int64(data.Len())); err != nil {
			return nil, err
		}
	}
}

func (d *deb) add(h *tar.Header, off int64) error {
	name := strings.TrimPrefix(h.Name, "./")
	if name == "" || name == "." {
		return nil
	}
	if !localPath(strings.TrimSuffix(name, "/")) {
		return fmt.Errorf("it holds a file %q, which would be outside of the root", h.Name)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") { // its content doesn't lie there as it is read
			return fmt.Errorf("it holds a sparse file %q, which is not known here", h.Name)
		}
	}
	if h.Typeflag == tar.TypeSymlink && topLinks[path.Clean(name)] {
		return nil // base-files has them since trixie; here they are made for every suite
	}
	e := &entry{path: merged(path.Clean(name))}
	switch h.Typeflag {
	case tar.TypeReg:
		e.mode, e.off, e.size = 0o644, off, h.Size
		if h.Mode&0o100 != 0 {
			e.mode = 0o755
		}
	case tar.TypeDir:
		e.mode = fs.ModeDir | 0o755
	case tar.TypeSymlink:
		e.mode, e.link = fs.ModeSymlink|0o777, h.Linkname
		if h.Linkname == "" || !within(e.path, h.Linkname) {
			return fmt.Errorf("its symbolic link %q leads to %q, out of the root", h.Name, h.Linkname)
		}
	case tar.TypeLink:
		to := d.files[merged(path.Clean(strings.TrimPrefix(h.Linkname, "./")))]
		if to == nil || !to.mode.IsRegular() {
			return fmt.Errorf("its hard link %q leads to %q, which is no file before it", h.Name, h.Linkname)
		}
		e.mode, e.off, e.size = to.mode, to.off, to.size
	default:
		return fmt.Errorf("it holds %q, which is a device or the like (type %q)", h.Name, h.Typeflag)
	}
	if was := d.files[e.path]; was != nil && !was.mode.IsDir() && e.mode.IsDir() {
		return fmt.Errorf("it holds %q twice, as a directory and as something else", h.Name)
	}
	d.files[e.path] = e
	return nil
}

// localPath says whether a path, in its plain form, stays below where it is put.
func localPath(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.ContainsAny(name, "\x00\n\\")
}

// within says whether a link at name, with that target, stays in the root. An absolute one
// does: it is looked up in the root.
func within(name, target string) bool {
	if path.IsAbs(target) {
		return true
	}
	to := path.Join(path.Dir(name), target)
	return to != ".." && !strings.HasPrefix(to, "../")
}

// topLinks are the directories that are symbolic links into usr since /usr was merged.
// Packages of bookworm and before still have files there.
var topLinks = map[string]bool{"bin": true, "sbin": true, "lib": true, "lib32": true, "lib64": true, "libx32": true}

// merged gives the place of a path when /usr is merged.
func merged(name string) string {
	if top, _, _ := strings.Cut(name, "/"); topLinks[top] {
		return "usr/" + name
	}
	return name
}

// follow gives the entries that a path leads through, the last being no symbolic link, or
// nil where it leads out of the package.
func (d *deb) follow(name string) (chain []*entry) {
	for range 16 {
		e := d.files[name]
		if e == nil {
			return nil
		}
		chain = append(chain, e)
		if e.mode&fs.ModeSymlink == 0 {
			return chain
		}
		name = linkTarget(e)
	}
	return nil
}

// linkTarget gives the place that a symbolic link leads to.
func linkTarget(e *entry) string {
	to := e.link
	if !path.IsAbs(to) {
		to = path.Join("/", path.Dir(e.path), to)
	}
	return merged(strings.TrimPrefix(path.Clean(to), "/"))
}

// content reads a regular file.
func (d *deb) content(e *entry) ([]byte, error) {
	r, err := section(d.path, e.off, e.size)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, e.size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("%s in %s: %w", e.path, d.path, err)
	}
	return b, nil
}
