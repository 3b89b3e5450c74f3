"""The rules about too little memory."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.core.diagnosis_scene import (
    NO,
    TOTAL,
    Case,
    check,
    event,
    evidence,
    guest,
    judge,
    meminfo,
    pressure,
    sample,
)
from wsltop.core.diagnosis.evidence import SwapRates, count_swap, swap_rates
from wsltop.core.wslconfig.effective import Suggestion
from wsltop.model.sample import Counters, Group, Groups, Unavailable
from wsltop.model.text import GIB, MIB

OOMD = (
    "systemd-oomd[212]: Killed /user.slice/user-1000.slice/user@1000.service/app.slice/vte-7.scope due to memory "
    "pressure for /user.slice/user-1000.slice/user@1000.service being 61.05% > 50.00% for > 20s with reclaim activity"
)
KILL = "Out of memory: Killed process 5017 (node) total-vm:9000kB, anon-rss:2097152kB, file-rss:0kB"
IN_GROUP = "Memory cgroup out of memory: Killed process 77 ((sd-pam)) total-vm:9000kB, anon-rss:4kB"
OLD_KILL = "Out of memory: Kill process 12 (java) score 900 or sacrifice child"
LOW = TOTAL // 20


def rates(inward: float = MIB, outward: float = MIB, seconds: float = 30.0) -> SwapRates:
    return SwapRates(inward=inward, outward=outward, seconds=seconds)


CASES = (
    Case(
        "oomd-kill",
        evidence(events=(event("oom kill", OOMD),)),
        evidence(events=(event("oom kill", OOMD.replace("Killed", "Considered")),)),
        evidence(),
    ),
    Case(
        "swap-thrash",
        evidence(swap_rates=rates()),
        evidence(swap_rates=rates(inward=MIB - 1)),
        evidence(),
    ),
    Case(
        "memory-stall",
        evidence(sample(pressure=pressure(some60=0.1))),
        evidence(sample(pressure=pressure(some60=0.099, full10=0.099, some10=0.9))),
        evidence(sample(pressure=NO)),
    ),
    Case(
        "memory-low",
        evidence(guest(available=LOW - 4096)),
        evidence(guest(available=LOW + 4096)),
        evidence(guest(available=None, anonymous=TOTAL)),
    ),
    Case(
        "oom-kill",
        evidence(events=(event("oom kill", KILL),)),
        evidence(events=(event("oom kill", "node invoked oom-killer: gfp_mask=0x100cca"),)),
        evidence(sample(counters=NO, kernel_log=NO)),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("seen", [rates(outward=MIB - 1), rates(seconds=4.9)])
def test_one_way_or_a_moment_is_no_thrashing(seen: SwapRates) -> None:
    assert judge("swap-thrash", evidence(swap_rates=seen)) is None


def test_thrashing_with_stalls_is_a_problem() -> None:
    stalled = judge("swap-thrash", evidence(sample(pressure=pressure(some10=0.1)), swap_rates=rates()))
    quiet = judge("swap-thrash", evidence(sample(pressure=pressure(some10=0.09)), swap_rates=rates()))
    assert stalled is not None
    assert quiet is not None
    assert (stalled.severity, quiet.severity) == ("problem", "warning")


def test_everybody_waiting_is_a_problem() -> None:
    found = judge("memory-stall", evidence(sample(pressure=pressure(full10=0.1))))
    assert found is not None
    assert found.severity == "problem"


@pytest.mark.parametrize(
    ("swap_total", "swap_used", "severity"),
    [(4 * GIB, 0, "warning"), (0, 0, "problem"), (4 * GIB, 3 * GIB, "warning"), (4 * GIB, 4 * GIB, "problem")],
)
def test_low_without_swap_is_a_problem(swap_total: int, swap_used: int, severity: str) -> None:
    figures = meminfo(available=LOW - 4096, swap_total=swap_total, swap_used=swap_used)
    found = judge("memory-low", evidence(sample(figures=figures)))
    assert found is not None
    assert found.severity == severity


MORE = Suggestion(line="memory=20GB", size=20 * GIB, reasons=())
LESS = Suggestion(line="memory=8GB", size=8 * GIB, reasons=())
SAME = Suggestion(line="memory=12GB", size=TOTAL + TOTAL // 30, reasons=())
"""What the VM has already: MemTotal is less by the kernel's own part."""


@pytest.mark.parametrize(
    ("flavor", "suggestion", "lines"),
    [("wsl2", MORE, ["[wsl2]\nmemory=20GB"]), ("wsl2", LESS, []), ("wsl2", SAME, []), ("none", MORE, [])],
)
def test_low_suggests_more_memory_where_that_is_more(
    flavor: Literal["wsl2", "none"], suggestion: Suggestion, lines: list[str]
) -> None:
    found = judge("memory-low", evidence(guest(available=LOW - 4096), flavor=flavor, suggestion=suggestion))
    assert found is not None
    assert [remedy.text for remedy in found.remedy if remedy.kind == "config"] == lines


