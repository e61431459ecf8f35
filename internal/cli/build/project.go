package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/release"
)

// findProject works out what DIR is: a project, or a release, or neither where release
// directories are given.
func (o *options) findProject(given bool) error {
	abs, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	o.dir = abs
	if len(o.releaseDirs) == 0 {
		if err := release.CheckDir(o.dir); err != nil {
			if errors.Is(err, release.ErrNoApp) {
				return fmt.Errorf("%w: name the directory of one, or --release-dir", err)
			}
			return err
		}
		if release.Is(o.dir) && !release.IsProject(o.dir) {
			o.releaseDirs, o.dir = []string{o.dir}, ""
		}
		return nil
	}
	for _, dir := range o.releaseDirs {
		if err := release.CheckDir(dir); err != nil && !errors.Is(err, release.ErrNoApp) {
			return err
		}
	}
	switch {
	case !given && (!release.IsProject(o.dir) || !o.inside()):
		o.dir = "" // where we happen to be says nothing about the release
	case given && !release.IsProject(o.dir):
		return fmt.Errorf("%s is no mix project: beside --release-dir, DIR is the project that the release was built from", o.dir)
	}
	return nil
}

// inside says whether the releases are below the project, as mix puts them.
func (o *options) inside() bool {
	for _, dir := range o.releaseDirs {
		abs, err := filepath.Abs(dir)
		if err != nil || !strings.HasPrefix(abs, o.dir+string(filepath.Separator)) {
			return false
		}
	}
	return true
}

// facts are what the project says of the image beside the release.
type facts struct {
	revision   image.Revision
	lock       []project.Locked
	ports      []int
	repository string // of phial.yaml's image
}

// beamApp reads phial.yaml, if there is a good one; if it is not, `phial render` says what
// is wrong with it.
func beamApp(dir string) *v1alpha1.BeamApp {
	sources, err := manifest.Open(filepath.Join(dir, "phial.yaml"), nil)
	if err != nil {
		return nil
	}
	read, err := manifest.Read(sources, manifest.Options{})
	if err != nil || len(read.Apps) != 1 {
		return nil
	}
	return read.Apps[0].BeamApp
}

// created is the image's time: SOURCE_DATE_EPOCH, or the commit's where the commit is all.
func created(r image.Revision) (time.Time, error) {
	const name = "SOURCE_DATE_EPOCH"
	const year10000 = 253402300800 // beyond it there is no RFC 3339, which images use
	if text, ok := os.LookupEnv(name); ok && text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n >= year10000 {
			return time.Time{}, fmt.Errorf("%s=%s is no number of seconds since 1970: such as %s=$(git log -1 --format=%%ct)", name, text, name)
		}
		return time.Unix(n, 0).UTC(), nil
	}
	if r.Dirty {
		return time.Time{}, nil
	}
	return r.Time, nil
}
