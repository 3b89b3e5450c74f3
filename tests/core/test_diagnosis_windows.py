"""The rules about Windows, ``.wslconfig``, and what cannot be read."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.core.diagnosis_scene import (
    NO,
    NOW,
    Case,
    check,
    event,
    evidence,
    host,
    judge,
    meminfo,
    past,
    sample,
)
from tests.core.test_diagnosis_free import KEPT
from tests.samples import hog
from wsltop.core.diagnosis.rules import diagnose
from wsltop.core.diagnosis.windows import vm_kind
from wsltop.core.history import Point
from wsltop.core.wslconfig.effective import Suggestion
from wsltop.core.wslconfig.lint import ConfigFinding
from wsltop.model.sample import WAITING, CpuTimes, Meminfo, ReportingOrder, Sample, Surroundings, Unavailable, VmProcess
from wsltop.model.text import GIB, MIB

TIMEOUT = "WSL (2 - ) ERROR: UtilAcceptVsock:271: accept4 failed 110"
BROKEN = Unavailable("the binfmt_misc entry for Windows programs is lost", "Run from Windows: wsl.exe --shutdown.")


def short_of(available: int, cache: int = GIB, fragmented: int = 0) -> Sample:
    return sample(figures=meminfo(cache=cache), fragmented=fragmented, host=host(8 * GIB, available=available))


def config(id_: str, severity: str = "warning", line: int | None = 3) -> ConfigFinding:
    assert severity in ("error", "warning", "note")
    return ConfigFinding(
        id=id_,
        line=line,
        severity="error" if severity == "error" else "note" if severity == "note" else "warning",
        text=f"memory is not read ({id_}).",
        remedy="Move it under [wsl2].",
    )


CPU = CpuTimes(user=0, nice=0, system=0, idle=1, cpus=1, boot_time=1_800_000_000)
TENTH, QUARTER = 32 * GIB // 10, 8 * GIB
GPU = "misc dxg: dxgk: dxgkio_make_resident: Ioctl failed: -12"
NINE = "git: page allocation failure: order:4, mode:0x40c40(GFP_NOFS|__GFP_COMP), nodemask=(null)"
NEWER = config("config-not-in-force", line=None)
DIFFERS = config("config-memory-differs")
TWO = (VmProcess(name="vmmemWSL", working_set=8 * GIB), VmProcess(name="vmmem", working_set=GIB))

CASES = (
    Case(
        "windows-short",
        evidence(short_of(QUARTER - 1)),
        evidence(short_of(QUARTER)),
        evidence(sample(figures=meminfo(cache=GIB), host=host(8 * GIB, available=NO))),
    ),
    Case(
        "windows-short-elsewhere",
        evidence(sample(host=host(2 * GIB, available=TENTH - 1))),
        evidence(short_of(TENTH - 1)),
        evidence(sample(host=NO)),
    ),
    Case(
        "lends-much",
        evidence(sample(host=host(12 * GIB, available=16 * GIB))),
        evidence(sample(host=host(10 * GIB, available=16 * GIB))),
        evidence(sample(host=NO)),
    ),
    Case(
        "gpu-memory",
        evidence(events=(event("log", GPU),)),
        evidence(events=(event("log", GPU, ago=3601.0),)),
        evidence(),
    ),
    Case(
        "drive-starved",
        evidence(events=(event("log", NINE), event("log", "p9_fcall_init+0x3a/0x70 [9pnet]"))),
        evidence(events=(event("log", NINE),)),
        evidence(),
    ),
    Case(
        "host-trimmed",
        evidence(sample(host=host(KEPT - GIB))),
        evidence(sample(host=host(KEPT - GIB + 1))),
        evidence(sample(host=NO)),
    ),
    Case("several-vms", evidence(vms=TWO), evidence(vms=TWO[:1]), evidence()),
    Case("interop-broken", evidence(interop_fault=BROKEN), evidence(interop_fault=None), evidence()),
    Case(
        "interop-timeouts",
        evidence(events=(event("init", TIMEOUT, ago=600.0), event("init", TIMEOUT))),
        evidence(events=(event("init", TIMEOUT, ago=600.1), event("init", TIMEOUT))),
        evidence(),
    ),
    Case(
        "config-ignored",
        evidence(config=(config("config-wrong-section", "error"),)),
        evidence(config=(config("config-duplicate"),)),
        evidence(),
    ),
    Case("config-not-in-force", evidence(config=(NEWER,)), evidence(config=(DIFFERS,)), evidence()),
    Case("config-differs", evidence(config=(DIFFERS,)), evidence(config=(DIFFERS, NEWER)), evidence()),
    Case(
        "config-doubtful",
        evidence(config=(config("config-duplicate"),)),
        evidence(config=(config("config-low", "note"), DIFFERS, NEWER)),
        evidence(),
    ),
    Case(
        "guest-unreadable",
        evidence(sample(meminfo=NO)),
        evidence(),
        evidence(sample(host=NO, kernel_log=NO)),
    ),
    Case(
        "host-unreadable",
        evidence(sample(host=NO)),
        evidence(),
        evidence(sample(host=NO), interop_fault=BROKEN),
    ),
    Case(
        "clock-stepped",
        evidence(sample(cpu=CPU, surroundings=Surroundings(init_began=1.8e9 - 120))),
        evidence(sample(cpu=CPU, surroundings=Surroundings(init_began=1.8e9 - 119))),
        evidence(),
    ),
    Case("log-unreadable", evidence(sample(kernel_log=NO)), evidence(), evidence(sample(host=NO))),
    Case("wsl1", evidence(flavor="wsl1"), evidence(), evidence(flavor="none")),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rule(case: Case) -> None:
    check(case)


def test_windows_short_says_both_figures() -> None:
    found = judge("windows-short", evidence(short_of(2 * GIB, cache=5 * GIB)))
    assert found is not None
    assert found.severity == "problem"
    for said in ("2.0 GiB of 32.0 GiB", "8.0 GiB", "5.0 GiB"):  # left, lent, and the file cache of it
        assert said in found.sentence
    assert (found.remedy[0].key, found.remedy[0].action) == ("d", "drop-cache")
    assert found.remedy[0].gives is not None
    assert found.remedy[0].gives > 4 * GIB


@pytest.mark.parametrize(
    ("lent", "left", "rule", "severity"),
    [
        (8 * GIB, TENTH - 1, "windows-short", "problem"),  # 5.9 GiB beyond programs is more than an eighth of 32 GiB
        (8 * GIB, QUARTER - 1, "windows-short", "warning"),
        (5 * GIB, QUARTER - 1, "windows-short", "note"),
        (5 * GIB, TENTH - 1, "windows-short-elsewhere", "warning"),
        (3 * GIB, QUARTER - 1, "windows-short-elsewhere", "note"),
        (3 * GIB, TENTH - 1, "windows-short-elsewhere", "warning"),
    ],
)
def test_the_less_windows_has_left_the_worse_it_is(lent: int, left: int, rule: str, severity: str) -> None:
    found = diagnose(evidence(sample(host=host(lent, available=left))))
    ids = {"windows-short", "windows-short-elsewhere", "lends-much", "nothing-wrong"}
    assert [(one.id, one.severity) for one in found if one.id in ids] == [(rule, severity)]


@pytest.mark.parametrize(
    ("lent", "left", "verdict"),
    [
        (8 * GIB, TENTH - 1, "WINDOWS IS SHORT"),
        (8 * GIB, QUARTER - 1, "WSL HOLDS MUCH"),
        (5 * GIB, QUARTER - 1, "WINDOWS FILLS UP"),
        (3 * GIB, QUARTER - 1, "WINDOWS FILLS UP"),
        (3 * GIB, TENTH - 1, "WINDOWS IS SHORT"),
    ],
)
def test_windows_is_called_short_only_below_a_tenth(lent: int, left: int, verdict: str) -> None:
    """With 21 % left it said "Windows is short", and was not believed any more when it was."""
    found = diagnose(evidence(sample(host=host(lent, available=left))))
    assert verdict in [one.verdict for one in found]
    assert all("less than a quarter" in one.sentence for one in found if one.verdict == "WINDOWS FILLS UP")


def test_a_windows_that_fills_up_without_wsl_is_not_blamed_on_it() -> None:
    taken = sample(host=host(4 * GIB, available=12 * GIB))
    seen = evidence(taken)
    assert not isinstance(seen.explanation, Unavailable)
    falling = replace(seen.explanation.matter, runs_out=120.0, weight="note", id="lends-much")
    found = judge("lends-much", replace(seen, explanation=replace(seen.explanation, matter=falling)))
    assert found is not None
    assert found.verdict == "WINDOWS FILLS UP"
    assert "2 min 00 s" in found.sentence


def test_a_small_wsl_is_not_blamed_and_other_vms_are_named() -> None:
    taken = sample(host=host(2 * GIB, available=700 * MIB))
    vms = (VmProcess(name="vmmemWSL", working_set=2 * GIB), VmProcess(name="vmmem", working_set=9 * GIB))
    found = judge("windows-short-elsewhere", evidence(taken, vms=vms))
    assert found is not None
    assert "700 MiB of 32.0 GiB" in found.sentence
    assert "2.0 GiB" in found.sentence
    assert ("vmmem", "9.0 GiB") in [(one.name, one.value) for one in found.evidence]


def test_windows_short_lowers_the_limit_but_never_raises_it() -> None:
    for size, lines in ((6, ["[wsl2]\nmemory=6GB"]), (8, []), (20, [])):
        suggestion = Suggestion(line=f"memory={size}GB", size=size * GIB, reasons=())
        found = judge("windows-short", evidence(short_of(GIB), suggestion=suggestion))
        assert found is not None
        assert [remedy.text for remedy in found.remedy if remedy.kind == "config"] == lines


def test_fragmented_memory_is_compacted_for_windows() -> None:
    found = judge("windows-short", evidence(short_of(GIB, cache=MIB, fragmented=3 * GIB)))
    assert found is not None
    assert found.remedy[0].action == "compact"


def test_a_late_host_is_not_trimmed() -> None:
    """The guest has just grown by 4 GiB, and the host's figure is from before."""
    late = sample(host=host(KEPT - GIB, read_at=NOW - 8))
    grown = tuple(Point(NOW - ago, GIB, GIB, None, KEPT - GIB if ago > 6 else KEPT) for ago in range(30, 0, -1))
    assert judge("host-trimmed", evidence(late, past=grown)) is None
    assert judge("host-trimmed", evidence(late, past=past(0, expected=KEPT))) is not None


