// Package crd is the BeamApp's CustomResourceDefinition as it is installed,
// generated from api/v1alpha1.
package crd

import _ "embed"

//go:generate go tool controller-gen object paths=../../api/...
//go:generate go tool controller-gen crd:crdVersions=v1 paths=../../api/... output:crd:dir=.

// YAML is the CustomResourceDefinition.
//
//go:embed phial.dev_beamapps.yaml
var YAML []byte
