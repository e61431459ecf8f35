package sbom

import (
	"path"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
)

// Program is a program in Go, and what its own build information says of it.
type Program struct {
	Main    string // path of its module
	Go      string // version of Go
	Modules []Module
}

// Module is a module that was linked into it.
type Module struct{ Path, Version string }

// program adds the modules of a program, and Go's standard library, which scanners know by this name.
func (b *builder) program(p Program) {
	b.module(Module{Path: "stdlib", Version: p.Go})
	for _, m := range p.Modules {
		b.module(m)
	}
}

func (b *builder) module(m Module) {
	namespace, name := path.Split(m.Path)
	ref := "go/" + m.Path + "@" + m.Version
	b.add(cyclonedx.Component{
		BOMRef: ref, Type: cyclonedx.ComponentTypeLibrary, Name: m.Path, Version: m.Version,
		PackageURL: purl{kind: "golang", namespace: strings.TrimSuffix(namespace, "/"), name: name, version: m.Version}.String(),
		Properties: &[]cyclonedx.Property{{Name: "phial:origin", Value: "go"}},
	})
	b.always = append(b.always, ref)
}