def test_an_old_host_figure_says_nothing() -> None:
    assert judge("host-trimmed", evidence(sample(host=host(KEPT - GIB, read_at=NOW - 13)))) is None


def test_trimmed_names_the_host() -> None:
    taken = sample(host=host(KEPT - 2 * GIB))
    on_wsl, plain = judge("host-trimmed", evidence(taken)), judge("host-trimmed", evidence(taken, flavor="none"))
    assert on_wsl is not None
    assert plain is not None
    assert on_wsl.sentence.startswith("Windows holds 2.0 GiB less")
    assert plain.sentence.startswith("The host holds 2.0 GiB less")


def test_a_kernel_that_reports_nothing_is_not_trimmed() -> None:
    """It expects all of RAM to be with the host, and a guest that is young has not touched it yet."""
    nobody = sample(host=host(KEPT - 2 * GIB), reporting=ReportingOrder(order=11, assumed=False))
    reports = sample(host=host(KEPT - 2 * GIB), reporting=ReportingOrder(order=10, assumed=False))
    assert judge("host-trimmed", evidence(nobody)) is None
    assert judge("host-trimmed", evidence(reports)) is not None
    assert judge("host-trimmed", evidence(reports, page_reporting=False)) is None


def test_config_counts_and_shows_lines() -> None:
    wrong = [config("config-wrong-section", "error", line) for line in (3, 5, 7, 9)]
    found = judge("config-ignored", evidence(config=tuple(wrong)))
    assert found is not None
    assert found.sentence == ".wslconfig line 3: memory is not read (config-wrong-section). And 3 more."
    assert [figure.name for figure in found.evidence] == ["line 5", "line 7", "line 9"]
    assert [(remedy.text, bool(remedy.cost)) for remedy in found.remedy] == [("Move it under [wsl2].", True)]


