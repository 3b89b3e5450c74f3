"""What the kernel says of names of files, huge pages, and whether it clears what it allocates."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import plant
from wsltop.guest.kernel_files import (
    HUGE_PAGE_FOLDER,
    DentrySource,
    parse_dentry_state,
    parse_meminfo,
    read_huge_pages,
    read_init_on_alloc,
)
from wsltop.model.sample import Dentries, TransparentHugePages, Unavailable


def test_names_of_files_are_counted() -> None:
    assert parse_dentry_state("1112\t214\t45\t0\t55\t0\t\n") == Dentries(total=1112, unused=214, negative=55)
    assert parse_dentry_state("1112\t214\t45\t0\t55\t0\n") == Dentries(total=1112, unused=214, negative=55)


@pytest.mark.parametrize("text", ["", "\n", "1 2 3", "1112\t214\n", "a\tb\t45\t0\t0\t0\n", "-1\t2\t45\t0\t0\t0\n"])
def test_what_is_no_count_of_names_is_unavailable(text: str) -> None:
    assert isinstance(parse_dentry_state(text), Unavailable)


@given(st.integers(0, 10**9), st.integers(-50, 10**9), st.integers(-50, 10**9))
def test_counts_that_move_while_they_are_read_are_never_negative(total: int, unused: int, negative: int) -> None:
    found = parse_dentry_state(f"{total}\t{unused}\t45\t0\t{negative}\t0\t\n")
    assert isinstance(found, Dentries)
    assert 0 <= found.unused <= found.total
    assert found.negative is not None
    assert found.negative >= 0


def test_a_kernel_without_the_file_has_no_counts(tmp_path: Path) -> None:
    source = DentrySource(tmp_path)
    assert isinstance(source.read(), Unavailable)
    plant(tmp_path, "proc/sys/fs/dentry-state", "5\t2\t45\t0\t1\t0\t\n")
    assert source.read() == Dentries(total=5, unused=2, negative=1)
    source.close()


def test_huge_pages_of_all_sizes_are_added_up(tmp_path: Path) -> None:
    plant(tmp_path, f"{HUGE_PAGE_FOLDER}/enabled", "always [madvise] never\n")
    assert read_huge_pages(tmp_path) == TransparentHugePages(mode="madvise", partially_mapped=None)
    plant(tmp_path, f"{HUGE_PAGE_FOLDER}/hugepages-2048kB/stats/nr_anon_partially_mapped", "3\n")
    plant(tmp_path, f"{HUGE_PAGE_FOLDER}/hugepages-64kB/stats/nr_anon_partially_mapped", "2\n")
    plant(tmp_path, f"{HUGE_PAGE_FOLDER}/hugepages-32kB/stats/nr_anon_partially_mapped", "x\n")
    plant(tmp_path, f"{HUGE_PAGE_FOLDER}/hugepages-16kB/stats/nr_anon", "9\n")
    assert read_huge_pages(tmp_path) == TransparentHugePages(mode="madvise", partially_mapped=(3 * 2048 + 128) * 1024)


@pytest.mark.parametrize("text", [None, "", "always madvise never\n", "[maybe]\n"])
def test_a_kernel_without_huge_pages_says_nothing(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        plant(tmp_path, f"{HUGE_PAGE_FOLDER}/enabled", text)
    assert isinstance(read_huge_pages(tmp_path), Unavailable)


@pytest.mark.parametrize(
    ("cmdline", "config", "clears"),
    [
        ("quiet init_on_alloc=1\n", None, True),
        ("init_on_alloc=0 quiet\n", "CONFIG_INIT_ON_ALLOC_DEFAULT_ON=y\n", False),
        ("init_on_alloc=0 init_on_alloc=on\n", None, True),
        ("quiet\n", "CONFIG_A=y\nCONFIG_INIT_ON_ALLOC_DEFAULT_ON=y\n", True),
        ("quiet\n", "# CONFIG_INIT_ON_ALLOC_DEFAULT_ON is not set\n", False),
        ("quiet\n", None, None),
        (None, None, None),
    ],
)
def test_whether_the_kernel_clears_is_read_and_not_assumed(
    tmp_path: Path, cmdline: str | None, config: str | None, clears: bool | None
) -> None:
    if cmdline is not None:
        plant(tmp_path, "proc/cmdline", cmdline)
    if config is not None:
        plant(tmp_path, "proc/config.gz", gzip.compress(config.encode()))
    found = read_init_on_alloc(tmp_path)
    assert isinstance(found, Unavailable) if clears is None else found is clears


def test_a_config_that_is_no_archive_says_nothing(tmp_path: Path) -> None:
    plant(tmp_path, "proc/cmdline", "quiet\n")
    for content in (b"", b"no archive", gzip.compress(b"CONFIG_A=y\n" * 1000)[:20]):
        plant(tmp_path, "proc/config.gz", content)
        assert (
            read_init_on_alloc(tmp_path) is False
            if not content
            else isinstance(read_init_on_alloc(tmp_path), Unavailable)
        )


def test_the_pool_that_no_program_has_is_in_bytes() -> None:
    names = ("MemTotal", "MemFree", "Buffers", "Cached", "SwapCached", "Active(file)", "Inactive(file)", "Unevictable")
    others = ("Dirty", "Writeback", "AnonPages", "Mapped", "Shmem", "SReclaimable", "SUnreclaim", "KernelStack")
    lines = [f"{name}: 10 kB\n" for name in (*names, *others, "PageTables", "SwapTotal", "SwapFree", "Hugetlb")]
    text = "".join([*lines, "HugePages_Total: 4\nHugePages_Free: 3\nHugepagesize: 2048 kB\n"])
    found = parse_meminfo(text)
    assert not isinstance(found, Unavailable)
    assert found.huge_pages_free == 3 * 2048 * 1024
