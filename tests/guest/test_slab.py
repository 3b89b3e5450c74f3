"""``/proc/slabinfo`` and what the findings say of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import plant
from wsltop.guest.kernel_files import SLABS, parse_slabinfo, read_slabs
from wsltop.model.sample import SlabCache, Unavailable

TEXT = """slabinfo - version: 2.1
# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> : slabdata <active_slabs>
dentry              2100   4200    192   21    1 : tunables    0    0    0 : slabdata    200    200      0
kmalloc-4k          8000   8000   4096    8    8 : tunables    0    0    0 : slabdata   1000   1000      0
ext4_inode_cache      27     27   1176   27    8 : tunables    0    0    0 : slabdata      1      1      0
"""


def test_kinds_are_ranked_by_the_pages_that_they_hold() -> None:
    assert parse_slabinfo(TEXT, 4096) == (
        SlabCache("kmalloc-4k", 1000 * 8 * 4096),
        SlabCache("dentry", 200 * 4096),
        SlabCache("ext4_inode_cache", 8 * 4096),
    )


def test_only_the_largest_are_kept() -> None:
    lines = "".join(f"kmalloc-{n}  1 1 8 512 1 : tunables 0 0 0 : slabdata {n} {n} 0\n" for n in range(1, SLABS + 20))
    found = parse_slabinfo(lines, 4096)
    assert not isinstance(found, Unavailable)
    assert len(found) == SLABS
    assert found[0].name == f"kmalloc-{SLABS + 19}"


@pytest.mark.parametrize("text", ["", "slabinfo - version: 2.1\n", TEXT[: len(TEXT) // 2 - 40]])
def test_what_is_none_is_unavailable(text: str) -> None:
    assert isinstance(parse_slabinfo(text, 4096), Unavailable)


@given(st.text())
def test_garbage_is_unavailable_or_plausible(text: str) -> None:
    found = parse_slabinfo(text, 4096)
    assert isinstance(found, Unavailable) or all(one.size >= 0 for one in found)


def test_the_file_may_be_missing(tmp_path: Path) -> None:
    assert isinstance(read_slabs(tmp_path, 4096), Unavailable)
    plant(tmp_path, "proc/slabinfo", TEXT)
    assert not isinstance(read_slabs(tmp_path, 4096), Unavailable)