def test_a_default_that_differs_is_a_note() -> None:
    found = judge("config-differs", evidence(config=(config("config-swap-differs", "note", None),)))
    assert found is not None
    assert found.severity == "note"


def test_hints_become_remedies() -> None:
    found = judge("interop-broken", evidence(interop_fault=BROKEN))
    assert found is not None
    assert found.remedy[0].text == BROKEN.hint
    unread = judge("log-unreadable", evidence(sample(kernel_log=Unavailable("it is gone."))))
    assert unread is not None
    assert "it is gone" in unread.sentence
    assert unread.remedy == ()


def test_the_expected_figure_stands_in_for_windows() -> None:
    found = judge("host-unreadable", evidence(sample(host=NO)))
    assert found is not None
    assert found.evidence[0].name == "expected"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("vmmemWSL", "WSL"), ("vmmemWindowsSandbox", "Windows Sandbox"), ("vmmembuilder", "a container machine")],
)
def test_virtual_machines_are_told_apart_by_their_names(name: str, kind: str) -> None:
    assert vm_kind(name) == kind


def test_a_windows_that_was_just_asked_is_not_a_fault() -> None:
    found = judge("host-unreadable", evidence(sample(host=WAITING)))
    assert found is not None
    assert (found.severity, found.verdict, found.evidence[0].name) == ("note", "ASKING WINDOWS", "expected")


