package testkit

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const unshared = "PHIAL_TEST_UNSHARED"

// Unshared runs the calling test once more in namespaces of its own ("--net", "--mount"), where it may drop packets or
// mount what it likes, and reports whether this is that run. It needs root or user namespaces, and util-linux.
func Unshared(t *testing.T, namespaces ...string) bool {
	t.Helper()
	if os.Getenv(unshared) != "" {
		return true
	}
	args := namespaces
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--map-root-user")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args = append(args, self, "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v", "-test.timeout=5m")
	cmd := exec.CommandContext(t.Context(), "unshare", args...)
	cmd.Env = append(os.Environ(), unshared+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in namespaces of its own (%v; needs unshare, and root or user namespaces): %v\n%s", namespaces, err, out)
	}
	return false
}

// SmallDisk mounts a file system of so many bytes on a new directory, in a test that runs [Unshared] with --mount.
func SmallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Fatalf("mount a small disk: %v\n%s", err, out)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // or it goes with the namespace
	return dir
}
