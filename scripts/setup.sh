#!/bin/sh
# Installs from Debian what `make demo` or `make test` needs, if it is missing,
# and says what it does. As root or with sudo; changes nothing when all is there.
# usage: scripts/setup.sh demo|cluster|test
set -eu

if [ "${1:-demo}" != demo ] && [ "$(id -u)" != 0 ]; then
	echo "setup: a node of Kubernetes makes namespaces, mounts and cgroups, and the tests filter packets: run this as root, for example sudo make $1" >&2
	exit 2
fi

need=
# want COMMAND-OR-FILE PACKAGE...
want() {
	thing=$1
	shift
	case $thing in
	*/*) for f in $thing; do [ -e "$f" ] && return 0; done ;;
	*) command -v "$thing" >/dev/null 2>&1 && return 0 ;;
	esac
	# Debian keeps a few in sbin, which an ordinary user's PATH lacks.
	[ -x "/usr/sbin/$thing" ] || [ -x "/sbin/$thing" ] && return 0
	need="$need $*"
}

want elixir elixir
want "/usr/lib/erlang/lib/inets-*/ebin/inets.app /usr/local/lib/erlang/lib/inets-*/ebin/inets.app" erlang-inets
want "/usr/lib/erlang/lib/ssl-*/ebin/ssl.app /usr/local/lib/erlang/lib/ssl-*/ebin/ssl.app" erlang-ssl
want curl curl
if [ "${1:-demo}" = test ]; then
	want gcc gcc libc6-dev # the race detector links with it
	want epmd erlang-base
	want erlc erlang-dev
	want "/usr/lib/erlang/lib/eunit-*/ebin/eunit.app /usr/local/lib/erlang/lib/eunit-*/ebin/eunit.app" erlang-eunit
	want debootstrap debootstrap # OTP 25, 27 and 29 side by side
	want setpriv util-linux
	want skopeo skopeo # reads the images that we make, as do the next three
	want umoci umoci
fi
case ${1:-demo} in
test | cluster) # a Kubernetes on which pods run
	want ip iproute2
	want nft nftables
	want nsenter util-linux
	want runc runc
	want containerd containerd
	want "/usr/lib/cni/ptp /opt/cni/bin/ptp" containernetworking-plugins # the network of pods
	;;
esac

[ -n "$need" ] || exit 0

run=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "setup: missing:$need. Install them as root (apt-get install$need), or install sudo, and run this again." >&2
		exit 2
	fi
	run=sudo
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "setup: missing:$need, and there is no apt-get here. Install what gives them and run this again." >&2
	exit 2
fi
echo "setup: installing$need with apt-get${run:+ (sudo)}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	# shellcheck disable=SC2086 # $run is empty or one word
	$run env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		echo "setup: apt-get $1 failed; the lines above say why." >&2
		exit 2
	}
}
apt update -qq
# shellcheck disable=SC2086 # a list of packages
apt install -y -qq --no-install-recommends $need
echo "setup: done" >&2
