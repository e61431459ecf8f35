package build

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/image/publish"
	"github.com/phialdev/phial/internal/report"
)

// Report is the JSON of `phial build`.
type Report struct {
	Name      string              `json:"name"`
	Version   string              `json:"version"`
	Revision  string              `json:"revision,omitempty"`
	Digest    string              `json:"digest"`    // of the image, or of the index over several
	Reference string              `json:"reference"` // by digest, at the registry; without one the digest alone
	Refused   bool                `json:"refused,omitempty"`
	Platforms []Platform          `json:"platforms"`
	Published []publish.Published `json:"published"`
}

// Platform is the part for one architecture.
type Platform struct {
	Platform   string          `json:"platform"`
	Digest     string          `json:"digest"`
	Base       string          `json:"base"`
	BaseDigest string          `json:"baseDigest,omitempty"`
	SBOM       string          `json:"sbom,omitempty"` // digest of the referrer
	Size       int64           `json:"size"`           // to pull, bytes
	Unpacked   int64           `json:"unpacked"`       // on disk, bytes
	Layers     []image.Layer   `json:"layers"`
	Apps       []image.App     `json:"apps"`
	Left       []image.Left    `json:"left"` // what of the release is not in the image
	Findings   []image.Finding `json:"findings"`
}

func newReport(r *image.Result, published []publish.Published) Report {
	out := Report{Name: r.Name, Version: r.Version, Revision: r.Revision, Digest: r.Digest.String(), Reference: r.Digest.String(),
		Refused: r.Refused(), Published: append([]publish.Published{}, published...)}
	for _, p := range published {
		if len(p.Names) > 0 && isDigest(p.Names[0]) {
			out.Reference = p.Names[0]
		}
	}
	for _, p := range r.Platforms {
		out.Platforms = append(out.Platforms, Platform{
			Platform: "linux/" + p.Arch, Digest: p.Digest.String(), Base: p.Base, BaseDigest: p.BaseDigest, SBOM: p.SBOMDigest,
			Size: p.Size(), Unpacked: p.Unpacked(), Layers: p.Layers, Apps: p.Apps,
			Left: append([]image.Left{}, p.Left...), Findings: append([]image.Finding{}, p.Findings...),
		})
	}
	return out
}

// isDigest says whether a name is by digest.
func isDigest(name string) bool { return strings.Contains(name, "@") }

// show writes the report as it was asked for.
func show(s *term.IO, o options, r Report) error {
	style := report.Style{Colour: s.Colour, Width: s.Width}
	switch {
	case o.json:
		return s.WriteJSON(r)
	case o.printDigest:
		for _, p := range r.Platforms {
			findings(s.Err, p, style)
		}
		if !r.Refused { // scripts take what is there for an image
			fmt.Fprintln(s.Out, r.Reference)
		}
		return nil
	}
	for _, p := range r.Platforms {
		platform(s.Out, r, p, style)
	}
	if len(r.Platforms) > 1 {
		fmt.Fprintf(s.Out, "index of %d architectures: %s\n", len(r.Platforms), r.Digest)
	}
	for _, p := range r.Published {
		fmt.Fprintf(s.Out, "%s: %s sent\n", p.Target, report.Megabytes(p.Sent))
		for _, n := range p.Names {
			fmt.Fprintf(s.Out, "  %s\n", n)
		}
		for _, tag := range slices.Sorted(maps.Keys(p.Moved)) {
			s.Notef("the tag %s meant another image before: %s", tag, p.Moved[tag])
		}
	}
	if len(r.Published) == 0 && !r.Refused {
		s.Notef("the image was made and is nowhere yet: --push REPOSITORY, --oci-layout DIR, --tarball FILE or --containerd says where to")
	}
	return nil
}

// mostApps are shown by size; -o json has all.
const mostApps = 8

func platform(w io.Writer, r Report, p Platform, style report.Style) {
	fmt.Fprintf(w, "%s %s for %s on %s\n", r.Name, r.Version, p.Platform, p.Base)
	fmt.Fprintf(w, "  %s\n\n", p.Digest)
	rows := [][]string{{"  LAYER", "TO PULL", "UNPACKED"}}
	for _, l := range p.Layers {
		unpacked := "-"
		if l.Unpacked > 0 {
			unpacked = report.Megabytes(l.Unpacked)
		}
		rows = append(rows, []string{"  " + l.Name, report.Megabytes(l.Size), unpacked})
	}
	rows = append(rows, []string{"  together", report.Megabytes(p.Size), report.Megabytes(p.Unpacked) + "  (teams expect 50 to 120 MB)"})
	report.Table(w, rows, style)
	var largest []string
	for _, a := range p.Apps[:min(len(p.Apps), mostApps)] {
		largest = append(largest, a.Name+" "+report.Megabytes(a.Unpacked))
	}
	if len(largest) > 0 {
		fmt.Fprintf(w, "  largest: %s\n", strings.Join(largest, ", "))
	}
	for _, l := range p.Left {
		fmt.Fprintf(w, "  left out: %s (%s)\n", l.Path, l.Why)
	}
	findings(w, p, style)
	fmt.Fprintln(w)
}

func findings(w io.Writer, p Platform, style report.Style) {
	var open []finding.Finding
	for _, f := range p.Findings {
		if f.Accepted {
			fmt.Fprintf(w, "  accepted: %s %s\n", f.Code, f.Subject)
			continue
		}
		open = append(open, f.Finding)
	}
	report.Findings(w, open, style)
}
