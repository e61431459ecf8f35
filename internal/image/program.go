package image

import (
	"context"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/image/debian"
	"github.com/phialdev/phial/internal/image/sbom"
	"github.com/phialdev/phial/internal/image/tree"
	"github.com/phialdev/phial/internal/release"
)

// Program is a statically linked program in Go, such as Phial itself.
type Program struct {
	Name, Version string
	Files         []string // of one program, one for each architecture
}

// programDir is where a program is in its image.
const programDir = "usr/bin"

// BuildProgram makes the image of a program that needs nothing beside it: certificates, time
// zones and a user, no shell and no library. Of the options, those of releases do not count.
func BuildProgram(ctx context.Context, o Options, prog Program) (*Result, error) {
	o.Releases = nil
	return o.run(func(b *builder, result *Result) error {
		result.Name, result.Version = prog.Name, prog.Version
		for _, file := range prog.Files {
			p, err := b.program(ctx, prog, file)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			result.Platforms = append(result.Platforms, p)
		}
		return nil
	})
}

func (b *builder) program(ctx context.Context, prog Program, file string) (*Platform, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("it is no program in Go: %w", err)
	}
	if err := linkedStatically(file); err != nil {
		return nil, err
	}
	p := &Platform{release: release.Release{Name: prog.Name, Version: prog.Version}}
	for _, s := range info.Settings {
		if s.Key == "GOARCH" {
			p.Arch = s.Value
		}
	}
	if p.base, err = b.bare(ctx, p.Arch); err != nil {
		return nil, err
	}
	p.Base = p.base.name
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	name := path.Join(programDir, prog.Name)
	p.files = tree.Tree{tree.Bytes(name, text, tree.ModeExecutable)}
	l, err := b.store.newLayer(ctx, prog.Name, p.files, b.codec)
	if err != nil {
		return nil, err
	}
	cfg := b.config(p.release, p)
	cfg.Config.Entrypoint, cfg.Config.Cmd, cfg.Config.WorkingDir = []string{"/" + name}, nil, "/"
	cfg.Config.Env = slices.DeleteFunc(cfg.Config.Env, func(kv string) bool { return strings.HasPrefix(kv, "RELEASE_") })
	if p.Image, err = b.assembleImage(p, cfg, []*layer{l}); err != nil {
		return nil, err
	}
	if p.Digest, err = p.Image.Digest(); err != nil {
		return nil, err
	}
	p.measure([]*layer{l})
	p.program = &sbom.Program{Go: strings.TrimPrefix(info.GoVersion, "go"), Main: info.Main.Path}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		p.program.Modules = append(p.program.Modules, sbom.Module{Path: m.Path, Version: m.Version})
	}
	return p, nil
}

// linkedStatically refuses a program that wants a loader, which its image has not.
func linkedStatically(file string) error {
	f, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("it is no program for Linux: %w", err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it is linked dynamically: build it with CGO_ENABLED=0")
		}
	}
	return nil
}

// bare is the base of a program that is linked statically.
func (b *builder) bare(ctx context.Context, arch string) (*base, error) {
	suite := b.Debian.Suite
	if suite == "" {
		suite = debian.SuiteFor(nil)
	}
	root, err := debian.Assemble(ctx, debian.Options{
		Suite: suite, Arch: debian.ArchOf(arch), Bare: true, Sources: b.Debian.Sources,
		Cache: filepath.Join(b.store.dir, "debian"), Progress: b.Progress,
	})
	if err != nil {
		return nil, fmt.Errorf("assemble a base: %w", err)
	}
	return b.assembled(ctx, root, arch)
}
