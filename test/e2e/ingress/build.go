package ingress

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/testkit"
)

// module is where skipper's own Go module stands in the checkout: apart, so that its weight stays there.
const module = "test/e2e/ingress/skipper"

// command is what is built of it.
const command = "github.com/zalando/skipper/cmd/skipper"

// Program is the built controller.
type Program struct {
	Path    string // linked statically, for this machine's kind
	Version string // "0.22.0"
}

// Prepare gives the controller, and builds it if the cache does not hold it: about two minutes on two cores. Of several
// processes that ask, one builds and the others wait.
func Prepare(ctx context.Context, progress io.Writer) (Program, error) {
	src, err := testkit.Checkout(module)
	if err != nil {
		return Program{}, err
	}
	version, key, err := identity(ctx, src)
	if err != nil {
		return Program{}, err
	}
	cache, err := testkit.CacheDir()
	if err != nil {
		return Program{}, err
	}
	home := filepath.Join(cache, "skipper", version+"-"+key)
	err = testkit.Once(home, os.RemoveAll, func(tmp string) error {
		start := time.Now()
		fmt.Fprintf(progress, "ingress: building skipper %s for the tests, once: takes about 2 minutes\n", version)
		if _, err := testkit.Go(ctx, src, append(buildArgs(version), "-o", filepath.Join(tmp, "skipper"), command)...); err != nil {
			return err
		}
		fmt.Fprintf(progress, "ingress: built in %s, kept in %s\n", time.Since(start).Round(time.Second), home)
		return nil
	})
	if err != nil {
		return Program{}, fmt.Errorf("build skipper %s from %s: %w", version, src, err)
	}
	return Program{Path: filepath.Join(home, "skipper"), Version: version}, nil
}

func buildArgs(version string) []string {
	return []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version=" + version}
}

var requirement = regexp.MustCompile(`(?m)^\s*github\.com/zalando/skipper v(\S+)`)

// identity gives the version, and a key made of everything that the binary depends on: there is no code but skipper's.
func identity(ctx context.Context, src string) (version, key string, err error) {
	mod, err := os.ReadFile(filepath.Join(src, "go.mod"))
	if err != nil {
		return "", "", err
	}
	sum, err := os.ReadFile(filepath.Join(src, "go.sum"))
	if err != nil {
		return "", "", err
	}
	m := requirement.FindSubmatch(mod)
	if m == nil {
		return "", "", fmt.Errorf("%s/go.mod requires no skipper", src)
	}
	toolchain, err := testkit.GoToolchain(ctx, src)
	if err != nil {
		return "", "", err
	}
	version = string(m[1])
	return version, testkit.Key(toolchain, strings.Join(buildArgs(version), " "), string(mod), string(sum)), nil
}
