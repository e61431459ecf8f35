package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what the processes of a container hold, in bytes.
type usage struct {
	rss, pss int64 // of all its processes together
	working  int64 // of its cgroup, as the kubelet has it: usage without inactive files
	anon     int64 // of its cgroup
}

// cgroup is the directory of a process's cgroup for a controller.
func cgroup(pid int, controller string) (dir string, unified bool, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.SplitN(lines.Text(), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for c := range strings.SplitSeq(fields[1], ",") {
			if c == controller {
				return filepath.Join("/sys/fs/cgroup", controller, fields[2]), false, nil
			}
		}
		if fields[0] == "0" {
			dir = filepath.Join("/sys/fs/cgroup", fields[2])
		}
	}
	if dir == "" {
		return "", false, fmt.Errorf("process %d is in no cgroup of %s", pid, controller)
	}
	return dir, true, nil
}

// cpuOf is the CPU time that a process's container has had.
func cpuOf(pid int) (time.Duration, error) {
	dir, unified, err := cgroup(pid, "cpuacct")
	if err != nil {
		return 0, err
	}
	if unified {
		n, err := stat(filepath.Join(dir, "cpu.stat"), "usage_usec")
		return time.Duration(n) * time.Microsecond, err
	}
	n, err := number(filepath.Join(dir, "cpuacct.usage"))
	return time.Duration(n), err
}

// usageOf is what a process's container holds.
func usageOf(pid int) (u usage, err error) {
	dir, unified, err := cgroup(pid, "memory")
	if err != nil {
		return u, err
	}
	names := []string{"memory.usage_in_bytes", "total_inactive_file", "total_rss"}
	if unified {
		names = []string{"memory.current", "inactive_file", "anon"}
	}
	all, err := number(filepath.Join(dir, names[0]))
	if err != nil {
		return u, err
	}
	inactive, err := stat(filepath.Join(dir, "memory.stat"), names[1])
	if err != nil {
		return u, err
	}
	u.working = all - inactive
	if u.anon, err = stat(filepath.Join(dir, "memory.stat"), names[2]); err != nil {
		return u, err
	}
	procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return u, err
	}
	for p := range strings.FieldsSeq(string(procs)) {
		rollup := "/proc/" + p + "/smaps_rollup"
		rss, errR := stat(rollup, "Rss:")
		pss, errP := stat(rollup, "Pss:")
		if err := errors.Join(errR, errP); err != nil {
			return u, err
		}
		u.rss, u.pss = u.rss+rss<<10, u.pss+pss<<10
	}
	return u, nil
}

func number(path string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// stat is the number behind a name in one of the kernel's files.
func stat(path, name string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == name {
			return strconv.ParseInt(fields[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s says nothing of %s", path, name)
}
