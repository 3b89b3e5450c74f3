from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.diagnosis_scene import gate
from tests.samples import GIB, MIB, host_memory, later, meminfo, sample, small_sample
from wsltop.core.explanation import (
    Explanation,
    Matter,
    Way,
    WayId,
    end_largest,
    explain_matter,
    explain_outlook,
    headline,
    say_cause,
    say_lent,
    say_outlook,
    stop_largest,
)
from wsltop.core.gate.watch import WindowState
from wsltop.core.holders import tell_family
from wsltop.core.ledger import Draining, Ledger, Lent, Part, explain_lent, keep_ledger
from wsltop.core.session import Session
from wsltop.model.sample import (
    CpuTimes,
    Family,
    FreeBlocks,
    Group,
    Holders,
    HostMemory,
    Pressure,
    ReportingOrder,
    Sample,
    SeveralVms,
    Surroundings,
    Unavailable,
    Zone,
)

NOT_FOLLOWED = Unavailable("one sample")


def ledger_of(seen: Sample) -> Ledger:
    made = keep_ledger(seen)
    assert not isinstance(made, Unavailable)
    return made


def lent_of(seen: Sample, draining: Draining | None = None) -> Lent:
    made = explain_lent(ledger_of(seen), seen.host, draining or NOT_FOLLOWED)
    assert not isinstance(made, Unavailable)
    return made


def explained(*samples: Sample) -> Explanation:
    session = Session(1.0)
    for seen in samples:
        session.take(seen)
    assert not isinstance(session.explanation, Unavailable)
    return session.explanation


