package beamtest

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/phialdev/phial/internal/testkit"
)

// Source gives a directory with the upstream source of one of Debian's source packages, as a suite has it. It is
// fetched once.
func Source(tb testing.TB, suite, pkg string) string {
	tb.Helper()
	notShort(tb)
	dir, err := fetchSource(tb.Context(), suite, pkg)
	if err != nil {
		tb.Fatalf("source of %s in %s: %v", pkg, suite, err)
	}
	return dir
}

func fetchSource(ctx context.Context, suite, pkg string) (string, error) {
	cache, err := testkit.CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "source", suite+"-"+pkg+"-"+testkit.Key(suite, pkg))
	return dir, testkit.Once(dir, os.RemoveAll, func(tmp string) error {
		state := tmp + ".apt"
		defer discard(state)
		if err := aptSource(ctx, suite, pkg, state); err != nil {
			return err
		}
		found, err := filepath.Glob(filepath.Join(state, "*.orig.tar.xz"))
		if err != nil || len(found) != 1 {
			return fmt.Errorf("apt-get source fetched %d archives, want one .orig.tar.xz", len(found))
		}
		return unpackXZ(found[0], tmp)
	})
}

// aptSource has apt-get fetch the upstream archive into a directory, which holds all that apt-get knows: the machine's
// own lists have binary packages alone, and may be those of another suite. apt-get checks signature and hash.
func aptSource(ctx context.Context, suite, pkg, dir string) error {
	archive, err := mirror()
	if err != nil {
		return err
	}
	if err := needDebootstrap(ctx); err != nil { // and with it the archive's keys
		return err
	}
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return err
		}
	}
	list := fmt.Sprintf("deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n", archive, suite)
	for name, content := range map[string]string{"sources.list": list, "status": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	options := []string{"-q", "-o", "Dir::State=" + dir, "-o", "Dir::State::status=" + dir + "/status", "-o", "Dir::Cache=" + dir + "/cache",
		"-o", "Dir::Etc::sourcelist=" + dir + "/sources.list", "-o", "Dir::Etc::sourceparts=-", "-o", "APT::Sandbox::User=root"}
	for _, verb := range [][]string{{"update"}, {"source", "--download-only", "--tar-only", "--only-source", pkg}} {
		cmd := exec.CommandContext(ctx, "apt-get", append(options[:len(options):len(options)], verb...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C")
		if err := testkit.Supervised(cmd, func() error {
			out, err := cmd.CombinedOutput()
			if err != nil {
				return fmt.Errorf("apt-get %s: %w: %s", verb[0], err, testkit.LastLines(out))
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// unpackXZ writes the files of an archive to dir, without the directory that all of them are in.
func unpackXZ(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	x, err := xz.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(x); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, _ := strings.Cut(strings.TrimPrefix(h.Name, "./"), "/")
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(name) {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		out, err := os.Create(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, r)
		if err := errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
}

var vsn = regexp.MustCompile(`\{vsn,\s*"([^"]+)"`)

// Elixir gives the version of the Elixir that this OTP has, such as "1.18.3".
func (o OTP) Elixir(tb testing.TB) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(o.Root, "/usr/lib/elixir/lib/elixir/ebin/elixir.app"))
	if err != nil {
		tb.Fatal(err)
	}
	m := vsn.FindSubmatch(b)
	if m == nil {
		tb.Fatalf("%s: no version in elixir.app", o)
	}
	return string(m[1])
}

// Answer runs an Elixir script in a copy of a directory and gives what it wrote to the file "answer" there. The same
// script is run once over the same files with the same Elixir.
func (o OTP) Answer(tb testing.TB, dir, script string) []byte {
	tb.Helper()
	files, err := sources(dir)
	if err != nil {
		tb.Fatal(err)
	}
	parts := []string{filepath.Base(o.Root), o.Elixir(tb), script}
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			tb.Fatal(err)
		}
		parts = append(parts, name, string(b))
	}
	cache, err := testkit.CacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	shelf := filepath.Join(cache, "answers", testkit.Key(parts...))
	err = testkit.Once(shelf, os.RemoveAll, func(tmp string) error {
		home, outside := o.home(tb)
		if err := copyTree(dir, outside); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(outside, "script.exs"), []byte(script), 0o644); err != nil {
			return err
		}
		o.run(tb, home, "elixir", "script.exs")
		return copyFile(filepath.Join(outside, "answer"), filepath.Join(tmp, "answer"))
	})
	if err != nil {
		tb.Fatalf("%s: %v", o, err)
	}
	b, err := os.ReadFile(filepath.Join(shelf, "answer"))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
