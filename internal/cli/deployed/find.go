package deployed

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// How far below a directory a project is looked for, and in how many directories.
const (
	maxDown    = 3
	maxVisited = 2000
)

// withoutProjects are directories in which nobody keeps a project of their own.
var withoutProjects = []string{"deps", "_build", "node_modules", "test", "priv", "vendor", "assets"}

// IsProject says whether a directory has a mix.exs.
func IsProject(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "mix.exs"))
	return err == nil && info.Mode().IsRegular()
}

// Projects are the mix projects of a directory: the directory itself, or those a few levels below it that are part of no
// other. What can't be read has none.
func Projects(dir string) (all []string) {
	if IsProject(dir) {
		return []string{dir}
	}
	level := []string{dir}
	visited := 0
	for range maxDown {
		var next []string
		for _, d := range level {
			if visited++; visited > maxVisited {
				break
			}
			entries, err := os.ReadDir(d)
			if err != nil {
				continue
			}
			for _, e := range entries {
				if !below(e) {
					continue
				}
				switch sub := filepath.Join(d, e.Name()); {
				case IsProject(sub):
					all = append(all, sub)
				default:
					next = append(next, sub)
				}
			}
		}
		level = next
	}
	slices.Sort(all)
	return all
}

func below(e fs.DirEntry) bool {
	return e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(withoutProjects, e.Name())
}
