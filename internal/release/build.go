package release

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phialdev/phial/internal/host"
)

// built is what is remembered of a project's last build, in the state
// directory: the project's own tree gets nothing but what mix puts there.
type built struct {
	Fingerprint string `json:"fingerprint"` // of the sources
	Root        string `json:"root"`        // of the release
	Name        string `json:"name"`
	OTP         string `json:"otp"` // what it was built with
	Named       bool   `json:"named"`
	Asked       string `json:"asked"` // what mix's answers depend on (see asked)
	Data        string `json:"data"`  // modification time of start_erl.data: who else built since?
}

// Builder makes a release of a mix project.
type Builder struct {
	Dir      string       // of the project
	Want     string       // release asked for, or empty
	Memory   string       // directory for what is remembered: the state root
	Env      []string     // of whoever asked; what speaks of another release is left out
	Progress func(string) // a line at a time
	// Always has mix release run whatever the sources look like: mix knows more than a look
	// at the project's files tells, such as dependencies by path and what config reads.
	Always bool
	// Keep takes a built release before anybody can build over it; nil: it
	// stays where it is.
	Keep func(Release) (Release, error)
}

// Build gives the project's release, made anew if the sources changed since it
// was made. A failed build's output is in the error.
func (b Builder) Build(ctx context.Context) (Release, error) {
	sum, err := fingerprint(b.Dir)
	if err != nil {
		return Release{}, err
	}
	note, unlock, err := b.note(ctx)
	if err != nil {
		return Release{}, err
	}
	defer unlock()
	r, ok := b.fresh(note, sum)
	if !ok || b.Always {
		if r, err = b.make(ctx, note, sum); err != nil {
			return Release{}, err
		}
	}
	if b.Keep == nil {
		return r, nil
	}
	return b.Keep(r)
}

// make builds the release and remembers of what.
func (b Builder) make(ctx context.Context, note, sum string) (Release, error) {
	mix, err := host.LookPath("mix", b.Env)
	if err != nil {
		return Release{}, errNoElixir
	}
	if _, err := host.LookPath("elixir", b.Env); err != nil {
		return Release{}, errNoElixir
	}
	asked := b.asked(mix)
	a, known := b.answered(note, asked)
	if !known {
		if a, err = b.ask(ctx, mix); err != nil {
			return Release{}, err
		}
	}
	r, err := b.release(ctx, mix, a)
	if err != nil && known && ctx.Err() == nil {
		// The answer of another day may be what is wrong.
		now, again := b.ask(ctx, mix)
		if again != nil || now == a {
			return Release{}, err
		}
		a = now
		r, err = b.release(ctx, mix, a)
	}
	if err != nil {
		return Release{}, err
	}
	rec, err := json.Marshal(built{Fingerprint: sum, Root: r.Root, Name: r.Name, OTP: a.otp, Named: a.named, Asked: asked, Data: dataTime(r.Root)})
	if err != nil {
		return Release{}, err
	}
	return r, host.WriteFile(note, rec)
}

// release runs mix release, and sees to it that what is at the expected place was made just now.
func (b Builder) release(ctx context.Context, mix string, a answer) (Release, error) {
	task := []string{"release", a.name}
	if !a.named {
		task = task[:1] // mix knows a release that mix.exs does not name only without its name
	}
	what := "mix " + strings.Join(task, " ")
	b.Progress(what)
	begin, before := time.Now(), dataTime(a.path)
	if out, err := b.mix(ctx, mix, true, append(task, "--overwrite", "--quiet")...); err != nil {
		return Release{}, failed(ctx, what, out, err)
	}
	if dataTime(a.path) == before {
		return Release{}, fmt.Errorf("%s made no release in %s", what, a.path)
	}
	r, err := Open(a.path, a.name)
	if err != nil {
		return Release{}, err
	}
	r.OTP = a.otp
	b.Progress(fmt.Sprintf("built %s %s in %.1f s", r.Name, r.Version, time.Since(begin).Seconds()))
	return r, nil
}

