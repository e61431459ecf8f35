package cli

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/phialdev/phial/internal/cli/term"
)

const mixExs = `defmodule Tally.MixProject do
  use Mix.Project
  def project, do: [app: :tally, version: "1.0.0"]
end
`

// project makes a project under git that the release of the desk may have come from: a
// build asks it where its sources are, and not for a release.
func (d *desk) project(name string) (dir, commit string) {
	d.t.Helper()
	dir = filepath.Dir(d.write(name+"/mix.exs", mixExs))
	d.git(dir, "init", "-q")
	d.git(dir, "add", "-A")
	d.git(dir, "commit", "-q", "-m", "first")
	return dir, d.git(dir, "rev-parse", "HEAD")
}

func TestBuildTags(t *testing.T) {
	d := newDesk(t)
	clean, commit := d.project("clean")
	dirty, _ := d.project("dirty")
	d.write("dirty/new.ex", "# not in git\n")
	sha := "sha-" + commit[:12]
	repo := d.repo
	for i, c := range []struct {
		args []string // without what --push has before its tag
		tag  string   // of --push
		want []string
	}{
		{nil, "", []string{"1.0.0"}},
		{nil, "rc", []string{"rc"}},
		{[]string{"-t", "latest", "--tag", "edge"}, "", []string{"1.0.0", "edge", "latest"}},
		{[]string{"-t", "latest", "-t", "1.0.0", "-t", "latest"}, "", []string{"1.0.0", "latest"}},
		{[]string{"-t", "latest"}, "rc", []string{"latest", "rc"}},
		{[]string{clean}, "", []string{"1.0.0", sha}},
		{[]string{clean, "-t", "latest"}, "", []string{"1.0.0", "latest", sha}},
		{[]string{clean}, "rc", []string{"rc"}},
		{[]string{dirty}, "", []string{"1.0.0"}},
	} {
		var err error
		if d.repo, err = nameOf(repo.Name(), i); err != nil {
			t.Fatal(err)
		}
		to := d.repo.Name()
		if c.tag != "" {
			to += ":" + c.tag
		}
		r := d.report(append(c.args, "--release-dir", d.release, "--push", to)...)
		if tags := d.tags(); !slices.Equal(tags, c.want) {
			t.Errorf("%q to %s: tags %q, want %q", c.args, to, tags, c.want)
		}
		if names := r.Published[0].Names; names[0] != r.Reference || len(names) != len(c.want)+1 {
			t.Errorf("%q to %s: published %q", c.args, to, names)
		}
	}
}

// A tag that meant something else is moved, and that is said.
func TestBuildMovesATag(t *testing.T) {
	d := newDesk(t)
	d.made("--release-dir", d.release, "--push", d.repo.Name())
	if got := d.made("--release-dir", d.release, "--push", d.repo.Name()); got.err != "" {
		t.Errorf("the same again: %v", got)
	}
	before, _ := d.pushed()
	digest, err := before.Digest()
	if err != nil {
		t.Fatal(err)
	}
	got := d.made("--release-dir", d.release, "--push", d.repo.Name(), "-e", "GREETING=hello", "-l", "com.example.team=shop")
	if got.err != "the tag 1.0.0 meant another image before: "+digest.String()+"\n" {
		t.Errorf("another image: %v", got)
	}
	if want := d.repo.Name() + ": "; !strings.Contains(got.out, "\n"+want) || !strings.Contains(got.out, "\n  "+d.repo.Name()+":1.0.0\n") {
		t.Errorf("%v", got)
	}
	img, cfg := d.pushed()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(cfg.Config.Env, "GREETING=hello") || cfg.Config.Labels["com.example.team"] != "shop" || m.Annotations["com.example.team"] != "shop" {
		t.Errorf("env %q, labels %v, annotations %v", cfg.Config.Env, cfg.Config.Labels, m.Annotations)
	}
}

func TestBuildLabels(t *testing.T) {
	d := newDesk(t)
	dir, commit := d.project("shop")
	d.git(dir, "remote", "add", "origin", "https://ci:s3cr3t-t0ken@git.example.com/team/shop.git")
	label := func(cfg *v1.ConfigFile, name string) string {
		return cfg.Config.Labels["org.opencontainers.image."+name]
	}

	got := d.made(dir, "--release-dir", d.release, "--push", d.repo.Name(), "-o", "json")
	r := d.decode(got)
	img, cfg := d.pushed()
	for name, want := range map[string]string{
		"title": "tally", "version": "1.0.0", "revision": commit, "source": "https://git.example.com/team/shop", "created": "2026-01-02T03:04:05Z",
	} {
		if v := label(cfg, name); v != want {
			t.Errorf("label %s is %q, want %q", name, v, want)
		}
	}
	if r.Revision != commit || !cfg.Created.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("the revision is %q, the time %s", r.Revision, cfg.Created)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	_, sbom := d.sbom(digest)
	if !strings.Contains(string(manifest), "git.example.com") || !strings.Contains(sbom, "git.example.com") {
		t.Error("the source is not in the manifest and the SBOM, so that nothing is proved")
	}
	for where, text := range map[string]string{"manifest": string(manifest), "config": string(config), "SBOM": sbom, "output": got.out + got.err} {
		if strings.Contains(text, "s3cr3t") || strings.Contains(text, "ci:") && where != "SBOM" || strings.Contains(text, "ci@") {
			t.Errorf("the %s holds the remote's password: %s", where, text)
		}
	}

	// Whoever says when counts before git.
	t.Setenv("SOURCE_DATE_EPOCH", "1000000000")
	d.made(dir, "--release-dir", d.release, "--push", d.repo.Name())
	if _, cfg = d.pushed(); cfg.Created.Unix() != 1e9 || label(cfg, "created") != "2001-09-09T01:46:40Z" {
		t.Errorf("SOURCE_DATE_EPOCH: created %s, label %q", cfg.Created, label(cfg, "created"))
	}
	for _, h := range cfg.History {
		if h.Created.Unix() != 1e9 {
			t.Errorf("history %+v", h)
		}
	}

	t.Setenv("SOURCE_DATE_EPOCH", "")
	d.write("shop/mix.exs", mixExs+"# changed\n")
	d.made(dir, "--release-dir", d.release, "--push", d.repo.Name())
	if _, cfg = d.pushed(); label(cfg, "revision") != commit+"-dirty" || cfg.Created.Unix() != 0 || label(cfg, "created") != "" {
		t.Errorf("dirty: revision %q, created %s %q", label(cfg, "revision"), cfg.Created, label(cfg, "created"))
	}
}

