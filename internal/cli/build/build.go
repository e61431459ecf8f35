package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/image/debian"
	"github.com/phialdev/phial/internal/image/publish"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/release"
	"github.com/phialdev/phial/internal/version"
)

// sizeLimit is what teams expect of an image at most, bytes unpacked (IMG-14).
const sizeLimit = 120e6

func build(ctx context.Context, s *term.IO, o options) (err error) {
	line := s.Line()
	defer line.Clear()
	f, err := o.facts(ctx)
	if err != nil {
		return err
	}
	io, err := o.imageOptions(f)
	if err != nil {
		return err
	}
	if len(o.releaseDirs) > 0 {
		if io.Releases, err = o.releases(); err != nil {
			return err
		}
		return o.image(ctx, s, line, f, io)
	}
	memory, err := local.StateRoot()
	if err != nil {
		return err
	}
	b := release.Builder{Dir: o.dir, Want: o.release, Memory: memory, Env: os.Environ(), Always: true, Progress: func(text string) { s.Notef("%s", text) }}
	made := false
	// While nobody else builds over it.
	b.Keep = func(r release.Release) (release.Release, error) {
		made, io.Releases = true, []release.Release{r}
		return r, o.image(ctx, s, line, f, io)
	}
	line.Set("looking at %s …", o.dir)
	if _, err = b.Build(ctx); err != nil && !made {
		err = interrupted(ctx, err)
	}
	return err
}

// image makes the image of releases that are there, and brings it where it is wanted.
func (o *options) image(ctx context.Context, s *term.IO, line *term.Line, f facts, io image.Options) (err error) {
	io.Progress = func(text string) { line.Set("%s …", text) }
	result, err := image.Build(ctx, io)
	if result == nil {
		return interrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, result.Close()) }()
	if errors.Is(err, image.ErrRefused) {
		line.Clear()
		if err := show(s, *o, newReport(result, nil)); err != nil {
			return err
		}
		return &term.ExitError{Code: term.Findings, Err: refusal(*o, result)}
	}
	if err != nil {
		return err
	}
	targets, err := o.targets(f, result, line)
	if err != nil {
		return err
	}
	// Looked at before the push, so that a file which can't be pinned stops it.
	if _, err := o.plan(s, f, result); err != nil {
		return fmt.Errorf("%w; nothing was pushed", err)
	}
	var published []publish.Published
	for _, t := range targets {
		p, err := t.Publish(ctx, result)
		if err != nil {
			line.Clear()
			for _, done := range published {
				s.Notef("done before that: %s", done.Target)
			}
			return interrupted(ctx, err)
		}
		published = append(published, p)
	}
	line.Clear()
	if err := o.writeSBOM(result); err != nil {
		return err
	}
	if err := o.pin(s, f, result); err != nil {
		return err
	}
	if f.revision.Dirty {
		s.Notef("not everything is committed: the image has no tag of a commit, and its revision says %s", f.revision)
	}
	return show(s, *o, newReport(result, published))
}

func refusal(o options, r *image.Result) error {
	nothing := "nothing was written"
	if o.push != "" {
		nothing = "nothing was pushed"
	}
	return fmt.Errorf("%s %s was refused, and %s: mend what the findings above say, or --accept a CODE", r.Name, r.Version, nothing)
}

// interrupted says so in one line where that is what happened.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return term.ErrInterrupted
	}
	return err
}

// facts asks the project.
func (o *options) facts(ctx context.Context) (facts, error) {
	var f facts
	if o.dir == "" {
		return f, nil
	}
	f.revision = image.ReadRevision(ctx, o.dir)
	lock, err := os.ReadFile(filepath.Join(o.dir, "mix.lock"))
	if err == nil {
		f.lock = project.ReadLock(string(lock))
	} else if !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	if app := beamApp(o.dir); app != nil {
		if ref, err := name.ParseReference(app.Spec.Image); err == nil {
			f.repository = strings.TrimPrefix(ref.Context().Name(), name.DefaultRegistry+"/library/")
		}
		if app.Spec.HTTP != nil && app.Spec.HTTP.Port > 0 {
			f.ports = []int{int(app.Spec.HTTP.Port)}
		}
	}
	return f, nil
}

