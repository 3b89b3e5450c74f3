"""What is wrong with the value of a key that WSL knows."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.units import GIB, MIB, format_size, parse_size
from wsltop.core.wslconfig.finding import ConfigFinding, quote
from wsltop.core.wslconfig.grammar import Entry
from wsltop.core.wslconfig.keys import KnownKey
from wsltop.core.wslconfig.values import is_valid, parse_wsl_size, render_size

MINIMUM_MEMORY: Final = 256 * MIB
"""WSL raises a smaller ``memory`` to it (WslCoreConfig.cpp, Initialize)."""

TINY: Final = {"memory": MINIMUM_MEMORY, "swap": MIB, "defaultVhdSize": 16 * MIB, "swiotlb": MIB}
"""Below this, a size is a forgotten suffix."""


def lint_value(entry: Entry, key: KnownKey, windows_total: Reading[int]) -> Iterator[ConfigFinding]:
    """Find values that WSL rejects, and values that it takes though they are rarely meant."""
    if not is_valid(key.kind, key.choices, entry.value):
        yield bad_value(entry, key)
        return
    if key.kind == "size":
        yield from lint_size(entry, key, windows_total)
    if key.kind in ("path", "text") and not entry.value.isascii():
        yield ConfigFinding(
            id="config-non-ascii",
            line=entry.line,
            severity="warning",
            text=f"{key.key} holds characters outside of ASCII; WSL's reader keeps one byte of each and garbles them.",
            remedy="Use a path of plain ASCII characters.",
        )
    if key.key == "autoMemoryReclaim" and entry.value.lower() == "gradual":
        yield ConfigFinding(
            id="config-gradual",
            line=entry.line,
            severity="note",
            text="gradual is reported to stall distributions with systemd after idle times (WSL#10675).",
            remedy="If yours stalls, write autoMemoryReclaim=dropCache.",
        )


def bad_value(entry: Entry, key: KnownKey) -> ConfigFinding:
    """Explain what WSL does instead, and what it would take."""
    kept = f"keeps the default ({key.default})"
    if key.kind == "mac":
        kept = "refuses to start the VM"
    elif key.kind == "ip":
        kept = "turns DNS tunneling off"
    elif key.kind == "ports":
        kept = "leaves out what is no port"
    shown = quote(entry.value)
    return ConfigFinding(
        id="config-bad-value",
        line=entry.line,
        severity="error",
        text=f"{key.key}={shown} is invalid; WSL {kept}." if shown else f"{key.key} has no value; WSL {kept}.",
        remedy=valid_values(entry, key),
    )


def valid_values(entry: Entry, key: KnownKey) -> str:
    """Say what WSL would take, with the value that was probably meant."""
    match key.kind:
        case "size":
            return size_remedy(entry, key)
        case "bool":
            return "Write true or false."
        case "int":
            return "Write a whole number; 0x marks hexadecimal, a leading 0 octal."
        case "enum":
            close = get_close_matches(entry.value.lower()[:64], [choice.lower() for choice in key.choices], n=1)
            meant = next((choice for choice in key.choices if close and choice.lower() == close[0]), "")
            return f"Write one of {', '.join(key.choices)}{f'; {meant} is close' if meant else ''}."
        case "ip":
            return "Write an IPv4 address."
        case "mac":
            return "Write six pairs of hexadecimal digits with - or : between them."
        case "ports":
            return "Write numbers from 1 to 65535 with commas between them."
        case "text" | "path":
            return ""


def size_remedy(entry: Entry, key: KnownKey) -> str:
    """Show how WSL wants a size, by the value that was probably meant."""
    meant = entry.value.partition(";")[0].strip()
    rules = "WSL takes a whole number and an upper-case KB, MB, GB or TB, without a blank"
    if len(meant) > 20:
        return f"{rules}: {key.key}=8GB."
    if meant.endswith("%"):
        return f"{rules}; it knows no percentages."
    try:
        size = parse_size(meant)
    except ValueError:
        return f"{rules}: {key.key}=8GB."
    rounded = size - size % MIB if size > MIB else size
    return f"Write {key.key}={render_size(rounded)}; {rules}."


def lint_size(entry: Entry, key: KnownKey, windows_total: Reading[int]) -> Iterator[ConfigFinding]:
    """Find sizes without a suffix, and more memory than Windows has."""
    size = parse_wsl_size(entry.value) or 0
    limit = TINY.get(key.key, 0)
    if 0 < size < limit:
        plain = entry.value.isdecimal()
        yield ConfigFinding(
            id="config-tiny-size",
            line=entry.line,
            severity="warning",
            text=f"{key.key}={quote(entry.value)} is {format_size(size)}"
            + (" (a number without suffix is bytes)" if plain else "")
            + ("; WSL raises it to 256 MB." if key.key == "memory" else "."),
            remedy=f"Add a suffix: {key.key}={quote(entry.value)}GB." if plain else "Write a larger size.",
        )
    if key.key == "memory" and not isinstance(windows_total, Unavailable) and size >= windows_total - GIB // 2:
        yield ConfigFinding(
            id="config-too-much-memory",
            line=entry.line,
            severity="warning",
            text=f"memory={quote(entry.value)} gives WSL all of Windows' {format_size(windows_total)}.",
            remedy="Leave Windows a quarter of its RAM, and at least 4 GB.",
        )
