package kubetest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const cgroupRoot = "/sys/fs/cgroup"

// The weight of a node in either version's unit: of 32 processes (1024 and 100 are that of one).
const (
	nodeShares = "32768"
	nodeWeight = "3200"
)

// cgroupVersion is 2 where the machine has the unified hierarchy alone, and 1 where controllers have their own.
func cgroupVersion() (int, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(cgroupRoot, &st); err != nil {
		return 0, fmt.Errorf("cgroups: %s: %w", cgroupRoot, err)
	}
	if st.Type == unix.CGROUP2_SUPER_MAGIC {
		return 2, nil
	}
	return 1, nil
}

// cgroups gives the directories of the slot's cgroups, one for each hierarchy. In version 1 they are below those of this
// process. In version 2 a cgroup that hands down controllers may hold no process, as this one does: only the root may.
func (s *slot) cgroups() ([]string, error) {
	name := s.cgroupName()
	version, err := cgroupVersion()
	if err != nil {
		return nil, err
	}
	if version == 2 {
		return []string{filepath.Join(cgroupRoot, name)}, nil
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	var dirs []string
	for line := range strings.Lines(string(own)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || fields[1] == "" || fields[1] == "hugetlb" {
			continue
		}
		mounted := filepath.Join(cgroupRoot, strings.TrimPrefix(fields[1], "name="))
		parent := filepath.Join(mounted, fields[2])
		if _, err := os.Stat(parent); err != nil {
			parent = mounted // in a container the path is as the machine sees it
		}
		dirs = append(dirs, filepath.Join(parent, name))
	}
	return dirs, nil
}

// makeCgroup makes a cgroup that processes may join.
func makeCgroup(dir string, version int) error {
	if version == 2 {
		control := filepath.Join(filepath.Dir(dir), "cgroup.subtree_control")
		there, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "cgroup.controllers"))
		if err != nil {
			return err
		}
		for _, c := range []string{"cpuset", "cpu", "io", "memory", "pids"} {
			if !slices.Contains(strings.Fields(string(there)), c) {
				continue
			}
			if err := os.WriteFile(control, []byte("+"+c), 0o644); err != nil {
				return fmt.Errorf("hand the controller %s to the node (a container needs its processes out of the way: %s): %w", c, control, err)
			}
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := weigh(dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "cpuset.cpus")); err != nil || version == 2 {
		return nil //nolint:nilerr // another controller
	}
	// A new cpuset has no CPU, and takes no process.
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile(filepath.Join(filepath.Dir(dir), file))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), value, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "cgroup.clone_children"), []byte("1"), 0o644)
}

// weigh gives a node's cgroup the weight of many processes, where it has the controller for CPU time. With a new cgroup's
// weight all of the node, its control plane and its pods, would have the share of one process among those of the machine:
// beside a compiler's a probe would wait for seconds.
func weigh(dir string) error {
	for file, weight := range map[string]string{"cpu.shares": nodeShares, "cpu.weight": nodeWeight} {
		file = filepath.Join(dir, file)
		if _, err := os.Stat(file); err != nil {
			continue // another controller, or another version
		}
		if err := os.WriteFile(file, []byte(weight), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func joinCgroup(dir string, pid int) error {
	return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
}

// removeCgroup removes a cgroup with those below it. The kernel refuses while a process is in one.
func removeCgroup(dir string) error {
	var all []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			all = append(all, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	for _, path := range slices.Backward(all) {
		if e := unix.Rmdir(path); e != nil && !errors.Is(e, unix.ENOENT) {
			err = errors.Join(err, fmt.Errorf("remove cgroup %s: %w", path, e))
		}
	}
	return err
}
