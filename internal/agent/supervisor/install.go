package supervisor

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// install copies a program to where the app's container finds it, in one go, unless
// the same is there already. It gives its size in bytes.
func install(from, to string) (int64, error) {
	size, want, err := digest(from)
	if err != nil {
		return 0, fmt.Errorf("copy the agent to %s: %w", to, err)
	}
	info, err := os.Stat(to)
	if err == nil && info.Size() == size && info.Mode().Perm() == 0o755 {
		if _, have, err := digest(to); err == nil && bytes.Equal(have, want) {
			return size, nil
		}
	}
	if err := copyOver(from, to, size); err != nil {
		return 0, fmt.Errorf("copy the agent to %s: %w", to, err)
	}
	return size, nil
}

func digest(path string) (int64, []byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, nil, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return n, h.Sum(nil), err
}

// copyOver copies beside the target and renames: who runs the old one keeps it, and
// nobody sees half of the new.
func copyOver(from, to string, size int64) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	tmp := filepath.Join(filepath.Dir(to), "."+filepath.Base(to)+".new")
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	out, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp) //nolint:errcheck // what led here is said
		}
	}()
	n, err := io.Copy(out, in)
	if err == nil {
		err = out.Chmod(0o755) // whatever the umask is
	}
	if e := out.Close(); err == nil {
		err = e
	}
	switch {
	case err != nil:
		return err
	case n != size:
		return fmt.Errorf("%d of %d bytes", n, size)
	}
	return os.Rename(tmp, to)
}