// releases opens the releases that are there.
func (o *options) releases() ([]release.Release, error) {
	var all []release.Release
	for _, dir := range o.releaseDirs {
		if !release.Is(dir) {
			return nil, fmt.Errorf("%s is no release: it has no releases/start_erl.data; `mix release` makes one in _build/prod/rel/NAME", dir)
		}
		r, err := release.Open(dir, o.release)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (o *options) imageOptions(f facts) (image.Options, error) {
	labels := map[string]string{}
	for _, kv := range o.labels {
		k, v, _ := strings.Cut(kv, "=")
		labels[k] = v
	}
	when, err := created(f.revision)
	if err != nil {
		return image.Options{}, err
	}
	cache := o.cache
	if cache == "" {
		if cache, err = cacheDir(); err != nil {
			return image.Options{}, err
		}
	}
	return image.Options{
		Base: o.base,
		Debian: image.Debian{Suite: o.suite, Packages: o.packages,
			Sources: debian.Sources{Mirror: o.mirror, Security: o.securityMirror, Keyring: o.keyring, AnyAge: o.anyAge}},
		Env: o.env, Labels: labels, Ports: f.ports, Revision: f.revision, Locked: o.dir != "", Lock: f.lock, Version: version.String(), Created: when,
		Compression: image.Compression(o.compression), Cache: cache, Accept: o.accepted, NoSBOM: o.noSBOM, Limit: sizeLimit,
	}, nil
}

func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil { // an empty HOME
		dir = filepath.Join(os.TempDir(), "phial-"+strconv.Itoa(os.Getuid()))
		return filepath.Join(dir, "build"), os.MkdirAll(dir, 0o700)
	}
	return filepath.Join(dir, "phial", "build"), nil
}

// tagsOf are the tags that the image gets, each once.
func (o *options) tagsOf(f facts, r *image.Result) ([]string, error) {
	tags := publish.Tags(r.Version, f.revision)
	if o.repository.tag != "" {
		tags = []string{o.repository.tag}
	}
	for _, t := range tags {
		if err := publish.CheckTag(t); err != nil {
			return nil, fmt.Errorf("the release's version makes no tag: %w; give one with --push REPOSITORY:TAG", err)
		}
	}
	for _, t := range o.tags {
		if !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags, nil
}

// targets are where the image goes, the registry last: it is what others see.
func (o *options) targets(f facts, r *image.Result, line *term.Line) ([]publish.Target, error) {
	tags, err := o.tagsOf(f, r)
	if err != nil {
		return nil, err
	}
	var all []publish.Target
	called := o.name
	switch {
	case called != "":
	case o.push != "":
		called = o.repository.Name()
	case f.repository != "":
		called = f.repository
	default:
		called = r.Name
	}
	if o.layout != "" {
		all = append(all, publish.Layout{Dir: o.layout, Tags: tags})
	}
	if o.tarball != "" {
		all = append(all, publish.Tarball{File: o.tarball, Name: called, Tags: tags})
	}
	if o.containerd {
		all = append(all, publish.Containerd{Command: strings.Fields(o.ctr), Address: o.address, Namespace: o.namespace, Name: called, Tags: tags})
	}
	if o.push != "" {
		line.Set("pushing to %s …", o.repository)
		all = append(all, publish.Registry{Repository: o.repository.Repository, Tags: tags, Progress: func(sent int64) {
			line.Set("pushing to %s: %.1f MB sent …", o.repository, float64(sent)/1e6)
		}})
	}
	return all, nil
}

// writeSBOM writes the SBOM of the first platform, or one for each beside it.
func (o *options) writeSBOM(r *image.Result) error {
	if o.sbomFile == "" {
		return nil
	}
	for _, p := range r.Platforms {
		file := o.sbomFile
		if len(r.Platforms) > 1 {
			ext := filepath.Ext(file)
			file = strings.TrimSuffix(file, ext) + "-" + p.Arch + ext
		}
		if err := os.WriteFile(file, p.SBOM, 0o644); err != nil {
			if o.push != "" {
				err = fmt.Errorf("%w; the image was pushed", err)
			}
			return fmt.Errorf("write the SBOM: %w", err)
		}
	}
	return nil
}
