"""What a kernel with ZFS says of its cache, and when WSL's init began."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import plant
from wsltop.guest.identity import read_init_began
from wsltop.guest.kernel_files import ARC_SIZE, read_arc
from wsltop.model.sample import Unavailable

ARCSTATS = """\
13 1 0x01 147 39984 3370281843 1234567890123
name                            type data
hits                            4    194876
c_max                           4    8589934592
size                            4    33285996544
compressed_size                 4    31000000000
"""


def test_the_size_of_the_arc_is_its_row_alone(tmp_path: Path) -> None:
    plant(tmp_path, "proc/spl/kstat/zfs/arcstats", ARCSTATS)
    assert read_arc(tmp_path) == 33_285_996_544


def test_without_zfs_there_is_no_size_and_that_is_no_fault(tmp_path: Path) -> None:
    assert read_arc(tmp_path) == Unavailable("there is no ZFS")
    plant(tmp_path, "proc/spl/kstat/zfs/arcstats", "name type data\n")
    assert isinstance(read_arc(tmp_path), Unavailable)


@given(st.text())
def test_nonsense_raises_nothing(text: str) -> None:
    match = ARC_SIZE.search(text)
    assert match is None or int(match[1]) >= 0


@pytest.mark.parametrize(
    ("sockets", "began"), [({"1_interop": 500.0}, 500.0), ({"1_interop": 700.0, "2_interop": 600.0}, 600.0)]
)
def test_init_began_when_its_first_socket_was_made(tmp_path: Path, sockets: dict[str, float], began: float) -> None:
    for name, at in sockets.items():
        plant(tmp_path, f"run/WSL/{name}", "")
        os.utime(tmp_path / "run/WSL" / name, (at, at))
    assert read_init_began(tmp_path) == began


def test_where_init_has_no_socket_its_beginning_is_unknown(tmp_path: Path) -> None:
    plant(tmp_path, "run/WSL/4711_interop", "")
    assert isinstance(read_init_began(tmp_path), Unavailable)
