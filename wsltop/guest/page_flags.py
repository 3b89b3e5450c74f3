"""Where every page of the guest lies: ``/proc/kpageflags`` and a process's ``pagemap``, for root alone."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from wsltop.core.page_map import Kind, PageMap, kind_of
from wsltop.guest.files import unreadable
from wsltop.guest.process_memory import NAMELESS
from wsltop.model.sample import Reading, Unavailable

FLAGS: Final = "proc/kpageflags"
PAGE: Final = 4096
CHUNK: Final = 1 << 19
"""Bytes of a read: 64 Ki pages."""
MOST: Final = 16 << 18
"""Pages of 16 GiB: more takes too long for a plan that somebody waits for."""
ZONE: Final = re.compile(r"^Node +\d+, zone +\w+$(.*?)(?=^Node|\Z)", re.MULTILINE | re.DOTALL | re.ASCII)
SPANNED: Final = re.compile(r"^ +spanned +([0-9]{1,16})$", re.MULTILINE | re.ASCII)
START: Final = re.compile(r"^ +start_pfn: +([0-9]{1,16})$", re.MULTILINE | re.ASCII)


class Kinds(dict[int, int]):
    """The kinds of flags that were met: there are some hundreds of different ones among millions of pages."""

    def __missing__(self, flags: int) -> int:
        kind = self[flags] = int(kind_of(flags))
        return kind


KNOWN: Final = Kinds()


def read_page_map(root: Path = Path("/"), pid: int | None = None) -> Reading[PageMap]:
    """Read what every page is; with ``pid``, which pages go with that process.

    It takes about 0.1 s for each GiB of the guest. Needs root (CAP_SYS_ADMIN).
    """
    try:
        zones = parse_spans((root / "proc/zoneinfo").read_text(encoding="ascii", errors="replace"))
        if sum(end - start for start, end in zones) > MOST:
            return Unavailable("the guest has more pages than can be looked at in a moment")
        kinds = bytearray(b"".join(read_kinds(root / FLAGS)))
        if pid is not None:
            mark_ending(kinds, read_entries(root / f"proc/{pid}"))
    except OSError as error:
        return unreadable(Path(error.filename or root / FLAGS), error)
    if not kinds or not zones:
        return Unavailable("the kernel says nothing of its pages")
    return PageMap(kinds=bytes(kinds), zones=zones)


def read_kinds(path: Path) -> Iterator[bytes]:
    """The kinds of all pages, in pieces."""
    with path.open("rb", buffering=0) as file:
        while wide := file.read(CHUNK):
            yield kinds_of(wide)


def kinds_of(wide: bytes) -> bytes:
    """The kinds of pages by their flags, of eight bytes each."""
    return bytes(map(KNOWN.__getitem__, array("Q", wide[: len(wide) // 8 * 8])))


def parse_spans(text: str) -> tuple[tuple[int, int], ...]:
    """The first page, and the one behind the last, of each zone that has pages, from ``/proc/zoneinfo``."""
    found = []
    for zone in ZONE.findall(text):
        start, spanned = START.search(zone), SPANNED.search(zone)
        if start and spanned and int(spanned[1]):
            found.append((int(start[1]), int(start[1]) + int(spanned[1])))
    return tuple(found)


PRESENT: Final = 1 << 63
OF_FILE: Final = 1 << 61
"""Of a file, or shared."""
ALONE: Final = 1 << 56
"""Mapped by this process alone."""
NUMBER: Final = (1 << 55) - 1
LAST: Final = 1 << 47
"""Where the addresses of programs end; the kernel's page behind them is in no pagemap."""


class Mapping(NamedTuple):
    """The pages of one mapping of a process."""

    entries: array[int]
    """Of its pagemap, those that are in RAM among them."""
    nameless: bool
    """Whether what it maps has no name in a file system."""


def read_entries(folder: Path) -> Iterator[Mapping]:
    """The mappings of a process, and where their pages lie (Documentation/admin-guide/mm/pagemap.rst)."""
    with (folder / "pagemap").open("rb", buffering=0) as file:
        for line in (folder / "maps").read_text(encoding="utf-8", errors="replace").splitlines():
            start, end = (int(address, 16) for address in line.split(" ", 1)[0].split("-"))
            if end > LAST:
                continue
            file.seek(start // PAGE * 8)
            left = (end - start) // PAGE * 8
            while left > 0 and (wide := file.read(min(left, CHUNK))):
                left -= len(wide)
                yield Mapping(
                    array("Q", wide[: len(wide) // 8 * 8]), NAMELESS.search(line.split(None, 5)[-1]) is not None
                )


def mark_ending(kinds: bytearray, mappings: Iterable[Mapping]) -> None:
    """Mark the pages that go with a process: its own, all of its huge pages, and memory that it alone shares."""
    blocks = set()
    for mapping in mappings:
        for entry in mapping.entries:
            page = entry & NUMBER
            if not entry & PRESENT or not entry & ALONE or page >= len(kinds):
                continue
            if not entry & OF_FILE:
                if kinds[page] == Kind.HUGE:
                    blocks.add(page >> HUGE_ORDER)
                kinds[page] = Kind.ENDING
            elif mapping.nameless:
                kinds[page] = Kind.ENDING_TOO
    for block in blocks:  # what it has freed inside a huge page is free when the whole page is
        place = block << HUGE_ORDER
        part = kinds[place : place + (1 << HUGE_ORDER)]
        kinds[place : place + (1 << HUGE_ORDER)] = part.replace(bytes([Kind.HUGE]), bytes([Kind.ENDING]))


HUGE_ORDER: Final = 9