func TestBuildBadSourceDateEpoch(t *testing.T) {
	d := newDesk(t)
	for _, bad := range []string{"yesterday", "-1", "1.5", "253402300800", "99999999999999999999"} {
		t.Setenv("SOURCE_DATE_EPOCH", bad)
		got := d.build("--release-dir", d.release, "--push", d.repo.Name())
		oneLineSaid(t, bad, got, "SOURCE_DATE_EPOCH="+bad, "git log -1")
	}
	if tags := d.tags(); len(tags) != 0 {
		t.Errorf("tags %q are there", tags)
	}
}

// An index over two architectures. The second is the first with another name in its
// programs, which would not run, and is let pass for this.
func TestBuildTwoArchitectures(t *testing.T) {
	d := newDesk(t)
	other := d.copyRelease()
	patchMachine(t, other)
	got := d.build("--release-dir", other, "--release-dir", d.release, "--push", d.repo.Name(), "--accept", "IMG-16", "--sbom", "sbom.json", "-o", "json")
	if got.code != term.OK {
		t.Fatalf("%v", got)
	}
	r := d.decode(got)
	if len(r.Platforms) != 2 || r.Platforms[0].Platform != "linux/amd64" || r.Platforms[1].Platform != "linux/arm64" {
		t.Fatalf("%v", got)
	}
	for _, p := range r.Platforms {
		_, arch, _ := strings.Cut(p.Platform, "/")
		img, err := remote.Image(d.repo.Tag("1.0.0"), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		if h, err := img.Digest(); err != nil || h.String() != p.Digest || p.Digest == r.Digest {
			t.Errorf("%s is %s, %v, and the report says %s", arch, h, err, p.Digest)
		} else if ref, text := d.sbom(h); ref != p.SBOM || text != d.read("sbom-"+arch+".json") {
			t.Errorf("the SBOM for %s is %s, and the report says %s", arch, ref, p.SBOM)
		}
	}
	if text := d.made("--release-dir", other, "--release-dir", d.release, "--accept", "IMG-16"); !strings.Contains(text.out, "index of 2 architectures: "+r.Digest) {
		t.Errorf("%v", text)
	}
}

// Interrupted while the registry does not answer.
func TestBuildInterrupted(t *testing.T) {
	d := newDesk(t)
	file := d.write("phial.yaml", beamApp(d.repo.Name()+":0.9"))
	before := d.files()
	for name, at := range map[string]string{"while it is asked what it has": "/blobs/", "while it takes the manifest": "/manifests/"} {
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan struct{})
		var once sync.Once
		d.order(func(_ http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, at) {
				return false
			}
			once.Do(cancel)
			select {
			case <-r.Context().Done():
			case <-end:
			}
			return true
		})
		done := make(chan said, 1)
		go func() {
			done <- d.buildUntil(ctx, "--release-dir", d.release, "--push", d.repo.Name(), "--resolve", file, "-o", "json")
		}()
		select {
		case got := <-done:
			if want := fmt.Sprintf("phial: %s\n", term.ErrInterrupted); got.code != term.Cannot || got.err != want || got.out != "" {
				t.Errorf("%s: %v, want %q", name, got, want)
			}
		case <-time.After(30 * time.Second):
			t.Errorf("%s: the build goes on", name)
		}
		close(end)
		cancel()
		d.order(nil)
		if tags := d.tags(); len(tags) != 0 {
			t.Errorf("%s: tags %q are there", name, tags)
		}
		sameFiles(t, name, before, d.files())
		d.nothingLeft()
	}

	// And before anything was begun.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := d.buildUntil(ctx, "--release-dir", d.release, "--oci-layout", "out"); got.code != term.Cannot || got.err != fmt.Sprintf("phial: %s\n", term.ErrInterrupted) {
		t.Errorf("from the start: %v", got)
	}
	sameFiles(t, "from the start", before, d.files())
}
