"""Which mode of automatic reclaim the VM runs with, as far as the guest can know.

WSL tells its init the mode in the boot message and nobody else (wsl-config and WslCoreConfig.h), so it is inferred from
the file and the version.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.wslconfig.finding import quote
from wsltop.core.wslconfig.grammar import WslConfig
from wsltop.core.wslconfig.keys import RECLAIM, parse_version

Mode = Literal["dropCache", "gradual", "disabled"]
"""``autoMemoryReclaim``."""
MODES: Final[dict[str, Mode]] = {"dropcache": "dropCache", "gradual": "gradual", "disabled": "disabled"}

Certainty = Literal["configured", "default", "assumed"]
"""``configured``: the file says so; ``default``: file and version are known; ``assumed``: one of them is not, or the
file changed after the VM started."""

NAME: Final = "experimental.autoMemoryReclaim"
INTRODUCED: Final = (2, 0, 0)
DROP_CACHE_BY_DEFAULT: Final = (2, 1, 3)
"""Release notes of 2.1.3, "Set the default reclamation mode to dropcache"."""


class ReclaimMode(Struct, frozen=True, kw_only=True):
    """The mode and why we think so."""

    mode: Mode
    certainty: Certainty
    source: str
    """A clause, safe to show: ``line 7 of .wslconfig``."""
    line: int | None = None


def reclaim_mode(config: Reading[WslConfig], wsl_version: Reading[str], *, in_force: bool | None = True) -> ReclaimMode:
    """Infer the mode. ``config`` without entries is an absent file; ``in_force=False`` is a file newer than the VM."""
    version = None if isinstance(wsl_version, Unavailable) else parse_version(wsl_version)
    if version is not None and version < INTRODUCED:
        return ReclaimMode(mode="disabled", certainty="default", source="WSL before 2.0.0 has no automatic reclaim")
    if isinstance(config, Unavailable):
        mode, _, why = default_mode(version)
        return ReclaimMode(mode=mode, certainty="assumed", source=f"{why}; .wslconfig unknown: {config.reason}")
    found = configured_mode(config, version)
    if in_force is False:
        return ReclaimMode(
            mode=found.mode,
            certainty="assumed",
            source=f"{found.source}; the file changed after the VM started",
            line=found.line,
        )
    return found


def configured_mode(config: WslConfig, version: tuple[int, ...] | None) -> ReclaimMode:
    """Read the mode from the file, or fall back to the default as WSL does."""
    entry = config.first(NAME)
    mode, certainty, why = default_mode(version)
    if entry is None:
        return ReclaimMode(mode=mode, certainty=certainty, source=f"not set in .wslconfig; {why}")
    if entry.value.lower() in MODES:
        return ReclaimMode(
            mode=MODES[entry.value.lower()],
            certainty="configured",
            source=f"line {entry.line} of .wslconfig",
            line=entry.line,
        )
    return ReclaimMode(
        mode=mode,
        certainty=certainty,
        source=f"{quote(entry.value)!r} in line {entry.line} is none of {', '.join(RECLAIM)}; {why}",
        line=entry.line,
    )


def default_mode(version: tuple[int, ...] | None) -> tuple[Mode, Certainty, str]:
    """Return the default of a version of WSL."""
    if version is None:
        return "dropCache", "assumed", "dropCache is the default since 2.1.3, and this version is unknown"
    if version < DROP_CACHE_BY_DEFAULT:
        return "disabled", "default", "the default before 2.1.3"
    return "dropCache", "default", "the default since 2.1.3"
