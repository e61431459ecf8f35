#!/bin/sh
# Runs tests of whole nodes on cgroups of version 2, whatever this machine has: in a virtual machine with Debian's
# kernel, whose root is this machine's own, read-only, with a layer in memory over it. So the programs, the checkout and
# the cache are those that are here, and what is written goes with the machine. It ends by itself; where a test fails it
# says where output and evidence are kept. Without hardware that virtualizes the machine is emulated: twenty times
# slower, so fewer tests are run, and they are given more time. As root.
# usage: scripts/cgroup2.sh [PACKAGE [FLAG-OF-THE-TEST...]]
# LIMIT is the seconds that the machine may run, MEMORY its MiB.
set -eu
cd "$(dirname "$0")/.."
export PHIAL_CACHE="${PHIAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/phial}" PATH="$PATH:/usr/sbin:/sbin"
vm=$PHIAL_CACHE/vm # the kernel, its modules, busybox

say() { echo "cgroup2: $*" >&2; }
die() {
	say "$*"
	exit 2
}

[ "$(uname -m)" = x86_64 ] || die "the virtual machine is an amd64 one, and this machine is not."
[ "$(id -u)" = 0 ] || die "this installs QEMU, and shows the virtual machine all of this one: run it as root, for example sudo make test-cgroup2."
if ! command -v qemu-system-x86_64 >/dev/null; then
	say "installing qemu-system-x86 with apt-get"
	apt-get update -qq >&2 || die "apt-get update failed; the lines above say why."
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-system-x86 >/dev/null ||
		die "apt-get install failed; the lines above say why."
