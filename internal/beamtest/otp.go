package beamtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phialdev/phial/internal/testkit"
)

// OTP is one installation of Erlang/OTP and Elixir.
type OTP struct {
	Release string // "25", "27", "29"
	Suite   string // the Debian suite it comes from; "" for the machine's own
	Root    string // the folder that holds its whole system; "" for the machine's own
}

// String names the OTP as subtests want it: "otp27", or "host" for the machine's own.
func (o OTP) String() string {
	if o.Root == "" {
		return "host"
	}
	return "otp" + o.Release
}

// generations are the suites that OTPs come from, with the release each is known to have. sid moves on, so there the
// release is the least.
var generations = []struct{ suite, release, packages string }{
	{"bookworm", "25", packages},
	{"trixie", "27", packages},
	{"sid", "29", packages + cowboy},
}

const (
	packages = "elixir,erlang-dev,erlang-inets,erlang-ssl,ca-certificates"
	// The HTTP server that most Elixir applications stand on. Only sid has it: bookworm's and trixie's was withdrawn.
	cowboy = ",erlang-cowboy,erlang-ranch,erlang-cowlib"
)

// madeHow is part of the cache's key: what debootstrap was asked for, and what was done to its result.
const madeHow = "minbase, no package files, /srv for all"

var allOTPs = sync.OnceValues(func() ([]OTP, error) { return Prepare(context.Background(), io.Discard) })

// OTPs gives OTP 25, 27 and 29, in this order. The first call on a machine takes a minute or two and 700 MB of disk.
func OTPs(tb testing.TB) []OTP {
	tb.Helper()
	notShort(tb)
	all, err := allOTPs()
	if err != nil {
		tb.Fatalf("three generations of OTP: %v", err)
	}
	return append([]OTP(nil), all...)
}

// notShort leaves out the test where "go test -short" asked for those that need no real node.
func notShort(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a real BEAM, and -short was asked for")
	}
}

