// Package sbom says in a CycloneDX document what an image with a release is made of. It says what the release, mix.lock
// and the list of system packages show, and nothing by guess: what can't be known is left out.
package sbom

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"

	"github.com/phialdev/phial/internal/image/tree"
	"github.com/phialdev/phial/internal/project"
)

// MediaType is that of a Document's JSON.
const MediaType = "application/vnd.cyclonedx+json"

// Input is what is known of an image. Only Name and Release have to be there.
type Input struct {
	Name, Version string // of the release
	Repository    string // that the image goes to, with its registry: registry.example.com/shop
	Digest        string // of the image: sha256:…
	Revision      string // commit that the release was built from
	Source        string // URL of its repository; a password in it does not get into the document

	Release    tree.Tree // the release's files at their paths in the image
	Root       string    // where the release begins in it: app
	OTPVersion string    // of Erlang/OTP, such as 25.2.3, where who built the release knows it; releases rarely say

	// Lock is the project's mix.lock. Without Locked nothing is said of where applications come from, but for those
	// of Erlang/OTP and Elixir. With it, those that are not in Lock are the team's own.
	Locked bool
	Lock   []project.Locked

	Program *Program // in place of a release: a program in Go

	Base   string          // the image that this one is built on, where it was pulled: REFERENCE@DIGEST, with its registry
	System []SystemPackage // of a base that was put together

	Created time.Time // zero is left out
	Tool    string    // version of Phial
}

// SystemPackage is a package of Debian.
type SystemPackage struct {
	Name, Version, Arch string
	Suite               string // bookworm
	SHA256              string // of the .deb, in hex
	Source              string // name of the source package; may be empty where it is Name
}

// Document is a list of what an image is made of.
type Document struct {
	JSON       []byte // the same bytes for the same Input
	Serial     string // urn:uuid:…, made from the content
	Components int
}

// rootRef is the image in the graph of dependencies.
const rootRef = "image"

// New makes the document.
func New(in Input) (*Document, error) {
	b := &builder{in: in, needs: map[string][]string{}}
	if in.Program != nil {
		b.program(*in.Program)
	} else if err := b.release(); err != nil {
		return nil, err
	}
	if err := b.base(); err != nil {
		return nil, err
	}
	b.system()
	b.roots()

	bom := cyclonedx.NewBOM()
	bom.Metadata = b.metadata()
	bom.Components = &b.components
	bom.Dependencies = b.dependencies()
	if in.Base != "" { // nobody has looked into it
		bom.Compositions = &[]cyclonedx.Composition{{Aggregate: cyclonedx.CompositionAggregateIncomplete, Assemblies: &[]cyclonedx.BOMReference{baseRef}}}
	}
	unnamed, err := encode(bom)
	if err != nil {
		return nil, err
	}
	bom.SerialNumber = serial(unnamed)
	text, err := encode(bom)
	if err != nil {
		return nil, err
	}
	return &Document{JSON: text, Serial: bom.SerialNumber, Components: len(b.components)}, nil
}

// encode writes version 1.6 of the format, the newest that most scanners read.
func encode(bom *cyclonedx.BOM) ([]byte, error) {
	var out bytes.Buffer
	err := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cyclonedx.SpecVersion1_6)
	if err != nil {
		return nil, fmt.Errorf("write the SBOM: %w", err)
	}
	return out.Bytes(), nil
}

// serial makes a UUID (version 8 of RFC 9562) of the content: a random one would make two documents of one image.
func serial(content []byte) string {
	u := sha256.Sum256(content)
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

func (b *builder) metadata() *cyclonedx.Metadata {
	in := b.in
	m := &cyclonedx.Metadata{
		Tools: &cyclonedx.ToolsChoice{Components: &[]cyclonedx.Component{{Type: cyclonedx.ComponentTypeApplication, Name: "phial", Version: in.Tool}}},
	}
	if !in.Created.IsZero() {
		m.Timestamp = in.Created.UTC().Format(time.RFC3339)
	}
	image := &cyclonedx.Component{
		BOMRef: rootRef, Type: cyclonedx.ComponentTypeContainer, Name: in.Name, Version: in.Version,
		Hashes: sha(strings.TrimPrefix(in.Digest, "sha256:")),
	}
	if in.Digest != "" {
		image.PackageURL = ociURL(or(in.Repository, in.Name), in.Version, in.Digest)
	}
	if url, ok := openURL(in.Source); ok {
		image.ExternalReferences = vcs(url, in.Revision)
	}
	if in.Revision != "" {
		image.Properties = &[]cyclonedx.Property{{Name: "phial:revision", Value: in.Revision}}
	}
	m.Component = image
	return m
}

// sha gives a SHA-256 as a hash, and none where it is not one.
func sha(hex string) *[]cyclonedx.Hash {
	if len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return nil
	}
	return &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex}}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