fi
if [ ! -d "$vm" ]; then
	say "fetching Debian's kernel and busybox-static, once, into $vm"
	rm -rf "$vm.tmp"
	mkdir -p "$vm.tmp"
	kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p')
	(cd "$vm.tmp" && apt-get download -qq -o APT::Sandbox::User=root "${kernel:-linux-image-amd64}" busybox-static) >&2 ||
		die "apt-get can't download them: run apt-get update, as root, and then this again."
	for deb in "$vm.tmp"/*.deb; do # unpacked, not installed
		dpkg-deb -x "$deb" "$vm.tmp/root"
		rm "$deb"
	done
	# Where /bin and /lib are depends on the release of Debian.
	mv "$vm.tmp"/root/boot/vmlinuz-* "$vm.tmp/vmlinuz"
	mv "$vm.tmp"/root/bin/busybox "$vm.tmp/busybox" 2>/dev/null || mv "$vm.tmp"/root/usr/bin/busybox "$vm.tmp/busybox"
	mkdir "$vm.tmp/lib"
	mv "$vm.tmp"/root/lib/modules "$vm.tmp/lib/" 2>/dev/null || mv "$vm.tmp"/root/usr/lib/modules "$vm.tmp/lib/"
	rm -rf "$vm.tmp/root"
	"$vm.tmp/busybox" depmod -b "$vm.tmp" "$(ls "$vm.tmp/lib/modules")"
	mv "$vm.tmp" "$vm"
fi
# KVM that is neither Intel's nor AMD's takes only kernels that were made for it.
if [ -w /dev/kvm ] && { [ -d /sys/module/kvm_intel ] || [ -d /sys/module/kvm_amd ]; }; then
	processor="-accel kvm -cpu host" limit=${LIMIT:-1800}
else
	say "no hardware virtualization here (/dev/kvm of Intel or AMD): the machine is emulated"
	processor="-accel tcg,thread=multi,tb-size=1024 -cpu max" limit=${LIMIT:-3600}
	export PHIAL_PATIENCE="${PHIAL_PATIENCE:-8}"
fi

work=$(mktemp -d)
pid=
keep=
finish() {
	if [ -n "$pid" ]; then
		kill "$pid" 2>/dev/null || true
		wait "$pid" || true
	fi
	rm -rf "$work/disk" "$work/initramfs" "$work/root" "$work/env" "$work"/*.test
	if [ -n "$keep" ]; then
		say "output and evidence are kept in $work"
	else
		rm -rf "$work"
	fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What process 1 does in there, in the caller's environment.
export -p >"$work/env"
echo "checkout='$PWD'" >"$work/tests"
cat >>"$work/tests" <<'EOF'
exec </dev/null >>/run/vm/work/output 2>&1
. /run/vm/work/env
/run/vm/modprobe -a virtio_blk ext4 && mount -t ext4 /dev/vda /tmp && chmod 1777 /tmp
export PHIAL_EVIDENCE=/run/vm/work/evidence
status=0
run() { # BINARY PACKAGE FLAG...
	binary=$1 package=$2
	shift 2
	cd "$checkout/$package"
	echo "cgroup2: $package on Linux $(uname -r), /sys/fs/cgroup a $(stat -fc %T /sys/fs/cgroup)"
	"/run/vm/work/$binary" -test.v "$@" || status=1
}
EOF
number=0
add() { # PACKAGE FLAG...
	say "compiling the tests of $1"
	number=$((number + 1))
	go test -c -o "$work/$number.test" "$1"
	{
		printf 'run %s.test' $number
		for word; do printf " '%s'" "$word"; done
		echo
	} >>"$work/tests"
}
if [ $# -gt 0 ]; then
	add "$@"
elif [ -n "${PHIAL_PATIENCE:-}" ]; then # what cgroups have to do with
	add ./internal/kubetest "-test.timeout=${limit}s" \
		'-test.run=^Test(NodeRunsPods|NodeProbes|NodeLimitsMemory|NodeCloseLeavesNothing|KilledTestLeavesNoNode|NextNodeClearsAway)$'
else
	add ./internal/kubetest -test.timeout=10m
	add ./test/e2e -test.timeout=15m '-test.run=^Test(BEAMOutOfMemory|BEAMFrozen|RollingUpdateUnderLoad)$'
fi
cat >>"$work/tests" <<'EOF'
echo $status >/run/vm/work/status
sync
echo o >/proc/sysrq-trigger
while :; do sleep 1; done
EOF

# The file system that the kernel starts with: busybox, the modules without which it sees no other, and the way there.
version=$(ls "$vm/lib/modules")
modules=lib/modules/$version
mkdir -p "$work/root/bin" "$work/root/$modules"
cp "$vm/busybox" "$work/root/bin/"
cp scripts/cgroup2-init.sh "$work/root/init"
cp "$vm/$modules"/modules.* "$work/root/$modules/"
for name in virtio_pci 9pnet_virtio 9p overlay; do
	grep "/$name\.ko[^ ]*:" "$vm/$modules/modules.dep" | tr -d :
done | tr -s ' ' '\n' | sort -u | (cd "$vm/$modules" && xargs cp --parents -t "$work/root/$modules")
(cd "$work/root" && find . | "$vm/busybox" cpio -o -H newc) >"$work/initramfs" 2>/dev/null
truncate -s 16G "$work/disk" # its /tmp, a file with holes
mke2fs -q -F -t ext4 -O ^has_journal "$work/disk"

say "starting a virtual machine with Linux $version"
touch "$work/output"
# shellcheck disable=SC2086 # words
timeout -k 10 "$limit" qemu-system-x86_64 -machine q35 $processor -smp 2 -m "${MEMORY:-6144}" \
	-nodefaults -no-user-config -no-reboot -display none -serial "file:$work/console" -device virtio-rng-pci \
	-kernel "$vm/vmlinuz" -initrd "$work/initramfs" -append "console=ttyS0 mitigations=off panic=-1 phial.vm=$vm" \
	-virtfs local,path=/,mount_tag=machine,security_model=none,readonly=on,multidevs=remap \
	-virtfs "local,path=$work,mount_tag=work,security_model=none,multidevs=remap" \
	-drive "file=$work/disk,format=raw,if=virtio,cache=unsafe,discard=unmap" &
pid=$!
tail -n +1 -f --pid=$pid "$work/output" | grep --line-buffered -E '^ *(--- |PASS|FAIL|panic:|cgroup2:)|cgroups' &
shown=$!
status=0
wait $pid || status=$?
pid=
wait $shown || true
if [ ! -s "$work/status" ]; then
	keep=yes
	tail -n 20 "$work/output" "$work/console" >&2
	[ $status != 124 ] || die "the virtual machine was stopped after $limit s; the lines above say how far it came."
	die "the virtual machine ended before the tests did; the lines above say why."
fi
read -r status <"$work/status"
if [ "$status" != 0 ]; then
	keep=yes
	grep -v '^=== ' "$work/output"
	exit 1
fi
