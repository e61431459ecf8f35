// Package plantest reads the goldens of internal/plan, for the tests of that package
// and of those that run or judge what it makes.
package plantest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/api/v1alpha1"
)

// separator is the line between the parts of a golden.
const separator = "----\n"

// agentLine begins a golden that is planned with an agent, and names its image.
const agentLine = "# agent image: "

// A Golden is one file: a BeamApp, the objects that it stands for, and the warnings.
type Golden struct {
	Name       string // of the file, without .yaml
	Path       string
	AgentImage string // empty: there is none
	Input      []byte // the BeamApp, as YAML
	App        *v1alpha1.BeamApp
	Objects    []byte // the stream that is expected
	Warnings   string // a line each; see Line
}

// Goldens reads every golden below dir, the testdata of internal/plan.
func Goldens(tb testing.TB, dir string) []Golden {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no goldens in %s (%v)", dir, err)
	}
	all := make([]Golden, 0, len(paths))
	for _, path := range paths {
		g, err := read(path)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, g)
	}
	return all
}

func read(path string) (Golden, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Golden{}, err
	}
	g := Golden{Name: strings.TrimSuffix(filepath.Base(path), ".yaml"), Path: path, App: &v1alpha1.BeamApp{}}
	parts := bytes.SplitN(content, []byte("\n"+separator), 3)
	g.Input = append(bytes.TrimSuffix(parts[0], []byte("\n")), '\n')
	if len(parts) > 1 {
		g.Objects = append(parts[1], '\n')
	}
	if len(parts) > 2 {
		g.Warnings = string(parts[2])
	} else {
		// The stream was the last part, and its line end is its own.
		g.Objects = bytes.TrimSuffix(g.Objects, []byte("\n"))
	}
	if line, _, _ := strings.Cut(string(g.Input), "\n"); strings.HasPrefix(line, agentLine) {
		g.AgentImage = strings.TrimPrefix(line, agentLine)
	}
	if err := yaml.UnmarshalStrict(g.Input, g.App); err != nil {
		return Golden{}, fmt.Errorf("%s: %w", path, err)
	}
	return g, nil
}

// Write replaces what is expected by what there is.
func (g Golden) Write(objects []byte, warnings string) error {
	content := string(g.Input) + separator + string(objects)
	if warnings != "" {
		content += separator + warnings
	}
	return os.WriteFile(g.Path, []byte(content), 0o644)
}

// Line is how a warning stands in a golden.
func Line(path, code, text string) string {
	return strings.TrimSpace(path+" "+code) + ": " + text + "\n"
}
