package checklist

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing/fstest"

	"github.com/phialdev/phial/internal/checklist"
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
	a := &checklist.Around{Up: up, Down: down}
	read := fileOf(root)
	tree := fstest.MapFS{"mix.exs": {}} // there is none: what is wanted of the root are its pipelines
	add := func(name string) {
		info, err := fs.Stat(root, name)
		if err != nil || !info.Mode().IsRegular() {
			return
		}
		text, ok := read(name)
		tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		if !ok {
			tree[name].Data = make([]byte, maxFile+1) // whoever reads it says that it is too large
		}
		if names(text, down) {
			a.Names = append(a.Names, name)
		}
	}
	const workflows = ".github/workflows"
	entries, err := fs.ReadDir(root, workflows)
	if err == nil {
		for _, e := range entries {
			if ext := path.Ext(e.Name()); ext == ".yml" || ext == ".yaml" {
				add(path.Join(workflows, e.Name()))
			}
		}
	}
	for _, name := range checklist.CIFiles() {
		add(name)
	}
	if a.Root, err = project.Read(tree); err != nil {
		return nil, err
	}
	for i, name := range a.Names {
		a.Names[i] = path.Join(up, name)
	}
	return a, nil
}

// names says whether a text names a directory, or the last part of its path.
func names(text, dir string) bool {
	word := regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(path.Base(dir)) + `($|[^\w-])`)
	return strings.Contains(text, dir) || word.MatchString(text)
}