@pytest.mark.parametrize(
    ("id_", "available", "figures"),
    [
        ("windows-short", QUARTER - 1, meminfo(anonymous=7 * GIB)),
        ("windows-short", TENTH - 1, meminfo(anonymous=7 * GIB, available=GIB)),
        ("memory-low", QUARTER + GIB, meminfo(anonymous=13 * GIB, available=256 * MIB)),
    ],
)
def test_what_wsltop_holds_is_named_first_and_its_key_is_the_first_remedy(
    id_: str, available: int, figures: Meminfo
) -> None:
    """`wsl --shutdown` was advised while four hogs of wsltop held the memory and X freed it."""
    hogs = tuple(hog(number) for number in range(1, 5))
    seen = evidence(sample(figures=figures, host=host(9 * GIB, available=available), hogs=hogs))
    found = next(finding for finding in diagnose(seen) if finding.id == id_)
    assert (found.remedy[0].key, found.remedy[0].action) == ("X", "hogs")
    assert found.evidence[0].amount == 4 * GIB
    assert found.sentence.index("4.0 GiB") < 30
    actions = [remedy.action for remedy in found.remedy if remedy.action]
    assert len(actions) == len(set(actions))
    explanation = seen.explanation
    assert not isinstance(explanation, Unavailable)
    assert explanation.best is not None
    assert explanation.best.key == "X"


def test_hogs_that_hold_little_are_not_the_matter() -> None:
    little = (hog(1, target=64 * MIB, resident=64 * MIB),)
    seen = evidence(sample(figures=meminfo(anonymous=7 * GIB), host=host(9 * GIB, available=QUARTER - 1), hogs=little))
    found = next(finding for finding in diagnose(seen) if finding.id == "windows-short")
    assert found.remedy[0].action != "hogs"
