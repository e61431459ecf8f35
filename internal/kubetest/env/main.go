// Command env keeps a control plane running for a person:
//
//	env up      starts it unless it runs, and prints the shell's export lines for it
//	env down    stops it
//
// "make kubectl-env" and "make kubectl-down" call it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	verbs := map[string]func(context.Context, place) error{"up": up, "down": down, serving: serve}
	if len(os.Args) != 2 || verbs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: env up|down")
		os.Exit(2)
	}
	p, err := findPlace()
	if err == nil {
		err = verbs[os.Args[1]](ctx, p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubectl-env:", err)
		os.Exit(2)
	}
}
