"""Fetches what a machine is made of, by the names of Debian's packages, and keeps it in a cache folder.

QEMU is installed, where it is missing and may be; kernel and busybox are unpacked and not installed. What stays is the
kernel out of its compressed image, a dozen modules, and one program: some 75 MB.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, NamedTuple

from tests.vm.kernel import rename, unpack_image
from tests.vm.missing import PartsMissing
from tests.vm.modules import copy_modules

QEMU: Final = "qemu-system-x86_64"
QEMU_PACKAGE: Final = "qemu-system-x86"
KERNEL_PACKAGE: Final = "linux-image-amd64"
KernelName = Literal["6.1", "6.18"]
"""``6.1`` is Debian 12's own; ``6.18``, the series of WSL 2.7 to 2.9, comes from the backports of Debian 13."""
RELEASES: Final[dict[KernelName, str]] = {
    "6.1": "6.1.0.1-microsoft-standard-WSL2",
    "6.18": "6.18.33.2-microsoft-standard-WSL2",
}
"""What ``uname -r`` says: the true series, as wsltop tells by it what the kernel can do, and WSL's suffix."""
BACKPORTS: Final = "trixie-backports"
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NEWER: Final = r"^linux-image-6\.18\.[0-9]+[^ ]*-amd64$"
"""The plain flavor: the cloud flavor has no 9p, over which the guest gets its file system."""
FLAVORS: Final = ("-cloud-", "-rt-")
BUSYBOX_PACKAGE: Final = "busybox-static"
LAYOUT: Final = "2"
"""Raised when the layout of the cache changes."""
LIMITS: Final = {"update": 60.0, "install": 180.0, "download": 120.0}
"""Seconds that apt-get may take, by what it does: a network that drops everything makes it wait for long."""


class Parts(NamedTuple):
    """Where everything is."""

    qemu: Path
    kernel: Path
    """The kernel as ELF; it says that it is WSL's."""
    modules: Path
    """A folder of modules, and ``order``: their names in the order in which they go in."""
    busybox: Path
    mkfs: Path
    """``mkfs.ext4``."""


def get_parts(kernel: KernelName = "6.1") -> Parts:
    """Find the parts in the cache, or fetch them.

    Raises:
        PartsMissing: one cannot be had.
    """
    qemu, mkfs = find_program(QEMU, QEMU_PACKAGE), find_program("mkfs.ext4", "e2fsprogs")
    folder = cache_folder() / f"{LAYOUT}-{RELEASES[kernel]}"
    parts = Parts(qemu, folder / "vmlinux", folder / "modules", folder / "busybox", mkfs)
    if not folder.exists():
        update_lists()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            fetch_kernel(Path(scratch), made, kernel)
            fetch_busybox(Path(scratch), made)
            made.rename(folder)  # whole or not at all, however this ends
    return parts


def cache_folder() -> Path:
    """The cache, by the rules of XDG."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "wsltop-vm"


def find_program(program: str, package: str) -> Path:
    """A program of a package, installed first where it is missing and we may."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    found = shutil.which(program, path=path)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        update_lists()
        say(f"installing {package}")
        command = ["apt-get", "install", "--yes", "--no-install-recommends", package]
        run(command, Path("/"), f"{package} cannot be installed")
        found = shutil.which(program, path=path)
    if found is None:
        raise PartsMissing(f"there is no {program}: sudo apt-get install --no-install-recommends {package}")
    return Path(found)


def update_lists() -> None:
    """Fetch the lists of packages where there are none, as in the image of a container, and we may."""
    if has_lists():
        return
    if os.geteuid() != 0:
        raise PartsMissing(f"apt knows no {BUSYBOX_PACKAGE}: sudo apt-get update")
    say("fetching the lists of packages")
    command = ["apt-get", "update", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]
    with suppress(PartsMissing):  # one source of several may fail, and without a network it may end with 0
        run(command, Path("/"), "the lists of packages cannot be fetched")
    if not has_lists():
        raise PartsMissing(
            f"the lists of packages cannot be fetched, or hold no {BUSYBOX_PACKAGE}: is there a network?"
        )


def has_lists() -> bool:
    """Whether apt knows packages."""
    told = run(["apt-cache", "policy", BUSYBOX_PACKAGE], Path("/"), "apt does not answer")
    return "Candidate:" in told and "Candidate: (none)" not in told


