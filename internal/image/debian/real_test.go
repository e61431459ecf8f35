package debian

import (
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/image/tree"
	"github.com/phialdev/phial/internal/testkit"
)

// otpLibraries are what OTP's own programs and NIFs ask for.
var otpLibraries = strings.Fields(`libtinfo.so.6 libz.so.1 libstdc++.so.6 libm.so.6 libgcc_s.so.1 libc.so.6 libcrypto.so.3 libsystemd.so.0`)

// assembleReal takes packages from the mirror that the machine's own come from.
func assembleReal(t *testing.T, suite, arch string, change ...func(*Options)) *Root {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a Debian mirror, and -short was asked for")
	}
	cache, err := testkit.CacheDir()
	check(t, err)
	o := Options{
		Suite: suite, Arch: arch, Libraries: otpLibraries, Commands: []string{"sh", "readlink", "dirname", "sed", "od", "awk"},
		Cache:    filepath.Join(cache, "debian"),
		Sources:  Sources{Mirror: os.Getenv("PHIAL_DEBIAN_MIRROR")},
		Progress: func(s string) { t.Log(s) },
	}
	for _, c := range change {
		c(&o)
	}
	r, err := Assemble(t.Context(), o)
	if err != nil {
		// A mirror that brings sid from time to time is good enough for a test, and only for one.
		_, until, ok := strings.Cut(err.Error(), "it was good until ")
		if !ok || len(until) < len(time.DateTime) {
			t.Fatal(err)
		}
		expired, err := time.Parse(time.DateTime, until[:len(time.DateTime)])
		check(t, err)
		o.Now = func() time.Time { return expired.Add(-time.Hour) }
		if r, err = Assemble(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// native is the architecture that this machine runs.
var native = ArchOf(runtime.GOARCH)

// Roots of every suite and of an architecture that isn't this machine's hold all that OTP asks for, and
// are small.
func TestRealRoots(t *testing.T) {
	for _, c := range []struct{ suite, arch string }{{"bookworm", "amd64"}, {"trixie", "amd64"}, {"sid", "amd64"}, {"bookworm", "arm64"}, {"trixie", "arm64"}} {
		t.Run(c.suite+" "+c.arch, func(t *testing.T) {
			r := assembleReal(t, c.suite, c.arch)
			if len(r.Missing.Libraries) > 0 || len(r.Missing.Commands) > 0 {
				t.Errorf("missing: %+v", r.Missing)
			}
			if size := r.Files.Size(); size > 24e6 {
				t.Errorf("%d bytes", size)
			}
			if got := text(t, r, "usr/lib/os-release"); !strings.Contains(got, "ID=debian") {
				t.Errorf("os-release says %s", got)
			}
			machine := machines[c.arch]
			for _, name := range []string{"usr/" + machine.loader, "usr/lib/" + machine.triplet + "/libcrypto.so.3",
				"usr/lib/" + machine.triplet + "/ossl-modules/legacy.so", "usr/share/zoneinfo/Europe/Berlin",
				"usr/lib/locale/C.utf8/LC_CTYPE", "usr/share/doc/libstdc++6/copyright", "var/lib/dpkg/status.d/libc6"} {
				if _, ok := r.Files.Find(name); !ok {
					t.Errorf("no %s", name)
				}
			}
			if n := strings.Count(text(t, r, "etc/ssl/certs/ca-certificates.crt"), "BEGIN CERTIFICATE"); n < 100 {
				t.Errorf("%d certificates", n)
			}
			again := assembleReal(t, c.suite, c.arch, func(o *Options) { slices.Reverse(o.Libraries) })
			if fingerprint(t, r.Files) != fingerprint(t, again.Files) {
				t.Error("the second run gives another tree")
			}
		})
	}
}

// The root runs: the shell with what scripts call, and the BEAM with crypto, made for the same suite.
func TestRealRootsRun(t *testing.T) {
	for _, otp := range beamtest.OTPs(t) {
		t.Run(otp.Suite, func(t *testing.T) {
			erlang := filepath.Join(otp.Root, "usr/lib/erlang")
			libraries, versions := linked(t, erlang)
			suites := []string{"bookworm", "trixie", "sid"}
			if got := SuiteFor(versions); slices.Index(suites, got) > slices.Index(suites, otp.Suite) {
				t.Errorf("SuiteFor says %s for what was built in %s", got, otp.Suite)
			}
			r := assembleReal(t, otp.Suite, native, func(o *Options) {
				o.Libraries = append(libraries, "libsctp.so.1") // which OTP 29 opens by itself
			})
			for _, m := range r.Missing.Libraries {
				t.Errorf("missing %+v", m)
			}
			root := t.TempDir()
			writeTree(t, r.Files, root)
			write(t, filepath.Join(root, "dev/null"), "") // a real one needs root
			check(t, os.CopyFS(filepath.Join(root, "usr/lib/erlang"), os.DirFS(erlang)))

			for _, c := range []struct{ script, want string }{
				{`readlink -f /bin/../bin/sh && dirname /a/b && basename /a/b && echo abc | sed s/b/x/ | tr a-c A-C && printf '%s\n' a b | awk 'END { print NR }'`,
					"/usr/bin/busybox\n/a\nb\nAxC\n2\n"},
				{`cut -d: -f1,3 /etc/passwd | grep app; date -d @0 +%Y; env | grep -c PATH; test -f /etc/os-release && cat /etc/timezone; echo ab | od -An -tx1`,
					"app:65532\n1970\n1\nEtc/UTC\n 61 62 0a\n"},
				{`TZ=Europe/Berlin date -d @0 +%H`, "01\n"},
				// What bin/APP of a release starts with: which directory it stands in, and whether it can be read.
				{`exec /usr/lib/erlang/bin/erl -noinput -boot start_clean -eval '
					{ok, _} = application:ensure_all_started(ssl),
					ok = public_key:cacerts_load("/etc/ssl/certs/ca-certificates.crt"),
					Sum = binary:encode_hex(crypto:hash(sha256, "x")),
					Term = code:priv_dir(crypto),
					true = filelib:is_dir(Term),
					Out = os:cmd("uname; echo $?"),
					{ok, _} = file:read_file_info("/tmp"),
					unicode = proplists:get_value(encoding, io:getopts(user)),
					io:format("~s ~s", [binary:part(Sum, 0, 8), Out]), halt().'`, "2D711642 Linux\n0\n"},
			} {
				script := c.script
				if strings.Contains(script, "ensure_all_started") && otp.Release == "25" {
					script = strings.ReplaceAll(script, "unicode = proplists:get_value(encoding, io:getopts(user)),", "")
				}
				cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
				cmd.Dir = "/"
				cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8", "ERL_CRASH_DUMP_SECONDS=0", "ROOTDIR=/usr/lib/erlang"}
				cmd.SysProcAttr = inside(root)
				var errOut strings.Builder
				cmd.Stderr = &errOut
				var out []byte
				err := testkit.Supervised(cmd, func() (err error) { out, err = cmd.Output(); return err })
				if err != nil || string(out) != c.want {
					t.Errorf("%s\ngives %q, %v, want %q\n%s", script, out, err, c.want, errOut.String())
				}
			}
		})
	}
}

// inside has a command run in a root, with a user namespace where we aren't root ourselves.
func inside(root string) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Chroot: root}
	if uid := os.Geteuid(); uid != 0 {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

// linked gives the libraries and symbol versions that the ELF files of a directory ask for.
func linked(t *testing.T, dir string) (libraries, versions []string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(name, "/wx-") || strings.Contains(name, "/odbc-") {
			return err
		}
		f, err := elf.Open(name)
		if err != nil {
			return nil // not one
		}
		defer f.Close()
		libs, _ := f.ImportedLibraries()
		libraries = append(libraries, libs...)
		symbols, _ := f.ImportedSymbols()
		for _, s := range symbols {
			if s.Version != "" {
				versions = append(versions, s.Version)
			}
		}
		return nil
	}))
	slices.Sort(libraries)
	slices.Sort(versions)
	return slices.Compact(libraries), slices.Compact(versions)
}

