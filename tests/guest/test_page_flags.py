"""Where every page lies, from the kernel's files."""

from __future__ import annotations

import struct
from array import array
from pathlib import Path

from wsltop.core.page_map import Kind, PageMap
from wsltop.guest.page_flags import Mapping, mark_ending, parse_spans, read_page_map
from wsltop.model.sample import Unavailable

ZONEINFO = """Node 0, zone      DMA
  pages free     3840
        spanned  4
  start_pfn:           0
Node 0, zone    DMA32
  pages free     100
        spanned  4
  start_pfn:           4
Node 0, zone   Movable
        spanned  0
  start_pfn:           0
"""


def plant(root: Path, flags: bytes) -> Path:
    (root / "proc").mkdir(parents=True)
    (root / "proc/zoneinfo").write_text(ZONEINFO)
    (root / "proc/kpageflags").write_bytes(flags)
    return root


def test_the_pages_of_a_guest(tmp_path: Path) -> None:
    flags = [1 << 10, 0, 1 << 7, 1 << 5, 1 << 20, 0, 0, 1 << 5 | 1 << 11]
    found = read_page_map(plant(tmp_path, struct.pack("<8Q", *flags)))
    assert isinstance(found, PageMap)
    kinds = [Kind.FREE, Kind.BLANK, Kind.SLAB, Kind.CLEAN, Kind.ABSENT, Kind.BLANK, Kind.BLANK, Kind.MAPPED]
    assert list(found.kinds) == kinds
    assert found.zones == ((0, 4), (4, 8))


def test_without_the_file_or_with_an_empty_one_it_is_not_known(tmp_path: Path) -> None:
    assert isinstance(read_page_map(tmp_path), Unavailable)
    assert isinstance(read_page_map(plant(tmp_path / "guest", b"")), Unavailable)


def test_a_zone_without_pages_has_no_span() -> None:
    assert parse_spans(ZONEINFO) == ((0, 4), (4, 8))
    assert parse_spans("nonsense") == ()


def test_the_pages_that_a_process_has_for_itself() -> None:
    present, of_file, alone = 1 << 63, 1 << 61, 1 << 56
    entries = array("Q", [present | alone | 7, present | 8, alone | 9, present | alone | of_file | 10])
    kinds = bytearray([Kind.ANONYMOUS]) * 1024
    kinds[:8] = bytes([Kind.HUGE]) * 8
    mark_ending(kinds, [Mapping(entries, nameless=False)])
    assert set(kinds[:8]) == {Kind.ENDING}, "the whole huge page goes"
    assert set(kinds[8:]) == {Kind.ANONYMOUS}
    mark_ending(kinds, [Mapping(entries, nameless=True)])
    assert kinds[10] == Kind.ENDING_TOO
