package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/pflag"

	"github.com/phialdev/phial/internal/image/publish"
)

// pushTo is what --push says.
type pushTo struct {
	name.Repository
	tag string // empty: those that follow from the version and the commit
}

// places looks at where the image is to go, before minutes are spent on making it.
func (o *options) places() (err error) {
	if o.push != "" {
		if o.repository.Repository, o.repository.tag, err = publish.Repository(o.push); err != nil {
			return err
		}
	}
	if o.name != "" {
		if _, err := name.NewRepository(o.name); err != nil {
			return fmt.Errorf("--name %s: %w: give a repository without a tag, such as registry.example.com/shop", o.name, err)
		}
	}
	for flag, file := range map[string]string{"--tarball": o.tarball, "--sbom": o.sbomFile} {
		if file == "" {
			continue
		}
		dir := filepath.Dir(file)
		if fi, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !fi.IsDir() {
			return fmt.Errorf("%s %s: there is no directory %s: make it first", flag, file, dir)
		}
		if fi, err := os.Stat(file); err == nil && fi.IsDir() {
			return fmt.Errorf("%s %s is a directory: give a file in it", flag, file)
		}
	}
	return nil
}

// noneEmpty refuses a flag without a value, which is what a script makes of a variable that
// nobody has set: --push "$REPOSITORY" must not end well where it pushes nothing.
func noneEmpty(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		empty := f.Value.Type() == "string" && f.Value.String() == ""
		if list, ok := f.Value.(pflag.SliceValue); ok {
			empty = slices.Contains(list.GetSlice(), "")
		}
		if empty && err == nil {
			err = fmt.Errorf("--%s is empty: give it a value, or leave it out", f.Name)
		}
	})
	return err
}
