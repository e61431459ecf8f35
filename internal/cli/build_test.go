package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/phialdev/phial/internal/cli/term"
)

// plainly takes out of a report on sizes what differs from machine to machine.
func plainly(text string) string {
	for _, r := range []struct{ from, to string }{
		{`sha256:[0-9a-f]{64}`, "DIGEST"}, {`\d+\.\d [kM]B`, "…"}, {`ERTS [\d.]+`, "ERTS N"}, {`linux/\w+`, "linux/ARCH"},
		{`Debian \w+`, "Debian SUITE"}, {`largest: .*`, "largest: APPS"}, {`(\S) +`, "$1 "}, {` +\n`, "\n"},
	} {
		text = regexp.MustCompile(r.from).ReplaceAllString(text, r.to)
	}
	return text
}

const sizes = `tally 1.0.0 for linux/ARCH on Debian SUITE, assembled
  DIGEST

  LAYER TO PULL UNPACKED
  base: Debian SUITE … …
  ERTS N … …
  OTP and Elixir … …
  app … …
  together … … (teams expect 50 to 120 MB)
  largest: APPS
  left out: app/releases/COOKIE (the cookie is remote code execution: whoever pulls the image would have it)

`

// A layout of a release: what is said, what is there, and that the cookie is nowhere in it.
func TestBuildLayout(t *testing.T) {
	d := newDesk(t)
	if raced {
		d.seed("out")
	}
	got := d.made("--release-dir", d.release, "--oci-layout", "out", "--tag", "latest", "--tag", "1.0.0", "--tag", "latest", "--sbom", "sbom.json")
	if diff := cmp.Diff(sizes+"OCI layout out: … sent\n  out:1.0.0\n  out:latest\n", plainly(got.out)); diff != "" || got.err != "" {
		t.Errorf("(-want +got)\n%s\nand on stderr %q", diff, got.err)
	}
	ix, err := layout.ImageIndexFromPath("out")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(ix, validate.Fast); err != nil {
		t.Error(err)
	}
	m, err := ix.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range m.Manifests {
		if n := e.Annotations["org.opencontainers.image.ref.name"]; n != "" {
			names = append(names, n)
			if !strings.Contains(got.out, e.Digest.String()) {
				t.Errorf("%s is %s, of which nothing was said", n, e.Digest)
			}
		}
	}
	if !slices.Equal(names, []string{"1.0.0", "latest"}) {
		t.Errorf("the layout's names are %q", names)
	}
	if sbom := d.read("sbom.json"); !strings.Contains(sbom, `"CycloneDX"`) {
		t.Errorf("the SBOM is %.100s", sbom)
	}
	img, err := ix.Image(m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	d.noCookie(img)
	for file, text := range d.files() {
		if strings.Contains(text, d.cookie) || strings.Contains(text, `"COOKIE"`) {
			t.Errorf("%s holds the cookie", file)
		}
	}

	// The same again says the same of the image, and has nothing to write.
	again := d.report("--release-dir", d.release, "--oci-layout", "out")
	if again.Digest != m.Manifests[0].Digest.String() || again.Published[0].Sent != 0 || len(again.Published[0].Moved) != 0 {
		t.Errorf("again: %+v", again)
	}
}

// seed makes a layout of nothing that has the layers already: those that the registry has.
func (d *desk) seed(dir string) {
	d.t.Helper()
	d.made("--release-dir", d.release, "--push", d.repo.Name())
	img, _ := d.pushed()
	layers, err := img.Layers()
	if err != nil {
		d.t.Fatal(err)
	}
	to, err := layout.Write(dir, empty.Index)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, l := range layers {
		h, err := l.Digest()
		if err != nil {
			d.t.Fatal(err)
		}
		r, err := l.Compressed()
		if err != nil {
			d.t.Fatal(err)
		}
		if err := to.WriteBlob(h, r); err != nil {
			d.t.Fatal(err)
		}
	}
}

// noCookie unpacks all layers, and looks.
func (d *desk) noCookie(img v1.Image) {
	d.t.Helper()
	layers, err := img.Layers()
	if err != nil || len(layers) != 4 {
		d.t.Fatalf("%d layers, %v", len(layers), err)
	}
	boot := false
	for i, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			d.t.Fatal(err)
		}
		all, err := io.ReadAll(r)
		if err != nil {
			d.t.Fatal(err)
		}
		boot = boot || bytes.Contains(all, []byte("app/releases/start_erl.data"))
		for _, secret := range []string{d.cookie, "releases/COOKIE\x00"} {
			if bytes.Contains(all, []byte(secret)) {
				d.t.Errorf("layer %d holds %q", i, secret)
			}
		}
	}
	if !boot {
		d.t.Error("the layers hold no release, so they prove nothing")
	}
}

// What -o json says is what the registry has.
func TestBuildJSON(t *testing.T) {
	d := newDesk(t)
	got := d.build("--release-dir", d.release, "--push", d.repo.Name(), "-o", "json")
	if got.code != term.OK || got.err != "" {
		t.Errorf("%v", got)
	}
	r := d.decode(got)
	img, cfg := d.pushed()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	p := r.Platforms[0]
	if r.Name != "tally" || r.Version != "1.0.0" || r.Refused || r.Digest != digest.String() || r.Reference != d.repo.Name()+"@"+digest.String() ||
		len(r.Platforms) != 1 || p.Digest != r.Digest || p.Platform != "linux/"+cfg.Architecture || len(p.Layers) != len(m.Layers) {
		t.Errorf("the registry has %s of %d layers, and the report is\n%+v", digest, len(m.Layers), r)
	}
	var size, unpacked int64
	for i, l := range p.Layers {
		if l.Digest != m.Layers[i].Digest.String() || l.Size != m.Layers[i].Size || l.Size <= 0 || l.Unpacked < l.Size {
			t.Errorf("layer %d is %+v, and the registry's %+v", i, l, m.Layers[i])
		}
		size, unpacked = size+l.Size, unpacked+l.Unpacked
	}
	if p.Size != size || p.Unpacked != unpacked || len(p.Apps) < 5 || p.Findings == nil || len(p.Left) != 1 || p.Left[0].Path != "app/releases/COOKIE" {
		t.Errorf("sizes %d and %d of\n%+v", size, unpacked, p)
	}
	if want := []string{r.Reference, d.repo.Name() + ":1.0.0"}; len(r.Published) != 1 || !slices.Equal(r.Published[0].Names, want) {
		t.Errorf("published %+v, want %q", r.Published, want)
	}
	if err := validate.Image(img, validate.Fast); err != nil {
		t.Error(err)
	}
	if ref, _ := d.sbom(digest); ref != p.SBOM {
		t.Errorf("the referrer is %q, and the report says %q", ref, p.SBOM)
	}
}

// sbom asks the registry for the SBOM of an image: the referrer's digest, and the text.
func (d *desk) sbom(digest v1.Hash) (ref, text string) {
	d.t.Helper()
	ix, err := remote.Referrers(d.repo.Digest(digest.String()))
	if err != nil {
		d.t.Fatal(err)
	}
	m, err := ix.IndexManifest()
	if err != nil {
		d.t.Fatal(err)
	}
	if len(m.Manifests) == 0 {
		return "", ""
	}
	if len(m.Manifests) != 1 {
		d.t.Fatalf("referrers: %+v", m.Manifests)
	}
	img, err := remote.Image(d.repo.Digest(m.Manifests[0].Digest.String()))
	if err != nil {
		d.t.Fatal(err)
	}
	// This registry's list of referrers has the type of the configuration; others have this one.
	if raw, err := img.RawManifest(); err != nil || !strings.Contains(string(raw), `"artifactType":"application/vnd.cyclonedx+json"`) {
		d.t.Errorf("the SBOM's manifest is %s, %v", raw, err)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		d.t.Fatalf("the SBOM has %d layers, %v", len(layers), err)
	}
	r, err := layers[0].Compressed()
	if err != nil {
		d.t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		d.t.Fatal(err)
	}
	return m.Manifests[0].Digest.String(), string(all)
}

func TestBuildPrintDigest(t *testing.T) {
	d := newDesk(t)
	got := d.made("--release-dir", d.release, "--push", d.repo.Name(), "--print-digest")
	img, _ := d.pushed()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if want := d.repo.Name() + "@" + digest.String() + "\n"; got.out != want || got.err != "" {
		t.Errorf("want %q and nothing else: %v", want, got)
	}
	// Without a registry it is what it would be there.
	if got := d.made("--release-dir", d.release, "--print-digest"); got.out != digest.String()+"\n" {
		t.Errorf("without a registry: %v", got)
	}
}

func TestBuildSBOM(t *testing.T) {
	d := newDesk(t)
	r := d.report("--release-dir", d.release, "--push", d.repo.Name(), "--sbom", "sbom.json")
	digest, err := v1.NewHash(r.Digest)
	if err != nil {
		t.Fatal(err)
	}
	ref, text := d.sbom(digest)
	if ref == "" || ref != r.Platforms[0].SBOM {
		t.Errorf("the registry's SBOM is %q, the report's %q", ref, r.Platforms[0].SBOM)
	}
	if file := d.read("sbom.json"); file != text || !strings.Contains(file, "elixir") || !strings.Contains(file, r.Digest) || strings.Contains(file, d.cookie) {
		t.Errorf("the file is not the registry's: %.300s", file)
	}

	// Another image, so that no referrer of the first is taken for its own.
	r = d.report("--release-dir", d.release, "--push", d.repo.Name(), "--no-sbom", "--label", "a=b")
	if digest, err = v1.NewHash(r.Digest); err != nil {
		t.Fatal(err)
	}
	if ref, _ := d.sbom(digest); ref != "" || r.Platforms[0].SBOM != "" {
		t.Errorf("--no-sbom: the registry has %q, the report %q", ref, r.Platforms[0].SBOM)
	}
}

