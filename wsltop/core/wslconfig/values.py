"""The values of ``.wslconfig``: what WSL accepts, and how to write a size that it accepts. Imports only the stdlib.

Kept apart from ``core.units.parse_size``, which is for people and takes ``1.5 GiB``: WSL takes integers with an
upper-case suffix and no blank, reads a number without suffix as bytes, and rejects the rest. A linter that was kinder
than WSL would be wrong.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address
from typing import Final, Literal

Kind = Literal["size", "int", "bool", "enum", "text", "path", "ip", "ports", "mac"]

U64: Final = 2**64
UNITS: Final[dict[str, int]] = {"": 1} | {
    text: int(1024**power)
    for power, letter in enumerate("BKMGT")
    for text in ({letter, letter + "B"} if letter != "B" else {"B"})
}
WSL_SIZE: Final = re.compile(r"([ \t\n\v\f\r]*)([+-]?)([0-9]+)(.{0,2})", re.DOTALL)
WSL_INT: Final = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
MAC: Final = re.compile(r"[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}")
PORT: Final = re.compile(r"[ \t\n\v\f\r]*\+?([0-9]+)")


def parse_wsl_size(text: str) -> int | None:
    """Bytes as WSL reads them (stringshared.h, ParseMemorySize over strtoull); ``None``: WSL rejects it.

    Its oddities are kept: zero must be written ``0``, ``-1`` wraps around, and so does a product over 64 bits.
    """
    match = WSL_SIZE.fullmatch(text)
    if match is None or match[4] not in UNITS:
        return None
    number = min(int(match[3]), U64 - 1) if len(match[3]) < 40 else U64 - 1
    if match[2] == "-" and number < U64 - 1:
        number = -number % U64
    if number == 0 and (match[1] or match[2] or match[3] != "0"):
        return None
    return number * UNITS[match[4]] % U64


def parse_wsl_int(text: str) -> int | None:
    """Return the integer as WSL reads it: decimal, ``0x`` or octal (strtol, base 0, 32 bits on Windows, saturating)."""
    match = WSL_INT.fullmatch(text)
    if match is None:
        return None
    digits = match[2].lower()
    base = 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10
    number = int(digits, base) if len(digits) < 40 else 2**31
    return max(-(2**31), -number) if match[1] == "-" else min(2**31 - 1, number)


def parse_wsl_bool(text: str) -> bool | None:
    """Return true or false for ``true``, ``false``, ``1``, ``0``; there is no ``yes`` and no ``on``."""
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())


def is_valid(kind: Kind, choices: tuple[str, ...], text: str) -> bool:
    """Tell whether WSL takes the text for a key of this kind."""
    match kind:
        case "size":
            return parse_wsl_size(text) is not None
        case "int":
            return parse_wsl_int(text) is not None
        case "bool":
            return parse_wsl_bool(text) is not None
        case "enum":
            return text.lower() in {choice.lower() for choice in choices}
        case "mac":
            return MAC.fullmatch(text) is not None
        case "ip":
            return is_ipv4(text)
        case "ports":
            return all(is_port(part) for part in text.split(",") if part)
        case "text" | "path":
            return True


def is_ipv4(text: str) -> bool:
    """Tell whether the text is an IPv4 address (inet_pton)."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def is_port(text: str) -> bool:
    """Tell whether the text starts with a port (std::stoi, which ignores what follows)."""
    match = PORT.match(text)
    return match is not None and len(match[1]) < 40 and 0 < int(match[1]) <= 0xFFFF


def render_size(size: int) -> str:
    """Write bytes the way WSL reads them, in the largest unit that is exact: ``8GB``, ``1536MB``, ``1``."""
    for unit in ("TB", "GB", "MB", "KB"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)
