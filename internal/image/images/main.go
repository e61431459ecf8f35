// Command images makes the images of Phial itself, by the code that `phial build` runs:
// `make images`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/image/publish"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir := flag.String("dir", "dist/images", "directory for an OCI layout of each image, and its SBOMs")
	push := flag.String("push", "", "prefix of the repositories to push to, such as registry.example.com/phial/")
	archs := flag.String("arch", "amd64,arm64", "architectures, as Go calls them")
	only := flag.String("only", "phial,phial-agent", "which of them")
	containerd := flag.Bool("containerd", false, "import into the kubelet's namespace of a containerd, as localhost/NAME:devel: that of this machine, or of CONTAINERD_ADDRESS")
	flag.Parse()
	for _, name := range strings.Split(*only, ",") {
		o := options{name: name, dir: *dir, push: *push, archs: strings.Split(*archs, ","), containerd: *containerd}
		if err := run(ctx, o); err != nil {
			fmt.Fprintln(os.Stderr, "images:", err)
			stop()
			os.Exit(1)
		}
	}
}

type options struct {
	name, dir, push string
	archs           []string
	containerd      bool
}

func run(ctx context.Context, want options) (err error) {
	name, dir, push := want.name, want.dir, want.push
	tmp, err := os.MkdirTemp("", "phial-images-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	prog := image.Program{Name: name}
	for _, arch := range want.archs {
		file := filepath.Join(tmp, arch, name)
		fmt.Fprintf(os.Stderr, "images: building %s for linux/%s\n", name, arch)
		if err := compile(ctx, name, file, arch); err != nil {
			return err
		}
		prog.Files = append(prog.Files, file)
	}
	revision := image.ReadRevision(ctx, ".")
	prog.Version = version(ctx)
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	o := image.Options{Revision: revision, Cache: filepath.Join(cache, "phial", "build")}
	if !revision.Dirty {
		o.Created = revision.Time
	}
	r, err := image.BuildProgram(ctx, o, prog)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	out := filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	targets := []publish.Target{publish.Layout{Dir: out, Tags: []string{prog.Version}}}
	if push != "" {
		repo, _, err := publish.Repository(strings.TrimSuffix(push, "/") + "/" + name)
		if err != nil {
			return err
		}
		targets = append(targets, publish.Registry{Repository: repo, Tags: publish.Tags(prog.Version, revision)})
	}
	if want.containerd {
		targets = append(targets, publish.Containerd{Command: []string{"ctr"}, Address: os.Getenv("CONTAINERD_ADDRESS"),
			Namespace: "k8s.io", Name: "localhost/" + name, Tags: []string{"devel"}})
	}
	for _, t := range targets {
		p, err := t.Publish(ctx, r)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", p.Target, strings.Join(p.Names, " "))
	}
	fmt.Printf("%s %s: %s\n", name, prog.Version, r.Digest)
	for _, p := range r.Platforms {
		file := filepath.Join(dir, name+"-"+p.Arch+".cdx.json")
		if err := os.WriteFile(file, p.SBOM, 0o644); err != nil {
			return err
		}
		fmt.Printf("  linux/%s %s, %.1f MB to pull; SBOM %s\n", p.Arch, p.Digest, float64(p.Size())/1e6, file)
	}
	return nil
}

// compile builds a program so that the same sources give the same bytes.
func compile(ctx context.Context, name, file, arch string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", file, "./cmd/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build ./cmd/%s: %w", name, err)
	}
	return nil
}

// version is the last tag and what came after it, or the commit.
func version(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty").Output()
	if v := strings.TrimSpace(string(out)); err == nil && v != "" {
		return strings.TrimPrefix(v, "v")
	}
	return "devel"
}
