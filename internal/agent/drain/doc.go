// Package drain takes the work from a node before it is stopped, by rpc and without a
// line in the application: the gate is closed already, load balancers get their time to
// hear of it, then whatever takes in work is told to stop, and what is in flight may end.
// SIGTERM is not sent here; whoever runs the node does that.
//
// It waits for work, never for connections: idle keep-alive clients and WebSockets stay
// connected as long as they are let. What a node does not have is skipped, what fails is
// noted, and nothing takes longer than the endpoint delay and the budget together.
//
// How each library is asked is the business of [probe.Drain]; this package knows the
// order and the time.
package drain
