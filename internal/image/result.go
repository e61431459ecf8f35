package image

import (
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image/sbom"
	"github.com/phialdev/phial/internal/image/tree"
	"github.com/phialdev/phial/internal/release"
)

// Result is what was built, ready to be brought somewhere.
type Result struct {
	Name, Version, Revision string
	Digest                  v1.Hash  // of Root
	Root                    Manifest // the image, or the index over several
	Platforms               []*Platform
	Referrers               []v1.Image // evidence about the images, to be kept beside them

	store *store
}

// Manifest is a v1.Image or a v1.ImageIndex.
type Manifest interface {
	partial.WithRawManifest
	partial.Describable
}

// Platform is the image for one architecture.
type Platform struct {
	Arch       string // Go's name
	Image      v1.Image
	Digest     v1.Hash
	Base       string // what it stands on
	BaseDigest string
	Layers     []Layer
	Apps       []App
	Left       []Left
	Findings   []Finding
	SBOM       []byte // CycloneDX, JSON
	SBOMDigest string // of the referrer that holds it

	files   tree.Tree
	base    *base
	release release.Release
	program *sbom.Program // in place of a release
}

// Layer is a line of the report on sizes.
type Layer struct {
	Name     string `json:"name"`
	Digest   string `json:"digest"`
	Size     int64  `json:"size"`     // compressed, bytes
	Unpacked int64  `json:"unpacked"` // bytes of the files; 0 where a pulled base does not say
}

// App is an application's part of the image.
type App struct {
	Name     string `json:"name"` // NAME-VERSION
	Layer    string `json:"layer"`
	Unpacked int64  `json:"unpacked"` // bytes
}

// Finding is a finding that stands, or that the team has taken upon itself.
type Finding struct {
	finding.Finding
	Accepted bool `json:"accepted,omitempty"`
}

// Accept is a finding that is let pass: of a code, and where Subject isn't empty of that subject alone.
type Accept struct {
	Code    finding.Code
	Subject string
}

// ParseAccept reads CODE or CODE=SUBJECT.
func ParseAccept(s string) (Accept, error) {
	code, subject, _ := strings.Cut(s, "=")
	e, ok := finding.Lookup(finding.Code(code))
	if !ok || e.Code.Family() != "IMG" && e.Code != finding.CookieInImage {
		return Accept{}, fmt.Errorf("--accept %s: no finding of images has this code; they are IMG-01, IMG-02 and so on: phial explain lists them", s)
	}
	return Accept{e.Code, subject}, nil
}

// accepted marks the findings that were accepted.
func (b *builder) accepted(all []finding.Finding) []Finding {
	out := make([]Finding, len(all))
	for i, f := range all {
		out[i] = Finding{f, slices.ContainsFunc(b.Accept, func(a Accept) bool {
			return a.Code == f.Code && (a.Subject == "" || a.Subject == f.Subject)
		})}
	}
	return out
}

// Refused says whether an error stands against the image.
func (r *Result) Refused() bool {
	return slices.ContainsFunc(r.Platforms, func(p *Platform) bool {
		return slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.Severity == finding.Error && !f.Accepted })
	})
}

// Close removes what was only needed to publish.
func (r *Result) Close() error { return r.store.close() }

// measure fills the report on sizes.
func (p *Platform) measure(own []*layer) {
	for _, add := range p.base.layers {
		if l, ok := add.Layer.(*layer); ok {
			p.Layers = append(p.Layers, l.line())
			continue
		}
		line := Layer{Name: "base"}
		if h, err := add.Layer.Digest(); err == nil {
			line.Digest = h.String()
		}
		line.Size, _ = add.Layer.Size() // of the manifest that was read already
		p.Layers = append(p.Layers, line)
	}
	sizes := map[App]int64{}
	for _, l := range own {
		p.Layers = append(p.Layers, l.line())
		for _, f := range l.tree {
			if !f.Mode.IsRegular() {
				continue
			}
			below := strings.Split(strings.TrimPrefix(f.Path, Root+"/"), "/")
			key := App{Name: "release files", Layer: l.name}
			switch {
			case below[0] == "lib" && len(below) > 1:
				key.Name = below[1]
			case strings.HasPrefix(below[0], "erts-"):
				key.Name = below[0]
			}
			sizes[key] += f.Size
		}
	}
	for a, n := range sizes {
		a.Unpacked = n
		p.Apps = append(p.Apps, a)
	}
	slices.SortFunc(p.Apps, func(a, b App) int {
		if a.Unpacked != b.Unpacked {
			return int(b.Unpacked - a.Unpacked)
		}
		return strings.Compare(a.Name, b.Name)
	})
}

func (l *layer) line() Layer {
	return Layer{Name: l.name, Digest: l.known.Digest.String(), Size: l.known.Size, Unpacked: l.tree.Size()}
}

// Size is what has to be pulled, bytes.
func (p *Platform) Size() (n int64) {
	for _, l := range p.Layers {
		n += l.Size
	}
	return n
}

// Unpacked is the size on disk, bytes: the files of the layers that are ours, and what is
// known of the base.
func (p *Platform) Unpacked() (n int64) {
	for _, l := range p.Layers {
		n += l.Unpacked
	}
	return n + p.base.size
}

// tooLarge is the finding about an image that is larger than teams expect.
func (p *Platform) tooLarge(limit int64) finding.Finding {
	mb := func(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }
	var largest, evidence []string
	for _, a := range p.Apps[:min(len(p.Apps), 5)] {
		largest = append(largest, a.Name)
		evidence = append(evidence, fmt.Sprintf("%s: %s MB", a.Name, mb(a.Unpacked)))
	}
	return finding.New("IMG-14", path.Join("linux", p.Arch), finding.Values{
		"size": mb(p.Unpacked()), "limit": mb(limit), "largest": strings.Join(largest[:min(len(largest), 3)], ", "),
	}, evidence...)
}
