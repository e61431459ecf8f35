package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/phialdev/phial/internal/image"
)

// Annotations by which readers of layouts and archives find an image's name.
const (
	refName        = "org.opencontainers.image.ref.name" // a tag
	containerdName = "io.containerd.image.name"          // a whole reference
)

const layoutVersion = `{"imageLayoutVersion":"1.0.0"}`

// Layout is a directory as the OCI image layout describes it. Images of other names that
// are there stay; the one that a tag meant before goes.
type Layout struct {
	Dir  string
	Tags []string
}

// Publish implements [Target].
func (l Layout) Publish(ctx context.Context, r *image.Result) (Published, error) {
	p := Published{Target: "OCI layout " + l.Dir}
	for _, t := range l.Tags {
		p.Names = append(p.Names, l.Dir+":"+t)
	}
	_, err := os.Lstat(l.Dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	old, err := readIndex(l.Dir)
	if err != nil {
		return p, err
	}
	w := &layoutWriter{dir: l.Dir}
	if err := w.write(ctx, r, old, l.Tags); err != nil {
		return p, errors.Join(fmt.Errorf("write %s: %w; nothing of it was left behind", l.Dir, image.Reason(err)), w.undo(fresh))
	}
	p.Sent, p.Moved = w.sent, w.moved
	return p, nil
}

// readIndex reads the index of a layout. A directory that is not there, or empty, is a
// layout that holds nothing.
func readIndex(dir string) (*v1.IndexManifest, error) {
	none := &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return none, nil
	case err != nil:
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		return nil, fmt.Errorf("%s holds other things than an OCI layout: give a directory that is empty or not there yet", dir)
	}
	ix, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("%s is no whole OCI layout: %w", dir, err)
	}
	return ix.IndexManifest()
}

type layoutWriter struct {
	dir   string
	made  []string // blobs that were not there before
	sent  int64
	moved map[string]string // tag, and the digest that it stood for
}

