from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import KERNELS, kernel_text, plant
from wsltop.guest.kernel_files import MeminfoSource, parse_meminfo
from wsltop.model.sample import Meminfo, Unavailable

KIB = 1024

REQUIRED = {
    "total": "MemTotal",
    "free": "MemFree",
    "buffers": "Buffers",
    "cached": "Cached",
    "swap_cached": "SwapCached",
    "active_file": "Active(file)",
    "inactive_file": "Inactive(file)",
    "unevictable": "Unevictable",
    "dirty": "Dirty",
    "writeback": "Writeback",
    "anon_pages": "AnonPages",
    "mapped": "Mapped",
    "shmem": "Shmem",
    "slab_reclaimable": "SReclaimable",
    "slab_unreclaimable": "SUnreclaim",
    "page_tables": "PageTables",
    "swap_total": "SwapTotal",
    "swap_free": "SwapFree",
}
OPTIONAL = {
    "available": "MemAvailable",
    "secondary_page_tables": "SecPageTables",
    "huge_pages": "Hugetlb",
    "vmalloc": "VmallocUsed",
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_is_understood(kernel: str) -> None:
    text = kernel_text(kernel, "meminfo")
    meminfo = parse_meminfo(text)
    assert isinstance(meminfo, Meminfo)
    figures = dict(line.replace(":", " ").split()[:2] for line in text.splitlines())
    for field, name in (REQUIRED | OPTIONAL).items():
        expected = int(figures[name]) * KIB if name in figures else None
        assert getattr(meminfo, field) == expected, field


def test_what_a_kernel_does_not_print_is_none() -> None:
    old, new = parse_meminfo(kernel_text("4.19", "meminfo")), parse_meminfo(kernel_text("6.18", "meminfo"))
    assert isinstance(old, Meminfo)
    assert isinstance(new, Meminfo)
    assert old.secondary_page_tables is None
    assert new.secondary_page_tables is not None


def test_before_hugetlb_huge_pages_are_counted_times_their_size() -> None:
    text = kernel_text("4.19", "meminfo").replace("HugePages_Total:       0", "HugePages_Total:     512")
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("Hugetlb"))
    meminfo = parse_meminfo(text)
    assert isinstance(meminfo, Meminfo)
    assert meminfo.huge_pages == 512 * 2048 * KIB
    without = parse_meminfo(text.replace("Hugepagesize", "Otherpagesize"))
    assert isinstance(without, Meminfo)
    assert without.huge_pages is None


@pytest.mark.parametrize("name", REQUIRED.values())
def test_a_missing_required_line_is_named(name: str) -> None:
    lines = kernel_text("6.6", "meminfo").splitlines(keepends=True)
    reading = parse_meminfo("".join(line for line in lines if not line.startswith(f"{name}:")))
    assert reading == Unavailable(f"/proc/meminfo has no {name}")


@given(st.dictionaries(st.sampled_from([*REQUIRED, *OPTIONAL]), st.integers(0, 2**40)))
def test_whatever_the_figures_they_come_back_in_bytes_or_not_at_all(figures: dict[str, int]) -> None:
    names = REQUIRED | OPTIONAL
    meminfo = parse_meminfo("".join(f"{names[field] + ':':16}{value:8} kB\n" for field, value in figures.items()))
    if REQUIRED.keys() <= figures.keys():
        assert isinstance(meminfo, Meminfo)
        for field in names:
            assert getattr(meminfo, field) == (figures[field] * KIB if field in figures else None)
    else:
        assert isinstance(meminfo, Unavailable)


@given(st.sampled_from(KERNELS), st.integers(0, 2000))
def test_a_text_that_is_cut_off_gives_true_figures_or_none(kernel: str, length: int) -> None:
    text = kernel_text(kernel, "meminfo")
    whole, cut = parse_meminfo(text), parse_meminfo(text[:length])
    assert isinstance(whole, Meminfo)
    if isinstance(cut, Meminfo):
        for field in REQUIRED:
            assert getattr(cut, field) == getattr(whole, field)
        for field in OPTIONAL:
            assert getattr(cut, field) in (getattr(whole, field), None)


@given(st.text())
def test_garbage_is_unavailable(text: str) -> None:
    assert isinstance(parse_meminfo(text), Unavailable)


def test_a_number_too_long_for_a_number_is_no_number() -> None:
    text = kernel_text("6.6", "meminfo").replace("16556744", "9" * 5000)
    assert parse_meminfo(text) == Unavailable("/proc/meminfo has no MemTotal")


@pytest.mark.parametrize("blank", ["", " "])
def test_a_swap_that_cannot_be_is_unknown_and_the_rest_is_read(blank: str) -> None:
    """WSL 1 prints 16 EiB: the whole guest was unreadable for it (psutil#1517)."""
    text = re.sub("SwapFree: +[0-9]+", f"SwapFree:{blank}18014398503714728", kernel_text("6.6", "meminfo"))
    meminfo = parse_meminfo(text)
    assert isinstance(meminfo, Meminfo)
    assert (meminfo.swap_free, meminfo.total) == (None, 16556744 * KIB)


def test_no_file_no_figures(tmp_path: Path) -> None:
    assert isinstance(MeminfoSource(tmp_path).read(), Unavailable)


def test_the_source_reads_its_tree(tmp_path: Path) -> None:
    plant(tmp_path, "proc/meminfo", kernel_text("5.15", "meminfo"))
    source = MeminfoSource(tmp_path)
    meminfo = source.read()
    assert isinstance(meminfo, Meminfo)
    assert meminfo.total == 8034340 * KIB
    source.close()


def test_this_machine_agrees_with_free() -> None:
    source = MeminfoSource()
    meminfo = source.read()
    source.close()
    answer = subprocess.run(["/usr/bin/free", "-b"], capture_output=True, text=True, check=True, env={"LC_ALL": "C"})
    memory, swap = (line.split() for line in answer.stdout.splitlines()[1:3])
    assert isinstance(meminfo, Meminfo)
    assert meminfo.total == int(memory[1])
    assert meminfo.free == pytest.approx(int(memory[3]), abs=512 * KIB * KIB)
    assert meminfo.swap_total == int(swap[1])
