package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/cli/term"
)

// mark begins every file that render writes into a directory: files that have it are
// render's to write anew and to remove, and no other is.
const mark = "# Written by phial render"

const (
	header        = mark + ". Change the BeamApp, not this file: the next render writes it anew.\n"
	kustomization = "kustomization.yaml"
)

// writeDir makes the directory's files those of objects. Files that are right already
// are not touched, so that nobody who watches them wakes. Everything is there in full under
// other names before the first gets its own, and what is no longer wanted goes last: at
// no time does kustomization.yaml name a file that is not there.
func writeDir(s *term.IO, dir string, objects []object) error {
	want := map[string][]byte{}
	order := []string{}
	for _, o := range objects {
		name := o.fileName()
		want[name] = append([]byte(header), o.yaml...)
		order = append(order, name)
	}
	want[kustomization] = kustomizationOf(order)
	order = append(order, kustomization) // last: it names the others

	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write to %s: %w", dir, err)
	}
	there, err := rendered(dir)
	if err != nil {
		return err
	}
	var write, remove []string
	for _, name := range order {
		old, err := os.ReadFile(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("%s is in the way, nothing was written: %w", filepath.Join(dir, name), err)
		case bytes.Equal(old, want[name]):
			continue
		case !slices.Contains(there, name):
			return fmt.Errorf("%s is in the way, nothing was written: its first line does not say that phial render wrote it; move it", filepath.Join(dir, name))
		}
		write = append(write, name)
	}
	for _, name := range there {
		if want[name] == nil {
			remove = append(remove, name)
		}
	}
	if err := replace(dir, write, want); err != nil {
		return err
	}
	for _, name := range remove {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("remove what is no longer wanted: %w", err)
		}
	}
	s.Notef("%s: files written: %d, removed: %d, right already: %d", dir, len(write), len(remove), len(order)-len(write))
	return nil
}

// rendered are the names of the files that an earlier render wrote.
func rendered(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("write to %s: %w", dir, err)
	}
	var all []string
	for _, e := range entries {
		if !e.Type().IsRegular() || filepath.Ext(e.Name()) != ".yaml" {
			continue
		}
		ours, err := marked(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("write to %s: %w", dir, err)
		}
		if ours {
			all = append(all, e.Name())
		}
	}
	return all, nil
}

func marked(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	begin := make([]byte, len(mark))
	n, _ := f.Read(begin) // what can't be read is not ours
	return string(begin[:n]) == mark, nil
}

// replace writes all files or, where one can't be written, none.
func replace(dir string, names []string, content map[string][]byte) (err error) {
	staged := map[string]string{}
	defer func() {
		for _, tmp := range staged {
			err = errors.Join(err, os.Remove(tmp))
		}
	}()
	for _, name := range names {
		f, err := os.CreateTemp(dir, ".phial-render-*")
		if err != nil {
			return fmt.Errorf("nothing was written: %w", err)
		}
		staged[name] = f.Name()
		_, err = f.Write(content[name])
		if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
			return fmt.Errorf("nothing was written: %w", err)
		}
	}
	for _, name := range names {
		if err := os.Rename(staged[name], filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("write %s: %w", filepath.Join(dir, name), err)
		}
		delete(staged, name)
	}
	return nil
}

// kustomizationOf names the files in the order to apply them, which kustomize keeps.
func kustomizationOf(files []string) []byte {
	var b strings.Builder
	b.WriteString(header + "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n")
	for _, f := range files {
		b.WriteString("- " + f + "\n")
	}
	b.WriteString("sortOptions:\n  order: fifo\n")
	return []byte(b.String())
}
