package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// introduce says where and when this was.
func (w *world) introduce() {
	var versions []string
	for _, v := range [][]string{{"containerd", "--version"}, {"runc", "--version"}} {
		out, err := exec.Command(v[0], v[1:]...).Output() //nolint:noctx // it answers at once
		if line, _, _ := strings.Cut(string(out), "\n"); err == nil {
			versions = append(versions, line)
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	fmt.Printf("%s: %d cores (%s), %s of memory, Linux %s, cgroups of version %d; Kubernetes %s in nftables mode, %s; %s\n",
		time.Now().Format("2006-01-02 15:04"), runtime.NumCPU(), cpuModel(), memoryTotal(), strings.TrimSpace(string(kernel)),
		w.CgroupVersion(), w.Programs.Version, strings.Join(versions, ", "), runtime.Version())
}

func cpuModel() string { return field("/proc/cpuinfo", "model name") }

func memoryTotal() string { return field("/proc/meminfo", "MemTotal") }

// field is the first value of that name in one of the kernel's files.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// average is the machine's load average of a minute, from one moment to another. What is
// measured is part of it.
type average struct{ from, to string }

func loadNow() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

func newAverage() *average { return &average{from: loadNow()} }

// String ends the measurement.
func (l *average) String() string {
	if l.to == "" {
		l.to = loadNow()
	}
	return l.from + " to " + l.to
}

// judge remembers a figure that is missed, and gives the word for the table.
func (w *world) judge(ok bool, format string, a ...any) string {
	if ok {
		return "reached"
	}
	w.missed = append(w.missed, fmt.Errorf(format, a...))
	return "**missed**"
}

// quantile gives one of a distribution, by nearest rank.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/1e6) }

func fine(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }

func secs(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// row prints the median, the least and the most of a distribution.
func row(name string, all []time.Duration, text func(time.Duration) string, more ...string) {
	cells := append([]string{name, text(quantile(all, 0.5)), text(quantile(all, 0)), text(quantile(all, 1))}, more...)
	fmt.Printf("| %s |\n", strings.Join(cells, " | "))
}
