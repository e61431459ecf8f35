// Package supervisor is process 1 of an agent's container: small, and hard to kill. It
// starts the worker, which does the agent's work, starts it again when it ends, and
// answers the kubelet's probes with the worker's last decision meanwhile; for a sidecar
// that dies makes its pod unready at once, whatever the app says.
//
// Supervisor and worker are the same binary and talk in lines of JSON over two inherited
// pipes: the worker says a [Word] at least once a second, the supervisor gives an [Order]
// when there is something to do. The worker's side of that is [Link].
//
// Programs that the kubelet or a person runs in one of the pod's containers talk to the
// supervisor over a unix socket, which [Client] does for them.
package supervisor
