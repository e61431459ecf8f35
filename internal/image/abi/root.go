package abi

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/phialdev/phial/internal/image/tree"
)

// maxFile is the largest file that is read for what a loader wants of it. Whatever is needed
// of a larger one is said to be unchecked.
const maxFile = 256 << 20

const tooLarge = "it is larger than 256 MB"

// maxText bounds the loader's settings.
const maxText = 1 << 20

// maxKept bounds all that is kept of a base, in bytes. A real one takes some megabytes.
const maxKept = 256 << 20

// Root is a root file system as the dynamic loader and a shell see it.
type Root struct {
	files files
	kept  int // bytes, about
}

func (r *Root) keep(name string, n node) error {
	r.kept += 64 + len(name) + len(n.Link) + len(n.Text)
	if o := n.ELF; o != nil {
		r.kept += o.size
	}
	if r.kept > maxKept {
		return fmt.Errorf("there is more to the base than %d MB of names: take another", maxKept>>20)
	}
	r.files[name] = n
	return nil
}

// ReadTar reads a flattened image: an archive of a whole file system. Of several entries of one
// path the last counts; names that lead out of the root lead to it, as in an unpacked image.
func ReadTar(r io.Reader) (*Root, error) {
	root := &Root{files: files{}}
	var buf bytes.Buffer
	whole := &tail{r: r}
	for t := tar.NewReader(whole); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) && !whole.ends() {
			err = io.ErrUnexpectedEOF
		}
		if errors.Is(err, io.EOF) {
			root.files.settle()
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the base's file system: %w", err)
		}
		name := path.Clean("/" + h.Name)
		if name == "/" {
			continue
		}
		delete(root.files, name) // whatever stood there is replaced
		switch h.Typeflag {
		case tar.TypeSymlink:
			err = root.keep(name, node{Link: h.Linkname})
		case tar.TypeLink:
			if n, ok := root.files[path.Clean("/"+h.Linkname)]; ok {
				err = root.keep(name, n)
			}
		case tar.TypeReg:
			err = root.add(name, h.Mode&0o111 != 0, h.Size, t, &buf)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s of the base: %w", name, err)
		}
	}
}

// tail remembers the end of what was read. An archive ends with two blocks of nothing, and archive/tar does
// without them: one that broke off would be a base that lacks half of its files.
type tail struct {
	r    io.Reader
	last [1024]byte
	read int64
}

func (t *tail) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if keep := len(t.last) - n; keep > 0 {
		copy(t.last[:], t.last[n:])
		copy(t.last[keep:], p[:n])
	} else {
		copy(t.last[:], p[n-len(t.last):n])
	}
	t.read += int64(n)
	return n, err
}

func (t *tail) ends() bool { return t.read >= int64(len(t.last)) && t.last == [1024]byte{} }

// OfTree is the root file system that a tree of files makes.
func OfTree(t tree.Tree) (*Root, error) {
	root := &Root{files: files{}}
	var buf bytes.Buffer
	for _, f := range t {
		name := path.Clean("/" + f.Path)
		switch {
		case f.Mode.IsDir():
		case f.Mode&tree.ModeSymlink == tree.ModeSymlink:
			root.files[name] = node{Link: f.Link}
		default:
			if err := root.addFile(name, f, &buf); err != nil {
				return nil, err
			}
		}
	}
	root.files.settle()
	return root, nil
}

func (r *Root) addFile(name string, f tree.File, buf *bytes.Buffer) error {
	if !isLibrary(name) && !isSetting(name) { // not even opened
		return r.add(name, f.Mode&0o111 != 0, f.Size, strings.NewReader(""), buf)
	}
	c, err := f.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := r.add(name, f.Mode&0o111 != 0, f.Size, c, buf); err != nil {
		return fmt.Errorf("read %s of the base: %w", name, err)
	}
	return nil
}

// isLibrary says whether a file of this name can be what a loader looks for.
func isLibrary(name string) bool {
	name = path.Base(name)
	return strings.HasSuffix(name, ".so") || strings.Contains(name, ".so.") || strings.HasPrefix(name, "ld-")
}

// isSetting says whether the loader or we go by the content of a file.
func isSetting(name string) bool {
	switch dir := path.Dir(name); {
	case name == "/etc/ld.so.conf", name == "/etc/os-release", name == "/usr/lib/os-release":
		return true
	case dir == "/etc":
		return strings.HasPrefix(name, "/etc/ld-musl-") && strings.HasSuffix(name, ".path")
	default:
		return strings.HasSuffix(name, ".conf") && strings.HasPrefix(name, "/etc/ld.so.conf")
	}
}

// cache is what ldconfig makes. Without it ld.so does not look where ld.so.conf says.
const cache = "/etc/ld.so.cache"

// add keeps what is wanted of a file.
func (r *Root) add(name string, exec bool, size int64, content io.Reader, buf *bytes.Buffer) error {
	n := node{Exec: exec}
	switch {
	case isSetting(name):
		b, err := io.ReadAll(io.LimitReader(content, maxText))
		if err != nil {
			return err
		}
		n.Text = string(b)
		return r.keep(name, n)
	case isLibrary(name) && size > maxFile:
		n.Problem = tooLarge
		return r.keep(name, n)
	case isLibrary(name):
		b, err := readELF(content, buf)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		if n.ELF, err = parseELF(b); err != nil {
			n.Problem = err.Error()
		}
		return r.keep(name, n)
	}
	if exec || name == cache {
		return r.keep(name, n)
	}
	return nil
}

// readELF reads the whole of a file if it is an ELF file, and nothing but its beginning if it is none. The
// bytes are those of buf.
func readELF(r io.Reader, buf *bytes.Buffer) ([]byte, error) {
	buf.Reset()
	if _, err := io.CopyN(buf, r, 4); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	if !isELF(buf.Bytes()) {
		return nil, nil
	}
	_, err := io.Copy(buf, io.LimitReader(r, maxFile-4))
	return buf.Bytes(), err
}

// stored is a Root in a cache. form changes with what is kept.
type stored struct {
	Form  int   `json:"form"`
	Files files `json:"files"`
}

const form = 1

// MarshalJSON gives all that was read of a base, to be kept by its digest.
func (r *Root) MarshalJSON() ([]byte, error) { return json.Marshal(stored{form, r.files}) }

// UnmarshalJSON reads what MarshalJSON of the same version gave. What another version
// kept is an error: read the base again.
func (r *Root) UnmarshalJSON(b []byte) error {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s.Form != form {
		return fmt.Errorf("what is kept of a base has form %d, and this is form %d: read the base again", s.Form, form)
	}
	r.files = s.Files
	return nil
}

// Name is how the base calls itself (PRETTY_NAME of os-release), "" where it does not say.
func (r *Root) Name() string { return r.osRelease("PRETTY_NAME") }

func (r *Root) osRelease(key string) string {
	for _, file := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		_, n, _ := layers{r.files}.stat(file)
		for line := range strings.Lines(n.Text) {
			if k, v, _ := strings.Cut(strings.TrimSpace(line), "="); k == key {
				return strings.Trim(v, `"'`)
			}
		}
	}
	return ""
}
