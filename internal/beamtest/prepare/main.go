// Command prepare fills the cache of real BEAMs ahead of the tests, and tells of its progress:
//
//	go run ./internal/beamtest/prepare [PROJECT...]
//
// It installs the three generations of OTP, and makes releases of the Mix projects named, with the machine's own Elixir
// and with each generation's.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/phialdev/phial/internal/beamtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := beamtest.PrepareAll(ctx, os.Stderr, os.Args[1:]...); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}
