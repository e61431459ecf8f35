// Package agent is the loop that runs beside one node: it sees the node boot,
// joins it to its peers without ever taking a mesh apart, and decides whether
// it takes traffic. It knows neither Kubernetes nor the local engine: they give
// it a [Config] and read its [State].
//
// Decisions are mesh.PlanJoin's and mesh.Gate's; this package only looks, asks
// them, and does what they say. Whom it looks at comes from [Discovery]; how it
// looks from [Network], which internal/probe fills ([Probe]).
package agent
