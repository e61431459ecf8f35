package beamtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/testkit"
)

// built are directories of a Mix project that others can be made from; tests say nothing about what its release will be.
var (
	built     = []string{"_build", "deps", "cover", "doc", ".git", ".elixir_ls"}
	notSource = append([]string{"test"}, built...)
)

// BuildRelease makes a release of a copy of the Mix project in dir with the machine's own Elixir, and gives the
// release's directory: the one with bin in it. It is made once for the same content. The project must need no network.
func BuildRelease(tb testing.TB, dir string) string {
	tb.Helper()
	return Host(tb).BuildRelease(tb, dir)
}

// BuildRelease is the function of that name for any OTP. The path is that inside the OTP's own system. env holds
// KEY=value that the project looks at while it is built.
func (o OTP) BuildRelease(tb testing.TB, dir string, env ...string) string {
	tb.Helper()
	path, err := o.buildRelease(tb.Context(), dir, env...)
	if err != nil {
		tb.Fatalf("release of %s with %s: %v", dir, o, err)
	}
	return path
}

// BuildOnCowboy builds a project that takes TALLY_SERVER, as examples/tally does, for cowboy. The OTP has to have that:
// see HasCowboy.
func (o OTP) BuildOnCowboy(tb testing.TB, dir string) string {
	tb.Helper()
	return o.BuildRelease(tb, dir, "TALLY_SERVER=cowboy")
}

func (o OTP) buildRelease(ctx context.Context, dir string, env ...string) (inside string, err error) {
	files, err := sources(dir, notSource...)
	if err != nil {
		return "", err
	}
	if !slices.Contains(files, "mix.exs") {
		return "", errors.New("no mix.exs there")
	}
	key, err := o.releaseKey(ctx, dir, files, env)
	if err != nil {
		return "", err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	// A release holds the emulator of its OTP, so it has to lie where that finds its libraries.
	shelf := filepath.Join(o.Root, "srv", "phial")
	if o.Root == "" {
		cache, err := testkit.CacheDir()
		if err != nil {
			return "", err
		}
		shelf = filepath.Join(cache, "releases")
	}
	outside := filepath.Join(shelf, filepath.Base(abs)+"-"+key)
	err = testkit.Once(outside, remove, func(tmp string) error { return o.mixRelease(ctx, dir, tmp, env) })
	return strings.TrimPrefix(outside, o.Root), err
}

// mixRelease builds into tmp, from a copy beside it that goes away.
func (o OTP) mixRelease(ctx context.Context, dir, tmp string, more []string) error {
	src := tmp + ".src"
	defer discard(src)
	if err := errors.Join(os.RemoveAll(src), copyTree(dir, src, notSource...)); err != nil {
		return err
	}
	inside := strings.TrimPrefix(src, o.Root)
	env := append([]string{"MIX_ENV=prod", "MIX_HOME=" + inside + "/.mix", "HEX_OFFLINE=1"}, more...)
	cmd, err := o.command(ctx, inside, env, "mix", "release", "--overwrite", "--path", strings.TrimPrefix(tmp, o.Root))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := testkit.Supervised(cmd, cmd.Run); err != nil {
		return fmt.Errorf("mix release: %w\n%s", err, out.String())
	}
	return nil
}

// releaseKey is made of everything that the release depends on.
func (o OTP) releaseKey(ctx context.Context, dir string, files, env []string) (string, error) {
	home, err := os.MkdirTemp(filepath.Join(o.Root, "/tmp"), "phial-")
	if err != nil {
		return "", err
	}
	defer discard(home)
	// Both versions, and where the OTP is: the machine's own may be updated in place.
	cmd, err := o.command(ctx, strings.TrimPrefix(home, o.Root), nil, "elixir", "-e",
		`IO.puts([System.version(), " ", :erlang.system_info(:system_version), " ", :code.root_dir()])`)
	if err != nil {
		return "", err
	}
	var version []byte
	if err := testkit.Supervised(cmd, func() (err error) { version, err = cmd.Output(); return err }); err != nil {
		return "", fmt.Errorf("ask Elixir for its version: %w", err)
	}
	parts := append([]string{string(version)}, env...)
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		parts = append(parts, name, fmt.Sprint(info.Mode().Perm()&0o111), string(content))
	}
	return testkit.Key(parts...), nil
}

// sources lists the files of a project, sorted, without those of some of its directories.
func sources(dir string, without ...string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(without, name):
			return fs.SkipDir
		case entry.Type().IsRegular():
			files = append(files, name)
		}
		return nil
	})
	return files, err
}

func copyTree(from, to string, without ...string) error {
	files, err := sources(from, without...)
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