func TestBuildWithoutATarget(t *testing.T) {
	d := newDesk(t)
	before := d.files()
	got := d.build(d.release)
	if diff := cmp.Diff(sizes, plainly(got.out)); diff != "" || got.code != term.OK {
		t.Errorf("status %d (-want +got)\n%s", got.code, diff)
	}
	if want := "the image was made and is nowhere yet: --push REPOSITORY, --oci-layout DIR, --tarball FILE or --containerd says where to\n"; got.err != want {
		t.Errorf("stderr %q, want %q", got.err, want)
	}
	if diff := cmp.Diff(before, d.files()); diff != "" {
		t.Errorf("it wrote something: %s", diff)
	}
	if got := d.made(d.release, "-o", "json"); strings.Count(got.err, "\n") > 1 {
		t.Errorf("%v", got)
	} else if r := d.decode(got); r.Reference != r.Digest || r.Published == nil || len(r.Published) != 0 {
		t.Errorf("%+v", r)
	}
}

// On a terminal the line of progress is gone at the end, whatever the end was.
func TestBuildProgress(t *testing.T) {
	d := newDesk(t)
	for _, args := range [][]string{{"--push", d.repo.Name(), "--print-digest"}, {"--base", "./nowhere"}} {
		var both safeBuffer // as on a terminal
		s := &term.IO{In: strings.NewReader(""), Out: &both, Err: &both, Width: 100, Progress: true}
		Run(t.Context(), s, append([]string{"build", "--cache-dir", d.cache, "--release-dir", d.release}, args...))
		said := both.String()
		if !strings.Contains(said, " …") {
			t.Errorf("%q: no progress in %q", args, said)
		}
		if i := strings.LastIndex(said, " …"); !strings.HasPrefix(said[i+len(" …"):], "\r\x1b[K") {
			t.Errorf("%q: the line stays: %q", args, said)
		}
	}
}

// The project itself: mix makes the release, phial.yaml and git say what it is.
func TestBuildProject(t *testing.T) {
	d := newDesk(t)
	project := filepath.Join(d.work, "tally")
	d.write("tally/.gitignore", "/_build/\n")
	if err := copyProject(project, filepath.Join(repoRoot, "examples", "tally")); err != nil {
		t.Fatal(err)
	}
	d.git(project, "init", "-q")
	d.git(project, "add", "-A")
	d.git(project, "commit", "-q", "-m", "first")
	commit := d.git(project, "rev-parse", "HEAD")

	t.Chdir(project)
	got := d.build("--push", d.repo.Name(), "--print-digest", "--resolve", "phial.yaml")
	if got.code != term.OK || !strings.HasPrefix(got.out, d.repo.Name()+"@sha256:") || strings.Count(got.out, "\n") != 1 || !strings.Contains(got.err, "built tally 1.0.0") {
		t.Fatalf("%v", got)
	}
	if tags, want := d.tags(), []string{"1.0.0", "sha-" + commit[:12]}; !slices.Equal(tags, want) {
		t.Errorf("tags %q, want %q", tags, want)
	}
	_, cfg := d.pushed()
	if _, ok := cfg.Config.ExposedPorts["4000/tcp"]; !ok || cfg.Config.User != "65532:65532" || !slices.Equal(cfg.Config.Cmd, []string{"/app/bin/tally", "start"}) {
		t.Errorf("the image is configured so: %+v", cfg.Config)
	}
	if cfg.Config.Labels["org.opencontainers.image.revision"] != commit || cfg.Created.Format("2006-01-02") != "2026-01-02" {
		t.Errorf("labels %v, created %v", cfg.Config.Labels, cfg.Created)
	}
	// phial.yaml calls it tally:1.0.0, and it is the image's all the same.
	digest := strings.TrimSpace(got.out[strings.Index(got.out, "@"):])
	if text := d.read("phial.yaml"); !strings.Contains(text, "\n  image: "+d.repo.Name()+":1.0.0"+digest+"\n") || !strings.Contains(text, "# One app, and everything") {
		t.Errorf("phial.yaml is now\n%s", text)
	}
	if status := d.git(project, "status", "--porcelain"); status != "M phial.yaml" {
		t.Errorf("the project has changed: %q", status)
	}
	d.git(project, "checkout", "-q", "phial.yaml")

	// In another directory the same sources make the same image.
	other := filepath.Join(d.work, "elsewhere", "clone")
	if err := os.MkdirAll(filepath.Dir(other), 0o755); err != nil {
		t.Fatal(err)
	}
	d.git(d.work, "clone", "-q", project, other)
	if again := d.made(other, "--print-digest"); again.out != digest[1:]+"\n" {
		t.Errorf("elsewhere: %v, want %s", again, digest)
	}
}
