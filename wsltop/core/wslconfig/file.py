"""The file itself: where it was found, how it is encoded, and what that does to it.

WSL opens it as UTF-8 (``_wfopen(..., "rt,ccs=UTF-8")`` in WslCoreConfig.cpp).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from wsltop.core.wslconfig.finding import ConfigFinding, quote
from wsltop.core.wslconfig.grammar import WslConfig, parse

Encoding = Literal["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "unknown"]
"""``utf-8-sig``: with a byte order mark; ``unknown``: some other 8-bit encoding."""

UTF_16: Final = ("utf-16-le", "utf-16-be")

ChosenBy = Literal["USERPROFILE", "only profile", "own profile", "user name", "only file", "no file"]
"""How the profile was told apart from others; ``no file``: none of several profiles has one."""


class WslconfigFile(Struct, frozen=True, kw_only=True, tag="wslconfig_file"):
    """A ``.wslconfig``, or the place where it would be."""

    path: str
    present: bool
    text: str = ""
    encoding: Encoding = "utf-8"
    mtime: float | None = None
    """Seconds since the epoch; ``None`` without a file."""
    chosen_by: ChosenBy
    lookalikes: tuple[str, ...] = ()
    """Files beside it whose names are nearly right, when it is absent."""


def decode(data: bytes) -> tuple[str, Encoding]:
    """Return the text and its encoding; never raises."""
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:].decode("utf-8", "replace"), "utf-8-sig"
    if data.startswith(b"\xff\xfe"):
        return data[2:].decode("utf-16-le", "replace"), "utf-16-le"
    if data.startswith(b"\xfe\xff"):
        return data[2:].decode("utf-16-be", "replace"), "utf-16-be"
    # ASCII in UTF-16 without a mark has a NUL in every other byte.
    head = data[:256]
    if head[1::2].count(0) * 2 > len(head[1::2]):
        return data.decode("utf-16-le", "replace"), "utf-16-le"
    if head[0::2].count(0) * 2 > len(head[0::2]):
        return data.decode("utf-16-be", "replace"), "utf-16-be"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), "unknown"


def as_wsl_reads(file: WslconfigFile) -> WslConfig:
    """Return what WSL gets from the file: nothing, where it is absent or UTF-16."""
    return WslConfig() if file.encoding in UTF_16 else parse(file.text)


def lint_file(file: WslconfigFile) -> tuple[ConfigFinding, ...]:
    """Return what is wrong with the name and the encoding."""
    return tuple(lint_name(file)) + tuple(lint_encoding(file))


def lint_name(file: WslconfigFile) -> Iterator[ConfigFinding]:
    """Find files that were meant to be ``.wslconfig``."""
    for name in () if file.present else file.lookalikes:
        yield ConfigFinding(
            id="config-file-name",
            severity="error",
            text=f"There is no .wslconfig, but {quote(name)} beside it; WSL does not read that.",
            remedy=f"Rename {quote(name)} to .wslconfig; let the Explorer show file name extensions.",
        )


def lint_encoding(file: WslconfigFile) -> Iterator[ConfigFinding]:
    """Find encodings that WSL does not read."""
    if file.encoding in UTF_16:
        yield ConfigFinding(
            id="config-encoding",
            severity="error",
            text="The file is UTF-16; WSL reads UTF-8 and is known to ignore such a file without a word (WSL#7851).",
            remedy="Save it as UTF-8; in Windows PowerShell write it with -Encoding ascii.",
        )
    elif file.encoding == "unknown":
        yield ConfigFinding(
            id="config-encoding",
            severity="warning",
            text="The file is not UTF-8; WSL may misread it from the first foreign character on.",
            remedy="Save it as UTF-8.",
        )