func (w *layoutWriter) write(ctx context.Context, r *image.Result, old *v1.IndexManifest, tags []string) error {
	all, err := everything(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(w.dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	for _, b := range all {
		if err := w.blob(ctx, b); err != nil {
			return err
		}
	}
	entries, err := describe(r, tags, nil)
	if err != nil {
		return err
	}
	next := old.DeepCopy()
	next.Manifests = slices.DeleteFunc(next.Manifests, func(d v1.Descriptor) bool {
		replaced := slices.ContainsFunc(entries, func(n v1.Descriptor) bool {
			return n.Annotations[refName] == d.Annotations[refName] && (d.Annotations[refName] != "" || n.Digest == d.Digest)
		})
		if replaced && d.Annotations[refName] != "" && d.Digest != r.Digest {
			if w.moved == nil {
				w.moved = map[string]string{}
			}
			w.moved[d.Annotations[refName]] = d.Digest.String()
		}
		return replaced
	})
	next.Manifests = append(next.Manifests, entries...)
	next.Manifests = slices.DeleteFunc(next.Manifests, func(d v1.Descriptor) bool { return w.orphaned(d, next.Manifests) })
	raw, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	version := filepath.Join(w.dir, "oci-layout")
	if _, err := os.Stat(version); err != nil {
		if err := replace(version, []byte(layoutVersion)); err != nil {
			return err
		}
		w.made = append(w.made, version)
	}
	// From here on the image has its name.
	if err := replace(filepath.Join(w.dir, "index.json"), raw); err != nil {
		return err
	}
	return collect(w.dir, old, next)
}

// orphaned says whether an entry is about an image that the layout has no more.
func (w *layoutWriter) orphaned(d v1.Descriptor, all []v1.Descriptor) bool {
	read := func(d v1.Descriptor) (m v1.IndexManifest) {
		raw, err := os.ReadFile(filepath.Join(w.dir, "blobs", d.Digest.Algorithm, d.Digest.Hex))
		if err != nil || json.Unmarshal(raw, &m) != nil {
			return v1.IndexManifest{}
		}
		return m
	}
	if d.Annotations[refName] != "" {
		return false
	}
	about := read(d).Subject
	if about == nil {
		return false
	}
	return !slices.ContainsFunc(all, func(o v1.Descriptor) bool {
		return o.Digest == about.Digest || o.MediaType.IsIndex() && slices.ContainsFunc(read(o).Manifests, func(c v1.Descriptor) bool { return c.Digest == about.Digest })
	})
}

// blob writes a blob that is not there yet, so that nobody ever sees half of it.
func (w *layoutWriter) blob(ctx context.Context, b blob) (err error) {
	path := filepath.Join(w.dir, "blobs", b.digest.Algorithm, b.digest.Hex)
	if fi, err := os.Stat(path); err == nil && fi.Size() == b.size {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(b.copyTo(ctx, f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	w.made = append(w.made, path)
	w.sent += b.size
	return nil
}

// undo removes what was written before the image had its name.
func (w *layoutWriter) undo(fresh bool) error {
	if fresh {
		return os.RemoveAll(w.dir)
	}
	var errs []error
	for _, path := range w.made {
		errs = append(errs, os.Remove(path))
	}
	// Directories that were there stay; those that were made here are empty now.
	for _, dir := range []string{"blobs/sha256", "blobs"} {
		os.Remove(filepath.Join(w.dir, dir)) //nolint:errcheck // not empty: it was there before
	}
	return errors.Join(errs...)
}

// replace writes a file in one step.
func replace(path string, content []byte) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, content, 0o644); err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	return os.Rename(tmp, path)
}

// describe gives the entries of an index.json: the image once for each tag, and what is
// kept beside it.
func describe(r *image.Result, tags []string, names []string) ([]v1.Descriptor, error) {
	d, err := partial.Descriptor(r.Root)
	if err != nil {
		return nil, err
	}
	if d.Platform == nil && len(r.Platforms) == 1 {
		d.Platform = &v1.Platform{OS: "linux", Architecture: r.Platforms[0].Arch}
	}
	d.ArtifactType = "" // it is an image, and its configuration's type is no news
	var all []v1.Descriptor
	for i, tag := range tags {
		e := *d.DeepCopy()
		e.Annotations = map[string]string{refName: tag}
		if i < len(names) {
			e.Annotations[containerdName] = names[i]
		}
		all = append(all, e)
	}
	if len(tags) == 0 {
		all = append(all, *d)
	}
	for _, ref := range r.Referrers {
		e, err := partial.Descriptor(ref)
		if err != nil {
			return nil, err
		}
		all = append(all, *e)
	}
	return all, nil
}

// collect removes the blobs that the old index needed and the new one does not. What
// somebody else put there is left alone.
func collect(dir string, old, next *v1.IndexManifest) error {
	needed := reachable(dir, next)
	var errs []error
	for h := range reachable(dir, old) {
		if !needed[h] {
			if err := os.Remove(filepath.Join(dir, "blobs", h.Algorithm, h.Hex)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// reachable follows manifests as far as they are in the layout.
func reachable(dir string, ix *v1.IndexManifest) map[v1.Hash]bool {
	all := map[v1.Hash]bool{}
	var follow func(d v1.Descriptor)
	follow = func(d v1.Descriptor) {
		if all[d.Digest] {
			return
		}
		all[d.Digest] = true
		if !d.MediaType.IsIndex() && !d.MediaType.IsImage() {
			return
		}
		raw, err := os.ReadFile(filepath.Join(dir, "blobs", d.Digest.Algorithm, d.Digest.Hex))
		if err != nil {
			return
		}
		var m struct {
			Config    *v1.Descriptor  `json:"config"`
			Layers    []v1.Descriptor `json:"layers"`
			Manifests []v1.Descriptor `json:"manifests"`
		}
		if json.Unmarshal(raw, &m) != nil {
			return
		}
		if m.Config != nil {
			all[m.Config.Digest] = true
		}
		for _, l := range m.Layers {
			all[l.Digest] = true
		}
		for _, c := range m.Manifests {
			follow(c)
		}
	}
	for _, d := range ix.Manifests {
		follow(d)
	}
	return all
}
