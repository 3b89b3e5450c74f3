"""The snapshot for programs: names that stay, whole numbers, and reasons where there is nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from tests.guest.texts import KERNELS
from tests.hostile import controls
from tests.samples import GIB, IDENTITY, MIB, MONOTONIC, PARTS, TIME, host_memory, kernel_sample, nothing, small_sample
from wsltop.core.session import Session
from wsltop.model.sample import Identity, ReportingOrder, Sample, Unavailable
from wsltop.report.snapshot import encode

GUEST = {
    "total",
    "free",
    "available",
    "used",
    "anonymous",
    "shared",
    "cache",
    "slab_reclaimable",
    "slab_unreclaimable",
    "page_tables",
    "kernel_other",
    "fragmented_free",
    "reportable_free",
    "reporting_order",
    "swap_total",
    "swap_free",
}
HOSTILE = "vm\x1b]0;evil\x07\u202emem\udc80\nWSL"


def session_of(taken: Sample) -> Session:
    session = Session(1.0)
    session.take(taken)
    return session


def shown(taken: Sample, *, indent: bool = True) -> dict[str, Any]:
    """The snapshot as a program gets it."""
    told = json.loads(encode(session_of(taken), indent=indent))
    assert isinstance(told, dict)
    return told


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_documented_name_is_there_as_a_whole_number(kernel: str) -> None:
    told = shown(kernel_sample(kernel, host=host_memory()))
    assert told["schema"] == 2
    assert told["time"] == TIME
    assert set(told["guest"]) >= GUEST
    assert {"process", "working_set", "private_bytes", "total", "available"} <= set(told["host"])
    assert set(told["wsl"]) == {"version", "kernel", "distro"}
    for name in GUEST | set(PARTS):
        assert type(told["guest"][name]) is int, name
    for name in ("working_set", "private_bytes", "total", "available"):
        assert type(told["host"][name]) is int, name


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_buckets_sum_to_the_total(kernel: str) -> None:
    guest = shown(kernel_sample(kernel))["guest"]
    assert sum(guest[name] for name in PARTS) == guest["total"]
    assert guest["used"] + guest["available"] == guest["total"]


def test_the_figures_of_the_guest() -> None:
    guest = shown(small_sample(reporting=ReportingOrder(order=5, assumed=False)))["guest"]
    expected = {
        "total": 8000 * MIB,
        "free": 1000 * MIB,
        "available": 6000 * MIB,
        "used": 2000 * MIB,
        "anonymous": 900 * MIB,
        "shared": 200 * MIB,
        "cache": 5200 * MIB,
        "slab_reclaimable": 300 * MIB,
        "slab_unreclaimable": 100 * MIB,
        "page_tables": 20 * MIB,
        "huge_pages": 0,
        "kernel_other": 280 * MIB,
        "fragmented_free": 100 * MIB,
        "reportable_free": 900 * MIB,
        "reporting_order": 5,
        "reporting_order_assumed": False,
        "present": 8200 * MIB,
        "expected_host": 7300 * MIB,
        "swap_total": 2000 * MIB,
        "swap_free": 1500 * MIB,
    }
    assert {name: guest[name] for name in expected} == expected  # others may come


def test_the_figures_of_the_host() -> None:
    assert shown(small_sample(host=host_memory()))["host"] == {
        "source": "powershell",
        "process": "vmmemWSL",
        "pid": 9448,
        "working_set": 6 * GIB,
        "private_bytes": 7 * GIB,
        "total": 32 * GIB,
        "available": 9 * GIB,
        "age": 0.5,
    }


def test_what_this_guest_is() -> None:
    assert shown(small_sample())["wsl"] == {
        "version": IDENTITY.wsl_version,
        "kernel": "6.6-microsoft-standard-WSL2",
        "distro": "Ubuntu",
    }


def test_a_part_that_cannot_be_read_says_why_and_what_to_do() -> None:
    missing = {"unavailable": "not read in this test", "hint": "Read it."}
    told = shown(nothing())
    for name in ("guest", "host", "lent", "predictions", "ways", "matter"):
        assert told[name] == missing, name
    assert told["draining"] == {"unavailable": "one sample alone does not tell", "hint": ""}
    assert told["headline"] == told["outcomes"] == told["events"] == []
    assert told["wsl"] == {"version": missing, "kernel": missing, "distro": missing}


@pytest.mark.parametrize("name", ["private_bytes", "total", "available"])
def test_a_figure_that_the_host_did_not_tell_says_so_in_its_place(name: str) -> None:
    host = shown(small_sample(host=host_memory(**{name: Unavailable("Windows did not tell", "Update it.")})))["host"]
    assert host[name] == {"unavailable": "Windows did not tell", "hint": "Update it."}
    assert host["working_set"] == 6 * GIB


def test_without_blocks_the_two_kinds_of_free_memory_say_why() -> None:
    guest = shown(small_sample(free_blocks=Unavailable("there is no /proc/buddyinfo")))["guest"]
    why = {"unavailable": "there is no /proc/buddyinfo", "hint": ""}
    assert (guest["fragmented_free"], guest["reportable_free"], guest["expected_host"]) == (why, why, why)
    assert guest["free"] == 1000 * MIB


def test_without_an_order_no_order_is_made_up() -> None:
    guest = shown(small_sample(reporting=Unavailable("not permitted")))["guest"]
    assert guest["reporting_order"] == guest["reportable_free"] == {"unavailable": "not permitted", "hint": ""}


def test_without_zones_nothing_is_expected() -> None:
    guest = shown(small_sample(zones=Unavailable("no zones")))["guest"]
    assert guest["present"] == guest["expected_host"] == {"unavailable": "no zones", "hint": ""}


def test_hostile_text_is_valid_json_and_harmless_in_every_place() -> None:
    why = Unavailable(HOSTILE, HOSTILE)
    for taken in (
        small_sample(host=host_memory(process=HOSTILE, total=why)),
        small_sample(host=why, zones=why),
        small_sample(identity=Identity(kernel=HOSTILE, distro=HOSTILE, wsl_version=why)),
        small_sample(meminfo=why),
    ):
        text = encode(session_of(taken))
        assert "evil" not in text
        for value in strings(json.loads(text)):
            assert not controls().intersection(map(ord, value))


def strings(value: object) -> list[str]:
    """Every text in a decoded JSON value."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in strings(one)]
    return [value] if isinstance(value, str) else []


def test_text_of_the_world_stays() -> None:
    taken = small_sample(identity=replace(IDENTITY, distro="日本語 Ünïx"))
    assert shown(taken)["wsl"]["distro"] == "日本語 Ünïx"


def test_a_stream_has_one_line_for_a_sample() -> None:
    session = session_of(small_sample(host=host_memory()))
    line, pretty = encode(session, indent=False), encode(session)
    assert "\n" not in line
    assert pretty.count("\n") > 30
    assert json.loads(line) == json.loads(pretty)


def test_the_age_of_the_host_is_never_negative() -> None:
    assert shown(small_sample(host=host_memory(read_at=MONOTONIC + 5)))["host"]["age"] == 0