// asked changes with what mix's answers depend on: every mix.exs, mix's own settings, and
// which Elixir and Erlang there are. Starting mix to ask takes half a second.
func (b Builder) asked(mix string) string {
	h := sha256.New()
	below, _ := filepath.Glob(filepath.Join(b.Dir, "*", "*", "mix.exs")) // the pattern is a good one
	for _, name := range append(below, filepath.Join(b.Dir, "mix.exs")) {
		text, err := os.ReadFile(name)
		fmt.Fprintf(h, "%s\x00%d\x00%s\x00%v\x00", name, len(text), text, err)
	}
	for _, kv := range b.Env {
		if strings.HasPrefix(kv, "MIX_") {
			fmt.Fprintf(h, "%s\x00", kv)
		}
	}
	erl, _ := host.LookPath("erl", b.Env) // not there: mix says so
	for _, program := range []string{mix, erl} {
		if target, err := filepath.EvalSymlinks(program); err == nil {
			program = target
		}
		if fi, err := os.Stat(program); err == nil {
			fmt.Fprintf(h, "%s\x00%d\x00%d\x00", program, fi.Size(), fi.ModTime().UnixNano())
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// answered is what mix said when it was last asked the same.
func (b Builder) answered(note, asked string) (answer, bool) {
	var rec built
	data, err := os.ReadFile(note)
	if err != nil || json.Unmarshal(data, &rec) != nil || rec.Asked != asked || rec.Root == "" {
		return answer{}, false
	}
	return answer{name: rec.Name, path: rec.Root, named: rec.Named, otp: rec.OTP}, true
}

var errNoElixir = errors.New("elixir is not installed (mix is not in PATH): apt-get install elixir")

// note gives the path of what is remembered of this project and release, held
// against other builds of it until unlock.
func (b Builder) note(ctx context.Context) (path string, unlock func(), err error) {
	dir := filepath.Join(b.Memory, ".builds")
	if err := host.PrivateDir(dir); err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256([]byte(b.Dir + "\x00" + b.Want))
	path = filepath.Join(dir, hex.EncodeToString(sum[:12])+".json")
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", nil, err
	}
	told := false
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return path, func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return "", nil, err
		}
		if !told {
			b.Progress("waiting for another build of " + b.Dir)
			told = true
		}
		select {
		case <-ctx.Done():
			f.Close()
			return "", nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// fresh gives the remembered release if it is still what the sources say.
func (b Builder) fresh(note, sum string) (Release, bool) {
	var rec built
	data, err := os.ReadFile(note)
	if err != nil || json.Unmarshal(data, &rec) != nil || rec.Fingerprint != sum || rec.Data != dataTime(rec.Root) {
		return Release{}, false
	}
	r, err := Open(rec.Root, rec.Name)
	r.OTP = rec.OTP
	return r, err == nil
}

func dataTime(root string) string {
	fi, err := os.Stat(filepath.Join(root, "releases", "start_erl.data"))
	if err != nil {
		return ""
	}
	return fi.ModTime().UTC().Format(time.RFC3339Nano)
}

// question asks mix which releases the project has and where they go. Mix puts
// a project without any under its app's name, and refuses to choose between
// several.
const question = `
c = Mix.Project.config()
rels = case c[:releases] do
  nil -> []
  f when is_function(f, 0) -> f.()
  l -> l
end
path = fn name, opts ->
  (is_list(opts) && opts[:path]) || Path.join([Mix.Project.build_path(), "rel", to_string(name)])
end
default = c[:default_release]
if default, do: IO.puts("phial default #{default}")
if rels == [] and not Mix.Project.umbrella?(), do: IO.puts("phial implied #{c[:app]} #{path.(c[:app], [])}")
otp = Path.join([:code.root_dir(), "releases", System.otp_release(), "OTP_VERSION"])
with {:ok, version} <- File.read(otp), do: IO.puts("phial otp #{String.trim(version)}")
for {name, opts} <- rels do
  opts = if is_function(opts, 0), do: opts.(), else: opts
  IO.puts("phial release #{name} #{path.(name, opts)}")
end
`

// answer is what mix says of a project.
type answer struct {
	name, path string // of the release to build
	named      bool   // mix.exs names it
	otp        string // version of Erlang/OTP
}

// ask finds out which release to build.
func (b Builder) ask(ctx context.Context, mix string) (a answer, err error) {
	out, err := b.mix(ctx, mix, false, "run", "--no-start", "--no-compile", "--no-deps-check", "--no-archives-check", "-e", question)
	if err != nil {
		return a, failed(ctx, "mix", out, err)
	}
	paths := map[string]string{}
	var names []string
	pick := b.Want
	for line := range strings.Lines(string(out)) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 4)
		switch {
		case len(f) == 3 && f[0] == "phial" && f[1] == "default" && pick == "":
			pick = f[2]
		case len(f) == 3 && f[0] == "phial" && f[1] == "otp":
			a.otp = f[2]
		case len(f) == 4 && f[0] == "phial" && (f[1] == "release" || f[1] == "implied"):
			a.named = f[1] == "release"
			names = append(names, f[2])
			paths[f[2]] = f[3]
		}
	}
	switch {
	case len(names) == 0:
		return a, fmt.Errorf("%s is an umbrella project without releases: name one in mix.exs (releases: [...])", b.Dir)
	case pick == "" && len(names) > 1:
		return a, fmt.Errorf("%s has several releases, pick one with --release: %s", b.Dir, strings.Join(names, ", "))
	case pick == "":
		pick = names[0]
	}
	if paths[pick] == "" {
		return a, fmt.Errorf("%s has no release %s: there is %s", b.Dir, pick, strings.Join(names, ", "))
	}
	a.name, a.path = pick, paths[pick]
	return a, nil
}

// unlessSet is what a build has unless somebody has set it otherwise. UTF-8, or Elixir
// mangles names of files.
//
// deterministic keeps the build's directory out of what erlc makes of dependencies in
// Erlang: their tables of lines hold whole paths otherwise, and every checkout would give
// other bytes. What Elixir makes holds none. Somebody's own options count before it.
var unlessSet = []string{"LANG=C.UTF-8", "ERL_COMPILER_OPTIONS=deterministic"}

// mix runs one mix task in the project, for production, and gives its output.
// With show, each line is progress, too.
func (b Builder) mix(ctx context.Context, mix string, show bool, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, mix, args...)
	cmd.Dir = b.Dir
	cmd.Env = host.MergeEnv(unlessSet, host.InheritedEnv(b.Env), []string{"MIX_ENV=prod", "PWD=" + b.Dir})
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	var out bytes.Buffer
	read := make(chan struct{})
	go func() {
		defer close(read)
		for sc := bufio.NewScanner(r); sc.Scan(); {
			out.Write(sc.Bytes())
			out.WriteByte('\n')
			if line := strings.TrimSpace(sc.Text()); show && line != "" {
				b.Progress("  " + line)
			}
		}
		io.Copy(io.Discard, r) //nolint:errcheck // a line too long to scan
	}()
	err := cmd.Run()
	w.Close()
	<-read
	return out.Bytes(), err
}

