package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/phialdev/phial/internal/cli/build"
	"github.com/phialdev/phial/internal/host"
)

const example = "examples/tally"

// workshop is a directory with the tools, a home, and the project twice.
type workshop struct {
	dir, phial, crane string
	ours, mix         string // the project, as phial build and as mix alone work on it
	env               []string
	base              v1.Image // what the release is put upon, all by itself
}

func newWorkshop(ctx context.Context, dir string) (*workshop, error) {
	w := &workshop{
		dir: dir, phial: filepath.Join(dir, "phial"), crane: filepath.Join(dir, "crane"),
		ours: filepath.Join(dir, "ours", "tally"), mix: filepath.Join(dir, "mix", "tally"),
	}
	for out, pkg := range map[string]string{w.phial: "./cmd/phial", w.crane: "github.com/google/go-containerregistry/cmd/crane"} {
		if _, _, err := run(ctx, ".", append(os.Environ(), "CGO_ENABLED=0"), "go", "build", "-trimpath", "-o", out, pkg); err != nil {
			return nil, err
		}
	}
	// Nothing of whoever runs this: no credentials, no settings, no cache.
	env := slices.DeleteFunc(host.InheritedEnv(os.Environ()), func(kv string) bool {
		return slices.ContainsFunc([]string{"XDG_", "MIX_", "GIT_", "DOCKER_", "REGISTRY_AUTH_FILE=", "SOURCE_DATE_EPOCH=", "ERL_COMPILER_OPTIONS="}, func(p string) bool {
			return strings.HasPrefix(kv, p)
		})
	})
	home := filepath.Join(dir, "home")
	w.env = host.MergeEnv(env, []string{"HOME=" + home, "DOCKER_CONFIG=" + filepath.Join(home, ".docker"), "LANG=C.UTF-8", "LC_ALL=C.UTF-8"})
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	for _, to := range []string{w.ours, w.mix} {
		if err := copyProject(to); err != nil {
			return nil, err
		}
	}
	return w, w.warm(ctx)
}

// copyProject copies what of the example is under version control.
func copyProject(to string) error {
	entries, err := os.ReadDir(example)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		from, to := filepath.Join(example, e.Name()), filepath.Join(to, e.Name())
		switch {
		case slices.Contains([]string{"_build", "cover", "deps", "doc"}, e.Name()): // .gitignore
		case e.IsDir():
			if err := os.CopyFS(to, os.DirFS(from)); err != nil {
				return err
			}
		default:
			text, err := os.ReadFile(from)
			if err != nil {
				return err
			}
			if err := os.WriteFile(to, text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs a command and gives its standard output, and the processor time that it and
// those below it had.
func run(ctx context.Context, dir string, env []string, command ...string) ([]byte, time.Duration, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, 0, fmt.Errorf("%s: %w\n%s%s", strings.Join(command, " "), err, out.Bytes(), errs.Bytes())
	}
	return out.Bytes(), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

// forget leaves nothing compiled, of the project nor of layers; Debian's packages stay.
func (w *workshop) forget() error {
	for _, dir := range []string{filepath.Join(w.ours, "_build"), filepath.Join(w.mix, "_build"), filepath.Join(w.dir, "cache", "layers")} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// edits are the changes of one module each: %s becomes another text each round.
var edits = []struct{ file, at, becomes string }{
	{"lib/tally/counter.ex", "handed the counts over to", "handed the counts over (%s) to"},
	{"lib/tally/json.ex", "  @doc \"The JSON text", "  @doc false\n  def round, do: \"%s\"\n\n  @doc \"The JSON text"},
}

// prepare brings both copies of the project into a situation.
func (w *workshop) prepare(s situation, n int) error {
	for _, project := range []string{w.ours, w.mix} {
		switch s {
		case again: // a file that is not compiled has another time: for phial build the sources are others
			now := time.Now()
			if err := os.Chtimes(filepath.Join(project, "README.md"), now, now); err != nil {
				return err
			}
		case changed:
			e := edits[n%len(edits)]
			text, err := os.ReadFile(filepath.Join(example, e.file))
			if err != nil {
				return err
			}
			if strings.Count(string(text), e.at) != 1 {
				return fmt.Errorf("%s no longer has %q once: change the edits here", e.file, e.at)
			}
			// Another length, too: mix looks at times in whole seconds.
			text = []byte(strings.Replace(string(text), e.at, fmt.Sprintf(e.becomes, strings.Repeat("again and ", n)+"once"), 1))
			if err := os.WriteFile(filepath.Join(project, e.file), text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// mixRelease makes the release of the other copy as phial build does, and gives the time
// that it took and the processor time.
func (w *workshop) mixRelease(ctx context.Context) (took, cpu time.Duration, err error) {
	env := host.MergeEnv(w.env, []string{"MIX_ENV=prod", "ERL_COMPILER_OPTIONS=deterministic"})
	begin := time.Now()
	_, cpu, err = run(ctx, w.mix, env, "mix", "release", "tally", "--overwrite", "--quiet")
	return time.Since(begin), cpu, err
}

// image is what phial build says of the one it made.
type image struct {
	digest         string
	pull, unpacked int64
	cpu            time.Duration // of the command
}

// phialBuild is the whole command, with mix release where that has to run.
func (w *workshop) phialBuild(ctx context.Context, to *registry) (push, image, error) {
	var (
		report build.Report
		cpu    time.Duration
	)
	blobs := to.blobs.Load()
	p, err := to.count(func() (err error) {
		report, cpu, err = w.runPhial(ctx, "--push", to.address+"/tally")
		return err
	})
	if err != nil {
		return p, image{}, err
	}
	// What it says of itself has to be what arrived.
	if got := to.blobs.Load() - blobs; len(report.Published) != 1 || report.Published[0].Sent != got {
		return p, image{}, fmt.Errorf("phial build says %+v, and the registry got %d bytes of blobs", report.Published, got)
	}
	return p, image{report.Digest, report.Platforms[0].Size, report.Platforms[0].Unpacked, cpu}, nil
}

func (w *workshop) runPhial(ctx context.Context, where ...string) (report build.Report, cpu time.Duration, err error) {
	out, cpu, err := run(ctx, w.dir, w.env, append([]string{w.phial, "build", w.ours, "--base", "assemble", "--cache-dir", filepath.Join(w.dir, "cache"), "-o", "json"}, where...)...)
	if err != nil {
		return report, 0, err
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return report, 0, fmt.Errorf("what phial build printed: %w", err)
	}
	if len(report.Platforms) != 1 {
		return report, 0, fmt.Errorf("phial build made %d images", len(report.Platforms))
	}
	return report, cpu, nil
}
