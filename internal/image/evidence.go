package image

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/phialdev/phial/internal/image/sbom"
)

// evidence makes an SBOM for each image, as an artifact that refers to it.
func (b *builder) evidence(r *Result) error {
	if b.NoSBOM {
		return nil
	}
	for _, p := range r.Platforms {
		in := sbom.Input{
			Name: r.Name, Version: r.Version, Digest: p.Digest.String(), Revision: b.Revision.String(), Source: b.Revision.Source,
			Release: p.files, Root: Root, Locked: b.Locked, Lock: b.Lock, Created: b.Created, Tool: b.Version, OTPVersion: p.release.OTP, Program: p.program,
		}
		if p.base.remote {
			in.Base = p.base.name + "@" + p.base.digest
		}
		for _, d := range p.base.system {
			in.System = append(in.System, sbom.SystemPackage{
				Name: d.Name, Version: d.Version, Arch: d.Arch, Suite: p.base.suite, SHA256: d.SHA256, Source: d.Source,
			})
		}
		doc, err := sbom.New(in)
		if err != nil {
			return fmt.Errorf("the SBOM: %w", err)
		}
		p.SBOM = doc.JSON
		ref, err := artifact(p.Image, sbom.MediaType, doc.JSON)
		if err != nil {
			return fmt.Errorf("the SBOM: %w", err)
		}
		h, err := ref.Digest()
		if err != nil {
			return err
		}
		p.SBOMDigest = h.String()
		r.Referrers = append(r.Referrers, ref)
	}
	return nil
}

// An artifact as OCI's image specification 1.1 has it: a manifest with a type, a subject
// and one blob, and {} in place of a configuration.
type artifactImage struct {
	manifest []byte
	layer    v1.Layer
}

var emptyConfig = []byte("{}")

const emptyConfigType types.MediaType = "application/vnd.oci.empty.v1+json"

// artifact makes one of content that says something about subject.
func artifact(subject v1.Image, kind types.MediaType, content []byte) (v1.Image, error) {
	about, err := partial.Descriptor(subject)
	if err != nil {
		return nil, err
	}
	layer := static.NewLayer(content, kind)
	digest, err := layer.Digest()
	if err != nil {
		return nil, err
	}
	config, size, err := v1.SHA256(bytes.NewReader(emptyConfig))
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(struct {
		SchemaVersion int64           `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		ArtifactType  string          `json:"artifactType"`
		Config        v1.Descriptor   `json:"config"`
		Layers        []v1.Descriptor `json:"layers"`
		Subject       v1.Descriptor   `json:"subject"`
	}{
		2, types.OCIManifestSchema1, string(kind),
		v1.Descriptor{MediaType: emptyConfigType, Digest: config, Size: size},
		[]v1.Descriptor{{MediaType: kind, Digest: digest, Size: int64(len(content))}},
		v1.Descriptor{MediaType: about.MediaType, Digest: about.Digest, Size: about.Size},
	})
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(&artifactImage{manifest, layer})
}

func (a *artifactImage) RawConfigFile() ([]byte, error)      { return emptyConfig, nil }
func (a *artifactImage) RawManifest() ([]byte, error)        { return a.manifest, nil }
func (a *artifactImage) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
func (a *artifactImage) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	if d, err := a.layer.Digest(); err != nil || d != h {
		return nil, fmt.Errorf("the artifact has no layer %s", h)
	}
	return a.layer, nil
}
