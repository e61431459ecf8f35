package image_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/image/debian"
	"github.com/phialdev/phial/internal/image/publish"
	"github.com/phialdev/phial/internal/release"
	"github.com/phialdev/phial/internal/testkit"
)

const tally = "../../examples/tally"

// cache is one for all tests, and for all runs of them: Debian's packages are in it.
func cache(t *testing.T) string {
	t.Helper()
	dir, err := testkit.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "image")
}

func open(t *testing.T, dir string) release.Release {
	t.Helper()
	r, err := release.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func build(t *testing.T, o image.Options) *image.Result {
	t.Helper()
	if o.Base == "" {
		o.Base = image.Assemble
	}
	if o.Cache == "" {
		o.Cache = cache(t)
	}
	r, err := image.Build(t.Context(), o)
	if r != nil {
		t.Cleanup(func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if err != nil {
		if r != nil {
			for _, p := range r.Platforms {
				t.Logf("%s: %v", p.Arch, p.Findings)
			}
		}
		t.Fatal(err)
	}
	return r
}

// toLayout writes a result into a new layout, as 1.0.0.
func toLayout(t *testing.T, r *image.Result) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	if _, err := (publish.Layout{Dir: dir, Tags: []string{"1.0.0"}}).Publish(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The image of a real release, of each OTP, on a base that was assembled from its own
// suite: it starts as process 1, as somebody, in a root that is read-only, and answers.
func TestTheImageRuns(t *testing.T) {
	releases := map[string]string{"host": beamtest.BuildRelease(t, tally)}
	for _, o := range beamtest.OTPs(t)[1:] { // the first one is the host's
		releases[o.String()] = filepath.Join(o.Root, o.BuildRelease(t, tally))
	}
	for name, dir := range releases {
		t.Run(name, func(t *testing.T) {
			r := build(t, image.Options{Releases: []release.Release{open(t, dir)}, Ports: []int{4000},
				Debian: image.Debian{Sources: debian.Sources{AnyAge: true}}}) // a mirror may leave sid as it was
			p := r.Platforms[0]
			t.Logf("%s: %d bytes to pull, %d unpacked", p.Base, p.Size(), p.Unpacked())
			if len(p.Findings) != 0 {
				t.Errorf("findings: %v", p.Findings)
			}
			if err := validate.Image(r.Root.(v1.Image)); err != nil {
				t.Error(err)
			}
			layout := toLayout(t, r)
			skopeo := must(t, exec.Command("skopeo", "inspect", "--config", "oci:"+layout+":1.0.0"))
			if !strings.Contains(skopeo, `"4000/tcp"`) || !strings.Contains(skopeo, `"65532:65532"`) {
				t.Errorf("skopeo reads %s", skopeo)
			}
			must(t, exec.Command("skopeo", "--insecure-policy", "copy", "oci:"+layout+":1.0.0", "docker-archive:"+filepath.Join(t.TempDir(), "x.tar")+":tally:1"))
			b := unpack(t, layout, "1.0.0")
			t.Run("a cluster's replica", func(t *testing.T) { t.Parallel(); runReplica(t, b) })
			t.Run("without a cookie", func(t *testing.T) { t.Parallel(); runWithoutCookie(t, b) })
			t.Run("on loopback alone", func(t *testing.T) { t.Parallel(); runOnLoopback(t, b) })
		})
	}
}

func runReplica(t *testing.T, b bundle) {
	t.Helper()
	c := b.run(t, "POD_IP=127.0.0.2", "RELEASE_COOKIE=given", "PORT=4000")
	c.until(t, func(out string) bool { return strings.Contains(out, `"node":"tally@127.0.0.2"`) }, "wget", "-qO-", "http://127.0.0.2:4000/")
	// The program of process 1, and its user; vm.args has +Q 65536; env.sh names the node.
	for _, ask := range []struct{ what, want string }{
		{`tr '\0' '\n' </proc/1/cmdline | head -1`, "/app/erts-"},
		{`tr '\0' '\n' </proc/1/cmdline | grep -c beam.smp`, "1"},
		{`id -u; id -g`, "65532\n65532"},
		{`/app/bin/tally rpc 'IO.write("#{node()} #{:erlang.system_info(:port_limit)} #{System.pid()} #{:init.get_argument(:home) |> elem(0)}")'`, "tally@127.0.0.2 65536 1 ok"},
		{`/app/bin/tally rpc 'IO.write(length(:public_key.cacerts_get()) > 100)' 2>/dev/null || echo true`, "true"},
		{`/app/bin/tally rpc 'IO.write("é#{:file.native_name_encoding()}")'`, "éutf8"},
		{`touch /app/x 2>&1 || true`, "Read-only file system"},
		{`TZ=Europe/Berlin date -d @1700000000 +%H`, "23"},
		{`ls /app/releases/COOKIE 2>&1 || true`, "No such file"},
	} {
		out, err := c.exec(t.Context(), "sh", "-c", ask.what)
		if err != nil || !strings.Contains(out, ask.want) {
			t.Errorf("%s: %q, %v; want %q", ask.what, out, err, ask.want)
		}
	}
	c.signal(t, syscall.SIGTERM)
	if status := c.ends(t); status != 0 || !strings.Contains(c.out.String(), "SIGTERM received") {
		t.Errorf("after SIGTERM it ended with %d: %s", status, c.out)
	}
}

func runWithoutCookie(t *testing.T, b bundle) {
	t.Helper()
	c := b.run(t, "POD_IP=127.0.0.2")
	if status := c.ends(t); status == 0 {
		t.Error("it ended well without a cookie")
	}
	said := strings.TrimSpace(c.out.String())
	if !strings.Contains(said, "RELEASE_COOKIE is not set") || strings.Contains(said, "\n") {
		t.Errorf("it said %q, want one line", said)
	}
}

// A stateless app has its node on loopback, where a cookie of the container's own will do.
func runOnLoopback(t *testing.T, b bundle) {
	t.Helper()
	c := b.run(t, "RELEASE_DISTRIBUTION=name", "RELEASE_NODE=tally@127.0.0.1", "RELEASE_TMP=/tmp/release", "HTTP_BIND=127.0.0.1")
	c.until(t, func(out string) bool { return strings.Contains(out, `"node":"tally@127.0.0.1"`) }, "wget", "-qO-", "http://127.0.0.1:4000/")
	for command, want := range map[string]string{
		"rpc 'IO.write(node())'":                "tally@127.0.0.1",
		"eval 'IO.write(1 + 1)'":                "2",
		"version":                               "tally 1.0.0",
		"pid":                                   "1",
		"rpc 'IO.write(map_size(%{a: 1}) + 1)'": "2",
	} {
		out, err := c.exec(t.Context(), "sh", "-c", "/app/bin/tally "+command)
		if err != nil || out != want {
			t.Errorf("%s: %q, %v; want %q", command, out, err, want)
		}
	}
	if _, err := c.exec(context.WithoutCancel(t.Context()), "/app/bin/tally", "stop"); err != nil {
		t.Error(err)
	}
	if status := c.ends(t); status != 0 {
		t.Errorf("after stop it ended with %d", status)
	}
}
