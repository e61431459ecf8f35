package deployed

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/check"
)

// maxEnvironments are told apart; of more none is.
const maxEnvironments = 8

// Environments are the parts of an input that never run together: each of them has workloads of the same names in a directory
// or a file of its own, as k8s/production and k8s/staging have. What lies beside these belongs to every one. There are
// none where nothing is there twice, or where the places of two workloads do not say the same.
func Environments(ctx context.Context, in *check.Input) (all []*check.Input) {
	var places [][]string // of each workload that is there more than once
	at := map[string][]string{}
	for _, b := range in.Serving() {
		at[b.Label()] = append(at[b.Label()], file(b.File))
	}
	for _, files := range at {
		if len(files) > 1 {
			places = append(places, files)
		}
	}
	roots, names := parted(places)
	for _, name := range names {
		elsewhere := func(f string) bool {
			for root, of := range roots {
				if of != name && within(root, file(f)) {
					return true
				}
			}
			return false
		}
		e := &check.Input{
			Environment: name, Objects: in.Objects.Without(elsewhere), Refused: in.Refused,
			Project: in.Project, Root: in.Root, Files: in.Files, Now: in.Now,
		}
		Predict(ctx, e)
		all = append(all, e)
	}
	return all
}

// file is where a source stands, also one that was rendered.
func file(name string) string {
	if from, ok := RenderedFrom(name); ok {
		name = from
	}
	return filepath.ToSlash(filepath.Clean(name))
}

func within(root, file string) bool { return file == root || strings.HasPrefix(file, root+"/") }

// parted finds where files part that hold the same: roots are the places at which they do, with what each is called, and
// names are these, sorted. There are none where one would be in two.
func parted(places [][]string) (roots map[string]string, names []string) {
	roots = map[string]string{}
	for _, files := range places {
		n := shared(files)
		called := map[string]bool{}
		for _, f := range files {
			parts := strings.Split(f, "/")
			if n >= len(parts) {
				return nil, nil // two in one file
			}
			name := strings.TrimSuffix(parts[n], filepath.Ext(parts[n]))
			if n < len(parts)-1 {
				name = parts[n]
			}
			if called[name] {
				return nil, nil
			}
			called[name] = true
			roots[strings.Join(parts[:n+1], "/")] = name
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) > maxEnvironments {
		return nil, nil
	}
	slices.Sort(names)
	return roots, names
}

// shared counts the directories that files have in common.
func shared(files []string) int {
	first := strings.Split(files[0], "/")
	n := len(first)
	for _, f := range files[1:] {
		parts := strings.Split(f, "/")
		n = min(n, len(parts))
		for i := range n {
			if parts[i] != first[i] {
				n = i
				break
			}
		}
	}
	return n
}
