"""Insight and session: settings, blockers, growth and suggestion from a succession of samples, and the findings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from tests.samples import (
    GIB,
    IDENTITY,
    MIB,
    MONOTONIC,
    TIME,
    host_memory,
    later,
    meminfo,
    nothing,
    record,
    small_sample,
)
from wsltop.charts.cells import BLOCK
from wsltop.core import moment as insight_module
from wsltop.core.diagnosis.finding import Finding
from wsltop.core.holders import FamilyGrowth
from wsltop.core.ledger import keep_ledger
from wsltop.core.moment import (
    NOT_YET,
    PROCESSES_EVERY,
    PROCESSES_KEPT,
    SIZES_EVERY,
    ConfigView,
    Insight,
    Tracker,
    compare_config,
    windows_total,
)
from wsltop.core.session import DIAGNOSE_EVERY, Bookmark, Session
from wsltop.core.wslconfig.effective import Suggestion
from wsltop.model.sample import (
    Census,
    CpuTimes,
    Family,
    Holders,
    HostMemory,
    KernelLog,
    ProcessCpu,
    Reading,
    Sample,
    Surroundings,
    Unavailable,
    WslconfigFile,
)
from wsltop.ui.context import Context, ViewState
from wsltop.ui.panels.gate import GatePanel

NO = Unavailable("not read in this test")
CPU = CpuTimes(user=5000, nice=10, system=900, idle=90_000, iowait=20, cpus=4, boot_time=int(TIME - 600))


def wslconfig(text: str | None, *, age: float = 3600.0) -> WslconfigFile:
    """A file that was written ``age`` seconds before the sample; ``None``: there is none."""
    return WslconfigFile(
        path="/mnt/c/Users/me/.wslconfig",
        present=text is not None,
        content=(text or "").encode(),
        mtime=None if text is None else TIME - age,
        chosen_by="only profile",
    )


def around(text: str | None = None, **parts: object) -> Surroundings:
    made = Surroundings(flavor="wsl2", wslconfig=wslconfig(text))
    return replace(made, **parts)


def in_wsl(surroundings: Surroundings | None = None, **changes: object) -> Sample:
    made = small_sample(cpu=CPU, surroundings=surroundings or around())
    return replace(made, **changes)


def feed(watcher: Tracker, sample: Sample) -> Insight:
    return watcher.feed(sample, keep_ledger(sample))


def mode_of(insight: Insight) -> tuple[str, str]:
    assert isinstance(insight.config, ConfigView)
    return insight.config.reclaim.mode, insight.config.reclaim.certainty


def ids_of(insight: Insight) -> list[str]:
    assert isinstance(insight.config, ConfigView)
    return [finding.id for finding in insight.config.findings]


# Settings


def test_mode_and_findings_come_from_the_file() -> None:
    text = "[wsl2]\nmemory=8 gigs\n[experimental]\nautoMemoryReclaim=gradual\n"
    insight = feed(Tracker(), in_wsl(around(text)))
    assert mode_of(insight) == ("gradual", "configured")
    assert "config-bad-value" in ids_of(insight)
    assert {(state.mode, state.certainty) for state in insight.gates} == {("gradual", "configured")}


def test_an_absent_file_means_the_default() -> None:
    insight = feed(Tracker(), in_wsl(around(None)))
    assert mode_of(insight) == ("dropCache", "default")
    assert [state.certainty for state in insight.gates] == ["default"]


def test_a_file_that_cannot_be_read_leaves_the_mode_assumed() -> None:
    insight = feed(Tracker(), in_wsl(around(wslconfig=Unavailable("the drive is gone"))))
    assert insight.config == Unavailable("the drive is gone")
    assert [(state.mode, state.certainty) for state in insight.gates] == [("dropCache", "unknown")]


def test_a_file_in_utf_16_is_not_what_wsl_reads() -> None:
    file = replace(wslconfig("[experimental]\nautoMemoryReclaim=disabled\n"), encoding="utf-16-le")
    insight = feed(Tracker(), in_wsl(around(wslconfig=file)))
    assert mode_of(insight) == ("dropCache", "default")
    assert "config-encoding" in ids_of(insight)


def test_a_file_that_changed_after_the_start_is_not_in_force() -> None:
    file = replace(wslconfig("[experimental]\nautoMemoryReclaim=disabled\n"), mtime=TIME - 10)
    insight = feed(Tracker(), in_wsl(around(wslconfig=file)))
    assert mode_of(insight) == ("disabled", "assumed")
    assert "config-not-in-force" in ids_of(insight)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """The samples with which the settings were read."""
    seen: list[Sample] = []
    read = insight_module.read_config

    def note(sample: Sample) -> Reading[ConfigView]:
        seen.append(sample)
        return read(sample)

    monkeypatch.setattr(insight_module, "read_config", note)
    return seen


def test_the_settings_are_read_once_per_change(readings: list[Sample]) -> None:
    watcher, taken = Tracker(), in_wsl(around("[wsl2]\n"))
    for _ in range(20):
        taken = later(taken)
        feed(watcher, taken)
    for _ in range(20):  # as from a recording: equal, but another object each time
        taken = later(taken, surroundings=around("[wsl2]\n"))
        feed(watcher, taken)
    assert len(readings) == 1
    taken = later(taken, surroundings=around("[experimental]\nautoMemoryReclaim=gradual\n"))
    assert mode_of(feed(watcher, taken)) == ("gradual", "configured")
    feed(watcher, later(taken))
    assert len(readings) == 2


def test_what_is_known_later_is_held_against_the_settings_at_once() -> None:
    watcher = Tracker()
    unknown = replace(IDENTITY, wsl_version=Unavailable("not asked yet"))
    early = in_wsl(around("[wsl2]\nmemory=100GB\n"), identity=unknown, host=Unavailable("not answered yet"))
    first = feed(watcher, early)
    known = later(early, identity=IDENTITY, host=host_memory(read_at=MONOTONIC))
    late, fresh = feed(watcher, known), feed(Tracker(), known)
    assert late.config == fresh.config
    assert first.config != fresh.config


def test_settings_that_go_away_are_told_as_gone() -> None:
    watcher, taken = Tracker(), in_wsl(around("[wsl2]\n"))
    feed(watcher, taken)
    gone = feed(watcher, later(taken, surroundings=around(wslconfig=NO)))
    assert gone.config == NO


@pytest.mark.parametrize("flavor", ["none", "wsl1", NO])
def test_outside_of_wsl_2_there_are_no_gates(flavor: object) -> None:
    insight = feed(Tracker(), in_wsl(around(flavor=flavor), census=census()))
    assert insight.gates == ()
    assert insight.blockers == NOT_YET


def test_comparisons_need_a_file() -> None:
    assert compare_config(in_wsl(around(wslconfig=NO))) == ()
    asked = around("[wsl2]\nmemory=8GB\nprocessors=4\nkernelCommandLine=quiet\n", cmdline="quiet")
    rows = {row.key: row.agrees for row in compare_config(in_wsl(asked))}
    assert rows == {"memory": True, "swap": False, "processors": True, "kernelCommandLine": True}


def test_windows_ram_is_not_that_of_a_watched_process() -> None:
    asked = in_wsl(host=host_memory(total=32 * GIB))
    assert windows_total(asked) == 32 * GIB
    assert isinstance(windows_total(in_wsl(host=host_memory(source="process"))), Unavailable)
    assert isinstance(windows_total(in_wsl(host=NO)), Unavailable)
    assert windows_total(in_wsl(host=host_memory(source="tasklist", total=NO))) == NO


# Processes


def family(name: str, anonymous: int) -> Family:
    return Family(name=name, held=anonymous, anonymous=anonymous, pids=(1,), estimated=False)


def holders(*families: Family, unread: int = 0) -> Holders:
    return Holders(
        processes=(),
        families=families,
        groups=NO,
        elsewhere=NO,
        reason="",
        unread=unread,
    )


def census(
    read_at: float = MONOTONIC, *families: Family, unread: int = 0, since: CpuTimes | None = None, user: int = 0
) -> Census:
    until = None if since is None else replace(since, user=since.user + 100, idle=since.idle + 3900)
    busy = (ProcessCpu(pid=77, name="node", user=user, system=0),) if user else ()
    return Census(read_at=read_at, holders=holders(*families, unread=unread), since=since, until=until, busy=busy)


def test_blockers_come_from_a_census_that_spans_time() -> None:
    watcher = Tracker()
    assert feed(watcher, in_wsl(census=census())).blockers == NOT_YET
    taken = later(in_wsl(), census=census(MONOTONIC + 10, since=CPU, user=60))
    found = feed(watcher, taken).blockers
    assert not isinstance(found, Unavailable)
    assert [(blocker.name, blocker.pids) for blocker in found.visible] == [("node", (77,))]
    assert found.visible[0].share == pytest.approx(60 / 4000)
    assert found.elsewhere == pytest.approx(40 / 4000)


def test_a_census_in_which_no_cpu_time_passed_tells_of_no_blockers() -> None:
    still = Census(read_at=MONOTONIC, holders=holders(), since=CPU, until=CPU)
    assert feed(Tracker(), in_wsl(census=still)).blockers == NOT_YET


def watch(sizes: list[int], *, unread: int = 0, step: float = SIZES_EVERY) -> Insight:
    """A census with each size of one family."""
    watcher, taken, insight = Tracker(), in_wsl(), Insight()
    for size in sizes:
        taken = later(taken, step)
        counted = census(taken.monotonic, family("java", size), unread=unread)
        insight = feed(watcher, replace(taken, census=counted))
    return insight


def trend(insight: Insight) -> FamilyGrowth:
    assert not isinstance(insight.growth, Unavailable)
    (found,) = insight.growth
    return found


RISING = [GIB + 10 * MIB * number for number in range(12)]


def test_growth_is_measured_over_minutes() -> None:
    assert watch(RISING[:10]).growth == NOT_YET
    found = trend(watch(RISING))
    assert found.growing
    assert found.rate == pytest.approx(20 * MIB)
    assert found.minutes_left == pytest.approx(6000 / 20)


def test_growth_comes_from_complete_counts_only() -> None:
    assert watch(RISING, unread=1).growth == NOT_YET


def test_counts_at_every_sample_are_not_all_noted() -> None:
    insight = watch([GIB + MIB * number for number in range(400)], step=1.0)
    found = trend(insight)
    assert found.rate == pytest.approx(60 * MIB)
    assert found.span <= 400


def test_what_processes_hold_is_noted_every_ten_seconds_for_a_quarter_of_an_hour() -> None:
    notes = watch([GIB] * 200, step=1.0).processes
    assert len(notes) == pytest.approx(22, abs=1)
    assert min(after.monotonic - before.monotonic for before, after in pairwise(notes)) >= PROCESSES_EVERY
    assert len(watch([GIB] * 200, step=10.0).processes) == PROCESSES_KEPT


def test_an_unreadable_census_changes_nothing() -> None:
    watcher = Tracker()
    taken = later(in_wsl(), census=census(MONOTONIC + 10, since=CPU, user=60))
    known = feed(watcher, taken)
    after = feed(watcher, later(taken, census=Unavailable("no processes")))
    assert after.blockers == known.blockers


# Suggestion


def test_a_suggestion_needs_figures() -> None:
    assert feed(Tracker(), nothing()).suggestion == NOT_YET
    insight = feed(Tracker(), in_wsl())
    assert isinstance(insight.suggestion, Suggestion)


def test_the_suggestion_remembers_the_peak() -> None:
    watcher, taken = Tracker(), in_wsl()
    calm = feed(watcher, taken).suggestion
    peak = feed(watcher, later(taken, meminfo=meminfo(available=1000 * MIB))).suggestion
    after = feed(watcher, later(taken, 3.0)).suggestion
    assert isinstance(calm, Suggestion)
    assert isinstance(peak, Suggestion)
    assert isinstance(after, Suggestion)
    assert calm.size < peak.size == after.size


def test_a_limit_that_is_set_already_is_not_suggested_again() -> None:
    """``wsltop wslconfig`` printed that memory=8GB would do, below the line that said memory=8GB."""
    suggestion = feed(Tracker(), in_wsl()).suggestion
    assert isinstance(suggestion, Suggestion)
    size = suggestion.size // MIB
    for line in (suggestion.line, f"memory = {size}MB"):
        assert isinstance(feed(Tracker(), in_wsl(around(f"[wsl2]\n{line}\n"))).suggestion, Unavailable)
    other = feed(Tracker(), in_wsl(around(f"[wsl2]\nmemory={size + 1024}MB\n"))).suggestion
    assert other == suggestion


# The session


def test_evidence_has_all_parts() -> None:
    session = Session(1.0, frozenset({"cache-kept"}))
    parts = around("[wsl2]\nmemory=8 gigs\n", cmdline="quiet", reclaim_file=True, page_reporting=True)
    fault = Unavailable("interop is disabled")
    parts = replace(parts, groups=NO, mounts=NO, interop_fault=fault)
    session.take(in_wsl(parts, census=census(MONOTONIC, since=CPU, user=60)))
    assert session.moment is not None
    evidence = session.evidence(session.moment)
    assert evidence.flavor == "wsl2"
    assert evidence.gates == session.insight.gates
    assert not isinstance(evidence.reclaim, Unavailable)
    assert not isinstance(evidence.config, Unavailable)
    assert [finding.id for finding in evidence.config][:1] == ["config-bad-value"]
    assert not isinstance(evidence.blockers, Unavailable)
    assert isinstance(evidence.holders, Holders)
    assert isinstance(evidence.suggestion, Suggestion)
    assert (evidence.cmdline, evidence.reclaim_file, evidence.page_reporting) == ("quiet", True, True)
    assert evidence.interop_fault == fault
    assert evidence.silenced == {"cache-kept"}
    assert len(evidence.past) == 1


def test_evidence_of_nothing_says_why() -> None:
    session = Session(1.0)
    session.take(nothing("no reason"))
    assert session.moment is not None
    evidence = session.evidence(session.moment)
    assert isinstance(evidence.gates, Unavailable)
    assert isinstance(evidence.holders, Unavailable)
    assert all(isinstance(finding, Finding) for finding in session.findings)


@pytest.mark.parametrize("interval", [0.2, 1.0, 3.0, 10.0])
def test_it_is_diagnosed_every_few_seconds_at_most(monkeypatch: pytest.MonkeyPatch, interval: float) -> None:
    times: list[float] = []

    def count(evidence: object) -> tuple[Finding, ...]:
        times.append(taken.monotonic)
        return ()

    monkeypatch.setattr("wsltop.core.session.diagnose", count)
    session, taken = Session(interval), in_wsl()
    for _ in range(60):
        session.take(taken)
        taken = later(taken, interval)
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) >= DIAGNOSE_EVERY - 1e-6
    assert max(gaps) < DIAGNOSE_EVERY + interval + 1e-6


def findings_of(*silenced: str, host: Reading[HostMemory] = NO) -> list[str]:
    session = Session(1.0, frozenset(silenced))
    session.take(in_wsl(host=host))
    return [finding.id for finding in session.findings]


def test_silenced_findings_vanish_and_the_others_stay() -> None:
    found = findings_of()
    assert len(found) > 1
    for name in found:
        left = findings_of(name)
        assert name not in left
        assert set(found) - {name} <= set(left)


def test_findings_and_insight_stand_still_while_the_view_is_frozen() -> None:
    session = Session(1.0)
    context, panel = Context(session, ViewState(hog_size=GIB), BLOCK), GatePanel(BLOCK, id="gate")
    taken = in_wsl(around("[experimental]\nautoMemoryReclaim=gradual\n"))
    session.take(taken)
    context.show(Bookmark(session).open(), session)
    findings, insight, gate = context.findings, context.insight, panel.make_view(context)
    assert findings
    assert gate.title == "gradual"
    for _ in range(10):
        taken = later(taken, meminfo=Unavailable("gone"), surroundings=around("[experimental]\n"))
        session.take(taken)
    assert session.findings != findings
    assert (context.findings, context.insight, panel.make_view(context)) == (findings, insight, gate)
    context.show(session, session)
    assert context.findings == session.findings
    assert context.insight == session.insight
    assert panel.make_view(context).title == "dropCache, default"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "setting", "reclaim_file", "mode", "windows", "verdict", "ids"),
    [
        ("2.9.4.0", "dropCache", True, "dropCache", ["30 s", "10 min"], "open", []),
        ("2.9.4.0", "gradual", True, "gradual", ["30 s", "3 min"], "open", ["gradual-swaps"]),
        ("2.9.4.0", "gradual", False, "dropCache", ["30 s", "10 min"], "open", ["gradual-falls-back"]),
        ("2.9.4.0", "disabled", True, "disabled", [], "off", ["reclaim-disabled"]),
        ("2.9.9.0", "dropCache", True, "dropCache", ["10 s", "2 min"], "open", []),
        ("2.9.9.0", "gradual", True, "gradual", ["10 s", "2 min"], "open", []),
        ("2.9.9.0", "gradual", False, "dropCache", ["10 s", "2 min"], "open", ["gradual-falls-back"]),
        ("2.9.9.0", "disabled", True, "disabled", [], "off", ["reclaim-disabled"]),
    ],
)
def test_the_gate_and_the_findings_of_a_session_speak_of_the_mode_that_runs(
    version: str, setting: str, reclaim_file: bool, mode: str, windows: list[str], verdict: str, ids: list[str]
) -> None:
    session = Session(1.0)
    text = f"[experimental]\nautoMemoryReclaim={setting}\n"
    around_it = around(text, reclaim_file=reclaim_file)
    for second in range(620):
        moved = later(in_wsl(around_it), second)
        uptime = moved.monotonic
        cpu = replace(
            CPU, user=5000, nice=0, system=0, iowait=0, idle=round(uptime * 400), boot_time=int(TIME - uptime)
        )
        session.take(replace(moved, cpu=cpu, identity=replace(IDENTITY, wsl_version=version), time=TIME + second))
    (state,) = session.insight.gates
    assert (state.mode, [window.name for window in state.windows], state.verdict) == (mode, windows, verdict)
    found = [one.id for one in session.findings]
    gate_ids = {"gradual-falls-back", "gradual-swaps", "reclaim-disabled"}
    assert [one for one in found if one in gate_ids] == ids


def test_gradual_that_init_says_falls_back_is_followed_as_drop_cache() -> None:
    said = record(
        "WSL (1 - ) WARNING: access(/sys/fs/cgroup/memory.reclaim, W_OK) failed 2, falling back to drop_caches",
        monotonic=10.0,
        facility=1,
    )
    log = KernelLog(origin="kmsg", records=(said,))
    sample = in_wsl(around("[experimental]\nautoMemoryReclaim=gradual\n"), kernel_log=log)
    watcher = Tracker()
    assert feed(watcher, sample).gates[0].mode == "dropCache"
    assert feed(watcher, later(replace(sample, kernel_log=KernelLog(origin="kmsg")), 1)).gates[0].mode == "dropCache"
