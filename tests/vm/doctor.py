"""Scenarios of ``wsltop doctor``: what it says of states that are known."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from tests.vm.findings import MIB, Finding
from tests.vm.lab import Lab


def ask(lab: Lab, what: str, finding: str, status: int, *, without: str = "", watch: int = 3) -> Finding:
    """Ask the doctor; ``finding`` is the id that must be among what it says, ``status`` how it must end.

    ``without`` is an id that must not be.
    """
    job = lab.machine.start(sys.executable, "-m", "wsltop", "doctor", "--json", "--watch", str(watch))
    said = b"".join(job.stream(watch + 60.0))
    try:
        ids = [one["id"] for one in json.loads(said)["findings"]]
    except (ValueError, KeyError):
        ids = [said.decode(errors="replace")[-200:]]
    measured = f"{', '.join(ids)}; status {job.code}"
    expected = f"{finding}{', not ' if without else ''}{without}; status {status}"
    return Finding(what, expected, measured, finding in ids and without not in ids and job.code == status)


def judge(lab: Lab) -> Iterator[Finding]:
    """Nothing, then fragments, then nothing."""
    lab.settle()
    yield ask(lab, "nothing taken", "nothing-wrong", 0)
    lab.hogs("fragment", 1536 * MIB)
    lab.settle()
    yield ask(lab, "a half of 1536 freed", "fragmented-free", 0)
    lab.kill()
    lab.settle()
    yield ask(lab, "killed", "nothing-wrong", 0)


def judge_kept(lab: Lab) -> Iterator[Finding]:
    """1.5 GiB that was freed and not taken back; it takes a minute to be sure."""
    lab.settle()
    yield ask(lab, "freed 1536, kept by the host", "not-returned", 1, watch=65)


def judge_absent(lab: Lab) -> Iterator[Finding]:
    """A kernel in which no driver takes reports: its parameter says so.

    The host holds little, for little has been touched yet: that is no trimming.
    """
    yield ask(lab, "no driver", "reporting-absent", 1, without="host-trimmed")
