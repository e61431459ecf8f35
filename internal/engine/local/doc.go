// Package local is the embedded engine: it runs the replicas of one release as
// processes of the user who calls it, with what a pod would give them. Every
// replica has an address of its own in 127.77.0.0/16, answers of its own from
// EPMD and DNS, a pod's environment, a gate that says whether it takes
// traffic, a drain within a grace period and a restart with back-off; a loopback
// ingress sends HTTP to those that are ready. Nothing in it needs root.
//
// What it runs is a plan (internal/plan), the one that Kubernetes' objects are made
// of, so that names, environment, probes, hooks and times come from one place; what
// has to differ on one machine is in translate.go, and what is left to Kubernetes is
// told once.
//
// One engine process runs one app, an instance. [Run] is the engine; [Find]
// and [List] give a [Client] that talks to a running one over a unix socket in
// the instance's state directory. The kernel holds everything that must not
// outlive the engine: the lock (flock), the slot (a listening socket) and the
// replicas (they get SIGKILL when the engine's spawning thread is gone).
package local
