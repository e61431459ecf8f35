#!/bin/sh
# The demo: one spec and its objects, an image, three replicas of examples/tally, their mesh, a request answered by
# each, one broken on purpose and diagnosed, mended, and everything ended.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
app=tally

. scripts/say.sh
say "1. One short spec, and the objects that follow from it for Kubernetes"
run grep -v '^ *#' examples/tally/phial.yaml
echo "$ phial render examples/tally    # names alone"
phial render examples/tally 2>/dev/null | awk '/^kind:/ {kind = $2} /^  name:/ {print "  " kind "/" $2}'

say "2. An image of it, without Docker, on a base put together from Debian's packages"
out=$(mktemp -d)
trap 'rm -rf "$out"; phial down --name $app >/dev/null 2>&1 || true' EXIT
run phial build examples/tally --oci-layout "$out/tally"

say "3. Three replicas from the same spec on this machine, named as Kubernetes would name them"
run phial up examples/tally --name $app --replicas 3 --detach

say "4. Do they form a mesh?"
expect 0 phial mesh --name $app

say "5. A request answered by each replica"
run phial status --name $app
phial status --name $app 2>/dev/null | tr ' ' '\n' | grep '^http' | while read -r url; do
	run curl -sS --max-time 10 -X POST "$url/tally/demo"
	echo
done

say "6. Break one: tally-2 restarts with another cookie"
run phial break tally-2 cookie --name $app
expect 1 phial mesh --name $app

say "7. Why can tally-0 and tally-2 not connect?"
expect 1 phial why tally-0 tally-2 --name $app

say "8. Mend it"
run phial mend --name $app
expect 0 phial mesh --name $app

say "9. Stop"
run phial down --name $app
rm -rf "$out"
trap - EXIT
