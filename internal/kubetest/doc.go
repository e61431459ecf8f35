// Package kubetest runs a real Kubernetes control plane for tests: etcd and kube-apiserver on loopback ports of their
// own, and kube-controller-manager where a test wants controllers. There is no kubelet: what is applied is judged and
// kept, and no pod runs.
//
// [Start] gives a test a cluster of its own; [Shared] one that all tests of a package use, which [Main] stops. Objects
// go in with [Cluster.Apply], which is as fast as the API server, or through a kubectl of the server's own version with
// [Cluster.Kubectl]. [Cluster.InstallCRDs] installs what others define: [GatewayAPI] and [KEDA] are at hand.
//
// The programs are built from test/kube once and kept in the cache outside the checkout (internal/testkit), by the
// content they are made of. "go run ./internal/kubetest/prepare" does so ahead of the tests, and "go run
// ./internal/kubetest/env up" keeps a control plane running for a person.
//
// Whatever is started ends with the test, and with the test's process if that should die; so do its files.
package kubetest