// Prepare makes what OTPs gives, and tells of its progress.
func Prepare(ctx context.Context, progress io.Writer) ([]OTP, error) {
	cache, err := testkit.CacheDir()
	if err != nil {
		return nil, err
	}
	all := make([]OTP, len(generations))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for i, g := range generations {
		group.Go(func() error {
			name := g.suite + "-" + testkit.Key(g.suite, g.packages, madeHow, runtime.GOARCH)
			root := filepath.Join(cache, "otp", name)
			start := time.Now()
			err := testkit.Once(root, remove, func(tmp string) error {
				fmt.Fprintf(progress, "%s: installing OTP %s into %s\n", g.suite, g.release, root)
				return bootstrap(ctx, g.suite, g.packages, tmp)
			})
			if err != nil {
				return fmt.Errorf("%s: %w", g.suite, err)
			}
			all[i], err = inRoot(root, g.suite)
			if err == nil {
				fmt.Fprintf(progress, "%s: OTP %s is there (%s)\n", g.suite, all[i].Release, time.Since(start).Round(time.Second))
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return all, nil
}

// PrepareAll is Prepare, and makes releases of the projects besides, with the machine's own Elixir and with each OTP.
func PrepareAll(ctx context.Context, progress io.Writer, projects ...string) error {
	all, err := Prepare(ctx, progress)
	if err != nil || len(projects) == 0 {
		return err
	}
	host, err := hostOTP()
	if err != nil {
		return err
	}
	for _, dir := range projects {
		for _, o := range append([]OTP{host}, all...) {
			path, err := o.buildRelease(ctx, dir)
			if err != nil {
				return fmt.Errorf("release of %s with %s: %w", dir, o, err)
			}
			fmt.Fprintf(progress, "%s: release with %s in %s\n", dir, o, filepath.Join(o.Root, path))
		}
	}
	return nil
}

func inRoot(root, suite string) (OTP, error) {
	found, err := filepath.Glob(filepath.Join(root, "usr/lib/erlang/releases/[0-9]*"))
	if err != nil || len(found) != 1 {
		return OTP{}, fmt.Errorf("%s holds no OTP: remove it and try again", root)
	}
	return OTP{Release: filepath.Base(found[0]), Suite: suite, Root: root}, nil
}

var hostOTP = sync.OnceValues(func() (OTP, error) {
	for _, program := range []string{"erl", "elixir", "mix"} {
		if _, err := exec.LookPath(program); err != nil {
			return OTP{}, fmt.Errorf("this machine has no %s: install Elixir (on Debian: apt-get install elixir erlang-dev)", program)
		}
	}
	cmd := exec.Command("erl", "-noinput", "-boot", "start_clean", "-eval",
		`io:put_chars(erlang:system_info(otp_release)), halt().`)
	out, err := cmd.Output()
	if err != nil {
		return OTP{}, fmt.Errorf("ask erl for its release: %w", err)
	}
	return OTP{Release: string(out)}, nil
})

// Host gives the machine's own Elixir and OTP.
func Host(tb testing.TB) OTP {
	tb.Helper()
	notShort(tb)
	o, err := hostOTP()
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

// bootstrap installs a suite with Elixir into dir.
func bootstrap(ctx context.Context, suite, packages, dir string) error {
	archive, err := mirror()
	if err != nil {
		return err
	}
	if err := needDebootstrap(ctx); err != nil {
		return err
	}
	err = asRoot(ctx, "debootstrap", "--variant=minbase", "--include="+packages, suite, dir, archive)
	if err != nil {
		return err
	}
	// Package files are half as large as what they were unpacked to. /srv is where releases are put, /tmp where nodes live.
	return asRoot(ctx, "sh", "-c", `rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* && chmod 1777 "$1/srv" "$1/tmp"`, "sh", dir)
}

var installing sync.Mutex

// needDebootstrap installs debootstrap where it is missing.
func needDebootstrap(ctx context.Context) error {
	installing.Lock()
	defer installing.Unlock()
	if _, err := os.Stat("/usr/sbin/debootstrap"); err == nil {
		return nil
	}
	install := func() error {
		return asRoot(ctx, "apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends",
			"debootstrap", "debian-archive-keyring")
	}
	err := install()
	if err != nil { // on a fresh machine the lists are not there yet
		if err := asRoot(ctx, "apt-get", "update"); err != nil {
			return fmt.Errorf("debootstrap is missing: %w", err)
		}
		err = install()
	}
	if err != nil {
		return fmt.Errorf("debootstrap is missing and can't be installed: %w", err)
	}
	return nil
}

// asRoot runs a program as root, by sudo where we are somebody else. Its last line goes into the error.
func asRoot(ctx context.Context, name string, args ...string) error {
	if os.Geteuid() != 0 {
		if _, err := exec.LookPath("sudo"); err != nil {
			return fmt.Errorf("%s needs root, and there is no sudo", name)
		}
		name, args = "sudo", append([]string{"-n", name}, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	// Its own group, so that a canceled debootstrap takes its children along.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := testkit.Supervised(cmd, func() error {
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, lastLine(out))
		}
		return nil
	}); err != nil {
		return err
	}
	return ctx.Err()
}

func lastLine(out []byte) string {
	out = bytes.TrimSpace(out)
	return string(out[bytes.LastIndexByte(out, '\n')+1:])
}

// command gives a command that runs inside the OTP's own system, with a small environment of its own: HOME (as seen
// from inside), and what env adds. It dies with the test's process.
func (o OTP) command(ctx context.Context, home string, env []string, name string, args ...string) (*exec.Cmd, error) {
	path := name
	if o.Root == "" {
		found, err := exec.LookPath(name)
		if err != nil {
			return nil, fmt.Errorf("this machine has no %s", name)
		}
		path = found
	} else if !filepath.IsAbs(path) {
		path = "/usr/bin/" + name
	}
	cmd := exec.CommandContext(ctx, path, args...)
	search := "/usr/bin:/bin"
	if o.Root == "" {
		search = os.Getenv("PATH")
	}
	cmd.Env = append([]string{"PATH=" + search, "HOME=" + home, "TMPDIR=" + home, "LANG=C.UTF-8", "ERL_CRASH_DUMP_SECONDS=0"}, env...)
	cmd.Dir = home
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if o.Root != "" {
		cmd.SysProcAttr.Chroot = o.Root
		if uid := os.Geteuid(); uid != 0 {
			cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
		}
	}
	return cmd, nil
}

// home makes a directory that a process inside the OTP's system can use, and gives its path from inside and outside.
// It goes with the test.
func (o OTP) home(tb testing.TB) (inside, outside string) {
	tb.Helper()
	tmp := filepath.Join(o.Root, "/tmp")
	if _, swept := sweptHomes.LoadOrStore(tmp, true); !swept {
		sweepHomes(tmp)
	}
	outside, err := os.MkdirTemp(tmp, fmt.Sprintf("phial-%d-", os.Getpid())) //nolint:usetesting // inside the OTP's own system
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { discard(outside) })
	return strings.TrimPrefix(outside, o.Root), outside
}

var sweptHomes sync.Map

// sweepHomes deletes what tests left behind that were killed: homes whose process is no more.
func sweepHomes(tmp string) {
	homes, err := filepath.Glob(filepath.Join(tmp, "phial-*-*"))
	if err != nil {
		return
	}
	for _, dir := range homes {
		pid := strings.Split(filepath.Base(dir), "-")[1]
		if _, err := strconv.Atoi(pid); err == nil && !testkit.IsDir("/proc/"+pid) {
			discard(dir)
		}
	}
}

// Run runs a program of this OTP ("elixir", "epmd", "erlc") to its end and gives what it printed to standard output. A
// program that fails, fails the test.
func (o OTP) Run(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	home, _ := o.home(tb)
	return o.run(tb, home, name, args...)
}

// RunIn is Run in a copy of a project's directory.
func (o OTP) RunIn(tb testing.TB, dir, name string, args ...string) string {
	tb.Helper()
	home, outside := o.home(tb)
	if err := copyTree(dir, outside, built...); err != nil {
		tb.Fatal(err)
	}
	return o.run(tb, home, name, args...)
}

func (o OTP) run(tb testing.TB, home, name string, args ...string) string {
	tb.Helper()
	cmd, err := o.command(tb.Context(), home, nil, name, args...)
	if err != nil {
		tb.Fatal(err)
	}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := testkit.Supervised(cmd, cmd.Run); err != nil {
		tb.Fatalf("%s: %s: %v\n%s%s", o, name, err, out.Bytes(), errOut.Bytes())
	}
	return out.String()
}
