#!/bin/sh
# The demo on a real Kubernetes: a cluster of one node on this machine, images without Docker, three replicas that
# join one another before they take traffic, a rolling update under requests, a link that is cut and named, and
# everything ended. It needs root: the node makes namespaces, mounts and cgroups of its own.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
ns=demo

if [ "$(id -u)" != 0 ]; then
	echo "demo-kubernetes: a node of Kubernetes needs root: run sudo make demo-kubernetes, or as root. make demo needs none." >&2
	exit 2
fi
. scripts/say.sh
# until_ok SECONDS COMMAND...: again and again until it ends with 0.
until_ok() {
	end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$(date +%s)" -ge "$end" ]; then
			echo "demo-kubernetes: '$*' did not end well in time:" >&2
			"$@" >&2 || true
			exit 1
		fi
		sleep 1
	done
}
load=
export PHIAL_CLUSTER=demo # a cluster of the demo's own, beside that of make cluster
work=$(mktemp -d)
finish() {
	[ -z "$load" ] || kill "$load" 2>/dev/null || true
	rm -rf "$work"
	make -s cluster-down >/dev/null 2>&1 || true
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "1. A Kubernetes of one node on this machine (kubelet, containerd, CoreDNS; built once, which takes minutes)"
make -s cluster-down >/dev/null 2>&1 || true
make -s cluster >"$work/env"
# shellcheck disable=SC1091 # made a line above
. "$work/env"
run kubectl get nodes

say "2. Two images, without Docker: the app's, and the agent's"
run phial build examples/tally --containerd --name localhost/tally --tag demo --no-sbom
printf '$ make images IMAGES_FLAGS="-only phial-agent -arch %s -containerd"\n' "$(go env GOARCH)"
make -s images IMAGES_FLAGS="-only phial-agent -arch $(go env GOARCH) -containerd -dir $work/images" 2>&1 | tail -n 3

say "3. The Secret, by the command that render gives; then every object of the spec"
run kubectl create namespace $ns
set -- examples/tally -n $ns --agent-image localhost/phial-agent:devel --set image=localhost/tally:demo --set imagePullPolicy=Never --set resources.requests.cpu=100m
phial render --cookie-command "$@" >"$work/secret.sh"
printf '$ %s\n' "$(cat "$work/secret.sh")"
sh -e "$work/secret.sh"
echo "$ phial render $* | kubectl apply --server-side -f -"
phial render "$@" 2>/dev/null | kubectl apply --server-side -f -
run kubectl rollout status -n $ns deployment/tally --timeout=3m

say "4. Do they form a mesh? Each replica's agent, and the nodes themselves, are asked"
until_ok 30 phial mesh -n $ns
expect 0 phial mesh -n $ns

say "5. A rolling update while requests come in, one after the other, none of them sent twice"
ip=$(kubectl get service tally -n $ns -o 'jsonpath={.spec.clusterIP}')
(
	ok=0 failed=0
	trap 'echo "$ok answered, $failed failed" >"$work/requests"; exit 0' TERM
	while :; do
		if curl -sSf --max-time 10 -o /dev/null -X POST "http://$ip/tally/demo" 2>>"$work/failures"; then ok=$((ok + 1)); else failed=$((failed + 1)); fi
	done
) &
load=$!
old=$(kubectl get pods -n $ns -l app.kubernetes.io/name=tally -o 'jsonpath={.items[0].metadata.name}')
kubectl logs -f -n $ns "$old" -c phial-agent >"$work/old.log" 2>/dev/null &
run kubectl rollout restart -n $ns deployment/tally
run kubectl rollout status -n $ns deployment/tally --timeout=5m
kill "$load"
wait "$load" 2>/dev/null || true
load=
cat "$work/requests"
grep -q ' 0 failed' "$work/requests" || {
	cat "$work/failures" >&2
	exit 1
}
three() { [ "$(kubectl get pods -n $ns --no-headers | wc -l)" = 3 ]; }
until_ok 90 three # those that were replaced have left
until_ok 60 phial mesh -n $ns

say "6. What the agent of a replica that was replaced wrote, from joining to the end of its drain"
cut -c1-150 "$work/old.log" | tail -n 12

say "7. A policy that lets distribution through no longer, and a replica that has to be replaced"
cat >"$work/cut.yaml" <<YAML
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: tally, namespace: $ns}
spec:
  podSelector: {matchLabels: {app.kubernetes.io/name: tally, app.kubernetes.io/component: node}}
  policyTypes: [Ingress]
  ingress: [{ports: [{port: 4000}, {port: 9110}, {port: 9111}]}]
YAML
run kubectl replace -f "$work/cut.yaml"
first=$(kubectl get pods -n $ns -l app.kubernetes.io/name=tally -o 'jsonpath={.items[0].metadata.name}')
kept=$(kubectl get pods -n $ns -l app.kubernetes.io/name=tally -o 'jsonpath={.items[1].metadata.name}')
run kubectl delete pod -n $ns "$first" --wait
new=$(kubectl get pods -n $ns -l app.kubernetes.io/name=tally --sort-by=.metadata.creationTimestamp -o 'jsonpath={.items[-1:].metadata.name}')
says_why() { kubectl exec -n $ns "$new" -c phial-agent -- /phial/bin/phial-agent state | grep 'does not reach'; }
until_ok 60 says_why
echo "The new one can't join, so it stays out of traffic, alone, and says why:"
run kubectl exec -n $ns "$new" -c phial-agent -- /phial/bin/phial-agent state
expect 1 phial why "$new" "$kept" -n $ns

say "8. Put the policy right again"
phial render "$@" 2>/dev/null | kubectl apply --server-side --force-conflicts -f - | grep networkpolicy
until_ok 60 phial mesh -n $ns
expect 0 phial mesh -n $ns

say "9. Stop"
run make -s cluster-down
trap - EXIT
rm -rf "$work"
