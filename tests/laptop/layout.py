"""Lays out the file system of a guest of WSL below a root, and the drive of Windows with programs that stand in."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from tests.guest.texts import kernel_text, plant
from tests.laptop.texts import pressure_text, stat_text, vmstat_text

RELEASE: Final = "6.6.87.2-microsoft-standard-WSL2"
WSL_VERSION: Final = "2.6.3.0"
DISTRO: Final = "Ubuntu"
BOOT_LOG: Final = "6,1,1000,-;Free page reporting enabled\n"
CMDLINE: Final = (
    "initrd=\\initrd.img WSL_ROOT_INIT=1 panic=-1 nr_cpus=8 hv_utils.timesync_implicit=1 console=hvc0 debug "
    "pty.legacy_count=0 WSL_ENABLE_CRASH_DUMP=1\n"
)
MOUNTS: Final = (
    "/dev/sdc / ext4 rw,relatime 0 0\n"
    "C:\\134 /mnt/c 9p rw,noatime,aname=drvfs;path=C:\\;uid=1000;gid=1000;symlinkroot=/mnt/,cache=5,access=client,"
    "msize=65536,trans=fd,rfd=5,wfd=5 0 0\n"
)
MOUNTINFO: Final = (
    "73 80 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    "86 1 8:32 / / rw,relatime - ext4 /dev/sdc rw\n"
    "82 86 0:35 / /mnt/wsl rw,relatime shared:1 - tmpfs none rw\n"
)
FILLS: Final = "0 4000000000 /mnt/wsl\n"

SUDO: Final = '#!/bin/sh\n[ "$1 $2" = "-n --" ] || exit 1\nshift 2\nexec "$@"\n'
TEE: Final = '#!/bin/sh\nexec /usr/bin/tee "$@"\n'
PRELUDE: Final = f"#!{sys.executable} -IS\n"
POWERSHELL: Final = """import json, os, select, sys, time
host = {host!r}
while True:
    try:
        with open(host) as file:
            told = json.load(file)
    except (OSError, ValueError):
        told = None
    if told and "GetProcesses x20" in sys.argv[-1]:
        measured = {measured!r}
        for n, (name, size) in enumerate(told.get("vms") or [[told.get("name", "vmmemWSL"), told["working_set"]]]):
            measured += "%s %d ws %d private %d\\n" % (name, 9448 + n, size, told.get("private") or size)
        if told.get("total"):
            measured += "cim KiB %d %d build 26100\\n" % (told["total"] // 1024, (told.get("available") or 0) // 1024)
        sys.stdout.write(measured.replace("\\n", "\\r\\n"))
        break
    if told:
        vms = told.get("vms") or [[told.get("name", "vmmemWSL"), told["working_set"]]]
        private = told.get("private", "")
        rows = [dict(name=name, pid=str(9448 + n), working_set=str(size), private=str(private or size))
                for n, (name, size) in enumerate(vms)]
        total, available = (str(told.get(key) or "") for key in ("total", "available"))
        line = dict(wsltop=1, mode="FullLanguage", processes=rows, total=total, available=available)
        sys.stdout.write(json.dumps(line) + "\\n")
        sys.stdout.flush()
    ready, _, _ = select.select([0], [], [], {period})
    if ready and not os.read(0, 4096):
        break
"""
"""PowerShell as wsltop sees it: a line of JSON per period, until its input ends. It reads ``host.json`` each time."""
MEASURED: Final = """C:\\Program Files\\WindowsPowerShell\\Modules
FullLanguage
5.1.26100.4202
10.0.26100.0
437
True
GetProcesses x20 ms 240 n 280
Get-Process x20 ms 310
Refresh x20 ms 12 n 1
wslservice 78 cpu 1.5
self cpu s 0.71 private 71000000 ws 82000000
"""
"""What the self-test has it measure; lines on the VMs and on Windows' memory follow."""
TASKLIST: Final = """import fnmatch, glob, json, sys
pattern = sys.argv[2].rpartition(" ")[2] if sys.argv[1:2] == ["/FI"] else "*"
with open({host!r}) as file:
    told = json.load(file)
rows = [(name, 9448 + n, size)
        for n, (name, size) in enumerate(told.get("vms") or [[told.get("name", "vmmemWSL"), told["working_set"]]])]
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        with open(path, "rb") as file:
            if {powershell!r}.encode() in file.read().split(bytes(1)):
                rows.append(("powershell.exe", int(path.split("/")[2]), 80 << 20))
    except OSError:
        pass
rows = [row for row in rows if fnmatch.fnmatch(row[0].lower(), pattern.lower())]
for name, pid, size in rows:
    print('"%s","%d","Services","0","%s K"\\r' % (name, pid, format(size // 1024, ",")))
if not rows:
    print("INFO: No tasks are running which match the specified criteria.\\r")
"""
WSL_EXE: Final = """import os, sys
words, version = sys.argv[1:], {version!r}
if "-e" in words:
    words = words[words.index("-e") + 1:]
    os.execv(words[0], words)
said, status = "Invalid command line argument: %s\\n" % " ".join(words), 255
if words == ["--version"] and version:
    said, status = "WSL version: %s\\nKernel version: {kernel}\\nWindows version: 10.0.26100.4349\\n" % version, 0
elif words == ["--list", "--verbose"]:
    said, status = "  NAME      STATE           VERSION\\n* {distro}    Running         2\\n", 0
elif words == ["--list", "--running", "--quiet"]:
    said, status = "{distro}\\n", 0
os.write(1, said.replace("\\n", "\\r\\n").encode("utf-16-le"))
sys.exit(status)
"""
"""Runs what follows ``-e``, as root's shell would; the WSL that came with Windows 10 knows no ``--version``."""
CMD: Final = '#!/bin/sh\n[ "$1 $2" = "/c exit" ] || exit 1\nexit $(($3 & 255))\n'


def program(root: Path, place: str, text: str) -> Path:
    """Write a program."""
    path = plant(root, place, text)
    path.chmod(0o755)
    return path


def lay_guest(
    root: Path,
    *,
    release: str = RELEASE,
    wsl_version: str | None = WSL_VERSION,
    uptime: float = 100_000.0,
    boot_time: float,
    kernel: str = "6.6",
) -> None:
    """Write everything of a guest that is not there yet; a root that has a file keeps it.

    Args:
        wsl_version: what ``wslinfo`` says; ``None`` for a WSL that has none.
        boot_time: seconds since the epoch.
        kernel: of which kernel the recorded ``meminfo``, ``buddyinfo``, ``zoneinfo`` and ``vmstat`` are.
    """

    def put(place: str, text: str) -> None:
        path = root / place
        if not path.exists() and not path.is_symlink():
            plant(root, place, text)

    for name in ("meminfo", "buddyinfo", "zoneinfo"):
        put(f"proc/{name}", kernel_text(kernel, name))
    put("proc/vmstat", vmstat_text(kernel_text(kernel, "vmstat"), {}))
    put("proc/stat", stat_text(100000, 20000, 90000000, cpus=8, boot_time=boot_time))
    put("proc/pressure/memory", pressure_text())
    put("proc/uptime", f"{uptime:.2f} {uptime * 8:.2f}\n")
    put("proc/sys/kernel/osrelease", f"{release}\n")
    put("proc/self/mounts", MOUNTS)
    put("proc/self/mountinfo", MOUNTINFO)
    put("proc/self/environ", f"WSL_DISTRO_NAME={DISTRO}\0WSL_INTEROP=/run/WSL/1_interop\0USER=someone\0")
    put("proc/self/cgroup", "0::/wsl-user/distro-12/user.slice\n")
    put("proc/cmdline", CMDLINE)
    put("proc/sys/fs/binfmt_misc/status", "enabled\n")
    put("proc/sys/fs/binfmt_misc/WSLInterop", "enabled\ninterpreter /init\nflags: PF\noffset 0\nmagic 4d5a\n")
    for place in ("proc/sys/vm/compact_memory", "proc/sys/vm/drop_caches", "sys/fs/cgroup/memory.reclaim"):
        put(place, "")
    put("sys/module/page_reporting/parameters/page_reporting_order", "5\n")
    put("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n")
    put("run/WSL/1_interop", "")
    put("dev/kmsg", BOOT_LOG)
    put(
        "etc/passwd",
        "root:x:0:0::/root:/bin/bash\npostgres:x:108:113::/:/bin/false\nada:x:1000:1000::/home/ada:/bin/bash\n",
    )
    put("etc/os-release", 'PRETTY_NAME="Ubuntu 24.04.2 LTS"\n')
    put("statvfs", FILLS)
    if wsl_version is not None:
        program(root, "usr/bin/wslinfo", f"#!/bin/sh\necho {wsl_version}\n")
    program(root, "usr/bin/sudo", SUDO)
    program(root, "usr/bin/tee", TEE)


def lay_windows(
    root: Path,
    *,
    period: float = 1.0,
    wsl_version: str | None = WSL_VERSION,
    wslconfig: bytes | None = None,
    written: float = 0.0,
) -> None:
    """Put Windows' programs on the drive below ``root``; they tell what ``root/host.json`` says.

    Args:
        period: seconds between two lines of PowerShell.
        wsl_version: what ``wsl.exe --version`` says; ``None`` for one that does not know it.
        wslconfig: of the only user, if there is one.
        written: when that file was, seconds since the epoch.
    """
    host = str(root / "host.json")
    system = "mnt/c/Windows/System32"
    powershell = f"{system}/WindowsPowerShell/v1.0/powershell.exe"
    program(root, powershell, PRELUDE + POWERSHELL.format(host=host, period=period, measured=MEASURED))
    program(root, f"{system}/tasklist.exe", PRELUDE + TASKLIST.format(host=host, powershell=str(root / powershell)))
    wsl_exe = WSL_EXE.format(version=wsl_version, kernel=RELEASE.partition("-")[0] + "-1", distro=DISTRO)
    program(root, f"{system}/wsl.exe", PRELUDE + wsl_exe)
    program(root, f"{system}/cmd.exe", CMD)
    (root / "mnt/c/Users/someone").mkdir(parents=True, exist_ok=True)
    if wslconfig is not None:
        path = plant(root, "mnt/c/Users/someone/.wslconfig", wslconfig)
        os.utime(path, (written, written))
