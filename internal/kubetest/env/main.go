// Command env keeps a control plane running for a person:
//
//	env up      starts it unless it runs, and prints the shell's export lines for it
//	env down    stops it
//
// "make kubectl-env" and "make kubectl-down" call it.
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
		fmt.Fprintln(os.Stderr, "kubectl-env:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 2 && args[0] == serving {
		return serve(ctx, place{args[1]})
	}
	verbs := map[string]func(context.Context, place, io.Writer) error{"up": up, "down": down}
	if len(args) != 1 || verbs[args[0]] == nil {
		return errors.New("usage: env up|down")
	}
	p, err := findPlace()
	if err != nil {
		return err
	}
	return verbs[args[0]](ctx, p, os.Stdout)
}