def test_the_victim_is_named() -> None:
    found = judge("oom-kill", evidence(events=(event("oom kill", IN_GROUP, ago=500.0), event("oom kill", KILL))))
    assert found is not None
    assert found.severity == "problem"
    assert all(said in found.sentence for said in ("killed node 1 min 00 s ago", "1 more before it"))
    assert [figure.value for figure in found.evidence] == ["node (pid 5017), 2.0 GiB", "(sd-pam) (pid 77), 4.0 KiB"]


@pytest.mark.parametrize(("ago", "severity"), [(3600.0, "problem"), (3601.0, "note")])
def test_an_old_kill_is_a_note(ago: float, severity: str) -> None:
    found = judge("oom-kill", evidence(events=(event("oom kill", OLD_KILL, ago=ago),)))
    assert found is not None
    assert found.severity == severity
    assert found.evidence[0].value == "java (pid 12)"


def test_a_group_limit_is_told_apart() -> None:
    found = judge("oom-kill", evidence(events=(event("oom kill", IN_GROUP),)))
    assert found is not None
    assert "a control group's limit ran out" in found.sentence


@pytest.mark.parametrize(("died", "pid"), [("java", 12), ("python3", 13)])
def test_before_linux_5_2_the_second_line_names_the_process_that_died(died: str, pid: int) -> None:
    second = f"Killed process {pid} ({died}) total-vm:9000kB, anon-rss:2048kB, file-rss:0kB"
    events = (event("oom kill", OLD_KILL, ago=60.1), event("oom kill", second, ago=60.0))
    found = judge("oom-kill", evidence(events=events))
    assert found is not None
    assert [figure.value for figure in found.evidence] == [f"{died} (pid {pid}), 2.0 MiB"]


def test_a_second_line_long_after_is_another_kill() -> None:
    second = "Killed process 13 (python3) total-vm:9000kB, anon-rss:2048kB"
    found = judge("oom-kill", evidence(events=(event("oom kill", OLD_KILL, ago=90.0), event("oom kill", second))))
    assert found is not None
    assert len(found.evidence) == 2


UNIT = "system.slice/web.service"
LIMIT_LINES = (
    f"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/{UNIT},"
    f"task_memcg=/{UNIT}/worker,task=(sd-pam),pid=77,uid=0",
    f"Task in /{UNIT}/worker killed as a result of limit of /{UNIT}",
)


@pytest.mark.parametrize("line", LIMIT_LINES)
@pytest.mark.parametrize("depth", ["", "wsl-user/distro-9/"])
def test_the_group_that_the_log_names_is_told_with_its_limit(line: str, depth: str) -> None:
    group = Group(path=UNIT, name="web.service", kind="unit", current=GIB, limit=512 * MIB)
    scene = evidence(
        events=(event("oom kill", line.replace(f"/{UNIT}", f"/{depth}{UNIT}"), ago=60.1), event("oom kill", IN_GROUP)),
        groups=Groups(mode="v2", groups=(group,)),
    )
    found = judge("oom-kill", scene)
    assert found is not None
    assert "512 MiB" in found.sentence
    assert "web.service" in found.sentence
    assert found.evidence[-1].value == f"{depth}{UNIT}"
    assert [remedy.kind for remedy in found.remedy] == ["advice"]
    assert "web.service" in found.remedy[0].text


def test_a_group_of_another_kill_is_not_this_ones() -> None:
    other = LIMIT_LINES[0].replace("pid=77", "pid=78")
    found = judge("oom-kill", evidence(events=(event("oom kill", other, ago=60.1), event("oom kill", IN_GROUP))))
    assert found is not None
    assert "web.service" not in found.sentence


def test_kills_that_only_counters_tell() -> None:
    counted = sample(counters=Counters(values={"oom_kill": 2}), kernel_log=NO)
    old = judge("oom-kill", evidence(counted))
    assert old is not None
    assert old.severity == "note"
    assert "no longer says which" in old.sentence
    fresh = judge("oom-kill", evidence(counted, events=(event("oom kill", "1 process killed", killed=1),)))
    assert fresh is not None
    assert fresh.severity == "problem"


def test_swap_rates_of_two_samples() -> None:
    earlier = sample(monotonic=10.0, counters=Counters(values={"pswpin": 100, "pswpout": 0}))
    later = sample(monotonic=20.0, counters=Counters(values={"pswpin": 356, "pswpout": 2560}))
    rates = swap_rates(count_swap(earlier), count_swap(later))
    assert rates == SwapRates(inward=25.6 * 4096, outward=256 * 4096.0, seconds=10.0)
    for before, after in (
        (later, earlier),
        (earlier, earlier),
        (sample(counters=NO), later),
        (later, sample(counters=NO)),
    ):
        assert isinstance(swap_rates(count_swap(before), count_swap(after)), Unavailable)
    assert isinstance(swap_rates(count_swap(sample(counters=Counters(values={}))), count_swap(later)), Unavailable)
