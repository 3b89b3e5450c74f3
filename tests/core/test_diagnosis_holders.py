"""The rules about who holds memory: families, groups, mounts, huge pages."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.diagnosis_scene import NO, TOTAL, Case, check, evidence, guest, judge, mode, sample
from tests.samples import hog
from wsltop.core.holders import FamilyGrowth
from wsltop.model.sample import Family, Group, Groups, Holders, Mounts, ProcessUse, Reading, Tmpfs
from wsltop.model.text import GIB, MIB

NODE = Family(name="node", held=3 * GIB, anonymous=3 * GIB, pids=(4711, 4712), estimated=False)


def growth(minutes: float | None = 60.0, *, name: str = "node", growing: bool = True) -> FamilyGrowth:
    return FamilyGrowth(name=name, rate=230.0 * MIB, gained=GIB, span=300.0, growing=growing, minutes_left=minutes)


def holders(elsewhere: Reading[int] = NO) -> Holders:
    return Holders(
        processes=(),
        families=(NODE,),
        groups=NO,
        elsewhere=elsewhere,
        reason="",
        unread=0,
    )


def use_of(pid: int) -> ProcessUse:
    return ProcessUse(
        pid=pid,
        started=1,
        name="hog",
        family="hog",
        parent=1,
        state="S",
        rss=0,
        shared=0,
        user_ticks=0,
        system_ticks=0,
        nice=0,
    )


def group(name: str = "docker web", *, frozen: bool = False, anonymous: int = 0, limit: int | None = None) -> Group:
    return Group(
        path=f"docker/{name}",
        name=name,
        kind="container",
        current=300 * MIB,
        anonymous=anonymous,
        limit=limit,
        frozen=frozen,
    )


def groups(*found: Group, frozen: tuple[str, ...] = ()) -> Groups:
    return Groups(mode="v2", groups=found, frozen=frozen)


def mounts(*used: Reading[int], place: str = "/mnt/wsl") -> Mounts:
    return Mounts(
        tmpfs=tuple(
            Tmpfs(place=f"{place}{index or ''}", used=size, size=None, device=f"0:{index}", everywhere=not index)
            for index, size in enumerate(used)
        ),
        cgroups="v2",
    )


HIDDEN = TOTAL // 8
CASES = (
    Case(
        "family-growing",
        evidence(growth=(growth(480.0),)),
        evidence(growth=(growth(480.1), growth(3.0, name="wsltop"), growth(3.0, growing=False))),
        evidence(growth=(growth(None),)),
    ),
    Case(
        "elsewhere-hidden",
        evidence(holders=holders(HIDDEN)),
        evidence(holders=holders(HIDDEN - 1)),
        evidence(holders=holders(NO)),
    ),
    Case(
        "groups-frozen",
        evidence(groups=groups(frozen=("systemd",))),
        evidence(groups=groups(group())),
        evidence(),
    ),
    Case(
        "groups-left-out",
        evidence(groups=Groups(mode="v2", groups=(), left_out=GIB)),
        evidence(groups=Groups(mode="v2", groups=(), left_out=MIB)),
        evidence(),
    ),
    Case(
        "group-full",
        evidence(groups=groups(group(anonymous=900 * MIB, limit=1000 * MIB))),
        evidence(groups=groups(group(anonymous=899 * MIB, limit=1000 * MIB))),
        evidence(groups=groups(group(anonymous=900 * MIB))),
    ),
    Case(
        "tmpfs-big",
        evidence(mounts=mounts(512 * MIB, 512 * MIB)),
        evidence(mounts=mounts(512 * MIB, 512 * MIB - 1)),
        evidence(mounts=mounts(NO)),
    ),
    Case(
        "shared-hidden",
        evidence(guest(shared=GIB), mounts=mounts()),
        evidence(guest(shared=GIB), mounts=mounts(1)),
        evidence(guest(shared=GIB)),
    ),
    Case(
        "huge-pages-reserved",
        evidence(guest(huge=64 * MIB)),
        evidence(guest(huge=62 * MIB)),
        evidence(sample(meminfo=NO)),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("minutes", "severity"), [(14.9, "problem"), (15.0, "warning"), (119.9, "warning"), (120.0, "note")]
)
def test_growth_by_the_time_that_is_left(minutes: float, severity: str) -> None:
    found = judge("family-growing", evidence(growth=(growth(minutes),)))
    assert found is not None
    assert found.severity == severity


def test_growth_names_who_will_be_first() -> None:
    seen = evidence(growth=(growth(400.0, name="java"), growth(20.0)), holders=holders())
    found = judge("family-growing", seen)
    assert found is not None
    assert all(said in found.sentence for said in ("node", "230 MiB a minute", "20 min 00 s"))
    assert found.evidence[0].value == "3.0 GiB in 2 processes, +230 MiB/min over 5 min 00 s"


def test_hidden_memory_is_a_warning_from_a_third_on() -> None:
    found = judge("elsewhere-hidden", evidence(holders=holders(TOTAL // 3)))
    assert found is not None
    assert found.severity == "warning"


def test_a_hog_of_wsltop_is_no_hidden_memory() -> None:
    seen = holders(TOTAL // 3)
    hidden = (hog(1, resident=TOTAL // 3),)
    assert judge("elsewhere-hidden", evidence(sample(hogs=hidden), holders=seen)) is None
    visible = replace(seen, processes=(use_of(hidden[0].pid),))
    assert judge("elsewhere-hidden", evidence(sample(hogs=hidden), holders=visible)) is not None


def test_a_paused_container_is_a_note() -> None:
    found = judge("groups-frozen", evidence(groups=groups(group(frozen=True))))
    assert found is not None
    assert found.severity == "note"
    assert found.evidence[0].value == "paused with 300 MiB"


def test_resource_saver_and_gradual_do_not_mix() -> None:
    seen = evidence(groups=groups(frozen=("systemd",)), reclaim=mode("gradual"))
    found = judge("groups-frozen", seen)
    assert found is not None
    assert "do not mix" in found.remedy[0].text
    elsewhere = judge("groups-frozen", evidence(groups=groups(frozen=("systemd",)), flavor="none"))
    assert elsewhere is not None
    assert "Docker" not in elsewhere.remedy[0].text


@pytest.mark.parametrize("limit", [0, TOTAL, 1 << 62])
def test_a_limit_that_is_none(limit: int) -> None:
    assert judge("group-full", evidence(groups=groups(group(anonymous=TOTAL, limit=limit)))) is None


def test_tmpfs_of_all_distributions() -> None:
    found = judge("tmpfs-big", evidence(mounts=mounts(4 * GIB)))
    assert found is not None
    assert found.severity == "warning"
    assert "/mnt/wsl (shared by all distributions)" in found.sentence
    assert found.remedy[0].text == "sudo du -ahx /mnt/wsl | sort -h | tail"


@pytest.mark.parametrize("place", ["/mnt/\x1b]0;x\x07", "/mnt/" + "long" * 20, "/mnt/日本", "/mnt/a\nb"])
def test_a_strange_path_is_no_part_of_a_command(place: str) -> None:
    found = judge("tmpfs-big", evidence(mounts=mounts(4 * GIB, place=place)))
    assert found is not None
    assert found.remedy[0].kind == "advice"


def test_a_path_with_blanks_is_quoted() -> None:
    found = judge("tmpfs-big", evidence(mounts=mounts(4 * GIB, place="/mnt/a b")))
    assert found is not None
    assert found.remedy[0].text == "sudo du -ahx '/mnt/a b' | sort -h | tail"


def test_shared_memory_is_told_once() -> None:
    taken = guest(shared=4 * GIB)
    assert judge("shared-hidden", evidence(taken, mounts=mounts(), holders=holders(3 * GIB))) is None
    assert judge("shared-hidden", evidence(taken, mounts=mounts(), holders=holders(NO))) is not None
    assert judge("shared-hidden", evidence(taken, mounts=mounts(NO))) is None


def test_huge_pages_of_the_command_line() -> None:
    found = judge("huge-pages-reserved", evidence(guest(huge=2 * GIB), cmdline="quiet hugepages=1024 panic=-1"))
    assert found is not None
    assert found.severity == "warning"
    assert "hugepages=1024" in found.remedy[1].text
    plain = judge("huge-pages-reserved", evidence(guest(huge=GIB), cmdline="hugepages=512", flavor="none"))
    assert plain is not None
    assert len(plain.remedy) == 1


def test_families_of_two_parts_are_summed() -> None:
    both = replace(holders(), families=(NODE, NODE))
    found = judge("family-growing", evidence(growth=(growth(),), holders=both))
    assert found is not None
    assert found.evidence[0].value.startswith("6.0 GiB")
