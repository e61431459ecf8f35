package sbom

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

const baseRef = "base"

// base adds the image that this one is built on.
func (b *builder) base() error {
	if b.in.Base == "" {
		return nil
	}
	ref, digest, ok := strings.Cut(b.in.Base, "@")
	if !ok || sha(strings.TrimPrefix(digest, "sha256:")) == nil {
		return fmt.Errorf("the base image %s has no digest: name it as REFERENCE@sha256:…", b.in.Base)
	}
	repository, tag := ref, ""
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		repository, tag = ref[:i], ref[i+1:]
	}
	b.add(cyclonedx.Component{
		BOMRef: baseRef, Type: cyclonedx.ComponentTypeContainer, Name: repository, Version: or(tag, digest),
		Description: "the base image; what it holds is not listed here", Hashes: sha(strings.TrimPrefix(digest, "sha256:")),
		PackageURL: ociURL(repository, tag, digest),
	})
	b.always = append(b.always, baseRef)
	return nil
}

// releases are the numbers of Debian's suites: scanners know a system by its number.
var releases = map[string]string{"bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "duke": "15"}

// system adds the packages of Debian, and each suite as the operating system that scanners look for.
func (b *builder) system() {
	packages := slices.Clone(b.in.System)
	slices.SortFunc(packages, func(a, b SystemPackage) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version), strings.Compare(a.Arch, b.Arch))
	})
	for _, p := range packages {
		number := or(releases[p.Suite], p.Suite)
		if os := "os/debian-" + number; p.Suite != "" {
			b.add(cyclonedx.Component{BOMRef: os, Type: cyclonedx.ComponentTypeOS, Name: "debian", Version: number, Description: p.Suite})
			b.always = append(b.always, os)
		}
		c := cyclonedx.Component{
			BOMRef: path.Join("deb", p.Name) + "@" + p.Version, Type: cyclonedx.ComponentTypeLibrary, Name: p.Name, Version: p.Version,
			Hashes: sha(p.SHA256), PackageURL: debURL(p, number), Properties: &[]cyclonedx.Property{{Name: "phial:origin", Value: "debian"}},
		}
		if p.Arch != "" {
			c.BOMRef += "/" + p.Arch
		}
		b.add(c)
		b.always = append(b.always, c.BOMRef)
	}
}

func debURL(p SystemPackage, number string) string {
	distro, upstream := "", ""
	if number != "" {
		distro = "debian-" + number
	}
	if p.Source != p.Name {
		upstream = p.Source // fixes are listed by source package
	}
	return purl{kind: "deb", namespace: "debian", name: strings.ToLower(p.Name), version: p.Version,
		qualifiers: []string{"arch", p.Arch, "distro", distro, "upstream", upstream}}.String()
}

// roots has the image need what is its own and what nothing else needs, so that everything can be reached from it.
func (b *builder) roots() {
	needed := map[string]bool{}
	for ref, needs := range b.needs {
		for _, n := range needs {
			needed[n] = needed[n] || n != ref
		}
	}
	roots := slices.Clone(b.always)
	for _, c := range b.components {
		if !needed[c.BOMRef] {
			roots = append(roots, c.BOMRef)
		}
	}
	b.needs[rootRef] = roots
}

// dependencies writes what each component needs, sorted.
func (b *builder) dependencies() *[]cyclonedx.Dependency {
	refs := []string{rootRef}
	for _, c := range b.components {
		refs = append(refs, c.BOMRef)
	}
	all := make([]cyclonedx.Dependency, len(refs))
	for i, ref := range refs {
		needs := slices.Compact(slices.Sorted(slices.Values(b.needs[ref])))
		needs = slices.DeleteFunc(needs, func(n string) bool { return n == ref })
		all[i] = cyclonedx.Dependency{Ref: ref, Dependencies: &needs}
	}
	return &all
}