def fetch_kernel(scratch: Path, made: Path, kernel: KernelName) -> None:
    """Put kernel and modules into ``made``."""
    zstd = None
    if kernel == "6.1":
        package = find_dependency(KERNEL_PACKAGE)
        root = download(package, scratch)
    else:
        zstd = find_program("zstd", "zstd")
        apt = use_backports(scratch)
        package = find_newest(apt)
        root = download(package, scratch, apt)
    images = list((root / "boot").glob("vmlinuz-*"))
    folders = [path for path in root.glob("**/lib/modules/*") if path.is_dir()]
    if len(images) != 1 or len(folders) != 1:
        raise PartsMissing(f"the package {package} holds no kernel where it should")
    (made / "vmlinux").write_bytes(rename(unpack_image(images[0].read_bytes(), zstd), images[0].name, RELEASES[kernel]))
    copy_modules(folders[0], made / "modules")
    shutil.rmtree(root)  # some 400 MB


def use_backports(scratch: Path) -> tuple[str, ...]:
    """Options of apt for the backports with lists of their own, from the mirror that this machine uses already."""
    command = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Origin: Debian"]
    mirrors = run(command, Path("/"), "apt knows no mirror of Debian").split()
    if not mirrors:
        raise PartsMissing("apt knows no mirror of Debian")
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    folder = scratch / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(f"deb {signed}{mirrors[0]} {BACKPORTS} main\n")
    settings = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 20,
    }
    options = tuple(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))
    say(f"fetching the list of {BACKPORTS}")
    run(["apt-get", "update", *options], Path("/"), f"the list of {BACKPORTS} cannot be fetched")
    return options


def find_newest(apt: tuple[str, ...]) -> str:
    """The newest package of the plain flavor."""
    told = run(["apt-cache", "search", *apt, "--names-only", NEWER], Path("/"), f"{BACKPORTS} does not answer")
    names = [line.split(" ")[0] for line in told.splitlines()]
    names = [name for name in names if not any(flavor in name for flavor in FLAVORS)]
    if not names:
        raise PartsMissing(f"{BACKPORTS} has no kernel 6.18")
    return max(names, key=lambda name: [int(number) for number in re.findall("[0-9]+", name)])


def fetch_busybox(scratch: Path, made: Path) -> None:
    """Put busybox into ``made``."""
    root = download(BUSYBOX_PACKAGE, scratch)
    found = [path for path in (root / "bin/busybox", root / "usr/bin/busybox") if path.is_file()]
    if not found:
        raise PartsMissing(f"the package {BUSYBOX_PACKAGE} holds no busybox")
    shutil.copy2(found[0], made / "busybox")


def find_dependency(package: str) -> str:
    """The package that a package of no content of its own stands for."""
    told = run(["apt-cache", "depends", "--important", package], Path("/"), f"apt does not know {package}")
    for line in told.splitlines():
        kind, _, name = line.strip().partition(": ")
        if kind == "Depends" and name.startswith("linux-image-"):
            return name
    raise PartsMissing(f"apt does not know {package}: this needs Debian's kernel (and apt-get update once)")


def download(package: str, scratch: Path, apt: tuple[str, ...] = ()) -> Path:
    """Download a package and unpack it without installing it; the folder."""
    say(f"fetching {package}")
    into = scratch / package
    into.mkdir()
    run(["apt-get", "download", *apt, package], into, f"{package} cannot be downloaded")
    archives = list(into.glob("*.deb"))
    if len(archives) != 1:
        raise PartsMissing(f"{package} cannot be downloaded: no archive came")
    run(["dpkg-deb", "--extract", str(archives[0]), str(into)], into, f"{package} cannot be unpacked")
    return into


def run(command: list[str], folder: Path, failure: str) -> str:
    """Run a program to its end; what it said.

    Raises:
        PartsMissing: it is not there, fails, or takes too long.
    """
    path = shutil.which(command[0])
    if path is None:
        raise PartsMissing(f"{failure}: there is no {command[0]} (this needs Debian)")
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    limit = LIMITS.get(command[1], 60.0)
    try:
        done = subprocess.run(
            [path, *command[1:]],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        raise PartsMissing(f"{failure}: {' '.join(command[:2])} was not done within {limit:.0f} s") from None
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise PartsMissing(f"{failure}: {why}")
    return done.stdout


def say(text: str) -> None:
    """Tell what takes time."""
    print(f"vm: {text}", file=sys.stderr, flush=True)
