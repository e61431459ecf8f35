// Package manifest reads Kubernetes manifests with positions, and BeamApps in them as
// an API server would: with the schema, the defaults and the rules of the
// CustomResourceDefinition, so that both refuse the same things, here with file, line
// and column, all at once, and with the nearest right name.
//
// It knows what a document says, not what follows from it: that is internal/plan's.
package manifest
