"""What ``wsl.exe`` tells of WSL as a whole: its distributions and versions, asked for only when a report wants them."""

from __future__ import annotations

from msgspec import Struct

from wsltop.model.reading import Reading, Unavailable


class Distro(Struct, frozen=True, kw_only=True):
    """One distribution that Windows knows."""

    name: str
    state: str
    """In the words of Windows, which are in its user's language; cleaned."""
    version: int
    """Of WSL: 1 or 2."""
    default: bool
    running: bool | None = None
    """``None``: not known."""


class Distros(Struct, frozen=True, kw_only=True):
    """The distributions, and the versions of what WSL is made of."""

    distros: Reading[tuple[Distro, ...]]
    versions: Reading[tuple[str, ...]]
    """The lines of ``wsl.exe --version``, cleaned; their labels are in Windows' language."""


def no_distros(why: Unavailable) -> Distros:
    """Nothing is known, and why."""
    return Distros(distros=why, versions=why)


NOT_ASKED = no_distros(Unavailable("Windows was not asked"))
NOT_RECORDED = no_distros(Unavailable("a recording does not tell it", "Run: wsltop report (without a file)"))
