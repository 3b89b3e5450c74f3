"""Random plausible machines: the explanation adds up, and the findings never say otherwise than it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.samples import host_memory, later, meminfo, small_sample
from wsltop.core.diagnosis.finding import rank
from wsltop.core.session import Session
from wsltop.model.sample import CpuTimes, FreeBlocks, Sample, Surroundings, Unavailable, Zone, known
from wsltop.model.text import GIB, MIB

PAGE = 4096
BLOCK = PAGE << 10
SHARE = st.integers(0, 100)
MATTERS = {"windows-short", "windows-short-elsewhere", "lends-much"}


@st.composite
def machines(draw: st.DrawFn) -> Sample:
    """A VM of 2 to 64 GiB in a Windows of up to 128, its RAM dealt out at random; Windows' figure near the model's."""
    total = draw(st.integers(2, 64)) * GIB
    names = (
        "anon_pages",
        "shmem",
        "cache",
        "slab_reclaimable",
        "slab_unreclaimable",
        "page_tables",
        "other",
        "scattered",
        "free",
    )
    weights = {name: draw(SHARE) for name in names}
    weights["free"] += 1
    sizes = {name: total * weight // sum(weights.values()) // BLOCK * BLOCK for name, weight in weights.items()}
    free = total - sum(size for name, size in sizes.items() if name not in ("scattered", "free"))
    scattered = min(sizes["scattered"], free)
    large = (free - scattered) // BLOCK
    single = (free - large * BLOCK) // PAGE
    figures: dict[str, Any] = {
        "total": total,
        "free": free,
        "available": min(total, free + sizes["cache"] + sizes["slab_reclaimable"] // 2),
        "buffers": 0,
        "cached": sizes["cache"] + sizes["shmem"],
        "active_file": sizes["cache"] // 2,
        "inactive_file": sizes["cache"] - sizes["cache"] // 2,
        "mapped": 0,
        "dirty": 0,
        "writeback": 0,
        "anon_pages": sizes["anon_pages"],
        "shmem": sizes["shmem"],
        "slab_reclaimable": sizes["slab_reclaimable"],
        "slab_unreclaimable": sizes["slab_unreclaimable"],
        "page_tables": sizes["page_tables"],
    }
    expected = total + 128 * MIB - large * BLOCK
    windows = draw(st.integers(max(4, -(-total // GIB)), 128)) * GIB
    lent = max(64 * MIB, min(windows, expected + draw(st.integers(-4 * GIB, 4 * GIB))))
    left = draw(st.integers(0, windows - lent))
    host: Any = host_memory(working_set=lent, total=windows, available=left or 1)
    if draw(st.integers(0, 9)) == 0:
        host = Unavailable("it does not answer")
    elif draw(st.integers(0, 9)) == 0:
        host = replace(host, available=Unavailable("tasklist does not say"))
    uptime = float(draw(st.integers(20, 10**6)))
    cpu = CpuTimes(user=draw(st.integers(0, 10**6)), nice=0, system=0, idle=round(uptime * 400), cpus=4)
    return replace(
        small_sample(),
        meminfo=meminfo(**figures),
        free_blocks=(FreeBlocks(node=0, zone="Normal", counts=(single, *(0,) * 9, large)),),
        zones=(Zone(node=0, zone="Normal", present=(total + 128 * MIB) // PAGE, managed=total // PAGE, low=1000),),
        host=host if isinstance(host, Unavailable) else replace(host, read_at=uptime),
        monotonic=uptime,
        cpu=cpu,
        surroundings=Surroundings(flavor=draw(st.sampled_from(["wsl2", "wsl2", "wsl2", "none"]))),
    )


@given(machine=machines(), more=st.integers(0, 3))
@settings(deadline=None, max_examples=150)
def test_the_findings_say_what_the_explanation_says(machine: Sample, more: int) -> None:
    session = Session(1.0)
    session.take(machine)
    for second in range(1, more + 1):
        session.take(later(machine, 5.0 * second))
    explanation = known(session.explanation)
    assert explanation is not None
    lent, matter = explanation.lent, explanation.matter
    ids = {finding.id for finding in session.findings}

    assert sum(part.size for part in lent.parts) == lent.size
    assert all(part.size > 0 for part in lent.parts if part.id != "trimmed")
    assert all(way.low <= way.gives <= way.high for way in explanation.ways)

    wsl = machine.surroundings.flavor == "wsl2"
    assert ids & MATTERS == ({matter.id} & MATTERS if wsl else set())
    if "nothing-wrong" in ids:
        assert all(rank(finding.severity) <= rank("note") for finding in session.findings)
        assert not wsl or matter.id == "plenty"
    if wsl and matter.available is not None and matter.total is not None:
        total, room = matter.total, matter.available / matter.total
        short = [finding for finding in session.findings if finding.id.startswith("windows-short")]
        assert bool(short) == (room < 0.25)
        assert all(rank(finding.severity) >= rank("warning") for finding in short) or room >= 0.1
        if room < 0.25 and lent.beyond_programs >= total / 8:
            assert all(rank(finding.severity) >= rank("warning") for finding in short)
        if room < 0.25 or lent.beyond_use > total / 4:
            assert "nothing-wrong" not in ids
    for finding in session.findings:
        for remedy in finding.remedy:
            assert remedy.gives is None or remedy.gives > 0
