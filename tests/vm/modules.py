"""Picks the modules that the machine needs, each after those that it depends on."""

from __future__ import annotations

import lzma
import re
from pathlib import Path
from typing import Final

from tests.vm.missing import PartsMissing

WANTED: Final = (
    "virtio_pci",
    "virtio_balloon",
    "virtio_console",
    "virtio_blk",
    "9pnet_virtio",
    "9p",
    "overlay",
    "binfmt_misc",
    "crc32c_generic",
    "ext4",
)
OLD: Final = ("crc32c_generic",)
"""ext4 asks for it by another name until Linux 6.14, which has it built in."""
DEPENDS: Final = re.compile(rb"\x00depends=([^\x00]*)\x00")
"""In the section .modinfo of a module."""


def copy_modules(folder: Path, target: Path) -> None:
    """Copy what is wanted from an unpacked ``lib/modules/RELEASE``, uncompressed, and write ``order``."""
    files = {name_of(path): path for path in folder.rglob("*.ko*")}
    builtin = {name_of(Path(line)) for line in (folder / "modules.builtin").read_text().splitlines()}
    target.mkdir()
    order: list[str] = []
    for name in WANTED:
        if name in files or name in builtin or name not in OLD:
            add(name, files, builtin, target, order)
    (target / "order").write_text("".join(f"{name}\n" for name in order))


def add(name: str, files: dict[str, Path], builtin: set[str], target: Path, order: list[str]) -> None:
    """Copy a module after those that it depends on."""
    if name in order or name in builtin:
        return
    if name not in files:
        raise PartsMissing(f"the kernel has no module {name}")
    content = read_module(files[name])
    found = DEPENDS.search(content)
    for other in found[1].decode().split(",") if found else ():
        if other:
            add(other, files, builtin, target, order)
    (target / f"{name}.ko").write_bytes(content)
    order.append(name)


def read_module(path: Path) -> bytes:
    """The module, decompressed."""
    content = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(content)
    if path.suffix != ".ko":
        raise PartsMissing(f"the kernel's modules are compressed in an unknown way ({path.suffix})")
    return content


def name_of(path: Path) -> str:
    """The name under which the kernel knows the module in a file."""
    return path.name.split(".")[0].replace("-", "_")
