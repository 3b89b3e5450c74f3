from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.guest.texts import KERNELS, kernel_text
from wsltop.core.events import WATCHED
from wsltop.guest.kernel_files import COUNTERS, SPELLINGS, VmstatSource, parse_vmstat
from wsltop.model.sample import Counters, Unavailable

SINCE = {
    "pgsteal_khugepaged": "6.6",
    "pgscan_khugepaged": "6.6",
    "workingset_refault_anon": "5.15",
    "pgsteal_proactive": "6.18",
    "pgscan_proactive": "6.18",
    "thp_deferred_split_page": "6.18",  # the older ones were recorded without huge pages
    "pgsteal_anon": "5.15",
    "pgsteal_file": "5.15",
}
"""First of our kernels that has the counter; the others are in all of them."""


def counters(text: str) -> dict[str, int]:
    reading = parse_vmstat(text)
    assert isinstance(reading, Counters)
    return reading.values


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_has_its_counters(kernel: str) -> None:
    age = KERNELS.index
    expected = {name for name in COUNTERS if age(SINCE.get(name, "4.19")) <= age(kernel)}
    assert counters(kernel_text(kernel, "vmstat")).keys() == expected


def test_zones_are_added_up_and_old_names_translated() -> None:
    values = counters(kernel_text("4.19", "vmstat"))
    assert values["allocstall"] == 3197 + 1493
    assert values["workingset_refault_file"] == 180
    assert values["pgscan_kswapd"] == 2813
    oldest = "pgsteal_kswapd_dma 12708\npgsteal_kswapd_dma32 917837\npgsteal_kswapd_normal 0\nallocstall 7\n"
    assert counters(oldest) == {"pgsteal_kswapd": 12708 + 917837, "allocstall": 7}


def test_relatives_are_not_counted() -> None:
    text = "pgscan_direct 5\npgscan_direct_throttle 100\npgscan_anon 7\ncompact_stallx 1\nballoon_migrate 3\n"
    assert counters(text) == {"pgscan_direct": 5}


@given(st.dictionaries(st.sampled_from(COUNTERS), st.integers(0, 10**18), min_size=1), st.integers(0, 200))
def test_random_counters_round_trip_and_a_cut_one_is_missing(values: dict[str, int], cut: int) -> None:
    text = "nr_free_pages 1\n" + "".join(f"{name} {value}\n" for name, value in values.items())
    assert counters(text) == values
    reading = parse_vmstat(text[:cut])
    assert isinstance(reading, Unavailable) or reading.values.items() <= values.items()


@given(st.text() | st.text(alphabet="\n 0129adegklmnoprstvw_"))
def test_garbage_is_unavailable(text: str) -> None:
    assert isinstance(parse_vmstat(text), Unavailable)


@pytest.mark.parametrize("line", ["oom_kill\n", "oom_kill x\n", "oom_kill -1\n", "oom_kill 1 2\n", "oom_kill\n5\n"])
def test_a_line_without_a_number_is_no_counter(line: str) -> None:
    assert counters(f"pswpin 3\n{line}") == {"pswpin": 3}


def test_a_number_too_long_for_a_number_is_no_number() -> None:
    assert counters(f"pswpin 3\noom_kill {'9' * 5000}\n") == {"pswpin": 3}


def test_no_file_no_counters(tmp_path: Path) -> None:
    assert isinstance(VmstatSource(tmp_path).read(), Unavailable)


def test_this_machine_counts() -> None:
    source = VmstatSource()
    first, second = source.read(), source.read()
    source.close()
    assert isinstance(first, Counters)
    assert isinstance(second, Counters)
    assert first.values.keys() <= set(COUNTERS)
    assert second.values["pgmajfault"] >= first.values["pgmajfault"]


def test_every_counter_that_the_events_watch_is_read() -> None:
    # Some are watched under the names of several kernels; here they have one.
    assert set(COUNTERS) >= {SPELLINGS.get(name, name) for name in WATCHED}