func writeTree(t *testing.T, files tree.Tree, dir string) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	check(t, err)
	defer root.Close()
	for _, f := range files {
		check(t, root.MkdirAll(filepath.Dir(f.Path), 0o755))
		switch {
		case f.Mode.IsDir():
			check(t, root.MkdirAll(f.Path, 0o755))
		case f.Mode&fs.ModeSymlink != 0:
			check(t, root.Symlink(f.Link, f.Path))
		default:
			b, err := f.Content()
			check(t, err)
			check(t, root.WriteFile(f.Path, b, f.Mode.Perm()))
		}
	}
	for _, tmp := range []string{"tmp", "var/tmp"} {
		check(t, os.Chmod(filepath.Join(dir, tmp), 0o777|fs.ModeSticky))
	}
}

// A program with all that it depends on runs as well.
func TestRealPackage(t *testing.T) {
	r := assembleReal(t, "bookworm", native, func(o *Options) { o.Packages, o.Commands = []string{"jq"}, []string{"jq", "git"} })
	if !slices.Equal(r.Missing.Commands, []string{"git"}) {
		t.Errorf("missing %v, want only git", r.Missing.Commands)
	}
	root := t.TempDir()
	writeTree(t, r.Files, root)
	cmd := exec.CommandContext(t.Context(), "/usr/bin/jq", "-n", "-c", `"ab" | test("A"; "i")`)
	cmd.SysProcAttr, cmd.Dir, cmd.Env = inside(root), "/", []string{"HOME=/tmp", "PATH=/usr/bin:/bin"}
	var out []byte
	if err := testkit.Supervised(cmd, func() (err error) { out, err = cmd.CombinedOutput(); return err }); err != nil || string(out) != "true\n" {
		t.Errorf("jq gives %q, %v", out, err)
	}
}

// With everything in the cache an assembly takes no time to speak of.
func BenchmarkAssembleCached(b *testing.B) {
	cache, err := testkit.CacheDir()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Assemble(b.Context(), Options{Suite: "bookworm", Arch: native, Libraries: otpLibraries, Cache: filepath.Join(cache, "debian")}); err != nil {
			b.Fatal(err)
		}
	}
}
