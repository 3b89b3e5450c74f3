"""The report for people."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from tests.guest.texts import KERNELS
from tests.hostile import controls
from tests.samples import (
    IDENTITY,
    MONOTONIC,
    TIME,
    event,
    hog,
    host_memory,
    kernel_sample,
    meminfo,
    nothing,
    small_sample,
)
from wsltop.core.session import Session
from wsltop.model.sample import Event, Identity, ReportingOrder, Sample, Unavailable
from wsltop.report.text import EVENTS, report

HOSTILE = "vm\x1b]0;evil\x07\u202emem\udc80\nWSL"


def told(taken: Sample, *events: Event) -> str:
    session = Session(1.0)
    session.take(taken)
    return report(session, events)


def words(text: str) -> set[str]:
    """The lines, white space folded."""
    return {" ".join(line.split()) for line in text.splitlines()}


def numbered(number: int, text: str = "drop_caches 1") -> Event:
    start = MONOTONIC + number
    return event(f"{number} {text}", time=TIME + number, start=start, end=start)


def test_the_report_has_every_figure() -> None:
    lines = words(told(small_sample(host=host_memory(), reporting=ReportingOrder(order=9, assumed=True))))
    assert lines >= {
        "distro Ubuntu",
        f"WSL {IDENTITY.wsl_version}",
        "kernel 6.6-microsoft-standard-WSL2",
        "host vmmemWSL (pid 9448), by powershell, 0.5 s ago",
        "working set 6.0 GiB",
        "private bytes 7.0 GiB",
        "total 32.0 GiB",
        "available 9.0 GiB",
        "used 2.0 GiB",
        "anonymous 900 MiB",
        "shared 200 MiB",
        "cache 5.1 GiB",
        "slab reclaimable 300 MiB",
        "slab unreclaimable 100 MiB",
        "page tables 20 MiB",
        "huge pages 0 B",
        "other kernel 280 MiB",
        "fragmented free 400 MiB",
        "reportable free 600 MiB",
        "reporting order 9 (assumed)",
        "swap 500 MiB of 2.0 GiB",
    }
    assert lines >= {"lent 6.0 GiB", "memory of programs 900 MiB", "file cache not in use 4.9 GiB"}


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_report_of_a_known_kernel_is_complete_text(kernel: str) -> None:
    text = told(kernel_sample(kernel))
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "(expected, not measured)" in text
    assert "None" not in text
    assert "Unavailable" not in text
    assert max(map(len, text.splitlines())) < 200


def test_the_sizes_stand_in_one_column() -> None:
    lines = told(small_sample(host=host_memory())).splitlines()
    rows = [line for line in lines if re.match(r"  [a-z ]+[0-9.]+ [KMGT]?i?B$", line)]
    assert len(rows) > 15
    assert len({len(row) for row in rows}) == 1


def test_without_a_host_the_expected_figure_stands_in_and_says_so() -> None:
    lines = words(told(small_sample()))
    assert "host unknown: not WSL. Run wsltop inside WSL 2." in lines
    assert "expected 7.4 GiB" in lines
    assert not any("working set" in line for line in lines)


def test_what_cannot_be_read_says_why_and_nothing_is_made_up() -> None:
    lines = words(told(nothing()))
    why = "not read in this test. Read it."
    assert lines >= {f"host unknown: {why}", f"guest unknown: {why}", f"lent unknown: {why}", f"kernel {why}"}
    assert not any(re.search(r"\d [KMGT]iB", line) for line in lines)


def test_a_part_that_the_host_did_not_tell_says_why() -> None:
    lines = words(told(small_sample(host=host_memory(total=Unavailable("Windows did not tell", "Update it.")))))
    assert "total Windows did not tell. Update it." in lines


def test_free_memory_that_is_not_split_says_why() -> None:
    lines = words(told(small_sample(free_blocks=Unavailable("there is no /proc/buddyinfo"))))
    assert "free memory is not split: there is no /proc/buddyinfo" in lines
    assert "free 1000 MiB" in lines or "free 1.0 GiB" in lines


def test_no_swap_no_line_of_it() -> None:
    assert "swap" not in told(small_sample(meminfo=meminfo(swap_total=0, swap_free=0)))


def test_hogs_and_events_are_listed() -> None:
    text = told(small_sample(hogs=(hog(1), hog(2, speed=None, status="starting"))), numbered(1))
    lines = words(text)
    assert "4001 anonymous 1.0 GiB of 1.0 GiB, 2.0 GiB/s, holding" in lines
    assert "4002 anonymous 1.0 GiB of 1.0 GiB, starting" in lines
    assert re.search(r"\d\d:\d\d:\d\d cache drop +1 drop_caches 1 \[vmstat\]", text)


def test_an_event_of_another_day_has_its_date() -> None:
    old = event("Memory cgroup out of memory", time=TIME - 2 * 86400, start=MONOTONIC - 1, end=MONOTONIC - 1)
    lines = told(small_sample(), old, numbered(1)).splitlines()[-2:]
    assert re.match(r"  2023-11-1[23] \d\d:\d\d:\d\d ", lines[0])
    assert re.match(r"  \d\d:\d\d:\d\d ", lines[1])


def test_only_the_newest_events_are_listed() -> None:
    text = told(small_sample(), *(numbered(number) for number in range(50)))
    assert text.count("drop_caches 1 [") == EVENTS
    assert " 49 drop_caches" in text
    assert " 29 drop_caches" not in text


def test_nobody_can_write_to_the_terminal_through_the_report() -> None:
    why = Unavailable(HOSTILE, HOSTILE)
    for taken in (
        small_sample(host=host_memory(process=HOSTILE, total=why)),
        small_sample(host=why, zones=why),
        small_sample(identity=Identity(kernel=HOSTILE, distro=HOSTILE, wsl_version=why)),
        small_sample(meminfo=why),
    ):
        text = told(taken, numbered(1, HOSTILE))
        assert "evil" not in text
        assert not (controls() - {0x0A}).intersection(map(ord, text))
        text.encode()
        assert len(text.splitlines()) == len(told(replace_names(taken), numbered(1, "x")).splitlines())


def replace_names(taken: Sample) -> Sample:
    """The same sample with harmless text in place of the hostile."""
    why = Unavailable("x", "x")
    host = taken.host if isinstance(taken.host, Unavailable) else replace(taken.host, process="x", total=why)
    return replace(taken, host=why if isinstance(host, Unavailable) else host, identity=IDENTITY)
