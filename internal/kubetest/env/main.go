// Command env keeps a Kubernetes running for a person:
//
//	env up         starts a control plane unless it runs, and prints the shell's export lines for it
//	env down       stops it
//	env -node up   the same of a cluster on which pods run, which needs root
//	env -node down
//
// "make kubectl-env" and "make kubectl-down" call it, "make cluster" and "make cluster-down" with -node.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", kindOf(os.Args[1:]).name, err)
		os.Exit(2)
	}
}

// kind is what is kept running.
type kind struct {
	name string // of the target of make that starts it
	down string // of the one that stops it
	node bool
}

var (
	alone    = kind{name: "kubectl-env", down: "kubectl-down"}
	withNode = kind{name: "cluster", down: "cluster-down", node: true}
)

func kindOf(args []string) kind {
	if len(args) > 0 && args[0] == "-node" {
		return withNode
	}
	return alone
}

func run(ctx context.Context, args []string) error {
	k := kindOf(args)
	if k.node {
		args = args[1:]
	}
	if len(args) == 2 && args[0] == serving {
		return serve(ctx, place{args[1], k})
	}
	verbs := map[string]func(context.Context, place, io.Writer) error{"up": up, "down": down}
	if len(args) != 1 || verbs[args[0]] == nil {
		return errors.New("usage: env [-node] up|down")
	}
	if k.node && os.Geteuid() != 0 {
		return errors.New("a cluster on which pods run needs root: it makes namespaces, mounts and cgroups. Run this as root, or with sudo")
	}
	p, err := findPlace(k)
	if err != nil {
		return err
	}
	return verbs[args[0]](ctx, p, os.Stdout)
}
