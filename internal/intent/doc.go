// Package intent works out what manifests and a source tree mean together: the name that
// each replica's node will have, its cookie and ports, what its discovery looks up and
// dials, and what the cluster answers. The result is a [mesh.Intent], of which
// [mesh.Predict] makes a mesh.
//
// Nothing is run: rel/env.sh is followed by an interpreter without commands, and what
// neither text decides is not known.
package intent
