package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/phialdev/phial/internal/cli"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/image/publish"
	"github.com/phialdev/phial/internal/testkit"
)

// Names of the images in the node.
const (
	AgentImage = "localhost/phial-agent:e2e"
	imagesOf   = "localhost/"
)

// images are made one after the other: each takes all cores.
var images sync.Mutex

// Agent makes the agent's image as `make images` does, and imports it.
func (s *Stage) Agent(ctx context.Context) error {
	images.Lock()
	defer images.Unlock()
	dir, err := os.MkdirTemp("", "phial-e2e-agent-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "phial-agent")
	if err := compile(ctx, "./cmd/phial-agent", file); err != nil {
		return err
	}
	return s.program(ctx, "phial-agent", file)
}

// Program compiles a program of this checkout, and imports an image of it.
func (s *Stage) Program(ctx context.Context, name, pkg string) error {
	images.Lock()
	defer images.Unlock()
	dir, err := os.MkdirTemp("", "phial-e2e-"+name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, name)
	if err := compile(ctx, pkg, file); err != nil {
		return err
	}
	return s.program(ctx, name, file)
}

// program imports localhost/NAME:e2e, of one static program.
func (s *Stage) program(ctx context.Context, name, file string) (err error) {
	cache, err := cacheDir("image-e2e")
	if err != nil {
		return err
	}
	r, err := image.BuildProgram(ctx, image.Options{Cache: cache}, image.Program{Name: name, Version: "e2e", Files: []string{file}})
	if err != nil {
		return fmt.Errorf("image of %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	_, err = publish.Containerd{Command: []string{"ctr"}, Address: s.Containerd(), Namespace: "k8s.io",
		Name: imagesOf + name, Tags: []string{"e2e"}}.Publish(ctx, r)
	return err
}

// Build runs `phial build` with the node's containerd as its target. The image is
// localhost/NAME:TAG.
func (s *Stage) Build(ctx context.Context, name, tag string, args ...string) (string, error) {
	images.Lock()
	defer images.Unlock()
	cache, err := cacheDir("image-e2e")
	if err != nil {
		return "", err
	}
	var out, errs bytes.Buffer
	args = append([]string{"build", "--containerd", "--containerd-address", s.Containerd(), "--name", imagesOf + name,
		"--tag", tag, "--cache-dir", cache, "--any-age", "--no-sbom"}, args...)
	if code := cli.Run(ctx, &term.IO{In: strings.NewReader(""), Out: &out, Err: &errs, Width: 100}, args); code != term.OK {
		return "", fmt.Errorf("phial %s: exit status %d: %s%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
	return imagesOf + name + ":" + tag, nil
}

func cacheDir(name string) (string, error) {
	dir, err := testkit.CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}

// compile builds a static program of this module.
func compile(ctx context.Context, pkg, file string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	_, err = testkit.Go(ctx, root, "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", file, pkg)
	return err
}

// Root is the checkout that the working directory is in.
func Root() (string, error) {
	tally, err := testkit.Checkout("examples/tally")
	return filepath.Dir(filepath.Dir(tally)), err
}
