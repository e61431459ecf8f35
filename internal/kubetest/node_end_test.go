package kubetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/testkit"
)

// beKilledWithANode starts a node, says in which slot and directory, and waits.
func beKilledWithANode() {
	n, err := RunNode(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(n.slot.number, n.dir)
	select {}
}

// traces gives what there is of the node of a slot: processes, a link, cgroups, mounts, files.
func traces(t *testing.T, s *slot, dir string) (found []string) {
	t.Helper()
	cgroups, err := s.cgroups()
	if err != nil {
		t.Fatal(err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		cgroup, _ := os.ReadFile(filepath.Join(p, "cgroup"))
		command, _ := os.ReadFile(filepath.Join(p, "cmdline"))
		if strings.Contains(string(cgroup)+"\n", "/"+filepath.Base(cgroups[0])+"/") || strings.Contains(string(command), dir) {
			found = append(found, fmt.Sprintf("%s (%q)", p, command))
		}
	}
	if _, err := net.InterfaceByName(s.link()); err == nil {
		found = append(found, s.link())
	}
	for _, path := range append(cgroups, dir) {
		if _, err := os.Lstat(path); err == nil {
			found = append(found, path)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), dir) {
		found = append(found, "mounts")
	}
	return found
}

func noTraces(t *testing.T, s *slot, dir string) {
	t.Helper()
	if err := testkit.Poll(within(t), func() (bool, error) {
		if found := traces(t, s, dir); len(found) > 0 {
			return false, fmt.Errorf("still there: %s", strings.Join(found, ", "))
		}
		return true, nil
	}); err != nil {
		t.Error(err)
	}
}

func TestNodeCloseLeavesNothing(t *testing.T) {
	notShort(t)
	n, err := RunNode(within(t), FastServices())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(n.Times())
	importApp(t, n)
	run(t, n, "default", 2, "web")
	if found := traces(t, n.slot, n.dir); len(found) < 5 {
		t.Errorf("a running node shows in no more than %v", found)
	}
	start := time.Now()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("closed in %.2f s", time.Since(start).Seconds())
	if found := traces(t, n.slot, n.dir); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
	if err := n.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func TestKilledTestLeavesNoNode(t *testing.T) {
	notShort(t)
	said := killed(t, "node")
	number, err := strconv.Atoi(said[0])
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	noTraces(t, &slot{number: number}, said[1])
	t.Logf("gone %.2f s after its test was killed", time.Since(start).Seconds())
}

// Where even what cleans up was killed, the next to claim the slot does.
func TestNextNodeClearsAway(t *testing.T) {
	notShort(t)
	ctx := within(t)
	first, err := claimSlot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() + "/" + dirPrefix + "left"
	cgroups, err := first.cgroups()
	if err != nil {
		t.Fatal(err)
	}
	version, err := cgroupVersion()
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.MkdirAll(dir+"/etcd", 0o700), first.remember(dir, slices.Clone(cgroups)))
	for _, c := range cgroups {
		err = errors.Join(err, makeCgroup(c, version), os.Mkdir(c+"/kubepods", 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := ipBatch(ctx, "link add "+first.link()+" type veth peer name "+first.link()+"p\n"); err != nil {
		t.Fatal(err)
	}
	if found := traces(t, first, dir); len(found) != len(cgroups)+2 {
		t.Errorf("the test made only %v", found)
	}
	first.file.Close() // as the kernel does where a process is killed
	next, err := claim(ctx, first.number)
	if err != nil {
		t.Fatal(err)
	}
	if next == nil {
		t.Log("another test process was quicker to claim the slot, and clears it")
		return
	}
	defer next.release()
	if found := traces(t, next, dir); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
}

// Two nodes run side by side, and a part of one that ends is named.
func TestNodesSideBySide(t *testing.T) {
	a := SharedNode(t)
	b, err := RunNode(within(t), FastServices())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if a.IP() == b.IP() || a.URL == b.URL || a.DNS() == b.DNS() {
		t.Errorf("two nodes share an address: %s and %s", a.URL, b.URL)
	}
	if err := errors.Join(a.Ended(), b.Ended()); err != nil {
		t.Error(err)
	}
	if _, err := b.Exec(within(t), nil, "sh", "-c", fmt.Sprintf("kill -9 %d", b.process1.children["kubelet"].inside)); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Poll(within(t), func() (bool, error) {
		err := b.Ended()
		return err != nil, err
	}); err == nil || !strings.Contains(err.Error(), "kubelet: ended by itself (signal: killed)") {
		t.Errorf("kubelet was killed, and the node says %v", err)
	}
	if err := a.Ended(); err != nil {
		t.Error(err)
	}
}
