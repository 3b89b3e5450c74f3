"""The table of rules and the diagnosis as a whole: order, silence, the good word, and that nothing makes it raise."""

from __future__ import annotations

import re
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core import (
    test_diagnosis_cache,
    test_diagnosis_free,
    test_diagnosis_holders,
    test_diagnosis_kernel,
    test_diagnosis_mode,
    test_diagnosis_pressure,
    test_diagnosis_windows,
)
from tests.core.diagnosis_scene import NO, NOW, Case, evidence, explained, gate, guest, host, judge, sample
from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.finding import Finding, rank, title
from wsltop.core.diagnosis.rules import RULES, catalogue, diagnose, worst
from wsltop.core.explanation import Explanation
from wsltop.core.gate.rules import RULE_2_5_8, RULE_2_7_2, RULE_2_8_7, RULE_POST_2_9_4, IdleRule
from wsltop.model.sample import Event, HostMemory, Reading, Unavailable, known
from wsltop.model.text import GIB, clean

CASES: tuple[Case, ...] = (
    *test_diagnosis_cache.CASES,
    *test_diagnosis_free.CASES,
    *test_diagnosis_holders.CASES,
    *test_diagnosis_kernel.CASES,
    *test_diagnosis_mode.CASES,
    *test_diagnosis_pressure.CASES,
    *test_diagnosis_windows.CASES,
)
WINDOWS_ONLY = re.compile(r"wsl(?!top)|windows|mini_init|autoMemoryReclaim|vmmem|distribution|docker", re.IGNORECASE)

NAMES_IN_CASES = re.compile("docker web|/mnt/wsl")


def texts(finding: Finding) -> list[str]:
    """All text of a finding, line by line."""
    parts = [finding.id, finding.verdict, finding.sentence]
    parts += [text for figure in finding.evidence for text in (figure.name, figure.value)]
    for remedy in finding.remedy:
        parts += [remedy.does, remedy.cost, *remedy.text.split("\n")]
    return parts


def test_every_rule_has_its_cases_and_its_row() -> None:
    assert sorted(case.id for case in CASES) == sorted(rule.id for rule in RULES)
    rows = catalogue()
    assert sorted(row[0] for row in rows) == sorted([*(rule.id for rule in RULES), "nothing-wrong"])
    assert len({row[0] for row in rows}) == len(rows)
    assert [rank(row[1]) for row in rows] == sorted((rank(row[1]) for row in rows), reverse=True)
    assert all(len(row[2]) <= 80 and row[2].endswith(".") for row in rows)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_finding_is_fit_to_be_shown(case: Case) -> None:
    finding = judge(case.id, case.hit)
    assert finding is not None
    severity = next(row[1] for row in catalogue() if row[0] == finding.id)
    assert rank(finding.severity) <= rank(severity)
    assert finding.verdict == finding.verdict.upper()
    assert len(finding.verdict) <= 20
    assert len(finding.sentence) <= 200
    assert finding.sentence.endswith(".")
    assert all(len(figure.name) <= 24 for figure in finding.evidence)
    for remedy in finding.remedy:
        assert remedy.kind == "advice" or remedy.does
        assert all(len(line) <= 72 for line in remedy.text.split("\n")) or remedy.kind == "advice"
    assert all(text == clean(text) for text in texts(finding))
    assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding


def test_every_setting_names_its_section_and_the_restart() -> None:
    found = [finding for case in CASES if (finding := judge(case.id, case.hit))]
    lines = [remedy for finding in found for remedy in finding.remedy if remedy.kind == "config"]
    assert lines
    for remedy in lines:
        assert re.fullmatch(r"\[(experimental|wsl2)\]\n[A-Za-z]+=\w+", remedy.text)
        assert "wsl --shutdown" in remedy.cost


