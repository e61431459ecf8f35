package kubetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/testkit"
)

// module is where the programs' own Go module stands in the checkout.
const module = "test/kube"

// Programs are the built Kubernetes.
type Programs struct {
	Dir     string // holds kubectl and nothing else that a person would call: good for PATH
	Version string // of Kubernetes: "1.34.10"

	kube     string // the binary that is most components; the name it is called by selects one
	node     string // process 1 of a node
	announce string // a network plugin of nodes
	images   string // a tarball of the images that a node has from the start
}

// built is where everything is in a directory of the cache.
func built(home, version string) Programs {
	return Programs{
		Dir: filepath.Join(home, "bin"), Version: version,
		kube: filepath.Join(home, "kube"), node: filepath.Join(home, "node"),
		announce: filepath.Join(home, "announce"), images: filepath.Join(home, "images.tar"),
	}
}

// Kubectl is the path of kubectl.
func (p Programs) Kubectl() string { return filepath.Join(p.Dir, "kubectl") }

// Prepare gives the programs, and builds them if the cache does not hold them: six minutes on two cores, more on a
// machine that has never seen Kubernetes' modules. Of several processes that ask, one builds and the others wait.
func Prepare(ctx context.Context, progress io.Writer) (Programs, error) {
	src, err := checkoutDir(module)
	if err != nil {
		return Programs{}, err
	}
	version, err := kubernetesVersion(src)
	if err != nil {
		return Programs{}, err
	}
	flags := buildFlags(version)
	key, err := buildKey(ctx, src, flags)
	if err != nil {
		return Programs{}, err
	}
	cache, err := testkit.CacheDir()
	if err != nil {
		return Programs{}, err
	}
	home := filepath.Join(cache, "kube", version+"-"+key)
	p := built(home, version)
	err = testkit.Once(home, os.RemoveAll, func(tmp string) error {
		start := time.Now()
		fmt.Fprintf(progress, "kube: building Kubernetes %s for the tests, once: takes about 6 minutes\n", version)
		if err := build(ctx, src, tmp, flags); err != nil {
			return err
		}
		if err := writeNodeImages(built(tmp, version).images, tmp); err != nil {
			return err
		}
		if err := os.Mkdir(filepath.Join(tmp, "bin"), 0o755); err != nil {
			return err
		}
		if err := os.Symlink("../kube", filepath.Join(tmp, "bin", "kubectl")); err != nil {
			return err
		}
		fmt.Fprintf(progress, "kube: built in %s, kept in %s\n", time.Since(start).Round(time.Second), home)
		return nil
	})
	if err != nil {
		return Programs{}, fmt.Errorf("build Kubernetes %s from %s: %w", version, src, err)
	}
	return p, nil
}

// checkoutDir finds a folder of the checkout that the working directory is in.
func checkoutDir(name string) (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if path := filepath.Join(dir, filepath.FromSlash(name)); testkit.IsDir(path) {
			return path, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no %s in or above %s: run this inside a checkout of Phial", name, wd)
		}
	}
}

var requirement = regexp.MustCompile(`(?m)^\s*k8s\.io/kubernetes v(\d+\.\d+\.\d+)$`)

// kubernetesVersion reads from go.mod what version is built, so that it stands in one place.
func kubernetesVersion(src string) (string, error) {
	mod, err := os.ReadFile(filepath.Join(src, "go.mod"))
	if err != nil {
		return "", err
	}
	m := requirement.FindSubmatch(mod)
	if m == nil {
		return "", fmt.Errorf("%s/go.mod requires no released version of k8s.io/kubernetes", src)
	}
	return string(m[1]), nil
}

// buildFlags tell the components what they are: without a version they take themselves for v0.0.0 and refuse their own
// feature gates. The date is no secret of the build, so it is the same for all.
func buildFlags(version string) []string {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	ld := []string{"-s", "-w"}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		for _, set := range []string{
			"gitVersion=v" + version, "gitMajor=" + major, "gitMinor=" + minor, "gitTreeState=clean",
			"gitCommit=" + strings.Repeat("0", 40), "buildDate=2026-01-01T00:00:00Z",
		} {
			ld = append(ld, "-X", pkg+"."+set)
		}
	}
	return []string{"-trimpath", "-buildvcs=false", "-ldflags", strings.Join(ld, " ")}
}

// buildKey is made of everything that the binary depends on.
func buildKey(ctx context.Context, src string, flags []string) (string, error) {
	toolchain, err := goCommand(ctx, src, "env", "GOVERSION", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT")
	if err != nil {
		return "", err
	}
	parts := append([]string{string(toolchain)}, flags...)
	err = filepath.WalkDir(src, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		switch name := entry.Name(); {
		case strings.HasSuffix(name, "_test.go"):
			return nil
		case filepath.Ext(name) == ".go", name == "go.mod", name == "go.sum":
			content, err := os.ReadFile(path)
			parts = append(parts, strings.TrimPrefix(path, src), string(content))
			return err
		}
		return nil
	})
	return testkit.Key(parts...), err
}

// build makes every program of the module, each in dir under its own name.
func build(ctx context.Context, src, dir string, flags []string) error {
	args := append([]string{"build"}, flags...)
	_, err := goCommand(ctx, src, append(args, "-o", dir+string(filepath.Separator), "./cmd/...")...)
	return err
}

// goCommand runs go in dir, with flags of our own choosing: those that the tests run with (-race, -mod) are not meant
// for this. It gives what go printed to standard output.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off", "CGO_ENABLED=0", "PWD="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := testkit.Supervised(cmd, cmd.Run); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("there is no go command in PATH")
		}
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, lastLines(append(stderr.Bytes(), stdout.Bytes()...)))
	}
	return stdout.Bytes(), nil
}

// lastLines gives the end of what a program said, on one line.
func lastLines(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}
