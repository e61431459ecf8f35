#!/bin/busybox sh
# Process 1 of the virtual machine that scripts/cgroup2.sh starts, in the kernel's first file system, which holds
# busybox and a few modules. It puts together a root like that of the machine outside, with the one hierarchy of cgroups
# of version 2, and goes on there.
set -eu
export PATH=/bin
/bin/busybox --install -s /bin

mkdir -p /proc /dev /machine /layer /root
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for name in virtio_pci 9pnet_virtio 9p overlay; do modprobe $name; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro machine /machine
mount -t tmpfs layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/machine,upperdir=/layer/upper,workdir=/layer/work root /root

cd /root
mount -t proc proc proc
mount -t sysfs sys sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t devtmpfs dev dev
mkdir -p dev/pts dev/shm
mount -t devpts -o mode=620,ptmxmode=666 pts dev/pts
mount -t tmpfs shm dev/shm
mount -t tmpfs run run

# All modules, and what the kernel calls for those that it misses: from its root, which is soon this one.
version=$(uname -r)
mkdir -p "lib/modules/$version" run/vm/work
mount -o bind "/machine$(sed 's/.*phial.vm=\([^ ]*\).*/\1/' /proc/cmdline)/lib/modules/$version" "lib/modules/$version"
cp /bin/busybox run/vm/modprobe
echo /run/vm/modprobe >/proc/sys/kernel/modprobe

mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none work run/vm/work
hostname vm
ip link set lo up
umount /proc
exec switch_root /root /bin/sh /run/vm/work/tests
