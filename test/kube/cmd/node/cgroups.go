package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const cgroupRoot = "/sys/fs/cgroup"

// cgroups mounts the hierarchies that this process stands in. Their roots are its own cgroups, since the namespace is.
func cgroups() error {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return err
	}
	var v1 []string // controllers of each hierarchy
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		// Huge pages are in no test, and a cgroup of theirs may be missing below ours.
		if len(fields) == 3 && fields[1] != "" && fields[1] != "hugetlb" {
			v1 = append(v1, fields[1])
		}
	}
	if len(v1) == 0 {
		return unified()
	}
	if err := mount("tmpfs", cgroupRoot, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, controllers := range v1 {
		name, named := strings.CutPrefix(controllers, "name=")
		options := name
		if named {
			options = "none,name=" + name
		}
		dir := filepath.Join(cgroupRoot, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		if err := mount("cgroup", dir, "cgroup", 0, options); err != nil {
			return err
		}
		if parts := strings.Split(name, ","); len(parts) > 1 {
			for _, part := range parts {
				if err := os.Symlink(name, filepath.Join(cgroupRoot, part)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// unified mounts the one hierarchy of version 2. A cgroup that hands controllers down may hold no process, so those of
// the node move one down.
func unified() error {
	if err := mount("cgroup2", cgroupRoot, "cgroup2", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return err
	}
	leaf := filepath.Join(cgroupRoot, "node")
	if err := os.Mkdir(leaf, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(leaf, "cgroup.procs"), []byte("1"), 0o644); err != nil {
		return fmt.Errorf("move process 1 to %s: %w", leaf, err)
	}
	text, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, c := range strings.Fields(string(text)) {
		if err := os.WriteFile(filepath.Join(cgroupRoot, "cgroup.subtree_control"), []byte("+"+c), 0o644); err != nil {
			return fmt.Errorf("hand down the controller %s: %w", c, err)
		}
	}
	return nil
}
