package kubetest

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
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
	src, err := testkit.Checkout(module)
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
	toolchain, err := testkit.GoToolchain(ctx, src)
	if err != nil {
		return "", err
	}
	parts := append([]string{toolchain}, flags...)
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
	_, err := testkit.Go(ctx, src, append(args, "-o", dir+string(filepath.Separator), "./cmd/...")...)
	return err
}
