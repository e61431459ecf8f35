package testkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Checkout finds a folder, named with slashes, of the checkout that the working directory is in.
func Checkout(folder string) (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if path := filepath.Join(dir, filepath.FromSlash(folder)); IsDir(path) {
			return path, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no %s in or above %s: run this inside a checkout of Phial", folder, wd)
		}
	}
}

// Go runs the go command in dir, with flags of our own choosing: those that the tests run with (-race, -mod) are not
// meant for this. It gives what go printed to standard output.
func Go(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off", "CGO_ENABLED=0", "PWD="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := Supervised(cmd, cmd.Run); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("there is no go command in PATH")
		}
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, LastLines(append(stderr.Bytes(), stdout.Bytes()...)))
	}
	return stdout.Bytes(), nil
}

// GoToolchain is what a binary depends on besides its sources and flags, for a [Key].
func GoToolchain(ctx context.Context, dir string) (string, error) {
	out, err := Go(ctx, dir, "env", "GOVERSION", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT")
	return string(out), err
}

// LastLines gives the end of what a program said, on one line.
func LastLines(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}
