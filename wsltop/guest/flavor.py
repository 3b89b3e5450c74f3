"""Whether this Linux runs in WSL, and in which."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from wsltop.core.reading import Unavailable
from wsltop.core.text import clean
from wsltop.guest.files import KernelFile

WslFlavor = Literal["wsl2", "wsl1", "none"]


class Guest(Struct, frozen=True):
    """Where this Linux runs, and its kernel's release, empty when it cannot be read."""

    flavor: WslFlavor
    release: str


def identify_guest(root: Path, environ: Mapping[str, str]) -> Guest:
    """Tell WSL 2, WSL 1 and other Linux apart."""
    file = KernelFile(root / "proc/sys/kernel/osrelease")
    text = file.read()
    file.close()
    release = "" if isinstance(text, Unavailable) else clean(text).strip()
    return Guest(wsl_flavor(release, environ, root), release)


def wsl_flavor(release: str, environ: Mapping[str, str], root: Path) -> WslFlavor:
    """Tell WSL 2, WSL 1 and other Linux apart by the kernel's release.

    It ends in ``-microsoft-standard-WSL2`` on WSL 2 and in ``-Microsoft`` on WSL 1 (``4.4.0-19041-Microsoft``), whose
    kernel is not Linux. A kernel of the user's own may be called anything, but runs on WSL 2 only: then WSL's variables
    and ``/run/WSL`` tell.
    """
    if release.endswith("-Microsoft"):
        return "wsl1"
    if "microsoft" in release.lower() or "wsl2" in release.lower():
        return "wsl2"
    if environ.get("WSL_DISTRO_NAME") or environ.get("WSL_INTEROP"):
        return "wsl2"
    try:
        return "wsl2" if (root / "run/WSL").is_dir() else "none"
    except OSError:
        return "none"
