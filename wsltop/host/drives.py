"""Finds where drives of Windows are mounted in the guest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from wsltop.guest.files import read_small
from wsltop.guest.mounts import Mount, parse_mountinfo, unescape

ROOT_OF_DRIVE: Final = re.compile(r"([A-Za-z]):[\\/]{0,2}")
NAMED_PATH: Final = re.compile(r"(?:^|[;,])path=([A-Za-z]):\\{0,2}(?=[;,]|$)")
OLD_TAG: Final = re.compile(r"drvfs[a-z]*([A-Z])")
"""WSL 2.5.8 to 2.7.0 put the letter of the drive into the tag of its virtiofs."""
SHARED_TAG: Final = re.compile(r"drvfs\w*")
"""Since 2.9.5 one virtiofs device holds all drives, each in a folder that is bound to its place."""
GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
TAGS: Final = "run/wsl/virtiofs"
"""WSL leaves a link here for each tag that is a GUID (2.7.1 to 2.9.4) and each folder: it names the drive."""


def find_mounts(root: Path) -> list[Path]:
    """Where whole drives are mounted, ``C:`` first."""
    text = read_small(root / "proc/self/mountinfo")
    mounts = parse_mountinfo(text)
    if not any(mount.kind in {"9p", "drvfs", "virtiofs"} for mount in mounts):
        mounts = parse_mounts(read_small(root / "proc/self/mounts") or read_small(root / "proc/mounts"))
    return [root / place.lstrip("/") for place in find_drives(mounts, lambda tag: read_tag(root, tag))]


def read_tag(root: Path, tag: str) -> str:
    r"""What WSL says that a virtiofs tag is, such as ``C:\``; empty where it says nothing."""
    if not tag or "/" in tag or tag in {".", ".."}:
        return ""
    try:
        return str((root / TAGS / tag).readlink())
    except (OSError, ValueError):
        return ""


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """The mounts in the text of ``/proc/self/mounts``, which does not say what part of a file system is mounted."""
    found = []
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) >= 4:
            source, place, kind, options = (unescape(field) for field in fields[:4])
            found.append(Mount("", place, kind, options, "/", source))
    return tuple(found)


def find_drives(mounts: Iterable[Mount], name_of: Callable[[str], str] = lambda _: "") -> list[str]:
    """The places where whole drives of Windows are mounted: C first, then by letter.

    Shares of the network and folders are left out: a program from there is not Windows' own. So is what lies below
    ``/run/wsl``, where WSL keeps the device that the drives are bound from.

    Args:
        mounts: all mounts.
        name_of: what WSL says that a virtiofs tag is.
    """
    found: dict[str, str] = {}
    for mount in mounts:
        if mount.place.startswith("/") and not mount.place.startswith("/run/wsl/"):
            letter = drive_letter(mount, name_of)
            if letter is not None:
                found.setdefault(mount.place, letter)
    return sorted(found, key=lambda place: (found[place] != "c", found[place], len(place), place))


def drive_letter(mount: Mount, name_of: Callable[[str], str]) -> str | None:
    """The letter, in lower case, of the drive that a mount shows whole; ``None`` for any other mount."""
    if mount.kind not in {"9p", "drvfs", "virtiofs"}:
        return None
    if mount.kind == "virtiofs":
        return virtiofs_letter(mount, name_of)
    match = ROOT_OF_DRIVE.fullmatch(mount.source) or NAMED_PATH.search(mount.options)
    return match[1].lower() if match is not None and mount.within == "/" else None


def virtiofs_letter(mount: Mount, name_of: Callable[[str], str]) -> str | None:
    """The letter of a drive that is mounted as virtiofs, by its link, its old tag, or the name of its place."""
    first, _, below = mount.within.strip("/").partition("/")
    if below or (first and not SHARED_TAG.fullmatch(mount.source)):
        return None  # a folder of a drive
    named = name_of(first or mount.source)
    if named:
        match = ROOT_OF_DRIVE.fullmatch(named)
        return match[1].lower() if match is not None else None
    if match := ROOT_OF_DRIVE.fullmatch(mount.source) or OLD_TAG.fullmatch(mount.source):
        return match[1].lower()
    last = mount.place.rsplit("/", 1)[-1]
    ours = GUID.fullmatch(mount.source) or SHARED_TAG.fullmatch(mount.source)
    return last.lower() if ours and len(last) == 1 and last.isascii() and last.isalpha() else None