def cache_case() -> Sample:
    """The most frequent public report: 22 GiB lent, 3 used, 19 file cache; Windows has 5 of 32 GiB left."""
    memory = meminfo(
        total=24 * GIB,
        free=2 * GIB,
        available=21 * GIB,
        buffers=0,
        cached=19 * GIB,
        active_file=9 * GIB,
        inactive_file=10 * GIB,
        anon_pages=2 * GIB,
        mapped=0,
        shmem=0,
        slab_reclaimable=200 * MIB,
    )
    return small_sample(
        meminfo=memory,
        free_blocks=(FreeBlocks(node=0, zone="Normal", counts=(0,) * 10 + (512,)),),
        zones=(Zone(node=0, zone="Normal", present=24 * GIB // 4096 + 20_000, managed=24 * GIB // 4096, low=1000),),
        monotonic=120_000.0,
        host=host_memory(working_set=22 * GIB, total=32 * GIB, available=5 * GIB, read_at=119_999.5),
        cpu=CpuTimes(user=500_000, nice=0, system=0, idle=90_000_000, iowait=0, irq=0, softirq=0, steal=0, cpus=8),
        surroundings=Surroundings(flavor="wsl2"),
    )


def test_the_most_frequent_report_is_answered_at_the_first_sample() -> None:
    found = explained(cache_case())
    assert found.lent.size == 22 * GIB
    assert found.lent.used == 3 * GIB
    assert found.lent.cause.id == "cache-clean"
    assert abs(found.lent.cause.size - 19 * GIB) < 64 * MIB
    assert found.best is not None
    assert found.best.id == "drop-cache"
    assert found.best.key == "d"
    assert found.best.gives > 16 * GIB
    assert found.matter.id == "windows-short"
    assert found.matter.weight == "warning"
    assert found.outlook is not None
    assert found.outlook.answer == "unknown"
    assert not found.fine


def test_the_first_sentence_names_how_much_and_what() -> None:
    first = headline(explained(cache_case()))[0]
    assert "22.0 GiB" in first
    assert "file cache" in first


def test_windows_short_and_wsl_small_is_not_wsl() -> None:
    seen = small_sample(
        host=host_memory(working_set=int(1.9 * GIB), total=32 * GIB, available=700 * MIB),
        surroundings=Surroundings(flavor="wsl2"),
    )
    matter = explained(seen).matter
    assert matter.id == "windows-short-elsewhere"
    assert matter.weight == "warning"


@pytest.mark.parametrize(
    ("available", "working_set", "expected"),
    [
        (20, 4, ("plenty", "ok")),
        (20, 14, ("lends-much", "note")),
        (7, 3, ("windows-short-elsewhere", "note")),
        (7, 5, ("windows-short", "note")),
        (7, 9, ("windows-short", "warning")),
        (3, 9, ("windows-short", "problem")),
        (3, 2, ("windows-short-elsewhere", "warning")),
    ],
)
def test_what_matters_is_what_windows_has_left(available: int, working_set: int, expected: tuple[str, str]) -> None:
    host = host_memory(working_set=working_set * GIB, total=32 * GIB, available=available * GIB)
    lent = Lent(
        size=host.working_set, measured=True, used=3 * GIB, parts=(Part(id="programs", size=3 * GIB),)
    )  # the rest is not what is asked here
    matter = explain_matter(lent, host)
    assert (matter.id, matter.weight) == expected


def test_an_unknown_windows_is_never_fine() -> None:
    assert explained(small_sample(host=Unavailable("not asked"))).matter.id == "windows-unknown"
    assert not explained(small_sample(host=Unavailable("not asked"))).fine


def test_the_gentlest_way_that_gives_enough_goes_before_the_end_of_the_vm() -> None:
    """Windows had 3.9 of 15.7 GiB left, and the first step was ``wsl --shutdown``."""
    matter = Matter(id="windows-short", weight="note", available=int(3.9 * GIB), total=int(15.7 * GIB))
    gives: tuple[tuple[WayId, int], ...] = (
        ("drop-cache", 40 * MIB),
        ("end", GIB),
        ("stop", 2 * GIB),
        ("shutdown", 5 * GIB),
    )
    ways = tuple(Way(id=id_, does="", gives=size, low=size, high=size) for id_, size in gives)
    found = replace(explained(cache_case()), matter=matter, ways=ways)
    assert found.best is not None
    assert found.best.id == "end"
    short = replace(found, matter=replace(matter, weight="problem", available=GIB // 4))
    assert short.best is not None
    assert short.best.id == "stop"
    unknown = replace(found, matter=Matter(id="windows-unknown", weight="note"))
    assert unknown.best is not None
    assert unknown.best.id == "shutdown"


def test_what_is_on_its_way_is_a_part_while_it_drains() -> None:
    seen = small_sample(host=host_memory(working_set=9 * GIB))
    lent = lent_of(seen, Draining(size=512 * MIB, seconds=4.0))
    assert lent["on-its-way"] == 512 * MIB
    assert lent["vm-itself"] > 0
    assert lent_of(seen)["on-its-way"] == 0


def test_less_than_expected_is_trimmed_and_the_sum_holds() -> None:
    lent = lent_of(small_sample(host=host_memory(working_set=2 * GIB)))
    assert lent["trimmed"] < 0
    assert sum(part.size for part in lent.parts) == lent.size == 2 * GIB
    assert lent["vm-itself"] == 0


def test_what_is_not_expected_is_not_known() -> None:
    seen = small_sample(host=host_memory(working_set=9 * GIB), zones=Unavailable("unreadable"))
    assert lent_of(seen)["not-known"] > 0


def test_no_drop_of_file_cache_is_offered_where_there_is_none() -> None:
    memory = meminfo(buffers=0, cached=200 * MIB, active_file=0, inactive_file=0, slab_reclaimable=5000 * MIB)
    ways = explained(small_sample(meminfo=memory)).ways
    assert "drop-cache" not in {way.id for way in ways}
    assert "drop-all" in {way.id for way in ways}


SIZES = st.integers(0, 12 * 1024).map(lambda mib: mib * MIB)


@st.composite
def machines(draw: st.DrawFn) -> Sample:
    """Plausible machines: counters that were read one after another, so that they need not agree to the byte."""
    memory = meminfo(
        total=draw(st.integers(256, 64 * 1024)) * MIB,
        free=draw(SIZES),
        available=draw(st.none() | SIZES),
        buffers=draw(SIZES),
        cached=draw(SIZES),
        swap_cached=0,
        active_file=draw(SIZES),
        inactive_file=draw(SIZES),
        unevictable=draw(SIZES),
        dirty=draw(SIZES),
        writeback=0,
        anon_pages=draw(SIZES),
        mapped=draw(SIZES),
        shmem=draw(SIZES),
        slab_reclaimable=draw(SIZES),
        slab_unreclaimable=draw(SIZES),
        page_tables=draw(SIZES),
        swap_total=0,
        swap_free=0,
    )
    total = draw(st.integers(1, 128)) * GIB
    host: HostMemory | Unavailable = Unavailable("not asked")
    if draw(st.booleans()):
        host = host_memory(working_set=draw(st.integers(0, total)), total=total, available=draw(st.integers(0, total)))
    counts = draw(st.lists(st.integers(0, 4000), min_size=11, max_size=11))
    return small_sample(
        meminfo=memory,
        free_blocks=(FreeBlocks(node=0, zone="Normal", counts=tuple(counts)),),
        zones=(
            Zone(
                node=0,
                zone="Normal",
                present=memory.total // 4096 + draw(st.integers(0, 50_000)),
                managed=memory.total // 4096,
                low=1000,
            ),
        ),
        reporting=ReportingOrder(order=draw(st.sampled_from([5, 7, 9])), assumed=False),
        host=host,
        surroundings=Surroundings(flavor="wsl2"),
    )


@pytest.mark.slow
@given(machines(), st.integers(0, 4 * GIB))
def test_the_parts_add_up_to_what_is_lent(seen: Sample, size: int) -> None:
    lent = explain_lent(ledger_of(seen), seen.host, Draining(size=size, seconds=3.0))
    assert not isinstance(lent, Unavailable)
    assert sum(part.size for part in lent.parts) == lent.size
    assert all(part.size > 0 for part in lent.parts if part.id != "trimmed")
    assert all(part.size < 0 for part in lent.parts if part.id == "trimmed")


@pytest.mark.slow
@given(machines())
def test_it_is_never_fine_while_windows_is_short_or_much_is_lent(seen: Sample) -> None:
    found = explained(seen, later(seen))
    if not found.fine:
        return
    host = seen.host
    assert not isinstance(host, Unavailable)
    assert isinstance(host.total, int)
    assert isinstance(host.available, int)
    assert host.available >= host.total / 4
    assert found.lent.size - found.lent.used <= host.total / 4


@pytest.mark.slow
@given(machines())
def test_no_sentence_is_without_a_part_and_no_way_gives_more_than_there_is(seen: Sample) -> None:
    found = explained(seen)
    assert len(headline(found)) >= 2
    assert all(way.low <= way.gives <= way.high for way in found.ways)
    if found.lent.cause.id != "programs":
        assert found.lent[found.lent.cause.id] == found.lent.cause.size
        assert found.lent.cause.name in say_lent(found) or found.lent["trimmed"] < 0


def test_a_drop_of_wsl_that_was_seen_is_not_forgotten() -> None:
    """On an idle VM it said that nothing can be known yet, seconds after WSL had dropped the cache."""
    for spent, answer, id_ in ((True, "no", "spent"), (None, "unknown", "watching")):
        watched = replace(gate("unknown", spent=spent, last_fired=240.0), windows=(UNSEEN,))
        outlook = explain_outlook((watched,), Unavailable("not counted"), uptime=9000.0, drops=1)
        assert outlook is not None
        assert (outlook.answer, outlook.id) == (answer, id_)
        assert spent or "4 min 00 s ago" in outlook.reason


def test_more_than_the_vm_has_is_explained() -> None:
    """Windows lent 8.6 GiB to a VM of 8.0 GiB, and nothing said to what."""
    seen, present = small_sample(), 8200 * MIB
    lent = explained(replace(seen, host=host_memory(working_set=present + 600 * MIB))).lent
    assert lent.vm == present
    assert lent.beyond_vm == 600 * MIB
    found = explained(replace(seen, host=host_memory(working_set=present + 600 * MIB)))
    assert "600 MiB more than the VM's" in say_lent(found)
    assert "the VM itself" in say_lent(found)
    assert "more than" not in say_lent(explained(replace(seen, host=host_memory(working_set=present // 2))))


def test_a_family_of_several_processes_says_how_many() -> None:
    """ "End python, which holds 2.1 GiB`` was 16 processes."""
    assert tell_family("java", 1) == "java"
    assert tell_family("python", 16) == "python (16 processes)"


def test_the_end_of_forks_gives_no_page_back_twice() -> None:
    """Ending a server of 1 GiB with eight forks was said to give back nine."""
    server = Family(name="server", held=GIB, anonymous=9 * GIB, pids=tuple(range(9)), estimated=False)
    seen = Holders(processes=(), families=(server,), groups=NOT_FOLLOWED, elsewhere=NOT_FOLLOWED, reason="", unread=0)
    (way,) = end_largest(ledger_of(small_sample()), None, seen)
    assert "server (9 processes, 1.0 GiB)" in way.does
    assert way.gives <= GIB
    assert way.high <= 2 * GIB


def test_an_end_that_gives_more_than_is_held_says_what_else_comes_back() -> None:
    """ "End qemu (4 processes, 632 MiB)" was to give back 1.0 GiB: holes between its pages were in that, unsaid."""
    family = Family(name="qemu", held=632 * MIB, anonymous=632 * MIB, pids=(1, 2, 3, 4), estimated=False)
    seen = Holders(processes=(), families=(family,), groups=NOT_FOLLOWED, elsewhere=NOT_FOLLOWED, reason="", unread=0)
    memory = meminfo(free=5 * GIB, cached=GIB, active_file=GIB // 2, inactive_file=GIB // 2)
    blocks = (FreeBlocks(node=0, zone="Normal", counts=(0, 0, 0, 0, 5 * GIB // 65536, 0, 0, 0, 0, 0, 0)),)
    (way,) = end_largest(ledger_of(small_sample(meminfo=memory, free_blocks=blocks)), None, seen)
    assert way.gives > family.held
    between = re.search(r"632 MiB and ([0-9.]+) ([MG])iB scattered free in between", way.does)
    assert between is not None
    assert way.gives <= family.held + float(between[1]) * (GIB if between[2] == "G" else MIB) * 1.1


def test_what_is_known_later_says_what_to_run_to_know_it() -> None:
    """``wsltop doctor`` said "is known in 9 min 57 s" and ended; nothing said how to know it."""
    outlook = explain_outlook(
        (replace(gate("unknown"), windows=(UNSEEN,)),), Unavailable("not counted"), uptime=9000.0, drops=1
    )
    assert outlook is not None
    assert "wsltop doctor --watch 605" in say_outlook(outlook, screen=False)
    assert "wsltop" not in say_outlook(outlook), "the screen watches on"


UNSEEN = WindowState(name="10 min", seconds=600, busy=None, limit=0.005, watched=3.0, ok=None)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (None, ("windows-unknown", "note")),
        (20, ("windows-unknown", "note")),
        (7, ("windows-short", "warning")),
        (1, ("windows-short", "problem")),
    ],
)
def test_that_windows_is_short_is_known_where_the_vm_is_not(left: int | None, expected: tuple[str, str]) -> None:
    """With three vmmem, what Windows itself has left was thrown away: 1 of 32 GiB left was status 0."""
    host = SeveralVms("three", total=32 * GIB, available=None if left is None else left * GIB)
    lent = Lent(size=9 * GIB, measured=False, used=3 * GIB, parts=(Part(id="programs", size=3 * GIB),))
    matter = explain_matter(lent, host)
    assert (matter.id, matter.weight) == expected


@pytest.mark.parametrize(
    ("group", "command"),
    [
        ({"name": "docker web"}, "docker stop web"),
        ({"name": "podman 3f4a5b6c7d8e"}, "podman stop 3f4a5b6c7d8e"),
        ({"name": "docker web; reboot"}, None),
        ({"name": "containerd 3f4a5b6c7d8e"}, None),
        ({"name": "docker web", "anonymous": 200 * MIB}, None),
        ({"name": "docker web", "anonymous": None}, None),
        ({"name": "docker web", "ours": True}, None),
    ],
)
def test_stopping_a_container_is_a_way(group: dict[str, Any], command: str | None) -> None:
    made = replace(Group(path="docker/x", name="", kind="container", current=3 * GIB, anonymous=2 * GIB), **group)
    holders = Holders(processes=(), families=(), groups=(made,), elsewhere=NOT_FOLLOWED, reason="", unread=0)
    ways = list(stop_largest(ledger_of(cache_case()), None, holders))
    assert [way.command for way in ways] == ([] if command is None else [command])


def test_that_programs_wait_for_memory_matters() -> None:
    host = host_memory(working_set=4 * GIB, total=32 * GIB, available=20 * GIB)
    lent = Lent(size=host.working_set, measured=True, used=3 * GIB, parts=(Part(id="programs", size=3 * GIB),))
    stalled = Pressure(some_avg10=0.3, some_avg60=0.2, full_avg10=0.1, full_avg60=0.1)
    assert explain_matter(lent, host, pressure=stalled).weight == "note"
    assert explain_matter(lent, host, pressure=stalled).stalled == 0.2
    calm = replace(stalled, some_avg60=0.05)
    assert explain_matter(lent, host, pressure=calm) == explain_matter(lent, host)


def test_no_outlook_without_wsl() -> None:
    assert explain_outlook((), Unavailable("not counted"), uptime=100.0, drops=0) is None
    assert explained(sample()).outlook is None


def test_wsl_1_is_not_explained() -> None:
    session = Session(1.0)
    session.take(replace(sample(), surroundings=Surroundings(flavor="wsl1")))
    assert isinstance(session.explanation, Unavailable)


def test_windows_that_runs_out_is_said_before_it_has() -> None:
    host = host_memory(working_set=4 * GIB, total=32 * GIB, available=12 * GIB)
    lent = Lent(size=host.working_set, measured=True, used=3 * GIB, parts=(Part(id="programs", size=3 * GIB),))
    assert explain_matter(lent, host, trend=0.0).weight == "ok"
    assert explain_matter(lent, host, trend=-1.0 * MIB).runs_out is None
    falling = explain_matter(lent, host, trend=-40.0 * MIB)
    assert falling.weight == "note"
    assert falling.runs_out == pytest.approx((12 - 3.2) * 1024 / 40)


def test_the_trend_of_windows_is_measured_over_a_minute() -> None:
    session = Session(1.0)
    for second in range(0, 90, 5):
        available = 12 * GIB - second * 40 * MIB
        host = host_memory(working_set=4 * GIB, available=available, read_at=600.0 + second)
        session.take(later(small_sample(host=host, surroundings=Surroundings(flavor="wsl2")), float(second)))
        assert not isinstance(session.explanation, Unavailable)
        assert (session.explanation.matter.runs_out is not None) is (second >= 60)


def test_what_programs_hold_is_not_called_as_a_part_of_it() -> None:
    """Of 3.6 GiB "memory of programs" in the sentence, the figure below said 2.2 GiB."""
    lent = Lent(
        size=6 * GIB,
        measured=True,
        used=4 * GIB,
        parts=(Part(id="programs", size=2 * GIB), Part(id="cache-in-use", size=GIB), Part(id="cache-clean", size=GIB)),
    )
    assert "3.0 GiB" in say_cause(lent)
    assert "memory of programs" not in say_cause(lent)
    assert lent.parts[0].name not in say_cause(lent)
