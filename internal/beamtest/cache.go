package beamtest

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// remove deletes a tree, as root where some of it is root's. An interrupted debootstrap leaves /proc mounted inside,
// which must not be gone through.
func remove(dir string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	ctx := context.Background() // half a removal helps nobody
	for _, m := range slices.Backward(mounts) {
		if err := asRoot(ctx, "umount", "-l", m); err != nil {
			return err
		}
	}
	err = os.RemoveAll(dir)
	if errors.Is(err, fs.ErrPermission) {
		return asRoot(ctx, "rm", "-rf", "--one-file-system", dir)
	}
	return err
}

// mountsBelow lists what is mounted inside dir, outer before inner.
func mountsBelow(dir string) ([]string, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			found = append(found, fields[1])
		}
	}
	return found, lines.Err()
}

// discard deletes a directory of our own that nobody misses if it stays.
func discard(dir string) { os.RemoveAll(dir) } //nolint:errcheck // as said
