"""What this guest is, and whether it can start programs of Windows. Reads small files; starts nothing.

The facts are those of WSL's own init (microsoft/WSL src/linux/init: binfmt.cpp, util.cpp, WslDistributionConfig.cpp).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wsltop.core.reading import Unavailable
from wsltop.guest.flavor import Guest, identify_guest

INTEROP_DISABLED: Final = Unavailable(
    "interop is disabled: WSL does not start Windows programs",
    "Set enabled=true under [interop] in /etc/wsl.conf, then run: wsl.exe --shutdown (from Windows).",
)
BINFMT_LOST: Final = Unavailable(
    "the binfmt_misc entry for Windows programs is lost",
    "Run from Windows: wsl.exe --shutdown; or: echo :WSLInterop:M::MZ::/init:PF | sudo tee "
    "/proc/sys/fs/binfmt_misc/register",
)


def explain_guest(guest: Guest) -> Unavailable | None:
    """Why no host can be asked from ``guest``; ``None`` on WSL 2."""
    if guest.flavor == "wsl2":
        return None
    if guest.flavor == "wsl1":
        return Unavailable(
            f"this is WSL 1 ({guest.release}): it has no virtual machine, Linux runs in Windows' own memory",
            "Convert the distribution from Windows with: wsl.exe --set-version NAME 2",
        )
    return Unavailable(
        f"not WSL (kernel {guest.release or 'unknown'})",
        "Try --host process:NAME to watch a process of this machine.",
    )


def find_interop_fault(root: Path, environ: Mapping[str, str]) -> Unavailable | None:
    """What is visibly wrong with interop. ``None`` proves nothing: only starting a program does."""
    if identify_guest(root, environ).flavor != "wsl2":
        return None  # the user named a drive: nothing is known of this place
    if wsl_setting(root, "interop", "enabled") in {"false", "0", "no", "off"}:
        return INTEROP_DISABLED
    if is_binfmt_lost(root / "proc/sys/fs/binfmt_misc"):
        return BINFMT_LOST
    named = environ.get("WSL_INTEROP", "")
    socket_there = bool(named) and is_there(root / named.lstrip("/"))
    sockets = list_directory(root / "run/WSL")
    if not socket_there and not any(path.name.endswith("_interop") for path in sockets):
        return INTEROP_DISABLED
    return None


def is_binfmt_lost(directory: Path) -> bool:
    """True when binfmt_misc is mounted and no enabled entry hands programs to WSL's ``/init``."""
    if not is_there(directory / "status"):
        return False  # not mounted here: nothing is known
    if read_small(directory / "status").startswith("disabled"):
        return True
    texts = [read_small(path) for path in list_directory(directory) if path.name not in {"status", "register"}]
    return not any(text.startswith("enabled") and "interpreter /init" in text for text in texts)


def wsl_setting(root: Path, section: str, key: str) -> str | None:
    """A value of ``/etc/wsl.conf`` in lower case, ``None`` where it is not set; names in any case, as WSL reads it."""
    import configparser  # takes longer to load than the file to read, and is asked for seldom

    parser = configparser.ConfigParser(
        strict=False, interpolation=None, inline_comment_prefixes=("#",), allow_no_value=True
    )
    try:
        parser.read_string(read_small(root / "etc/wsl.conf"))
    except configparser.Error:
        return None
    for name in parser.sections():
        if name.strip().lower() == section:
            value = parser.get(name, key, fallback=None)
            return None if value is None else value.strip().strip('"').lower()
    return None


def read_small(path: Path) -> str:
    """The first 64 KiB of a file as text, empty when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(64 * 1024).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def is_there(path: Path) -> bool:
    """Whether ``path`` exists, as far as we may look; an impossible name does not."""
    try:
        return path.exists()
    except OSError:
        return False


def list_directory(directory: Path) -> list[Path]:
    """What a directory holds, sorted; nothing when it cannot be read."""
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []
