package checklist

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/cli/deployed"
	"github.com/phialdev/phial/internal/project"
)

// maxUp is how many directories above the project may be the root of its repository.
const maxUp = 6

// around finds the repository that a project stands in below its root; nil: none.
func around(dir string, p *project.Project) (*checklist.Around, error) {
	if p.Git {
		return nil, nil
	}
	here, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, up, down := here, "", ""
	for range maxUp {
		above := filepath.Dir(root)
		if above == root {
			return nil, nil
		}
		up, down = path.Join(up, ".."), path.Join(filepath.Base(root), down)
		root = above
		if _, err := os.Stat(filepath.Join(root, ".git")); err == nil {
			return repository(os.DirFS(root), up, down)
		}
	}
	return nil, nil
}

// repository reads the CI files at the root of one.
func repository(root fs.FS, up, down string) (*checklist.Around, error) {
	p, err := project.ReadCI(root, checklist.CIFiles()...)
	if err != nil {
		return nil, err
	}
	a := &checklist.Around{Up: up, Down: down, Root: p}
	read := deployed.Files(root)
	for _, name := range append(p.Workflows(), checklist.CIFiles()...) {
		if text, ok := read(name); ok && names(text, down) {
			a.Names = append(a.Names, path.Join(up, name))
		}
	}
	return a, nil
}

// names says whether a text names a directory, or the last part of its path.
func names(text, dir string) bool {
	word := regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(path.Base(dir)) + `($|[^\w-])`)
	return strings.Contains(text, dir) || word.MatchString(text)
}
