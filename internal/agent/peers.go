package agent

import "github.com/phialdev/phial/internal/mesh"

// Peers is what an agent hears from the agents of the other replicas, and says to
// them. Its methods return at once; what is said may be lost.
type Peers interface {
	// Views gives the newest view of each other replica, of any age.
	Views() []mesh.GateView
	// Ask sends a request, and calls answer if one comes.
	Ask(r mesh.LeanRequest, answer func(mesh.LeanAnswer))
	// Release tells replicas that they cannot lean on this one any longer.
	Release(to []string)
	// Leave tells replicas that this one does not lean on them.
	Leave(all []mesh.LeanLeave)
}

// noPeers is nobody.
type noPeers struct{}

func (noPeers) Views() []mesh.GateView                      { return nil }
func (noPeers) Ask(mesh.LeanRequest, func(mesh.LeanAnswer)) {}
func (noPeers) Release([]string)                            {}
func (noPeers) Leave([]mesh.LeanLeave)                      {}
