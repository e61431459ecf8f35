// Command node is process 1 of a node for tests. Its parent starts it in new namespaces, all but that of cgroups, and
// speaks with it in lines of JSON: a setup goes in on standard input, then an order for each program to start; out come
// reports. When the input ends it ends too, and the kernel ends every process of the node with it.
//
//	node SETUP       waits for one byte on its input, which says that it stands in its cgroups, and goes on in there
//	node SETUP in    is that process in its own cgroup namespace
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// setup is what a node is told of itself.
type setup struct {
	Hostname string
	Shared   []string // directories whose mounts show in containers, and the other way round
	Memory   []string // directories that are to be kept in memory
}

// order is a program to start.
type order struct {
	Name string
	Path string
	Args []string // the first is what the program is called by
	Env  []string
	Dir  string
	Log  string // the file for its output
}

// report says what became of the setup, which has no name, or of a program.
type report struct {
	Name  string `json:",omitempty"`
	PID   int    `json:",omitempty"` // it runs
	End   string `json:",omitempty"` // it ran, and this is how it ended
	Error string `json:",omitempty"` // it did not start
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "node:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var s setup
	if len(args) == 0 || json.Unmarshal([]byte(args[0]), &s) != nil {
		return errors.New("usage: node SETUP [in], SETUP in JSON")
	}
	// Process 1 is spared no signal that Go has a handler for.
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE)
	if len(args) == 1 {
		return enterCgroups()
	}
	out := reporter{encoder: json.NewEncoder(os.Stdout)}
	if err := furnish(s); err != nil {
		out.say(report{Error: err.Error()})
		return err
	}
	children := newChildren(&out)
	go children.reap()
	out.say(report{})
	orders := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read an order: %w", err)
		}
		children.start(o)
	}
}

// enterCgroups makes the cgroups that this process stands in the roots of a namespace of its own, and becomes the
// process in it. A namespace belongs to a thread, and exec keeps the one that calls it.
func enterCgroups() error {
	if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
		return fmt.Errorf("wait for the cgroups: %w", err)
	}
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("a namespace for cgroups: %w", err)
	}
	// As the file that runs: its path may be hidden soon.
	err := syscall.Exec("/proc/self/exe", append(os.Args, "in"), os.Environ())
	return fmt.Errorf("go on in it: %w", err)
}