def test_a_healthy_machine_is_told_so() -> None:
    seen = evidence(guest(cache=int(4.2 * GIB)))
    first = diagnose(seen)[0]
    assert first.id == "nothing-wrong"
    assert first.severity == "ok"
    for said in ("12.0 GiB of 32.0 GiB", "6.8 GiB", "2.6 GiB"):  # Windows has left, lends, Linux uses
        assert said in first.sentence
    assert [figure.value for figure in first.evidence[:2]] == ["2.6 GiB of 16.0 GiB", "4.2 GiB"]
    assert worst(diagnose(seen)) == "ok"


@pytest.mark.parametrize(
    "windows",
    [
        NO,
        host(8 * GIB, available=NO),
        host(8 * GIB, available=8 * GIB - 1),  # less than a quarter of 32 GiB is left
        host(11 * GIB, available=20 * GIB),  # more than a quarter of Windows is lent beyond use
    ],
    ids=["Windows unreadable", "what is left unreadable", "a quarter left", "lends much"],
)
def test_nothing_is_wrong_is_never_said_without_windows(windows: Reading[HostMemory]) -> None:
    found = [finding.id for finding in diagnose(evidence(sample(host=windows)))]
    assert found
    assert "nothing-wrong" not in found


def test_on_plain_linux_the_guest_alone_may_be_well() -> None:
    assert diagnose(evidence(sample(host=NO), flavor="none"))[0].id == "nothing-wrong"


def test_wsl_1_is_not_judged_by_figures_of_windows() -> None:
    seen = evidence(guest(cache=0, huge=8 * GIB), flavor="wsl1")
    assert [finding.id for finding in diagnose(seen)] == ["wsl1"]


def test_nothing_is_claimed_of_an_unreadable_guest() -> None:
    found = diagnose(evidence(sample(meminfo=NO)))
    assert found[0].id == "guest-unreadable"
    silenced = diagnose(evidence(sample(meminfo=NO), silenced=frozenset({"guest-unreadable"})))
    assert "nothing-wrong" not in [finding.id for finding in silenced]


def test_the_worst_comes_first_and_notes_after_the_good_word() -> None:
    bad = replace(test_diagnosis_windows.CASES[0].hit, gates=(gate(),), flavor="wsl2")
    found = diagnose(bad)
    assert found[0].id == "windows-short"
    assert [rank(finding.severity) for finding in found] == sorted((rank(f.severity) for f in found), reverse=True)
    assert "nothing-wrong" not in [finding.id for finding in found]
    notes = diagnose(evidence(sample(kernel_log=NO)))
    assert [finding.id for finding in notes] == ["nothing-wrong", "log-unreadable"]


def test_silenced_findings_are_gone_but_not_denied() -> None:
    seen = test_diagnosis_windows.CASES[0].hit
    found = diagnose(replace(seen, silenced=frozenset({"windows-short", "unheard-of"})))
    assert found[0].verdict == "NOTHING ELSE WRONG"
    assert found[0].sentence.endswith("Silenced: windows-short.")
    quiet = diagnose(replace(seen, silenced=frozenset({"windows-short", "nothing-wrong"})))
    assert not {"windows-short", "nothing-wrong"} & {finding.id for finding in quiet}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_plain_linux_hears_nothing_of_wsl(case: Case) -> None:
    plain = explained(replace(case.hit, flavor="none"))
    for finding in diagnose(plain):
        for text in texts(finding):
            assert not WINDOWS_ONLY.search(NAMES_IN_CASES.sub("", text)), finding


def test_an_unknown_machine_is_not_taken_for_wsl() -> None:
    for case in CASES:
        unknown = explained(replace(case.hit, flavor=Unavailable("not read")))
        assert diagnose(unknown) == diagnose(explained(replace(case.hit, flavor="none")))


