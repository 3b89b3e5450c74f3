"""Metrics: names, sums, what is absent, and that no name of a user's leaves the machine."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.report.fleet import OS_RELEASE, census, first, follow, healthy, short, silent
from tests.samples import GIB, PARTS, TIME, host_memory, later, nothing, small_sample
from wsltop.core.session import Session
from wsltop.model.sample import Identity
from wsltop.report.dashboard import FLEET, MACHINE, dashboard
from wsltop.report.metrics import MOST_SERIES, Counts, Metric, metrics

Values = dict[tuple[str, ...], float]


def values(found: tuple[Metric, ...]) -> dict[str, Values]:
    return {one.name: {tuple(labels.values()): value for labels, value in one.samples} for one in found}


def made(machine: tuple[Session, Counts]) -> dict[str, Values]:
    return values(metrics(*machine, OS_RELEASE))


def test_the_parts_sum_to_the_size() -> None:
    found = made(healthy(TIME))
    parts = found["wsl_guest_memory_bytes"]
    assert [name for (name,) in parts] == list(PARTS)
    assert sum(parts.values()) == found["wsl_guest_memory_size_bytes"][()]


def test_a_machine_says_everything() -> None:
    found = made(healthy(TIME))
    assert found["wsl_host_up"] == {(): 1.0}
    assert found["wsl_host_working_set_bytes"] == {("vmmemWSL",): 6.0 * GIB}
    assert found["wsl_host_memory_available_bytes"] == {(): 16.0 * GIB}
    assert found["wsl_host_answer_age_seconds"][()] == pytest.approx(0.2)
    assert found["wsl_sample_timestamp_seconds"] == {(): TIME}
    assert {action for (action,) in found["wsl_reclaimable_bytes"]} == {"compact", "drop-cache", "drop-all"}
    assert set(found["wsl_idle_gate_limit_ratio"]) >= set(found["wsl_idle_gate_busy_ratio"]) != set()
    assert found["wsl"] == {("2.6.3.0", "6.6-microsoft-standard-WSL2", "ubuntu 24.04"): 1.0}
    assert len(found["wsl_events"]) == 9


def test_what_is_not_known_has_no_series() -> None:
    found = made(silent(TIME))
    assert found["wsl_host_up"] == {(): 0.0}
    absent = ("wsl_host_working_set_bytes", "wsl_host_memory_size_bytes", "wsl_residue_bytes")
    assert not found.keys() & set(absent)
    session, counts = Session(1.0), Counts()
    assert metrics(session, counts, "") == ()
    session.take(nothing())
    counts.feed(session)
    blind = values(metrics(session, counts, ""))
    assert "wsl_guest_memory_bytes" not in blind
    assert blind["wsl_sampling_errors"] == {(): 1.0}
    assert blind["wsl"] == {("", "", ""): 1.0}


def test_the_findings_that_hold_are_there_worst_first() -> None:
    findings = made(short(TIME))["wsl_finding_active"]
    assert next(iter(findings))[1] == "problem"
    assert set(findings.values()) == {1.0}
    assert len(findings) <= 6
    assert not [severity for _, severity in made(healthy(TIME))["wsl_finding_active"] if severity == "problem"]


def test_counters_never_fall_and_count_each_event_once() -> None:
    session, counts = short(TIME)
    assert counts.events["oom kill"] == 1
    moment = session.moment
    assert moment is not None
    for number in range(5):
        session.take(later(moment.sample, 1.0 + number))
        counts.feed(session)
    assert counts.events["oom kill"] == 1


def test_what_the_log_told_of_before_the_start_is_not_counted() -> None:
    session, counts = Session(1.0), Counts()
    sample = small_sample()
    from tests.samples import record
    from wsltop.model.sample import KernelLog

    old = record("Out of memory: Killed process 7 (x) total-vm:1kB, anon-rss:2kB, file-rss:0kB", monotonic=9.0)
    session.take(replace(sample, kernel_log=KernelLog(origin="kmsg", records=(old,))))
    counts.feed(session)
    assert counts.events["oom kill"] == 0


def test_no_name_that_a_user_chose_is_a_label() -> None:
    sample = first(TIME, host_memory(process="qemu-of-anna", source="process"))
    sample = replace(sample, identity=Identity(kernel="6.6", distro="annas-distro", wsl_version="2.6.3.0"))
    text = repr(metrics(*follow(sample), OS_RELEASE))
    for name in ("anna", "secret", "9448"):
        assert name not in text
    assert made(follow(sample))["wsl_host_working_set_bytes"].keys() == {("other",)}
    assert ("other",) in made(healthy(TIME))["wsl_family_memory_bytes"]


def test_there_are_never_more_than_sixty_series() -> None:
    for machine in (healthy, short, silent):
        session, counts = machine(TIME)
        many = tuple(session.findings) * 20
        session.findings = many
        moment = session.moment
        assert moment is not None
        found = metrics(session, counts, OS_RELEASE)
        assert sum(len(one.samples) for one in found) <= MOST_SERIES
        held = sum(family.held for family in census().holders.families)
        assert sum(values(found)["wsl_family_memory_bytes"].values()) == held


def test_the_dashboard_asks_only_for_metrics_that_there_are() -> None:
    names = {one.name for machine in (healthy, short) for one in metrics(*machine(TIME), OS_RELEASE)}
    names = names | {f"{name}_total" for name in names} | {f"{name}_info" for name in names}
    import re

    for panel in (*FLEET, *MACHINE):
        for query, _ in panel.queries:
            for name in re.findall(r"\b(?:wsl|process)_\w+", query):
                assert name in names, query
    drawn = dashboard()["panels"]
    assert len(drawn) == len(FLEET) + len(MACHINE) + 2
    assert len({panel["id"] for panel in drawn}) == len(drawn)
