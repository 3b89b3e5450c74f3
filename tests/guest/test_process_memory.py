"""What the kernel says of the memory of a process that is to be ended."""

from __future__ import annotations

from pathlib import Path

from wsltop.core.prediction import ProcessMemory
from wsltop.guest.process_memory import parse_process_memory, read_process_memory
from wsltop.model.text import KIB

STATUS = """Name:\tpostgres
VmHWM:\t  4000 kB
VmRSS:\t  2500 kB
RssAnon:\t   500 kB
RssShmem:\t  1800 kB
VmSwap:\t   300 kB
"""
MAPS = """\
55d0c0000000-55d0c0010000 r--p 00000000 08:20 1234                       /usr/lib/postgresql/postgres
7f0000000000-7f0000100000 rw-s 00000000 00:01 1028                       /memfd:shared (deleted)
7f0000200000-7f0000280000 rw-s 00000000 00:1b 9                          /dev/shm/PostgreSQL.42 name
7f0000400000-7f0000480000 rw-s 00000000 00:01 2050                       /dev/zero (deleted)
"""


def test_what_has_a_name_stays() -> None:
    memory = parse_process_memory(STATUS, MAPS)
    assert memory == ProcessMemory(swapped=300 * KIB, freed=1200 * KIB, nameless=(1800 - 512) * KIB)


def test_without_its_mappings_no_shared_memory_is_known_to_go() -> None:
    assert parse_process_memory(STATUS, None).nameless == 0


def test_a_process_that_has_ended_says_nothing(tmp_path: Path) -> None:
    assert read_process_memory(tmp_path, 1) is None
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/status").write_text(STATUS)
    assert read_process_memory(tmp_path, 7) == ProcessMemory(swapped=300 * KIB, freed=1200 * KIB)
