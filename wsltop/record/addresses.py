"""Finds addresses of networks in a text, and tells them from versions, which look the same. Pure.

``6.6.87.2`` may be a kernel or somebody's server. What is known to be a version (the machine's own), what is called
one (``WSL 2.6.3.0``) and what goes on as one (``6.6.87.2-microsoft``) is a version; anything else is an address, and
so is always what is private by its number (``192.168.…``). Where both are possible, an address: it is better to lose
a version than to tell where somebody is.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection
from typing import Final

OCTET: Final = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
FOUR: Final = re.compile(rf"(?<!\d)(?<!\d\.)({OCTET}(?:\.{OCTET}){{3}})(?!\d|\.\d)(?:/\d{{1,2}}(?!\d))?", re.ASCII)
"""An IPv4 address, with the length of its network."""
COLONS: Final = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f.]*(?:%\w{1,15})?(?:/\d{1,3}(?!\d))?(?!\w|:[\w:])",
    re.IGNORECASE | re.ASCII,
)
"""What may be an IPv6 address."""
CARD: Final = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-z])", re.IGNORECASE | re.ASCII
)
"""The address of a network card (MAC)."""

CALLED_VERSION: Final = re.compile(
    r"(?:\b(?:versions?|wslg?|wsltop|kernel|linux|windows|release|msrdc|direct3d|dxcore)[\s:=\"'(]{0,3}v?|\bv)$",
    re.IGNORECASE | re.ASCII,
)
GOES_ON: Final = re.compile(r"-(?:microsoft|wsl|standard|generic|azure|rc\d)|\+", re.IGNORECASE | re.ASCII)
VERSION: Final = re.compile(r"(?<![\d.])\d+(?:\.\d+){3}(?![\d.])", re.ASCII)


def take_addresses(text: str, sign: str, versions: Collection[str] = ()) -> str:
    """The text with ``sign`` in place of each address.

    Those that are the same everywhere (``127.0.0.1``, ``0.0.0.0``, ``::1``) stay.

    Args:
        text: anything.
        sign: what to put there.
        versions: numbers in four parts that are known to be versions.
    """

    def four(match: re.Match[str]) -> str:
        found = ipaddress.IPv4Address(".".join(str(int(part)) for part in match[1].split(".")))
        if str(found) in versions or is_everywhere(found):
            return match[0]
        before, after = text[max(0, match.start() - 16) : match.start()], text[match.end(1) : match.end(1) + 12]
        version = CALLED_VERSION.search(before) or GOES_ON.match(after)
        return match[0] if version and may_be_version(found) else sign

    text = CARD.sub(sign, text)
    text = COLONS.sub(in_colons(sign), text)
    return FOUR.sub(four, text)


def in_colons(sign: str) -> Callable[[re.Match[str]], str]:
    """What replaces a candidate for an IPv6 address: itself, where it is none (``14:03:20``, ``0000:00:1f.2``)."""

    def replaced(match: re.Match[str]) -> str:
        bare = match[0].rstrip(".")
        try:
            found = ipaddress.IPv6Interface(bare).ip
        except ValueError:
            return match[0]
        return match[0] if is_everywhere(found) else sign + match[0][len(bare) :]

    return replaced


def may_be_version(address: ipaddress.IPv4Address) -> bool:
    """Whether four numbers may be a version: those of a private network are not, but nobody has ``0.5.0.1``."""
    return address.is_global or address.packed[0] == 0


def is_everywhere(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address tells nobody anything."""
    return address.is_loopback or address.is_unspecified or address == ipaddress.IPv4Address("255.255.255.255")


def versions_in(text: str) -> set[str]:
    """The numbers in four parts of a text that is about versions."""
    return set(VERSION.findall(text))
