"""Builds the small file system that the kernel starts from, as an uncompressed cpio archive ("newc", cpio(5)).

It holds busybox, the modules and two scripts: ``/init`` mounts the machine's own file system read-only, with a layer
in memory on top, and hands over to ``start``, which makes the guest look like WSL and starts the agent.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.vm.parts import Parts

PROJECT: Final = Path(__file__).resolve().parents[2]
GUEST: Final = PROJECT / "tests/vm/guest"

INIT: Final = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read name; do $b insmod /modules/$name.ko; done </modules/order
nine=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o ro,cache=loose,$nine host /lower
$b mount -t tmpfs rw /rw
$b mkdir /rw/upper /rw/work
$b mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work overlay /new
for folder in proc sys dev; do $b mkdir -p /new/$folder; $b mount --move /$folder /new/$folder; done
$b mkdir -p /new/run /new/mnt/c /new/var/tmp /new/etc
$b mount -t tmpfs run /new/run
$b mkdir -p /new/run/vm
$b cp /bin/busybox /start /new/run/vm/
exec $b switch_root /new /run/vm/busybox sh /run/vm/start
"""

START: Final = r"""
b=/run/vm/busybox
$b mkdir -p /dev/pts /dev/shm /run/WSL
$b mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
$b mount -t tmpfs shm /dev/shm
$b mount -t cgroup2 cgroup2 /sys/fs/cgroup
$b mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
$b mount -t 9p -o 'ro,cache=none,trans=virtio,version=9p2000.L,msize=512000,aname=drvfs;path=C:\;uid=0' 'C:\' /mnt/c
$b mount -t ext4 /dev/vda /var/tmp
printf '#!/bin/sh\nexec %s -I -S %s "$@"\n' {python} {interop} >/init
printf '#!/bin/sh\necho 2.7.11.0\n' >/usr/bin/wslinfo
$b chmod 755 /init /usr/bin/wslinfo
: >/run/WSL/1_interop
: >/etc/wsl.conf
echo ':WSLInterop:M::MZ::/init:PF' >/proc/sys/fs/binfmt_misc/register
[ {always} = 1 ] || echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
[ -e /sys/kernel/mm/lru_gen/enabled ] && echo 0 >/sys/kernel/mm/lru_gen/enabled
[ -e /dev/vdb ] && $b mkswap /dev/vdb >/dev/null && $b swapon /dev/vdb
echo 0 >/proc/sys/kernel/dmesg_restrict
[ -n '{order}' ] && echo {order} >/sys/module/page_reporting/parameters/page_reporting_order
$b hostname wsltop-vm
$b ip link set lo up
export HOME=/root LANG=C.UTF-8 TERM=xterm-256color USER=root
export WSL_DISTRO_NAME=Debian WSL_INTEROP=/run/WSL/1_interop
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/mnt/c/Windows/System32
cd {project}
{python} -I -S {agent} &
wait
$b poweroff -f
"""
"""Runs as process 1; its ``wait`` reaps orphans. A 6.1 kernel forgets the reporting order of its command
line when the balloon's driver registers, so it is written again, as WSL's init did before 2.8.5."""


def build(parts: Parts, order: int | None, cmdline: str = "") -> bytes:
    """The archive, for a machine that reports free blocks of at least ``order``; huge pages as ``cmdline`` has them."""
    start = START.format(
        python=shlex.quote(sys.executable),
        interop=shlex.quote(str(GUEST / "interop.py")),
        agent=shlex.quote(str(GUEST / "agent.py")),
        project=shlex.quote(str(PROJECT)),
        order="" if order is None else order,
        always=int("transparent_hugepage=always" in cmdline),
    )
    archive = b"".join(entry(name, mode, content) for name, mode, content in files(parts, start))
    return archive + entry("TRAILER!!!", 0, b"")


def files(parts: Parts, start: str) -> Iterator[tuple[str, int, bytes]]:
    """Name, mode and content of everything."""
    for folder in ("bin", "dev", "lower", "modules", "new", "proc", "rw", "sys"):
        yield folder, 0o040755, b""
    yield "init", 0o100755, INIT.encode()
    yield "start", 0o100644, start.encode()
    yield "bin/busybox", 0o100755, parts.busybox.read_bytes()
    for path in sorted(parts.modules.iterdir()):
        yield f"modules/{path.name}", 0o100644, path.read_bytes()


def entry(name: str, mode: int, content: bytes) -> bytes:
    """One file of the archive; its number does not matter, for there are no hard links."""
    path = name.encode() + b"\x00"
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    return pad(header + path) + pad(content)


def pad(data: bytes) -> bytes:
    """Data up to a multiple of four bytes."""
    return data + bytes(-len(data) % 4)