SIZES = st.integers(0, 1 << 62) | st.integers(0, 64).map(lambda size: size * GIB // 4)
FLOATS = st.floats(-1e12, 1e15, allow_nan=False)
STRINGS = st.sampled_from(["", "a", "\x1b[31mred\u202e", "日本" * 60, "6.6.87.2-microsoft-standard-WSL2", "x y" * 99])
LINES = st.sampled_from(
    [
        test_diagnosis_mode.ERROR,
        test_diagnosis_mode.FALLBACK,
        test_diagnosis_pressure.KILL,
        test_diagnosis_pressure.IN_GROUP,
        test_diagnosis_free.FAILED,
        test_diagnosis_free.REFUSED,
        test_diagnosis_windows.TIMEOUT,
        "\x00\x1b]0;",
    ]
)


def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type of the data model, sensible or not."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is IdleRule:
        return st.sampled_from([RULE_2_5_8, RULE_2_7_2, RULE_2_8_7, RULE_POST_2_9_4])
    if kind is Event:
        hints = get_type_hints(Event)
        fields = {name: anything(hint) for name, hint in hints.items() if name != "text"}
        return st.builds(Event, text=LINES, **fields)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        Explanation: st.sampled_from([made for case in CASES if (made := known(case.hit.explanation)) is not None]),
        int: SIZES | st.integers(-(1 << 62), 1 << 62),
        float: FLOATS | st.just(NOW),
        str: STRINGS,
        bool: st.booleans(),
        bytes: st.binary(max_size=60),
        type(None): st.none(),
    }
    if kind in simple:
        return simple[kind]
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of(*(anything(one) for one in arguments))
    if origin is tuple:
        return st.lists(anything(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(st.sampled_from(["oom_kill", "killed", "pswpin"]), SIZES, max_size=3)
    if origin is frozenset:
        return st.just(frozenset())
    if isinstance(kind, type) and issubclass(kind, tuple):
        return st.builds(kind, *(anything(hint) for hint in get_type_hints(kind).values()))
    hints = get_type_hints(kind)
    names = [field.name for field in msgspec.structs.fields(kind)]
    return st.builds(kind, **{name: anything(hints[name]) for name in names})


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_no_evidence_makes_it_raise(data: st.DataObject) -> None:
    parts = get_type_hints(Evidence)
    chosen = data.draw(st.sets(st.sampled_from(sorted(parts)), max_size=5))
    seen = evidence()
    for name in sorted(chosen):
        seen = replace(seen, **{name: data.draw(anything(parts[name]))})
    found = diagnose(seen)
    assert found == diagnose(seen)
    for finding in found:
        assert all(text == clean(text) for text in texts(finding))
    if seen.flavor == "none":
        assert not {finding.id for finding in found} & {rule.id for rule in RULES if rule.where == "wsl2"}


@settings(max_examples=60)
@given(st.integers(0, len(CASES) - 1), st.integers(0, len(CASES) - 1), st.booleans())
def test_findings_stand_side_by_side(first: int, second: int, silent: bool) -> None:
    """Parts of two cases together: ordered, each id once, the silenced one gone."""
    one, other, defaults = CASES[first], CASES[second].hit, evidence()
    parts = {
        field.name: getattr(other, field.name)
        for field in msgspec.structs.fields(Evidence)
        if field.name != "moment" and getattr(other, field.name) != getattr(defaults, field.name)
    }
    silenced = frozenset({one.id}) if silent else frozenset()
    found = diagnose(replace(one.hit, **parts, silenced=silenced))
    ids = [finding.id for finding in found]
    assert len(set(ids)) == len(ids)
    assert not silent or one.id not in ids
    ranks = [rank(finding.severity) for finding in found if finding.id != "nothing-wrong"]
    assert ranks == sorted(ranks, reverse=True)
    assert "nothing-wrong" not in ids[1:]
    if "nothing-wrong" in ids:
        assert max(ranks, default=0) <= rank("note")


@pytest.mark.parametrize(
    ("verdict", "begins"),
    [
        ("WINDOWS UNKNOWN", "Windows unknown"),
        ("ASKING WINDOWS", "Asking Windows"),
        ("OOM KILL", "OOM kill"),
        ("CACHE KEPT", "Cache kept"),
    ],
)
def test_names_keep_their_capitals_in_a_title(verdict: str, begins: str) -> None:
    """``Asking windows`` stood in the strip."""
    assert title(verdict) == begins