// failed makes an error of a mix task that did not do: its last lines.
func failed(ctx context.Context, what string, out []byte, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("%s: %w", what, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	const keep = 40
	if len(lines) > keep {
		lines = slices.Concat([]string{fmt.Sprintf("… (%d lines)", len(lines)-keep)}, lines[len(lines)-keep:])
	}
	return fmt.Errorf("%s failed:\n%s", what, strings.Join(lines, "\n"))
}

// fingerprint changes when a source of the project does, or of a dependency by path: names,
// sizes and times of all files but those that builds and tools make.
func fingerprint(dir string) (string, error) {
	h := sha256.New()
	for _, d := range append([]string{dir}, pathDeps(dir)...) {
		if err := addSources(h, d); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

var (
	pathDep  = regexp.MustCompile(`\bpath:\s*"([^"]+)"`)
	umbrella = regexp.MustCompile(`\bin_umbrella:\s*true`)
)

// pathDeps are the directories outside of the project that its mix.exs names as dependencies.
func pathDeps(dir string) (all []string) {
	text, _ := os.ReadFile(filepath.Join(dir, "mix.exs")) // mix says it if it can't be read
	found := pathDep.FindAllSubmatch(text, -1)
	if umbrella.Match(text) {
		found = append(found, [][]byte{nil, []byte("..")})
	}
	for _, m := range found {
		path := string(m[1])
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if fi, err := os.Stat(path); err == nil && fi.IsDir() {
			all = append(all, path)
		}
	}
	return all
}

func addSources(h io.Writer, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			skip := name == "_build" || name == "node_modules" || name == ".git" || name == ".elixir_ls"
			switch { // what is so called further down may be a source
			case filepath.Dir(path) != dir:
			case name == "test", name == "doc", name == "cover", name == "tmp", strings.HasPrefix(name, "."):
				skip = true
			}
			if path != dir && skip {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Dir(path) == dir && strings.HasPrefix(name, ".") || name == "erl_crash.dump" {
			return nil
		}
		fi, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone while we looked
		}
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		fmt.Fprintf(h, "%s\x00%d\x00%d\x00", rel, fi.Size(), fi.ModTime().UnixNano())
		return nil
	})
}
