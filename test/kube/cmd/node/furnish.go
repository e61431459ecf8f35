package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// furnish makes the mounts of a node, all in its own namespace: the machine sees none of them.
func furnish(s setup) error {
	if err := syscall.Sethostname([]byte(s.Hostname)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	steps := []func() error{
		func() error { return mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "") },
		func() error { return mount("proc", "/proc", "proc", 0, "") },
		// Of the new network.
		func() error { return mount("sysfs", "/sys", "sysfs", 0, "") },
		cgroups,
		// The sockets and locks of the machine's own daemons are not for the node's.
		func() error { return mount("tmpfs", "/run", "tmpfs", 0, "mode=755") },
		hide, sysctls,
	}
	for _, dir := range s.Memory {
		steps = append(steps, func() error { return mount("tmpfs", dir, "tmpfs", 0, "mode=711") })
	}
	for _, dir := range s.Shared {
		steps = append(steps, func() error { return share(dir) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := syscall.Mount(source, target, kind, flags, data); err != nil {
		return fmt.Errorf("mount %s on %s (flags %#x, %q): %w", kind, target, flags, data, err)
	}
	return nil
}

func share(dir string) error {
	if err := mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	return mount("", dir, "", syscall.MS_REC|syscall.MS_SHARED, "")
}

// hide lays something over the directories that kubelet, containerd and the network plugins write to by fixed names.
// What is in them stays to be seen; what is written goes with the node.
func hide() error {
	for _, dir := range []string{"/var/lib", "/var/log", "/opt"} {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			continue
		}
		over := filepath.Join("/run/over", dir)
		upper, work := filepath.Join(over, "upper"), filepath.Join(over, "work")
		if err := errors.Join(os.MkdirAll(upper, 0o755), os.MkdirAll(work, 0o755)); err != nil {
			return err
		}
		if err := mount("overlay", dir, "overlay", 0, "lowerdir="+dir+",upperdir="+upper+",workdir="+work); err != nil {
			return err
		}
	}
	// Nothing of an earlier node or of the machine's own Kubernetes, if it has one.
	for _, dir := range []string{"/var/lib/cni", "/var/lib/kubelet", "/var/log/pods", "/var/log/containers"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return err
		}
	}
	return nil
}

// sysctls sets what belongs to the node's network alone, and shows kubelet the values that it insists on where they
// belong to the whole machine.
func sysctls() error {
	const dir = "/proc/sys"
	for name, value := range map[string]string{
		"net/ipv4/ip_forward": "1",
		// Pods are one hop apart, by way of the node: it is not to tell them of a shorter one.
		"net/ipv4/conf/all/send_redirects":     "0",
		"net/ipv4/conf/default/send_redirects": "0",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o644); err != nil {
			return err
		}
	}
	if err := os.Mkdir("/run/sysctl", 0o755); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
		"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
	} {
		file := filepath.Join("/run/sysctl", strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := mount(file, filepath.Join(dir, name), "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}
