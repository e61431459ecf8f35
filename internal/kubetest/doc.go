// Package kubetest runs a real Kubernetes for tests, in one of two sizes.
//
// A [Cluster] is the control plane alone: etcd and kube-apiserver on loopback ports of their own, and
// kube-controller-manager where a test wants controllers. There is no kubelet: what is applied is judged and kept, and
// no pod runs. It takes three seconds and no rights.
//
// A [Node] is a Cluster on which pods run: with a scheduler, and in namespaces of their own containerd, kubelet,
// kube-proxy, a routed network and CoreDNS. NetworkPolicies are enforced by rules of nft's ([Node.Cut] breaks the
// network in ways that no policy does), the host reaches pods and ClusterIPs, and images come by import, since there is
// no registry. It takes ten seconds and root. Each has addresses, a link and cgroups of its own, so up to sixteen run
// side by side, of one test process or several. What a node has not: a second node, IPv6, host ports, storage classes, a
// way to the internet. Pods that are on the node's own network are not subject to policies, and no policy keeps a pod
// from the node itself, nor the host from a pod.
//
// [Start] and [StartNode] give a test one of its own; [Shared] and [SharedNode] one that all tests of a package use,
// which [Main] stops. Objects go in with [Cluster.Apply], which is as fast as the API server, or through a kubectl of
// the server's own version with [Cluster.Kubectl]. [Cluster.InstallCRDs] installs what others define: [GatewayAPI] and
// [KEDA] are at hand.
//
// The programs are built from test/kube once and kept in the cache outside the checkout (internal/testkit), by the
// content they are made of. "go run ./internal/kubetest/prepare" does so ahead of the tests, and "go run
// ./internal/kubetest/env up" keeps a control plane running for a person, "env -node up" a node.
//
// Whatever is started ends with the test, and with the test's process if that should die; so do its files, and a node's
// mounts, cgroups and links.
package kubetest
