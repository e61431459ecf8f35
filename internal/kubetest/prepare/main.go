// Command prepare fills the cache with what tests of Kubernetes need, ahead of them, and tells of its progress:
//
//	go run ./internal/kubetest/prepare
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/phialdev/phial/internal/kubetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	p, err := kubetest.Prepare(ctx, os.Stderr)
	if err != nil {
		return err
	}
	for _, read := range []kubetest.Definitions{kubetest.GatewayAPI, kubetest.KEDA} {
		if _, err := read(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "kube: Kubernetes %s is there\n", p.Version)
	return nil
}
