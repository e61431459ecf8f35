package cli

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/cli/term"
)

// A release of OTP 29, built on a newer Debian than the base is: it is said why it would not
// run, nothing goes anywhere, and who accepts that gets the image.
func TestBuildRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("needs OTP 29, and -short was asked for")
	}
	o := beamtest.OTPs(t)[2]
	newer := filepath.Join(o.Root, o.BuildRelease(t, "../../examples/tally"))
	d := newDesk(t)
	file := d.write("phial.yaml", beamApp(d.repo.Name()+":0.9"))
	before := d.files()
	args := []string{"--release-dir", newer, "--suite", "bookworm", "--push", d.repo.Name(), "--oci-layout", "out",
		"--sbom", "sbom.json", "--resolve", file}
	nothing := func(what string) {
		t.Helper()
		sameFiles(t, what, before, d.files())
		if tags := d.tags(); len(tags) != 0 {
			t.Fatalf("%s: tags %q were pushed", what, tags)
		}
		d.nothingLeft()
	}
	const last = "phial: tally 1.0.0 was refused, and nothing was pushed: mend what the findings above say, or --accept a CODE\n"

	got := d.build(args...)
	for _, part := range []string{"error IMG-01  GLIBC_2.", "is needed by /app/erts-", "\n  fix  ", "on Debian bookworm, assembled"} {
		if !strings.Contains(got.out, part) {
			t.Errorf("%q is not in\n%s", part, got.out)
		}
	}
	if got.code != term.Findings || got.err != last || strings.Contains(got.out, " sent") {
		t.Errorf("%v", got)
	}
	nothing("text")

	got = d.build(append(args, "-o", "json")...)
	r := d.decode(got)
	if got.code != term.Findings || got.err != last || !r.Refused || len(r.Published) != 0 || len(r.Platforms) != 1 || len(r.Platforms[0].Findings) == 0 {
		t.Fatalf("JSON: %v", got)
	}
	f := r.Platforms[0].Findings[0]
	if f.Code != "IMG-01" || f.Severity.String() != "error" || f.Accepted || !strings.HasPrefix(f.Subject, "GLIBC_") {
		t.Errorf("JSON: finding %+v", f)
	}
	nothing("JSON")

	// A script that wants the digest gets none, and its reader the reason.
	got = d.build(append(args, "--print-digest")...)
	if got.code != term.Findings || got.out != "" || !strings.Contains(got.err, "error IMG-01") || !strings.HasSuffix(got.err, last) {
		t.Errorf("--print-digest: %v", got)
	}
	nothing("--print-digest")

	for _, other := range []string{"IMG-02", "IMG-01=GLIBC_1.0"} {
		if got := d.build(append(args, "--accept", other)...); got.code != term.Findings {
			t.Errorf("--accept %s: %v", other, got)
		}
		nothing("--accept " + other)
	}

	got = d.build("--release-dir", newer, "--suite", "bookworm", "--push", d.repo.Name(), "--accept", "IMG-01="+f.Subject, "-o", "json")
	if got.code != term.OK || got.err != "" {
		t.Fatalf("accepted: %v", got)
	}
	if r = d.decode(got); r.Refused || !r.Platforms[0].Findings[0].Accepted || !slices.Equal(d.tags(), []string{"1.0.0"}) {
		t.Errorf("accepted: %+v, tags %q", r, d.tags())
	}
	if got := d.made("--release-dir", newer, "--suite", "bookworm", "--accept", "IMG-01"); !strings.Contains(got.out, "\n  accepted: IMG-01 "+f.Subject+"\n") {
		t.Errorf("accepted: %v", got)
	}
}

// Left to itself, Phial takes the suite that the release runs on.
func TestBuildFindsTheSuite(t *testing.T) {
	if testing.Short() {
		t.Skip("needs OTP 27, and -short was asked for")
	}
	o := beamtest.OTPs(t)[1]
	release := filepath.Join(o.Root, o.BuildRelease(t, "../../examples/tally"))
	d := newDesk(t)
	if got := d.made("--release-dir", release); !strings.Contains(got.out, " on Debian trixie, assembled\n") || strings.Contains(got.out, "IMG-") {
		t.Errorf("%v", got)
	}
}
