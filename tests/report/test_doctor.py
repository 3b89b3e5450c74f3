"""``wsltop doctor``: text that fits, JSON that lasts, and the exit code."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.diagnosis_scene import NO, Case, event, evidence, gate, host, judge, meminfo, mode, sample
from tests.core.test_diagnosis_cache import BUSY
from tests.core.test_diagnosis_verdict import CASES
from wsltop.core.diagnosis.finding import Figure, Finding, Remedy, Severity
from wsltop.core.diagnosis.rules import diagnose
from wsltop.errors import ExitCode
from wsltop.model.text import GIB
from wsltop.report.doctor import WIDTH, cells, doctor, encode, exit_code, wrap

SEEN = evidence(
    sample(figures=meminfo(cache=5 * GIB), host=host(8 * GIB, available=NO)),
    gates=(gate(),),
    blockers=BUSY,
    reclaim=mode("dropCache"),
)
FOUND = tuple(finding for finding in (judge("cache-kept", SEEN),) if finding is not None)
KEPT = tuple(
    replace(one, remedy=(replace(one.remedy[0], gives=4 * GIB, low=3 * GIB, high=5 * GIB), *one.remedy[1:]))
    for one in FOUND
)

KILL = event("oom kill", "Out of memory: Killed process 512 (java) total-vm:20936kB, anon-rss:901944kB", 60)
TEXT = """\
WARNING  CACHE KEPT                                                 [cache-kept]
  5.0 GiB of file cache stays: the VM is too busy for WSL to drop it (node 1.2
  %, dockerd 0.40 %).
    file cache              5.0 GiB
    - not in use            5.0 GiB
    idle gate               shut; 10 min: 1.90 % of all CPUs in use, the limit
                            is 0.525 %
    mode                    dropCache
    CPUs in use             1.9 %
    not visible here        0.20 %
  -> Drop the file cache: key d on the screen, or in this shell:
       echo 1 | sudo tee /proc/sys/vm/drop_caches
     gives back: about 4.0 GiB (3.0 to 5.0 GiB)
     cost: files are read again
  -> Nice what keeps the VM busy: this WSL does not count niced processes, in
     this shell:
       renice -n 1 -p $(ps -L -o lwp= -p 4711,4712,99)
     cost: they give way to others; those of other users need sudo
  -> Wait for 3 idle minutes in place of 10, in %UserProfile%\\.wslconfig:
       [experimental]
       autoMemoryReclaim=gradual
     cost: the VM must be as idle as before; memory of programs may go to swap;
     takes effect after wsl --shutdown, which ends every distribution
"""


def test_text_golden() -> None:
    assert doctor(KEPT) == TEXT


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_case_fits_80_columns(case: Case) -> None:
    text = doctor(diagnose(case.hit))
    assert text.endswith("\n")
    assert all(cells(line) <= WIDTH and line == line.rstrip() for line in text.splitlines())


def test_a_problem_that_is_not_about_what_is_lent_is_named_in_the_first_line() -> None:
    """An OOM kill stood below an answer that did not mention it."""
    seen = evidence(sample(host=host(8 * GIB, available=3 * GIB)), events=(KILL,))
    found = diagnose(seen)
    assert found[0].id == "oom-kill"
    assert doctor(found, seen.explanation).startswith("OOM kill: The kernel killed java")
    first = msgspec.json.decode(encode(found, seen.explanation))["headline"][0]
    assert first.endswith(found[0].sentence)
    other = replace(found[0], severity="warning")
    assert not doctor((other, *found[1:]), seen.explanation).startswith("OOM kill")


def test_findings_stand_apart() -> None:
    text = doctor(diagnose(evidence(sample(kernel_log=NO, host=NO))))
    assert text.count("\n\n") == 1
    assert text.startswith("NOTE     WINDOWS UNKNOWN")


def test_nothing_at_all() -> None:
    assert doctor(()) == "Nothing to report.\n"
    document = msgspec.json.decode(encode(()))
    assert (document["schema"], document["severity"], document["verdict"], document["findings"]) == (2, "ok", None, [])


def test_json_has_stable_names() -> None:
    document = msgspec.json.decode(encode(KEPT))
    assert document["schema"] == 2
    assert document["severity"] == "warning"
    assert document["verdict"]["id"] == "cache-kept"
    first = document["findings"][0]
    assert list(first) == ["id", "severity", "verdict", "sentence", "evidence", "remedy"]
    assert first["evidence"][0] == {"name": "file cache", "value": "5.0 GiB", "amount": 5 * GIB, "unit": "bytes"}
    drop = first["remedy"][0]
    assert list(drop) == ["kind", "does", "text", "cost", "action", "key", "gives", "low", "high"]
    assert (drop["action"], drop["key"], drop["text"]) == (
        "drop-cache",
        "d",
        "echo 1 | sudo tee /proc/sys/vm/drop_caches",
    )
    assert drop["low"] <= drop["gives"] <= drop["high"]


@pytest.mark.parametrize(
    ("severities", "code"),
    [
        ((), ExitCode.OK),
        (("ok",), ExitCode.OK),
        (("ok", "note"), ExitCode.OK),
        (("note", "warning"), ExitCode.FAILURE),
        (("problem",), ExitCode.FAILURE),
    ],
)
def test_exit_code(severities: tuple[Severity, ...], code: ExitCode) -> None:
    found = tuple(Finding(id="x", severity=one, verdict="X", sentence="X.") for one in severities)
    assert exit_code(found) is code


@given(st.text(), st.integers(20, 80))
def test_wrapped_text_fits_and_loses_nothing(text: str, width: int) -> None:
    lines = list(wrap(text, width, first="  -> ", indent="     "))
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()).startswith("->")


def test_hostile_text_is_harmless() -> None:
    finding = Finding(
        id="x",
        severity="note",
        verdict="X",
        sentence="\x1b[31m" + "日本" * 60,
        evidence=(Figure("a very long name of a figure", "\u202evalue"), Figure("短", "x" * 200)),
        remedy=(Remedy(kind="command", does="see", text="ls\x07", cost=""),),
    )
    text = doctor((finding,))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert all(cells(line) <= WIDTH for line in text.splitlines())
